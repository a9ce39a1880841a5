/* SPDX-License-Identifier: Apache-2.0 */
/* base/wiped: that the advice to wipe memory in children is followed is found out, and not believed. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/wiped.h"
#include "lib/runner.h"

/* ---- a system that says one thing and does another: --wrap puts these before the C library's ---- */

static struct {
    bool ignores;     /* madvise() returns 0 and does nothing, as under qemu-user */
    bool hides_smaps; /* there is no /proc/self/smaps */
    int clone_fails;  /* with this errno */
    unsigned clones;
} system_is;

int __real_madvise(void *address, size_t length, int advice);
int __wrap_madvise(void *address, size_t length, int advice);
int __wrap_madvise(void *address, size_t length, int advice)
{
    if (system_is.ignores || getenv("MADVISE_IGNORED") != NULL)
        return 0;
    return __real_madvise(address, length, advice);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (system_is.hides_smaps && strcmp(path, "/proc/self/smaps") == 0) {
        errno = ENOENT;
        return NULL;
    }
    return __real_fopen(path, mode);
}

long __real_syscall(long number, long a, long b, long c, long d, long e);
long __wrap_syscall(long number, long a, long b, long c, long d, long e);
long __wrap_syscall(long number, long a, long b, long c, long d, long e)
{
    if (number == SYS_clone) {
        system_is.clones++;
        if (system_is.clone_fails != 0) {
            errno = system_is.clone_fails;
            return -1;
        }
    }
    return __real_syscall(number, a, b, c, d, e);
}

/* ---- what is found out ---- */

static const struct {
    bool ignores, hides_smaps;
    int clone_fails;
    bool honoured;
    unsigned clones;
} systems[] = {
    {false, false, 0, true, 0},     {false, true, 0, true, 1},       {false, false, EPERM, true, 0},
    {false, true, EPERM, false, 1}, {false, true, EAGAIN, false, 1}, {true, false, 0, false, 1},
    {true, true, 0, false, 1},      {true, false, EPERM, false, 1},  {true, true, ENOSYS, false, 1},
};

static void live_in(int index)
{
    system_is.ignores = systems[index].ignores;
    system_is.hides_smaps = systems[index].hides_smaps;
    system_is.clone_fails = systems[index].clone_fails;
}

START_TEST(the_system_is_asked_once)
{
    live_in(_i);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(wiped_is_honoured(), systems[_i].honoured);
    ck_assert_uint_eq(system_is.clones, systems[_i].clones);
}
END_TEST

START_TEST(a_page_is_given_only_where_it_is_wiped)
{
    sealring_error error = {.message = ""};
    void *page = &page;
    live_in(_i);
    sealring_status status = fork_page_new(100, &page, &error);
    if (systems[_i].honoured) {
        ck_assert_int_eq(status, SEALRING_OK);
        *(char *)page = 1;
        pid_t child = fork();
        if (child == 0)
            _exit(*(char *)page);
        int code = -1;
        ck_assert_int_eq(waitpid(child, &code, 0), child);
        ck_assert_int_eq(code, 0);
        fork_page_free(page, 100);
        return;
    }
    ck_assert_int_eq(status, SEALRING_SYSTEM);
    ck_assert_ptr_null(page);
    ck_assert_ptr_nonnull(strstr(error.message, "a forked child could not be noticed"));
}
END_TEST

START_TEST(each_process_knows_its_number_all_the_same)
{
    live_in(_i);
    ck_assert_int_eq(fork_process(), getpid());
    for (int raw = 0; raw < 2; raw++) {
        int code = -1;
        pid_t child = raw ? (pid_t)__real_syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
        if (child == 0)
            _exit(fork_process() == getpid() && fork_process() == getpid() ? 0 : 1);
        ck_assert_int_eq(waitpid(child, &code, 0), child);
        ck_assert_int_eq(code, 0);
    }
}
END_TEST

/* ---- a host program notices nothing of the child that looks ---- */

static atomic_int signals;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
}

START_TEST(the_host_hears_of_no_child)
{
    const struct sigaction action = {.sa_handler = count_signal};
    sigset_t before, after; /* of which the kernel writes a part */
    memset(&before, 0, sizeof before);
    memset(&after, 0, sizeof after);
    system_is.hides_smaps = true;
    ck_assert_int_eq(sigaction(SIGCHLD, &action, NULL), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    errno = EDOM;
    ck_assert(wiped_is_honoured());
    ck_assert_int_eq(errno, EDOM);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_int_eq(atomic_load(&signals), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(waitpid(-1, NULL, __WALL | WNOHANG), -1);
}
END_TEST

/* ---- from the program's start: the guard that keeps forks out (base/fork.h) lies in such a page ---- */

static void *stay_inside(void *context)
{
    fork_guard_enter();
    atomic_store((atomic_int *)context, 1);
    pause();
    return NULL;
}

/* A thread of the parent is inside, which the child does not have: nobody is inside there. And a child that no handler sees has its own
 * number. */
static int fork_beside_an_insider(void)
{
    pthread_t thread;
    atomic_int inside = 0;
    int code = -1;
    pid_t own = fork_process();
    pid_t raw = (pid_t)__real_syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (raw == 0)
        _exit(fork_process() == getpid() && fork_process() != own ? 0 : 1);
    if (waitpid(raw, &code, 0) != raw || code != 0)
        return 3;
    if (pthread_create(&thread, NULL, stay_inside, &inside) != 0)
        return 2;
    while (atomic_load(&inside) == 0)
        usleep(1000);
    pid_t child = fork();
    if (child == 0)
        _exit(fork_guard_close(0) ? 0 : 1);
    return waitpid(child, &code, 0) == child && code == 0 ? 0 : 1;
}

START_TEST(a_child_finds_the_guard_free)
{
    char *const arguments[] = {(char *)"/proc/self/exe", (char *)"beside", NULL};
    char *const environment[] = {(char *)(_i == 0 ? "MADVISE_HONOURED=1" : "MADVISE_IGNORED=1"), NULL};
    char self[4096] = "";
    pid_t child;
    int code = -1;
    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    ck_assert_int_eq(posix_spawn(&child, self, NULL, NULL, arguments, environment), 0);
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
}
END_TEST

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "beside") == 0)
        return fork_beside_an_insider();
    const int all = (int)(sizeof systems / sizeof systems[0]);
    Suite *suite = suite_create("base/wiped");
    TCase *cases = tcase_create("wiped");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, the_system_is_asked_once, 0, all);
    tcase_add_loop_test(cases, a_page_is_given_only_where_it_is_wiped, 0, all);
    tcase_add_loop_test(cases, each_process_knows_its_number_all_the_same, 0, all);
    tcase_add_test(cases, the_host_hears_of_no_child);
    tcase_add_loop_test(cases, a_child_finds_the_guard_free, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
