/* SPDX-License-Identifier: Apache-2.0 */
/* Teaches ThreadSanitizer the POSIX locks that it does not know by itself. */
#include "lib/thread_sanitizer.h"

#include "lib/sanitized.h"

#if !THREAD_SANITIZED

void thread_sanitizer_teach(void)
{
}

#else

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <sanitizer/tsan_interface.h>

/* Without this it takes whatever is done under a lock that was taken by POSIX.1-2024's pthread_mutex_clocklock and
 * pthread_rwlock_clockrdlock to be done under none: neither clang 14's runtime library nor gcc 12's intercepts them. These stand in
 * front of the C library's: of the same name, in the program itself. Unlocking is known. */
static int (*clock_lock)(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline);
static int (*clock_read_lock)(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *deadline);

int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline)
{
    __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
    int failure = clock_lock(mutex, clock, deadline);
    __tsan_mutex_post_lock(mutex, __tsan_mutex_try_lock | (failure != 0 ? __tsan_mutex_try_lock_failed : 0), 0);
    return failure;
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *deadline)
{
    const unsigned read_lock = __tsan_mutex_read_lock | __tsan_mutex_try_lock;
    __tsan_mutex_pre_lock(lock, read_lock);
    int failure = clock_read_lock(lock, clock, deadline);
    __tsan_mutex_post_lock(lock, read_lock | (failure != 0 ? __tsan_mutex_try_lock_failed : 0), 0);
    return failure;
}

/* It keeps one list of file descriptors for the whole process, and takes a number in the thread with a table of its own
 * (src/softhsm/separate.c) for the same number in another thread. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void)
{
    return "race:separate_thread\n";
}

/* ISO C has no conversion of an object's address to a function's; POSIX vouches for it (dlsym). */
static void find(const char *name, void *function)
{
    *(void **)function = dlsym(RTLD_NEXT, name);
    if (*(void **)function == NULL)
        abort();
}

void thread_sanitizer_teach(void)
{
    find("pthread_mutex_clocklock", &clock_lock);
    find("pthread_rwlock_clockrdlock", &clock_read_lock);
}

#endif
