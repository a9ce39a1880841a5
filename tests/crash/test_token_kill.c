/* SPDX-License-Identifier: Apache-2.0 */
/* Commands and a server that are killed at each system call by which SoftHSM2 or sealring changes a token's files: no key is lost, none comes back. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sealring/backup.h>

#include "crash/kill_server.h"
#include "crash/kill_trial.h"
#include "crash/warm.h"
#include "lib/runner.h"
#include "lib/test_token.h"

#define WORKERS_MAX 6
#define TRIALS_MAX  65536
#define SHOWN       6 /* complaints, for each command */
#define FIRST_PLACE 1 /* 0 is the baselines' */

/* What is tried of a command: of its points every `every`th, beginning at one that depends on the command; 0: none. */
struct plan {
    const char *name;
    unsigned every[KILL_MODES];
    unsigned again;  /* KILL_AGAIN: every such point of the next start */
    bool all_starts; /* each kind of start after each kill; else they take turns */
};

#define EVERY_KILL  [KILL_BEFORE] = 1, [KILL_AFTER] = 1, [KILL_TORN] = 1
#define EVERY_POWER [KILL_POWER] = 1, [KILL_POWER_CONTENT] = 1
#define EVERY_FULL  [KILL_FULL] = 1, [KILL_AND_FULL] = 1

static const struct plan plans[] = {
    {"short",
     {[KILL_BEFORE] = 67,
      [KILL_AFTER] = 127,
      [KILL_TORN] = 71,
      [KILL_POWER] = 131,
      [KILL_POWER_CONTENT] = 137,
      [KILL_FULL] = 109,
      [KILL_AND_FULL] = 113,
      [KILL_AGAIN] = 113,
      [KILL_DAMAGED] = 2},
     .again = 11},
    {"kill", {EVERY_KILL, [KILL_DAMAGED] = 1}, .again = 1},
    {"power", {EVERY_POWER}, .again = 1},
    {"full", {EVERY_FULL}, .again = 1},
    {"again", {[KILL_AGAIN] = 3}, .again = 1},
    {"all",
     {EVERY_KILL, EVERY_POWER, EVERY_FULL, [KILL_AGAIN] = 1, [KILL_DAMAGED] = 1},
     .again = 1,
     .all_starts = true},
    {"damaged", {[KILL_DAMAGED] = 1}, .again = 1, .all_starts = true},
    {"points", {0}, .again = 1},
    {"random", {0}, .again = 1},
    {"random-full", {0}, .again = 1},
};

struct figures {
    _Atomic(uint64_t) commands;
    _Atomic(uint64_t) points;
    _Atomic(uint64_t) tried[KILL_MODES];
    _Atomic(uint64_t) met[KILL_MODES];
    _Atomic(uint64_t) bad[KILL_MODES];
    _Atomic(uint64_t) lost; /* power losses that took something */
    _Atomic(uint64_t) started_on_full[START_KINDS];
    _Atomic(uint64_t) done_on_full[START_KINDS]; /* these of them had all that they need */
};

struct board {
    struct figures figures;
    _Atomic(uint64_t) next;
    _Atomic(uint64_t) complaints;
    struct sight before;
    struct kill_outcome good; /* of the command that is being tried: undisturbed */
    struct kill_outcome outcomes[WORKERS_MAX];
};

struct list {
    struct kill_trial *trials;
    size_t count;
};

static const struct plan *plan = &plans[0];
static const char *only; /* a command's name; NULL: all */
static unsigned first_at = 1, last_at = UINT32_MAX;
static unsigned random_count;
static uint64_t seed;
static unsigned workers = 3;
static struct scene *scene;
static struct board *board;
static char files[160];

static bool find_command(const char *name, unsigned *command)
{
    for (*command = 0; *command < kill_command_count; (*command)++)
        if (strcmp(kill_commands[*command].name, name) == 0)
            return true;
    return false;
}

