/* SPDX-License-Identifier: Apache-2.0 */
/* The doorbell: the file, its futex word, and waiting for a change of it. */
#include "bell/bell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define BELL_MAGIC        "sealring bell 1\n"
#define BELL_MAGIC_LENGTH (sizeof BELL_MAGIC - 1)
#define BELL_SIZE         (BELL_MAGIC_LENGTH + sizeof(uint32_t)) /* the word follows the magic */
#define BELL_INTERRUPT_MS 1                                      /* between two attempts to wake a thread */
#define BELL_GROUP        (S_IRGRP | S_IWGRP)

/* ---- the file ---- */

/* The directory of the file at `path`, which is absolute. False: it cannot be examined. */
static bool stat_directory(const char *path, struct stat *directory)
{
    char above[PATH_MAX];
    const char *slash = strrchr(path, '/');
    return slash != NULL && snprintf(above, sizeof above, "%.*s/.", (int)(slash - path), path) < (int)sizeof above &&
           stat(above, directory) == 0;
}

/* Whether the open file may be used; neither its size nor its content is checked. */
static bool is_trusted(int file, const char *path, struct stat *status)
{
    struct stat directory;
    if (fstat(file, status) != 0 || !S_ISREG(status->st_mode) || status->st_nlink != 1 ||
        (status->st_mode & S_IWOTH) != 0)
        return false;
    return status->st_uid == 0 || status->st_uid == geteuid() ||
           (stat_directory(path, &directory) && status->st_uid == directory.st_uid);
}

static bool begins_as_bell(int file)
{
    char magic[BELL_MAGIC_LENGTH];
    return pread(file, magic, sizeof magic, 0) == (ssize_t)sizeof magic && memcmp(magic, BELL_MAGIC, sizeof magic) == 0;
}

static int open_file(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
}

/* Only reading is needed, for waiting as well as for waking. */
static const char *map_page(int file)
{
    void *page = mmap(NULL, BELL_SIZE, PROT_READ, MAP_SHARED, file, 0);
    return page != MAP_FAILED ? page : NULL;
}

static void unmap_page(const char *page)
{
    if (page != NULL)
        munmap((void *)(uintptr_t)page, BELL_SIZE);
}

/* Returns 0 or an errno. */
static int futex(const char *page, int operation, uint32_t value, const struct timespec *until, uint32_t bits)
{
    long call = SYS_futex;
#ifdef SYS_futex_time64 /* 32-bit systems, whose older system call takes the shorter structure */
    if (sizeof until->tv_sec > sizeof call)
        call = SYS_futex_time64;
#endif
    return syscall(call, page + BELL_MAGIC_LENGTH, operation, value, until, NULL, bits) >= 0 ? 0 : errno;
}

/* ---- waiting ---- */

void bell_open(struct bell *bell, const char *path, int64_t rest_ms)
{
    uint8_t random = 0;
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    *bell = (struct bell){.path = path, .file = -1, .bit = (uint32_t)1 << random % 32, .rest_ms = rest_ms};
}

static bool has_file(const struct bell *bell)
{
    return file_is_open(bell->file, bell->device, bell->inode);
}

void bell_abandon(struct bell *bell)
{
    if (has_file(bell))
        close(bell->file);
    bell->file = -1;
}

void bell_close(struct bell *bell)
{
    unmap_page(atomic_exchange(&bell->page, NULL));
    bell_abandon(bell);
}

