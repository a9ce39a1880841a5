/* SPDX-License-Identifier: Apache-2.0 */
/* Time passes in steps that nobody notices: clients call and move, verifiers prove and report, the scheduler takes its turns. */
#include "leap/world.h"

#include <stdarg.h>
#include <string.h>

#include "base/timetext.h"
#include "lifecycle/verifier_liveness.h"
#include "unit/seeded.h"

#define PROVES_WITHIN (10 * SECOND) /* a verifier looks, proves and reports */

static int64_t wall(const struct world *world)
{
    return WORLD_BEGINS + world->elapsed + world->off;
}

static int64_t boot(const struct world *world)
{
    return world->elapsed - world->booted + 30 * SECOND;
}

/* ---- The timeline ------------------------------------------------------------------------------------------------------- */

/* "d030 00:00:10": real time since the beginning. */
void world_note(struct world *world, const char *format, ...)
{
    int64_t seconds = world->elapsed / SECOND;
    va_list arguments;

    fprintf(world->out, "d%03d %02d:%02d:%02d  ", (int)(seconds / 86400), (int)(seconds / 3600 % 24),
            (int)(seconds / 60 % 60), (int)(seconds % 60));
    va_start(arguments, format);
    vfprintf(world->out, format, arguments);
    va_end(arguments);
    fputc('\n', world->out);
}

static void note_broken(struct world *world, const char *what)
{
    world->broken = true;
    world_note(world, "BROKEN: %s", what);
}

/* ---- Evidence ------------------------------------------------------------------------------------------------------------ */

/* What one decision about a version goes by. */
struct sight {
    uint32_t proved[WORLD_VERSIONS];
    struct lifecycle_verifier verifier;
    struct lifecycle_user users[WORLD_CLIENTS];
    struct lifecycle_evidence evidence;
};

/* The verifier has looked within the last seconds, and its reports are without a hole. */
static void testify(const struct world *world, size_t index, struct sight *sight)
{
    struct watched watched = {.file_there = true,
                              .held = true,
                              .epoch = world->epoch,
                              .facts = world->epoch,
                              .number = (uint64_t)(boot(world) / SECOND)};
    struct watch_account account = {
        .joined = WORLD_BEGINS, .last_report = wall(world), .counted = true, .last_use = world->last_use[index]};

    sight->verifier = (struct lifecycle_verifier){.name = "web1 (71)", .proved = sight->proved};
    for (size_t i = 0; i < world->ring.count; i++)
        if (world->elapsed - world->made[i] >= PROVES_WITHIN)
            sight->proved[sight->verifier.proved_count++] = world->versions[i].number;
    watch_testify(&watched, &account, wall(world), boot(world), WORLD_LEASE, &sight->verifier);
}

static void look(const struct world *world, size_t index, struct sight *sight)
{
    int64_t quiet = world->ring.policy.quiet_period;
    struct lifecycle_evidence *evidence = &sight->evidence;

    memset(sight, 0, sizeof(*sight));
    testify(world, index, sight);
    *evidence = (struct lifecycle_evidence){.now = wall(world),
                                            .verifiers = &sight->verifier,
                                            .verifier_count = 1,
                                            .quiet_period = quiet,
                                            .last_use = world->last_use[index],
                                            .users = sight->users,
                                            .idle_blocks = world->ring.policy.idle_blocks};
    for (size_t i = 0; i < WORLD_CLIENTS; i++)
        if (index < world->ring.count && world->clients[i].version == world->versions[index].number &&
            evidence->last_use >= wall(world) - quiet)
            sight->users[evidence->user_count++] =
                (struct lifecycle_user){.name = world->clients[i].name, .last_use = world->last_use[index]};
}

/* ---- Changes ------------------------------------------------------------------------------------------------------------- */

static bool is_held_by_clients(const struct world *world, uint32_t number)
{
    for (size_t i = 0; i < WORLD_CLIENTS; i++)
        if (world->clients[i].version == number)
            return true;
    return false;
}

/* Clients learn of the new active version, and take their time. */
static void tell_clients(struct world *world, uint32_t number)
{
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        struct client *client = &world->clients[i];
        if (client->patience < 0)
            continue;
        client->moves_to = number;
        client->moves_at = world->elapsed + (int64_t)(seeded_next(&world->seed) % (uint64_t)client->patience);
    }
}

