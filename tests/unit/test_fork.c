/* SPDX-License-Identifier: Apache-2.0 */
/* base/fork: pages that children find empty, and a guard that keeps forks away from held locks, but not for ever. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fork.h"
#include "lib/runner.h"

#define LONG_MS     120000 /* longer than any test may take */
#define CHILD_ALARM 30     /* seconds after which a child that hangs dies of SIGALRM */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void pause_ms(long milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void wait_until(atomic_int *flag)
{
    while (atomic_load(flag) == 0)
        pause_ms(1);
}

/* fork, or clone as a program does it that knows of no handlers. */
static pid_t split(bool raw)
{
    if (!raw)
        return fork();
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int exit_code(pid_t child)
{
    int status = 0;
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* ---- the page ---- */

START_TEST(a_page_is_zero_anew_in_each_generation)
{
    bool raw = _i == 1;
    void *page;
    ck_assert_int_eq(fork_page_new(4096, &page, NULL), SEALRING_OK);
    volatile unsigned char *bytes = page;
    for (size_t i = 0; i < 4096; i++)
        if (bytes[i] != 0)
            ck_abort_msg("byte %zu of a new page is not zero", i);
    bytes[0] = 1;
    bytes[4095] = 2;
    pid_t child = split(raw);
    if (child == 0) {
        if (bytes[0] != 0 || bytes[4095] != 0)
            _exit(1);
        bytes[0] = 3;
        pid_t grandchild = split(raw);
        if (grandchild == 0)
            _exit(bytes[0] == 0 && bytes[4095] == 0 ? 0 : 1);
        int status = 0;
        waitpid(grandchild, &status, 0);
        _exit(status == 0 && bytes[0] == 3 ? 0 : 2);
    }
    ck_assert_int_eq(exit_code(child), 0);
    ck_assert_uint_eq(bytes[0], 1);
    ck_assert_uint_eq(bytes[4095], 2);
    fork_page_free(page, 4096);
}
END_TEST

START_TEST(each_process_knows_its_number)
{
    ck_assert_int_eq(fork_process(), getpid());
    ck_assert_int_eq(fork_process(), getpid());
    pid_t child = split(_i == 1);
    if (child == 0)
        _exit(fork_process() == getpid() && fork_process() == getpid() ? 0 : 1);
    ck_assert_int_eq(exit_code(child), 0);
    ck_assert_int_eq(fork_process(), getpid());
}
END_TEST

START_TEST(a_page_has_from_1_to_4096_bytes)
{
    static const size_t wrong[] = {0, 4097, SIZE_MAX};
    void *page = &page;
    sealring_error error = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(fork_page_new(wrong[i], &page, &error), SEALRING_INVALID);
        ck_assert_ptr_null(page);
        ck_assert_int_eq(error.status, SEALRING_INVALID);
    }
    ck_assert_int_eq(fork_page_new(1, &page, NULL), SEALRING_OK);
    fork_page_free(page, 1);
    fork_page_free(NULL, 1);
}
END_TEST

/* ---- a thread that stays inside until it is told ---- */

struct insider {
    pthread_t thread;
    atomic_int inside;
    atomic_int told;
};

static void *stay_inside(void *argument)
{
    struct insider *insider = argument;
    fork_guard_enter();
    atomic_store(&insider->inside, 1);
    wait_until(&insider->told);
    fork_guard_leave();
    return NULL;
}

static void begin_stay(struct insider *insider)
{
    ck_assert_int_eq(pthread_create(&insider->thread, NULL, stay_inside, insider), 0);
    wait_until(&insider->inside);
}

static void end_stay(struct insider *insider)
{
    atomic_store(&insider->told, 1);
    ck_assert_int_eq(pthread_join(insider->thread, NULL), 0);
}

/* ---- closing and entering ---- */

START_TEST(nobody_inside_is_not_waited_for)
{
    ck_assert(fork_guard_close(0));
    fork_guard_open();
    fork_guard_enter();
    fork_guard_leave();
    ck_assert(fork_guard_close(0));
    fork_guard_open();
}
END_TEST

START_TEST(who_hangs_inside_delays_by_the_bound_only)
{
    struct insider insider = {0};
    begin_stay(&insider);
    int64_t before = now_ms();
    ck_assert(!fork_guard_close(60));
    ck_assert_int_ge(now_ms() - before, 59);
    fork_guard_open();
    end_stay(&insider);
    ck_assert(fork_guard_close(0));
    fork_guard_open();
}
END_TEST

static void *close_and_open(void *argument)
{
    atomic_int *closed = argument;
    bool empty = fork_guard_close(LONG_MS);
    atomic_store(closed, empty ? 1 : 2);
    fork_guard_open();
    return NULL;
}

START_TEST(closing_waits_for_who_is_inside)
{
    struct insider insiders[3] = {0};
    atomic_int closed = 0;
    pthread_t closer;
    for (size_t i = 0; i < 3; i++)
        begin_stay(&insiders[i]);
    ck_assert_int_eq(pthread_create(&closer, NULL, close_and_open, &closed), 0);
    for (size_t i = 0; i < 3; i++) {
        pause_ms(20);
        ck_assert_int_eq(atomic_load(&closed), 0);
        end_stay(&insiders[i]);
    }
    ck_assert_int_eq(pthread_join(closer, NULL), 0);
    ck_assert_int_eq(atomic_load(&closed), 1);
}
END_TEST

static void *go_in(void *argument)
{
    atomic_int *steps = argument;
    atomic_store(&steps[0], 1);
    fork_guard_enter();
    atomic_store(&steps[1], 1);
    fork_guard_leave();
    return NULL;
}

START_TEST(who_enters_waits_for_the_forks_under_way)
{
    atomic_int steps[2] = {0};
    pthread_t thread;
    ck_assert(fork_guard_close(LONG_MS));
    ck_assert(fork_guard_close(LONG_MS)); /* two forks at once */
    ck_assert_int_eq(pthread_create(&thread, NULL, go_in, steps), 0);
    wait_until(&steps[0]);
    pause_ms(30);
    ck_assert_int_eq(atomic_load(&steps[1]), 0);
    fork_guard_open();
    pause_ms(30);
    ck_assert_int_eq(atomic_load(&steps[1]), 0);
    fork_guard_open();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(atomic_load(&steps[1]), 1);
}
END_TEST

START_TEST(who_enters_waits_twice_the_bound_at_most)
{
    ck_assert(fork_guard_close(30));
    int64_t before = now_ms();
    fork_guard_enter();
    ck_assert_int_ge(now_ms() - before, 59);
    fork_guard_leave();
    fork_guard_open();
}
END_TEST

START_TEST(who_forks_inside_does_not_wait_for_itself)
{
    struct insider insider = {0};
    fork_guard_enter();
    ck_assert(fork_guard_close(0));
    fork_guard_open();
    begin_stay(&insider);
    ck_assert(!fork_guard_close(20)); /* but for others */
    fork_guard_open();
    end_stay(&insider);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_ALARM);
        fork_guard_leave(); /* as the code goes on that the parent was in: it never entered this guard */
        if (!fork_guard_close(0))
            _exit(1);
        fork_guard_open();
        fork_guard_enter();
        fork_guard_enter(); /* stands for another thread */
        _exit(fork_guard_close(0) ? 2 : 0);
    }
    ck_assert_int_eq(exit_code(child), 0);
    fork_guard_leave();
    static struct insider other;
    begin_stay(&other);
    ck_assert(!fork_guard_close(0)); /* the one inside is another now */
    fork_guard_open();
    end_stay(&other);
}
END_TEST

