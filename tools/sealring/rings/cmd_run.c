/* SPDX-License-Identifier: Apache-2.0 */
/* sealring run: carries out what the rings' policies want, once or in a loop that outlives passing trouble. */
#include <inttypes.h>
#include <stdlib.h>

#include <sealring/successors.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/notices/notices_view.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/handovers.h"

#define EVERY_DEFAULT 10000
#define BACK_OFF_MOST 60000
#define MEASURE_EVERY 250

struct running {
    struct session *session;
    json_t *before;    /* owned: what was reported in the turn before, as an object's names */
    json_t *now;       /* owned: the same of this turn */
    char notices[256]; /* the beginning of the last failure of sending */
    char remark[256];  /* the beginning of the last one */
    char trouble[sizeof((sealring_error *)0)->message];
    char undelivered[sizeof((sealring_error *)0)->message]; /* why successors cannot be delivered */
};

static const struct {
    sealring_event event;
    const char *done;
} deeds[] = {
    {SEALRING_EVENT_PREPARE, "prepared"},
    {SEALRING_EVENT_ACTIVATE, "activated"},
    {SEALRING_EVENT_RETIRE, "retired"},
    {SEALRING_EVENT_DESTROY, "destroyed"},
};

/* ---- what is reported --------------------------------------------------------------------------------------------------- */

/* Whether it is news; what was done, and what concerns the vault, always is. Of something that is blocked nothing is repeated while it does
 * not change. */
static bool is_news(struct running *running, const sealring_plan *plan)
{
    if (plan->state == SEALRING_PLAN_DONE || plan->ring[0] == '\0')
        return true;
    char *name = memory_text("%s %s %" PRIu32 " %s", plan->ring, sealring_event_name(plan->event), plan->version,
                             sealring_plan_state_name(plan->state));
    bool news = json_object_get(running->before, name) == NULL && json_object_get(running->now, name) == NULL;
    if (json_object_set_new_nocheck(running->now, name, json_true()) != 0)
        memory_lack();
    free(name);
    return news;
}

static void print_json(const sealring_plan *plan)
{
    json_t *object = json_pack("{s:o, s:o}", "time", jsontext_time(moment_now()), "ring",
                               plan->ring[0] != '\0' ? json_string(plan->ring) : json_null());
    json_object_update_new(object, jsontext_plan(plan));
    json_object_set_new(object, "effects", jsontext_effects(plan->change));
    jsontext_print_line(object);
}

static const char *deed(sealring_event event)
{
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if (deeds[i].event == event)
            return deeds[i].done;
    return "";
}

static void print_text(const struct running *running, const sealring_plan *plan)
{
    const struct style *style = &running->session->out;
    enum tone tone = plan->state == SEALRING_PLAN_DONE     ? TONE_GOOD
                     : plan->state == SEALRING_PLAN_FAILED ? TONE_BAD
                                                           : TONE_WARN;
    terminal_print(style, DIM "%s" PLAIN " ", moment_absolute(moment_now()).text);
    if (plan->ring[0] == '\0')
        terminal_print(style, "%cclocks" PLAIN ": %s\n", tone, plan->text);
    else if (plan->event == 0 && plan->version == 0)
        terminal_print(style, "%s: %c%s" PLAIN "\n", plan->ring, tone, plan->text);
    else if (plan->event == 0)
        terminal_print(style, "%s %" PRIu32 ": %s\n", plan->ring, plan->version, plan->text);
    else if (plan->state == SEALRING_PLAN_AHEAD)
        terminal_print(style, "%s: %cahead" PLAIN " to %s version %" PRIu32 " at %s, but it will wait: %s\n",
                       plan->ring, tone, sealring_event_name(plan->event), plan->version,
                       moment_absolute(plan->due).text, plan->foreseen);
    else if (plan->state == SEALRING_PLAN_DONE)
        terminal_print(style, "%s: %c%s version %" PRIu32 PLAIN " (%s)\n", plan->ring, tone, deed(plan->event),
                       plan->version, plan->text);
    else
        terminal_print(style, "%s: %c%s" PLAIN " to %s version %" PRIu32 ": %s\n", plan->ring, tone,
                       sealring_plan_state_name(plan->state), sealring_event_name(plan->event), plan->version,
                       plan->text);
}

