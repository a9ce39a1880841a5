/* SPDX-License-Identifier: Apache-2.0 */
/* How long after a revocation was committed the last of several other processes turns the credential away. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/parts.h"
#include "bench/slice.h"

enum { POLLERS = 4, KEYS_MAX = 300, CLIENTS = 2000000000, WAIT_MAX = 100 };

struct shared {
    size_t count;
    size_t length;
    atomic_uint pollers;  /* numbers them */
    atomic_uint prepared; /* how many have all keys in their cache */
    atomic_uint revoked;  /* keys so far, in order */
    scene_text text[KEYS_MAX];
    char key_id[KEYS_MAX][SEALRING_KEY_ID_LENGTH + 1];
    double seen[POLLERS][KEYS_MAX]; /* when, 0: not yet */
    atomic_uint seen_count[POLLERS];
};

static void nap(double seconds)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = (long)(seconds * 1e9)}, NULL);
}

/* ---- The others: servers that ask once a millisecond about every key that may have been revoked ---- */

static void look(sealring_vault *vault, struct shared *shared, unsigned self)
{
    unsigned revoked = atomic_load(&shared->revoked);
    for (unsigned i = 0; i < revoked; i++) {
        if (shared->seen[self][i] != 0)
            continue;
        sealring_verdict verdict = sealring_verify(vault, shared->text[i], shared->length, SCENE_SCOPE, NULL);
        if (verdict == SEALRING_ACCEPTED)
            continue;
        if (verdict != SEALRING_REJECTED_REVOKED)
            scene_fail("a revoked key is answered \"%s\"", sealring_verdict_name(verdict));
        shared->seen[self][i] = series_clock();
        atomic_fetch_add(&shared->seen_count[self], 1);
    }
}

int revocation_poll(const char *path, const char *shared_path)
{
    sealring_error error;
    sealring_vault *vault = NULL;
    struct shared *shared = child_share(shared_path, 0);
    unsigned self = atomic_fetch_add(&shared->pollers, 1);
    if (self >= POLLERS)
        scene_fail("more pollers than places");
    if (sealring_open(path, NULL, &vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    for (size_t i = 0; i < shared->count; i++)
        if (sealring_verify(vault, shared->text[i], shared->length, SCENE_SCOPE, NULL) != SEALRING_ACCEPTED)
            scene_fail("a valid credential is not accepted");
    atomic_fetch_add(&shared->prepared, 1);
    while (atomic_load(&shared->seen_count[self]) < shared->count) {
        look(vault, shared, self);
        nap(0.001);
    }
    sealring_close(&vault);
    return 0;
}

/* ---- Revoking ---- */

static void check(const pid_t pollers[POLLERS])
{
    for (unsigned i = 0; i < POLLERS; i++)
        child_check(pollers[i], "poller");
}

/* At moments that have nothing to do with the others' looks. When each call returned. */
static void revoke_all(struct scene *scene, struct shared *shared, const pid_t pollers[POLLERS], double *returned)
{
    sealring_error error;
    srand(4711);
    for (size_t i = 0; i < shared->count; i++) {
        scene_say("revoking: %zu of %zu", i + 1, shared->count);
        nap(rand() / (double)RAND_MAX * 0.1);
        check(pollers);
        if (sealring_key_set_state(scene->many, shared->key_id[i], SEALRING_KEY_REVOKED, "bench", &error) !=
            SEALRING_OK)
            scene_fail("revoke: %s", error.message);
        returned[i] = series_clock();
        atomic_store(&shared->revoked, (unsigned)i + 1);
    }
}

static bool all_seen(struct shared *shared)
{
    for (unsigned i = 0; i < POLLERS; i++)
        if (atomic_load(&shared->seen_count[i]) < shared->count)
            return false;
    return true;
}

void revocation_measure(struct scene *scene)
{
    char path[128];
    double returned[KEYS_MAX];
    pid_t pollers[POLLERS];
    snprintf(path, sizeof(path), "%s/revocations", scene->directory);
    struct shared *shared = child_share(path, sizeof(*shared));
    shared->count = scene->quick ? 40 : KEYS_MAX;
    struct scene_taking taking = {.text = shared->text, .key_id = shared->key_id, .key_ids = shared->count};
    (void)scene_issue(scene->many, "revoked", CLIENTS, shared->count, scene_take, &taking);
    shared->length = taking.length;
    for (unsigned i = 0; i < POLLERS; i++)
        pollers[i] = child_start("poller", scene->many_path, path);
    while (atomic_load(&shared->prepared) < POLLERS) {
        check(pollers);
        nap(0.01);
    }
    revoke_all(scene, shared, pollers, returned);
    double until = series_clock() + WAIT_MAX;
    while (!all_seen(shared)) {
        scene_heed_signals();
        if (series_clock() > until)
            scene_fail("revocations are not seen after %d s", WAIT_MAX);
        nap(0.01);
    }
    for (unsigned i = 0; i < POLLERS; i++)
        child_finish(pollers[i], "poller");
    for (size_t i = 0; i < shared->count; i++) {
        double last = 0;
        for (unsigned poller = 0; poller < POLLERS; poller++)
            last = shared->seen[poller][i] > last ? shared->seen[poller][i] : last;
        double took = last > returned[i] ? (last - returned[i]) * 1e3 : 0;
        table_add(ROW_REVOCATION, took, took);
    }
    table_note(ROW_REVOCATION, "%zu revocations, median %.0f ms, longest %.0f ms; asked every millisecond",
               shared->count, series_summarise(&table[ROW_REVOCATION].value).median,
               series_summarise(&table[ROW_REVOCATION].value).highest);
}