#define CROWD 80 /* more than are known by name */

START_TEST(a_crowd_inside_is_counted)
{
    static struct insider crowd[CROWD];
    for (size_t i = 0; i < CROWD; i++)
        begin_stay(&crowd[i]);
    for (size_t i = 0; i < CROWD; i++) {
        ck_assert(!fork_guard_close(0));
        fork_guard_open();
        end_stay(&crowd[i]);
    }
    ck_assert(fork_guard_close(0));
    fork_guard_open();
}
END_TEST

/* ---- real forks ---- */

static void *fork_once(void *argument)
{
    atomic_int *steps = argument;
    atomic_store(&steps[0], 1);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    atomic_store(&steps[1], 1);
    waitpid(child, NULL, 0);
    return NULL;
}

START_TEST(a_fork_waits_for_who_is_inside)
{
    struct insider insider = {0};
    atomic_int steps[2] = {0};
    pthread_t thread;
    begin_stay(&insider);
    ck_assert_int_eq(pthread_create(&thread, NULL, fork_once, steps), 0);
    wait_until(&steps[0]);
    pause_ms(50);
    ck_assert_int_eq(atomic_load(&steps[1]), 0);
    end_stay(&insider);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(atomic_load(&steps[1]), 1);
    int64_t before = now_ms();
    fork_guard_enter(); /* the fork opened it again: else this would take 10 s */
    fork_guard_leave();
    ck_assert_int_lt(now_ms() - before, 5000);
}
END_TEST

