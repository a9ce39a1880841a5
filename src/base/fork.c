/* SPDX-License-Identifier: Apache-2.0 */
/* Forks: memory that a child finds empty, and a guard that delays forks while a library's lock is held. */
#include "base/fork.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/wiped.h"

#define PAGE_SIZE_MAX 4096
#define PATIENCE_MS   5000
#define PAUSE_NS      50000 /* between two checks of the guard */

/* This and the module table (token/module) are the only process-wide state. It must be process-wide: fork handlers (pthread_atfork)
 * belong to the process and cannot be removed, so their state must not belong to a vault, which may be closed at any time. It is set up
 * when the library is loaded, before any thread can be inside: a fork that began before the handlers exist would not wait, and a fork
 * or a raw clone could interrupt a lazy set-up. It is in a page that is wiped in children: no thread is inside there, whatever the
 * parent's did. glibc removes the handlers when the library is unloaded (dlclose); the page stays, because no handler may find it
 * unmapped. */
struct guard {
    atomic_int inside;
    atomic_int closed; /* by this number of forks */
    atomic_llong patience_ms;
    atomic_int process; /* 0: not asked for yet */
};
_Static_assert(sizeof(struct guard) <= PAGE_SIZE_MAX, "the guard has a page");

static struct guard *guard; /* only set_up writes it; NULL: that failed, and no vault can be opened */
static int set_up_errno;

/* ---- the page ---- */

sealring_status fork_page_new(size_t size, void **page, sealring_error *error)
{
    *page = NULL;
    if (size == 0 || size > PAGE_SIZE_MAX) {
        return error_set(error, SEALRING_INVALID, "%zu bytes that a fork wipes are not from 1 to %d", size,
                         PAGE_SIZE_MAX);
    }
    if (guard == NULL) {
        return error_set_system(error, set_up_errno,
                                "forks could not be prepared for when the program started, which "
                                "takes a page of memory and Linux 4.14; start it again");
    }
    if (!wiped_is_honoured()) {
        return error_set(
            error, SEALRING_SYSTEM,
            "a forked child could not be noticed: MADV_WIPEONFORK is not honoured here, as by some emulators of other "
            "architectures; run this program without the emulator");
    }
    *page = wiped_map(size);
    if (*page == NULL)
        return error_set_system(error, errno, "no memory that a fork wipes (MADV_WIPEONFORK)");
    return SEALRING_OK;
}

void fork_page_free(void *page, size_t size)
{
    wiped_unmap(page, size);
}

static pid_t guard_process(void)
{
    if (atomic_load_explicit(&guard->process, memory_order_relaxed) == 0)
        atomic_store_explicit(&guard->process, getpid(), memory_order_relaxed);
    return atomic_load_explicit(&guard->process, memory_order_relaxed);
}

pid_t fork_process(void)
{
    return guard == NULL || !wiped_is_honoured() ? getpid() : guard_process();
}

/* ---- who is inside ---- */

static void pause_shortly(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};
    (void)nanosleep(&pause, NULL);
}

/* The process in which this thread is inside, 0: it is not. In a child, the thread that forked has its parent's number here. With this model a
 * thread's first use allocates no memory, also in a library that was loaded later. */
static _Thread_local __attribute__((tls_model("initial-exec"))) pid_t inside_in;

/* A thread that was inside when it forked leaves the child's guard, which it never entered: the counter stays at 0. */
static void count_out(void)
{
    int inside = atomic_load(&guard->inside);
    while (inside > 0 && !atomic_compare_exchange_weak(&guard->inside, &inside, inside - 1)) {
    }
}

/* A thread that enters and a thread that closes each write first and then read what the other wrote (both sequentially consistent). So
 * at least one of the two sees the other; the entering thread yields. */
void fork_guard_enter(void)
{
    if (guard == NULL)
        return;
    int64_t until = 0;
    for (;;) {
        (void)atomic_fetch_add(&guard->inside, 1);
        if (atomic_load(&guard->closed) == 0 || (until != 0 && clock_monotonic_ms() >= until))
            break;
        count_out();
        if (until == 0)
            until = clock_monotonic_ms() + 2 * (int64_t)atomic_load(&guard->patience_ms);
        while (atomic_load(&guard->closed) > 0 && clock_monotonic_ms() < until)
            pause_shortly();
    }
    inside_in = guard_process();
}

void fork_guard_leave(void)
{
    if (guard == NULL)
        return;
    inside_in = 0;
    count_out();
}

/* ---- around a fork ---- */

bool fork_guard_close(int64_t patience_ms)
{
    if (guard == NULL)
        return true;
    atomic_store(&guard->patience_ms, patience_ms);
    (void)atomic_fetch_add(&guard->closed, 1);
    int64_t until = clock_monotonic_ms() + patience_ms;
    int own = inside_in == guard_process() ? 1 : 0;
    while (atomic_load(&guard->inside) > own) {
        if (clock_monotonic_ms() >= until)
            return false;
        pause_shortly();
    }
    return true;
}

void fork_guard_open(void)
{
    if (guard != NULL)
        (void)atomic_fetch_sub(&guard->closed, 1);
}

static void before_fork(void)
{
    (void)fork_guard_close(PATIENCE_MS);
}

/* The child's page is fresh, unless MADV_WIPEONFORK is ignored (wiped_is_honoured): then the recorded threads do not exist in the child. */
static void after_fork_in_child(void)
{
    memset(guard, 0, sizeof *guard);
}

__attribute__((constructor)) static void set_up(void)
{
    guard = wiped_map(sizeof *guard);
    if (guard == NULL) {
        set_up_errno = errno;
        return;
    }
    set_up_errno = pthread_atfork(before_fork, fork_guard_open, after_fork_in_child);
    if (set_up_errno != 0) {
        fork_page_free(guard, sizeof *guard);
        guard = NULL;
    }
}
