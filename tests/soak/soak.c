/* SPDX-License-Identifier: Apache-2.0 */
/* soak SECONDS SEED: real processes verify while operators and accidents do what they can; then the history is checked. */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak/checker.h"
#include "soak/counts.h"
#include "soak/operators.h"
#include "soak/processes.h"
#include "soak/tell.h"

#define MILLISECOND  INT64_C(1000000)
#define SECOND       (1000 * MILLISECOND)
#define LEASE_MS     1500
#define REFRESH_MS   50
#define QUIET_MS     1000
#define OVERLAP_MS   1000
#define PURGE_MS     4000
#define KEEP         8
#define TURN         (50 * MILLISECOND)
#define AFTERMATH    (500 * MILLISECOND) /* verifiers go on so long after the last act */
#define CLOCK_SLACK  (100 * MILLISECOND)
#define LONG_SECONDS 300 /* longer soaks ask less often: answers are kept on disk, 32 bytes each */

static const char *const ring_names[HISTORY_RINGS] = {"billing", "search"};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "soak: %s: %s\n", what, why);
    exit(1);
}

/* ---- the vault ---- */

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

static int64_t query(const struct history *history, const char *sql, const char *argument)
{
    char path[160];
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number = 0;
    snprintf(path, sizeof path, "%s/registry/sealring.db", history->vault);
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(database, 60000) != SQLITE_OK ||
        sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK ||
        (argument != NULL && sqlite3_bind_text(statement, 1, argument, -1, SQLITE_STATIC) != SQLITE_OK))
        fail(sql, sqlite3_errmsg(database));
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    else if (code != SQLITE_DONE)
        fail(sql, sqlite3_errmsg(database));
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

static void make_rings(struct history *history)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    const sealring_policy policy = {
        .overlap = OVERLAP_MS, .quiet_period = QUIET_MS, .purge_delay = PURGE_MS, .keep = KEEP};
    if (sealring_manager_open(history->vault, NULL, &manager, &error) != SEALRING_OK)
        fail("the vault", error.message);
    for (int i = 0; i < HISTORY_RINGS; i++) {
        history->ring_names[i] = ring_names[i];
        if (sealring_ring_create(manager, ring_names[i], "soak", &policy,
                                 SEALRING_POLICY_OVERLAP | SEALRING_POLICY_QUIET_PERIOD | SEALRING_POLICY_PURGE_DELAY |
                                     SEALRING_POLICY_KEEP,
                                 &error) != SEALRING_OK)
            fail(ring_names[i], error.message);
    }
    sealring_manager_close(&manager);
    for (int i = 0; i < HISTORY_RINGS; i++)
        history->ring_rows[i] = query(history, "SELECT id FROM ring WHERE name = ?1", ring_names[i]);
}

