/* SPDX-License-Identifier: Apache-2.0 */
/* A backup as a file: one line, a signed note, the database's bytes. Written completely or not at all; checked when it is read. */
#include "manage/backup/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "log/log_examine.h"
#include "registry/connection/registry_copy.h"
#include "registry/rows/closed_facts.h"

#define BACKUP_MAGIC     "sealring-backup 1 "
#define BACKUP_LINE_SIZE 32
#define BACKUP_SLICE     (1024 * 1024)

_Static_assert(SHA256_SIZE == sizeof(((struct backup *)0)->sha256), "a SHA-256 fits");

sealring_status backup_progress(const struct backup_progress *progress, const char *what, uint64_t done, uint64_t total,
                                sealring_error *error)
{
    if (progress == NULL || progress->each == NULL || progress->each(what, done, total, progress->context) == 0)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED, "it was stopped: nothing was changed");
}

/* ---- Copying bytes ---- */

/* Reads `from` to its end, hashes it, and writes it into `to` (NULL: nowhere). *length: the number of bytes. */
static sealring_status pump(FILE *from, const char *from_path, FILE *to, const char *to_path, const char *what,
                            uint64_t total, const struct backup_progress *progress, uint64_t *length,
                            uint8_t digest[SHA256_SIZE], sealring_error *error)
{
    struct sha256 hash;
    uint8_t *slice = malloc(BACKUP_SLICE);
    sealring_status status = slice != NULL ? SEALRING_OK : error_no_memory(error);
    *length = 0;
    sha256_start(&hash);
    while (status == SEALRING_OK) {
        size_t count = fread(slice, 1, BACKUP_SLICE, from);
        if (ferror(from)) {
            status = error_set_system(error, errno, "%s cannot be read", from_path);
            break;
        }
        if (count == 0)
            break;
        sha256_add(&hash, slice, count);
        *length += count;
        if (to != NULL && fwrite(slice, 1, count, to) != count)
            status = error_set_system(error, errno, "%s cannot be written", to_path);
        else
            status = backup_progress(progress, what, *length, total > *length ? total : *length, error);
    }
    sha256_finish(&hash, digest);
    free(slice);
    return status;
}

static sealring_status open_to_read(const char *path, FILE **stream, struct stat *facts, sealring_error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0)
        return error_set_system(error, errno, "%s cannot be opened", path);
    if (fstat(descriptor, facts) != 0 || !S_ISREG(facts->st_mode)) {
        close(descriptor);
        return error_set(error, SEALRING_INVALID, "%s is no regular file", path);
    }
    *stream = fdopen(descriptor, "rb");
    if (*stream != NULL)
        return SEALRING_OK;
    close(descriptor);
    return error_no_memory(error);
}

sealring_status backup_file_create(const char *path, mode_t mode, FILE **stream, sealring_error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0 && errno == EEXIST)
        return error_set(error, SEALRING_REFUSED, "%s exists already: nothing is overwritten", path);
    if (descriptor < 0)
        return error_set_system(error, errno, "%s cannot be made", path);
    *stream = fdopen(descriptor, "wb");
    if (*stream != NULL)
        return SEALRING_OK;
    close(descriptor);
    unlink(path);
    return error_no_memory(error);
}

sealring_status backup_file_finish(FILE *stream, const char *path, sealring_status status, sealring_error *error)
{
    if (status == SEALRING_OK && (fflush(stream) != 0 || fsync(fileno(stream)) != 0))
        status = error_set_system(error, errno, "%s cannot be written to disk", path);
    if (fclose(stream) != 0 && status == SEALRING_OK)
        status = error_set_system(error, errno, "%s cannot be written", path);
    return status;
}

sealring_status backup_file_hash(const char *path, struct backup *backup, const struct backup_progress *progress,
                                 sealring_error *error)
{
    FILE *stream = NULL;
    struct stat facts;
    sealring_status status = open_to_read(path, &stream, &facts, error);
    if (status != SEALRING_OK)
        return status;
    status = pump(stream, path, NULL, NULL, "hashing", (uint64_t)facts.st_size, progress, &backup->bytes,
                  backup->sha256, error);
    fclose(stream);
    return status;
}

