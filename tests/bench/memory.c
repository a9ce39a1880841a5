/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a cached credential takes: as the verifier counts it, and as the process grows. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/parts.h"
#include "bench/slice.h"

/* What the process that fills its cache finds out. */
struct shared {
    char texts_path[96];
    size_t texts, length;
    double counted;  /* bytes for each, by sealring_stats */
    double resident; /* bytes for each by which the process grew */
    double first;    /* how many were in before growth was measured */
};

/* Bytes of memory that are the process's own or mapped by it and in use (proc(5), /proc/pid/statm). */
static double resident_now(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1)
        scene_fail("/proc/self/statm cannot be read");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void fill(sealring_vault *vault, const struct shared *shared, const scene_text *text, size_t from, size_t to)
{
    for (int twice = 0; twice < 2; twice++) {
        for (size_t i = from; i < to; i++)
            if (sealring_verify(vault, text[i], shared->length, SCENE_SCOPE, NULL) != SEALRING_ACCEPTED)
                scene_fail("a valid credential is not accepted");
    }
}

int memory_fill(const char *path, const char *shared_path)
{
    sealring_error error;
    sealring_vault *vault = NULL;
    const sealring_options options = {.size = sizeof(options), .no_warming = 1};
    struct shared *shared = child_share(shared_path, 0);
    const scene_text *text = child_share(shared->texts_path, 0);
    volatile char touched = 0;
    for (size_t i = 0; i < shared->texts; i++)
        touched = (char)(touched + text[i][0] + text[i][sizeof(*text) - 1]); /* so that these pages are in already */
    if (sealring_open(path, &options, &vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    /* A fifth first, so that connections, their caches and malloc's own have what they want. */
    size_t first = shared->texts / 5;
    fill(vault, shared, text, 0, first);
    double before = resident_now();
    fill(vault, shared, text, first, shared->texts);
    double after = resident_now();
    sealring_statistics statistics = {.size = sizeof(statistics)};
    sealring_stats(vault, &statistics);
    if (statistics.credentials != shared->texts)
        scene_fail("%llu credentials are in a cache that was asked for %zu", (unsigned long long)statistics.credentials,
                   shared->texts);
    shared->counted = (double)statistics.credential_bytes / (double)statistics.credentials;
    shared->resident = (after - before) / (double)(shared->texts - first);
    shared->first = (double)first;
    sealring_close(&vault);
    return 0;
}

void memory_measure(struct scene *scene)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/memory", scene->directory);
    scene_say("filling a cache");
    struct shared *shared = child_share(path, sizeof(*shared));
    snprintf(shared->texts_path, sizeof(shared->texts_path), "%s", scene->texts_path);
    shared->texts = scene->texts;
    shared->length = scene->length;
    child_finish(child_start("memory", scene->many_path, path), "memory");
    table_add(ROW_MEMORY, shared->counted, shared->counted);
    table_add(ROW_MEMORY_RESIDENT, shared->resident, shared->resident);
    table_note(ROW_MEMORY, "sealring_stats with %zu credentials in the cache, each counted in this hour", scene->texts);
    table_note(ROW_MEMORY_RESIDENT,
               "resident memory, pages of the report file included, between %.0f and %zu credentials", shared->first,
               scene->texts);
}
