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
    pthread_t thread;
    struct share *share;
    sealring_status status;
    size_t failed;
    sealring_error error;
};

static void *work(void *argument)
{
    struct parallel_worker *worker = argument;
    struct share *share = worker->share;
    while (!atomic_load(&share->stop)) {
        size_t index = atomic_fetch_add(&share->next, 1);
        if (index >= share->count)
            break;
        worker->status = share->function(index, share->context, &worker->error);
        if (worker->status != SEALRING_OK) {
            worker->failed = index;
            atomic_store(&share->stop, true);
            break;
        }
    }
    return NULL;
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

/* Starts threads besides the caller's, and returns their number. */
static size_t start(struct parallel_worker *workers, size_t wanted)
{
    size_t started = 0;
    while (started < wanted && start_thread(&workers[started + 1].thread, work, &workers[started + 1]))
        started++;
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
    struct parallel_worker workers[PARALLEL_THREADS] = {{.status = SEALRING_OK}};
    const struct parallel_worker *first = NULL;
    size_t wanted = count / PARALLEL_SHARE;
    for (size_t i = 0; i < PARALLEL_THREADS; i++)
        workers[i].share = &share;
    size_t started = start(workers, wanted < PARALLEL_THREADS - 1 ? wanted : PARALLEL_THREADS - 1);
    work(&workers[0]);
    for (size_t i = 0; i <= started; i++) {
        if (i > 0)
            pthread_join(workers[i].thread, NULL);
        if (workers[i].status != SEALRING_OK && (first == NULL || workers[i].failed < first->failed))
            first = &workers[i];
    }
    if (first == NULL)
        return SEALRING_OK;
    *failed = first->failed;
    if (error != NULL)
        *error = first->error;
    return first->status;
}