/* ---- Writing ---- */

sealring_status backup_file_sync_names(const char *path, sealring_error *error)
{
    char *directory = strdup(path);
    if (directory == NULL)
        return error_no_memory(error);
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        slash[slash == directory ? 1 : 0] = '\0';
    int problem = file_sync_directory(slash != NULL ? directory : ".");
    free(directory);
    return problem == 0 ? SEALRING_OK
                        : error_set_system(error, problem, "the directory of %s cannot be written to disk", path);
}

/* Where the file system has no such rename, with a hard link. */
sealring_status backup_file_name(const char *partial, const char *path, sealring_error *error)
{
    int problem = renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) == 0 ? 0 : errno;
    if (problem == EINVAL || problem == ENOSYS)
        problem = link(partial, path) == 0 ? 0 : errno;
    if (problem == EEXIST)
        return error_set(error, SEALRING_REFUSED, "%s exists already: nothing is overwritten", path);
    return problem == 0 ? backup_file_sync_names(path, error)
                        : error_set_system(error, problem, "%s cannot be made", path);
}

sealring_status backup_file_write(const char *path, const char *partial, const char *note, const char *database,
                                  const struct backup_progress *progress, sealring_error *error)
{
    FILE *from = NULL, *to = NULL;
    struct stat facts;
    uint64_t length = 0;
    uint8_t digest[SHA256_SIZE];
    sealring_status status = open_to_read(database, &from, &facts, error);
    if (status != SEALRING_OK)
        return status;
    status = backup_file_create(partial, 0600, &to, error);
    if (status == SEALRING_OK) {
        if (fprintf(to, BACKUP_MAGIC "%zu\n%s", strlen(note), note) < 0)
            status = error_set_system(error, errno, "%s cannot be written", partial);
        if (status == SEALRING_OK)
            status =
                pump(from, database, to, partial, "writing", (uint64_t)facts.st_size, progress, &length, digest, error);
        status = backup_file_finish(to, partial, status, error);
        if (status == SEALRING_OK)
            status = backup_file_name(partial, path, error);
        unlink(partial);
    }
    fclose(from);
    return status;
}

/* ---- Reading ---- */

static sealring_status damaged(const struct backup_file *file, const char *what, sealring_error *error)
{
    return error_set(error, SEALRING_REFUSED, "%s is no good backup: %s", file->path, what);
}

static sealring_status read_note(struct backup_file *file, sealring_error *error)
{
    char line[BACKUP_LINE_SIZE], again[BACKUP_LINE_SIZE];
    size_t length = 0;
    const char *problem = NULL;
    if (fgets(line, sizeof line, file->stream) == NULL || strncmp(line, BACKUP_MAGIC, strlen(BACKUP_MAGIC)) != 0)
        return damaged(file, "it does not begin as one does", error);
    length = (size_t)strtoull(line + strlen(BACKUP_MAGIC), NULL, 10);
    snprintf(again, sizeof again, BACKUP_MAGIC "%zu\n", length);
    if (strcmp(again, line) != 0 || length == 0 || length >= sizeof file->note_text)
        return damaged(file, "its first line was changed", error);
    if (fread(file->note_text, 1, length, file->stream) != length)
        return damaged(file, "it is truncated", error);
    file->note_text[length] = '\0';
    if (strlen(file->note_text) != length || !note_parse(file->note_text, length, &file->note, &problem))
        return damaged(file, "its note is no signed one", error);
    if (!backup_parse(file->note.text, file->note.text_length, &file->backup))
        return damaged(file, "its note is not about a backup", error);
    return SEALRING_OK;
}

sealring_status backup_file_open(const char *path, struct backup_file *file, sealring_error *error)
{
    struct stat facts;
    *file = (struct backup_file){.path = path};
    sealring_status status = open_to_read(path, &file->stream, &facts, error);
    if (status == SEALRING_OK)
        status = read_note(file, error);
    if (status != SEALRING_OK)
        backup_file_close(file);
    return status;
}

