/* SPDX-License-Identifier: Apache-2.0 */
/* How long a revocation takes while another process harvests without a pause, and how much of that time the vault's locks are held. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "bench/parts.h"
#include "bench/slice.h"

enum {
    VERIFIERS = 4,
    KEYS_FULL = 250000,
    KEYS_QUICK = 4000,
    REVOCATIONS_FULL = 200,
    REVOCATIONS_QUICK = 20,
    CLIENTS = 1500000000,
    BATCH = 5000,
    HARVESTS_LEAST = 2, /* that end while revocations are measured */
};

enum lock_name { LOCK_COMMIT, LOCK_WORK, LOCKS };

static const char *const lock_files[LOCKS] = {[LOCK_COMMIT] = "vault.lock", [LOCK_WORK] = "vault.work"};

struct shared {
    size_t count;
    size_t length;
    double pause;         /* of a verifier that has verified every key, in seconds */
    atomic_uint prepared; /* verifiers that have verified every key once */
    atomic_bool ended;
    atomic_bool harvesting;           /* wanted */
    atomic_uint harvests;             /* that have ended */
    _Atomic(uint64_t) changed;        /* records that they wrote */
    _Atomic(uint64_t) looks;          /* of the sampler, while a harvest is wanted */
    _Atomic(uint64_t) held[LOCKS];    /* of them, those that found the lock held */
    _Atomic(uint64_t) longest[LOCKS]; /* by one holder, in microseconds */
    char key_id[REVOCATIONS_FULL * 2][SEALRING_KEY_ID_LENGTH + 1];
    scene_text text[];
};

static void nap(double seconds)
{
    (void)nanosleep(
        &(struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)},
        NULL);
}

/* ---- Servers: each verifies every key every few seconds, so that there is a new count of each to harvest ---- */

