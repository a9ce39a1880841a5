/* SPDX-License-Identifier: Apache-2.0 */
/* Cached verification while another process renews credentials of the same vault, beside cached verification at rest. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sealring/renew.h>

#include "bench/histogram.h"
#include "bench/parts.h"
#include "bench/slice.h"

enum { KEYS = 2048, CLIENTS = 1900000000 };

/* Each renewal is an act of its own, as the broker makes them at these rates: it collects requests for 5 ms. */
static const struct {
    double rate; /* for each second */
    enum row_name median, p99;
} loads[] = {
    {10000 / 3600.0, ROW_RENEWING, ROW_RENEWING_P99},
    {100000 / 3600.0, ROW_RENEWING_TENFOLD, ROW_RENEWING_TENFOLD_P99},
};
enum { LOADS = sizeof loads / sizeof *loads, REST = LOADS, END };

struct shared {
    atomic_int phase; /* the load that is wanted, by the measuring side */
    atomic_int now;   /* where the renewing side is */
    atomic_uint renewed[LOADS];
    size_t length;
    scene_text text[KEYS];
};

/* ---- The other process ---- */

static void renew_next(sealring_manager *manager, struct shared *all, size_t *next)
{
    static sealring_renewal request;
    sealring_error error;
    request = (sealring_renewal){.size = sizeof request,
                                 .credential = all->text[*next % KEYS],
                                 .credential_length = all->length,
                                 .peer = "192.0.2.1"};
    if (sealring_renew(manager, &request, 1, &error) != SEALRING_OK)
        scene_fail("renew: %s", error.message);
    if (request.result != SEALRING_RENEWAL_ISSUED)
        scene_fail("a renewal is answered \"%s\": %s", sealring_renewal_result_name(request.result), request.reason);
    sealring_renewal_release(&request);
    ++*next;
}

/* At the times that the rate gives, whatever a renewal takes. */
static void keep_rate(sealring_manager *manager, struct shared *all, int load, size_t *next)
{
    double start = series_clock();
    for (unsigned done = 0; atomic_load(&all->phase) == load;)
        if (series_clock() - start >= (done + 0.5) / loads[load].rate) {
            renew_next(manager, all, next);
            atomic_fetch_add(&all->renewed[load], 1);
            done++;
        } else
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

int renewing_renew(const char *vault, const char *shared_path)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    struct shared *all = child_share(shared_path, 0);
    size_t next = 0;
    if (sealring_manager_open(vault, NULL, &manager, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    for (int phase = REST; phase != END; phase = atomic_load(&all->phase)) {
        atomic_store(&all->now, phase);
        if (phase < LOADS)
            keep_rate(manager, all, phase, &next);
        else
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    sealring_manager_close(&manager);
    return 0;
}

/* ---- Measuring ---- */

static struct shared *shared;
static char path[128];

static uint64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

struct latency {
    double median, p99;
};

/* Of single calls, each between two readings of the clock. */
static struct latency measure(struct scene *scene, double seconds)
{
    static struct histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    uint64_t until = clock_now() + (uint64_t)(seconds * 1e9), before = clock_now();
    for (size_t i = 0; before < until; i = (i + 1) % scene->hot) {
        sealring_verdict verdict = sealring_verify(scene->vault, scene->text[i], scene->length, SCENE_SCOPE, NULL);
        uint64_t after = clock_now();
        if (verdict != SEALRING_ACCEPTED)
            scene_fail("a valid credential is answered \"%s\"", sealring_verdict_name(verdict));
        histogram_add(&histogram, after - before);
        before = clock_now();
    }
    return (struct latency){(double)histogram_percentile(&histogram, 0.5),
                            (double)histogram_percentile(&histogram, 0.99)};
}

static void enter(int phase, pid_t child)
{
    atomic_store(&shared->phase, phase);
    while (atomic_load(&shared->now) != phase) {
        child_check(child, "renew");
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* The rest before and after are compared, too: what they differ by cannot be measured. */
static void measure_load(struct scene *scene, int load, pid_t child, struct series *noise)
{
    double seconds = scene->quick ? 1 : 3;
    enter(REST, child);
    struct latency before = measure(scene, seconds / 2);
    enter(load, child);
    struct latency during = measure(scene, seconds);
    enter(REST, child);
    struct latency after = measure(scene, seconds / 2);
    table_add(loads[load].median, during.median, 2 * during.median / (before.median + after.median));
    table_add(loads[load].p99, during.p99, 2 * during.p99 / (before.p99 + after.p99));
    series_add(&noise[0], before.median > after.median ? before.median / after.median : after.median / before.median);
    series_add(&noise[1], before.p99 > after.p99 ? before.p99 / after.p99 : after.p99 / before.p99);
}

void renewing_prepare(struct scene *scene)
{
    sealring_error error;
    const sealring_policy policy = {.renew = SEALRING_RENEW_BEARER};
    (void)snprintf(path, sizeof path, "%s/renewing", scene->directory);
    shared = child_share(path, sizeof *shared);
    struct scene_taking taking = {.text = shared->text};
    scene_create_ring(scene->many, "overlap");
    (void)scene_issue(scene->many, "overlap", CLIENTS, KEYS, scene_take, &taking);
    shared->length = taking.length;
    if (sealring_ring_set(scene->many, "overlap", &policy, SEALRING_POLICY_RENEW, &error) != SEALRING_OK ||
        sealring_version_change(scene->many, "overlap", SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error) != SEALRING_OK)
        scene_fail("rotate: %s", error.message);
}

void renewing_measure(struct scene *scene)
{
    struct series noise[2] = {{.count = 0}, {.count = 0}};
    atomic_store(&shared->phase, REST);
    atomic_store(&shared->now, END);
    pid_t child = child_start("renew", scene->many_path, path);
    for (size_t round = 0; round < scene->rounds; round++)
        for (int load = 0; load < LOADS; load++) {
            scene_heed_signals();
            scene_say("beside renewals: round %zu of %zu", round + 1, scene->rounds);
            measure_load(scene, load, child, noise);
        }
    atomic_store(&shared->phase, END);
    child_finish(child, "renew");
    table_note(
        ROW_RENEWING,
        "%u renewals, each an act with its signed checkpoint; the clock is read around each call; two measurements "
        "at rest differ by %.1f %% (p99: %.1f %%), median of the rounds",
        atomic_load(&shared->renewed[0]), 100 * (series_summarise(&noise[0]).median - 1),
        100 * (series_summarise(&noise[1]).median - 1));
    table_note(ROW_RENEWING_TENFOLD, "%u renewals", atomic_load(&shared->renewed[1]));
}
