/* SPDX-License-Identifier: Apache-2.0 */
/* One trial: the vault as it was made, an attack at one point, and everybody who could notice it or fall for it. */
#include "forger/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sealring/doctor.h>

#include "forger/files.h"

#define TRIAL_SECONDS 120

const char *const point_names[POINTS] = {"both",       "stopped",         "live, quiet",
                                         "live, loud", "before the poll", "before effective",
                                         "before run", "before the act"};
const char *const act_names[ACTS] = {"reissue", "narrow", "resume", "relabel", "rekey", "rotate", "policy", "issue"};
const char *const did_names[DIDS] = {"the restriction", "effective", "the act", "another act", "run"};
const char *const reporter_names[REPORTERS] = {
    "open", "poll", "act", "run", "audit verify", "audit verify after the undo", "a later open", "doctor"};

static const struct world *world;
static const struct plan *plan;
static struct outcome *out;
static bool exchanged;

static void report(enum reporter reporter, const char *text)
{
    if (out->reports[reporter]++ == 0)
        snprintf(out->reported[reporter], sizeof out->reported[reporter], "%.159s", text);
}

/* ---- Verdicts ---- */

static void hear(sealring_log_level level, const char *message, void *context)
{
    if (level >= SEALRING_LOG_WARNING)
        report(*(const enum reporter *)context, message);
}

static sealring_vault *serve(enum reporter *reporter)
{
    sealring_error error = {.message = ""};
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1};
    sealring_vault *verifier = NULL;
    if (sealring_open(world->work, &options, &verifier, &error) != SEALRING_OK) {
        report(*reporter, error.message);
        return NULL;
    }
    sealring_set_log(verifier, hear, reporter);
    sealring_statistics statistics = {.size = sizeof statistics};
    uint64_t warmed;
    do { /* as the maintenance threads do, until the credentials in use are in the cache */
        warmed = statistics.warmed;
        (void)sealring_maintain(verifier, NULL, NULL);
        sealring_stats(verifier, &statistics);
    } while (statistics.warmed > warmed);
    return verifier;
}

static void ask(sealring_vault *verifier, const char *text, struct answer *answer)
{
    sealring_grant grant = {.size = sizeof grant};
    answer->any = answer->write = SEALRING_UNAVAILABLE;
    if (verifier == NULL)
        return;
    answer->any = answer->write = sealring_verify(verifier, text, strlen(text), NULL, &grant);
    snprintf(answer->client, sizeof answer->client, "%s", grant.client);
    snprintf(answer->ring, sizeof answer->ring, "%s", grant.ring);
    snprintf(answer->scopes, sizeof answer->scopes, "%.63s", grant.scopes);
    if (answer->any == SEALRING_ACCEPTED)
        answer->write = sealring_verify(verifier, text, strlen(text), "write", NULL);
}

static void ask_all(sealring_vault *verifier, enum asked when)
{
    out->asked[when] = true;
    for (size_t i = 0; i < world->count; i++)
        ask(verifier, world->texts[i].text, &out->answers[when][i]);
}

static void poll(sealring_vault *verifier)
{
    sealring_error error = {.message = ""};
    if (verifier != NULL && sealring_maintain(verifier, NULL, &error) != SEALRING_OK)
        report(BY_POLL, error.message);
}

/* ---- Acts ---- */

static void note(enum did did, sealring_manager *manager, sealring_status status, const sealring_error *error)
{
    const char *said = status != SEALRING_OK ? error->message : sealring_manager_remark(manager);
    out->did[did] = status;
    snprintf(out->said[did], sizeof out->said[did], "%.159s", said);
}

static int take(const sealring_issued *issued, void *context)
{
    (void)context;
    if (out->handed == TRIAL_HANDED || issued->credential == NULL)
        return 0;
    snprintf(out->out[out->handed].text.text, sizeof out->out->text.text, "%s", issued->credential);
    snprintf(out->out[out->handed].text.key_id, sizeof out->out->text.key_id, "%s", issued->key_id);
    snprintf(out->out[out->handed++].client, sizeof out->out->client, "%s", issued->client);
    return 0;
}

static sealring_status act_reissue(sealring_manager *manager, sealring_error *error)
{
    return sealring_reissue(manager, plan->key_id, take, NULL, error);
}

