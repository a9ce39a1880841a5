/* SPDX-License-Identifier: Apache-2.0 */
/* Every command, killed at every point, without power, with a full disk, I/O errors and no memory: old or new, and nothing between. And
 * with a conflict at every statement: new. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/trial.h"
#include "crash/verdict.h"
#include "crash/warm.h"
#include "crash/wraps.h"
#include "lib/runner.h"

#define WORKERS 8
#define SHOWN   6 /* complaints of one command that are printed */
#define SLACK \
    4 /* a run may have a few touches more than the one that was counted: random numbers decide where rows go */

/* How many of the points at which a kind of trouble may come are tried: one in so many; 0: none. */
struct plan {
    const char *name;
    unsigned every[TRIAL_KINDS];
    bool stacks; /* of allocations, only those whose call stack no allocation had before, in any command */
};

static const struct plan plans[] = {
    {.name = "short",
     .every = {[TRIAL_KILL] = 30,
               [TRIAL_POWER] = 120,
               [TRIAL_FULL] = 100,
               [TRIAL_IO] = 100,
               [TRIAL_IO_EVER] = 200,
               [TRIAL_LYING] = 200,
               [TRIAL_REAL] = 40,
               [TRIAL_AGAIN] = 400,
               [TRIAL_HIDDEN] = 400,
               [TRIAL_MEMORY] = 700,
               [TRIAL_BUSY] = 150,
               [TRIAL_BUSY_EVER] = 600},
     .stacks = true},
    {.name = "full",
     .every = {[TRIAL_KILL] = 1,
               [TRIAL_POWER] = 2,
               [TRIAL_FULL] = 3,
               [TRIAL_IO] = 3,
               [TRIAL_IO_EVER] = 8,
               [TRIAL_LYING] = 16,
               [TRIAL_REAL] = 1,
               [TRIAL_AGAIN] = 120,
               [TRIAL_HIDDEN] = 160,
               [TRIAL_MEMORY] = 80,
               [TRIAL_MEMORY_EVER] = 400,
               [TRIAL_BUSY] = 40,
               [TRIAL_BUSY_EVER] = 160},
     .stacks = true},
    {.name = "all",
     .every = {[TRIAL_KILL] = 1,
               [TRIAL_POWER] = 1,
               [TRIAL_FULL] = 1,
               [TRIAL_IO] = 1,
               [TRIAL_IO_EVER] = 1,
               [TRIAL_LYING] = 1,
               [TRIAL_REAL] = 1,
               [TRIAL_AGAIN] = 1,
               [TRIAL_HIDDEN] = 1,
               [TRIAL_MEMORY] = 1,
               [TRIAL_MEMORY_EVER] = 1,
               [TRIAL_BUSY] = 1,
               [TRIAL_BUSY_EVER] = 1}},
    {.name = "show", .every = {0}}, /* the allowed states */
    {.name = "kill", .every = {[TRIAL_KILL] = 1}},
    {.name = "power", .every = {[TRIAL_KILL] = 1, [TRIAL_POWER] = 1}},
    {.name = "disk", .every = {[TRIAL_FULL] = 1, [TRIAL_IO] = 1, [TRIAL_IO_EVER] = 1}},
    {.name = "real", .every = {[TRIAL_REAL] = 1}},
    {.name = "hidden", .every = {[TRIAL_HIDDEN] = 1}},
    {.name = "again", .every = {[TRIAL_AGAIN] = 1, [TRIAL_HIDDEN] = 1}},
    {.name = "busy", .every = {[TRIAL_BUSY] = 1, [TRIAL_BUSY_EVER] = 4}},
    {.name = "lies", .every = {[TRIAL_LYING] = 1}},
    {.name = "memory", .every = {[TRIAL_MEMORY] = 1, [TRIAL_MEMORY_EVER] = 7}},
    {.name = "stacks", .every = {[TRIAL_MEMORY] = 1, [TRIAL_MEMORY_EVER] = 20}, .stacks = true},
};

