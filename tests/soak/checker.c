/* SPDX-License-Identifier: Apache-2.0 */
/* The checker's rules: what a call may have answered, by what was begun before it ended and in force before it began. */
#include "soak/checker.h"

#include <stdlib.h>
#include <string.h>

#include "soak/turns.h"

#define MILLISECOND     INT64_C(1000000)
#define SECOND          (1000 * MILLISECOND)
#define LATE_SHARE      10 /* one of so many answers may miss a lease that was not made to end */
#define LATE_CONSIDERED 1000

enum { VERSION_OPEN = 1, VERSION_RETIRED = 2, VERSION_COMPROMISED = 4 };
enum { KEY_ACTIVE = 1, KEY_SUSPENDED = 2, KEY_REVOKED = 4 };
enum { SCOPES_WHOLE = 1, SCOPES_NARROW = 2 };

/* An act that supersedes a key's older credentials. */
struct ending {
    uint32_t serial; /* the new one */
    int64_t earliest;
    int64_t surely;
};

struct key_lines {
    struct turns state;
    struct turns scopes;
    struct ending *endings;
    size_t ending_count;
};

struct version_line {
    struct turns turns;
    uint32_t *retirings; /* acts */
    size_t retiring_count;
};

struct stop {
    int64_t from;
    int64_t until;
};

struct life_line {
    struct stop *stops;
    size_t stop_count;
};

struct checker {
    struct history *history;
    struct key_lines *keys;
    struct version_line (*versions)[HISTORY_VERSIONS];
    struct life_line *lives;
    struct checker_totals totals;
};

/* ---- from acts to turns ---- */

/* Told so, or a lease after the commit: no verifier goes by a look that began before. (A lease is counted in milliseconds.) */
static int64_t surely_effective(const struct history *history, const struct history_act *act)
{
    int64_t bound = act->committed + history->lease + 5 * MILLISECOND;
    return act->waited && act->effective < bound ? act->effective : bound;
}

static const struct {
    enum history_kind kind;
    unsigned version;
    unsigned key;
    unsigned scopes;
} switches[] = {
    {ACT_RETIRE, VERSION_RETIRED, 0, 0},
    {ACT_REINSTATE, VERSION_OPEN, 0, 0},
    {ACT_COMPROMISE, VERSION_COMPROMISED, 0, 0},
    {ACT_SUSPEND, 0, KEY_SUSPENDED, 0},
    {ACT_RESUME, 0, KEY_ACTIVE, 0},
    {ACT_REVOKE, 0, KEY_REVOKED, 0},
    {ACT_NARROW, 0, 0, SCOPES_NARROW},
};

static bool add_number(uint32_t **list, size_t *count, uint32_t number)
{
    uint32_t *larger = realloc(*list, (*count + 1) * sizeof *larger);
    if (larger == NULL)
        return false;
    *list = larger;
    larger[(*count)++] = number;
    return true;
}

static bool add_ending(struct checker *checker, const struct history_act *act)
{
    struct key_lines *key = &checker->keys[act->key];
    struct ending *larger = realloc(key->endings, (key->ending_count + 1) * sizeof *larger);
    int64_t overlap = act->overlap_ms * MILLISECOND;
    int64_t effective = surely_effective(checker->history, act);
    int64_t ended = act->committed + overlap + checker->history->clock_slack;
    if (larger == NULL)
        return false;
    key->endings = larger;
    larger[key->ending_count++] = (struct ending){
        .serial = act->serial,
        .earliest = act->begun + overlap - (overlap > 0 ? checker->history->clock_slack : 0),
        .surely = overlap > 0 && ended > effective ? ended : effective,
    };
    return true;
}

static bool take_act(struct checker *checker, uint32_t index)
{
    const struct history_act *act = &checker->history->acts[index];
    struct turn turn = {.epoch = act->epoch, .begun = act->begun};
    bool good = true;
    if (!atomic_load(&act->ready) || act->epoch == 0)
        return true;
    turn.effective = surely_effective(checker->history, act);
    if (act->kind == ACT_REKEY)
        return add_ending(checker, act);
    for (size_t i = 0; good && i < sizeof switches / sizeof *switches; i++) {
        if (switches[i].kind != act->kind)
            continue;
        turn.state = switches[i].version | switches[i].key | switches[i].scopes;
        if (switches[i].version != 0)
            good = turns_add(&checker->versions[act->ring][act->version].turns, &turn);
        else if (switches[i].key != 0)
            good = turns_add(&checker->keys[act->key].state, &turn);
        else
            good = turns_add(&checker->keys[act->key].scopes, &turn);
    }
    if (good && act->kind == ACT_RETIRE && !act->overruled) {
        struct version_line *version = &checker->versions[act->ring][act->version];
        good = add_number(&version->retirings, &version->retiring_count, index);
    }
    return good;
}