int locks_verify(const char *path, const char *shared_path)
{
    sealring_error error;
    sealring_vault *vault = NULL;
    struct shared *shared = child_share(shared_path, 0);
    const sealring_options options = {.size = sizeof(options), .no_warming = 1};
    if (sealring_open(path, &options, &vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    for (bool first = true; !atomic_load(&shared->ended); first = false) {
        for (size_t i = 0; i < shared->count && !atomic_load(&shared->ended); i++) {
            sealring_verdict verdict = sealring_verify(vault, shared->text[i], shared->length, SCENE_SCOPE, NULL);
            if (verdict != SEALRING_ACCEPTED && verdict != SEALRING_REJECTED_REVOKED)
                scene_fail("a valid credential is answered \"%s\"", sealring_verdict_name(verdict));
        }
        if (first)
            atomic_fetch_add(&shared->prepared, 1);
        nap(shared->pause);
    }
    sealring_close(&vault);
    return 0;
}

/* ---- The scheduler ---- */

/* What `sealring run` does in its turns; it harvests once a minute, this without a pause. */
int locks_harvest(const char *path, const char *shared_path)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    struct shared *shared = child_share(shared_path, 0);
    if (sealring_manager_open(path, NULL, &manager, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    while (!atomic_load(&shared->ended)) {
        sealring_run_result turn = {.size = sizeof(turn)};
        sealring_harvest_result harvested = {.size = sizeof(harvested)};
        if (!atomic_load(&shared->harvesting)) {
            nap(0.01);
            continue;
        }
        if (sealring_run_once(manager, NULL, NULL, NULL, &turn, &error) != SEALRING_OK)
            scene_fail("run: %s", error.message);
        if (sealring_harvest(manager, &harvested, &error) != SEALRING_OK)
            scene_fail("harvest: %s", error.message);
        atomic_fetch_add(&shared->changed, harvested.changed);
        atomic_fetch_add(&shared->harvests, 1);
    }
    sealring_manager_close(&manager);
    return 0;
}

/* ---- Who holds the locks: by the kernel's list, which disturbs nobody (a try would) ---- */

struct sampled {
    char path[256];
    char wanted[64]; /* in the kernel's list */
    bool held;
    double since;
    time_t seconds; /* when the holder wrote its note: another time is another holding */
    long nanoseconds;
};

static void find_files(const char *vault, struct sampled sampled[LOCKS])
{
    for (unsigned i = 0; i < LOCKS; i++) {
        struct stat file;
        snprintf(sampled[i].path, sizeof(sampled[i].path), "%s/%s", vault, lock_files[i]);
        if (stat(sampled[i].path, &file) != 0)
            scene_fail("%s is missing", sampled[i].path);
        snprintf(sampled[i].wanted, sizeof(sampled[i].wanted), " %02x:%02x:%" PRIuMAX " ", major(file.st_dev),
                 minor(file.st_dev), (uintmax_t)file.st_ino);
    }
}

/* proc_locks(5): who waits is listed as well, behind an arrow. */
static void read_held(struct sampled sampled[LOCKS])
{
    char line[256];
    FILE *file = fopen("/proc/locks", "re");
    if (file == NULL)
        scene_fail("/proc/locks cannot be read");
    for (unsigned i = 0; i < LOCKS; i++)
        sampled[i].held = false;
    while (fgets(line, sizeof(line), file) != NULL)
        for (unsigned i = 0; i < LOCKS; i++)
            sampled[i].held =
                sampled[i].held || (strstr(line, "->") == NULL && strstr(line, sampled[i].wanted) != NULL);
    fclose(file);
}

/* How long one holder has had it, in microseconds. */
static uint64_t measure_holding(struct sampled *sampled)
{
    struct stat file;
    double now = series_clock();
    if (!sampled->held || stat(sampled->path, &file) != 0) {
        sampled->since = 0;
        return 0;
    }
    bool same = file.st_mtim.tv_sec == sampled->seconds && file.st_mtim.tv_nsec == sampled->nanoseconds;
    sampled->seconds = file.st_mtim.tv_sec;
    sampled->nanoseconds = file.st_mtim.tv_nsec;
    sampled->since = same && sampled->since != 0 ? sampled->since : now;
    return (uint64_t)((now - sampled->since) * 1e6);
}

int locks_sample(const char *path, const char *shared_path)
{
    struct shared *shared = child_share(shared_path, 0);
    struct sampled sampled[LOCKS] = {{.held = false}};
    find_files(path, sampled);
    while (!atomic_load(&shared->ended)) {
        nap(0.0005);
        if (!atomic_load(&shared->harvesting))
            continue;
        read_held(sampled);
        atomic_fetch_add(&shared->looks, 1);
        for (unsigned i = 0; i < LOCKS; i++) {
            uint64_t lasted = measure_holding(&sampled[i]);
            atomic_fetch_add(&shared->held[i], sampled[i].held);
            if (lasted > atomic_load(&shared->longest[i]))
                atomic_store(&shared->longest[i], lasted);
        }
    }
    return 0;
}

/* ---- Revoking ---- */

/* As the command does: opened, revoked, closed. Milliseconds. */
static double revoke(struct scene *scene, const char *key_id)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    double start = series_clock();
    if (sealring_manager_open(scene->many_path, NULL, &manager, &error) != SEALRING_OK ||
        sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, "bench", &error) != SEALRING_OK)
        scene_fail("revoke: %s", error.message);
    sealring_manager_close(&manager);
    return (series_clock() - start) * 1e3;
}

static void check(const pid_t *children, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        child_check(children[i], "locks");
}

static void prepare(struct scene *scene, struct shared *shared)
{
    struct scene_taking taking = {
        .text = shared->text, .key_id = shared->key_id, .key_ids = sizeof(shared->key_id) / sizeof(*shared->key_id)};
    while (taking.taken < shared->count) {
        size_t left = shared->count - taking.taken;
        scene_say("making keys in use: %zu of %zu", taking.taken, shared->count);
        (void)scene_issue(scene->many, "harvested", CLIENTS + taking.taken, left < BATCH ? left : BATCH, scene_take,
                          &taking);
    }
    shared->length = taking.length;
}

static void report(struct shared *shared, double seconds, double rest, size_t revocations)
{
    struct summary busy = series_summarise(&table[ROW_REVOKE_HARVEST].value);
    double looks = (double)atomic_load(&shared->looks);
    table_add(ROW_LOCK_COMMIT, 100 * (double)atomic_load(&shared->held[LOCK_COMMIT]) / looks, 0);
    table_add(ROW_LOCK_WORK, 100 * (double)atomic_load(&shared->held[LOCK_WORK]) / looks, 0);
    table_note(
        ROW_REVOKE_HARVEST,
        "%zu revocations, median %.0f ms, longest %.0f ms; with nobody at work median %.0f ms; %u harvests of %" PRIu64
        " records of %zu keys x %d verifiers in %.0f s",
        revocations, busy.median, busy.highest, rest, atomic_load(&shared->harvests), atomic_load(&shared->changed),
        shared->count, VERIFIERS, seconds);
    table_note(ROW_LOCK_COMMIT, "at most %.1f ms at a time", (double)atomic_load(&shared->longest[LOCK_COMMIT]) / 1e3);
    table_note(ROW_LOCK_WORK, "at most %.1f ms at a time", (double)atomic_load(&shared->longest[LOCK_WORK]) / 1e3);
}

size_t locks_keys(const struct scene *scene)
{
    return scene->quick ? KEYS_QUICK : KEYS_FULL;
}

void locks_measure(struct scene *scene)
{
    static const char *const roles[] = {"harvest", "sample", "verify", "verify", "verify", "verify"};
    enum { CHILDREN = sizeof(roles) / sizeof(*roles) };
    char path[128];
    pid_t children[CHILDREN];
    struct series rest = {.count = 0};
    size_t count = locks_keys(scene);
    size_t revocations = scene->quick ? REVOCATIONS_QUICK : REVOCATIONS_FULL;
    snprintf(path, sizeof(path), "%s/locks", scene->directory);
    struct shared *shared = child_share(path, sizeof(*shared) + count * sizeof(*shared->text));
    shared->count = count;
    shared->pause = scene->quick ? 0.1 : 5;
    prepare(scene, shared);
    for (unsigned i = 0; i < CHILDREN; i++)
        children[i] = child_start(roles[i], scene->many_path, path);
    while (atomic_load(&shared->prepared) < VERIFIERS) {
        scene_say("verifiers get ready: %u of %d", atomic_load(&shared->prepared), VERIFIERS);
        check(children, CHILDREN);
        nap(0.1);
    }
    srand(4711);
    for (size_t i = 0; i < revocations; i++) {
        nap(rand() / (double)RAND_MAX * 0.05);
        series_add(&rest, revoke(scene, shared->key_id[i]));
    }
    atomic_store(&shared->harvesting, true);
    double start = series_clock();
    size_t done = 0;
    while (done < revocations || atomic_load(&shared->harvests) < HARVESTS_LEAST) {
        scene_say("revoking during harvests: %zu of %zu", done, revocations);
        check(children, CHILDREN);
        nap(rand() / (double)RAND_MAX * (scene->quick ? 0.05 : 0.5));
        if (done < revocations) {
            double took = revoke(scene, shared->key_id[revocations + done++]);
            table_add(ROW_REVOKE_HARVEST, took, took / series_summarise(&rest).median);
        }
    }
    double seconds = series_clock() - start;
    atomic_store(&shared->harvesting, false);
    atomic_store(&shared->ended, true);
    for (unsigned i = 0; i < CHILDREN; i++)
        child_finish(children[i], roles[i]);
    report(shared, seconds, series_summarise(&rest).median, revocations);
}
