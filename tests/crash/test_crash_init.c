/* SPDX-License-Identifier: Apache-2.0 */
/* `init`, ended at every point, with a full disk or without memory: said again it makes the vault, and nothing is left over in a token. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/scene.h"
#include "crash/vfs.h"
#include "crash/wraps.h"
#include "lib/runner.h"

#define WORKERS     3
#define CHILD_LIMIT 60 /* seconds */
#define SHOWN       6
#define SHORT       23

enum tokens { TOKENS_OWN, TOKENS_GIVEN, TOKENS_KINDS };
static const char *const token_names[TOKENS_KINDS] = {"with tokens of its own", "with tokens that are given"};

enum trouble { TROUBLE_KILL, TROUBLE_FULL, TROUBLE_MEMORY, TROUBLES };
static const char *const trouble_names[TROUBLES] = {"killed before", "with a full disk from", "without memory at"};

/* What both sides of a trial see. */
struct outcome {
    bool begun;
    sealring_status status; /* of the init that met the trouble */
    char message[256];
    uint64_t touches;
    uint64_t allocations;
    uint64_t failed;
    long objects; /* in the tokens, when all was over */
    char complaint[512];
    char names[TOUCH_NAMES][TOUCH_NAME_SIZE];
};

struct board {
    _Atomic(uint64_t) next;
    _Atomic(uint64_t) met;
    _Atomic(uint64_t) points; /* killed at, of all */
    _Atomic(uint64_t) bad;
    struct outcome outcomes[WORKERS];
};

/* One worker's: a copy of a vault whose tokens serve as those that are given, and the new vault's place. */
struct ground_plan {
    struct place place;
    enum tokens tokens;
    char vault[160];
    char directory[192]; /* of the tokens' files */
    char uris[2][256];
    char pins[2][192];
    char variable[224];
    long objects_before;
};

static struct ground *ground;
static struct board *board;
static unsigned every = 1; /* one point in so many is tried; of the allocations, which are many, fewer */

static void setup(void)
{
    board = ground_share(sizeof *board);
    ground = ground_make();
}

static void teardown(void)
{
    ground_remove(ground);
}

/* ---- The place ---- */

static long object_count;

static int count_object(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)walk;
    size_t length = strlen(path);
    object_count += kind == FTW_F && length > 7 && strcmp(path + length - 7, ".object") == 0;
    return 0;
}

/* SoftHSM2 keeps each object, the token itself included, in a file. */
static long count_objects(const struct ground_plan *plan)
{
    object_count = 0;
    (void)nftw(plan->directory, count_object, 16, FTW_PHYS);
    return object_count;
}

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void read_uri(const struct ground_plan *plan, const char *key, char uri[256])
{
    char path[192], line[512];
    snprintf(path, sizeof path, "%s/sealring.conf", plan->place.vault.path);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, key, strlen(key)) == 0)
            snprintf(uri, 256, "%.250s", line + strlen(key));
    }
    fclose(file);
    ck_assert_uint_gt(strlen(uri), 0);
}

