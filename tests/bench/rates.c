/* SPDX-License-Identifier: Apache-2.0 */
/* Measures, in one run on a fresh vault, the token's bare signing rate, first-sight verifications and bulk issuing. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sealring/manage.h>
#include <sealring/verify.h>

#include "bench/bare.h"
#include "bench/series.h"
#include "kdf/claims.h"

/* What a service would grant; the claims' size follows from it. */
#define SCOPES "payments:read payments:write"

enum { FEW = 10, BATCH = 5000, NAME_SIZE = 24 };

/* Each is measured in every round next to the bare rate, which its share is told against: machines are noisy. */
enum { BARE_100, BARE, VERIFY_FEW, VERIFY_MANY, ISSUE_MAKING, ISSUE_FEW, ISSUE_MANY, SERIES_COUNT };

static struct series series[SERIES_COUNT] = {
    [BARE_100] = {.name = "bare_100_bytes", .words = "bare C_SignInit + C_Sign, 100 bytes"},
    [BARE] = {.name = "bare_claims", .words = "bare C_SignInit + C_Sign, a credential's claims (= 1)"},
    [VERIFY_FEW] = {.name = "verify_10", .words = "verify at first sight, 10 keys in the ring", .aim = 0.6},
    [VERIFY_MANY] = {.name = "verify_many", .words = "verify at first sight, all keys in the ring", .aim = 0.6},
    [ISSUE_MAKING] = {.name = "issue_making", .words = "issue in bulk, while the ring grows to all keys", .aim = 0.4},
    [ISSUE_FEW] = {.name = "issue_10", .words = "issue in bulk, 10 keys in the ring before", .aim = 0.4},
    [ISSUE_MANY] = {.name = "issue_many", .words = "issue in bulk, all keys in the ring before", .aim = 0.4},
};

static char directory[64];                /* for atexit */
static volatile sig_atomic_t interrupted; /* by a signal: the directory is to go away all the same */

static void interrupt(int signal_number)
{
    interrupted = 128 + signal_number;
}

struct pool {
    char (*texts)[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    size_t count;
    size_t next;
};

struct bench {
    char vault_path[80];
    sealring_manager *manager;
    sealring_vault *vault;
    struct bare *bare;
    struct pool few, many;
    uint8_t claims[CLAIMS_INPUT_MAX];
    size_t claims_length;
    size_t keys; /* how many make the large ring */
    unsigned rounds;
    double seconds; /* of each side of a comparison */
};

static _Noreturn __attribute__((format(printf, 1, 2))) void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static int set_environment(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

/* ---- Making keys ---- */

static int keep(const sealring_issued *issued, void *context)
{
    struct pool *pool = context;
    if (pool != NULL)
        snprintf(pool->texts[pool->count++], sizeof(*pool->texts), "%s", issued->credential);
    return 0;
}

/* Issues `count` keys for clients numbered from `first`, in one call. The seconds that it took. */
static double issue(struct bench *bench, const char *ring, size_t first, size_t count, struct pool *pool)
{
    char(*names)[NAME_SIZE] = calloc(count, sizeof(*names));
    sealring_issue_request *requests = calloc(count, sizeof(*requests));
    if (names == NULL || requests == NULL)
        fail("no memory");
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "client-%zu", first + i);
        requests[i].client = names[i];
        requests[i].scopes = SCOPES;
    }
    sealring_error error;
    double start = series_clock();
    if (sealring_issue(bench->manager, ring, requests, count, SEALRING_ISSUE_ADD_CLIENTS, keep, pool, NULL, &error) !=
        SEALRING_OK)
        fail("issue: %s", error.message);
    double took = series_clock() - start;
    free(requests);
    free(names);
    return took;
}

static void create_ring(struct bench *bench, const char *ring)
{
    sealring_error error;
    if (sealring_ring_create(bench->manager, ring, NULL, NULL, 0, &error) != SEALRING_OK)
        fail("ring: %s", error.message);
}

