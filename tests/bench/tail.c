/* SPDX-License-Identifier: Apache-2.0 */
/* The slowest of a thousand cached verifications, at rest and while another process changes the registry without a pause. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/histogram.h"
#include "bench/parts.h"
#include "bench/slice.h"

enum { CLIENTS = 1000000000, ROTATE_EVERY = 16, VERSIONS_MAX = 60 };

enum phase { REST, CHURN, END };

struct shared {
    atomic_int phase; /* wanted by the measuring side */
    atomic_int now;   /* where the churning side is */
    atomic_uint issued, revoked, rotated;
};

/* ---- The other process ---- */

static int keep_key_id(const sealring_issued *issued, void *context)
{
    memcpy(context, issued->key_id, SEALRING_KEY_ID_LENGTH + 1);
    return 0;
}

/* Rotates the ring that the measured credentials are in. The measuring process is a verifier, so the new version waits for it at the barrier:
 * what is not activated yet is tried again after the next change. */
static void rotate(sealring_manager *manager, struct shared *shared, bool *pending)
{
    sealring_error error;
    sealring_status status = sealring_version_change(manager, "many", SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error);
    if (status != SEALRING_OK && status != SEALRING_WAITING)
        scene_fail("rotate: %s", error.message);
    *pending = status == SEALRING_WAITING;
    if (status == SEALRING_OK)
        atomic_fetch_add(&shared->rotated, 1);
}

/* Issues a key and revokes it; once in a while, begins a rotation. */
static void change(sealring_manager *manager, struct shared *shared, unsigned number, bool *pending)
{
    sealring_error error;
    char key_id[SEALRING_KEY_ID_LENGTH + 1] = "";
    (void)scene_issue(manager, "many", CLIENTS + number, 1, keep_key_id, key_id);
    atomic_fetch_add(&shared->issued, 1);
    if (sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, "bench", &error) != SEALRING_OK)
        scene_fail("revoke: %s", error.message);
    atomic_fetch_add(&shared->revoked, 1);
    if (*pending || (number % ROTATE_EVERY == 0 && atomic_load(&shared->rotated) < VERSIONS_MAX))
        rotate(manager, shared, pending);
}

int tail_churn(const char *vault, const char *shared_path)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    struct shared *shared = child_share(shared_path, 0);
    if (sealring_manager_open(vault, NULL, &manager, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    unsigned number = 0;
    bool pending = false;
    for (int phase = REST; phase != END; phase = atomic_load(&shared->phase)) {
        atomic_store(&shared->now, phase);
        if (phase == CHURN)
            change(manager, shared, number++, &pending);
        else
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    sealring_manager_close(&manager);
    return 0;
}

/* ---- Measuring ---- */

static uint64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* p99.9 of single calls, each between two readings of the clock (whose own cost, some 20 ns, is in it). */
static double measure(struct scene *scene, double seconds)
{
    static struct histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    uint64_t until = clock_now() + (uint64_t)(seconds * 1e9), before = clock_now();
    for (size_t i = 0; before < until; i = (i + 1) % scene->hot) {
        sealring_verdict verdict = sealring_verify(scene->vault, scene->text[i], scene->length, SCENE_SCOPE, NULL);
        uint64_t after = clock_now();
        if (verdict != SEALRING_ACCEPTED)
            scene_fail("a valid credential is answered \"%s\"", sealring_verdict_name(verdict));
        histogram_add(&histogram, after - before);
        before = clock_now();
    }
    return (double)histogram_percentile(&histogram, 0.999);
}

static void enter(struct shared *shared, enum phase phase, pid_t child)
{
    atomic_store(&shared->phase, (int)phase);
    while (atomic_load(&shared->now) != (int)phase) {
        child_check(child, "churn");
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

void tail_measure(struct scene *scene)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/churn", scene->directory);
    struct shared *shared = child_share(path, sizeof(*shared));
    double seconds = scene->quick ? 0.5 : 1.5;
    pid_t child = child_start("churn", scene->many_path, path);
    for (size_t round = 0; round < scene->rounds; round++) {
        scene_say("the slowest of a thousand: round %zu of %zu", round + 1, scene->rounds);
        enter(shared, REST, child);
        double before = measure(scene, seconds / 2);
        enter(shared, CHURN, child);
        double churn = measure(scene, seconds);
        enter(shared, REST, child);
        double after = measure(scene, seconds / 2);
        double rest = (before + after) / 2;
        table_add(ROW_TAIL_REST, rest, 1);
        table_add(ROW_TAIL_CHURN, churn, churn / rest);
    }
    atomic_store(&shared->phase, END);
    child_finish(child, "churn");
    table_note(ROW_TAIL_CHURN,
               "%.0f s with %u keys issued, %u revoked, %u rotations; the clock is read around each call",
               seconds * (double)scene->rounds, atomic_load(&shared->issued), atomic_load(&shared->revoked),
               atomic_load(&shared->rotated));
}