static sealring_status act_narrow(sealring_manager *manager, sealring_error *error)
{
    return sealring_key_narrow(manager, plan->key_id, "read", error);
}

static sealring_status act_resume(sealring_manager *manager, sealring_error *error)
{
    return sealring_key_set_state(manager, plan->key_id, SEALRING_KEY_ACTIVE, "test", error);
}

static sealring_status act_relabel(sealring_manager *manager, sealring_error *error)
{
    return sealring_key_set_label(manager, plan->key_id, "renamed", error);
}

static sealring_status act_rekey(sealring_manager *manager, sealring_error *error)
{
    sealring_rekey_request request = {.size = sizeof request, .reason = "test"};
    return sealring_rekey(manager, plan->key_id, &request, take, NULL, error);
}

static sealring_status act_rotate(sealring_manager *manager, sealring_error *error)
{
    return sealring_version_change(manager, plan->ring, SEALRING_EVENT_ROTATE, 0, NULL, NULL, error);
}

static sealring_status act_policy(sealring_manager *manager, sealring_error *error)
{
    sealring_policy policy = {.usage_daily = INT64_C(86400000) * 500};
    return sealring_ring_set(manager, plan->ring, &policy, SEALRING_POLICY_USAGE_DAILY, error);
}

static sealring_status act_issue(sealring_manager *manager, sealring_error *error)
{
    sealring_issue_request request = {.client = "mallory", .label = "extra", .scopes = "read"};
    return sealring_issue(manager, plan->ring, &request, 1, 0, take, NULL, NULL, error);
}

static sealring_status act_other(sealring_manager *manager, sealring_error *error)
{
    return sealring_client_add(manager, "probe", NULL, error);
}

/* What it did not do although it should, and why. */
static int hear_plan(const sealring_plan *each, void *context)
{
    (void)context;
    if (each->state == SEALRING_PLAN_FAILED || each->state == SEALRING_PLAN_NOTICE ||
        each->state == SEALRING_PLAN_HELD || each->state == SEALRING_PLAN_FORBIDDEN)
        report(BY_RUN, each->text);
    return 0;
}

static sealring_status act_run(sealring_manager *manager, sealring_error *error)
{
    return sealring_run_once(manager, NULL, hear_plan, NULL, NULL, error);
}

/* As a command does it: with a manager of its own. */
static void carry_out(enum did did, sealring_status (*act)(sealring_manager *, sealring_error *))
{
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    sealring_status status = sealring_manager_open(world->work, NULL, &manager, &error);
    if (status == SEALRING_OK)
        status = act(manager, &error);
    note(did, manager, status, &error);
    sealring_manager_close(&manager);
}

static void do_act(void)
{
    static sealring_status (*const acts[ACTS])(sealring_manager *, sealring_error *) = {
        act_reissue, act_narrow, act_resume, act_relabel, act_rekey, act_rotate, act_policy, act_issue};
    carry_out(DID_ACT, acts[plan->act]);
}

/* The restrictions that an attack then tries to hide. */
static sealring_manager *restrict_some(void)
{
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    MUST(sealring_manager_open(world->work, NULL, &manager, &error), error);
    sealring_event_options options = {.size = sizeof options, .reason = "test"};
    sealring_status status =
        plan->edit == NULL || plan->edit->key_id[0] == '\0'
            ? sealring_version_change(manager, "payments", SEALRING_EVENT_COMPROMISE, 2, &options, NULL, &error)
            : sealring_key_set_state(manager, plan->key_id, SEALRING_KEY_SUSPENDED, "test", &error);
    note(DID_RESTRICT, manager, status, &error);
    MUST(sealring_key_set_state(manager, world_key(world, "spare"), SEALRING_KEY_REVOKED, "test", &error), error);
    return manager;
}

static void wait_effective(sealring_manager *manager)
{
    sealring_error error = {.message = ""};
    sealring_wait wait = {.size = sizeof wait};
    sealring_status status = sealring_wait_effective(manager, &wait, &error);
    note(DID_EFFECTIVE, manager, status, &error);
}

/* ---- Those who examine ---- */

static int hear_problem(uint64_t entry, const char *text, void *context)
{
    (void)entry;
    report(*(const enum reporter *)context, text);
    return 0;
}

