/* SPDX-License-Identifier: Apache-2.0 */
/* The doorbell: who is woken, that no ring is lost, what a damaged or missing bell does, and that hammering costs little. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bell/bell.h"
#include "lib/runner.h"

enum { WAITERS = 4, ROUNDS = 1000, LONG_MS = 60000, NOBODY = 65534 };

static char directory[64];
static char path[96];

static void set_up(void)
{
    snprintf(directory, sizeof directory, "/tmp/sealring-bell-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/bell", directory);
}

static int remove_entry(const char *name, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(name);
}

static void tear_down(void)
{
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int64_t now_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

/* The child ends with its parent, whatever a failed assertion leaves behind. */
static pid_t start_child(void)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

static int exit_of(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static char state_of(pid_t process)
{
    char name[64], text[512] = "";
    snprintf(name, sizeof name, "/proc/%d/stat", (int)process);
    FILE *file = fopen(name, "re");
    if (file == NULL) /* /proc may be that of another PID namespace, as where packages are built */
        return 'S';
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *after = strrchr(text, ')');
    return after != NULL && after[1] == ' ' ? after[2] : '?';
}

/* A child that waits for the bell once, and exits with the answer. Returns when it sleeps in bell_wait. */
static pid_t start_waiter(int64_t milliseconds)
{
    atomic_bool *reading = shared_memory(sizeof *reading);
    pid_t child = start_child();
    if (child == 0) {
        struct bell bell;
        uint32_t word;
        bell_open(&bell, path, BELL_REST_MS);
        if (!bell_read(&bell, &word))
            _exit(99);
        atomic_store(reading, true);
        _exit((int)bell_wait(&bell, word, milliseconds));
    }
    while (!atomic_load(reading) || state_of(child) != 'S')
        sched_yield();
    munmap(reading, sizeof *reading);
    return child;
}

START_TEST(a_ring_wakes_all_who_wait)
{
    pid_t waiters[WAITERS];
    ck_assert(bell_ring(path));
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = start_waiter(LONG_MS);
    ck_assert(bell_ring(path));
    for (int i = 0; i < WAITERS; i++)
        ck_assert_int_eq(exit_of(waiters[i]), BELL_RUNG);
}
END_TEST

START_TEST(silence_ends_with_the_time)
{
    struct bell bell;
    uint32_t word;
    ck_assert(bell_ring(path));
    bell_open(&bell, path, BELL_REST_MS);
    ck_assert(bell_read(&bell, &word));
    int64_t began = now_ms(CLOCK_MONOTONIC);
    ck_assert_int_eq(bell_wait(&bell, word, 50), BELL_SILENT);
    ck_assert_int_ge(now_ms(CLOCK_MONOTONIC) - began, 49);
    ck_assert(bell_ring(path));
    ck_assert_int_eq(bell_wait(&bell, word, 0), BELL_RUNG); /* it was rung since it was read */
    bell_close(&bell);
}
END_TEST

/* ---- no ring is lost between the read and the wait ---- */

struct rounds {
    atomic_int changes;         /* what the ringer changes before it rings */
    atomic_int seen[WAITERS];   /* how many of them each waiter has seen */
    atomic_int silent[WAITERS]; /* waits that nobody ended */
};

static void follow_rounds(struct rounds *rounds, int self)
{
    struct bell bell;
    uint32_t word;
    bell_open(&bell, path, 0);
    while (atomic_load(&rounds->seen[self]) < ROUNDS) {
        if (!bell_read(&bell, &word))
            _exit(99);
        atomic_store(&rounds->seen[self], atomic_load(&rounds->changes));
        if (self % 2 == 1)
            sched_yield(); /* some are slow between the poll and the wait */
        if (atomic_load(&rounds->seen[self]) < ROUNDS && bell_wait(&bell, word, LONG_MS) != BELL_RUNG)
            atomic_fetch_add(&rounds->silent[self], 1);
    }
    _exit(0);
}

static pid_t start_load(void)
{
    pid_t child = start_child();
    volatile unsigned turns = 0;
    if (child == 0)
        for (;;)
            turns++;
    return child;
}

static bool all_have_seen(struct rounds *rounds, int changes)
{
    for (int i = 0; i < WAITERS; i++)
        if (atomic_load(&rounds->seen[i]) < changes)
            return false;
    return true;
}

START_TEST(no_ring_is_lost_between_reading_and_waiting)
{
    struct rounds *rounds = shared_memory(sizeof *rounds);
    pid_t waiters[WAITERS];
    ck_assert(bell_ring(path));
    pid_t load = start_load();
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = start_child();
        if (waiters[i] == 0)
            follow_rounds(rounds, i);
    }
    int64_t until = now_ms(CLOCK_MONOTONIC) + LONG_MS / 2; /* less than a wait that nobody ends */
    for (int round = 1; round <= ROUNDS; round++) {
        atomic_store(&rounds->changes, round);
        ck_assert(bell_ring(path));
        while (!all_have_seen(rounds, round)) {
            ck_assert_msg(now_ms(CLOCK_MONOTONIC) < until, "ring %d was lost", round);
            sched_yield();
        }
    }
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_int_eq(exit_of(waiters[i]), 0);
        ck_assert_int_eq(atomic_load(&rounds->silent[i]), 0);
    }
    kill(load, SIGKILL);
    exit_of(load);
}
END_TEST

