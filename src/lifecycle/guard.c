/* SPDX-License-Identifier: Apache-2.0 */
/* Guards: decide whether an event may happen now, with one line of reason for the operator. */
#include "lifecycle/guard.h"

#include <stdio.h>
#include <string.h>

#include "base/capped.h"
#include "base/timetext.h"
#include "base/utf8.h"

#define NAMES_SHOWN 3  /* blockers that are named; the others are counted */
#define NAME_SHOWN  40 /* bytes shown of a verifier's name */

/* ---- Verifiers that block ------------------------------------------------------------------------------------------- */

/* Returns whether this verifier blocks, and writes why into `why` (which is not used if it does not). */
#define WHY_SIZE 64
typedef bool (*blocks_function)(const struct lifecycle_verifier *verifier, const struct guard_question *asked,
                                char why[WHY_SIZE]);

/* Appends "web1 (fact 5 of 7), web2 (not proved) and 12 more". Returns the number of verifiers that block. */
static size_t say_blockers(char reason[LIFECYCLE_REASON_SIZE], blocks_function blocks,
                           const struct guard_question *asked)
{
    size_t blockers = 0;

    for (size_t i = 0; i < asked->evidence->verifier_count; i++) {
        const struct lifecycle_verifier *verifier = &asked->evidence->verifiers[i];
        const char *name = verifier->name != NULL && verifier->name[0] != '\0' ? verifier->name : "unnamed";
        bool cut = strlen(name) > NAME_SHOWN;
        char why[WHY_SIZE];
        if (!blocks(verifier, asked, why) || ++blockers > NAMES_SHOWN)
            continue;
        guard_say(reason, "%s%.*s%s (%s)", blockers > 1 ? ", " : "", cut ? (int)utf8_cut(name, NAME_SHOWN) : NAME_SHOWN,
                  name, cut ? "..." : "", why);
    }
    if (blockers > NAMES_SHOWN)
        guard_say(reason, " and %zu more", blockers - NAMES_SHOWN);
    return blockers;
}

static bool proved(const struct lifecycle_verifier *verifier, uint32_t number)
{
    for (size_t i = 0; i < verifier->proved_count; i++)
        if (verifier->proved[i] == number)
            return true;
    return false;
}

static bool blocks_barrier(const struct lifecycle_verifier *verifier, const struct guard_question *asked,
                           char why[WHY_SIZE])
{
    const struct lifecycle_version *version = asked->version;
    if (verifier->lease_over)
        return false;
    if (verifier->facts < version->fact) {
        snprintf(why, WHY_SIZE, "at fact %llu, not %llu", (unsigned long long)verifier->facts,
                 (unsigned long long)version->fact);
        return true;
    }
    snprintf(why, WHY_SIZE, "not proved");
    return !proved(verifier, version->number);
}

/* Adds the last alarm of the first blocking verifier that reported one. */
static void say_alarm(char reason[LIFECYCLE_REASON_SIZE], const struct guard_question *asked)
{
    for (size_t i = 0; i < asked->evidence->verifier_count; i++) {
        const struct lifecycle_verifier *verifier = &asked->evidence->verifiers[i];
        char why[WHY_SIZE];
        if (verifier->alarm == NULL || verifier->alarm[0] == '\0' || !blocks_barrier(verifier, asked, why))
            continue;
        guard_say(reason, "; last alarm: %s", verifier->alarm);
        return;
    }
}

size_t guard_barrier_missing(const struct guard_question *asked, char missing[LIFECYCLE_REASON_SIZE])
{
    size_t blockers = say_blockers(missing, blocks_barrier, asked);
    say_alarm(missing, asked);
    return blockers;
}

enum lifecycle_answer guard_barrier(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE])
{
    unsigned long number = asked->version->number;
    size_t count = asked->evidence->verifier_count, silent = 0;
    char missing[LIFECYCLE_REASON_SIZE] = "";

