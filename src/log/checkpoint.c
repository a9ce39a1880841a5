/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a checkpoint: C2SP tlog-checkpoint, with sealring's extension lines. Pure. */
#include "log/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/base64.h"

#define CHECKPOINT_LINE_SIZE 96

void checkpoint_origin(const uint8_t vault_id[16], char origin[CHECKPOINT_ORIGIN_SIZE])
{
    char hex[33];
    hex_encode(vault_id, 16, hex);
    snprintf(origin, CHECKPOINT_ORIGIN_SIZE, "sealring/%s", hex);
}

void checkpoint_format(const struct checkpoint *checkpoint, char text[CHECKPOINT_TEXT_SIZE])
{
    char root[BASE64_LENGTH(MERKLE_HASH_SIZE) + 1];
    char closed[BASE64_LENGTH(MERKLE_HASH_SIZE) + 1];
    char era[2 * CHECKPOINT_ERA_SIZE + 1];
    base64_encode(checkpoint->root.bytes, MERKLE_HASH_SIZE, root);
    base64_encode(checkpoint->closed.bytes, MERKLE_HASH_SIZE, closed);
    hex_encode(checkpoint->era, CHECKPOINT_ERA_SIZE, era);
    snprintf(text, CHECKPOINT_TEXT_SIZE, "%s\n%" PRIu64 "\n%s\nera %s\nclosed %" PRIu64 " %s\ntime %" PRId64 "\n",
             checkpoint->origin, checkpoint->size, root, era, checkpoint->closed_count, closed, checkpoint->time);
}

/* Takes the first line, without its newline, from the rest of the text. */
static bool checkpoint_line(const char **text, size_t *length, char line[CHECKPOINT_LINE_SIZE])
{
    const char *newline = *length > 0 ? memchr(*text, '\n', *length) : NULL;
    size_t taken = newline != NULL ? (size_t)(newline - *text) : 0;
    if (newline == NULL || taken >= CHECKPOINT_LINE_SIZE || memchr(*text, '\0', taken) != NULL)
        return false;
    memcpy(line, *text, taken);
    line[taken] = '\0';
    *text = newline + 1;
    *length -= taken + 1;
    return true;
}

static bool checkpoint_hash(const char *text, struct merkle_hash *hash)
{
    size_t length;
    return base64_decode(text, strlen(text), hash->bytes, sizeof hash->bytes, &length) && length == sizeof hash->bytes;
}

/* Returns whether the line begins with the word and a blank; then *rest is what follows. */
static bool checkpoint_word(const char *line, const char *word, const char **rest)
{
    size_t length = strlen(word);
    bool same = strncmp(line, word, length) == 0 && line[length] == ' ';
    *rest = same ? line + length + 1 : line;
    return same;
}

bool checkpoint_parse(const char *text, size_t length, struct checkpoint *checkpoint)
{
    char lines[6][CHECKPOINT_LINE_SIZE];
    char again[CHECKPOINT_TEXT_SIZE];
    const char *at = text, *era, *closed, *time;
    size_t left = length;
    memset(checkpoint, 0, sizeof *checkpoint);
    for (size_t i = 0; i < 6; i++)
        if (!checkpoint_line(&at, &left, lines[i]))
            return false;
    if (left != 0 || strlen(lines[0]) >= sizeof checkpoint->origin || !checkpoint_hash(lines[2], &checkpoint->root) ||
        !checkpoint_word(lines[3], "era", &era) || strlen(era) != 2 * CHECKPOINT_ERA_SIZE ||
        !hex_decode(era, checkpoint->era, CHECKPOINT_ERA_SIZE) || !checkpoint_word(lines[4], "closed", &closed) ||
        !checkpoint_word(lines[5], "time", &time))
        return false;
    memcpy(checkpoint->origin, lines[0], strlen(lines[0]) + 1);
    checkpoint->size = strtoull(lines[1], NULL, 10);
    checkpoint->closed_count = strtoull(closed, NULL, 10);
    checkpoint->time = strtoll(time, NULL, 10);
    const char *blank = strchr(closed, ' ');
    if (blank == NULL || !checkpoint_hash(blank + 1, &checkpoint->closed))
        return false;
    checkpoint_format(checkpoint, again); /* each value has one text, so numbers need no rules of their own */
    return strlen(again) == length && memcmp(again, text, length) == 0;
}

bool checkpoint_verify(const char *note_text, const struct audit_keys *keys, const uint8_t vault_id[16],
                       struct checkpoint *checkpoint)
{
    struct note note;
    char origin[CHECKPOINT_ORIGIN_SIZE];
    checkpoint_origin(vault_id, origin);
    return note_parse(note_text, strlen(note_text), &note, NULL) &&
           checkpoint_parse(note.text, note.text_length, checkpoint) && strcmp(checkpoint->origin, origin) == 0 &&
           audit_keys_judge(keys, &note, checkpoint->size, checkpoint->closed_count, &checkpoint->newest) == AUDIT_GOOD;
}