/* ---- The scene ---- */

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

/* There is a backup to restore, and a server has left a report file, which the next one takes: on a full disk it could not make one. */
static void prepare(const char *vault)
{
    char file[256];
    sealring_options serving = {.size = sizeof serving, .manual_maintenance = 1};
    sealring_vault *server = NULL;
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    snprintf(file, sizeof file, "%s/" BACKUP_NAME, vault);
    if (sealring_environment(vault, set_variable, NULL, &error) != SEALRING_OK ||
        sealring_open(vault, &serving, &server, &error) != SEALRING_OK ||
        sealring_manager_open(vault, NULL, &manager, &error) != SEALRING_OK ||
        sealring_backup(manager, file, NULL, NULL, NULL, &error) != SEALRING_OK) {
        fprintf(stderr, "# the vault cannot be prepared: %s\n", error.message);
        _exit(1);
    }
    sealring_close(&server);
    sealring_manager_close(&manager);
}

static void apart(void (*function)(const char *), const char *argument)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        function(argument);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* `sealring run` has the same to do in every trial: the overlap and the quiet period of the automatic ring, of a second each, have passed. */
static void wait_until_due(const struct test_vault *vault)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    long long due =
        2000 + test_vault_number(
                   vault,
                   "SELECT max(retire_at) FROM version WHERE ring = (SELECT id FROM ring WHERE name = '" SCENE_RING
                   "')");
    struct timespec now;
    while (clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec * 1000LL + now.tv_nsec / 1000000 <= due)
        nanosleep(&pause, NULL);
}

static void setup(void)
{
    board = ground_share(sizeof *board);
    warm_share();
    scene = ground_share(sizeof *scene);
    struct ground *ground = ground_make_with(scene_fill, scene);
    scene->vaults[SCENE_WHOLE] = ground;
    memcpy(scene->texts, ground->texts, sizeof ground->texts);
    memcpy(scene->key_ids, ground->key_ids, sizeof ground->key_ids);
    test_vault_module(&ground->vault, test_token_module()); /* the real one, as `sealring init` leaves it */
    apart(prepare, ground->vault.path);
    wait_until_due(&ground->vault);
    snprintf(files, sizeof files, "%s/files", ground->vault.parent);
    ck_assert_int_eq(mkdir(files, 0700), 0);
    kill_commands_write(scene, files);
}

static void teardown(void)
{
    ground_remove(scene->vaults[SCENE_WHOLE]);
}

/* ---- One trial ---- */

static const char *name_of(const struct points *points, unsigned number)
{
    return number > 0 && number <= points->count ? points->points[number - 1].name : "its end";
}

static void report(const struct kill_trial *trial, const struct kill_outcome *outcome)
{
    atomic_fetch_add(&board->figures.bad[trial->mode], 1);
    if (atomic_fetch_add(&board->complaints, 1) >= SHOWN)
        return;
    const struct points *points = &outcome->points;
    char at[2 * POINT_NAME_SIZE + 64];
    if (trial->mode == KILL_RANDOM || trial->mode == KILL_RANDOM_FULL)
        snprintf(at, sizeof at, "%lld us (full after %lld)%s", (long long)trial->microseconds,
                 (long long)trial->full_after, trial->beside ? " beside a server" : "");
    else
        snprintf(at, sizeof at, "%u (%s)", trial->at, name_of(points, trial->at));
    if (trial->mode == KILL_AGAIN)
        snprintf(at, sizeof at, "%u (%s), its next start before %u (%s)", trial->at, name_of(points, trial->at),
                 trial->second, name_of(&outcome->second, trial->second));
    fprintf(stderr, "# %s, %s %s, then %s: %s\n", kill_commands[trial->command].name, kill_mode_names[trial->mode], at,
            kill_start_names[trial->start], outcome->complaint);
}

