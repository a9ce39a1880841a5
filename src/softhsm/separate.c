/* SPDX-License-Identifier: Apache-2.0 */
/* Runs work on files that others lock with fcntl, with a separate table of file descriptors. */
#include "softhsm/separate.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEPARATE_STACK ((size_t)512 * 1024)

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1) /* <linux/close_range.h> */
#endif

struct separate {
    int (*task)(void *context);
    void *context;
    int problem;
};

/* In one step, so that the host's descriptors are not even briefly open twice. A container's filter may know only one of the two calls. */
static int leave_table(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_UNSHARE) == 0)
        return 0;
#endif
    return unshare(CLONE_FILES) == 0 ? 0 : errno;
}

static void *separate_thread(void *argument)
{
    struct separate *separate = argument;
    separate->problem = leave_table();
    if (separate->problem == 0)
        separate->problem = separate->task(separate->context);
    return NULL;
}

int separate_run(int (*task)(void *context), void *context)
{
    struct separate separate = {.task = task, .context = context};
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int problem = pthread_attr_init(&attributes);
    if (problem != 0)
        return problem;
    (void)pthread_attr_setstacksize(&attributes, SEPARATE_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    problem = pthread_create(&thread, &attributes, separate_thread, &separate);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (problem != 0)
        return problem;
    pthread_join(thread, NULL);
    return separate.problem;
}
