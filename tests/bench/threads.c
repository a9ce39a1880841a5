/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads against one: whether they are in each other's way. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "bench/parts.h"
#include "bench/slice.h"

struct worker {
    slice_batch batch;
    struct walk walk;
    double seconds;
    atomic_uint *ready; /* counted down by each */
    double rate;        /* per second */
    char apart[128];    /* no cache line shared with the next */
};

static void *work(void *context)
{
    struct worker *worker = context;
    (void)worker->batch(&worker->walk);
    atomic_fetch_sub(worker->ready, 1);
    while (atomic_load(worker->ready) > 0) {
    }
    worker->rate = 1e9 / slice_run(worker->batch, &worker->walk, worker->seconds);
    return NULL;
}

/* The sum of the rates of `count` threads that begin together. */
static double run(struct worker *workers, unsigned count)
{
    pthread_t threads[2];
    atomic_uint ready = count;
    double rate = 0;
    for (unsigned i = 0; i < count; i++) {
        workers[i].ready = &ready;
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            scene_fail("no thread can be started");
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        rate += workers[i].rate;
    }
    return rate;
}

/* One thread, two, one; in pieces. */
static void compare(struct scene *scene, enum row_name row, struct worker workers[2])
{
    struct series values = {.count = 0}, shares = {.count = 0};
    workers[0].seconds = SLICE_PIECE;
    workers[1].seconds = SLICE_PIECE;
    for (unsigned piece = 0; piece < slice_pieces(scene); piece++) {
        scene_heed_signals();
        double before = run(workers, 1);
        double both = run(workers, 2);
        double after = run(workers + 1, 1);
        series_add(&values, both);
        series_add(&shares, both / ((before + after) / 2));
    }
    table_add(row, series_summarise(&values).median, series_summarise(&shares).median);
}

void threads_round(struct scene *scene)
{
    struct worker workers[2] = {{.batch = slice_verify, .walk = slice_walk(scene)}};
    EVP_MD_CTX *other = EVP_MD_CTX_new();
    if (other == NULL || EVP_MD_CTX_copy_ex(other, scene->hashing) != 1)
        scene_fail("no memory");

    workers[0].walk.count = 1;
    workers[1] = workers[0];
    compare(scene, ROW_TWO_SAME, workers);

    workers[0].walk.count = scene->hot / 2;
    workers[1].walk.count = scene->hot / 2;
    workers[1].walk.text += scene->hot / 2;
    compare(scene, ROW_TWO_DIFFERENT, workers);

    workers[0].batch = workers[1].batch = slice_hash;
    workers[1].walk.hashing = other;
    compare(scene, ROW_TWO_FLOOR, workers);
    EVP_MD_CTX_free(other);
}
