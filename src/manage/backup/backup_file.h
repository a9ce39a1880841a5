/* SPDX-License-Identifier: Apache-2.0 */
/* A backup as a file: one line, a signed note, the database's bytes. Written completely or not at all; checked when it is read. */
#ifndef MANAGE_BACKUP_BACKUP_FILE_H
#define MANAGE_BACKUP_BACKUP_FILE_H

#include <stdio.h>
#include <sys/types.h>

#include <sealring/backup.h>

#include "log/backup_note.h"
#include "log/signed_note.h"
#include "registry/log/log_rows.h"

/* The callback that receives the progress of the work. */
struct backup_progress {
    sealring_work_callback each; /* NULL: none */
    void *context;
};
/* SEALRING_REFUSED if the callback stopped the work. */
sealring_status backup_progress(const struct backup_progress *progress, const char *what, uint64_t done, uint64_t total,
                                sealring_error *error);

/* The length and SHA-256 of a file that no other process writes. */
sealring_status backup_file_hash(const char *path, struct backup *backup, const struct backup_progress *progress,
                                 sealring_error *error);

/* Writes `path` (0600), which must not exist, from the note and the bytes of the file `database`, and writes both its name and its content to the
 * disk. partial: a temporary file beside it, removed at the end. */
sealring_status backup_file_write(const char *path, const char *partial, const char *note, const char *database,
                                  const struct backup_progress *progress, sealring_error *error);

/* An open backup. Its note is read and well formed; the caller determines who signed it. */
struct backup_file {
    const char *path; /* the caller's */
    FILE *stream;     /* at the database's first byte */
    char note_text[REGISTRY_NOTE_SIZE];
    struct note note; /* points into note_text */
    struct backup backup;
};
/* SEALRING_REFUSED states what is wrong with it. */
sealring_status backup_file_open(const char *path, struct backup_file *file, sealring_error *error);
void backup_file_close(struct backup_file *file);

/* SEALRING_REFUSED unless the key signed the note, and the note is of the vault whose key it is. */
sealring_status backup_file_judge(const struct backup_file *file, const struct audit_keys *keys, sealring_error *error);

/* Examines a whole registry that has been copied, its log as `sealring audit verify` does: SEALRING_REFUSED unless it is as it should be, signed by
 * the key, and what the note describes. name: for messages. */
sealring_status backup_file_examine(struct registry *registry, const struct backup *backup,
                                    const struct audit_keys *keys, const char *name, sealring_error *error);

/* Reads the database's bytes into a new file `target` (0640; NULL: only checks them). SEALRING_REFUSED if they are not the bytes that the note
 * covers; then nothing of the target is left. */
sealring_status backup_file_take(struct backup_file *file, const char *target, const struct backup_progress *progress,
                                 sealring_error *error);

/* Fills in the caller's structure. */
void backup_file_describe(const struct backup *backup, sealring_backup_info *info);

/* The parts of writing a file completely or not at all, also for archives. create: a new file. finish: closes it, and if `status` is SEALRING_OK all of
 * it is on the disk. name: gives it a name that must not exist, and writes that to the disk. */
sealring_status backup_file_create(const char *path, mode_t mode, FILE **stream, sealring_error *error);
sealring_status backup_file_finish(FILE *stream, const char *path, sealring_status status, sealring_error *error);
sealring_status backup_file_name(const char *partial, const char *path, sealring_error *error);

/* Writes a directory's names to the disk; `path` is the path of a file in it. */
sealring_status backup_file_sync_names(const char *path, sealring_error *error);

#endif
