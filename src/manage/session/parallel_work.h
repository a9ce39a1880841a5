/* SPDX-License-Identifier: Apache-2.0 */
/* Performs one function for many items on a few threads: a token answers several sessions at once. */
#ifndef MANAGE_SESSION_PARALLEL_WORK_H
#define MANAGE_SESSION_PARALLEL_WORK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <sealring/verify.h>

typedef sealring_status (*parallel_function)(size_t index, void *context, sealring_error *error);

/* Calls function for each index below count, on up to four threads including the caller's; returns when all have ended. After a failure no further
 * index is started. Of the failures, the one with the lowest index is returned, and *failed is that index. Only the caller's thread receives
 * signals. If no thread can be made, the caller's thread does all the work. */
sealring_status parallel_each(size_t count, parallel_function function, void *context, size_t *failed,
                              sealring_error *error);

/* One job that runs beside the caller. Between start and wait the job must stay where it is. */
struct parallel_job {
    sealring_status (*function)(void *context, sealring_error *error);
    void *context;
    pthread_t thread;
    bool started; /* otherwise it was done immediately: no thread could be made */
    sealring_status status;
    sealring_error error;
};
void parallel_start(struct parallel_job *job, sealring_status (*function)(void *context, sealring_error *error),
                    void *context);
sealring_status parallel_wait(struct parallel_job *job);

#endif