    reason[0] = '\0';
    if (count == 0) {
        size_t ahead = asked->evidence->verifiers_ahead;
        if (ahead > 0)
            guard_say(reason, "barrier ahead: version %lu waits until %zu verifiers have proved it", number, ahead);
        else
            guard_say(reason, "barrier open: no verifier is registered");
        return LIFECYCLE_ALLOWED;
    }
    size_t blockers = guard_barrier_missing(asked, missing);
    if (blockers > 0) {
        guard_say(reason, "barrier closed: %zu of %zu verifiers cannot verify version %lu yet: %s", blockers, count,
                  number, missing);
        return LIFECYCLE_WAITING;
    }
    for (size_t i = 0; i < count; i++)
        silent += asked->evidence->verifiers[i].lease_over;
    guard_say(reason, "barrier open: %zu of %zu verifiers proved version %lu", count - silent, count, number);
    if (silent > 0)
        guard_say(reason, ", the lease of %zu has expired", silent);
    return LIFECYCLE_ALLOWED;
}

static bool blocks_era(const struct lifecycle_verifier *verifier, const struct guard_question *asked,
                       char why[WHY_SIZE])
{
    (void)asked;
    snprintf(why, WHY_SIZE, "by what was before");
    return !verifier->lease_over && verifier->epoch == 0;
}

size_t guard_era_missing(const struct guard_question *asked, char missing[LIFECYCLE_REASON_SIZE])
{
    return say_blockers(missing, blocks_era, asked);
}

enum lifecycle_answer guard_era(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE])
{
    char missing[LIFECYCLE_REASON_SIZE] = "";
    size_t blockers = asked->evidence->new_era ? guard_era_missing(asked, missing) : 0;

    reason[0] = '\0';
    if (blockers > 0)
        guard_say(reason, "the registry was rolled back, and %zu of %zu verifiers have not applied that yet: %s",
                  blockers, asked->evidence->verifier_count, missing);
    return blockers > 0 ? LIFECYCLE_WAITING : LIFECYCLE_ALLOWED;
}

static bool blocks_gate(const struct lifecycle_verifier *verifier, const struct guard_question *asked,
                        char why[WHY_SIZE])
{
    int64_t now = asked->evidence->now;
    int64_t from = capped_subtract(now, asked->evidence->quiet_period);
    int64_t until = now;
    char text[TIMETEXT_SIZE];

    if (verifier->last_use != 0 && verifier->last_use >= from) {
        snprintf(why, WHY_SIZE, "used %s ago", guard_about(capped_subtract(now, verifier->last_use), text));
        return true;
    }
    if (verifier->joined != 0 && verifier->joined > from)
        from = verifier->joined;
    if (verifier->lease_over && verifier->stopped != 0 && verifier->stopped < until)
        until = verifier->stopped;
    if (from >= until)
        return false; /* it did not serve in the quiet period */
    if (verifier->reports_until == 0) {
        snprintf(why, WHY_SIZE, "no reports");
        return true;
    }
    if (verifier->reports_until < until) {
        snprintf(why, WHY_SIZE, "no reports for %s", guard_about(capped_subtract(now, verifier->reports_until), text));
        return true;
    }
    snprintf(why, WHY_SIZE, "reports only since %s ago",
             guard_about(capped_subtract(now, verifier->reports_from), text));
    return verifier->reports_from > from;
}

/* "KEY of client NAME (3s ago), … and 12 more"; of `count` users `named` are listed */
static void say_users(char reason[LIFECYCLE_REASON_SIZE], const struct lifecycle_user *users, size_t named,
                      size_t count, int64_t now)
{
    char text[TIMETEXT_SIZE];
    size_t shown = named < NAMES_SHOWN ? named : NAMES_SHOWN;

    for (size_t i = 0; i < shown; i++) {
        guard_say(reason, "%s%.90s", i > 0 ? ", " : "", users[i].name);
        if (users[i].last_use != 0)
            guard_say(reason, " (%s ago)", guard_about(capped_subtract(now, users[i].last_use), text));
    }
    if (count > shown)
        guard_say(reason, " and %zu more", count - shown);
}

/* Returns whether a use was reported in the quiet period, and names the users; if no user or verifier is listed, writes how long ago it
 * was. */
