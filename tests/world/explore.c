/* SPDX-License-Identifier: Apache-2.0 */
/* Explores small worlds exhaustively, breadth first: every state that events can lead to, against what must always be true. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "world/settings.h"
#include "world/world.h"

/* ---- states that were seen ---- */

/* How a state was reached: states are numbered in the order in which they are found. */
struct origin {
    uint32_t from;
    struct event event;
};

/* Of each state a fingerprint of 64 bits is kept: that two of n states have the same, so that one would be passed over, has a probability
 * of n * n / 2^65: one in a million million for four million states. */
#define TABLE_ALIGNMENT (UINT64_C(2) << 20) /* a large page */

struct search {
    const struct setting *setting;
    uint64_t *seen;
    uint64_t places; /* a power of two */
    struct origin *origins;
    uint64_t count;
    uint64_t transitions;
    unsigned depth;
    struct world *frontier, *next;
    uint64_t frontier_count, next_count, next_room;
    uint64_t frontier_first; /* number of its first state */
};

static uint64_t mix(uint64_t print, uint64_t word)
{
    print = (print ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return print ^ print >> 29;
}

static uint64_t fingerprint(const struct world *world)
{
    uint64_t print = UINT64_C(14695981039346656037);
    const unsigned char *bytes = (const unsigned char *)world;
    size_t i = 0;
    for (; i + sizeof print <= sizeof *world; i += sizeof print) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        print = mix(print, word);
    }
    for (; i < sizeof *world; i++)
        print = mix(print, bytes[i]);
    print = mix(print, print >> 32);
    return print | (print == 0);
}

static void *need(void *memory)
{
    if (memory == NULL) {
        fputs("no memory\n", stderr);
        exit(99);
    }
    return memory;
}

/* Most of the time would go by waiting for memory that no cache has: a table that is no larger than it has to be, of large pages. */
static uint64_t *make_table(uint64_t places)
{
    uint64_t size = places * sizeof(uint64_t);
    uint64_t *table = need(aligned_alloc(TABLE_ALIGNMENT, size));
    (void)madvise(table, size, MADV_HUGEPAGE);
    memset(table, 0, size);
    return table;
}

static void grow(struct search *search)
{
    uint64_t *former = search->seen, places = search->places;
    search->places = places == 0 ? TABLE_ALIGNMENT / sizeof *search->seen : 2 * places;
    search->seen = make_table(search->places);
    for (uint64_t i = 0; i < places; i++) {
        uint64_t place = former[i] & (search->places - 1);
        while (former[i] != 0 && search->seen[place] != 0)
            place = (place + 1) & (search->places - 1);
        if (former[i] != 0)
            search->seen[place] = former[i];
    }
    free(former);
}

static bool is_new(struct search *search, const struct world *world)
{
    uint64_t print = fingerprint(world);
    if (2 * search->count >= search->places)
        grow(search);
    uint64_t place = print & (search->places - 1);
    for (; search->seen[place] != 0; place = (place + 1) & (search->places - 1))
        if (search->seen[place] == print)
            return false;
    search->seen[place] = print;
    return true;
}

static bool add(struct search *search, const struct world *world, uint64_t from, struct event event)
{
    if (search->count == search->setting->states_max)
        return false;
    if (search->next_count == search->next_room) {
        search->next_room = 2 * search->next_room + 1024;
        search->next = need(realloc(search->next, search->next_room * sizeof *world));
    }
    memcpy(&search->next[search->next_count++], world, sizeof *world);
    search->origins[search->count++] = (struct origin){(uint32_t)from, event};
    return true;
}

/* ---- one event ---- */

/* What a call under way was promised when it began does not hold for what changed since. */
static void follow_calls(struct world *world)
{
    for (unsigned i = 0; i < VERIFIERS; i++) {
        struct request *request = &world->processes[i].request;
        if (!request->there)
            continue;
        request->good_all_along &= truth_promises(world, request->credential);
        request->began_late &= truth_has_ended(world, request->credential);
    }
}

/* False: it cannot happen in this state. */
static bool happen(const struct setting *setting, struct world *world, struct event event)
{
    if (event.kind == TICKS) {
        canon_tick(setting, world);
    } else if (event.kind <= OBSERVE) {
        if (!operator_happens(setting, world, event))
            return false;
    } else if (!verifying_happens(setting, world, event)) {
        return false;
    }
    if ((setting->kinds >> OBSERVE & 1) == 0)
        roster_observe(setting, world);
    operator_conclude(setting, world);
    follow_calls(world);
    return true;
}

static unsigned verifiers_of(const struct setting *setting, enum kind kind)
{
    return kind >= LOSE_FILE ? setting->verifiers : 1;
}