static void verify_audit(enum reporter reporter)
{
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    sealring_audit_check check = {.size = sizeof check};
    sealring_audit_report result = {.size = sizeof result};
    sealring_status status = sealring_manager_open(world->work, NULL, &manager, &error);
    if (status == SEALRING_OK)
        status = sealring_audit_verify(manager, &check, hear_problem, &reporter, &result, &error);
    if (status != SEALRING_OK)
        report(reporter, error.message);
    sealring_manager_close(&manager);
}

static int hear_finding(const sealring_finding *finding, void *context)
{
    char text[160];
    (void)context;
    snprintf(text, sizeof text, "%s: %.100s", finding->code, finding->what);
    if (finding->severity >= SEALRING_SEVERITY_WARNING)
        report(BY_DOCTOR, text);
    return 0;
}

static void ask_doctor(void)
{
    sealring_error error = {.message = ""};
    sealring_doctor_options options = {.size = sizeof options};
    sealring_doctor_result result = {.size = sizeof result};
    if (sealring_doctor(world->work, &options, hear_finding, NULL, &result, &error) != SEALRING_OK)
        report(BY_DOCTOR, error.message);
}

/* ---- What is left ---- */

#define TIME(column) \
    "CASE WHEN " column " <= ?1 THEN " column " ELSE 'in ' || round((" column " - ?2) / 86400000.0) END"

static const char *const dumps[] = {
    "SELECT 'vault', lease_ms, refresh_ms, object_id_length, token_closes_keys FROM vault",
    "SELECT 'ring', name, prefix, overlap, purge_delay, keep, rotate_every, quiet_period, standby, idle_blocks, usage_hourly, usage_daily, succession,"
    " rotation_held, last_version, renew, renew_life, renew_age, deliver, leaks FROM ring ORDER BY id",
    "SELECT 'version', ring, number, state, was_compromised, closing_owed, " TIME("activated") ", " TIME(
        "retire_at") ", " TIME("closed") ", " TIME("purge_at") ", " TIME("destroyed") " FROM version",
    "SELECT 'key', k.key_id, c.name, k.ring, k.label, k.state, k.narrowed, k.narrowed_scopes, k.last_serial FROM api_key k JOIN client c"
    " ON c.id = k.client WHERE k.label <> 'extra' ORDER BY k.id",
    "SELECT 'credential', api_key, serial, version, scopes, label, predecessor, state, replaced, " TIME(
        "retire_at") ", " TIME("expires") ", " TIME("origin") ", imported FROM credential ORDER BY api_key, serial",
    "SELECT 'client', name, contact, " TIME("forgotten") " FROM client ORDER BY id",
};

static void dump_rows(sqlite3 *database, const char *sql, int64_t now, char text[TRIAL_DUMP])
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        world_fail(sql, sqlite3_errmsg(database));
    sqlite3_bind_int64(statement, 1, world->made);
    sqlite3_bind_int64(statement, 2, now);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        size_t length = strlen(text);
        for (int i = 0; i < sqlite3_column_count(statement) && length < TRIAL_DUMP; i++)
            length += (size_t)snprintf(text + length, TRIAL_DUMP - length, "%s|",
                                       sqlite3_column_type(statement, i) == SQLITE_NULL
                                           ? ""
                                           : (const char *)sqlite3_column_text(statement, i));
        snprintf(text + length, length < TRIAL_DUMP ? TRIAL_DUMP - length : 0, "\n");
    }
    sqlite3_finalize(statement);
}

static void dump(char text[TRIAL_DUMP])
{
    sqlite3 *database = NULL;
    if (sqlite3_open(world->registry, &database) != SQLITE_OK)
        world_fail(world->registry, "cannot be opened");
    snprintf(text, TRIAL_DUMP, "\n");
    for (size_t i = 0; i < sizeof dumps / sizeof *dumps; i++)
        dump_rows(database, dumps[i], (int64_t)time(NULL) * 1000, text);
    sqlite3_close(database);
}

/* ---- The order of things ---- */