static void make_vault(struct history *history)
{
    sealring_error error;
    const char *parent = getenv("TMPDIR");
    char refresh[80];
    const sealring_init_options options = {.size = sizeof options, .lease = LEASE_MS};
    snprintf(history->directory, sizeof history->directory, "%.40s/sealring-soak-XXXXXX",
             parent != NULL ? parent : "/tmp");
    if (mkdtemp(history->directory) == NULL)
        fail(history->directory, strerror(errno));
    snprintf(history->vault, sizeof history->vault, "%s/vault", history->directory);
    snprintf(history->verifiers, sizeof history->verifiers, "%s/verifiers", history->vault);
    if (sealring_init_environment(history->vault, &options, set_variable, NULL, &error) != SEALRING_OK ||
        sealring_init(history->vault, &options, NULL, &error) != SEALRING_OK)
        fail("the vault", error.message);
    snprintf(refresh, sizeof refresh, "UPDATE vault SET refresh_ms = %d", REFRESH_MS);
    query(history, refresh, NULL);
    make_rings(history);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

/* ---- the soak ---- */

static struct history *make_history(uint32_t seconds)
{
    const struct history_limits limits = {
        .keys = 1000 + 20 * seconds,
        .credentials = 2000 + 200 * seconds,
        .acts = 2000 + 200 * seconds,
        .lives = 1000 + 40 * seconds,
        .moments = 2000 + 100 * seconds,
        .findings = 2000,
    };
    struct history *history = history_new(&limits);
    if (history == NULL)
        fail("memory", strerror(errno));
    history->lease = LEASE_MS * MILLISECOND;
    history->quiet = QUIET_MS * MILLISECOND;
    history->clock_slack = CLOCK_SLACK;
    history->wall_offset = history_wall_offset();
    history->pause = seconds > LONG_SECONDS ? 16 * MILLISECOND : 2 * MILLISECOND;
    return history;
}

static pid_t begin(void (*run)(struct history *, uint64_t), struct history *history, uint64_t seed)
{
    fflush(NULL);
    pid_t process = fork();
    if (process < 0)
        fail("fork", strerror(errno));
    if (process == 0)
        run(history, seed);
    return process;
}

/* An operator ends when it is told to, or because the soak itself is broken. */
static void end(pid_t process)
{
    int status = 0;
    if (waitpid(process, &status, 0) != process || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("an operator", "ended by itself");
}

static void soak(struct history *history, uint32_t seconds, uint64_t seed)
{
    struct processes processes;
    int64_t ends = history_now() + seconds * SECOND;
    uint64_t random = seed;
    processes_start(&processes, history, history_random(&random));
    pid_t operator= begin(operator_run, history, history_random(&random));
    pid_t scheduler = begin(scheduler_run, history, history_random(&random));
    while (history_now() < ends) {
        processes_turn(&processes);
        history_pause(TURN);
    }
    atomic_store(&history->over, 1);
    end(operator);
    end(scheduler);
    history_pause(AFTERMATH);
    processes_end(&processes);
    int64_t moved = history_wall_offset() - history->wall_offset;
    history->clock_slack += moved < 0 ? -moved : moved;
}

/* ---- the check ---- */

struct taking {
    struct checker *checker;
    struct counts *answered;
};

static void take(const struct answer *answer, void *context)
{
    const struct taking *taking = context;
    checker_take(taking->checker, answer);
    counts_answer(taking->answered, answer);
}

static int64_t *find_keys(const struct history *history)
{
    uint32_t count = atomic_load(&history->key_count);
    int64_t *keys = calloc(count + 1, sizeof *keys);
    for (uint32_t i = 0; keys != NULL && i < count; i++)
        keys[i] = query(history, "SELECT id FROM api_key WHERE key_id = ?1", history->keys[i].key_id);
    return keys;
}

static struct checker *check(struct history *history)
{
    sealring_error error = {.message = ""};
    struct counts answered;
    struct counts reported;
    struct checker *checker = checker_new(history);
    int64_t *keys = find_keys(history);
    if (checker == NULL || keys == NULL || !counts_new(history, &answered) || !counts_new(history, &reported))
        fail("memory", strerror(errno));
    struct taking taking = {checker, &answered};
    if (!answers_each(history->directory, take, &taking))
        fail("the answers", strerror(errno));
    checker_finish(checker);
    if (!counts_read(history, keys, &reported, &error))
        fail("the report files", error.message);
    counts_compare(history, &answered, &reported);
    counts_free(&answered);
    counts_free(&reported);
    free(keys);
    return checker;
}

static uint64_t choose_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        fail("a seed", strerror(errno));
    return seed;
}

int main(int count, char **arguments)
{
    uint32_t seconds = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 10;
    uint64_t seed = count > 2 && arguments[2][0] != '\0' ? strtoull(arguments[2], NULL, 10) : choose_seed();
    if (count > 3 || seconds == 0 || seconds > 1000000) {
        fprintf(stderr, "usage: soak [SECONDS [SEED]]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct history *history = make_history(seconds);
    printf("1..%d\n# soak: %u seconds, seed %" PRIu64 "\n", RULES, seconds, seed);
    make_vault(history);
    soak(history, seconds, seed);
    struct checker *checker = check(history);
    tell_figures(history, checker_totals(checker));
    unsigned failed = tell_verdicts(history);
    if (failed > 0) {
        tell_findings(history);
        printf("# again: soak %u %" PRIu64 "\n", seconds, seed);
    }
    printf("# %u passed, %u failed\n", RULES - failed, failed);
    if (getenv("SOAK_KEEP") == NULL)
        nftw(history->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    else
        printf("# kept: %s\n", history->directory);
    checker_free(checker);
    history_free(history);
    return failed > 0;
}
