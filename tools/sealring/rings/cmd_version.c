/* SPDX-License-Identifier: Apache-2.0 */
/* sealring rotate, prepare, activate, rollback, retire, reinstate, compromise, destroy: one function, eight events. */
#include <inttypes.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/waitline.h"

#define TRIES_MOST 10 /* verifiers may join all the time */

/* A rotation creates a version and activates it: only each version's last state is printed. */
static bool is_last(const sealring_change *change, size_t index)
{
    for (size_t i = index + 1; i < change->count; i++)
        if (change->effects[i].version == change->effects[index].version)
            return false;
    return true;
}

/* What a version in this state means for people. */
static void print_effect(const struct session *session, const sealring_effect *effect)
{
    static const char *const meanings[] = {
        [SEALRING_VERSION_NONE] = "gone",
        [SEALRING_VERSION_PENDING] = "pending: accepted, and ready to be activated",
        [SEALRING_VERSION_ACTIVE] = "active",
        [SEALRING_VERSION_RETIRING] = "retiring: its credentials stay valid until ",
        [SEALRING_VERSION_RETIRED] = "retired: its credentials are rejected; its object is kept until ",
        [SEALRING_VERSION_COMPROMISED] = "compromised: its credentials are rejected for ever",
        [SEALRING_VERSION_DESTROYED] = "destroyed: its object is gone from the token",
    };
    bool retiring = effect->to == SEALRING_VERSION_RETIRING;
    bool retired = effect->to == SEALRING_VERSION_RETIRED;
    struct moment until = moment_format(retiring ? effect->retire_at : effect->purge_at, session->now);
    terminal_print(&session->out, "version %c%" PRIu32 PLAIN " %s %s%s%s\n", style_version_tone(effect->to),
                   effect->version, session->dry_run ? "would be" : "is", meanings[effect->to],
                   retiring || retired ? until.text : "", retiring ? " at least" : "");
}

static void print_change(const struct session *session, const sealring_change *change)
{
    for (int active = 1; active >= 0; active--)
        for (size_t i = 0; i < change->count; i++)
            if (is_last(change, i) && (change->effects[i].to == SEALRING_VERSION_ACTIVE) == active)
                print_effect(session, &change->effects[i]);
    if (change->guard[0] != '\0' && session->dry_run)
        terminal_print(&session->out, DIM "guards: %s" PLAIN "\n", change->guard);
    else if (change->guard[0] != '\0')
        session_say(session, "guards: %s", change->guard);
}

static void print_change_json(const struct session *session, const char *ring, const sealring_change *change,
                              bool effective)
{
    jsontext_print_as("change", json_pack("{s:s, s:s, s:b, s:o, s:b, s:b, s:s, s:s}", "ring", ring, "event",
                                          sealring_event_name((sealring_event)session->command->detail), "dry_run",
                                          (int)session->dry_run, "effects", jsontext_effects(change), "effective",
                                          (int)effective, "closing_owed", (int)change->closing_owed, "guard",
                                          change->guard, "remark", change->remark));
}

static int take_deliver(const sealring_ring_info *ring, void *context)
{
    *(sealring_deliver_mode *)context = ring->policy.deliver;
    return 0;
}

/* Who hands them over now. */
static void say_successors(const struct session *session, const char *ring)
{
    sealring_deliver_mode deliver = SEALRING_DELIVER_NONE;
    (void)sealring_ring_list(session->manager, ring, take_deliver, &deliver, NULL);
    if (deliver >= SEALRING_DELIVER_SEALED)
        session_say(session, "next: sealring run delivers the successors; sealring handover send %s does it now", ring);
    else
        session_say(session, "next: issue the successors: sealring reissue %s --all --out DIR/", ring);
}

static void say_next(const struct session *session, const char *ring)
{
    switch ((sealring_event)session->command->detail) {
    case SEALRING_EVENT_ROTATE:
    case SEALRING_EVENT_ACTIVATE:
        say_successors(session, ring);
        break;
    case SEALRING_EVENT_PREPARE:
        session_say(session, "next: sealring activate %s", ring);
        break;
    case SEALRING_EVENT_REINSTATE:
        session_say(session, "next: sealring activate %s %" PRIu32 ", if it is to issue again", ring,
                    session->options.version);
        break;
    case SEALRING_EVENT_ROLLBACK:
        session_say(session,
                    "rotation is on hold until `sealring activate %s VERSION` goes forward again, or "
                    "`sealring rotate %s` to a new version",
                    ring, ring);
        break;
    case SEALRING_EVENT_RETIRE:
    case SEALRING_EVENT_COMPROMISE:
    case SEALRING_EVENT_DESTROY:
        break;
    }
}

static int remember_current(const sealring_version_info *version, void *context)
{
    *(uint64_t *)context = version->current;
    return 0;
}