#define WORKERS 3
#define FORKS   400

struct workers {
    pthread_mutex_t mutex; /* as SQLite's, or a module's */
    atomic_int stop;
    atomic_int turns[WORKERS];
};

struct worker {
    struct workers *all;
    size_t number;
};

static void *go_in_and_out(void *argument)
{
    struct worker *worker = argument;
    struct workers *all = worker->all;
    while (atomic_load(&all->stop) == 0) {
        fork_guard_enter();
        pthread_mutex_lock(&all->mutex);
        for (volatile int i = 0; i < 2000; i++) {
        }
        pthread_mutex_unlock(&all->mutex);
        fork_guard_leave();
        atomic_fetch_add(&all->turns[worker->number], 1);
    }
    return NULL;
}

/* What it is for. Without the handlers nearly every child finds it held. */
START_TEST(a_child_never_finds_a_lock_held)
{
    static struct workers all = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[WORKERS];
    struct worker workers[WORKERS];
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){&all, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, go_in_and_out, &workers[i]), 0);
    }
    for (size_t i = 0; i < WORKERS; i++)
        wait_until(&all.turns[i]);
    unsigned held = 0;
    for (unsigned forks = 0; forks < FORKS; forks++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(CHILD_ALARM);
            fork_guard_enter(); /* a fresh guard, as busy as the parent's was */
            bool is_free = pthread_mutex_trylock(&all.mutex) == 0;
            _exit(is_free ? 0 : 1);
        }
        held += (unsigned)exit_code(child);
    }
    ck_assert_uint_eq(held, 0);
    int before = atomic_load(&all.turns[0]);
    while (atomic_load(&all.turns[0]) == before) /* they still get in */
        pause_ms(1);
    atomic_store(&all.stop, 1);
    for (size_t i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* In the parent somebody is inside, and a fork waits for him; the child knows of neither. */
START_TEST(a_raw_clone_finds_the_guard_free)
{
    struct insider insider = {0};
    atomic_int closed = 0;
    atomic_int steps[2] = {0};
    pthread_t closer, other;
    begin_stay(&insider);
    ck_assert_int_eq(pthread_create(&closer, NULL, close_and_open, &closed), 0);
    pause_ms(20);
    ck_assert_int_eq(pthread_create(&other, NULL, go_in, steps), 0);
    wait_until(&steps[0]);
    pause_ms(20);
    ck_assert_int_eq(atomic_load(&closed), 0);
    ck_assert_int_eq(atomic_load(&steps[1]), 0);
    pid_t child = split(true);
    if (child == 0) {
        alarm(CHILD_ALARM);
        if (!fork_guard_close(0)) /* nobody is inside */
            _exit(1);
        fork_guard_open();
        fork_guard_enter(); /* nor is it closed: for LONG_MS, that would be */
        fork_guard_leave();
        _exit(0);
    }
    ck_assert_int_eq(exit_code(child), 0);
    end_stay(&insider);
    ck_assert_int_eq(pthread_join(closer, NULL), 0);
    ck_assert_int_eq(pthread_join(other, NULL), 0);
    ck_assert_int_eq(atomic_load(&closed), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork");
    TCase *cases = tcase_create("fork");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, a_page_is_zero_anew_in_each_generation, 0, 2);
    tcase_add_loop_test(cases, each_process_knows_its_number, 0, 2);
    tcase_add_test(cases, a_page_has_from_1_to_4096_bytes);
    tcase_add_test(cases, nobody_inside_is_not_waited_for);
    tcase_add_test(cases, who_hangs_inside_delays_by_the_bound_only);
    tcase_add_test(cases, closing_waits_for_who_is_inside);
    tcase_add_test(cases, who_enters_waits_for_the_forks_under_way);
    tcase_add_test(cases, who_enters_waits_twice_the_bound_at_most);
    tcase_add_test(cases, who_forks_inside_does_not_wait_for_itself);
    tcase_add_test(cases, a_crowd_inside_is_counted);
    tcase_add_test(cases, a_fork_waits_for_who_is_inside);
    tcase_add_test(cases, a_child_never_finds_a_lock_held);
    tcase_add_test(cases, a_raw_clone_finds_the_guard_free);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