/* As long as the file is open its inode number names no other file. */
static bool is_current(const struct bell *bell)
{
    struct stat named;
    return has_file(bell) && fstatat(AT_FDCWD, bell->path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_dev == bell->device && named.st_ino == bell->inode;
}

static bool take_file(struct bell *bell)
{
    struct stat status;
    const char *page = NULL;
    bell_close(bell);
    int file = open_file(bell->path, O_RDONLY);
    if (file < 0)
        return false;
    if (is_trusted(file, bell->path, &status) && begins_as_bell(file))
        page = map_page(file);
    if (page == NULL) {
        close(file);
        return false;
    }
    bell->device = status.st_dev;
    bell->inode = status.st_ino;
    bell->file = file;
    atomic_store(&bell->page, page);
    return true;
}

static bool read_word(const struct bell *bell, uint32_t *word)
{
    return pread(bell->file, word, sizeof *word, BELL_MAGIC_LENGTH) == (ssize_t)sizeof *word;
}

bool bell_read(struct bell *bell, uint32_t *word)
{
    return (is_current(bell) || take_file(bell)) && read_word(bell, word);
}

/* One wake-up, or one ring, is answered: at once while some of the burst is left, else after a rest. Returns false if there is no time
 * for it before `until`. */
static bool spend(struct bell *bell, int64_t until)
{
    int64_t now = clock_monotonic_ms();
    int64_t rested_at = bell->rested_at > now ? bell->rested_at : now;
    int64_t rest = rested_at + bell->rest_ms - now - BELL_BURST * bell->rest_ms;
    bool in_time = now + rest <= until;
    if (rest > 0)
        clock_sleep(in_time ? rest : until - now);
    if (in_time)
        bell->rested_at = rested_at + bell->rest_ms;
    return in_time;
}

/* A wake-up without another word (of a thread that ends, or by somebody who can read the file and means harm) is spent like a ring, so
 * that neither costs more than the limit. */
static enum bell_answer wait_inside(struct bell *bell, uint32_t word, int64_t milliseconds)
{
    const char *page = atomic_load(&bell->page);
    int64_t until = clock_monotonic_ms() + (milliseconds > 0 ? milliseconds : 0);
    struct timespec end = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    uint32_t now;
    if (page == NULL)
        return BELL_ABSENT;
    for (;;) {
        if (atomic_load(&bell->interrupted))
            return BELL_INTERRUPTED;
        if (!read_word(bell, &now))
            return BELL_ABSENT;
        if (now != word)
            return spend(bell, until) ? BELL_RUNG : BELL_SILENT;
        int problem = futex(page, FUTEX_WAIT_BITSET, word, &end, bell->bit);
        if (problem == ETIMEDOUT)
            return BELL_SILENT;
        if (problem != 0 && problem != EINTR && problem != EAGAIN)
            return BELL_ABSENT;
        if (!read_word(bell, &now))
            return BELL_ABSENT;
        if (now == word && !spend(bell, until))
            return BELL_SILENT;
    }
}

enum bell_answer bell_wait(struct bell *bell, uint32_t word, int64_t milliseconds)
{
    atomic_store(&bell->waiter, (int)getpid()); /* before `interrupted` is read: bell_interrupt does the reverse */
    enum bell_answer answer = wait_inside(bell, word, milliseconds);
    atomic_store(&bell->waiter, 0);
    return answer;
}

/* The kernel loses a wake-up that comes before the thread sleeps, and the word is not this process's to change: so it is repeated. A
 * child may find its parent's thread noted here, which it does not have. */
void bell_interrupt(struct bell *bell)
{
    atomic_store(&bell->interrupted, true);
    while (atomic_load(&bell->waiter) == (int)getpid()) {
        const char *page = atomic_load(&bell->page);
        if (page != NULL)
            (void)futex(page, FUTEX_WAKE_BITSET, INT_MAX, NULL, bell->bit);
        clock_sleep(BELL_INTERRUPT_MS);
    }
}

/* ---- ringing ---- */

/* A failure leaves a file that fewer can use; they poll. */
static int make_file(const char *path)
{
    struct stat directory;
    if (!stat_directory(path, &directory))
        return -1;
    int file = open_file(path, O_RDWR | O_CREAT | O_EXCL);
    if (file < 0)
        return open_file(path, O_RDWR); /* another process made it meanwhile */
    if (geteuid() == 0)
        (void)!fchown(file, directory.st_uid, directory.st_gid);
    (void)fchmod(file, S_IRUSR | S_IWUSR | (directory.st_mode & BELL_GROUP));
    return file;
}

/* A random word: two processes that ring at once need no lock, as a counter would, to write a word that nobody waits on. */
static bool change_word(int file)
{
    uint32_t word;
    struct stat status;
    if (getrandom(&word, sizeof word, GRND_NONBLOCK) != (ssize_t)sizeof word)
        word = (uint32_t)clock_monotonic_ms() * 2654435761U ^ (uint32_t)getpid(); /* early after the boot */
    if (fstat(file, &status) != 0)
        return false;
    if (status.st_size < (off_t)BELL_SIZE) {
        if (pwrite(file, BELL_MAGIC, BELL_MAGIC_LENGTH, 0) != (ssize_t)BELL_MAGIC_LENGTH)
            return false;
    } else if (!begins_as_bell(file)) {
        return false;
    }
    return pwrite(file, &word, sizeof word, BELL_MAGIC_LENGTH) == (ssize_t)sizeof word;
}

static bool wake_all(int file)
{
    const char *page = map_page(file);
    if (page == NULL)
        return false;
    int problem = futex(page, FUTEX_WAKE_BITSET, INT_MAX, NULL, FUTEX_BITSET_MATCH_ANY);
    unmap_page(page);
    return problem == 0;
}

bool bell_ring(const char *path)
{
    struct stat status;
    int file = open_file(path, O_RDWR);
    if (file < 0 && errno == ENOENT)
        file = make_file(path);
    if (file < 0)
        return false;
    bool rung = is_trusted(file, path, &status) && change_word(file) && wake_all(file);
    close(file);
    return rung;
}