static void make_trial(struct kill_ground *ground, const struct kill_trial *trial, struct kill_outcome *outcome)
{
    kill_trial_run(ground, trial, outcome);
    atomic_fetch_add(&board->figures.tried[trial->mode], 1);
    atomic_fetch_add(&board->figures.met[trial->mode], trial->mode == KILL_AGAIN ? outcome->second_met : outcome->met);
    atomic_fetch_add(&board->figures.lost, outcome->lost > 0);
    kill_trial_judge(ground, trial, &board->before, &board->good.sight, outcome);
    for (unsigned start = 0; start < START_KINDS; start++) {
        atomic_fetch_add(&board->figures.started_on_full[start], outcome->on_full[start].started);
        atomic_fetch_add(&board->figures.done_on_full[start], outcome->on_full[start].done);
    }
    if (outcome->complaint[0] != '\0')
        report(trial, outcome);
}

/* At each of the next start's points, of which nobody knows how many there are. */
static void make_trials_again(struct kill_ground *ground, const struct kill_trial *trial, struct kill_outcome *outcome)
{
    struct kill_trial one = *trial;
    for (one.second = 1 + trial->at % plan->again;; one.second += plan->again) {
        make_trial(ground, &one, outcome);
        if (!outcome->second_met)
            return;
    }
}

/* ---- Many ---- */

static bool needs_space(enum kill_mode mode)
{
    return mode == KILL_FULL || mode == KILL_AND_FULL || mode == KILL_RANDOM_FULL;
}

static void make_trials(struct kill_ground *ground, const struct list *list, struct kill_outcome *outcome)
{
    uint64_t next;
    while ((next = atomic_fetch_add(&board->next, 1)) < list->count)
        (list->trials[next].mode == KILL_AGAIN ? make_trials_again : make_trial)(ground, &list->trials[next], outcome);
}

/* Either kind of trials has a ground of its own. */
static void work(const struct list *list, unsigned number, bool small)
{
    static struct kill_ground ground;
    if (!small) {
        kill_ground_make(&ground, scene, files, FIRST_PLACE + number);
    } else if (!kill_ground_make_small(&ground, scene, files, FIRST_PLACE + number)) {
        fprintf(stderr, "# no full disk is tried: there can be no file system of this process's own here: %s\n",
                strerror(errno));
        return;
    }
    warm_up();
    make_trials(&ground, list, &board->outcomes[number]);
    kill_ground_remove(&ground);
}

static void work_together(const struct list *list, bool small)
{
    pid_t children[WORKERS_MAX];
    unsigned needed = list->count < workers ? (unsigned)list->count : workers;
    atomic_store(&board->next, 0);
    fflush(NULL);
    for (unsigned i = 0; i < needed; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            work(list, i, small);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < needed; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_msg(status == 0, "a process that makes trials ended with status %#x", (unsigned)status);
    }
}

static void add(struct list *list, const struct kill_trial *trial)
{
    for (unsigned start = 0; start < START_KINDS; start++) {
        struct kill_trial one = *trial;
        one.start = plan->all_starts ? start : (enum kill_start)((trial->at + trial->command) % START_KINDS);
        ck_assert_uint_lt(list->count, TRIALS_MAX);
        list->trials[list->count++] = one;
        if (!plan->all_starts)
            return;
    }
}

/* Whether the end of the command is a point, too: what it has acknowledged has to survive. */
static bool has_end(enum kill_mode mode)
{
    return mode == KILL_BEFORE || mode == KILL_POWER || mode == KILL_POWER_CONTENT || mode == KILL_DAMAGED;
}

/* What changes nothing is none at which a kill could make a difference, but for a power loss. */
static bool is_of_interest(const struct point *point, enum kill_mode mode)
{
    switch (mode) {
    case KILL_TORN:
        return point->tears;
    case KILL_POWER:
    case KILL_POWER_CONTENT:
        return true;
    case KILL_AGAIN: /* a file has been truncated, most likely */
        return point->tears;
    default:
        return point->changes;
    }
}

