/* SPDX-License-Identifier: Apache-2.0 */
/* The holder of a lock: what its file contains, checked against what the kernel reports. */
#include "registry/lock/lock_holder.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timetext.h"
#include "base/utf8.h"

#define NOTE_SIZE   512
#define STAT_SIZE   1024
#define LOCKS_PATH  "/proc/locks"
#define LISTED_MOST 8

/* Processes that hold a flock on one file; only those of this PID namespace, as others are listed as 0. */
struct listed {
    int64_t processes[LISTED_MOST];
    size_t count;
};

/* proc_pid_stat(5): the state is field 3, the start time field 22. The command's name before them may contain anything but ends with
 * the last parenthesis. */
static bool read_process(int64_t process, char *state, uint64_t *start)
{
    char path[64], text[STAT_SIZE];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", process);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    char *field = strrchr(text, ')');
    if (field == NULL || field[1] != ' ' || field[2] == '\0')
        return false;
    *state = field[2];
    field += 2;
    for (int i = 3; i < 22 && field != NULL; i++)
        field = strchr(field + 1, ' ');
    *start = field != NULL ? strtoull(field, NULL, 10) : 0;
    return *start != 0;
}

/* ---- the note ---- */

void lock_holder_sign(int descriptor, const char *purpose)
{
    char line[NOTE_SIZE], host[65] = "?", user[65], memory[1024], state;
    uint64_t start = 0;
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, memory, sizeof memory, &found) == 0 && found != NULL)
        snprintf(user, sizeof user, "%s", found->pw_name);
    else
        snprintf(user, sizeof user, "uid %lu", (unsigned long)geteuid());
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "?");
    if (!read_process(getpid(), &state, &start))
        start = 0;
    int length = snprintf(line, sizeof line, "%s@%s %ld %.200s\nstart %" PRIu64 " since %" PRId64 "\n", user, host,
                          (long)getpid(), purpose == NULL ? "" : purpose, start, clock_wall_ms());
    size_t size = length < (int)sizeof line ? (size_t)length : sizeof line - 1;
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, line, size, 0) < 0)
        return;
}

/* Returns whether it is one line of text that is safe to print on a terminal. */
static bool is_presentable(const char *text, size_t length)
{
    uint32_t code_point = 0;
    for (size_t at = 0; at < length;) {
        size_t bytes = utf8_character(text + at, length - at, &code_point);
        if (bytes == 0 || utf8_is_control(code_point))
            return false;
        at += bytes;
    }
    return length > 0;
}

/* The PID is the first word that consists of digits: a user without a name is "uid 1000@host". */
static int64_t parse_process(const char *line)
{
    for (const char *word = strchr(line, ' '); word != NULL; word = strchr(word + 1, ' ')) {
        char *end;
        if (word[1] < '0' || word[1] > '9')
            continue;
        long long number = strtoll(word + 1, &end, 10);
        if ((*end == ' ' || *end == '\0') && number > 0)
            return number;
    }
    return 0;
}

/* The note: "user@host PID purpose", and a line that distinguishes this process from another one that gets its PID later: *start, in clock ticks
 * since boot, as in /proc/PID/stat; 0: not noted. Whoever could write to the file may have written anything. */
