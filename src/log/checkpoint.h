/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a checkpoint: C2SP tlog-checkpoint, with sealring's extension lines. Pure. */
#ifndef LOG_CHECKPOINT_H
#define LOG_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/audit_keys.h"
#include "log/merkle.h"

#define CHECKPOINT_ERA_SIZE    16
#define CHECKPOINT_ORIGIN_SIZE 48 /* "sealring/" and the vault's ID in hexadecimal */
#define CHECKPOINT_TEXT_SIZE   512

/* A checkpoint covers the closed facts, too: their number, and the hash over all of them (registry/rows/closed_facts.h). */
struct checkpoint {
    char origin[CHECKPOINT_ORIGIN_SIZE];
    uint64_t size; /* entries */
    struct merkle_hash root;
    uint8_t era[CHECKPOINT_ERA_SIZE];
    uint64_t closed_count;
    struct merkle_hash closed;
    int64_t time; /* milliseconds since 1970 UTC */
    bool newest;  /* not in the text: the newest of the keys has signed it (checkpoint_verify) */
};

/* The origin of a vault's log, and the name of its key. */
void checkpoint_origin(const uint8_t vault_id[16], char origin[CHECKPOINT_ORIGIN_SIZE]);

/* Writes the note's text, which ends in a newline. */
void checkpoint_format(const struct checkpoint *checkpoint, char text[CHECKPOINT_TEXT_SIZE]);

/* Parses what checkpoint_format wrote, and nothing else: also refuses other logs' checkpoints, which lack the extension lines. */
bool checkpoint_parse(const char *text, size_t length, struct checkpoint *checkpoint);

/* Parses a signed note. Returns whether it is a checkpoint of this vault's log that one of the keys signed which counts for its size; only then
 * *checkpoint is to be used. */
bool checkpoint_verify(const char *note_text, const struct audit_keys *keys, const uint8_t vault_id[16],
                       struct checkpoint *checkpoint);

#endif
