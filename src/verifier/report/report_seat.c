/* SPDX-License-Identifier: Apache-2.0 */
/* Searches the verifiers' directory for a free report file; any number of processes may do so at once. */
#include "verifier/report/report_seat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "verifier/report/report_check.h"
#include "verifier/report/report_map.h"

#define SUFFIX     ".report"
#define ID_DIGITS  (2 * REPORT_ID_SIZE)
#define NAME_SIZE  (ID_DIGITS + sizeof SUFFIX)
#define MAKE_TRIES 100
#define HOUR_MS    3600000

bool report_seat_parse(const char *name, uint8_t id[REPORT_ID_SIZE])
{
    return strlen(name) == NAME_SIZE - 1 && strcmp(name + ID_DIGITS, SUFFIX) == 0 &&
           hex_decode(name, id, REPORT_ID_SIZE);
}

static void name_of(const uint8_t id[REPORT_ID_SIZE], char name[NAME_SIZE])
{
    hex_encode(id, REPORT_ID_SIZE, name);
    memcpy(name + ID_DIGITS, SUFFIX, sizeof SUFFIX);
}

bool report_seat_path(const char *directory, const uint8_t id[REPORT_ID_SIZE], char path[PATH_MAX])
{
    char name[NAME_SIZE];
    name_of(id, name);
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    return length > 0 && length < PATH_MAX;
}

sealring_status report_seats_open(const char *directory, const uint8_t vault_id[REPORT_ID_SIZE],
                                  struct report_seats *seats, sealring_error *error)
{
    *seats = (struct report_seats){.directory = directory, .vault_id = vault_id};
    int problem = clock_boot_id(seats->boot_id);
    if (problem != 0)
        return error_set_system(error, problem, "%s, which tells one boot from another, cannot be read; mount /proc",
                                CLOCK_BOOT_ID_PATH);
    if (mkdir(directory, 0750) != 0 && errno != EEXIST)
        return error_set_system(error, errno, "the directory %s for the verifiers' reports cannot be made", directory);
    seats->stream = opendir(directory);
    if (seats->stream == NULL)
        return error_set_system(error, errno, "the directory %s for the verifiers' reports cannot be read by this user",
                                directory);
    return SEALRING_OK;
}

void report_seats_close(struct report_seats *seats)
{
    if (seats->stream != NULL)
        closedir(seats->stream);
    seats->stream = NULL;
}

bool report_owner_counts(const struct stat *file, const struct stat *directory)
{
    const mode_t shared = S_IWGRP | S_ISVTX;
    return file->st_uid == 0 || file->st_uid == directory->st_uid ||
           ((directory->st_mode & shared) == shared && file->st_gid == directory->st_gid);
}

/* Returns whether the file is this user's alone, and has only this name, so that no other user can write to it or replace it. */
static bool is_ours(const struct stat *status)
{
    return S_ISREG(status->st_mode) && status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
           status->st_nlink == 1;
}

/* Locks the file, unless another process has. Then checks that the name still leads to this file, as another process could have removed
 * it meanwhile. */