static void apply_step(struct world *world, const struct lifecycle_step *step)
{
    size_t index = step->number - 1;
    struct lifecycle_version *version = &world->versions[index];

    if (step->from == SEALRING_VERSION_NONE) {
        *version = (struct lifecycle_version){.number = step->number, .fact = world->epoch};
        world->made[index] = world->elapsed;
        world->last_use[index] = 0;
        world->ring.count = world->ring.last_number = step->number;
    }
    version->state = step->to;
    version->activated = step->activated;
    version->retire_at = step->retire_at;
    version->closed = step->closed;
    version->purge_at = step->purge_at;
    version->destroyed = step->destroyed;
    version->was_compromised |= step->to == SEALRING_VERSION_COMPROMISED;
    if (step->retire_at > world->promised[index])
        world->promised[index] = step->retire_at;
    if (step->to == SEALRING_VERSION_RETIRED && wall(world) < world->promised[index])
        note_broken(world, "a version was retired before the end that clients were told");
    if (step->to == SEALRING_VERSION_ACTIVE)
        tell_clients(world, step->number);
}

static void apply(struct world *world, const struct lifecycle_decision *decision)
{
    struct lifecycle_version copy[WORLD_VERSIONS];
    struct lifecycle_ring before = world->ring;

    memcpy(copy, world->versions, sizeof(copy));
    before.versions = copy;
    world->epoch++;
    for (size_t i = 0; i < decision->count; i++)
        apply_step(world, &decision->steps[i]);
    if (decision->set_hold)
        world->ring.rotation_held = decision->hold;
    for (size_t i = 0; i < world->ring.count; i++) {
        world->versions[i].held = is_held_by_clients(world, world->versions[i].number);
        copy[i].held = i < before.count && world->versions[i].held;
    }
    const char *broken = lifecycle_broken_invariant(&world->ring);
    if (broken == NULL)
        broken = lifecycle_broken_transition(&before, &world->ring);
    if (broken != NULL)
        note_broken(world, broken);
}

/* "v1 -> retiring until 2027-02-07T00:00:00Z" */
static void note_steps(struct world *world, const struct lifecycle_decision *decision)
{
    for (size_t i = 0; i < decision->count; i++) {
        const struct lifecycle_step *step = &decision->steps[i];
        char text[TIMETEXT_SIZE] = "";
        int64_t end = step->to == SEALRING_VERSION_RETIRING ? step->retire_at : step->purge_at;
        bool shows = step->to == SEALRING_VERSION_RETIRING || step->to == SEALRING_VERSION_RETIRED ||
                     step->to == SEALRING_VERSION_COMPROMISED;
        timetext_format(end, text);
        fprintf(world->out, "                 v%u -> %s%s%s\n", (unsigned)step->number,
                sealring_version_state_name(step->to), shows ? " until " : "", shows ? text : "");
    }
}

/* Decides, tells and applies. */
static enum lifecycle_answer happen(struct world *world, const char *who, sealring_event event, uint32_t version)
{
    struct lifecycle_decision decision;
    struct sight sight;

    look(world, version != 0 ? version - 1 : world->ring.count, &sight);
    lifecycle_decide(&world->ring, &sight.evidence, event, version, 0, &decision);
    if (decision.answer != LIFECYCLE_ALLOWED) {
        world_note(world, "%s %s: no: %s", who, sealring_event_name(event), decision.reason);
        return decision.answer;
    }
    world_note(world, "%s %s v%u", who, sealring_event_name(event),
               (unsigned)(decision.test_version != 0 ? decision.test_version : decision.steps[0].number));
    world->rotations += event == SEALRING_EVENT_ACTIVATE;
    note_steps(world, &decision);
    apply(world, &decision);
    return decision.answer;
}

void world_command(struct world *world, sealring_event event, uint32_t version)
{
    happen(world, "operator:", event, version);
    world->rests_until = world->elapsed;
}

/* ---- The scheduler --------------------------------------------------------------------------------------------------------- */

static void judge_clocks(struct world *world)
{
    struct clock_reading now = {.boot_ms = boot(world), .wall_ms = wall(world)};
    struct clock_judgement judgement;

    memcpy(now.boot_id, world->boot_id, sizeof(now.boot_id));
    clockwatch_judge(&world->clock, &now, world->ring.policy.quiet_period, &judgement);
    world->clock = judgement.memory;
    if (judgement.stepped || judgement.released)
        world_note(world, "clocks: %s", judgement.text);
}