/* ---- a file that changes under a waiter ---- */

START_TEST(a_futex_on_a_page_that_is_gone_fails)
{
    ck_assert(bell_ring(path));
    int file = open(path, O_RDWR | O_CLOEXEC);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    ck_assert_int_eq(ftruncate(file, 0), 0);
    ck_assert_int_eq(syscall(SYS_futex, page + 16, FUTEX_WAIT, 0, NULL, NULL, 0), -1);
    ck_assert_int_eq(errno, EFAULT);
    ck_assert_int_eq(syscall(SYS_futex, page + 16, FUTEX_WAKE, 1, NULL, NULL, 0), -1);
    ck_assert_int_eq(errno, EFAULT);
    munmap(page, 4096);
    close(file);
}
END_TEST

static void reads_none(struct bell *bell)
{
    uint32_t word;
    ck_assert(!bell_read(bell, &word));
    ck_assert_int_eq(bell_wait(bell, 0, LONG_MS), BELL_ABSENT);
}

START_TEST(truncation_silences_until_the_next_ring)
{
    struct bell bell;
    uint32_t word, after;
    ck_assert(bell_ring(path));
    bell_open(&bell, path, BELL_REST_MS);
    ck_assert(bell_read(&bell, &word));
    pid_t waiter = start_waiter(LONG_MS);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(bell_wait(&bell, word, LONG_MS), BELL_ABSENT);
    reads_none(&bell);
    ck_assert(bell_ring(path));
    ck_assert_int_eq(exit_of(waiter), BELL_RUNG);
    ck_assert(bell_read(&bell, &after));
    ck_assert_uint_ne(after, word);
    ck_assert_int_eq(bell_wait(&bell, word, LONG_MS), BELL_RUNG);
    bell_close(&bell);
}
END_TEST

/* What a process does that truncates without end, while it rings as well. */
static void truncate_without_end(void)
{
    for (;;) {
        bell_ring(path);
        sched_yield();
        if (truncate(path, 0) != 0)
            _exit(1);
    }
}

START_TEST(truncation_at_any_moment_kills_nobody)
{
    struct bell bell;
    uint32_t word;
    int heard = 0;
    bell_open(&bell, path, 0);
    pid_t child = start_child();
    if (child == 0)
        truncate_without_end();
    while (heard < 500)
        if (bell_read(&bell, &word)) {
            heard++;
            ck_assert_int_ne(bell_wait(&bell, word, 1), BELL_INTERRUPTED);
        }
    kill(child, SIGKILL);
    exit_of(child);
    bell_close(&bell);
}
END_TEST

