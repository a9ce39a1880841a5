/* SPDX-License-Identifier: Apache-2.0 */
/* Explores small worlds of facts exhaustively, breadth first: every state that steps can lead to, against what must always be true. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "facts/facts.h"

enum kind {
    STEP_TICK,
    STEP_ACT,
    STEP_WAIT,
    STEP_RESTART,
    STEP_BACK_UP,
    STEP_FORGE,
    STEP_OPEN,
    STEP_LOOK,
    STEP_REPORT,
    STEP_DIE
};

struct step {
    uint8_t kind;
    uint8_t subject; /* act, forgery or server */
    uint8_t who;     /* operator */
    uint8_t mode;    /* of the token */
    uint8_t meanwhile;
};

#define A(act)       (UINT32_C(1) << (act))
#define TAKES_OVER   TOKEN_MODES /* a mode: the token is present, and the operator confirms what the registry has */
#define MEANWHILE(n) ((n) + 1)

struct setting {
    const char *name;
    uint32_t acts, forgeries, meanwhile; /* a bit each; meanwhile: forgeries, while the token signs */
    uint32_t meanwhile_acts;             /* restrictions by the other operator, while the token signs */
    uint32_t modes;
    uint8_t operators, servers;
    uint8_t serving; /* of these, at the beginning */
    bool time, backs_up;
    bool copied; /* at the beginning */
    uint8_t acts_max, forgeries_max;
    unsigned steps; /* from the beginning */
    unsigned steps_deep;
};

static const struct setting settings[] = {
    {.name = "restrictions",
     .acts = A(ACT_SUSPEND) | A(ACT_REVOKE) | A(ACT_RESUME),
     .forgeries = A(FORGE_PERMIT_KEY) | A(FORGE_CUT_ONE) | A(FORGE_EDIT_LAST) | A(FORGE_EDIT_SILENTLY) |
                  A(FORGE_BROKEN_FACT) | A(FORGE_CHECKPOINT) | A(FORGE_RESTORE),
     .modes = A(TOKEN_PRESENT) | A(TOKEN_AWAY),
     .operators = 1,
     .servers = 1,
     .time = true,
     .backs_up = true,
     .acts_max = 3,
     .forgeries_max = 2,
     .steps = 7,
     .steps_deep = 14},
    {.name = "values",
     .acts = A(ACT_SUSPEND) | A(ACT_NARROW) | A(ACT_WIDEN),
     .forgeries = A(FORGE_PERMIT_KEY) | A(FORGE_SUSPEND) | A(FORGE_CUT_ONE),
     .modes = A(TOKEN_PRESENT) | A(TOKEN_AWAY),
     .operators = 1,
     .servers = 1,
     .serving = 1,
     .acts_max = 3,
     .forgeries_max = 2,
     .steps = 7,
     .steps_deep = 14},
    {.name = "edited",
     .acts = A(ACT_SUSPEND) | A(ACT_NARROW) | A(ACT_RESUME) | A(ACT_WIDEN),
     .forgeries = A(FORGE_BROKEN_FACT) | A(FORGE_EDIT_LAST) | A(FORGE_EDIT_SILENTLY),
     .modes = A(TOKEN_PRESENT) | A(TOKEN_AWAY) | A(TAKES_OVER),
     .operators = 1,
     .servers = 1,
     .serving = 1,
     .acts_max = 4,
     .forgeries_max = 2,
     .steps = 6,
     .steps_deep = 14},
    {.name = "versions",
     .acts = A(ACT_RETIRE) | A(ACT_REINSTATE) | A(ACT_COMPROMISE) | A(ACT_DESTROY),
     .forgeries = A(FORGE_REINSTATE) | A(FORGE_COMPROMISE) | A(FORGE_DESTROY) | A(FORGE_CUT_UNSIGNED) |
                  A(FORGE_MOVE_CHECKPOINT) | A(FORGE_NO_CHECKPOINTS),
     .modes = A(TOKEN_PRESENT) | A(TOKEN_AWAY),
     .operators = 1,
     .servers = 1,
     .acts_max = 3,
     .forgeries_max = 2,
     .steps = 9,
     .steps_deep = 14},
    {.name = "signatures",
     .acts = A(ACT_SUSPEND) | A(ACT_COMPROMISE) | A(ACT_RESUME) | A(ACT_RETIRE),
     .forgeries = A(FORGE_NO_CHECKPOINTS) | A(FORGE_PERMIT_KEY) | A(FORGE_SUSPEND) | A(FORGE_CUT_UNSIGNED) |
                  A(FORGE_EDIT_LAST) | A(FORGE_COMPROMISE) | A(FORGE_CHECKPOINT),
     .meanwhile = A(FORGE_PERMIT_KEY) | A(FORGE_SUSPEND) | A(FORGE_CUT_UNSIGNED) | A(FORGE_COMPROMISE),
     .meanwhile_acts = A(ACT_SUSPEND) | A(ACT_COMPROMISE),
     .modes = A(TOKEN_PRESENT) | A(TOKEN_AWAY) | A(TOKEN_SIGNS_ONLY),
     .operators = 2,
     .acts_max = 3,
     .forgeries_max = 2,
     .steps = 4,
     .steps_deep = 6},
    {.name = "eras",
     .acts = A(ACT_SUSPEND) | A(ACT_RESUME) | A(ACT_REVOKE),
     .forgeries = A(FORGE_RESTORE) | A(FORGE_ERA) | A(FORGE_FORMER_ERA) | A(FORGE_CUT_UNSIGNED),
     .modes = A(TOKEN_PRESENT) | A(TAKES_OVER),
     .operators = 1,
     .servers = 2,
     .serving = 1,
     .copied = true,
     .acts_max = 3,
     .forgeries_max = 2,
     .steps = 8,
     .steps_deep = 13},
    {.name = "fleet",
     .acts = A(ACT_SUSPEND) | A(ACT_RESUME),
     .forgeries = A(FORGE_CUT_ONE) | A(FORGE_PERMIT_KEY) | A(FORGE_EDIT_LAST) | A(FORGE_NO_CHECKPOINTS),
     .modes = A(TOKEN_PRESENT) | A(TOKEN_AWAY),
     .operators = 1,
     .servers = 2,
     .serving = 1,
     .time = true,
     .acts_max = 2,
     .forgeries_max = 2,
     .steps = 7,
     .steps_deep = 13},
};