void backup_file_close(struct backup_file *file)
{
    if (file->stream != NULL)
        fclose(file->stream);
    file->stream = NULL;
}

sealring_status backup_file_judge(const struct backup_file *file, const struct audit_keys *keys, sealring_error *error)
{
    char origin[CHECKPOINT_ORIGIN_SIZE];
    checkpoint_origin(file->backup.vault_id, origin);
    enum audit_verdict verdict =
        audit_keys_judge(keys, &file->note, file->backup.entries, file->backup.closed_count, NULL);
    if (verdict == AUDIT_BAD)
        return damaged(file, "its note was changed, or is forged: the signature is not the key's", error);
    if (verdict == AUDIT_NOT_SIGNED)
        return damaged(file, "its note is not signed by this vault's audit key", error);
    if (verdict == AUDIT_BEYOND)
        return damaged(file, "its note is signed by an audit key that had ended before", error);
    return strcmp(audit_keys_newest(keys)->name, origin) == 0 ? SEALRING_OK
                                                              : damaged(file, "it is another vault's", error);
}

static sealring_status compare(struct registry *registry, const struct backup *backup, const struct examine *how,
                               const char *name, sealring_error *error)
{
    const struct registry_vault *vault = registry_vault_row(registry);
    struct examine_result result;
    struct merkle_hash closed;
    uint64_t count = 0;
    sealring_status status = examine_log(registry, how, &result, error);
    if (status == SEALRING_OK)
        status = registry_closed_head(registry, &count, closed.bytes, error);
    if (status != SEALRING_OK)
        return status;
    if (result.problems > 0)
        return error_set(error, SEALRING_REFUSED, "%s has an audit log that is not what it should be: %.180s", name,
                         result.first);
    if (memcmp(vault->vault_id, backup->vault_id, sizeof backup->vault_id) != 0 ||
        memcmp(vault->era, backup->era, sizeof backup->era) != 0 || vault->epoch != backup->epoch ||
        result.entries != backup->entries || !merkle_equal(&result.root, &backup->root) ||
        count != backup->closed_count || !merkle_equal(&closed, &backup->closed))
        return error_set(error, SEALRING_REFUSED, "%s is no good backup: its note is about another registry", name);
    return SEALRING_OK;
}

sealring_status backup_file_examine(struct registry *registry, const struct backup *backup,
                                    const struct audit_keys *keys, const char *name, sealring_error *error)
{
    const struct examine how = {.keys = keys};
    sealring_status status = registry_sound(registry, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = compare(registry, backup, &how, name, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status backup_file_take(struct backup_file *file, const char *target, const struct backup_progress *progress,
                                 sealring_error *error)
{
    FILE *to = NULL;
    uint64_t length = 0;
    uint8_t digest[SHA256_SIZE];
    sealring_status status = target != NULL ? backup_file_create(target, 0640, &to, error) : SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    status =
        pump(file->stream, file->path, to, target, "reading", file->backup.bytes, progress, &length, digest, error);
    if (status == SEALRING_OK && length < file->backup.bytes)
        status = damaged(file, "it is truncated", error);
    else if (status == SEALRING_OK && length > file->backup.bytes)
        status = damaged(file, "something follows its end", error);
    else if (status == SEALRING_OK && memcmp(digest, file->backup.sha256, sizeof digest) != 0)
        status = damaged(file, "its content was changed: the SHA-256 is another one", error);
    if (to != NULL)
        status = backup_file_finish(to, target, status, error);
    if (to != NULL && status != SEALRING_OK)
        unlink(target);
    return status;
}

void backup_file_describe(const struct backup *backup, sealring_backup_info *info)
{
    info->epoch = backup->epoch;
    info->entries = backup->entries;
    info->bytes = backup->bytes;
    info->time = backup->time;
    hex_encode(backup->vault_id, BACKUP_ID_SIZE, info->vault_id);
    hex_encode(backup->era, CHECKPOINT_ERA_SIZE, info->era);
    hex_encode(backup->sha256, sizeof backup->sha256, info->sha256);
    base64_encode(backup->root.bytes, MERKLE_HASH_SIZE, info->root);
}
