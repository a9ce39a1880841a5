/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the signed note at the end of an archive of the audit log. Pure. */
#include "log/archive_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/base64.h"

#define HASH_TEXT (BASE64_LENGTH(MERKLE_HASH_SIZE) + 1)
#define NODE_LINE "node %44s%n"

static void hash_format(const struct merkle_hash *hash, char text[HASH_TEXT])
{
    base64_encode(hash->bytes, MERKLE_HASH_SIZE, text);
}

void archive_format(const struct archive *archive, char text[ARCHIVE_TEXT_SIZE])
{
    char vault_id[2 * ARCHIVE_ID_SIZE + 1], era[2 * CHECKPOINT_ERA_SIZE + 1], sha256[65], kept[65];
    char before[HASH_TEXT], root[HASH_TEXT], node[HASH_TEXT];
    struct merkle_hash start = {{0}};
    merkle_root(&archive->start, &start);
    hex_encode(archive->vault_id, ARCHIVE_ID_SIZE, vault_id);
    hex_encode(archive->era, CHECKPOINT_ERA_SIZE, era);
    hex_encode(archive->sha256, sizeof archive->sha256, sha256);
    hex_encode(archive->kept, sizeof archive->kept, kept);
    hash_format(&start, before);
    hash_format(&archive->root, root);
    int length = snprintf(text, ARCHIVE_TEXT_SIZE,
                          "sealring archive 1\nvault %s\nera %s\nbefore %" PRIu64 " %s\nlast %" PRIu64
                          " %s\nbytes %" PRIu64 "\nsha256 %s\nkept %s\ntime %" PRId64 "\n",
                          vault_id, era, archive->start.size, before, archive->last, root, archive->bytes, sha256, kept,
                          archive->time);
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((archive->start.size >> level & 1) == 0)
            continue;
        hash_format(&archive->start.roots[level], node);
        length += snprintf(text + length, ARCHIVE_TEXT_SIZE - (size_t)length, "node %s\n", node);
    }
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

/* The subtrees before the archive, the smallest first: one for each bit of their size. */
static bool read_nodes(const char *text, struct merkle_frontier *start)
{
    char node[HASH_TEXT];
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        int used = 0;
        if ((start->size >> level & 1) == 0)
            continue;
        if (sscanf(text, " " NODE_LINE, node, &used) != 1 || used == 0 || !read_hash(node, &start->roots[level]))
            return false;
        text += used;
    }
    return true;
}

bool archive_parse(const char *text, size_t length, struct archive *archive)
{
    char copy[ARCHIVE_TEXT_SIZE], again[ARCHIVE_TEXT_SIZE];
    char vault_id[2 * ARCHIVE_ID_SIZE + 1] = "", era[2 * CHECKPOINT_ERA_SIZE + 1] = "", sha256[65] = "", kept[65] = "";
    char before[HASH_TEXT] = "", root[HASH_TEXT] = "";
    int used = 0;
    memset(archive, 0, sizeof *archive);
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    /* Each value has exactly one text, so formatting the result again reveals any other text, including a number that does not fit. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(copy,
               "sealring archive 1 vault %32s era %32s before %" SCNu64 " %44s last %" SCNu64 " %44s bytes %" SCNu64
               " sha256 %64s kept %64s time %" SCNd64 "%n",
               vault_id, era, &archive->start.size, before, &archive->last, root, &archive->bytes, sha256, kept,
               &archive->time, &used) != 10 ||
        archive->start.size >= archive->last || archive->last > MERKLE_SIZE_MAX)
        return false;
    if (!read_hex(vault_id, archive->vault_id, ARCHIVE_ID_SIZE) || !read_hex(era, archive->era, CHECKPOINT_ERA_SIZE) ||
        !read_hex(sha256, archive->sha256, sizeof archive->sha256) ||
        !read_hex(kept, archive->kept, sizeof archive->kept) || !read_hash(root, &archive->root) ||
        !read_nodes(copy + used, &archive->start))
        return false;
    archive_format(archive, again);
    return strlen(again) == length && memcmp(again, text, length) == 0;
}

bool archive_verify(const char *note_text, const struct audit_keys *keys, const uint8_t vault_id[ARCHIVE_ID_SIZE],
                    struct archive *archive)
{
    struct note note;
    return note_parse(note_text, strlen(note_text), &note, NULL) &&
           archive_parse(note.text, note.text_length, archive) &&
           memcmp(archive->vault_id, vault_id, ARCHIVE_ID_SIZE) == 0 &&
           audit_keys_judge(keys, &note, archive->last, 0, NULL) == AUDIT_GOOD;
}