static void replace(const char *by)
{
    char other[128];
    snprintf(other, sizeof other, "%s/%s", directory, by);
    ck_assert(bell_ring(other));
    ck_assert_int_eq(rename(other, path), 0);
}

START_TEST(a_replaced_file_is_noticed_at_the_next_read)
{
    struct bell bell;
    uint32_t word, fresh;
    ck_assert(bell_ring(path));
    bell_open(&bell, path, BELL_REST_MS);
    ck_assert(bell_read(&bell, &word));
    pid_t waiter = start_waiter(200);
    replace("other");
    ck_assert(bell_ring(path));
    ck_assert_int_eq(exit_of(waiter), BELL_SILENT); /* on the file that is gone */
    ck_assert_int_eq(bell_wait(&bell, word, 1), BELL_SILENT);
    ck_assert(bell_read(&bell, &fresh));
    pid_t again = start_waiter(LONG_MS);
    ck_assert(bell_ring(path));
    ck_assert_int_eq(exit_of(again), BELL_RUNG);
    ck_assert_int_eq(bell_wait(&bell, fresh, LONG_MS), BELL_RUNG);
    bell_close(&bell);
}
END_TEST

START_TEST(a_removed_file_is_made_by_the_next_ring)
{
    struct bell bell;
    uint32_t word;
    bell_open(&bell, path, BELL_REST_MS);
    reads_none(&bell);
    ck_assert(bell_ring(path));
    ck_assert(bell_read(&bell, &word));
    ck_assert_int_eq(unlink(path), 0);
    reads_none(&bell);
    ck_assert(bell_ring(path));
    ck_assert(bell_read(&bell, &word));
    bell_close(&bell);
}
END_TEST

/* ---- hammering ---- */

static void ring_without_end(void)
{
    for (;;)
        if (!bell_ring(path))
            _exit(1);
}

/* Wakes the waiters without a ring: whoever may read the file can do that. */
static void wake_without_end(void)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    for (;;)
        if (page == MAP_FAILED || syscall(SYS_futex, page + 16, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) < 0)
            _exit(1);
}

struct cost {
    int64_t elapsed;
    int64_t cpu;
    long switches;
    long answers;
};

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

static struct cost listen_to(pid_t child)
{
    struct bell bell;
    uint32_t word;
    bell_open(&bell, path, BELL_REST_MS);
    struct cost cost = {.elapsed = -now_ms(CLOCK_MONOTONIC), .cpu = -now_ms(CLOCK_PROCESS_CPUTIME_ID)};
    cost.switches = -switches();
    while (cost.elapsed + now_ms(CLOCK_MONOTONIC) < 2000) {
        ck_assert(bell_read(&bell, &word));
        cost.answers += bell_wait(&bell, word, 1000) == BELL_RUNG;
    }
    cost.elapsed += now_ms(CLOCK_MONOTONIC);
    cost.cpu += now_ms(CLOCK_PROCESS_CPUTIME_ID);
    cost.switches += switches();
    kill(child, SIGKILL);
    ck_assert_int_eq(exit_of(child), 1000 + SIGKILL);
    bell_close(&bell);
    return cost;
}

START_TEST(ringing_without_end_is_answered_at_a_limited_rate)
{
    ck_assert(bell_ring(path));
    pid_t child = start_child();
    if (child == 0)
        ring_without_end();
    struct cost cost = listen_to(child);
    ck_assert_int_le(cost.answers, BELL_BURST + cost.elapsed / BELL_REST_MS + 2);
    ck_assert_int_ge(cost.answers, BELL_BURST); /* and answered */
    ck_assert_int_le(cost.cpu, cost.elapsed / 20);
}
END_TEST