static bool lock(struct report_seats *seats, const char *name, struct report_seat *seat)
{
    struct stat opened, named;
    if (flock(seat->descriptor, LOCK_EX | LOCK_NB) != 0 || fstat(seat->descriptor, &opened) != 0 ||
        fstatat(dirfd(seats->stream), name, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (!is_ours(&opened) || opened.st_dev != named.st_dev || opened.st_ino != named.st_ino)
        return false;
    seat->device = opened.st_dev;
    seat->inode = opened.st_ino;
    seat->size = (size_t)opened.st_size;
    return true;
}

/* Root's report beside the servers of the user that owns the directory: its group may read it, or no retirement could count its uses.
 * It stays root's, who maps it: no other user may write to it. */
static void share(const struct report_seats *seats, const struct report_seat *seat)
{
    struct stat place, file;
    if (geteuid() != 0 || fstat(dirfd(seats->stream), &place) != 0 || fstat(seat->descriptor, &file) != 0)
        return;
    if (file.st_gid != place.st_gid && fchown(seat->descriptor, (uid_t)-1, place.st_gid) != 0)
        return; /* that user's doctor reports it */
    if ((file.st_mode & S_IRGRP) == 0)
        (void)fchmod(seat->descriptor, (file.st_mode & 07777) | S_IRGRP);
}

/* A process that was killed before it wrote the header left a file of zeros at most, in which nothing was counted. */
static bool is_unwritten(const struct report_seat *seat)
{
    char magic[sizeof((struct report_header *)NULL)->magic] = "";
    static const char none[sizeof magic];
    return seat->size <= REPORT_SEAT_SIZE && pread(seat->descriptor, magic, sizeof magic, 0) >= 0 &&
           memcmp(magic, none, sizeof magic) == 0;
}

/* The file's hours are closed up to one in the future: the clock was set back since. Uses counted now would count for that hour. */
static bool is_ahead(const struct report_header *header)
{
    return (int64_t)header->closed_hour * HOUR_MS > clock_wall_ms();
}

/* The rules of a takeover. They are checked under the lock, which is free once the last thread of the former verifier has ended. So
 * neither the boot ID nor any time in its report matters here. */
static bool is_free(const struct report_seats *seats, struct report_seat *seat)
{
    struct report_header header;
    seat->unwritten = is_unwritten(seat);
    if (seat->unwritten)
        return true;
    if (seat->size < REPORT_CELLS_AT || pread(seat->descriptor, &header, sizeof header, 0) != (ssize_t)sizeof header)
        return false;
    return report_header_problem(&header) == NULL && memcmp(header.seat, seat->id, sizeof header.seat) == 0 &&
           memcmp(header.vault_id, seats->vault_id, sizeof header.vault_id) == 0 &&
           header.cells <= report_map_room(seat->size) && !is_ahead(&header);
}

static bool try_seat(struct report_seats *seats, const char *name, struct report_seat *seat)
{
    struct stat named;
    *seat = (struct report_seat){.descriptor = -1};
    if (!report_seat_parse(name, seat->id) || fstatat(dirfd(seats->stream), name, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_ours(&named))
        return false;
    seat->descriptor = openat(dirfd(seats->stream), name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (seat->descriptor < 0)
        return false;
    if (lock(seats, name, seat) && is_free(seats, seat)) {
        share(seats, seat);
        return true;
    }
    close(seat->descriptor);
    return false;
}

bool report_seats_next(struct report_seats *seats, struct report_seat *seat)
{
    const struct dirent *entry;
    while ((entry = readdir(seats->stream)) != NULL)
        if (try_seat(seats, entry->d_name, seat))
            return true;
    return false;
}

sealring_status report_seats_make(struct report_seats *seats, struct report_seat *seat, sealring_error *error)
{
    char name[NAME_SIZE];
    for (int i = 0; i < MAKE_TRIES; i++) {
        *seat = (struct report_seat){.descriptor = -1, .unwritten = true};
        if (getrandom(seat->id, sizeof seat->id, 0) != (ssize_t)sizeof seat->id)
            return error_set_system(error, errno, "the system gives no random numbers");
        name_of(seat->id, name);
        seat->descriptor = openat(dirfd(seats->stream), name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (seat->descriptor < 0 && errno == EEXIST)
            continue;
        if (seat->descriptor < 0)
            return error_set_system(error, errno, "a verifier's report cannot be made in %s by this user",
                                    seats->directory);
        if (lock(seats, name, seat)) {
            share(seats, seat);
            return SEALRING_OK;
        }
        /* Another process that searched for a free file was faster, and keeps it. */
        close(seat->descriptor);
    }
    return error_set(error, SEALRING_SYSTEM,
                     "no verifier's report could be made and locked in %s; does its file system know flock?",
                     seats->directory);
}

void report_seats_unmake(struct report_seats *seats, const struct report_seat *seat)
{
    char name[NAME_SIZE];
    name_of(seat->id, name);
    unlinkat(dirfd(seats->stream), name, 0);
}