/* ---- states that were seen: a fingerprint of 64 bits of each, as in tests/world ---- */

struct origin {
    uint32_t from;
    struct step step;
};

struct search {
    const struct setting *setting;
    uint64_t *seen;
    uint64_t places; /* a power of two */
    struct origin *origins;
    struct world *worlds; /* from number `base` on: the former ones are explored */
    uint64_t count, room, origins_room, base, next, transitions;
    uint64_t happened[STEP_DIE + 1];
    uint64_t effective;
};

static uint64_t fingerprint(const struct world *state)
{
    uint64_t print = UINT64_C(14695981039346656037);
    const unsigned char *bytes = (const unsigned char *)state;
    for (size_t i = 0; i < sizeof *state; i += sizeof print) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, sizeof *state - i < sizeof word ? sizeof *state - i : sizeof word);
        print = (print ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        print ^= print >> 29;
    }
    print = (print ^ print >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (print ^ print >> 29) | 1;
}

static void *need(void *memory)
{
    if (memory == NULL) {
        fputs("no memory\n", stderr);
        exit(99);
    }
    return memory;
}

static void grow(struct search *search)
{
    uint64_t *former = search->seen, places = search->places;
    search->places = places == 0 ? 1U << 16 : 2 * places;
    search->seen = need(calloc(search->places, sizeof *search->seen));
    for (uint64_t i = 0; i < places; i++) {
        uint64_t place = former[i] & (search->places - 1);
        while (former[i] != 0 && search->seen[place] != 0)
            place = (place + 1) & (search->places - 1);
        if (former[i] != 0)
            search->seen[place] = former[i];
    }
    free(former);
}

