/* SPDX-License-Identifier: Apache-2.0 */
/* A backup as a file: one line, a signed note, the database's bytes. Written whole or not at all, read with doubt. */
#ifndef MANAGE_BACKUP_BACKUP_FILE_H
#define MANAGE_BACKUP_BACKUP_FILE_H

#include <stdio.h>

#include <sealring/backup.h>

#include "log/backup_note.h"
#include "log/signed_note.h"
#include "registry/log/log_rows.h"

/* Who hears how far something is. */
struct backup_progress {
    sealring_work_callback each; /* NULL: nobody */
    void *context;
};
/* SEALRING_REFUSED if it was stopped. */
sealring_status backup_progress(const struct backup_progress *progress, const char *what, uint64_t done, uint64_t total,
                                sealring_error *error);

/* The length and SHA-256 of a file that nobody else writes. */
sealring_status backup_file_hash(const char *path, struct backup *backup, const struct backup_progress *progress,
                                 sealring_error *error);

/* Writes `path` (0600), which must not exist, from the note and the bytes of the file `database`, and both its name and content to the disk.
 * partial: beside it, for the time being; removed in the end. */
sealring_status backup_file_write(const char *path, const char *partial, const char *note, const char *database,
                                  const struct backup_progress *progress, sealring_error *error);

/* An open backup: its note is read and is one; who signed it is for the caller to say. */
struct backup_file {
    const char *path; /* the caller's */
    FILE *stream;     /* at the database's first byte */
    char note_text[REGISTRY_NOTE_SIZE];
    struct note note; /* points into note_text */
    struct backup backup;
};
/* SEALRING_REFUSED says what is wrong with it. */
sealring_status backup_file_open(const char *path, struct backup_file *file, sealring_error *error);
void backup_file_close(struct backup_file *file);

/* SEALRING_REFUSED unless the key signed it, and the note is of the vault whose key it is. */
sealring_status backup_file_judge(const struct backup_file *file, const struct note_key *key, sealring_error *error);

/* Reads the database's bytes, into a new file `target` (0640; NULL: only checks them). SEALRING_REFUSED if they are not those that the note is
 * over; then nothing is left of the target. */
sealring_status backup_file_take(struct backup_file *file, const char *target, const struct backup_progress *progress,
                                 sealring_error *error);

/* For the caller. */
void backup_file_describe(const struct backup *backup, sealring_backup_info *info);

/* Writes a directory's names to the disk; `path` is that of a file in it. */
sealring_status backup_file_sync_names(const char *path, sealring_error *error);

#endif