/* ---- Measuring ---- */

/* Operations and the seconds that they took, added up over several slices. */
struct tally {
    uint64_t done;
    double seconds;
};

#define SLICE 0.05 /* seconds: short enough that a slow moment of the machine hits both sides of a comparison */

static void bare_slice(struct bench *bench, size_t length, struct tally *tally)
{
    if (interrupted != 0)
        exit(interrupted);
    double start = series_clock(), now = start;
    while (now - start < SLICE) {
        for (int i = 0; i < 32; i++)
            if (!bare_sign(bench->bare, bench->claims, length))
                fail("the token stopped signing");
        tally->done += 32;
        now = series_clock();
    }
    tally->seconds += now - start;
}

/* This release remembers no credential, so each verification is one at first sight. (Once verifiers cache, the pool must
 * be walked once per opened vault.) The walk jumps about, as requests do. */
static void verify_slice(struct bench *bench, struct pool *pool, struct tally *tally)
{
    const size_t stride = 7919; /* a prime, so that the walk comes to every credential */
    double start = series_clock(), now = start;
    while (now - start < SLICE) {
        for (int i = 0; i < 32; i++) {
            const char *text = pool->texts[pool->next];
            sealring_grant grant = {.size = sizeof(grant)};
            if (sealring_verify(bench->vault, text, strlen(text), "payments:read", &grant) != SEALRING_ACCEPTED)
                fail("verify: %s", grant.reason);
            pool->next = (pool->next + stride) % pool->count;
        }
        tally->done += 32;
        now = series_clock();
    }
    tally->seconds += now - start;
}

/* Bare slices take turns with slices of 100 bytes or, with a pool, of verifications. */
static void compare(struct bench *bench, int which, struct pool *pool)
{
    struct tally bare = {0}, other = {0};
    while (bare.seconds < bench->seconds) {
        bare_slice(bench, bench->claims_length, &bare);
        if (pool != NULL)
            verify_slice(bench, pool, &other);
        else
            bare_slice(bench, 100, &other);
    }
    double rate = series_add(&series[BARE], bare.done, bare.seconds, 0);
    series_add(&series[which], other.done, other.seconds, rate);
}

/* One call cannot be cut into slices: the bare rate is taken before and after it. */
static void compare_issue(struct bench *bench, int which, const char *ring, size_t first, size_t count,
                          struct pool *pool)
{
    struct tally bare = {0};
    while (bare.seconds < bench->seconds / 4)
        bare_slice(bench, bench->claims_length, &bare);
    double took = issue(bench, ring, first, count, pool);
    while (bare.seconds < bench->seconds / 2)
        bare_slice(bench, bench->claims_length, &bare);
    double rate = series_add(&series[BARE], bare.done, bare.seconds, 0);
    series_add(&series[which], count, took, rate);
}

/* ---- The run ---- */

static void make_pool(struct pool *pool, size_t size)
{
    pool->texts = calloc(size, sizeof(*pool->texts));
    if (pool->texts == NULL)
        fail("no memory");
}

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (system(command) != 0)
        fprintf(stderr, "bench: %s could not be removed\n", directory);
}

static void make_directory(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = interrupt};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/sealring-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(directory) == NULL)
        fail("%s: %s", directory, strerror(errno));
    atexit(remove_directory); /* also when a measurement fails */
}

static void make_vault(struct bench *bench)
{
    sealring_error error;
    sealring_init_options options = {.size = sizeof(options)};
    make_directory();
    snprintf(bench->vault_path, sizeof(bench->vault_path), "%s/vault", directory);
    if (sealring_init_environment(bench->vault_path, &options, set_environment, NULL, &error) != SEALRING_OK ||
        sealring_init(bench->vault_path, &options, NULL, &error) != SEALRING_OK ||
        sealring_environment(bench->vault_path, set_environment, NULL, &error) != SEALRING_OK ||
        sealring_manager_open(bench->vault_path, NULL, &bench->manager, &error) != SEALRING_OK)
        fail("%s", error.message);
    create_ring(bench, "few");
    create_ring(bench, "many");
    if (sealring_open(bench->vault_path, NULL, &bench->vault, &error) != SEALRING_OK)
        fail("%s", error.message);
}