static bool say_uses(char reason[LIFECYCLE_REASON_SIZE], const struct lifecycle_evidence *evidence, bool listed)
{
    char text[TIMETEXT_SIZE];
    int64_t from = capped_subtract(evidence->now, evidence->quiet_period);

    if (evidence->user_count > 0) {
        guard_say(reason, ", but it is in use: ");
        say_users(reason, evidence->users, evidence->user_count, evidence->user_count, evidence->now);
    } else if (evidence->last_use != 0 && evidence->last_use >= from && !listed) {
        guard_say(reason, ", but it was used %s ago",
                  guard_about(capped_subtract(evidence->now, evidence->last_use), text));
    }
    return evidence->last_use != 0 && evidence->last_use >= from;
}

enum lifecycle_answer guard_gate(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE])
{
    const struct lifecycle_evidence *evidence = asked->evidence;
    char text[TIMETEXT_SIZE], blocking[LIFECYCLE_REASON_SIZE] = "";

    reason[0] = '\0';
    if (asked->version->retire_at <= 0) {
        guard_say(reason, "version %lu has no end of its window: the registry is damaged",
                  (unsigned long)asked->version->number);
        return LIFECYCLE_FORBIDDEN; /* in doubt: no */
    }
    if (!guard_say_deadline(reason, "window", asked->version->retire_at, evidence->now))
        return LIFECYCLE_WAITING;
    if (evidence->quiet_period <= 0)
        return LIFECYCLE_ALLOWED;

    size_t blockers = say_blockers(blocking, blocks_gate, asked);
    bool used = say_uses(reason, evidence, blockers > 0);
    bool idle = evidence->idle_blocks && evidence->idle_count > 0;
    guard_about(evidence->quiet_period, text);
    if (blockers > 0)
        guard_say(reason, ", but %zu of %zu verifiers do not show %s without a use: %s", blockers,
                  evidence->verifier_count, text, blocking);
    if (idle) {
        guard_say(reason, ", but never called (the policy has idle keys block): ");
        say_users(reason, evidence->idle, evidence->idle_count, evidence->idle_count, evidence->now);
    }
    if (blockers > 0 || used || idle)
        return LIFECYCLE_WAITING;
    if (evidence->verifier_count == 0)
        guard_say(reason, ", no verifier is registered");
    else
        guard_say(reason, ", no use for %s by the reports of %zu verifier%s", text, evidence->verifier_count,
                  evidence->verifier_count == 1 ? "" : "s");
    return LIFECYCLE_ALLOWED;
}

/* ---- Succession ------------------------------------------------------------------------------------------------------- */

/* Names the API keys without a successor, and the command that helps. Shows fewer names rather than no command: one name, of 90 bytes
 * at most, always leaves room for it. */
static void say_behind(char reason[LIFECYCLE_REASON_SIZE], const struct guard_question *asked)
{
    const struct lifecycle_evidence *evidence = asked->evidence;
    char command[160], text[TIMETEXT_SIZE];
    size_t count = evidence->behind_count;
    size_t named = evidence->behind_named < NAMES_SHOWN ? evidence->behind_named : NAMES_SHOWN;
    int length =
        snprintf(command, sizeof command, "; run `sealring reissue %.64s --all --out DIR/`", asked->ring->name);
    guard_about(evidence->succession, text);
    for (;; named--) {
        reason[0] = '\0';
        guard_say(reason, "%zu%s API key%s used in the last %s %s no credential newer than version %lu: ", count,
                  evidence->behind_more ? " or more" : "", count == 1 ? "" : "s", text, count == 1 ? "has" : "have",
                  (unsigned long)asked->version->number);
        say_users(reason, evidence->behind, named, count, evidence->now);
        if (named <= 1 || strlen(reason) + (size_t)length < LIFECYCLE_REASON_SIZE)
            break;
    }
    guard_say(reason, "%s", command);
}

enum lifecycle_answer guard_succession(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE])
{
    const struct lifecycle_evidence *evidence = asked->evidence;
    char text[TIMETEXT_SIZE];
    size_t count = evidence->behind_count;