static size_t read_plan(const struct world *world, struct sight *sights, struct lifecycle_action *actions)
{
    const struct lifecycle_evidence *evidence[WORLD_VERSIONS];
    const struct lifecycle_times times = {
        .now = wall(world), .publishing = watch_silence(WORLD_LEASE), .clocks_disagree = world->clock.held};

    for (size_t i = 0; i < world->ring.count; i++) {
        look(world, i, &sights[i]);
        evidence[i] = &sights[i].evidence;
    }
    return lifecycle_schedule(&world->ring, evidence, &times, actions);
}

/* What is due and blocked is told once while it stays so; of a reason the part that does not change with every look. */
static bool note_blocked(struct world *world, const struct lifecycle_action *action, char line[160], bool known)
{
    static const char *const kinds[] = {
        [LIFECYCLE_FREE] = "waits", [LIFECYCLE_HELD_ROLLBACK] = "held", [LIFECYCLE_HELD_CLOCKS] = "held"};

    snprintf(line, 160, "%s v%u %s", sealring_event_name(action->event), (unsigned)action->version,
             kinds[action->hold]);
    for (size_t i = 0; i < world->said_count; i++)
        known |= strcmp(world->said[i], line) == 0;
    if (!known)
        world_note(world, "%s: %s", line, action->reason);
    return !known;
}

/* When it comes back: soon if something waits for verifiers, else when the next thing is due, and every hour. */
static int64_t rest(const struct world *world, const struct lifecycle_action *actions, size_t count)
{
    int64_t least = HOUR;

    for (size_t i = 0; i < count; i++) {
        int64_t left = actions[i].due - wall(world);
        if (left <= 0 && actions[i].event == SEALRING_EVENT_ACTIVATE && actions[i].hold == LIFECYCLE_FREE)
            left = 10 * SECOND;
        if (left > 0 && left < least)
            least = left;
    }
    return least;
}

static void take_turn(struct world *world)
{
    static struct sight sights[WORLD_VERSIONS];
    static struct lifecycle_action actions[LIFECYCLE_ACTIONS_MAX(WORLD_VERSIONS)];
    char said[8][160];
    size_t said_count = 0;
    size_t count;
    size_t i;

    judge_clocks(world);
    do {
        count = read_plan(world, sights, actions);
        for (i = 0; i < count && !lifecycle_may_happen(&actions[i], wall(world)); i++)
            ;
        if (i < count &&
            happen(world, "policy:", actions[i].event,
                   actions[i].event == SEALRING_EVENT_PREPARE ? 0 : actions[i].version) != LIFECYCLE_ALLOWED) {
            note_broken(world, "what may happen was refused");
            return;
        }
    } while (i < count);
    for (i = 0; i < count && said_count < 8; i++) {
        /* a version that was just made waits for its barrier: no news */
        bool young = actions[i].event == SEALRING_EVENT_ACTIVATE && actions[i].version <= world->ring.count &&
                     world->elapsed - world->made[actions[i].version - 1] < PROVES_WITHIN;
        if (actions[i].due <= wall(world) && !young)
            note_blocked(world, &actions[i], said[said_count++], false);
    }
    memcpy(world->said, said, sizeof(said));
    world->said_count = said_count;
    world->rests_until = world->elapsed + rest(world, actions, count);
}

/* ---- Clients --------------------------------------------------------------------------------------------------------------- */

static void call(struct world *world, struct client *client)
{
    const struct lifecycle_version *version = lifecycle_find(&world->ring, client->version);

    client->last = world->elapsed;
    world->last_use[client->version - 1] = wall(world); /* whatever the verdict */
    if (lifecycle_accepts(version->state))
        return;
    world->rejected++;
    world->rejected_leaked += version->was_compromised;
}

static void move(struct world *world, struct client *client)
{
    const struct lifecycle_version *version = lifecycle_find(&world->ring, client->moves_to);

    if (version != NULL && lifecycle_accepts(version->state) && client->version != client->moves_to) {
        world_note(world, "%s moves from v%u to v%u", client->name, (unsigned)client->version,
                   (unsigned)client->moves_to);
        client->version = client->moves_to;
    }
    client->moves_to = 0;
}

/* ---- Time ------------------------------------------------------------------------------------------------------------------ */

static int64_t next_event(const struct world *world, int64_t limit)
{
    int64_t next = limit;

    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        const struct client *client = &world->clients[i];
        if (client->moves_to != 0 && client->moves_at < next)
            next = client->moves_at;
        if (client->last + client->every < next)
            next = client->last + client->every;
    }
    if (!world->scheduler_off && world->rests_until < next)
        next = world->rests_until;
    return next > world->elapsed ? next : world->elapsed;
}