struct list {
    struct trial *trials;
    size_t count;
    size_t room;
};

/* Figures of all that was tried. */
struct figures {
    _Atomic(uint64_t) tried[TRIAL_KINDS];
    _Atomic(uint64_t) met[TRIAL_KINDS]; /* the trouble came about */
    _Atomic(uint64_t) bad[TRIAL_KINDS]; /* neither old nor new */
    _Atomic(uint64_t) old[TRIAL_KINDS];
    _Atomic(uint64_t) between[TRIAL_KINDS]; /* after one of several steps */
    _Atomic(uint64_t) all_new[TRIAL_KINDS];
    _Atomic(uint64_t) unchanged[TRIAL_KINDS]; /* old to the byte */
    _Atomic(uint64_t) noticed;                /* lies that the next start told of */
    _Atomic(uint64_t) commands;
    _Atomic(uint64_t) stacks; /* call stacks of commands, in which an allocation has failed */
};

#define HASHES_ROOM ((size_t)1 << 18)

/* A set. */
struct hashes {
    _Atomic(uint64_t) count;
    _Atomic(uint64_t) places[HASHES_ROOM];
};

/* What the workers share. */
struct board {
    _Atomic(uint64_t) next;
    _Atomic(uint64_t) complaints;
    struct figures figures;
    struct outcome outcomes[WORKERS];
    struct allowed allowed;
    struct stacks stacks;             /* of the command, when nothing goes wrong */
    struct hashes met;                /* those in which an allocation has failed */
    struct hashes known[TRIAL_KINDS]; /* those of all commands so far */
};

static const struct plan *plan = &plans[0];
static const char *only;                            /* the command to try; NULL: all */
static unsigned shift;                              /* which of `every` */
static uint64_t first_at = 1, last_at = UINT64_MAX; /* of the points */
static struct scene *scene;
static struct board *board;
static unsigned workers;

static void setup(void)
{
    board = ground_share(sizeof *board);
    warm_share();
    scene = scene_make();
}

static void teardown(void)
{
    scene_remove(scene);
}

/* ---- Stacks ---- */

/* True: it was not in there. */
static bool hashes_add(struct hashes *hashes, uint64_t hash)
{
    for (size_t i = hash % HASHES_ROOM; hash != 0; i = (i + 1) % HASHES_ROOM) {
        uint64_t expected = 0;
        if (atomic_compare_exchange_strong(&hashes->places[i], &expected, hash)) {
            atomic_fetch_add(&hashes->count, 1);
            return true;
        }
        if (expected == hash)
            return false;
    }
    return false;
}

static bool hashes_has(struct hashes *hashes, uint64_t hash)
{
    size_t i = hash % HASHES_ROOM;
    while (atomic_load(&hashes->places[i]) != 0 && atomic_load(&hashes->places[i]) != hash)
        i = (i + 1) % HASHES_ROOM;
    return atomic_load(&hashes->places[i]) != 0;
}

static void hashes_clear(struct hashes *hashes)
{
    memset(hashes, 0, sizeof *hashes);
}

/* ---- Work ---- */

static struct trial *add(struct list *list, unsigned command, enum trial_kind kind, uint64_t at, unsigned stop)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 1024 : 2 * list->room;
        list->trials = realloc(list->trials, list->room * sizeof *list->trials);
        ck_assert_ptr_nonnull(list->trials);
    }
    struct trial *trial = &list->trials[list->count++];
    *trial = (struct trial){.command = command,
                            .kind = kind,
                            .at = at,
                            .second = kind == TRIAL_AGAIN || kind == TRIAL_HIDDEN,
                            .stop = stop};
    return trial;
}

static bool of_memory(enum trial_kind kind)
{
    return kind == TRIAL_MEMORY || kind == TRIAL_MEMORY_EVER;
}

static bool of_statements(enum trial_kind kind)
{
    return kind == TRIAL_BUSY || kind == TRIAL_BUSY_EVER;
}

