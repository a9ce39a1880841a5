/* SPDX-License-Identifier: Apache-2.0 */
/* Performs one function for many items on a few threads: a token answers several sessions at once. */
#include "manage/session/parallel_work.h"

#include <signal.h>
#include <stdatomic.h>

#define PARALLEL_THREADS 4
#define PARALLEL_SHARE   16 /* from this number of items on another thread is worth while */

struct share {
    size_t count;
    parallel_function function;
    void *context;
    atomic_size_t next;
    atomic_bool stop;
};

struct parallel_worker {
    struct parallel_job job;
    struct share *share;
    size_t failed;
};

static sealring_status work(void *context, sealring_error *error)
{
    struct parallel_worker *worker = context;
    struct share *share = worker->share;
    sealring_status status = SEALRING_OK;
    while (status == SEALRING_OK && !atomic_load(&share->stop)) {
        worker->failed = atomic_fetch_add(&share->next, 1);
        if (worker->failed >= share->count)
            break;
        status = share->function(worker->failed, share->context, error);
    }
    if (status != SEALRING_OK)
        atomic_store(&share->stop, true);
    return status;
}

/* Signals are delivered to the caller's thread only. */
static bool start_thread(pthread_t *thread, void *(*function)(void *), void *argument)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, function, argument) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void *run_job(void *argument)
{
    struct parallel_job *job = argument;
    job->status = job->function(job->context, &job->error);
    return NULL;
}

void parallel_start(struct parallel_job *job, sealring_status (*function)(void *context, sealring_error *error),
                    void *context)
{
    job->function = function;
    job->context = context;
    job->started = start_thread(&job->thread, run_job, job);
    if (!job->started)
        run_job(job);
}

sealring_status parallel_wait(struct parallel_job *job)
{
    if (job->started)
        pthread_join(job->thread, NULL);
    return job->status;
}

sealring_status parallel_each(size_t count, parallel_function function, void *context, size_t *failed,
                              sealring_error *error)
{
    struct share share = {.count = count, .function = function, .context = context};
    struct parallel_worker workers[PARALLEL_THREADS] = {{.share = &share}};
    const struct parallel_worker *first = NULL;
    size_t others = count / PARALLEL_SHARE < PARALLEL_THREADS - 1 ? count / PARALLEL_SHARE : PARALLEL_THREADS - 1;
    for (size_t i = 1; i <= others; i++) {
        workers[i].share = &share;
        parallel_start(&workers[i].job, work, &workers[i]);
    }
    workers[0].job.status = work(&workers[0], &workers[0].job.error);
    for (size_t i = 0; i <= others; i++) {
        if (i > 0)
            parallel_wait(&workers[i].job);
        if (workers[i].job.status != SEALRING_OK && (first == NULL || workers[i].failed < first->failed))
            first = &workers[i];
    }
    if (first == NULL)
        return SEALRING_OK;
    *failed = first->failed;
    if (error != NULL)
        *error = first->job.error;
    return first->job.status;
}