void world_pass(struct world *world, int64_t elapsed)
{
    for (;;) {
        int64_t next = next_event(world, elapsed);
        world->elapsed = next;
        for (size_t i = 0; i < WORLD_CLIENTS; i++) {
            struct client *client = &world->clients[i];
            if (client->moves_to != 0 && client->moves_at <= next)
                move(world, client);
            if (client->last + client->every <= next)
                call(world, client);
        }
        if (next >= elapsed)
            return;
        if (!world->scheduler_off && world->rests_until <= next)
            take_turn(world);
    }
}

/* ---- Beginning, commands, end ------------------------------------------------------------------------------------------------ */

static bool check_policy(struct world *world, const sealring_policy *policy)
{
    char problem[POLICY_PROBLEM_SIZE];

    if (policy_problem(policy, WORLD_LEASE, problem) == NULL)
        return true;
    world_note(world, "refused: %s", problem);
    return false;
}

static void note_policy(struct world *world, const char *what)
{
    const sealring_policy *policy = &world->ring.policy;
    char every[TIMETEXT_SIZE], overlap[TIMETEXT_SIZE], quiet[TIMETEXT_SIZE];

    timetext_duration_format(policy->rotate_every, every);
    timetext_duration_format(policy->overlap, overlap);
    timetext_duration_format(policy->quiet_period, quiet);
    world_note(world, "%s: rotate every %s, overlap %s, quiet period %s, keep %u, %s standby", what, every, overlap,
               quiet, (unsigned)policy->keep, policy->standby ? "a" : "no");
}

bool world_begin(struct world *world, FILE *out, const sealring_policy *policy)
{
    static const struct client clients[WORLD_CLIENTS] = {
        {.name = "shop", .every = HOUR, .patience = 2 * DAY},
        {.name = "erp", .every = 6 * HOUR, .patience = 5 * DAY},
        {.name = "billing", .every = DAY, .patience = 4 * DAY},
        {.name = "archive", .every = 7 * DAY, .patience = 6 * DAY},
    };

    memset(world, 0, sizeof(*world));
    world->out = out;
    world->seed = 5;
    memcpy(world->boot_id, "first", sizeof("first"));
    memcpy(world->clients, clients, sizeof(clients));
    if (!check_policy(world, policy))
        return false;
    world->epoch = 1;
    world->versions[0] = (struct lifecycle_version){
        .number = 1, .state = SEALRING_VERSION_ACTIVE, .activated = WORLD_BEGINS, .fact = 1, .held = true};
    world->ring = (struct lifecycle_ring){
        .name = "acme", .policy = *policy, .last_number = 1, .versions = world->versions, .count = 1};
    for (size_t i = 0; i < WORLD_CLIENTS; i++)
        world->clients[i].version = 1;
    note_policy(world, "ring acme");
    return true;
}

void world_policy(struct world *world, const sealring_policy *policy, unsigned fields)
{
    sealring_policy whole = world->ring.policy;

    policy_apply(&whole, policy, fields);
    if (!check_policy(world, &whole))
        return;
    world->ring.policy = whole;
    world->rests_until = world->elapsed;
    note_policy(world, "operator: policy");
}

void world_step_clock(struct world *world, int64_t off)
{
    char text[TIMETEXT_SIZE];

    world->off = off;
    world->rests_until = world->elapsed;
    timetext_duration_format(off < 0 ? -off : off, text);
    if (off == 0)
        world_note(world, "the wall clock is set right");
    else
        world_note(world, "the wall clock is set %s %s", text, off < 0 ? "slow" : "fast");
}

void world_end(struct world *world)
{
    unsigned states[SEALRING_VERSION_DESTROYED + 1] = {0};

    for (size_t i = 0; i < world->ring.count; i++)
        states[world->versions[i].state]++;
    world_note(world,
               "end: %u activations; %u pending, %u active, %u retiring, %u retired, %u compromised, %u destroyed",
               world->rotations, states[SEALRING_VERSION_PENDING], states[SEALRING_VERSION_ACTIVE],
               states[SEALRING_VERSION_RETIRING], states[SEALRING_VERSION_RETIRED],
               states[SEALRING_VERSION_COMPROMISED], states[SEALRING_VERSION_DESTROYED]);
    world_note(world, "calls rejected: %u, of them %u with a credential that was compromised", world->rejected,
               world->rejected_leaked);
}