START_TEST(waking_without_ringing_is_no_ring_and_costs_as_little)
{
    ck_assert(bell_ring(path));
    pid_t child = start_child();
    if (child == 0)
        wake_without_end();
    struct cost cost = listen_to(child);
    ck_assert_int_eq(cost.answers, 0);
    ck_assert_int_le(cost.switches, 2 * (BELL_BURST + cost.elapsed / BELL_REST_MS) + 20);
    ck_assert_int_le(cost.cpu, cost.elapsed / 20);
}
END_TEST

/* ---- files that are no bell, or not for this process ---- */

/* Continues in a child without root's privileges, which does what `act` does and exits with 0 if all is well. */
static void unprivileged(int (*act)(void))
{
    if (geteuid() == 0)
        ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0);
    pid_t child = start_child();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
            _exit(98);
        _exit(act());
    }
    ck_assert_int_eq(exit_of(child), 0);
}

static int without_permission(void)
{
    struct bell bell;
    uint32_t word;
    bell_open(&bell, path, BELL_REST_MS);
    if (!bell_ring(path) || chmod(path, 0400) != 0)
        return 1;
    if (bell_ring(path))
        return 2; /* only reading is permitted */
    if (!bell_read(&bell, &word) || bell_wait(&bell, word, 1) != BELL_SILENT)
        return 3;
    bell_close(&bell);
    if (chmod(path, 0) != 0 || bell_read(&bell, &word) || bell_wait(&bell, 0, LONG_MS) != BELL_ABSENT)
        return 4;
    if (unlink(path) != 0 || chmod(directory, 0500) != 0 || bell_ring(path) || bell_read(&bell, &word))
        return 5;
    return 0;
}

START_TEST(without_permission_there_is_no_bell)
{
    unprivileged(without_permission);
}
END_TEST

static int beside_a_reader(void)
{
    struct bell bell;
    uint32_t word;
    bell_open(&bell, path, BELL_REST_MS);
    return bell_ring(path) || !bell_read(&bell, &word) || bell_wait(&bell, word, 1) != BELL_SILENT;
}

START_TEST(a_reader_of_root_s_file_waits_and_cannot_ring)
{
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(chmod(directory, 0755), 0);
    ck_assert(bell_ring(path));
    ck_assert_int_eq(chmod(path, 0644), 0);
    unprivileged(beside_a_reader);
}
END_TEST

static void is_no_bell(void)
{
    struct bell bell;
    bell_open(&bell, path, BELL_REST_MS);
    ck_assert(!bell_ring(path));
    reads_none(&bell);
    bell_close(&bell);
}

START_TEST(a_symbolic_link_is_not_followed)
{
    char target[128];
    snprintf(target, sizeof target, "%s/target", directory);
    ck_assert(bell_ring(target));
    ck_assert_int_eq(symlink("target", path), 0);
    is_no_bell();
    ck_assert_int_eq(unlink(target), 0);
    is_no_bell();
    ck_assert_int_ne(access(target, F_OK), 0); /* not made through the link either */
}
END_TEST

START_TEST(a_file_with_two_names_is_no_bell)
{
    char target[128];
    snprintf(target, sizeof target, "%s/target", directory);
    ck_assert(bell_ring(target));
    ck_assert_int_eq(link(target, path), 0);
    is_no_bell();
}
END_TEST

START_TEST(a_file_that_everybody_can_write_is_no_bell)
{
    ck_assert(bell_ring(path));
    ck_assert_int_eq(chmod(path, 0646), 0);
    is_no_bell();
}
END_TEST

START_TEST(a_file_of_another_user_is_no_bell)
{
    if (geteuid() != 0)
        return;
    ck_assert(bell_ring(path));
    ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
    is_no_bell();
    ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0); /* unless the directory is that user's */
    ck_assert(bell_ring(path));
}
END_TEST

START_TEST(another_kind_of_file_is_no_bell)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
    is_no_bell();
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    is_no_bell();
}
END_TEST

