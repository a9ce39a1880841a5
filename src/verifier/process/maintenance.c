/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that keep a verifier fresh: one polls, the other asks the token, so that a token that hangs delays no poll. */
#include "verifier/process/maintenance.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"

struct maintenance;

struct maintenance_thread {
    struct maintenance *maintenance;
    maintenance_turn turn;
    pthread_t thread;
};

struct maintenance {
    void *context;
    struct maintenance_thread looking;
    struct maintenance_thread proving;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping;
    bool proof_due;
};

/* Returns true if the thread must end. */
static bool pause_for(const struct maintenance_thread *worker, int64_t milliseconds)
{
    struct maintenance *maintenance = worker->maintenance;
    bool proves = worker == &maintenance->proving;
    struct timespec until = clock_deadline(milliseconds);
    pthread_mutex_lock(&maintenance->mutex);
    int waited = milliseconds > 0 ? 0 : ETIMEDOUT; /* without a wait there is no system call */
    while (!maintenance->stopping && !(proves && maintenance->proof_due) && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&maintenance->wake, &maintenance->mutex, &until);
    if (proves)
        maintenance->proof_due = false;
    bool stopping = maintenance->stopping;
    pthread_mutex_unlock(&maintenance->mutex);
    return stopping;
}

static void *work(void *argument)
{
    const struct maintenance_thread *worker = argument;
    int64_t due;
    do {
        due = worker->turn(worker->maintenance, worker->maintenance->context);
    } while (due >= 0 && !pause_for(worker, due));
    return NULL;
}

static void free_maintenance(struct maintenance *maintenance)
{
    pthread_cond_destroy(&maintenance->wake);
    pthread_mutex_destroy(&maintenance->mutex);
    free(maintenance);
}

static void end(struct maintenance *maintenance, pthread_t thread)
{
    pthread_mutex_lock(&maintenance->mutex);
    maintenance->stopping = true;
    pthread_cond_broadcast(&maintenance->wake);
    pthread_mutex_unlock(&maintenance->mutex);
    pthread_join(thread, NULL);
}

/* The new threads inherit the blocked mask: only the host program's threads receive its signals. */
static int start_threads(struct maintenance *maintenance)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&maintenance->looking.thread, NULL, work, &maintenance->looking);
    if (problem == 0) {
        problem = pthread_create(&maintenance->proving.thread, NULL, work, &maintenance->proving);
        if (problem != 0)
            end(maintenance, maintenance->looking.thread);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

sealring_status maintenance_start(maintenance_turn look, maintenance_turn prove, void *context,
                                  struct maintenance **started, sealring_error *error)
{
    *started = NULL;
    struct maintenance *maintenance = calloc(1, sizeof *maintenance);
    if (maintenance == NULL)
        return error_no_memory(error);
    maintenance->context = context;
    maintenance->looking = (struct maintenance_thread){.maintenance = maintenance, .turn = look};
    maintenance->proving = (struct maintenance_thread){.maintenance = maintenance, .turn = prove};
    clock_condition_init(&maintenance->wake);
    pthread_mutex_init(&maintenance->mutex, NULL);
    int problem = start_threads(maintenance);
    if (problem != 0) {
        free_maintenance(maintenance);
        return error_set_system(error, problem, "the maintenance threads cannot be started");
    }
    *started = maintenance;
    return SEALRING_OK;
}

void maintenance_prove(struct maintenance *maintenance)
{
    pthread_mutex_lock(&maintenance->mutex);
    maintenance->proof_due = true;
    pthread_cond_broadcast(&maintenance->wake);
    pthread_mutex_unlock(&maintenance->mutex);
}

void maintenance_stop(struct maintenance *maintenance)
{
    if (maintenance == NULL)
        return;
    end(maintenance, maintenance->looking.thread);
    pthread_join(maintenance->proving.thread, NULL);
    free_maintenance(maintenance);
}