static bool take_moment(struct checker *checker, const struct history_moment *moment)
{
    struct life_line *life = &checker->lives[moment->life];
    if (moment->kind == MOMENT_CONTINUE && life->stop_count > 0)
        life->stops[life->stop_count - 1].until = moment->after;
    if (moment->kind != MOMENT_STOP)
        return true;
    struct stop *larger = realloc(life->stops, (life->stop_count + 1) * sizeof *larger);
    if (larger == NULL)
        return false;
    life->stops = larger;
    larger[life->stop_count++] = (struct stop){moment->before, INT64_MAX / 2};
    return true;
}

struct checker *checker_new(struct history *history)
{
    struct checker *checker = calloc(1, sizeof *checker);
    if (checker == NULL)
        return NULL;
    checker->history = history;
    checker->keys = calloc(history->limits.keys, sizeof *checker->keys);
    checker->versions = calloc(HISTORY_RINGS, sizeof *checker->versions);
    checker->lives = calloc(history->limits.lives, sizeof *checker->lives);
    bool good = checker->keys != NULL && checker->versions != NULL && checker->lives != NULL;
    for (uint32_t i = 0; good && i < atomic_load(&history->act_count); i++)
        good = take_act(checker, i);
    for (uint32_t i = 0; good && i < atomic_load(&history->moment_count); i++)
        good = !atomic_load(&history->moments[i].ready) || take_moment(checker, &history->moments[i]);
    if (good)
        return checker;
    checker_free(checker);
    return NULL;
}

static void free_keys(struct checker *checker)
{
    for (uint32_t i = 0; checker->keys != NULL && i < checker->history->limits.keys; i++) {
        turns_release(&checker->keys[i].state);
        turns_release(&checker->keys[i].scopes);
        free(checker->keys[i].endings);
    }
    free(checker->keys);
}

static void free_versions(struct checker *checker)
{
    for (size_t ring = 0; checker->versions != NULL && ring < HISTORY_RINGS; ring++)
        for (size_t i = 0; i < HISTORY_VERSIONS; i++) {
            turns_release(&checker->versions[ring][i].turns);
            free(checker->versions[ring][i].retirings);
        }
    free(checker->versions);
}

void checker_free(struct checker *checker)
{
    if (checker == NULL)
        return;
    free_keys(checker);
    free_versions(checker);
    for (uint32_t i = 0; checker->lives != NULL && i < checker->history->limits.lives; i++)
        free(checker->lives[i].stops);
    free(checker->lives);
    free(checker);
}

/* ---- one answer ---- */

/* All that may have been so for a call. */
struct possible {
    unsigned version;
    unsigned key;
    unsigned scopes;
    bool replaced;     /* may have been */
    bool not_replaced; /* may not have been */
    bool expired;
    bool not_expired;
};

static struct possible consider(const struct checker *checker, const struct history_credential *credential,
                                int64_t before, int64_t after)
{
    const struct history *history = checker->history;
    const struct key_lines *key = &checker->keys[credential->key];
    struct possible possible = {.not_replaced = true, .not_expired = true};
    possible.version =
        turns_possible(&checker->versions[credential->ring][credential->version].turns, VERSION_OPEN, before, after);
    possible.key = turns_possible(&key->state, KEY_ACTIVE, before, after);
    possible.scopes = turns_possible(&key->scopes, SCOPES_WHOLE, before, after);
    for (size_t i = 0; i < key->ending_count; i++) {
        if (key->endings[i].serial <= credential->serial)
            continue;
        possible.replaced |= key->endings[i].earliest <= after;
        possible.not_replaced &= key->endings[i].surely > before;
    }
    if (credential->expires_wall_ms != 0) {
        int64_t expires = credential->expires_wall_ms * MILLISECOND - history->wall_offset;
        possible.expired = after >= expires - history->clock_slack;
        possible.not_expired = before < expires + history->clock_slack;
    }
    return possible;
}

static bool may_accept(const struct possible *possible, uint8_t scope)
{
    return (possible->version & VERSION_OPEN) != 0 && (possible->key & KEY_ACTIVE) != 0 &&
           (scope != SCOPE_WRITE || (possible->scopes & SCOPES_WHOLE) != 0) && possible->not_replaced &&
           possible->not_expired;
}

static bool may_reject(const struct possible *possible, sealring_verdict verdict, uint8_t scope)
{
    switch (verdict) {
    case SEALRING_REJECTED_EXPIRED:
        return possible->expired;
    case SEALRING_REJECTED_SUSPENDED:
        return (possible->key & KEY_SUSPENDED) != 0;
    case SEALRING_REJECTED_REVOKED:
        return (possible->key & KEY_REVOKED) != 0 || possible->replaced;
    case SEALRING_REJECTED_VERSION_RETIRED:
        return (possible->version & VERSION_RETIRED) != 0;
    case SEALRING_REJECTED_VERSION_COMPROMISED:
        return (possible->version & VERSION_COMPROMISED) != 0;
    case SEALRING_REJECTED_SCOPE:
        return scope == SCOPE_WRITE && (possible->scopes & SCOPES_NARROW) != 0;
    default: /* unknown, malformed, bad secret: never of what was issued */
        return false;
    }
}

