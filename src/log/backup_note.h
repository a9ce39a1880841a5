/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the signed note at the head of a backup. Pure. */
#ifndef LOG_BACKUP_NOTE_H
#define LOG_BACKUP_NOTE_H

#include "log/checkpoint.h"

#define BACKUP_ID_SIZE   16
#define BACKUP_TEXT_SIZE 512

/* The registry as it was copied, and the copy's bytes. */
struct backup {
    uint8_t vault_id[BACKUP_ID_SIZE];
    uint8_t era[CHECKPOINT_ERA_SIZE];
    uint64_t epoch;
    uint64_t entries; /* of its audit log */
    struct merkle_hash root;
    uint64_t closed_count;
    struct merkle_hash closed;
    uint64_t bytes;
    uint8_t sha256[32];
    int64_t time; /* milliseconds since 1970 UTC */
};

/* Writes the note's text, which ends in a newline. Its first line cannot be that of a checkpoint. */
void backup_format(const struct backup *backup, char text[BACKUP_TEXT_SIZE]);

/* Parses what backup_format wrote, and nothing else. */
bool backup_parse(const char *text, size_t length, struct backup *backup);

#endif
