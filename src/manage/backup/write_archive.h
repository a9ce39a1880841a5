/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an archive of the audit log: entries as `sealring audit export` has them, then the signed note. */
#ifndef MANAGE_BACKUP_WRITE_ARCHIVE_H
#define MANAGE_BACKUP_WRITE_ARCHIVE_H

#include "base/sha256.h"
#include "log/archive_note.h"
#include "manage/backup/backup_file.h"

struct archive_writer {
    const char *partial; /* the path of the unfinished file */
    struct archive *archive;
    const struct backup_progress *progress;
    FILE *stream;
    struct sha256 hash;  /* of what the note covers */
    struct sha256 whole; /* of the whole file */
    struct merkle_frontier frontier;
};

/* Within a transaction, which may be run again: writes the entries behind archive->start up to archive->last and their checkpoints into
 * `partial`, which does not exist before the first call. Sets the archive's bytes and SHA-256. SEALRING_REFUSED if the entries are not those of
 * archive->root. */
sealring_status archive_write_entries(struct archive_writer *writer, struct registry *registry, sealring_error *error);

/* Writes the note, and all of the file to the disk. Reads it again: SEALRING_SYSTEM if it does not contain what was written. */
sealring_status archive_write_end(struct archive_writer *writer, const char *note, sealring_error *error);

/* Closes the file and removes it, unless that was done. */
void archive_write_discard(struct archive_writer *writer);

#endif
