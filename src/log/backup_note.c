/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the signed note at the head of a backup. Pure. */
#include "log/backup_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/base64.h"

#define HASH_TEXT (BASE64_LENGTH(MERKLE_HASH_SIZE) + 1)

void backup_format(const struct backup *backup, char text[BACKUP_TEXT_SIZE])
{
    char vault_id[2 * BACKUP_ID_SIZE + 1], era[2 * CHECKPOINT_ERA_SIZE + 1], sha256[65];
    char root[HASH_TEXT], closed[HASH_TEXT];
    hex_encode(backup->vault_id, BACKUP_ID_SIZE, vault_id);
    hex_encode(backup->era, CHECKPOINT_ERA_SIZE, era);
    hex_encode(backup->sha256, sizeof backup->sha256, sha256);
    base64_encode(backup->root.bytes, MERKLE_HASH_SIZE, root);
    base64_encode(backup->closed.bytes, MERKLE_HASH_SIZE, closed);
    snprintf(text, BACKUP_TEXT_SIZE,
             "sealring backup 1\nvault %s\nera %s\nepoch %" PRIu64 "\nentries %" PRIu64 "\nroot %s\nclosed %" PRIu64
             " %s\nbytes %" PRIu64 "\nsha256 %s\ntime %" PRId64 "\n",
             vault_id, era, backup->epoch, backup->entries, root, backup->closed_count, closed, backup->bytes, sha256,
             backup->time);
}

static bool read_hash(const char *text, struct merkle_hash *hash)
{
    size_t length = 0;
    return base64_decode(text, strlen(text), hash->bytes, sizeof hash->bytes, &length) && length == sizeof hash->bytes;
}

static bool read_hex(const char *text, uint8_t *bytes, size_t length)
{
    return strlen(text) == 2 * length && hex_decode(text, bytes, length);
}

bool backup_parse(const char *text, size_t length, struct backup *backup)
{
    char copy[BACKUP_TEXT_SIZE], again[BACKUP_TEXT_SIZE];
    char vault_id[2 * BACKUP_ID_SIZE + 1] = "", era[2 * CHECKPOINT_ERA_SIZE + 1] = "", sha256[65] = "";
    char root[HASH_TEXT] = "", closed[HASH_TEXT] = "";
    memset(backup, 0, sizeof *backup);
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    /* Each value has exactly one text, so formatting the result again reveals any other text, including a number that does not fit. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(copy,
               "sealring backup 1 vault %32s era %32s epoch %" SCNu64 " entries %" SCNu64 " root %44s closed %" SCNu64
               " %44s bytes %" SCNu64 " sha256 %64s time %" SCNd64,
               vault_id, era, &backup->epoch, &backup->entries, root, &backup->closed_count, closed, &backup->bytes,
               sha256, &backup->time) != 10)
        return false;
    if (!read_hex(vault_id, backup->vault_id, BACKUP_ID_SIZE) || !read_hex(era, backup->era, CHECKPOINT_ERA_SIZE) ||
        !read_hex(sha256, backup->sha256, sizeof backup->sha256) || !read_hash(root, &backup->root) ||
        !read_hash(closed, &backup->closed))
        return false;
    backup_format(backup, again);
    return strlen(again) == length && memcmp(again, text, length) == 0;
}