static void complain(const struct trial *trial, const struct outcome *outcome, const char *why)
{
    bool memory = of_memory(trial->kind);
    const char *name = memory ? "an allocation" : "the end";
    if (of_statements(trial->kind))
        name = "of the registry's driver";
    else if (!memory && trial->at > 0 && trial->at <= outcome->touches && trial->at <= TOUCH_NAMES)
        name = outcome->names[trial->at - 1];
    if (strcmp(plan->name, "all") == 0 || atomic_fetch_add(&board->complaints, 1) < SHOWN)
        fprintf(stderr, "# %s, %s %llu (%s%s%s): %s%s%s\n", commands[trial->command].name, trial_names[trial->kind],
                (unsigned long long)trial->at, name, trial->second > 0 ? ", " : "", outcome->second_name, why,
                outcome->told.message[0] != '\0' ? "; it said: " : "", outcome->told.message);
}

static void judge(const struct trial *trial, const struct outcome *outcome)
{
    struct figures *figures = &board->figures;
    char why[512];
    bool met = outcome->failed > 0 || (outcome->killed && !outcome->ended);
    int found = verdict_find(&board->allowed, trial, outcome, why);
    atomic_fetch_add(&figures->tried[trial->kind], 1);
    atomic_fetch_add(&figures->met[trial->kind], met);
    if (found == FOUND_NEITHER) {
        atomic_fetch_add(&figures->bad[trial->kind], 1);
        complain(trial, outcome, why);
    } else if (found == FOUND_OLD) {
        atomic_fetch_add(&figures->old[trial->kind], 1);
    } else {
        atomic_fetch_add(found + 1 == (int)board->allowed.count ? &figures->all_new[trial->kind]
                                                                : &figures->between[trial->kind],
                         1);
    }
    (void)hashes_add(&board->met, outcome->failed_stack);
    atomic_fetch_add(&figures->unchanged[trial->kind], outcome->unchanged);
    if (trial->kind == TRIAL_LYING)
        atomic_fetch_add(&figures->noticed, strncmp(outcome->text, "start:", 6) == 0);
}

/* Takes trials until there are none. */
static void work(unsigned number, const struct list *list, bool judges)
{
    struct place place;
    struct outcome *outcome = &board->outcomes[number];
    struct power *power = ground_share(sizeof *power);
    place_make(&place, scene->vaults[SCENE_WHOLE], number);
    warm_up();
    for (;;) {
        uint64_t next = atomic_fetch_add(&board->next, 1);
        if (next >= list->count)
            break;
        struct trial trial = list->trials[next];
        do { /* each touch of the next start, if that is to be killed as well */
            trial_run(scene, &place, power, &trial, outcome);
            if (judges)
                judge(&trial, outcome);
            if (trial.power && trial_lose_power(scene, &place, power, &trial, outcome)) {
                trial.kind = TRIAL_POWER;
                judge(&trial, outcome);
            }
        } while (trial.second++ > 0 && !outcome->second_ended);
    }
    place_remove(&place);
}