/* While libp11 sets a new token's PINs, which is in none of the other commands: SoftHSM2 has rewritten the file eight times then, and again
 * for the other token. */
static bool is_provisioning(const struct point *point, unsigned command, enum kill_mode mode)
{
    unsigned time = 0;
    return mode == KILL_FULL && kill_commands[command].makes && point != NULL &&
           sscanf(point->name, "*/token.object truncate %u", &time) == 1 && time > 0 && time % 8 == 0;
}

/* Its points, and its end. */
static void list_points(struct list *list, unsigned command, enum kill_mode mode, const struct points *points)
{
    unsigned met = 0, every = plan->every[mode];
    for (unsigned at = 1; every > 0 && at <= points->count + has_end(mode); at++) {
        const struct point *point = at <= points->count ? &points->points[at - 1] : NULL;
        if (mode == KILL_DAMAGED ? point != NULL : point != NULL && !is_of_interest(point, mode))
            continue;
        bool acknowledged = point == NULL && mode == KILL_POWER;
        bool chosen = (met++ + 7 * command) % every == 0 || acknowledged || is_provisioning(point, command, mode);
        if (chosen && at >= first_at && at <= last_at)
            add(list, &(struct kill_trial){.command = command, .mode = mode, .at = at});
    }
}

/* ---- The baselines ---- */

static void look_before(const char *unused)
{
    static struct kill_ground ground;
    (void)unused;
    kill_ground_make(&ground, scene, files, 0);
    place_restore(&ground.place);
    kill_look(scene, &ground.place.vault, NULL, START_SERVER, &board->before);
}

static void run_undisturbed(const char *name)
{
    static struct kill_ground ground;
    struct kill_trial trial = {0};
    kill_ground_make(&ground, scene, files, 0);
    (void)find_command(name, &trial.command);
    kill_trial_run(&ground, &trial, &board->good);
    const struct kill_command *command = &kill_commands[trial.command];
    if (board->good.complaint[0] == '\0' && !command->makes)
        kill_look(scene, &ground.place.vault, &board->good.told, START_SERVER, &board->good.sight);
    if (board->good.complaint[0] == '\0')
        snprintf(board->good.complaint, sizeof board->good.complaint, "%s", board->good.sight.complaint);
}

static void learn(unsigned command)
{
    const char *fault;
    if (board->before.state[0] == '\0') {
        warm_learn(true);
        apart(look_before, NULL);
        warm_learn(false);
        ck_assert_str_eq(board->before.complaint, "");
        fault = state_fault(board->before.state, false);
        ck_assert_msg(fault == NULL, "the vault is bad before anything is done to it: %s", fault);
        ck_assert_str_eq(board->before.doctor, "");
    }
    apart(run_undisturbed, kill_commands[command].name);
    ck_assert_str_eq(board->good.complaint, "");
    fault = state_fault(board->good.sight.state, false);
    ck_assert_msg(fault == NULL, "the vault is bad after an undisturbed command: %s", fault);
    ck_assert_str_eq(board->good.sight.doctor, "");
}

/* ---- The tests ---- */

static void print_points(const struct points *points)
{
    for (unsigned i = 0; i < points->count; i++)
        printf("#   %u %s%s\n", i + 1, points->points[i].name, points->points[i].changes ? "" : " (changes nothing)");
}

static uint64_t count_bad(void)
{
    uint64_t bad = 0;
    for (unsigned mode = 0; mode < KILL_MODES; mode++)
        bad += atomic_load(&board->figures.bad[mode]);
    return bad;
}

static void try_all(const struct list *list, const struct list *small)
{
    uint64_t bad = count_bad();
    atomic_store(&board->complaints, 0);
    work_together(list, false);
    work_together(small, true);
    ck_assert_msg(bad == count_bad(), "%llu trials went wrong", (unsigned long long)(count_bad() - bad));
}

