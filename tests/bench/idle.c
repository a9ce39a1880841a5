/* SPDX-License-Identifier: Apache-2.0 */
/* What verifiers cost that nobody asks, and how long a revocation beside them takes from its commit until it is effective. */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/parts.h"
#include "bench/table.h"

enum { IDLERS = 4, REVOCATIONS = 100, CLIENTS = 1900000000 };

struct idling {
    double seconds; /* to measure */
    atomic_uint idlers;
    atomic_uint measured;
    atomic_bool end;
    double cpu[IDLERS];   /* share of one processor, in percent */
    double wakes[IDLERS]; /* voluntary context switches per second */
};

static void nap(double seconds)
{
    (void)nanosleep(
        &(struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)},
        NULL);
}

static double cpu_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

int idle_verify(const char *path, const char *shared_path)
{
    sealring_error error;
    sealring_vault *vault = NULL;
    struct rusage before, after;
    struct idling *idling = child_share(shared_path, 0);
    unsigned self = atomic_fetch_add(&idling->idlers, 1);
    if (self >= IDLERS || sealring_open(path, NULL, &vault, &error) != SEALRING_OK)
        scene_fail("an idle verifier cannot be opened");
    nap(2); /* the cache is warm */
    double began = series_clock();
    (void)getrusage(RUSAGE_SELF, &before);
    nap(idling->seconds);
    (void)getrusage(RUSAGE_SELF, &after);
    double took = series_clock() - began;
    idling->cpu[self] = (cpu_seconds(&after) - cpu_seconds(&before)) / took * 100;
    idling->wakes[self] = (double)(after.ru_nvcsw - before.ru_nvcsw) / took;
    atomic_fetch_add(&idling->measured, 1);
    while (!atomic_load(&idling->end))
        nap(0.1);
    sealring_close(&vault);
    return 0;
}

static void revoke_all(struct scene *scene, size_t count)
{
    static scene_text text[REVOCATIONS];
    static char key_id[REVOCATIONS][SEALRING_KEY_ID_LENGTH + 1];
    sealring_error error;
    sealring_wait wait = {.size = sizeof(wait), .most = -1};
    struct scene_taking taking = {.text = text, .key_id = key_id, .key_ids = count};
    (void)scene_issue(scene->few, "few", CLIENTS, count, scene_take, &taking);
    for (size_t i = 0; i < count; i++) {
        if (sealring_key_set_state(scene->few, key_id[i], SEALRING_KEY_REVOKED, "bench", &error) != SEALRING_OK)
            scene_fail("revoke: %s", error.message);
        double returned = series_clock();
        if (sealring_wait_effective(scene->few, &wait, &error) != SEALRING_OK)
            scene_fail("revoke: %s", error.message);
        double took = (series_clock() - returned) * 1e3;
        table_add(ROW_EFFECTIVE, took, took);
    }
}

void idle_measure(struct scene *scene)
{
    char path[128];
    pid_t idlers[IDLERS];
    snprintf(path, sizeof(path), "%s/idling", scene->directory);
    struct idling *idling = child_share(path, sizeof(*idling));
    idling->seconds = scene->quick ? 10 : 30;
    scene_say("idle verifiers");
    for (unsigned i = 0; i < IDLERS; i++)
        idlers[i] = child_start("idle", scene->few_path, path);
    while (atomic_load(&idling->measured) < IDLERS) {
        for (unsigned i = 0; i < IDLERS; i++)
            child_check(idlers[i], "idle");
        nap(0.1);
    }
    for (unsigned i = 0; i < IDLERS; i++) {
        table_add(ROW_IDLE_CPU, idling->cpu[i], idling->cpu[i]);
        table_add(ROW_IDLE_WAKES, idling->wakes[i], idling->wakes[i]);
    }
    table_note(ROW_IDLE_CPU, "%d processes for %.0f s, which nobody asks, while nothing changes", IDLERS,
               idling->seconds);
    revoke_all(scene, scene->quick ? 20 : REVOCATIONS);
    table_note(ROW_EFFECTIVE, "from the return of the revoking call to that of the wait; median %.1f ms",
               series_summarise(&table[ROW_EFFECTIVE].value).median);
    atomic_store(&idling->end, true);
    for (unsigned i = 0; i < IDLERS; i++)
        child_finish(idlers[i], "idle");
}