static bool is_new(struct search *search, const struct world *state)
{
    uint64_t print = fingerprint(state);
    if (2 * search->count >= search->places)
        grow(search);
    uint64_t place = print & (search->places - 1);
    for (; search->seen[place] != 0; place = (place + 1) & (search->places - 1))
        if (search->seen[place] == print)
            return false;
    search->seen[place] = print;
    return true;
}

static void add(struct search *search, const struct world *state, uint64_t from, struct step step)
{
    if (search->count - search->base == search->room) {
        search->room = 2 * search->room + 1024;
        search->worlds = need(realloc(search->worlds, search->room * sizeof *search->worlds));
    }
    if (search->count == search->origins_room) {
        search->origins_room = 2 * search->origins_room + 1024;
        search->origins = need(realloc(search->origins, search->origins_room * sizeof *search->origins));
    }
    search->worlds[search->count - search->base] = *state;
    search->origins[search->count++] = (struct origin){(uint32_t)from, step};
}

/* ---- one step ---- */

static int16_t aged(int16_t time)
{
    return (int16_t)(time - TICK < LONG_AGO ? LONG_AGO : time - TICK);
}

static void tick(void)
{
    world.pending.committed = world.pending.waits ? aged(world.pending.committed) : 0;
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *server = &world.servers[i];
        server->look_started = aged(server->look_started);
        server->heard_from = aged(server->heard_from);
        server->lease_left = (int16_t)(server->lease_left > TICK ? server->lease_left - TICK : 0);
        server->since = aged(server->since);
        server->reported = aged(server->reported);
    }
}

static int16_t no_earlier(int16_t time, int first)
{
    return (int16_t)(time < first ? first : time);
}

/* What has no effect makes no states. */
static void normalise(void)
{
    const int longest = -4 * LEASE - TICK;
    world.pending.committed = no_earlier(world.pending.committed, longest);
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *server = &world.servers[i];
        if (!world.pending.waits)
            server->remembered = server->moved = 0;
        server->since = server->remembered ? no_earlier(server->since, longest) : 0;
        server->heard_from = server->life == GONE ? 0 : no_earlier(server->heard_from, -LEASE);
        server->look_started = server->look == 0 ? 0 : no_earlier(server->look_started, -LEASE);
        server->reported = server->life == GONE || !world.pending.waits ? 0 : no_earlier(server->reported, longest);
    }
    if (memcmp(&world.servers[0], &world.servers[1], sizeof world.servers[0]) < 0) {
        struct server first = world.servers[0];
        world.servers[0] = world.servers[1];
        world.servers[1] = first;
    }
}

static void meanwhile(unsigned step)
{
    enum token_mode mode = token_mode;
    if (step < MEANWHILE(FORGERIES))
        (void)forger_acts((enum forgery)(step - 1));
    else
        (void)operator_acts(1 - operator_at_work, (enum act)(step - MEANWHILE(FORGERIES)), TOKEN_PRESENT, false);
    token_mode = mode;
}

static bool act(struct step step)
{
    bool takes_over = step.mode == TAKES_OVER;
    while_signing = step.meanwhile != 0 ? meanwhile : NULL;
    while_signing_step = step.meanwhile;
    bool done = operator_acts(step.who, (enum act)step.subject, takes_over ? TOKEN_PRESENT : (enum token_mode)step.mode,
                              takes_over);
    bool happened = step.meanwhile == 0 || while_signing == NULL; /* otherwise it is the act without it */
    while_signing = NULL;
    world.acts++;
    return done && happened;
}

static bool happen(struct step step)
{
    switch ((enum kind)step.kind) {
    case STEP_TICK:
        tick();
        return true;
    case STEP_ACT:
        return act(step);
    case STEP_WAIT:
        return operator_waits();
    case STEP_RESTART:
        return operator_restarts();
    case STEP_BACK_UP:
        return operator_backs_up();
    case STEP_FORGE:
        world.forgeries++;
        return forger_acts((enum forgery)step.subject);
    case STEP_OPEN:
        return server_opens(step.subject);
    case STEP_LOOK:
        return server_looks(step.subject);
    case STEP_REPORT:
        return server_reports(step.subject);
    case STEP_DIE:
    default:
        return server_dies(step.subject);
    }
}