/* Retiring is the operator's decision, but not one to be taken unawares: whom it would lock out. */
static void warn_of_the_late(const struct session *session, uint32_t version, uint64_t late)
{
    if (late > 0)
        session_warn(session,
                     "%" PRIu64 " API key%s newest credential under version %" PRIu32 " and %s locked out%s: %s", late,
                     late == 1 ? " has its" : "s have their", version,
                     session->dry_run ? "would be" : (late == 1 ? "is" : "are"), session->dry_run ? "" : " now",
                     session->dry_run ? "sealring reissue first" : "sealring reinstate lets them in again");
}

/* Whether a version is pending still: then a rotation or activation waits for its barrier. Where none was named it is the next one, which was
 * never active: one that was reinstated becomes active by its own number only. */
static int find_pending(const sealring_version_info *version, void *context)
{
    uint32_t *pending = context;
    if (version->state == SEALRING_VERSION_PENDING && *pending == 0 && version->activated == 0)
        *pending = version->version;
    return 0;
}

/* Until every verifier can verify the pending version; then the event's second half. A verifier that joins between the two is waited for
 * as well. */
static sealring_status activate_later(struct session *session, const char *ring, const sealring_event_options *options,
                                      sealring_change *change)
{
    uint32_t pending = session->options.version;
    sealring_status status = SEALRING_WAITING;
    (void)sealring_version_list(session->manager, ring, pending, find_pending, &pending, NULL);
    change->waits_for_verifiers = true;
    for (int tries = 0; tries < TRIES_MOST && status == SEALRING_WAITING && change->waits_for_verifiers; tries++) {
        status = waitline_barrier(session, ring, pending);
        if (status != SEALRING_OK)
            return status;
        status = sealring_version_change(session->manager, ring, SEALRING_EVENT_ACTIVATE, pending, options, change,
                                         &session->error);
    }
    return status;
}

/* Whether what the event found in its way opens by itself. A rotation has made its version then. */
static bool may_wait(const struct session *session, sealring_status status, const sealring_change *change)
{
    sealring_event event = (sealring_event)session->command->detail;
    return status == SEALRING_WAITING && change->waits_for_verifiers && !session->dry_run &&
           !option_given(&session->options, "no-wait") &&
           (event == SEALRING_EVENT_ROTATE || event == SEALRING_EVENT_ACTIVATE);
}

/* Whether the change is effective only after a wait for verifiers. */
static bool takes_effect(const struct session *session)
{
    sealring_event event = (sealring_event)session->command->detail;
    return !session->dry_run && (event == SEALRING_EVENT_RETIRE || event == SEALRING_EVENT_COMPROMISE);
}

static int remember_owed(const sealring_version_info *version, void *context)
{
    *(bool *)context = version->closing_owed;
    return 0;
}

/* The object is closed in the token after the change is effective. */
static void say_what_is_owed(const struct session *session, const char *ring, sealring_change *change)
{
    if (!change->closing_owed || change->remark[0] != '\0')
        return;
    (void)sealring_version_list(session->manager, ring, session->options.version, remember_owed, &change->closing_owed,
                                NULL);
    if (change->closing_owed)
        snprintf(
            change->remark, sizeof change->remark,
            "signing with the version's key is not disabled in the token yet: the next command that uses the token does "
            "it, once the change is effective");
}

static int finish(struct session *session, const char *ring, sealring_change *change, uint64_t late)
{
    int result = STATUS_DONE;
    if (!session->json)
        print_change(session, change);
    warn_of_the_late(session, session->options.version, late);
    if (takes_effect(session))
        result = waitline_effective(session);
    say_what_is_owed(session, ring, change);
    if (session->json)
        print_change_json(session, ring, change, result == STATUS_DONE);
    if (change->remark[0] != '\0')
        session_warn(session, "%s", change->remark);
    if (!session->dry_run)
        say_next(session, ring);
    return result;
}

static const char *const overruling[] = {"overrule", "overrule-succession"};

static int check(struct session *session)
{
    const struct options *given = &session->options;
    for (size_t i = 0; i < sizeof overruling / sizeof *overruling; i++)
        if (option_given(given, overruling[i]) && option_given(given, "reason"))
            return session_refuse(session, STATUS_USAGE, "--%s has the reason already: do not give --reason",
                                  overruling[i]);
    return STATUS_DONE;
}