static void plan_restore(struct ground_plan *plan)
{
    place_restore(&plan->place);
    (void)nftw(plan->vault, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    plan->objects_before = count_objects(plan);
}

static void plan_make(struct ground_plan *plan, enum tokens tokens, unsigned number)
{
    memset(plan, 0, sizeof *plan);
    plan->tokens = tokens;
    place_make(&plan->place, ground, number);
    place_restore(&plan->place);
    const char *old = plan->place.vault.path;
    snprintf(plan->vault, sizeof plan->vault, "%s.new", old);
    read_uri(plan, "token = ", plan->uris[0]);
    read_uri(plan, "audit-token = ", plan->uris[1]);
    snprintf(plan->pins[0], sizeof plan->pins[0], "%s/pins/keys.pin", old);
    snprintf(plan->pins[1], sizeof plan->pins[1], "%s/pins/audit.pin", old);
    bool own = tokens == TOKENS_OWN;
    snprintf(plan->directory, sizeof plan->directory, "%s/tokens/softhsm2", own ? plan->vault : old);
    snprintf(plan->variable, sizeof plan->variable, "SOFTHSM2_CONF=%s/tokens/softhsm2.conf", own ? plan->vault : old);
    ck_assert_int_eq(setenv("SOFTHSM2_CONF", strchr(plan->variable, '=') + 1, 1), 0);
    /* under another name, so that it is the real one that is opened behind the one for the tests */
    ck_assert_int_eq(setenv(FAULTING_MODULE, "/proc/self/root" SOFTHSM2_MODULE, 1), 0);
    plan_restore(plan);
}

/* ---- The processes ---- */

struct run {
    const struct ground_plan *plan;
    enum trouble trouble;
    uint64_t at;
    struct outcome *outcome;
};

static sealring_status make_vault(const struct ground_plan *plan, sealring_error *error)
{
    const char *const environment[] = {plan->variable, NULL};
    const sealring_init_options options = {
        .size = sizeof options,
        .module = MODULE_FAULT,
        .token_uri = plan->uris[0],
        .pin_source = plan->pins[0],
        .audit_token_uri = plan->uris[1],
        .audit_pin_source = plan->pins[1],
        .module_environment = environment,
    };
    return sealring_init(plan->vault, plan->tokens == TOKENS_GIVEN ? &options : NULL, NULL, error);
}

static void meet_trouble(const struct run *run)
{
    struct touches *touches = &run->plan->place.faulting->touches;
    sealring_error error = {.message = ""};
    alarm(CHILD_LIMIT);
    memset(touches, 0, sizeof *touches);
    atomic_store(run->trouble == TROUBLE_KILL ? &touches->die_at : &touches->fail_at, run->at);
    atomic_store(&touches->fail_on, run->trouble == TROUBLE_FULL);
    atomic_store(&touches->fail_code, SQLITE_FULL);
    atomic_store(&touches->allocations_fail, run->trouble == TROUBLE_MEMORY);
    wraps_module(MODULE_FAULT);
    wraps_count(touches);
    crash_vfs_count(touches, NULL);
    run->outcome->begun = true;
    atomic_store(&touches->on, 1);
    run->outcome->status = make_vault(run->plan, &error);
    atomic_store(&touches->on, 0);
    snprintf(run->outcome->message, sizeof run->outcome->message, "%.250s", error.message);
}

static void complain(const struct run *run, const char *what, const sealring_error *error)
{
    if (run->outcome->complaint[0] == '\0')
        snprintf(run->outcome->complaint, sizeof run->outcome->complaint, "%.100s: %.400s", what, error->message);
}

/* Said again; then the vault has to be good for something. */
static void start_again(const struct run *run)
{
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    sealring_audit_report report = {.size = sizeof report};
    char configuration[192];
    alarm(CHILD_LIMIT);
    snprintf(configuration, sizeof configuration, "%s/sealring.conf", run->plan->vault);
    bool whole = access(configuration, F_OK) == 0;
    sealring_status status = make_vault(run->plan, &error);
    if (whole ? status != SEALRING_REFUSED : status != SEALRING_OK)
        complain(run, "init said again", &error);
    if (sealring_manager_open(run->plan->vault, NULL, &manager, &error) != SEALRING_OK ||
        sealring_ring_create(manager, "first", NULL, NULL, 0, &error) != SEALRING_OK ||
        sealring_audit_verify(manager, NULL, NULL, NULL, &report, &error) != SEALRING_OK)
        complain(run, "the vault is not good", &error);
    if (report.vouched != report.entries)
        complain(run, "the log has no checkpoint", &error);
    if (manager != NULL && sealring_manager_remark(manager)[0] != '\0')
        complain(run, sealring_manager_remark(manager), &error);
    sealring_manager_close(&manager);
    run->outcome->objects = count_objects(run->plan) - run->plan->objects_before;
}

static int apart(void (*function)(const struct run *), const struct run *run)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        function(run);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

/* What an init that failed leaves: nothing. */
static void check_failure(const struct run *run)
{
    struct outcome *outcome = run->outcome;
    long objects = count_objects(run->plan) - run->plan->objects_before;
    if (access(run->plan->vault, F_OK) == 0)
        snprintf(outcome->complaint, sizeof outcome->complaint, "it failed (%.200s) and left its directory",
                 outcome->message);
    else if (objects != 0)
        snprintf(outcome->complaint, sizeof outcome->complaint, "it failed (%.200s) and left %ld objects",
                 outcome->message, objects);
}

static void run_trial(struct run *run, long expected)
{
    struct outcome *outcome = run->outcome;
    const struct touches *touches = &run->plan->place.faulting->touches;
    memset(outcome, 0, sizeof *outcome);
    int status = apart(meet_trouble, run);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && run->at != 0 && run->trouble == TROUBLE_KILL;
    outcome->touches = atomic_load(&touches->made);
    outcome->allocations = atomic_load(&touches->allocations);
    outcome->failed = killed ? 1 : atomic_load(&touches->failed);
    memcpy(outcome->names, touches->names, sizeof outcome->names);
    if (!killed && status != 0)
        snprintf(outcome->complaint, sizeof outcome->complaint, "it ended by %s %d",
                 WIFSIGNALED(status) ? "signal" : "exit status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (!killed && outcome->status != SEALRING_OK && outcome->complaint[0] == '\0')
        check_failure(run);
    if (apart(start_again, run) != 0 && outcome->complaint[0] == '\0')
        snprintf(outcome->complaint, sizeof outcome->complaint, "the next start died");
    if (outcome->complaint[0] == '\0' && expected >= 0 && outcome->objects != expected)
        snprintf(outcome->complaint, sizeof outcome->complaint, "%ld objects are in the tokens, and should be %ld",
                 outcome->objects, expected);
}

/* ---- All points ---- */

static void work(unsigned number, enum tokens tokens, enum trouble trouble, uint64_t last, unsigned step, long expected)
{
    struct ground_plan plan;
    plan_make(&plan, tokens, number);
    for (;;) {
        struct run run = {&plan, trouble, 1 + step * atomic_fetch_add(&board->next, 1), &board->outcomes[number]};
        if (run.at > last)
            break;
        plan_restore(&plan);
        run_trial(&run, expected);
        const struct outcome *outcome = run.outcome;
        atomic_fetch_add(&board->met, outcome->failed > 0);
        atomic_fetch_add(&board->points, outcome->failed > 0 && trouble == TROUBLE_KILL);
        if (outcome->complaint[0] != '\0' && atomic_fetch_add(&board->bad, 1) < SHOWN)
            fprintf(stderr, "# init %s, %s %llu (%s): %s\n", token_names[tokens], trouble_names[trouble],
                    (unsigned long long)run.at, outcome->names[(run.at - 1) % TOUCH_NAMES], outcome->complaint);
    }
    (void)nftw(plan.vault, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    place_remove(&plan.place);
}

static void work_together(enum tokens tokens, enum trouble trouble, uint64_t last, unsigned step, long expected)
{
    pid_t children[WORKERS];
    fflush(NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            work(i, tokens, trouble, last, step, expected);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

START_TEST(init_is_whole_or_can_be_said_again)
{
    enum tokens tokens = (enum tokens)(_i % TOKENS_KINDS);
    enum trouble trouble = (enum trouble)(_i / TOKENS_KINDS);
    atomic_store(&board->next, 0);
    atomic_store(&board->met, 0);
    atomic_store(&board->bad, 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct ground_plan plan;
        plan_make(&plan, tokens, 0);
        struct run run = {&plan, TROUBLE_KILL, 0, &board->outcomes[0]};
        run_trial(&run, -1);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    struct outcome good = board->outcomes[0];
    ck_assert_msg(good.complaint[0] == '\0' && good.status == SEALRING_OK, "%s %s", good.complaint, good.message);
    ck_assert_uint_le(good.touches, TOUCH_NAMES);
    uint64_t last = trouble == TROUBLE_MEMORY ? good.allocations : good.touches + 1;
    unsigned step = trouble == TROUBLE_MEMORY && every > 1 ? 389 * every : trouble == TROUBLE_MEMORY ? 97 : every;
    atomic_store(&board->next, 0);
    work_together(tokens, trouble, last, step, good.objects);
    printf("# init %s: %llu touches, %llu allocations; %s %llu of them, one in %u\n", token_names[tokens],
           (unsigned long long)good.touches, (unsigned long long)good.allocations, trouble_names[trouble],
           (unsigned long long)atomic_load(&board->met), step);
    ck_assert_msg(atomic_load(&board->bad) == 0, "%llu were bad", (unsigned long long)atomic_load(&board->bad));
}
END_TEST

/* N: one point in so many; without, what `make check` does. */
int main(int count, char **arguments)
{
    every = count > 1 ? (unsigned)strtoul(arguments[1], NULL, 10) : SHORT;
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    wraps_memory();
    crash_vfs_register();
    Suite *suite = suite_create("crash init");
    TCase *cases = tcase_create("init");
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 36000);
    tcase_add_loop_test(cases, init_is_whole_or_can_be_said_again, 0, TOKENS_KINDS * TROUBLES);
    suite_add_tcase(suite, cases);
    int status = run_suite(suite);
    printf("# figure: crash-init-points %llu\n", (unsigned long long)atomic_load(&board->points));
    return status;
}