static void name_step(struct step step)
{
    static const char *const steps[] = {
        [STEP_OPEN] = "opens", [STEP_LOOK] = "polls", [STEP_REPORT] = "reports", [STEP_DIE] = "is killed"};
    static const char *const modes[] = {"", ", the audit token is away", ", the token signs and keeps no anchor",
                                        " --take-over"};
    switch ((enum kind)step.kind) {
    case STEP_TICK:
        printf("#   a second passes\n");
        return;
    case STEP_ACT:
        printf("#   operator %u: %s%s", step.who + 1U, act_names[step.subject], modes[step.mode]);
        if (step.meanwhile > FORGERIES)
            printf("; while it signs, the other: %s", act_names[step.meanwhile - MEANWHILE(FORGERIES)]);
        else if (step.meanwhile != 0)
            printf("; while it signs, somebody %s", forgery_names[step.meanwhile - 1]);
        printf("\n");
        return;
    case STEP_WAIT:
        printf("#   the operator asks whether the restriction is effective\n");
        return;
    case STEP_RESTART:
        printf("#   the first operator's process ends, and another one follows\n");
        return;
    case STEP_BACK_UP:
        printf("#   a copy is made\n");
        return;
    case STEP_FORGE:
        printf("#   somebody %s\n", forgery_names[step.subject]);
        return;
    default:
        printf("#   server %u %s\n", step.subject + 1U, steps[step.kind]);
    }
}

/* ---- the search ---- */

static void name_path(const struct search *search, uint64_t from, struct step last)
{
    struct step path[64];
    unsigned length = 0;
    path[length++] = last;
    for (; from != 0 && length < 64; from = search->origins[from].from)
        path[length++] = search->origins[from].step;
    printf("# %s, after\n", world_broken);
    while (length > 0)
        name_step(path[--length]);
}

static bool try_step(struct search *search, uint64_t from, struct step step)
{
    memcpy(&world, &search->worlds[from - search->base], sizeof world);
    world_full = false;
    bool happened = happen(step);
    if (!happened || world_full) {
        world_broken = NULL; /* it was not done, or the world is too small for it */
        return true;
    }
    search->transitions++;
    search->happened[step.kind]++;
    search->effective += step.kind == STEP_WAIT && !world.pending.waits;
    if (world_broken == NULL)
        promise_check();
    normalise();
    if (world_broken != NULL) {
        name_path(search, from, step);
        return false;
    }
    if (is_new(search, &world))
        add(search, &world, from, step);
    return true;
}

static bool try_subjects(struct search *search, uint64_t from, enum kind kind, uint32_t subjects, unsigned most)
{
    for (unsigned subject = 0; subject < most; subject++)
        if ((subjects >> subject & 1) != 0 &&
            !try_step(search, from, (struct step){.kind = (uint8_t)kind, .subject = (uint8_t)subject}))
            return false;
    return true;
}

/* With each thing that can happen while the token signs. */
static bool try_act(struct search *search, uint64_t from, struct step step)
{
    const struct setting *setting = search->setting;
    if (!try_step(search, from, step))
        return false;
    for (unsigned i = 0; step.mode == TOKEN_PRESENT && i < FORGERIES + ACTS; i++) {
        bool tried =
            i < FORGERIES ? (setting->meanwhile >> i & 1) != 0 : (setting->meanwhile_acts >> (i - FORGERIES) & 1) != 0;
        step.meanwhile = (uint8_t)MEANWHILE(i);
        if (tried && !try_step(search, from, step))
            return false;
    }
    return true;
}

static bool try_acts(struct search *search, uint64_t from)
{
    const struct setting *setting = search->setting;
    for (unsigned who = 0; who < setting->operators; who++)
        for (unsigned mode = 0; mode <= TAKES_OVER; mode++)
            for (unsigned subject = 0; subject < ACTS; subject++) {
                struct step step = {
                    .kind = STEP_ACT, .subject = (uint8_t)subject, .who = (uint8_t)who, .mode = (uint8_t)mode};
                if ((setting->acts >> subject & 1) != 0 && (setting->modes >> mode & 1) != 0 &&
                    !try_act(search, from, step))
                    return false;
            }
    return true;
}