START_TEST(a_file_with_other_contents_is_left_alone)
{
    static const char text[] = "somebody else's file, longer than a bell";
    char after[sizeof text] = "";
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(file, text, sizeof text), sizeof text);
    is_no_bell();
    ck_assert_int_eq(pread(file, after, sizeof after, 0), sizeof after);
    ck_assert_mem_eq(after, text, sizeof text);
    close(file);
}
END_TEST

START_TEST(a_new_file_has_the_access_of_its_directory)
{
    static const struct {
        mode_t directory, file;
    } modes[] = {{0700, 0600}, {0750, 0640}, {0770, 0660}, {0755, 0640}, {0777, 0660}};
    umask(077);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct stat status;
        ck_assert_int_eq(chmod(directory, modes[i].directory), 0);
        if (geteuid() == 0)
            ck_assert_int_eq(chown(directory, i % 2 == 0 ? NOBODY : 0, i % 2 == 0 ? NOBODY : 0), 0);
        ck_assert(bell_ring(path));
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_int_eq(status.st_mode & 07777, modes[i].file);
        ck_assert_int_eq(status.st_uid, geteuid() == 0 && i % 2 == 0 ? NOBODY : geteuid());
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

/* The kernel refuses shared futexes to this process from now on. */
static bool refuse_shared_futexes(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FUTEX_PRIVATE_FLAG, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

START_TEST(a_kernel_that_refuses_means_no_bell)
{
    ck_assert(bell_ring(path));
    pid_t child = start_child();
    if (child == 0) {
        struct bell bell;
        uint32_t word;
        bell_open(&bell, path, BELL_REST_MS);
        if (!refuse_shared_futexes())
            _exit(50); /* no seccomp here */
        if (bell_ring(path) || !bell_read(&bell, &word))
            _exit(1);
        _exit(bell_wait(&bell, word, LONG_MS) == BELL_ABSENT ? 0 : 2);
    }
    int answer = exit_of(child);
    ck_assert_msg(answer == 0 || answer == 50, "%d", answer);
}
END_TEST

/* ---- threads and forks ---- */

struct sleeper {
    struct bell bell;
    uint32_t word;
    enum bell_answer answer;
};

static void *sleep_on(void *context)
{
    struct sleeper *sleeper = context;
    sleeper->answer = bell_wait(&sleeper->bell, sleeper->word, LONG_MS);
    return NULL;
}

START_TEST(an_interruption_ends_the_wait_of_this_process_only)
{
    enum { TURNS = 3000, SPINS = 40 };
    ck_assert(bell_ring(path));
    pid_t other = start_waiter(60 * LONG_MS); /* longer than all turns take, on any machine */
    for (int i = 0; i < TURNS; i++) {
        struct sleeper sleeper;
        pthread_t thread;
        bell_open(&sleeper.bell, path, BELL_REST_MS);
        ck_assert(bell_read(&sleeper.bell, &sleeper.word));
        ck_assert_int_eq(pthread_create(&thread, NULL, sleep_on, &sleeper), 0);
        for (int spins = 0; spins < i % SPINS && atomic_load(&sleeper.bell.waiter) == 0; spins++)
            sched_yield(); /* before it begins, or as soon as it has */
        bell_interrupt(&sleeper.bell);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(sleeper.answer, BELL_INTERRUPTED);
        ck_assert_int_eq(bell_wait(&sleeper.bell, sleeper.word, LONG_MS), BELL_INTERRUPTED);
        bell_close(&sleeper.bell);
    }
    ck_assert_int_eq(waitpid(other, NULL, WNOHANG), 0);
    ck_assert(bell_ring(path));
    ck_assert_int_eq(exit_of(other), BELL_RUNG);
}
END_TEST

static int in_a_child(struct sleeper *sleeper)
{
    uint32_t word;
    int file = sleeper->bell.file;
    if (!bell_read(&sleeper->bell, &word) || word != sleeper->word)
        return 1;
    if (bell_wait(&sleeper->bell, word, 1) != BELL_SILENT)
        return 2;
    if (!bell_ring(path))
        return 3;
    bell_abandon(&sleeper->bell);
    return fcntl(file, F_GETFD) < 0 && errno == EBADF ? 0 : 4;
}

START_TEST(a_child_goes_on_with_an_inherited_bell)
{
    struct sleeper sleeper;
    pthread_t thread;
    ck_assert(bell_ring(path));
    bell_open(&sleeper.bell, path, BELL_REST_MS);
    ck_assert(bell_read(&sleeper.bell, &sleeper.word));
    ck_assert_int_eq(pthread_create(&thread, NULL, sleep_on, &sleeper), 0);
    while (atomic_load(&sleeper.bell.waiter) == 0)
        sched_yield();
    pid_t child = start_child();
    if (child == 0) {
        bell_interrupt(&sleeper.bell); /* the parent's thread is noted there, and not in this process */
        _exit(0);
    }
    ck_assert_int_eq(exit_of(child), 0);
    child = start_child();
    if (child == 0)
        _exit(in_a_child(&sleeper));
    ck_assert_int_eq(exit_of(child), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(sleeper.answer, BELL_RUNG); /* by the child */
    bell_close(&sleeper.bell);
}
END_TEST

/* As after closing all files to become a daemon; and as in a child of a process whose other thread was opening the file. */
START_TEST(closes_no_file_of_anybody_else)
{
    struct bell bell;
    struct stat before, after;
    uint32_t word, again;
    ck_assert(bell_ring(path));
    bell_open(&bell, path, BELL_REST_MS);
    ck_assert(bell_read(&bell, &word));
    int number = bell.file;
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(fstat(other, &before), 0);
    ck_assert_int_eq(dup3(other, number, O_CLOEXEC), number);
    if (_i == 0)
        bell_abandon(&bell);
    else if (_i == 1)
        bell_close(&bell);
    else
        ck_assert(bell_read(&bell, &again) && again == word && bell.file != number); /* from its own file */
    ck_assert_int_eq(fstat(number, &after), 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    close(number);
    close(other);
    bell_close(&bell);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bell");
    TCase *cases = tcase_create("bell");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, closes_no_file_of_anybody_else, 0, 3);
    tcase_add_test(cases, a_ring_wakes_all_who_wait);
    tcase_add_test(cases, silence_ends_with_the_time);
    tcase_add_test(cases, no_ring_is_lost_between_reading_and_waiting);
    tcase_add_test(cases, a_futex_on_a_page_that_is_gone_fails);
    tcase_add_test(cases, truncation_silences_until_the_next_ring);
    tcase_add_test(cases, truncation_at_any_moment_kills_nobody);
    tcase_add_test(cases, a_replaced_file_is_noticed_at_the_next_read);
    tcase_add_test(cases, a_removed_file_is_made_by_the_next_ring);
    tcase_add_test(cases, ringing_without_end_is_answered_at_a_limited_rate);
    tcase_add_test(cases, waking_without_ringing_is_no_ring_and_costs_as_little);
    tcase_add_test(cases, without_permission_there_is_no_bell);
    tcase_add_test(cases, a_reader_of_root_s_file_waits_and_cannot_ring);
    tcase_add_test(cases, a_symbolic_link_is_not_followed);
    tcase_add_test(cases, a_file_with_two_names_is_no_bell);
    tcase_add_test(cases, a_file_that_everybody_can_write_is_no_bell);
    tcase_add_test(cases, a_file_of_another_user_is_no_bell);
    tcase_add_test(cases, another_kind_of_file_is_no_bell);
    tcase_add_test(cases, a_file_with_other_contents_is_left_alone);
    tcase_add_test(cases, a_new_file_has_the_access_of_its_directory);
    tcase_add_test(cases, a_kernel_that_refuses_means_no_bell);
    tcase_add_test(cases, an_interruption_ends_the_wait_of_this_process_only);
    tcase_add_test(cases, a_child_goes_on_with_an_inherited_bell);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
