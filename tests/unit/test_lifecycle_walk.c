/* SPDX-License-Identifier: Apache-2.0 */
/* Random walks: long lives of model rings under random events, times, verifiers and overrules, judged after each step. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/decide.h"
#include "unit/seeded.h"

#define SEEDS        20
#define STEPS        10000
#define VERSIONS_MAX 24 /* then the ring's life is over, and the next ring begins */
#define VERIFIERS    3

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* What a verifier did and reported: kept apart from lifecycle_verifier, so that the walk judges by its own knowledge. */
struct server {
    uint64_t epoch;
    bool proved[VERSIONS_MAX + 2]; /* by number */
    bool dead;
    int64_t stopped;
    int64_t joined;
    int64_t reports_from;
    int64_t reports_until;
    int64_t last_use[VERSIONS_MAX + 2];
};

struct walk {
    int seed;
    int step;
    uint64_t random;
    int64_t now;
    uint64_t epoch;
    int64_t quiet_period;
    struct lifecycle_version versions[VERSIONS_MAX + 1];
    struct lifecycle_ring ring;
    struct server servers[VERIFIERS];
    size_t server_count;
    unsigned fired[16]; /* by index into lifecycle_rules */
    unsigned overruled, waiting, forbidden, promoted, orphaned;
};

#define CHECK(walk, condition, ...)                                                                  \
    do {                                                                                             \
        if (!(condition)) {                                                                          \
            char what[400];                                                                          \
            snprintf(what, sizeof(what), __VA_ARGS__);                                               \
            ck_abort_msg("seed %d, step %d: %s (%s)", (walk)->seed, (walk)->step, what, #condition); \
        }                                                                                            \
    } while (0)

static uint32_t below(struct walk *walk, uint32_t limit)
{
    return (uint32_t)(seeded_next(&walk->random) % limit);
}

static bool chance(struct walk *walk, uint32_t percent)
{
    return below(walk, 100) < percent;
}

/* ---- The world around the ring ----------------------------------------------------------------------------------------- */

static void begin_ring(struct walk *walk)
{
    memset(walk->versions, 0, sizeof(walk->versions));
    memset(walk->servers, 0, sizeof(walk->servers));
    walk->server_count = below(walk, VERIFIERS + 1);
    walk->quiet_period = chance(walk, 50) ? 0 : HOUR * (int64_t)(1 + below(walk, 24));
    walk->ring = (struct lifecycle_ring){.name = "walk", .versions = walk->versions};
    walk->ring.policy = (sealring_policy){.overlap = HOUR * (int64_t)(1 + below(walk, 48)),
                                          .purge_delay = HOUR * (int64_t)below(walk, 48),
                                          .keep = 1 + below(walk, 3)};
    for (size_t i = 0; i < walk->server_count; i++)
        walk->servers[i].joined = walk->servers[i].reports_from = walk->servers[i].reports_until = walk->now;
}

static bool accepts(const struct lifecycle_version *version)
{
    return version->state == SEALRING_VERSION_PENDING || version->state == SEALRING_VERSION_ACTIVE ||
           version->state == SEALRING_VERSION_RETIRING;
}

static void move_server(struct walk *walk, struct server *server)
{
    if (server->dead) {
        if (chance(walk, 30)) /* another one takes its place */
            *server = (struct server){.joined = walk->now, .reports_from = walk->now, .reports_until = walk->now};
        return;
    }
    if (chance(walk, 3)) {
        server->dead = true;
        server->stopped = walk->now;
        return;
    }
    if (chance(walk, 15))
        return; /* silent for a while: what it does now, it reports later, or never */
    if (chance(walk, 3))
        server->reports_from = walk->now; /* reports were lost */
    server->epoch = walk->epoch;
    server->reports_until = walk->now;
    for (size_t i = 0; i < walk->ring.count; i++) {
        const struct lifecycle_version *version = &walk->versions[i];
        server->proved[version->number] = accepts(version) && (server->proved[version->number] || chance(walk, 80));
        if (accepts(version) && version->held && chance(walk, 10))
            server->last_use[version->number] = walk->now;
    }
}

static void move_world(struct walk *walk)
{
    static const int64_t paces[] = {1, SECOND, HOUR, DAY};

    walk->now += paces[below(walk, 4)] * (int64_t)below(walk, 12);
    if (chance(walk, 2))
        walk->now -= (int64_t)below(walk, 5000); /* clocks are stepped back */
    for (size_t i = 0; i < walk->server_count; i++)
        move_server(walk, &walk->servers[i]);
    for (size_t i = 0; i < walk->ring.count; i++)
        if (walk->versions[i].state == SEALRING_VERSION_ACTIVE && chance(walk, 40))
            walk->versions[i].held = true; /* something was issued */
}

/* The evidence as the vault would present it for one version. */
static struct lifecycle_evidence evidence_for(const struct walk *walk, uint32_t number,
                                              struct lifecycle_verifier verifiers[VERIFIERS],
                                              uint32_t proved[VERIFIERS][VERSIONS_MAX])
{
    for (size_t i = 0; i < walk->server_count; i++) {
        const struct server *server = &walk->servers[i];
        size_t count = 0;
        for (uint32_t version = 1; version <= VERSIONS_MAX; version++)
            if (server->proved[version])
                proved[i][count++] = version;
        verifiers[i] = (struct lifecycle_verifier){.name = "server",
                                                   .epoch = server->epoch,
                                                   .facts = server->epoch,
                                                   .proved = proved[i],
                                                   .proved_count = count,
                                                   .lease_over = server->dead,
                                                   .reports_from = server->reports_from,
                                                   .reports_until = server->reports_until,
                                                   .last_use = number <= VERSIONS_MAX ? server->last_use[number] : 0,
                                                   .joined = server->joined,
                                                   .stopped = server->stopped};
    }
    return (struct lifecycle_evidence){.now = walk->now,
                                       .verifiers = verifiers,
                                       .verifier_count = walk->server_count,
                                       .quiet_period = walk->quiet_period};
}

/* ---- Judging ------------------------------------------------------------------------------------------------------------ */

/* Promise P2: nobody may issue what some live server cannot verify. */
static void check_issuer(struct walk *walk, const struct lifecycle_version *version)
{
    for (size_t i = 0; i < walk->server_count; i++) {
        const struct server *server = &walk->servers[i];
        if (server->dead)
            continue;
        CHECK(walk, server->proved[version->number] && server->epoch >= version->fact,
              "version %u issues, and server %zu did not prove it", version->number, i);
    }
}

/* Promise P6: without an overrule, a version is retired after its window and a quiet period. */
static void check_retired(struct walk *walk, const struct lifecycle_version *before)
{
    int64_t from = walk->now - walk->quiet_period;

    CHECK(walk, walk->now >= before->retire_at, "version %u was retired before its end", before->number);
    if (walk->quiet_period == 0)
        return;
    for (size_t i = 0; i < walk->server_count; i++) {
        const struct server *server = &walk->servers[i];
        CHECK(walk, server->last_use[before->number] < from, "version %u was in use at server %zu", before->number, i);
        bool served = server->joined < walk->now && (!server->dead || server->stopped > from);
        int64_t served_until = server->dead && server->stopped < walk->now ? server->stopped : walk->now;
        int64_t served_from = server->joined > from ? server->joined : from;
        CHECK(walk,
              !served || served_from >= served_until ||
                  (server->reports_until >= served_until && server->reports_from <= served_from),
              "server %zu had a hole in its reports", i);
    }
}

static void check_step(struct walk *walk, const struct lifecycle_version *before, const struct lifecycle_step *step,
                       const struct lifecycle_decision *decision)
{
    if (step->from == SEALRING_VERSION_PENDING && step->to == SEALRING_VERSION_ACTIVE)
        check_issuer(walk, before);
    if (step->to == SEALRING_VERSION_RETIRED && !decision->overruled)
        check_retired(walk, before);
    if (step->to == SEALRING_VERSION_RETIRING)
        CHECK(walk, step->retire_at >= walk->now + walk->ring.policy.overlap, "a window was cut");
    if (step->to == SEALRING_VERSION_DESTROYED && step->from == SEALRING_VERSION_PENDING)
        CHECK(walk, !before->held, "version %u was destroyed under its clients", before->number);
    if (step->to == SEALRING_VERSION_DESTROYED && step->from != SEALRING_VERSION_PENDING && !decision->overruled)
        CHECK(walk, walk->now >= before->purge_at, "version %u was destroyed early", before->number);
}

/* ---- Applying ----------------------------------------------------------------------------------------------------------- */

static void apply_step(struct walk *walk, const struct lifecycle_step *step, const struct lifecycle_decision *decision)
{
    struct lifecycle_version *version = NULL;

    if (step->from == SEALRING_VERSION_NONE) {
        version = &walk->versions[walk->ring.count++];
        *version = (struct lifecycle_version){.number = step->number};
        walk->ring.last_number = step->number;
    }
    for (size_t i = 0; i < walk->ring.count; i++)
        if (walk->versions[i].number == step->number)
            version = &walk->versions[i];
    CHECK(walk, version != NULL && version->state == step->from, "a step for version %u in another state",
          step->number);
    if (step->from != SEALRING_VERSION_NONE)
        check_step(walk, version, step, decision);
    version->state = step->to;
    version->activated = step->activated;
    version->retire_at = step->retire_at;
    version->closed = step->closed;
    version->purge_at = step->purge_at;
    version->destroyed = step->destroyed;
    version->was_compromised |= step->to == SEALRING_VERSION_COMPROMISED;
    version->fact = walk->epoch;
    const char *broken = lifecycle_broken_invariant(&walk->ring); /* also between two steps of one decision */
    CHECK(walk, broken == NULL, "%s", broken);
}

static void apply(struct walk *walk, sealring_event event, const struct lifecycle_decision *decision)
{
    struct lifecycle_version saved[VERSIONS_MAX + 1];
    struct lifecycle_ring before = walk->ring;

    memcpy(saved, walk->versions, sizeof(saved));
    before.versions = saved;
    walk->epoch++;
    for (size_t i = 0; i < decision->count; i++)
        apply_step(walk, &decision->steps[i], decision);
    if (decision->set_hold) {
        CHECK(walk, walk->ring.rotation_held != decision->hold, "the hold did not change");
        walk->ring.rotation_held = decision->hold;
    }
    if (event == SEALRING_EVENT_ROLLBACK || event == SEALRING_EVENT_ACTIVATE)
        CHECK(walk, walk->ring.rotation_held == (event == SEALRING_EVENT_ROLLBACK), "the hold is wrong");
    const char *broken = lifecycle_broken_transition(&before, &walk->ring);
    CHECK(walk, broken == NULL, "event %d: %s", event, broken);
    if (event == SEALRING_EVENT_COMPROMISE && decision->steps[0].from == SEALRING_VERSION_ACTIVE) {
        walk->promoted += decision->count == 2;
        walk->orphaned += decision->count == 1;
    }
}

static void count_rule(struct walk *walk, sealring_event event, const struct lifecycle_decision *decision)
{
    for (size_t i = 0; i < lifecycle_rule_count; i++)
        for (size_t j = 0; j < decision->count; j++)
            if (lifecycle_rules[i].event == event && lifecycle_rules[i].from == decision->steps[j].from &&
                lifecycle_rules[i].to == decision->steps[j].to)
                walk->fired[i]++;
}

/* 0, or mostly one that the event is for, or any, or one that there is not. */
static uint32_t pick(struct walk *walk, sealring_event event)
{
    uint32_t number = 0;

    if (event == SEALRING_EVENT_PREPARE || chance(walk, 20))
        return 0;
    for (int tries = chance(walk, 80) ? 12 : 1; tries > 0; tries--) {
        number = 1 + below(walk, walk->ring.last_number + 2);
        if (number <= walk->ring.count && lifecycle_rule(event, walk->versions[number - 1].state) != NULL)
            break;
    }
    return number;
}

/* One random event; mostly on a version that there is. */
static void attempt_event(struct walk *walk)
{
    static const sealring_event events[] = {
        SEALRING_EVENT_PREPARE,  SEALRING_EVENT_PREPARE,  SEALRING_EVENT_ACTIVATE,  SEALRING_EVENT_ACTIVATE,
        SEALRING_EVENT_ACTIVATE, SEALRING_EVENT_ROLLBACK, SEALRING_EVENT_RETIRE,    SEALRING_EVENT_RETIRE,
        SEALRING_EVENT_RETIRE,   SEALRING_EVENT_DESTROY,  SEALRING_EVENT_REINSTATE, SEALRING_EVENT_COMPROMISE};
    struct lifecycle_verifier verifiers[VERIFIERS];
    uint32_t proved[VERIFIERS][VERSIONS_MAX];
    struct lifecycle_decision decision;
    sealring_event event = events[below(walk, (uint32_t)(sizeof(events) / sizeof(events[0])))];
    uint32_t number = pick(walk, event);

    if (event == SEALRING_EVENT_COMPROMISE && chance(walk, 80))
        return; /* else no ring grows old */
    struct lifecycle_evidence evidence = evidence_for(walk, number, verifiers, proved);
    lifecycle_decide(&walk->ring, &evidence, event, number, chance(walk, 10) ? LIFECYCLE_OVERRULE : 0, &decision);
    CHECK(walk, decision.reason[0] != '\0' && strlen(decision.reason) < sizeof(decision.reason), "no reason");
    CHECK(walk, (decision.count > 0) == (decision.answer == LIFECYCLE_ALLOWED), "steps without permission");
    CHECK(walk, event != SEALRING_EVENT_COMPROMISE || decision.answer != LIFECYCLE_WAITING, "a compromise waits");
    if (decision.answer == LIFECYCLE_ALLOWED) {
        count_rule(walk, event, &decision);
        walk->overruled += decision.overruled;
        apply(walk, event, &decision);
        return;
    }
    walk->waiting += decision.answer == LIFECYCLE_WAITING;
    walk->forbidden += decision.answer == LIFECYCLE_FORBIDDEN;
}

START_TEST(random_walk)
{
    struct walk walk = {.seed = _i, .random = (uint64_t)_i, .now = INT64_C(1795292100000)};

    begin_ring(&walk);
    for (walk.step = 0; walk.step < STEPS; walk.step++) {
        if (walk.ring.count == VERSIONS_MAX)
            begin_ring(&walk);
        move_world(&walk);
        attempt_event(&walk);
    }
    for (size_t i = 0; i < lifecycle_rule_count; i++)
        CHECK(&walk, walk.fired[i] > 0, "event %d from state %d never happened", lifecycle_rules[i].event,
              lifecycle_rules[i].from);
    CHECK(&walk, walk.overruled > 0, "nothing was overruled");
    CHECK(&walk, walk.waiting > 0 && walk.forbidden > 0, "nothing was refused");
    CHECK(&walk, walk.promoted > 0, "no standby was promoted");
    CHECK(&walk, walk.orphaned > 0, "no ring lost its active version");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/walk");
    TCase *cases = tcase_create("walks");

    tcase_add_loop_test(cases, random_walk, 1, SEEDS + 1);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