static bool try_all(struct search *search, uint64_t from)
{
    const struct setting *setting = search->setting;
    bool good = true;
    uint32_t servers = (UINT32_C(1) << setting->servers) - 1;
    uint8_t acts = search->worlds[from - search->base].acts;
    uint8_t forgeries = search->worlds[from - search->base].forgeries;
    if (acts < setting->acts_max)
        good = try_acts(search, from);
    if (good && forgeries < setting->forgeries_max)
        good = try_subjects(search, from, STEP_FORGE, setting->forgeries, FORGERIES);
    good = good && try_step(search, from, (struct step){.kind = STEP_RESTART});
    if (good && setting->backs_up)
        good = try_step(search, from, (struct step){.kind = STEP_BACK_UP});
    if (good && setting->time)
        good = try_step(search, from, (struct step){.kind = STEP_TICK});
    if (setting->servers == 0)
        return good;
    good = good && try_step(search, from, (struct step){.kind = STEP_WAIT});
    for (unsigned kind = STEP_OPEN; good && kind <= STEP_DIE; kind++)
        good = try_subjects(search, from, (enum kind)kind, servers, SERVERS);
    return good;
}

static bool explore(struct search *search, unsigned steps)
{
    operator_begins();
    for (unsigned i = 0; i < search->setting->serving; i++)
        if (!server_opens(i) || !server_looks(i) || !server_reports(i))
            return false;
    if (search->setting->copied)
        (void)operator_backs_up();
    normalise();
    (void)is_new(search, &world);
    add(search, &world, 0, (struct step){.kind = STEP_TICK});
    for (unsigned depth = 0; depth < steps && search->next < search->count; depth++) {
        for (uint64_t end = search->count; search->next < end; search->next++)
            if (!try_all(search, search->next))
                return false;
        memmove(search->worlds, search->worlds + (search->next - search->base),
                (search->count - search->next) * sizeof *search->worlds);
        search->base = search->next;
    }
    return true;
}

static bool run(const struct setting *setting, unsigned steps, unsigned number)
{
    struct search search = {.setting = setting};
    clock_t began = clock();
    world_broken = NULL;
    bool good = explore(&search, steps);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("# %s: %llu states, %llu transitions, %s %u steps; restrictions that became effective: %llu; %.1f s\n",
           setting->name, (unsigned long long)search.count, (unsigned long long)search.transitions,
           search.next < search.count ? "within" : "all, in", steps, (unsigned long long)search.effective, seconds);
    bool idle = good && setting->servers > 0 && search.effective == 0;
    printf("# figure: facts-%s states=%llu transitions=%llu\n", setting->name, (unsigned long long)search.count,
           (unsigned long long)search.transitions);
    printf("%s %u - every state of %s: %llu\n", good && !idle ? "ok" : "not ok", number, setting->name,
           (unsigned long long)search.count);
    fflush(stdout);
    free(search.seen);
    free(search.origins);
    free(search.worlds);
    return good && !idle;
}

/* explore_facts [--deep] [--steps N] [WORLD...] */
int main(int count, char **arguments)
{
    bool deep = false, good = true;
    unsigned steps = 0, number = 0;
    int names = 1;
    for (; names < count && arguments[names][0] == '-'; names++) {
        deep = deep || strcmp(arguments[names], "--deep") == 0;
        if (strcmp(arguments[names], "--steps") == 0 && names + 1 < count)
            steps = (unsigned)strtoul(arguments[++names], NULL, 10);
    }
    for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct setting *setting = &settings[i];
        bool named = names == count;
        for (int j = names; j < count; j++)
            named = named || strcmp(arguments[j], setting->name) == 0;
        if (named)
            good = run(setting, steps > 0 ? steps : deep ? setting->steps_deep : setting->steps, ++number) && good;
    }
    printf("1..%u\n", number);
    return good && number > 0 ? 0 : 1;
}