static void open_bare(struct bench *bench)
{
    sealring_error error;
    sealring_vault_info *info = calloc(1, sizeof(*info));
    if (info == NULL)
        fail("no memory");
    info->size = sizeof(*info);
    if (sealring_vault_describe(bench->manager, info, &error) != SEALRING_OK)
        fail("%s", error.message);
    bench->bare = bare_open(info->module, info->token_uri, "sealring/few/1");
    free(info);
    if (bench->bare == NULL)
        exit(1);
    struct claims claims = {
        .version = 1, .key_id = "0123456789abcdef", .serial = 1, .client = "client-12345", .scopes = SCOPES};
    bench->claims_length = claims_input(&claims, bench->claims);
    if (bench->claims_length < 100)
        fail("the claims are shorter than expected");
}

/* Makes the large ring in batches, a bare rate before each. */
static void grow(struct bench *bench)
{
    make_pool(&bench->few, FEW);
    make_pool(&bench->many, bench->keys);
    issue(bench, "few", 0, FEW, &bench->few);
    for (size_t made = 0; made < bench->keys;) {
        size_t count = bench->keys - made < BATCH ? bench->keys - made : BATCH;
        compare_issue(bench, ISSUE_MAKING, "many", made, count, &bench->many);
        made += count;
        if (isatty(2))
            fprintf(stderr, "\rmaking keys: %zu of %zu ", made, bench->keys);
    }
}

static void run_rounds(struct bench *bench)
{
    for (unsigned round = 0; round < bench->rounds; round++) {
        if (isatty(2))
            fprintf(stderr, "\r\033[Kround %u of %u ", round + 1, bench->rounds);
        compare(bench, BARE_100, NULL);
        compare(bench, VERIFY_FEW, &bench->few);
        compare(bench, VERIFY_MANY, &bench->many);

        char ring[NAME_SIZE];
        snprintf(ring, sizeof(ring), "few-%u", round);
        create_ring(bench, ring);
        issue(bench, ring, 0, FEW, NULL);
        compare_issue(bench, ISSUE_FEW, ring, FEW, BATCH, NULL);
        compare_issue(bench, ISSUE_MANY, "many", bench->keys + round * BATCH, BATCH, NULL);
    }
    if (isatty(2))
        fprintf(stderr, "\r\033[K");
}

static void tear_down(struct bench *bench)
{
    bare_close(bench->bare);
    sealring_close(&bench->vault);
    sealring_manager_close(&bench->manager);
    free(bench->few.texts);
    free(bench->many.texts);
}

int main(int argc, char **argv)
{
    struct bench bench = {.keys = 100000, .rounds = 5, .seconds = 1.5};
    bool json = false;
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"keys", required_argument, NULL, 'k'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        long number = optarg != NULL ? strtol(optarg, NULL, 10) : 1;
        if (option == '?' || number < 1 || number > 10000000) {
            fprintf(stderr, "usage: bench [--json] [--keys 100000] [--rounds 9]\n");
            return 2;
        }
        json = json || option == 'j';
        bench.keys = option == 'k' ? (size_t)number : bench.keys;
        bench.rounds = option == 'r' ? (unsigned)number : bench.rounds;
    }

    make_vault(&bench);
    open_bare(&bench);
    grow(&bench);
    run_rounds(&bench);
    if (json) {
        series_print_json(stdout, series, SERIES_COUNT);
    } else {
        printf(
            "Bare signing and verifying are on one thread. \"All keys\" are %zu, a batch is %d; claims have %zu bytes.\n\n",
            bench.keys, BATCH, bench.claims_length);
        series_print_table(stdout, series, SERIES_COUNT);
    }
    tear_down(&bench);
    return 0;
}
