/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the signed note at the end of an archive of the audit log. Pure. */
#ifndef LOG_ARCHIVE_NOTE_H
#define LOG_ARCHIVE_NOTE_H

#include "log/checkpoint.h"

#define ARCHIVE_ID_SIZE   16
#define ARCHIVE_TEXT_SIZE 4096

/* Entries that were cut off the beginning of the log, and the tree at both ends of them. */
struct archive {
    uint8_t vault_id[ARCHIVE_ID_SIZE];
    uint8_t era[CHECKPOINT_ERA_SIZE];
    struct merkle_frontier start; /* of the entries before the first one: those of earlier archives */
    uint64_t last;                /* the number of the last entry */
    struct merkle_hash root;      /* of all entries up to the last one */
    uint64_t bytes;               /* before the line that contains the note */
    uint8_t sha256[32];           /* of these bytes */
    uint8_t kept[32];             /* SHA-256 of what the entry about the archive keeps (log_cut.h) */
    int64_t time;                 /* milliseconds since 1970 UTC */
};

/* Writes the note's text, which ends in a newline. Its first line cannot be that of a checkpoint or of a backup. */
void archive_format(const struct archive *archive, char text[ARCHIVE_TEXT_SIZE]);

/* Parses what archive_format wrote, and nothing else. */
bool archive_parse(const char *text, size_t length, struct archive *archive);

/* Parses a signed note. Returns whether it is about an archive of this vault's log and one of the keys signed it which counts for its last entry; only then *archive is to be used. */
bool archive_verify(const char *note_text, const struct audit_keys *keys, const uint8_t vault_id[ARCHIVE_ID_SIZE],
                    struct archive *archive);

#endif