static void work_together(const struct list *list, unsigned count)
{
    pid_t children[WORKERS];
    atomic_store(&board->next, 0);
    fflush(NULL);
    for (unsigned i = 0; i < count; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            work(i, list, true);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* A trial in which nothing goes wrong; what it leaves is one of the allowed states. */
static void allow(unsigned command, enum trial_kind kind, unsigned stop)
{
    struct list list = {0};
    int status;
    add(&list, command, kind, 0, stop);
    atomic_store(&board->next, 0);
    trial_note_stacks(kind == TRIAL_GOOD && stop == 0 ? &board->stacks : NULL);
    warm_learn(kind == TRIAL_NOTHING);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        work(0, &list, false);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    trial_note_stacks(NULL);
    warm_learn(false);
    const struct outcome *outcome = &board->outcomes[0];
    ck_assert_msg(outcome->complaint[0] == '\0', "%s: %s", commands[command].name, outcome->complaint);
    ck_assert_msg(kind == TRIAL_NOTHING || stop > 0 || outcome->told.status == SEALRING_OK, "%s: %s",
                  commands[command].name, outcome->told.message);
    const char *fault = state_fault(outcome->text, false);
    ck_assert_msg(fault == NULL, "%s: %s", commands[command].name, fault);
    memcpy(board->allowed.texts[board->allowed.count++], outcome->text, STATE_SIZE);
    free(list.trials);
}

static bool is_turn(uint64_t number, unsigned every)
{
    return every > 0 && number % every == 0;
}

static void list_memory(struct list *list, unsigned command, enum trial_kind kind, const struct outcome *good)
{
    const struct stacks *stacks = &board->stacks;
    uint64_t number = command * 7 + shift;
    for (uint64_t at = 1; plan->every[kind] > 0 && at <= good->allocations && at <= last_at; at++) {
        uint64_t stack = plan->stacks && at <= stacks->count ? stacks->hashes[at - 1] : 0;
        if (at < first_at || (plan->stacks && !hashes_add(&board->known[kind], stack)))
            continue;
        if (is_turn(number++, plan->every[kind]))
            add(list, command, kind, at, 0)->stack = stack;
    }
}

/* Whether such trouble can come at the touch. */
static bool is_point(unsigned command, enum trial_kind kind, uint64_t at, const struct outcome *good)
{
    switch (kind) {
    case TRIAL_REAL:
        return commands[command].line != NULL && good->names[(at - 1) % TOUCH_NAMES][0] != TOUCH_FILE;
    case TRIAL_FULL:
    case TRIAL_IO:
    case TRIAL_IO_EVER:
    case TRIAL_HIDDEN:
        return at <= good->touches && good->names[at - 1][0] == TOUCH_REGISTRY;
    default:
        return true;
    }
}

static void list_touches(struct list *list, unsigned command, enum trial_kind kind, const struct outcome *good)
{
    uint64_t number = command * 7 + shift + kind; /* no two kinds have the same points where they have a part of them */
    for (uint64_t at = first_at; at <= good->touches + SLACK && at <= last_at; at++) {
        if (!is_point(command, kind, at, good))
            continue;
        if (is_turn(number, plan->every[kind]))
            add(list, command, kind, at, 0)->power = kind == TRIAL_KILL && is_turn(number, plan->every[TRIAL_POWER]);
        number++;
    }
}

static void list_statements(struct list *list, unsigned command, enum trial_kind kind, const struct outcome *good)
{
    uint64_t number = command * 7 + shift + kind;
    for (uint64_t at = first_at; at <= good->statements + SLACK && at <= last_at; at++)
        if (is_turn(number++, plan->every[kind]))
            add(list, command, kind, at, 0);
}

static void print_text(const char *title, const char *text)
{
    printf("# ---- %s\n", title);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        printf("# %.*s\n", (int)strcspn(line, "\n"), line);
}

static uint64_t count_bad(void)
{
    uint64_t bad = 0;
    for (unsigned kind = 0; kind < TRIAL_KINDS; kind++)
        bad += atomic_load(&board->figures.bad[kind]);
    return bad;
}

/* What this command's allocations that failed have led to, and how many of its call stacks they were in. */
static void print_memory(const char *name, const struct figures *before, const struct stacks *stacks)
{
    static struct hashes seen;
    const struct figures *now = &board->figures;
    unsigned long long tried = 0, old = 0, unchanged = 0, between = 0, all_new = 0, bad = 0, met = 0;
    for (unsigned kind = TRIAL_MEMORY; kind <= TRIAL_MEMORY_EVER; kind++) {
        tried += now->met[kind] - before->met[kind];
        old += now->old[kind] - before->old[kind];
        unchanged += now->unchanged[kind] - before->unchanged[kind];
        between += now->between[kind] - before->between[kind];
        all_new += now->all_new[kind] - before->all_new[kind];
        bad += now->bad[kind] - before->bad[kind];
    }
    if (tried == 0)
        return;
    hashes_clear(&seen);
    for (uint64_t i = 0; i < stacks->count; i++)
        if (hashes_add(&seen, stacks->hashes[i]))
            met += hashes_has(&board->met, stacks->hashes[i]);
    printf("# %s: %llu allocations failed, in %llu of %llu call stacks: old %llu (%llu to the byte), between %llu, new "
           "%llu, neither %llu\n",
           name, tried, met, (unsigned long long)atomic_load(&seen.count), old, unchanged, between, all_new, bad);
    fflush(stdout); /* a test that fails ends without that */
    atomic_fetch_add(&board->figures.stacks, met);
}

START_TEST(old_or_new)
{
    unsigned command = (unsigned)_i;
    struct list list = {0};
    if (only != NULL && strcmp(only, commands[command].name) != 0)
        return;
    board->allowed.count = 0;
    atomic_store(&board->complaints, 0);
    allow(command, TRIAL_NOTHING, 0);
    for (unsigned step = 1; step <= commands[command].steps; step++)
        allow(command, TRIAL_GOOD, step);
    allow(command, TRIAL_GOOD, 0);
    if (strcmp(plan->name, "show") == 0)
        for (unsigned i = 0; i < board->allowed.count; i++)
            print_text(i == 0 ? "before" : "after", board->allowed.texts[i]);
    const struct outcome *good = &board->outcomes[0];
    board->allowed.handed = atomic_load(&good->told.handed);
    memcpy(board->allowed.message, good->told.message, sizeof board->allowed.message);
    printf("# %s: %llu touches, %llu allocations, %llu statements\n", commands[command].name,
           (unsigned long long)good->touches, (unsigned long long)good->allocations,
           (unsigned long long)good->statements);
    ck_assert_uint_le(good->touches, TOUCH_NAMES);
    if (!commands[command].same)
        ck_assert_str_ne(board->allowed.texts[0], board->allowed.texts[board->allowed.count - 1]);
    for (unsigned kind = 0; kind < TRIAL_KINDS; kind++)
        if (kind != TRIAL_POWER) /* that comes with the kill */
            (of_memory(kind)       ? list_memory
             : of_statements(kind) ? list_statements
                                   : list_touches)(&list, command, (enum trial_kind)kind, good);
    const struct figures before = board->figures;
    uint64_t bad = count_bad();
    hashes_clear(&board->met);
    work_together(&list, workers);
    print_memory(commands[command].name, &before, &board->stacks);
    free(list.trials);
    atomic_fetch_add(&board->figures.commands, 1);
    ck_assert_msg(bad == count_bad(), "%llu trials left neither old nor new", (unsigned long long)(count_bad() - bad));
}
END_TEST

static void print_figures(void)
{
    const struct figures *figures = &board->figures;
    static const struct {
        enum trial_kind kind;
        const char *figure;
        const char *words;
    } lines[] = {
        {TRIAL_KILL, "crash-points", "points killed at"},
        {TRIAL_POWER, "crash-power", "points without power at which something was lost"},
        {TRIAL_FULL, "crash-full", "writes from which on the disk is full"},
        {TRIAL_IO, "crash-io", "writes and syncs that fail"},
        {TRIAL_IO_EVER, "crash-io-ever", "writes and syncs from which on all fail"},
        {TRIAL_LYING, "crash-lying", "points until which a disk lied"},
        {TRIAL_MEMORY, "crash-allocations", "allocations that fail"},
        {TRIAL_REAL, "crash-real", "points of the real command killed at"},
        {TRIAL_AGAIN, "crash-again", "points of the next start killed at, after a kill"},
        {TRIAL_HIDDEN, "crash-hidden", "points of the next start killed at, after I/O errors"},
        {TRIAL_MEMORY_EVER, "crash-allocations-ever", "allocations from which on all fail"},
        {TRIAL_BUSY, "crash-busy", "statements that conflict"},
        {TRIAL_BUSY_EVER, "crash-busy-ever", "statements from which on all conflict"},
    };
    unsigned long long bad = count_bad();
    printf("# crash: %llu commands, %llu points killed at, %llu trials of any kind left neither old nor new\n",
           (unsigned long long)atomic_load(&figures->commands),
           (unsigned long long)atomic_load(&figures->met[TRIAL_KILL]), bad);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        enum trial_kind kind = lines[i].kind;
        if (atomic_load(&figures->tried[kind]) > 0)
            printf("# %s: %llu, one in %u (old %llu, between %llu, new %llu, neither %llu)\n", lines[i].words,
                   (unsigned long long)atomic_load(&figures->met[kind]), plan->every[kind],
                   (unsigned long long)atomic_load(&figures->old[kind]),
                   (unsigned long long)atomic_load(&figures->between[kind]),
                   (unsigned long long)atomic_load(&figures->all_new[kind]),
                   (unsigned long long)atomic_load(&figures->bad[kind]));
    }
    if (plan->every[TRIAL_MEMORY] == 1)
        printf("# memory was refused to every %s\n", plan->stacks ? "call stack that asks for it" : "allocation");
    else if (plan->every[TRIAL_MEMORY] > 0)
        printf("# memory was refused to one in %u of the %s\n", plan->every[TRIAL_MEMORY],
               plan->stacks ? "call stacks that ask for it" : "allocations");
    printf("# lies of the disk that the next start told of: %llu\n",
           (unsigned long long)atomic_load(&figures->noticed));
    printf("# figure: crash-commands %llu\n", (unsigned long long)atomic_load(&figures->commands));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (atomic_load(&figures->tried[lines[i].kind]) > 0)
            printf("# figure: %s %llu\n", lines[i].figure,
                   (unsigned long long)atomic_load(&figures->met[lines[i].kind]));
    if (atomic_load(&figures->stacks) > 0)
        printf("# figure: crash-stacks %llu\n", (unsigned long long)atomic_load(&figures->stacks));
    printf("# figure: crash-neither %llu\n", bad);
}

static const struct plan *find_plan(const char *name)
{
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        if (strcmp(plans[i].name, name) == 0)
            return &plans[i];
    return NULL;
}

/* [PLAN [COMMAND [SHIFT [FIRST [LAST]]]]]: without arguments what `make check` does; "full": every kill, every second loss of power, one in three failures
 * of the disk; "all": everything; or one kind of trouble; "stacks": each call stack of all commands in which memory is asked for. SHIFT: which
 * ones, where a plan tries some; FIRST to LAST: only at these touches and allocations. */
int main(int count, char **arguments)
{
    if (count > 1 && (plan = find_plan(arguments[1])) == NULL) {
        fprintf(
            stderr,
            "there is no plan %s: short, full, all, show; kill, real, power, disk, again, hidden, lies, memory, stacks, busy\n",
            arguments[1]);
        return 2;
    }
    only = count > 2 && arguments[2][0] != '\0' ? arguments[2] : NULL;
    shift = count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : 0;
    first_at = count > 4 ? strtoull(arguments[4], NULL, 10) : 1;
    last_at = count > 5 ? strtoull(arguments[5], NULL, 10) : count > 4 ? first_at : UINT64_MAX;
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1); /* thousands of vaults */
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    workers = processors < 2 ? 2 : processors >= WORKERS ? WORKERS : (unsigned)processors + 1;
    wraps_memory();
    crash_vfs_register();
    Suite *suite = suite_create("crash");
    TCase *cases = tcase_create("crash");
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 36000);
    tcase_add_loop_test(cases, old_or_new, 0, (int)command_count);
    suite_add_tcase(suite, cases);
    int status = run_suite(suite);
    print_figures();
    return status;
}
