/* SPDX-License-Identifier: Apache-2.0 */
/* Each code at each call: no crash, no wrong verdict, no wrong key, nothing told, and well again when the fault is over. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault/actor.h"
#include "fault/codes.h"
#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/module/return_code.h"

#define WORKERS      12
#define WORKERS_MOST 64 /* most of them only wait for a token that is given up for a while */
#define CALLS_LEAST  8  /* of the tasks that use the token */
#define SAMPLE_SEED  0x5ea1u
#define CALLS_EVERY  2    /* one call in so many, where not all are tried */
#define SHOWN        10   /* complaints that are printed, */
#define SHOWN_ALL    1000 /* where all are tried */
#define PROGRESS_MS  30000

/* How the token fails. */
static const struct manner {
    enum fault_kind kind;
    uint64_t times;
    bool coded;
    const char *words;
} manners[] = {
    {FAULT_INSTEAD, 1, true, "once, instead of an answer"}, {FAULT_AFTER, 1, true, "once, after it was done"},
    {FAULT_INSTEAD, FAULT_EVER, true, "from then on"},      {FAULT_SHORT, 1, false, "short, once"},
    {FAULT_TRUNCATED, 1, false, "truncated, once"},         {FAULT_VANISH, 1, false, "its directory goes away"},
};

/* All that a code can be of. */
static const enum code_class classes[] = {CODE_DOUBT, CODE_SESSION, CODE_LOGIN,   CODE_HANDLE, CODE_GONE,
                                          CODE_BUSY,  CODE_CLOSED,  CODE_REFUSED, CODE_PIN,    CODE_BUG};

#define CHOICES 100
#define MANNERS (sizeof manners / sizeof manners[0])
#define CODED   3 /* manners with a code, which come first */
#define CLASSES (sizeof classes / sizeof classes[0])
#define SAMPLE  ((unsigned)(CODED * CLASSES + MANNERS - CODED)) /* trials of a task besides one for each call */

struct list {
    struct trial *trials;
    size_t count;
    size_t room;
};

/* What the workers share. */
struct board {
    _Atomic(uint64_t) next;
    _Atomic(uint64_t) tried;
    _Atomic(uint64_t) met;
    _Atomic(uint64_t) survived; /* the task succeeded in spite of the fault */
    _Atomic(uint64_t) complaints;
    _Atomic(int64_t) slowest; /* trial, in milliseconds */
    _Atomic(int64_t) told;    /* when somebody said how far it is, or the start */
    struct outcome outcomes[WORKERS_MOST];
};

/* Of which task what is tried. */
struct choice {
    enum actor_task task;
    uint64_t first; /* calls; UINT64_MAX: as many as there are */
    uint64_t last;
};

static struct ground *ground;
static struct board *board;
static struct choice choices[CHOICES];
static int chosen;
static unsigned workers = WORKERS;
static bool everything;
static unsigned sample = SAMPLE;
static uint32_t seed = SAMPLE_SEED;

static void setup(void)
{
    board = ground_share(sizeof *board);
    ground = ground_make();
}

static void teardown(void)
{
    ground_remove(ground);
}

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*state * below) >> 32);
}

static void add(struct list *list, enum actor_task task, const struct manner *manner, uint64_t call, CK_RV code)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 1024 : 2 * list->room;
        list->trials = realloc(list->trials, list->room * sizeof *list->trials);
        ck_assert_ptr_nonnull(list->trials);
    }
    list->trials[list->count++] = (struct trial){.task = task,
                                                 .kind = manner->kind,
                                                 .function = FAULT_ANY,
                                                 .call = call,
                                                 .times = manner->times,
                                                 .code = manner->coded ? code : 0};
}

/* All of them. */
static void list_all(struct list *list, enum actor_task task, uint64_t first, uint64_t last)
{
    for (uint64_t call = first; call <= last; call++)
        for (size_t i = 0; i < MANNERS; i++)
            for (size_t j = 0; j < (manners[i].coded ? FAULT_CODES : 1); j++)
                add(list, task, &manners[i], call, fault_codes[j]);
}

/* A code of the class, by chance. */
static CK_RV draw_code(uint32_t *state, enum code_class class)
{
    CK_RV code;
    do {
        code = fault_codes[draw(state, FAULT_CODES)];
    } while (code_class_of(code) != class);
    return code;
}

/* One call in CALLS_EVERY with some code in some manner; and at some call each class of codes in each manner, so that rare ones are not
 * forgotten, and each manner without a code. Always the same ones. */
static void list_some(struct list *list, enum actor_task task, uint64_t calls)
{
    uint32_t state = seed + (uint32_t)task;
    for (uint64_t call = 1 + (uint64_t)task % CALLS_EVERY; call <= calls; call += CALLS_EVERY)
        add(list, task, &manners[draw(&state, MANNERS)], call, fault_codes[draw(&state, FAULT_CODES)]);
    for (unsigned i = 0; i < sample; i++) {
        unsigned pair = i % SAMPLE;
        bool coded = pair < CODED * CLASSES;
        CK_RV code = coded ? draw_code(&state, classes[pair % CLASSES]) : CKR_OK;
        const struct manner *manner = &manners[coded ? pair / CLASSES : CODED + pair - CODED * CLASSES];
        add(list, task, manner, 1 + draw(&state, (uint32_t)calls), code);
    }
}