static void read_note(int descriptor, struct lock_holder *holder, uint64_t *start)
{
    char text[NOTE_SIZE + 1];
    ssize_t length = descriptor < 0 ? 0 : pread(descriptor, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    size_t line = strcspn(text, "\n");
    *start = 0;
    if (line >= sizeof holder->name || !is_presentable(text, line))
        return;
    memcpy(holder->name, text, line);
    holder->process = parse_process(holder->name);
    if (text[line] != '\n' || strncmp(text + line + 1, "start ", 6) != 0)
        return;
    char *end;
    *start = strtoull(text + line + 7, &end, 10);
    holder->since = strncmp(end, " since ", 7) == 0 ? strtoll(end + 7, NULL, 10) : 0;
    if (holder->since < 0)
        holder->since = 0;
}

/* ---- the kernel's list ---- */

/* "1: FLOCK ADVISORY WRITE 4711 fd:01:1234567 0 EOF"; a waiting one has "->" after its number. For an overlay or btrfs, the device is
 * not the one that stat reports: there only the inode is compared. */
static bool parse_listed(const char *line, const struct stat *file, int64_t *process)
{
    unsigned major_number, minor_number;
    unsigned long long inode;
    long long pid;
    /* A number that does not fit belongs to another file, or another process. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(line, "%*d: FLOCK %*s %*s %lld %x:%x:%llu", &pid, &major_number, &minor_number, &inode) != 4)
        return false;
    *process = pid;
    bool same_device =
        major(file->st_dev) == 0 || (major(file->st_dev) == major_number && minor(file->st_dev) == minor_number);
    return inode == file->st_ino && same_device;
}

static void read_listed(const char *path, struct listed *listed)
{
    char line[256];
    struct stat file;
    int64_t process;
    listed->count = 0;
    FILE *locks = stat(path, &file) == 0 ? fopen(LOCKS_PATH, "re") : NULL;
    if (locks == NULL)
        return;
    while (listed->count < LISTED_MOST && fgets(line, sizeof line, locks) != NULL)
        if (parse_listed(line, &file, &process))
            listed->processes[listed->count++] = process;
    fclose(locks);
}

bool lock_holder_is_listed(const char *path)
{
    struct listed listed;
    read_listed(path, &listed);
    return listed.count > 0;
}

static bool is_listed(const struct listed *listed, int64_t process)
{
    for (size_t i = 0; i < listed->count; i++)
        if (listed->processes[i] == process)
            return true;
    return false;
}

/* ---- both ---- */

static void name_process(int64_t process, char name[LOCK_HOLDER_NAME_SIZE])
{
    char path[64], memory[1024];
    struct stat file;
    struct passwd entry, *found = NULL;
    snprintf(path, sizeof path, "/proc/%" PRId64, process);
    if (stat(path, &file) != 0)
        snprintf(name, LOCK_HOLDER_NAME_SIZE, "process %" PRId64, process);
    else if (getpwuid_r(file.st_uid, &entry, memory, sizeof memory, &found) == 0 && found != NULL &&
             is_presentable(found->pw_name, strlen(found->pw_name)))
        snprintf(name, LOCK_HOLDER_NAME_SIZE, "process %" PRId64 " of user %.64s", process, found->pw_name);
    else
        snprintf(name, LOCK_HOLDER_NAME_SIZE, "process %" PRId64 " of uid %lu", process, (unsigned long)file.st_uid);
}

/* Returns whether the process has the file open now, so that it is certainly the one that the kernel lists, and not one that got its
 * PID later. */
static bool has_open(int64_t process, const char *path)
{
    char directory[64], entry[PATH_MAX];
    struct stat wanted, found;
    const struct dirent *each;
    bool open_there = false;
    snprintf(directory, sizeof directory, "/proc/%" PRId64 "/fd", process);
    DIR *descriptors = stat(path, &wanted) == 0 ? opendir(directory) : NULL;
    while (descriptors != NULL && !open_there && (each = readdir(descriptors)) != NULL) {
        snprintf(entry, sizeof entry, "%s/%s", directory, each->d_name);
        open_there = stat(entry, &found) == 0 && found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev;
    }
    if (descriptors != NULL)
        closedir(descriptors);
    return open_there;
}

static bool is_stopped(int64_t process, uint64_t noted_start)
{
    char state = 0;
    uint64_t start = 0;
    return read_process(process, &state, &start) && (noted_start == 0 || start == noted_start) &&
           (state == 'T' || state == 't');
}

static void describe(struct lock_holder *holder, const char *path, const char *doubt)
{
    char since[TIMETEXT_SIZE] = "";
    if (holder->since > 0)
        timetext_format(holder->since / 1000 * 1000, since);
    int length = snprintf(holder->text, sizeof holder->text, "%s (lock file %.120s%s%s%s)", holder->name, path,
                          holder->since > 0 ? ", since " : "", since, doubt);
    if (holder->stopped && length > 0 && length < (int)sizeof holder->text)
        snprintf(holder->text + length, sizeof holder->text - (size_t)length,
                 ", which is stopped: `kill -CONT %" PRId64 "` lets it go on, `kill -KILL %" PRId64 "` ends it",
                 holder->process, holder->process);
}

/* A note counts as the holder's if the kernel lists its PID, or lists none at all (another PID namespace, no /proc). A process is
 * reported as stopped only if its start time is the noted one, or, without a note, if it has the file open: the PID may belong to
 * another process since, which nobody should kill. */
void lock_holder_read(int descriptor, const char *path, struct lock_holder *holder)
{
    struct listed listed;
    uint64_t start;
    char doubt[64] = "";
    *holder = (struct lock_holder){.process = 0};
    read_note(descriptor, holder, &start);
    read_listed(path, &listed);
    int64_t other = listed.count > 0 ? listed.processes[0] : 0;
    if (holder->process > 0 && is_listed(&listed, holder->process)) {
        holder->stopped = start != 0 && is_stopped(holder->process, start);
    } else if (other > 0) {
        holder->process = other;
        if (holder->name[0] != '\0') {
            snprintf(doubt, sizeof doubt, "; the kernel lists process %" PRId64 " as the holder", other);
        } else {
            name_process(other, holder->name);
            holder->stopped = is_stopped(other, 0) && has_open(other, path);
        }
    } else if (holder->name[0] == '\0') {
        snprintf(holder->name, sizeof holder->name, "another process");
    }
    describe(holder, path, doubt);
}
