/* SPDX-License-Identifier: Apache-2.0 */
/* Memory under MADV_WIPEONFORK, and the test that the advice is effective. */
#include "base/wiped.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void *wiped_map(size_t size)
{
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, size, MADV_WIPEONFORK) != 0) {
        int failure = errno;
        (void)munmap(page, size);
        errno = failure;
        return NULL;
    }
    return page;
}

void wiped_unmap(void *page, size_t size)
{
    if (page != NULL)
        (void)munmap(page, size);
}

/* ---- what the kernel reports about the mapping ---- */

/* Returns whether VmFlags contains "wf" (proc(5)): dup_mmap() uses this flag. */
static bool is_marked(const void *page)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char *line = NULL;
    size_t room = 0;
    uintmax_t first, end;
    bool within = false, marked = false;
    if (file == NULL)
        return false;
    while (!marked && getline(&line, &room, file) > 0) {
        /* NOLINTNEXTLINE(cert-err34-c): a number that the kernel wrote */
        if (sscanf(line, "%jx-%jx ", &first, &end) == 2) /* here another mapping begins */
            within = first <= (uintptr_t)page && (uintptr_t)page < end;
        marked = within && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " wf") != NULL;
    }
    free(line);
    (void)fclose(file);
    return marked;
}

/* ---- what a child finds ---- */

/* Makes the child with the system call itself: no fork handler of the program runs, and because the child ends without a signal,
 * neither SIGCHLD nor the program's waits for its children are affected. The child only reads, and ends. */
static void look_in_child(const volatile char *page, volatile char *found)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    long child = syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
    if (child == 0) {
        *found = *page == 0 ? 'y' : 'n';
        (void)syscall(SYS_exit_group, 0);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (child > 0 && waitpid((pid_t)child, NULL, __WALL) < 0 && errno == EINTR) {
    }
}

static bool is_empty_in_child(volatile char *page)
{
    volatile char *found = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED)
        return false;
    *page = 1;
    look_in_child(page, found);
    bool empty = *found == 'y';
    (void)munmap((void *)found, 1);
    return empty;
}

bool wiped_is_honoured(void)
{
    enum { UNKNOWN, HONOURED, IGNORED };
    static atomic_int known = UNKNOWN; /* also valid for children */
    if (atomic_load_explicit(&known, memory_order_relaxed) == UNKNOWN) {
        int failure = errno;
        void *page = wiped_map(1);
        bool honoured = page != NULL && (is_marked(page) || is_empty_in_child(page));
        wiped_unmap(page, 1);
        atomic_store_explicit(&known, honoured ? HONOURED : IGNORED, memory_order_relaxed);
        errno = failure;
    }
    return atomic_load_explicit(&known, memory_order_relaxed) == HONOURED;
}