static int hear(const sealring_plan *plan, void *context)
{
    struct running *running = context;
    if (!is_news(running, plan))
        return 0;
    if (running->session->json)
        print_json(plan);
    else
        print_text(running, plan);
    fflush(stdout);
    return signals_caught() != 0; /* between two steps */
}

/* ---- trouble, and its end --------------------------------------------------------------------------------------------------- */

static void say_trouble(struct running *running, bool over)
{
    struct session *session = running->session;
    const char *message = over ? "goes on" : session->error.message;
    if (!session_is_news(running->trouble, sizeof running->trouble, over ? "" : message))
        return;
    if (session->json)
        jsontext_print_line(json_pack("{s:o, s:s, s:s}", "time", jsontext_time(moment_now()), "state",
                                      over ? "recovered" : "trouble", "text", message));
    else if (over)
        session_say(session, "sealring run: goes on");
    else
        session_warn(session, "%s; tries again", message);
    fflush(stdout);
}

/* ---- notices ---------------------------------------------------------------------------------------------------------------- */

/* A failure does not concern the rings. It is reported once while it does not change. */
static bool send_notices(struct running *running)
{
    struct session *session = running->session;
    sealring_notices_result result = {.size = sizeof result};
    sealring_error error = {.message = ""};
    if (signals_caught() != 0)
        return true;
    sealring_status status = sealring_notices_send(session->manager, 0, notices_report, session, &result, &error);
    if (session_is_news(running->notices, sizeof running->notices, status != SEALRING_OK ? error.message : "") &&
        status != SEALRING_OK)
        session_warn(session, "notices are not sent: %s", error.message);
    return status == SEALRING_OK && result.alarms == 0;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------------------- */

static int hear_successor(const sealring_successor *successor, void *context)
{
    struct running *running = context;
    if (running->session->json)
        jsontext_print_line(
            json_pack("{s:o, s:o}", "time", jsontext_time(moment_now()), "successor", handovers_json(successor)));
    else
        handovers_print(&running->session->out, successor);
    fflush(stdout);
    return signals_caught() != 0;
}

/* After the versions' work. What stops this stops nothing else, and is reported once while it does not change. */
static void deliver(struct running *running, sealring_run_result *result)
{
    struct session *session = running->session;
    const sealring_successors_options options = {.size = sizeof options, .ring = session->options.arguments[0]};
    sealring_successors_result delivered = {.size = sizeof delivered};
    sealring_status status =
        sealring_successors_deliver(session->manager, &options, hear_successor, running, &delivered, &session->error);
    const char *trouble = status == SEALRING_OK ? "" : session->error.message;
    if (session_is_news(running->undelivered, sizeof running->undelivered, trouble) && trouble[0] != '\0')
        session_warn(session, "%s", trouble);
    result->failed += delivered.failed + (status != SEALRING_OK);
    if (delivered.more)
        result->come_back = 0;
}

static sealring_status turn(struct running *running, sealring_run_result *result)
{
    struct session *session = running->session;
    sealring_run_options options = {
        .size = sizeof options,
        .ring = session->options.arguments[0],
    };
    sealring_status status = session_connect(session, false);
    if (status == SEALRING_OK)
        status = sealring_run_once(session->manager, &options, hear, running, result, &session->error);
    if (status == SEALRING_OK) {
        json_decref(running->before);
        running->before = running->now;
        running->now = json_object();
        deliver(running, result);
    }
    return status;
}

/* What the acts of a turn left to report (a checkpoint that could not be signed), once while it does not change. */
static void say_remark(struct running *running)
{
    const char *remark = sealring_manager_remark(running->session->manager);
    if (session_is_news(running->remark, sizeof running->remark, remark) && remark[0] != '\0')
        session_warn(running->session, "%s", remark);
}

/* A turn; and others for as long as something waits for verifiers that seem to be silent or lost, as only this process can measure that
 * they are: at most the lease x 1.01 + 1 s. */
static int run_turns(struct running *running)
{
    struct session *session = running->session;
    uint32_t failed = 0;
    for (;;) {
        sealring_run_result result = {.size = sizeof result};
        sealring_status status = turn(running, &result);
        if (status != SEALRING_OK)
            return signals_caught() == 0 ? session_fail(session, status) : STATUS_DONE;
        failed += result.failed + !send_notices(running);
        if (result.silence == 0 || session->dry_run || signals_caught() != 0)
            return failed > 0 ? STATUS_REFUSED : result.unsigned_log ? STATUS_TOKEN : STATUS_DONE;
        signals_sleep(result.silence < MEASURE_EVERY ? result.silence : MEASURE_EVERY);
    }
}

/* Whatever happens, the loop continues; what failed is opened again the next time. */
static int loop(struct running *running, int64_t every)
{
    struct session *session = running->session;
    int64_t back_off = every;
    while (signals_caught() == 0) {
        sealring_run_result result = {.size = sizeof result};
        sealring_status status = turn(running, &result);
        if (signals_caught() != 0)
            break;
        if (status == SEALRING_OK) {
            if (running->trouble[0] != '\0')
                say_trouble(running, true);
            back_off = every;
            say_remark(running);
            (void)send_notices(running);
            signals_sleep(result.come_back < every ? result.come_back : every);
            continue;
        }
        say_trouble(running, false);
        sealring_manager_close(&session->manager);
        signals_sleep(back_off);
        back_off = back_off * 2 < BACK_OFF_MOST ? back_off * 2 : BACK_OFF_MOST;
    }
    return STATUS_DONE;
}

static int check(struct session *session)
{
    static const struct {
        const char *option;
        const char *why;
    } of_one_turn[] = {
        {"dry-run", "nothing would ever change"},
        {"take-over", "it is an answer to one alarm, not to all that come"},
        {"trust-clock", "it is an answer to one checkpoint, not to all that come"},
    };
    for (size_t i = 0; i < sizeof of_one_turn / sizeof *of_one_turn; i++)
        if (option_given(&session->options, of_one_turn[i].option) && !option_given(&session->options, "once"))
            return session_refuse(session, STATUS_USAGE, "--%s wants --once: %s", of_one_turn[i].option,
                                  of_one_turn[i].why);
    return STATUS_DONE;
}

static int run(struct session *session)
{
    struct running running = {.session = session, .before = json_object(), .now = json_object()};
    int64_t every = option_number(&session->options, "every");
    int exit_status = session_environment(session);
    if (exit_status != STATUS_DONE)
        goto cleanup;
    signals_watch();
    exit_status = option_given(&session->options, "once") ? run_turns(&running)
                                                          : loop(&running, every != 0 ? every : EVERY_DEFAULT);
    signals_release();
cleanup:
    json_decref(running.before);
    json_decref(running.now);
    return exit_status;
}

const struct command command_run = {
    .words = "run",
    .purpose = "rotate, retire and destroy versions, and deliver successors, as the rings' policies require",
    .arguments = {{"RING", "only this ring; default: all rings", ARGUMENT_TEXT, 1}},
    .options = {{"once", NULL, "run one turn, as for a timer; default: a loop until SIGTERM or SIGINT", OPTION_FLAG},
                {"every", "DURATION", "the longest pause between two turns; default: 10s", OPTION_INTERVAL}},
    .notes =
        "Prepares, activates, retires and destroys versions when the policy requires it and the guards permit it. "
        "Disables signing in the token for versions whose retirement is effective. Then issues successors in rings with "
        "--deliver sealed or hook, and passes them to the hooks and the directory that sealring.conf names. Prints a line for each act, and "
        "once for each step that is due and blocked. Several may run at the same time. A rollback stops rotation. "
        "While the wall clock cannot be trusted, nothing irreversible happens. The loop continues if the token or "
        "the registry is unavailable for a while.",
    .examples = {"sealring run --vault /var/lib/sealring", "sealring run --once --dry-run"},
    .check = check,
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN | COMMAND_OPENS_ITSELF,
};