static unsigned subjects_of(const struct setting *setting, enum kind kind)
{
    switch (kind) {
    case ACTIVATE:
    case RETIRE:
    case OVERRULE:
    case NAMED:
    case REINSTATE:
    case COMPROMISE:
    case DESTROY:
    case PROVE:
        return setting->versions;
    case ISSUE:
    case REVOKE:
    case SUSPEND:
    case RESUME:
    case CALLED:
        return setting->clients;
    case EXPIRE:
    case FIRST_SIGHT:
    case USE:
        return setting->clients * VERSIONS;
    default:
        return 1;
    }
}

/* ---- telling ---- */

static const char *const kind_names[KINDS] = {
    [TICKS] = "a tick",
    [PREPARE] = "prepare",
    [ACTIVATE] = "activate",
    [ROLLBACK] = "rollback",
    [RETIRE] = "retire",
    [OVERRULE] = "retire --overrule",
    [NAMED] = "retire --overrule-succession",
    [REINSTATE] = "reinstate",
    [COMPROMISE] = "compromise",
    [DESTROY] = "destroy",
    [ISSUE] = "issue to client",
    [REVOKE] = "revoke client",
    [RUN] = "run --once",
    [SUSPEND] = "suspend client",
    [RESUME] = "resume client",
    [EXPIRE] = "the time has passed of credential",
    [CALLED] = "a use was harvested of client",
    [BACK_UP] = "backup",
    [RESTORE] = "restore",
    [WRITE_BACK] = "the backup is written back into the file",
    [PUT_BACK] = "the backup is put in the file's place",
    [TAKE_OVER] = "takes over",
    [ANOTHER] = "another process waits from now on",
    [OBSERVE] = "the waiting side reads the reports",
    [LOSE_FILE] = "its report file is removed",
    [JOIN] = "joins: report file",
    [PROVE_ALL] = "joins: proves all",
    [SEE] = "sees",
    [TAKE_IN] = "takes in",
    [APPLIED] = "has applied",
    [REPORT] = "reports",
    [REPORT_FULL] = "reports in a new file without room",
    [PROVE] = "proves version",
    [FIRST_SIGHT] = "reads the row of credential",
    [TOKEN_SAYS] = "hears from the token, inserts, answers",
    [USE] = "answers a call with credential",
    [CRASH] = "is killed",
    [EDIT_ROW] = "has its row edited: it ended, and was forgotten",
    [MASK] = "reports another boot ID, and that it left",
};

static void tell_event(const struct setting *setting, struct event event)
{
    char subject[32] = "";
    if (event.kind == FIRST_SIGHT || event.kind == USE || event.kind == EXPIRE)
        snprintf(subject, sizeof subject, " %u.%u", event.subject / VERSIONS + 1U, event.subject % VERSIONS + 1U);
    else if (subjects_of(setting, (enum kind)event.kind) > 1)
        snprintf(subject, sizeof subject, " %u", event.subject + 1U);
    if (event.kind >= LOSE_FILE)
        printf("#   verifier %u: %s%s\n", event.verifier + 1U, kind_names[event.kind], subject);
    else
        printf("#   %s%s\n", kind_names[event.kind], subject);
}

/* The shortest way to it. Verifiers are named by their places in the state before, which normalising may swap. */
static void tell_path(const struct search *search, uint64_t state, struct event last)
{
    struct event path[256];
    unsigned length = 0;
    path[length++] = last;
    while (state != 0 && length < 256) {
        path[length++] = search->origins[state].event;
        state = search->origins[state].from;
    }
    printf("# %s, after\n", world_broken);
    for (const struct event *event = search->setting->first_events; event != NULL && event->kind != TICKS; event++)
        tell_event(search->setting, *event);
    while (length > 0)
        tell_event(search->setting, path[--length]);
}

/* ---- the search ---- */

static bool try_event(struct search *search, const struct world *before, uint64_t from, struct event event)
{
    struct world world;
    memcpy(&world, before, sizeof world);
    if (!happen(search->setting, &world, event)) {
        world_broken = NULL; /* it was not done */
        return true;
    }
    search->transitions++;
    tally.events[event.kind]++;
    canon_normalise(search->setting, &world);
    bool fresh = world_broken == NULL && is_new(search, &world);
    if (fresh)
        truth_check(search->setting, &world);
    if (world_broken != NULL) {
        tell_path(search, from, event);
        return false;
    }
    if (fresh && !add(search, &world, from, event)) {
        printf("# more than %llu states\n", (unsigned long long)search->setting->states_max);
        return false;
    }
    return true;
}

static bool try_kind(struct search *search, const struct world *world, uint64_t from, enum kind kind)
{
    const struct setting *setting = search->setting;
    for (unsigned verifier = 0; verifier < verifiers_of(setting, kind); verifier++)
        for (unsigned subject = 0; subject < subjects_of(setting, kind); subject++)
            if (!try_event(search, world, from, (struct event){(uint8_t)kind, (uint8_t)verifier, (uint8_t)subject}))
                return false;
    return true;
}

static bool try_all(struct search *search, const struct world *world, uint64_t from)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        if ((search->setting->kinds >> kind & 1) != 0 && !try_kind(search, world, from, (enum kind)kind))
            return false;
    return true;
}