START_TEST(no_key_is_lost_or_comes_back)
{
    unsigned command = (unsigned)_i;
    struct list list = {calloc(TRIALS_MAX, sizeof *list.trials), 0};
    struct list small = {calloc(TRIALS_MAX, sizeof *small.trials), 0};
    ck_assert(list.trials != NULL && small.trials != NULL);
    learn(command);
    for (unsigned mode = 0; mode < KILL_MODES; mode++)
        list_points(needs_space((enum kill_mode)mode) ? &small : &list, command, (enum kill_mode)mode,
                    &board->good.points);
    printf("# %s: %u points, %zu trials\n", kill_commands[command].name, board->good.points.count,
           list.count + small.count);
    if (strcmp(plan->name, "points") == 0)
        print_points(&board->good.points);
    fflush(stdout);
    atomic_fetch_add(&board->figures.commands, 1);
    atomic_fetch_add(&board->figures.points, board->good.points.count);
    try_all(&list, &small);
    free(list.trials);
    free(small.trials);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64 */
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* Within the time that the command takes undisturbed; in half of the trials on a full disk it is full from the beginning. */
static struct kill_trial choose_at_random(unsigned command, enum kill_mode mode, uint64_t *state)
{
    struct kill_trial trial = {.command = command, .mode = mode};
    trial.microseconds = 1 + (int64_t)(next_random(state) % ((uint64_t)board->good.microseconds + 1));
    trial.beside = !kill_commands[command].alone && !kill_commands[command].promotes && next_random(state) % 2 == 0;
    trial.start = (enum kill_start)(next_random(state) % START_KINDS);
    if (mode == KILL_RANDOM_FULL && next_random(state) % 2 == 0)
        trial.full_after = (int64_t)(next_random(state) % (uint64_t)trial.microseconds);
    return trial;
}

START_TEST(no_key_is_lost_at_random)
{
    unsigned command = (unsigned)_i;
    enum kill_mode mode = strcmp(plan->name, "random-full") == 0 ? KILL_RANDOM_FULL : KILL_RANDOM;
    struct list list = {calloc(TRIALS_MAX, sizeof *list.trials), 0}, none = {NULL, 0};
    uint64_t state = seed + command;
    ck_assert_ptr_nonnull(list.trials);
    learn(command);
    unsigned share =
        only != NULL ? random_count : random_count / kill_command_count + (command < random_count % kill_command_count);
    for (unsigned i = 0; i < share; i++)
        list.trials[list.count++] = choose_at_random(command, mode, &state);
    printf("# %s: %u kills at random within %lld ms\n", kill_commands[command].name, share,
           (long long)board->good.microseconds / 1000);
    fflush(stdout);
    atomic_fetch_add(&board->figures.commands, 1);
    if (needs_space(mode))
        try_all(&none, &list);
    else
        try_all(&list, &none);
    free(list.trials);
}
END_TEST

static void print_figures_on_full(const struct figures *figures)
{
    for (unsigned start = 0; start < START_KINDS; start++)
        printf("# on a full disk, %s: %llu starts after a trial, %llu of them succeeded\n", kill_start_names[start],
               (unsigned long long)atomic_load(&figures->started_on_full[start]),
               (unsigned long long)atomic_load(&figures->done_on_full[start]));
}

static void print_figures(void)
{
    static const char *const names[KILL_MODES] = {[KILL_BEFORE] = "before",
                                                  [KILL_AFTER] = "after",
                                                  [KILL_TORN] = "torn",
                                                  [KILL_POWER] = "power",
                                                  [KILL_POWER_CONTENT] = "power-content",
                                                  [KILL_FULL] = "full",
                                                  [KILL_AND_FULL] = "and-full",
                                                  [KILL_AGAIN] = "again",
                                                  [KILL_DAMAGED] = "damaged",
                                                  [KILL_RANDOM] = "random",
                                                  [KILL_RANDOM_FULL] = "random-full"};
    const struct figures *figures = &board->figures;
    if (random_count > 0)
        printf("# seed %llu\n", (unsigned long long)seed);
    printf("# figure: token-kill-commands %llu\n", (unsigned long long)atomic_load(&figures->commands));
    printf("# figure: token-kill-points %llu\n", (unsigned long long)atomic_load(&figures->points));
    for (unsigned mode = KILL_BEFORE; mode < KILL_MODES; mode++)
        if (atomic_load(&figures->tried[mode]) > 0)
            printf("# figure: token-kill-%s %llu trials (one point in %u), %llu of them met the point, %llu bad\n",
                   names[mode], (unsigned long long)atomic_load(&figures->tried[mode]), plan->every[mode],
                   (unsigned long long)atomic_load(&figures->met[mode]),
                   (unsigned long long)atomic_load(&figures->bad[mode]));
    if (atomic_load(&figures->tried[KILL_POWER]) > 0)
        printf("# power losses that took something: %llu\n", (unsigned long long)atomic_load(&figures->lost));
    if (atomic_load(&figures->tried[KILL_FULL]) + atomic_load(&figures->tried[KILL_RANDOM_FULL]) > 0)
        print_figures_on_full(figures);
    printf("# figure: token-kill-bad %llu\n", (unsigned long long)count_bad());
}

static const struct plan *find_plan(const char *name)
{
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        if (strcmp(plans[i].name, name) == 0)
            return &plans[i];
    return NULL;
}

/* random or random-full COUNT [SEED [COMMAND]] */
static void read_random(int count, char **arguments)
{
    random_count = count > 2 ? (unsigned)strtoul(arguments[2], NULL, 10) : 100;
    seed = count > 3 && arguments[3][0] != '\0' ? strtoull(arguments[3], NULL, 10)
                                                : (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000;
    only = count > 4 ? arguments[4] : NULL;
    printf("# seed %llu\n", (unsigned long long)seed);
}

/* [PLAN [COMMAND [FIRST [LAST]]]] */
static void read_points(int count, char **arguments)
{
    only = count > 2 && arguments[2][0] != '\0' ? arguments[2] : NULL;
    first_at = count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : 1;
    last_at = count > 4 ? (unsigned)strtoul(arguments[4], NULL, 10) : count > 3 ? first_at : UINT32_MAX;
}

int main(int count, char **arguments)
{
    if (count == 4 && strcmp(arguments[1], KILL_SERVER_WORD) == 0)
        return kill_server(arguments[2], arguments[3]);
    if (count > 1 && (plan = find_plan(arguments[1])) == NULL) {
        fprintf(
            stderr,
            "there is no plan %s: short, kill, power, full, again, damaged, all, points [COMMAND [FIRST [LAST]]]; random or random-full COUNT [SEED [COMMAND]]\n",
            arguments[1]);
        return 2;
    }
    (strncmp(plan->name, "random", strlen("random")) == 0 ? read_random : read_points)(count, arguments);
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    workers = processors < 2 ? 2 : processors >= WORKERS_MAX ? WORKERS_MAX : (unsigned)processors + 1;
    Suite *suite = suite_create("token kill");
    TCase *cases = tcase_create("token kill");
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 36000);
    unsigned first = 0, last = (unsigned)kill_command_count;
    if (only != NULL && !find_command(only, &first)) {
        fprintf(stderr, "there is no command %s\n", only);
        return 2;
    }
    last = only != NULL ? first + 1 : last;
    if (random_count > 0)
        tcase_add_loop_test(cases, no_key_is_lost_at_random, (int)first, (int)last);
    else
        tcase_add_loop_test(cases, no_key_is_lost_or_comes_back, (int)first, (int)last);
    suite_add_tcase(suite, cases);
    int status = run_suite(suite);
    print_figures();
    return status;
}