static void do_attack(void)
{
    char why[256];
    if (plan->untouched)
        return;
    if (plan->sql != NULL && !attack(world->registry, plan->source, plan->sql, why, sizeof why))
        world_fail(plan->sql, why);
    if (plan->edit != NULL)
        out->impossible = !edit_do(world->registry, plan->edit, &exchanged);
    if (plan->point == POINT_LOUD)
        (void)attack(world->registry, NULL, TURN_EPOCH, why, sizeof why);
}

/* Once: to undo an exchange twice would repeat it. */
static void undo_attack(void)
{
    static bool undone;
    if (plan->edit != NULL && !plan->untouched && !undone)
        edit_undo(world->registry, plan->edit, exchanged);
    undone = true;
}

/* With the registry of the vault as it was made, and the keys as they are now. */
static void ask_keys(void)
{
    static enum reporter later = BY_LAST_OPEN;
    char path[2 * WORLD_PATH];
    snprintf(path, sizeof path, "%s/registry", world->whole);
    char to[2 * WORLD_PATH];
    snprintf(to, sizeof to, "%s/registry", world->work);
    files_copy(path, to);
    snprintf(path, sizeof path, "%s/verifiers", world->whole);
    snprintf(to, sizeof to, "%s/verifiers", world->work);
    files_copy(path, to);
    sealring_vault *keys = serve(&later);
    ask_all(keys, ASKED_KEYS);
    sealring_close(&keys);
}

/* starts: a verifier that started after the attack; NULL: there is none. */
static void finish(sealring_vault *starts)
{
    static enum reporter later = BY_LAST_OPEN;
    if (plan->doctor)
        ask_doctor();
    undo_attack();
    verify_audit(BY_AUDIT_LATER);
    sealring_vault *last = starts != NULL ? starts : serve(&later);
    poll(starts);
    ask_all(last, ASKED_LAST);
    for (size_t i = 0; i < out->handed; i++)
        ask(last, out->out[i].text.text, &out->out[i].answer);
    sealring_close(&last);
    dump(out->dump);
    (void)files_differ(world->whole, world->work, out->objects, sizeof out->objects);
    if (plan->keys)
        ask_keys();
    out->done = true;
}

static bool is_live(void)
{
    return plan->point == POINT_BOTH || (plan->point >= POINT_QUIET && plan->point <= POINT_REPORT);
}

static void go(void)
{
    static enum reporter polls = BY_POLL, opens = BY_OPEN;
    sealring_vault *live = is_live() ? serve(&polls) : NULL, *starts = NULL;
    sealring_manager *manager = NULL;
    dump(out->before);
    if (live != NULL)
        ask_all(live, ASKED_WARM);
    if (plan->point == POINT_COMMIT || plan->point == POINT_REPORT)
        manager = restrict_some();
    if (plan->point == POINT_REPORT)
        poll(live);
    do_attack();
    if (out->impossible) {
        out->done = true;
        return;
    }
    if (plan->point == POINT_STOPPED)
        live = serve(&opens);
    if (plan->point == POINT_COMMIT) /* no verifier has applied it */
        wait_effective(manager);
    poll(live);
    if (live != NULL)
        ask_all(live, ASKED_POLLED);
    if (plan->point == POINT_BOTH) {
        starts = serve(&opens);
        ask_all(starts, ASKED_OPENED);
    }
    if (plan->point == POINT_REPORT)
        wait_effective(manager);
    sealring_manager_close(&manager);
    if (plan->point < POINT_RUN)
        verify_audit(BY_AUDIT);
    if (plan->point == POINT_RUN)
        carry_out(DID_RUN, act_run);
    do_act();
    if (plan->point == POINT_ACT)
        undo_attack();
    carry_out(DID_OTHER, act_other);
    if (plan->point != POINT_RUN)
        carry_out(DID_RUN, act_run);
    poll(live);
    if (live != NULL)
        ask_all(live, ASKED_ACTED);
    poll(live); /* which passes on what it has noticed */
    sealring_close(&live);
    finish(starts);
}

void trial_run(const struct world *on, const struct plan *what, struct outcome *outcome)
{
    static struct outcome *shared;
    int status;
    if (shared == NULL)
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        world_fail("mmap", "no memory");
    memset(shared, 0, sizeof *shared);
    world_restore(on);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        world = on;
        plan = what;
        out = shared;
        alarm(TRIAL_SECONDS);
        go();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        world_fail("fork", "failed");
    *outcome = *shared;
}