static bool begin(struct search *search, const struct setting *setting)
{
    struct world world;
    memset(search, 0, sizeof *search);
    search->setting = setting;
    search->origins = need(calloc(setting->states_max, sizeof *search->origins));
    settings_begin(setting, &world);
    canon_normalise(setting, &world);
    for (const struct event *event = setting->first_events; event != NULL && event->kind != TICKS; event++) {
        bool happened = happen(setting, &world, *event);
        canon_normalise(setting, &world);
        if (world_broken == NULL && happened)
            truth_check(setting, &world);
        if (world_broken == NULL && happened)
            continue;
        printf("# %s, after\n", world_broken != NULL ? world_broken : "the beginning does not come about");
        for (const struct event *told = setting->first_events; told <= event; told++)
            tell_event(setting, *told);
        return false;
    }
    (void)is_new(search, &world);
    (void)add(search, &world, 0, (struct event){.kind = TICKS});
    return true;
}

static void end(struct search *search)
{
    free(search->seen);
    free(search->origins);
    free(search->frontier);
    free(search->next);
}

/* Whether everything of this setting was seen, and nothing was broken. */
static bool explore(struct search *search)
{
    const unsigned depth_max = search->setting->depth_max;
    while (search->next_count > 0 && (depth_max == 0 || search->depth < depth_max)) {
        struct world *former = search->frontier;
        search->frontier = search->next;
        search->frontier_count = search->next_count;
        search->frontier_first = search->count - search->next_count;
        search->next = former;
        search->next_count = 0;
        search->next_room = 0;
        free(former);
        search->next = NULL;
        for (uint64_t i = 0; i < search->frontier_count; i++)
            if (!try_all(search, &search->frontier[i], search->frontier_first + i))
                return false;
        search->depth++;
    }
    return true;
}

/* An event of the setting that never happened would make it a smaller world than it says. */
static bool nothing_was_idle(const struct setting *setting)
{
    bool all = true;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if ((setting->kinds >> kind & 1) == 0 || tally.events[kind] > 0)
            continue;
        printf("# it never happened: %s\n", kind_names[kind]);
        all = false;
    }
    return all;
}

static bool run(const struct setting *setting, unsigned number)
{
    struct search search;
    clock_t began = clock();
    memset(&tally, 0, sizeof tally);
    world_broken = NULL;
    bool good = begin(&search, setting) && explore(&search) && nothing_was_idle(setting);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("# %s: %s\n", setting->name, setting->bounds);
    printf("# %llu states, %llu transitions, %s%u events from the beginning, %.1f s\n",
           (unsigned long long)search.count, (unsigned long long)search.transitions,
           search.next_count == 0 ? "all that there are: at most " : "all within ", search.depth, seconds);
    printf("# rows inserted %llu, refused %llu; fences %llu; closings that came into force %llu\n",
           (unsigned long long)tally.inserted, (unsigned long long)tally.not_inserted, (unsigned long long)tally.fences,
           (unsigned long long)tally.effective);
    if (tally.excused > 0)
        printf("# states in which a verifier that came back serves what it has not proved yet: %llu\n",
               (unsigned long long)tally.excused);
    if (tally.asked > 0)
        printf("# questions to a registry who lacks a successor: %llu\n", (unsigned long long)tally.asked);
    printf("# figure: world-%s states=%llu transitions=%llu events=%u\n", setting->name,
           (unsigned long long)search.count, (unsigned long long)search.transitions, search.depth);
    printf("%s %u - every state of %s: %llu\n", good ? "ok" : "not ok", number, setting->name,
           (unsigned long long)search.count);
    fflush(stdout);
    end(&search);
    return good;
}

/* explore [--deep] [--events N] [--first] [WORLD...]: all of them, or those that are named; --deep without a bound on the events, --events
 * with another one, --first ends at the first one that fails. */
int main(int count, char **arguments)
{
    bool deep = false, first = false, good = true;
    unsigned events = 0;
    int names = 1;
    for (; names < count && arguments[names][0] == '-'; names++) {
        deep = deep || strcmp(arguments[names], "--deep") == 0;
        first = first || strcmp(arguments[names], "--first") == 0;
        if (strcmp(arguments[names], "--events") == 0 && names + 1 < count)
            events = (unsigned)strtoul(arguments[++names], NULL, 10);
    }
    unsigned number = 0;
    for (unsigned i = 0; i < settings_count() && (good || !first); i++) {
        struct setting setting = settings_get(deep || events > 0, i);
        setting.depth_max = events > 0 ? events : setting.depth_max;
        bool named = names == count;
        for (int j = names; j < count; j++)
            named = named || strcmp(arguments[j], setting.name) == 0;
        if (named)
            good = run(&setting, ++number) && good;
    }
    printf("1..%u\n", number);
    return good && number > 0 ? 0 : 1;
}