static int run(struct session *session)
{
    const struct options *given = &session->options;
    const char *ring = given->arguments[0];
    sealring_event_options options = {
        .size = sizeof options,
        .reason = option_text(given, "reason"),
        .overrule = option_given(given, "overrule"),
        .overrule_succession = option_given(given, "overrule-succession"),
    };
    for (size_t i = 0; i < sizeof overruling / sizeof *overruling; i++)
        if (option_given(given, overruling[i]))
            options.reason = option_text(given, overruling[i]);
    sealring_change change = {.size = sizeof change};
    uint64_t late = 0;
    if (session->command->detail == SEALRING_EVENT_RETIRE)
        (void)sealring_version_list(session->manager, ring, given->version, remember_current, &late, NULL);
    sealring_status status = sealring_version_change(session->manager, ring, (sealring_event)session->command->detail,
                                                     given->version, &options, &change, &session->error);
    if (may_wait(session, status, &change))
        status = activate_later(session, ring, &options, &change);
    return status == SEALRING_OK ? finish(session, ring, &change, late) : session_fail(session, status);
}

#define RING_ARGUMENT        "RING", "the ring", ARGUMENT_TEXT, 0
#define VERSION_ARGUMENT     "VERSION", "the version's number", ARGUMENT_VERSION, 0
#define VERSION_EVENT(event) .check = check, .run = run, .flags = COMMAND_CHANGES | COMMAND_TOKEN, .detail = (event)

const struct command command_rotate = {
    .words = "rotate",
    .purpose = "make the next version active; the former one stays accepted for the overlap",
    .arguments = {{RING_ARGUMENT}},
    .options = {{REASON_OPTION}, {WAIT_OPTION}, {NO_WAIT_OPTION}},
    .notes = "Uses the prepared version if there is one (a reinstated version is activated only by its number). "
             "Credentials of the predecessor are accepted until it is retired.",
    VERSION_EVENT(SEALRING_EVENT_ROTATE),
};

const struct command command_prepare = {
    .words = "prepare",
    .purpose = "create the next version, pending: accepted, issuing nothing yet",
    .arguments = {{RING_ARGUMENT}},
    .options = {{REASON_OPTION}},
    VERSION_EVENT(SEALRING_EVENT_PREPARE),
};

const struct command command_activate = {
    .words = "activate",
    .purpose = "make a pending or retiring version the active one",
    .arguments = {{RING_ARGUMENT}, {"VERSION", "the version's number; default: the pending one", ARGUMENT_VERSION, 1}},
    .options = {{REASON_OPTION}, {WAIT_OPTION}, {NO_WAIT_OPTION}},
    VERSION_EVENT(SEALRING_EVENT_ACTIVATE),
};

const struct command command_rollback = {
    .words = "rollback",
    .purpose = "make the newest retiring version active again",
    .arguments = {{RING_ARGUMENT}},
    .options = {{REASON_OPTION}},
    .notes =
        "Stops automatic rotation until an operator rotates or activates. To return to the newer version: sealring "
        "activate RING VERSION.",
    VERSION_EVENT(SEALRING_EVENT_ROLLBACK),
};

const struct command command_retire = {
    .words = "retire",
    .purpose = "reject a retiring version's credentials when its overlap has ended",
    .arguments = {{RING_ARGUMENT}, {VERSION_ARGUMENT}},
    .options = {{REASON_OPTION},
                {"overrule", "REASON", "do not wait for the gate; recorded in the audit log", OPTION_REASON},
                {"overrule-succession", "REASON",
                 "lock out clients that were issued no successor; recorded in the audit log", OPTION_REASON},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes =
        "Nobody must have used the version for the quiet period, and clients must have successors. Signing with its "
        "object is disabled, and the object is kept until the purge delay has ended. Until then sealring reinstate "
        "reverses the retirement.",
    VERSION_EVENT(SEALRING_EVENT_RETIRE),
};

const struct command command_reinstate = {
    .words = "reinstate",
    .purpose = "make a retired version pending again: it is accepted",
    .arguments = {{RING_ARGUMENT}, {VERSION_ARGUMENT}},
    .options = {{REASON_OPTION}},
    VERSION_EVENT(SEALRING_EVENT_REINSTATE),
};

const struct command command_compromise = {
    .words = "compromise",
    .purpose = "reject a version's credentials at once and for ever",
    .arguments = {{RING_ARGUMENT}, {VERSION_ARGUMENT}},
    .options = {{REASON_OPTION}, {WAIT_OPTION}, {NO_WAIT_OPTION}},
    .notes = "If the version was active, a pending version becomes active; without one, nothing is issued until one is "
             "prepared and activated. This cannot be reversed.",
    VERSION_EVENT(SEALRING_EVENT_COMPROMISE),
};

const struct command command_destroy = {
    .words = "destroy",
    .purpose = "destroy a closed version's object in the token",
    .arguments = {{RING_ARGUMENT}, {VERSION_ARGUMENT}},
    .options = {{REASON_OPTION}, {"overrule", "REASON", "do not wait; recorded in the audit log", OPTION_REASON}},
    .notes =
        "For a retired or compromised version whose purge delay has ended, or a pending version of which no client "
        "holds a credential. This cannot be reversed.",
    VERSION_EVENT(SEALRING_EVENT_DESTROY),
};