static const char *manner_words(const struct trial *trial)
{
    for (size_t i = 0; i < MANNERS; i++)
        if (manners[i].kind == trial->kind && manners[i].times == trial->times)
            return manners[i].words;
    return "?";
}

static void print_complaint(const struct trial *trial, const struct outcome *outcome)
{
#define NAME(name) #name,
    static const char *const names[] = {FAULT_FUNCTIONS(NAME)};
    fprintf(stderr, "# %s, call %llu (%s), %s, %s 0x%lx: %s\n", actor_task_names[trial->task],
            (unsigned long long)trial->call,
            outcome->met > 0 && outcome->function < FAULT_FUNCTION_COUNT ? names[outcome->function] : "?",
            manner_words(trial), code_name(trial->code), trial->code, outcome->complaint);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_time(int64_t took)
{
    int64_t slowest = atomic_load(&board->slowest);
    while (took > slowest && !atomic_compare_exchange_weak(&board->slowest, &slowest, took))
        ;
}

/* From time to time, by whoever sees first that it is time. */
static void tell_progress(const struct list *list)
{
    int64_t now = now_ms();
    int64_t told = atomic_load(&board->told);
    if (now - told >= PROGRESS_MS && atomic_compare_exchange_strong(&board->told, &told, now))
        fprintf(stderr, "# %s: %llu of %zu tried, %llu complaints\n", actor_task_names[list->trials->task],
                (unsigned long long)board->tried, list->count, (unsigned long long)board->complaints);
}

/* Takes trials until there are none. */
static void work(unsigned number, const struct list *list)
{
    struct place place;
    struct outcome *outcome = &board->outcomes[number];
    place_make(&place, ground, number);
    /* mapped once for all children; not initialised */
    (void)dlopen(test_token_module(), RTLD_NOW | RTLD_LOCAL);
    for (;;) {
        uint64_t next = atomic_fetch_add(&board->next, 1);
        if (next >= list->count)
            break;
        const struct trial *trial = &list->trials[next];
        place_restore(&place);
        int64_t start = now_ms();
        bool good = actor_try(&place, trial, outcome);
        note_time(now_ms() - start);
        atomic_fetch_add(&board->tried, 1);
        atomic_fetch_add(&board->met, outcome->met > 0);
        atomic_fetch_add(&board->survived, outcome->met > 0 && outcome->succeeded);
        if (!good && atomic_fetch_add(&board->complaints, 1) < (everything ? SHOWN_ALL : SHOWN))
            print_complaint(trial, outcome);
        tell_progress(list);
    }
    place_remove(&place);
}

static void work_together(const struct list *list, unsigned count)
{
    pid_t children[WORKERS_MOST];
    fflush(NULL);
    atomic_store(&board->told, now_ms());
    for (unsigned i = 0; i < count; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            work(i, list);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* Without a fault: how many calls the task makes. */
static uint64_t count_calls(enum actor_task task)
{
    struct list dry = {0};
    static const struct manner none = {FAULT_NONE, 1, false, "no fault"};
    add(&dry, task, &none, 1, CKR_OK);
    work_together(&dry, 1);
    ck_assert_msg(board->outcomes[0].complaint[0] == '\0', "without any fault: %s", board->outcomes[0].complaint);
    ck_assert(board->outcomes[0].succeeded);
    free(dry.trials);
    uint64_t calls = board->outcomes[0].calls;
    memset(board, 0, sizeof *board);
    return calls;
}

/* Tasks are named on the command line, and in the summary's figures, as one word. */
static void name_task(enum actor_task task, char name[32])
{
    snprintf(name, 32, "%s", actor_task_names[task]);
    for (char *space = strchr(name, ' '); space != NULL; space = strchr(space, ' '))
        *space = '-';
}

static void print_result(enum actor_task task, uint64_t calls, int64_t took_ms)
{
    char name[32];
    name_task(task, name);
    printf(
        "# %s: %llu calls of the token x %zu codes x 3 manners, and 3 manners without a code: %llu tried%s, %llu met "
        "the fault, %llu of them succeeded all the same; %llu complaints, %lld s, the slowest trial %lld ms\n",
        actor_task_names[task], (unsigned long long)calls, FAULT_CODES, (unsigned long long)board->tried,
        everything ? "" : " (a sample by seed, at one call in two)", (unsigned long long)board->met,
        (unsigned long long)board->survived, (unsigned long long)board->complaints, (long long)(took_ms / 1000),
        (long long)board->slowest);
    printf("# figure: token-faults-%s calls=%llu codes=%zu tried=%llu met=%llu complaints=%llu\n", name,
           (unsigned long long)calls, FAULT_CODES, (unsigned long long)board->tried, (unsigned long long)board->met,
           (unsigned long long)board->complaints);
}

START_TEST(every_code_at_every_call)
{
    const struct choice *choice = &choices[_i];
    enum actor_task task = choice->task;
    struct list list = {0};
    int64_t start = now_ms();
    uint64_t calls = count_calls(task);
    ck_assert_uint_le(calls, FAULT_TRACE);
    if (task == ACTOR_AGAIN)
        ck_assert_uint_eq(calls, 0); /* the token is not asked: nothing that it does can matter */
    else if (task != ACTOR_VERIFY && task != ACTOR_ISSUE)
        ck_assert_uint_ge(calls, CALLS_LEAST);
    if (everything)
        list_all(&list, task, choice->first, choice->last < calls ? choice->last : calls);
    else if (calls > 0)
        list_some(&list, task, calls);
    ck_assert_msg(calls == 0 || list.count > 0, "%s: %llu calls, none of them chosen", actor_task_names[task],
                  (unsigned long long)calls);
    work_together(&list, workers);
    print_result(task, calls, now_ms() - start);
    ck_assert_uint_eq(board->tried, list.count);
    free(list.trials);
    ck_assert_msg(board->complaints == 0, "%llu complaints", (unsigned long long)board->complaints);
}
END_TEST

/* What trying all has brought to light: by the function, as the numbers of calls move. */
static const struct trial found[] = {
    /* the module was finalised to look anew, and then taken for one that the host program has started */
    {ACTOR_DESTROY, FAULT_INSTEAD, FAULT_C_Initialize, 1, 1, CKR_CRYPTOKI_ALREADY_INITIALIZED, 0, false},
    {ACTOR_DESTROY, FAULT_INSTEAD, FAULT_C_Initialize, 1, FAULT_EVER, CKR_CRYPTOKI_ALREADY_INITIALIZED, 0, false},
};

START_TEST(what_was_found_stays_mended)
{
    struct list list = {(struct trial *)&found[_i], 1, 1};
    work_together(&list, 1);
    ck_assert_uint_eq(board->met > 0, 1);
    ck_assert_msg(board->complaints == 0, "%s: %s", actor_task_names[found[_i].task], board->outcomes[0].complaint);
}
END_TEST

static void choose(enum actor_task task, uint64_t first, uint64_t last)
{
    if (chosen < CHOICES)
        choices[chosen++] = (struct choice){task, first, last};
}

/* TASK[:FIRST[-LAST]] */
static bool choose_word(const char *word)
{
    char name[32];
    char *end = NULL;
    size_t length = strcspn(word, ":");
    uint64_t first = 1;
    uint64_t last = UINT64_MAX;
    if (word[length] == ':') {
        first = last = strtoull(word + length + 1, &end, 10);
        if (*end == '-')
            last = strtoull(end + 1, &end, 10);
        if (*end != '\0' || first == 0 || last < first)
            return false;
    }
    for (int task = 0; task < ACTOR_TASKS; task++) {
        name_task((enum actor_task)task, name);
        if (strlen(name) == length && strncmp(name, word, length) == 0) {
            choose((enum actor_task)task, first, last);
            return true;
        }
    }
    return false;
}

/* False: they make no sense. */
static bool read_arguments(int count, char **arguments)
{
    const char *wanted = getenv("FAULT_WORKERS");
    if (wanted != NULL)
        workers = (unsigned)strtoul(wanted, NULL, 10);
    if (workers == 0 || workers > WORKERS_MOST)
        return false;
    everything = count > 1 && strcmp(arguments[1], "all") == 0;
    bool named = everything && count > 2;
    for (int i = 2; everything && i < count; i++)
        if (!choose_word(arguments[i]))
            return false;
    if (count > 1 && !everything)
        sample = (unsigned)strtoul(arguments[1], NULL, 10);
    if (count > 2 && !everything)
        seed = (uint32_t)strtoul(arguments[2], NULL, 0);
    for (int task = 0; !named && task < ACTOR_TASKS; task++)
        choose((enum actor_task)task, 1, UINT64_MAX);
    return true;
}

/* Without arguments: what CI does. "all": all, or all of the tasks that are named, or of some of their calls:
 * all rotate issue:7 destroy:90-109. A number, and a seed: as many trials of each task besides one for each call.
 * FAULT_WORKERS in the environment: so many at once. */
int main(int count, char **arguments)
{
    if (!read_arguments(count, arguments)) {
        fprintf(stderr, "usage: test_fault_codes [all [TASK[:FIRST[-LAST]]]... | NUMBER [SEED]]\n");
        return 2;
    }
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1); /* thousands of vaults */
    Suite *suite = suite_create("fault codes");
    TCase *cases = tcase_create("codes");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, count > 1 ? 36000 : 300);
    if (chosen == ACTOR_TASKS)
        tcase_add_loop_test(cases, what_was_found_stays_mended, 0, sizeof found / sizeof found[0]);
    tcase_add_loop_test(cases, every_code_at_every_call, 0, chosen);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
