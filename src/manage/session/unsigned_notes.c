/* SPDX-License-Identifier: Apache-2.0 */
/* The file vault.unsigned: what the operator's side has committed while no checkpoint covers it. */
#include "manage/session/unsigned_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)

/* A line that was not written whole, as the disk was full or the power failed, is ended, so that the next one can be read. */
static bool end_last_line(int file)
{
    char last = '\n';
    off_t size = lseek(file, 0, SEEK_END);
    return size >= 0 && (size == 0 || pread(file, &last, 1, size - 1) == 1) &&
           (last == '\n' || write(file, "\n", 1) == 1);
}

static bool write_line(int file, const char *line)
{
    size_t length = strlen(line);
    errno = ENOSPC; /* after a short write */
    return write(file, line, length) == (ssize_t)length;
}

/* *made: the file is new, and so is its name in the directory. */
static int open_to_add(const struct config *config, bool *made)
{
    int file = open(config->unsigned_notes, O_RDWR | O_APPEND | OPEN_FLAGS);
    *made = file < 0 && errno == ENOENT;
    return *made ? open(config->unsigned_notes, O_RDWR | O_CREAT | O_APPEND | OPEN_FLAGS, 0600) : file;
}

sealring_status unsigned_add(const struct config *config, const struct own_note *note, bool durable,
                             sealring_error *error)
{
    char line[OWN_NOTE_LINE_SIZE];
    bool made;
    own_note_format(note, line);
    int file = open_to_add(config, &made);
    bool done = file >= 0 && flock(file, LOCK_EX) == 0 && end_last_line(file) && write_line(file, line) &&
                (!durable || fsync(file) == 0);
    int problem = errno;
    if (done && made) {
        problem = file_sync_directory(config->directory);
        done = problem == 0;
    }
    if (file >= 0)
        close(file);
    return done ? SEALRING_OK : error_set_system(error, problem, "%s cannot be written", config->unsigned_notes);
}

static FILE *open_notes(const struct config *config, int flags)
{
    int descriptor = open(config->unsigned_notes, flags | OPEN_FLAGS);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    if (file == NULL && descriptor >= 0)
        close(descriptor);
    return file;
}

static bool next_note(FILE *file, struct own_note *note, bool *good)
{
    char line[OWN_NOTE_LINE_SIZE];
    if (fgets(line, sizeof line, file) == NULL)
        return false;
    *good = own_note_parse(line, note);
    return true;
}

sealring_status unsigned_read(const struct config *config, const uint8_t era[REGISTRY_ID_SIZE], struct own_notes *notes,
                              sealring_error *error)
{
    struct own_note note;
    bool good, full = false;
    notes->count = 0;
    FILE *file = open_notes(config, O_RDONLY);
    if (file == NULL && errno == ENOENT)
        return SEALRING_OK;
    if (file == NULL)
        return error_set_system(error, errno, "%s cannot be read", config->unsigned_notes);
    while (!full && next_note(file, &note, &good))
        full = good && memcmp(note.era, era, sizeof note.era) == 0 && !own_notes_add(notes, &note);
    bool failed = ferror(file) != 0;
    fclose(file);
    own_notes_sort(notes);
    if (full)
        return error_no_memory(error);
    return failed ? error_set(error, SEALRING_SYSTEM, "%s cannot be read", config->unsigned_notes) : SEALRING_OK;
}

void unsigned_clear(const struct config *config, const uint8_t era[REGISTRY_ID_SIZE], uint64_t entries)
{
    struct own_note note;
    struct stat status;
    bool good, needed = false;
    FILE *file = open_notes(config, O_RDWR);
    if (file == NULL)
        return;
    bool locked = flock(fileno(file), LOCK_EX) == 0;
    while (locked && !needed && next_note(file, &note, &good))
        needed = good && note.entry > entries && memcmp(note.era, era, sizeof note.era) == 0;
    if (locked && !needed && ferror(file) == 0 && fstat(fileno(file), &status) == 0 && status.st_size > 0)
        (void)!ftruncate(fileno(file), 0);
    fclose(file);
}