static bool was_stopped(const struct checker *checker, const struct answer *answer, int64_t before)
{
    const struct life_line *life = &checker->lives[answer->life];
    for (size_t i = 0; i < life->stop_count; i++)
        if (life->stops[i].from <= answer->after && before <= life->stops[i].until + checker->history->lease)
            return true;
    return false;
}

/* A compromise closes the key ahead of its commit; a retirement only once it is effective, when nobody asks the token any more. */
static void judge_unavailable(struct checker *checker, const struct answer *answer, int64_t before,
                              const struct possible *possible)
{
    struct checker_totals *totals = &checker->totals;
    totals->unavailable++;
    if (answer->cause == CAUSE_LEASE && was_stopped(checker, answer, before))
        totals->stopped++;
    else if (answer->cause == CAUSE_LEASE)
        totals->late++;
    else if (answer->cause == CAUSE_JOINING && checker->history->lives[answer->life].kind == LIFE_WORKER)
        totals->joining++;
    else if (answer->cause == CAUSE_REFUSED && (possible->version & VERSION_COMPROMISED) != 0)
        totals->closing++;
    else
        history_add_finding(checker->history, RULE_UNAVAILABLE, answer->credential, answer->life, before,
                            "no verdict, though neither a lease was over nor a key on its way");
}

/* The gate lets a version retire that nobody used in the quiet period: evidence is taken after the call began. */
static void judge_quiet(struct checker *checker, const struct answer *answer, int64_t before)
{
    struct history *history = checker->history;
    const struct history_credential *credential = &history->credentials[answer->credential];
    const struct version_line *version = &checker->versions[credential->ring][credential->version];
    for (size_t i = 0; i < version->retiring_count; i++) {
        const struct history_act *act = &history->acts[version->retirings[i]];
        if (answer->after <= act->begun && before >= act->committed - history->quiet + history->clock_slack)
            history_add_finding(history, RULE_QUIET, answer->credential, answer->life, before,
                                "used %.0f ms before version %u was retired by its gate",
                                (double)(act->committed - before) / (double)MILLISECOND, act->version);
    }
}

void checker_take(struct checker *checker, const struct answer *answer)
{
    struct history *history = checker->history;
    const struct history_credential *credential = &history->credentials[answer->credential];
    int64_t before = atomic_load_explicit(&answer->before, memory_order_relaxed);
    sealring_verdict verdict = (sealring_verdict)atomic_load_explicit(&answer->verdict, memory_order_relaxed);
    if (verdict == SEALRING_UNDECIDED) {
        checker->totals.cut++;
        return;
    }
    struct possible possible = consider(checker, credential, before, answer->after);
    checker->totals.answers++;
    if (verdict == SEALRING_UNAVAILABLE) {
        judge_unavailable(checker, answer, before, &possible);
        return;
    }
    judge_quiet(checker, answer, before);
    if (verdict == SEALRING_ACCEPTED) {
        checker->totals.accepted++;
        if (!may_accept(&possible, answer->scope))
            history_add_finding(history, RULE_ACCEPTANCE, answer->credential, answer->life, before,
                                "accepted by a call that began after it was closed, and that was in force");
        return;
    }
    checker->totals.rejected++;
    if (!may_reject(&possible, verdict, answer->scope))
        history_add_finding(history, RULE_REJECTION, answer->credential, answer->life, before,
                            "rejected as %s, and there was no reason to", sealring_verdict_name(verdict));
}

void checker_finish(struct checker *checker)
{
    const struct checker_totals *totals = &checker->totals;
    if (totals->answers >= LATE_CONSIDERED && totals->late > totals->answers / LATE_SHARE)
        history_add_finding(checker->history, RULE_UNAVAILABLE, HISTORY_NONE, HISTORY_NONE, 0,
                            "%llu of %llu answers were missing as a lease had run out that nobody made run out",
                            (unsigned long long)totals->late, (unsigned long long)totals->answers);
}

const struct checker_totals *checker_totals(const struct checker *checker)
{
    return &checker->totals;
}

bool checker_bears(const struct history *history, const struct history_act *act, uint32_t credential)
{
    const struct history_credential *about = &history->credentials[credential];
    if (act->key != HISTORY_NONE)
        return act->key == about->key;
    return act->ring == about->ring && (act->version == about->version || act->version == 0);
}