    reason[0] = '\0';
    if (evidence->contested_count > 0) {
        guard_say(reason, "%zu API key%s contested: ", evidence->contested_count,
                  evidence->contested_count == 1 ? " is" : "s are");
        say_users(reason, evidence->contested, evidence->contested_count, evidence->contested_count, evidence->now);
        guard_say(reason, "; run `sealring key rekey KEYID`");
        return LIFECYCLE_WAITING;
    }
    if (evidence->succession <= 0)
        return LIFECYCLE_ALLOWED; /* the policy does not require it */
    guard_about(evidence->succession, text);
    if (count == 0 && evidence->gap != NULL) {
        guard_say(reason, "which API keys were used in the last %s is not fully known: %.256s", text, evidence->gap);
        if (evidence->gap_more > 0)
            guard_say(reason, " (and %llu more)", (unsigned long long)evidence->gap_more);
        return LIFECYCLE_WAITING;
    }
    if (count == 0) {
        guard_say(reason, "every API key used in the last %s has a successor", text);
        return LIFECYCLE_ALLOWED;
    }
    say_behind(reason, asked);
    return LIFECYCLE_WAITING;
}

/* ---- Guards of the ring alone --------------------------------------------------------------------------------------- */

enum lifecycle_answer guard_purge(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE])
{
    const struct lifecycle_version *version = asked->version;

    reason[0] = '\0';
    if (version->unconfirmed) {
        guard_say(reason,
                  "no closed fact confirms that version %lu is %s: its row was altered; see `sealring audit verify`; "
                  "`sealring reinstate` opens it again",
                  (unsigned long)version->number, sealring_version_state_name(version->state));
        return LIFECYCLE_FORBIDDEN; /* destroying cannot be undone */
    }
    if (version->purge_at <= 0) {
        guard_say(reason, "version %lu has no purge time: the registry is damaged", (unsigned long)version->number);
        return LIFECYCLE_FORBIDDEN; /* destroying cannot be undone */
    }
    return guard_say_deadline(reason, "time to keep the object", version->purge_at, asked->evidence->now)
               ? LIFECYCLE_ALLOWED
               : LIFECYCLE_WAITING;
}

enum lifecycle_answer guard_unheld(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE])
{
    unsigned long number = asked->version->number;

    reason[0] = '\0';
    if (asked->version->held) {
        guard_say(
            reason,
            "clients may hold credentials of version %lu: activate it, or compromise it if it leaked, but it cannot "
            "be destroyed while it is accepted",
            number);
        return LIFECYCLE_FORBIDDEN;
    }
    guard_say(reason, "nobody holds credentials of version %lu", number);
    return LIFECYCLE_ALLOWED;
}

enum lifecycle_answer guard_keep(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE])
{
    const struct lifecycle_ring *ring = asked->ring;
    const struct lifecycle_version *next = NULL;
    size_t retiring = 0;
    bool active = false;
    char time[TIMETEXT_SIZE];

    for (size_t i = 0; i < ring->count; i++) {
        const struct lifecycle_version *other = &ring->versions[i];
        active |= other->state == SEALRING_VERSION_ACTIVE;
        if (other->state != SEALRING_VERSION_RETIRING)
            continue;
        retiring++;
        if (next == NULL || other->retire_at < next->retire_at)
            next = other;
    }
    reason[0] = '\0';
    if (!active)
        return LIFECYCLE_ALLOWED; /* nothing becomes retiring */
    if (retiring < ring->policy.keep) {
        guard_say(reason, "retiring then: %zu of at most %lu", retiring + 1, (unsigned long)ring->policy.keep);
        return LIFECYCLE_ALLOWED;
    }
    guard_say(reason, "%zu retiring already and the policy keeps %lu: raise keep", retiring,
              (unsigned long)ring->policy.keep);
    if (next != NULL) {
        timetext_format(next->retire_at, time);
        guard_say(reason, ", or retire version %lu, whose window ends %s", (unsigned long)next->number, time);
    }
    return LIFECYCLE_WAITING;
}
