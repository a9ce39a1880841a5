/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that sign a vault's checkpoints, one after the other: how far each of them counts. Pure. */
#include "log/audit_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_END UINT64_MAX

static void line_format(const struct audit_key *key, char line[AUDIT_KEY_LINE_SIZE])
{
    char vkey[NOTE_KEY_TEXT_SIZE];
    note_key_format(&key->key, vkey);
    if (key->entries == NO_END)
        snprintf(line, AUDIT_KEY_LINE_SIZE, "%s", vkey);
    else
        snprintf(line, AUDIT_KEY_LINE_SIZE, "%s until %" PRIu64 " %" PRIu64, vkey, key->entries, key->facts);
}

static bool line_parse(const char *line, struct audit_key *key)
{
    char vkey[NOTE_KEY_TEXT_SIZE], again[AUDIT_KEY_LINE_SIZE];
    size_t length = strcspn(line, " ");
    *key = (struct audit_key){.entries = NO_END, .facts = NO_END};
    if (length >= sizeof vkey)
        return false;
    memcpy(vkey, line, length);
    vkey[length] = '\0';
    /* a number that does not fit is noticed when the line is formatted again and compared */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (line[length] != '\0' && sscanf(line + length, " until %" SCNu64 " %" SCNu64, &key->entries, &key->facts) != 2)
        return false;
    if (!note_key_parse(vkey, &key->key))
        return false;
    line_format(key, again);
    return strcmp(again, line) == 0;
}

/* Why the key cannot follow those that there are; NULL: it can. */
static const char *follow_problem(const struct audit_keys *keys, const struct note_key *key)
{
    if (keys->count == AUDIT_KEYS_MAX)
        return "is one key too many";
    if (keys->count > 0 && strcmp(keys->keys[0].key.name, key->name) != 0)
        return "is of another vault than the first key";
    for (size_t i = 0; i < keys->count; i++)
        if (note_key_same(&keys->keys[i].key, key))
            return "names a key twice";
    return NULL;
}

const char *audit_keys_take(struct audit_keys *keys, const char *line)
{
    struct audit_key key;
    const struct audit_key *last = keys->count > 0 ? &keys->keys[keys->count - 1] : NULL;
    if (!line_parse(line, &key))
        return "is no verifier key (NAME+ID+BASE64), or has no `until ENTRIES FACTS` after it";
    const char *problem = follow_problem(keys, &key.key);
    if (problem != NULL)
        return problem;
    if (last != NULL && last->entries == NO_END)
        return "follows a key that has no end";
    if (last != NULL && (key.entries < last->entries || key.facts < last->facts))
        return "ends before the key before it";
    keys->keys[keys->count++] = key;
    return NULL;
}

bool audit_keys_parse(const char *text, struct audit_keys *keys, const char **problem)
{
    char line[AUDIT_KEY_LINE_SIZE];
    const char *wrong = NULL;
    keys->count = 0;
    while (wrong == NULL && *text != '\0') {
        size_t length = strcspn(text, "\n");
        if (length >= sizeof line) {
            wrong = "is too long";
            break;
        }
        memcpy(line, text, length);
        line[length] = '\0';
        wrong = audit_keys_take(keys, line);
        text += length + (text[length] == '\n');
    }
    if (wrong == NULL && keys->count > 0 && keys->keys[keys->count - 1].entries != NO_END)
        wrong = "has an end, and no other key follows";
    if (problem != NULL)
        *problem = wrong;
    return wrong == NULL;
}

void audit_keys_format(const struct audit_keys *keys, char text[AUDIT_KEYS_TEXT_SIZE])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < keys->count; i++) {
        if (i > 0)
            text[length++] = '\n';
        line_format(&keys->keys[i], text + length);
        length += strlen(text + length);
    }
}

const struct note_key *audit_keys_newest(const struct audit_keys *keys)
{
    return &keys->keys[keys->count - 1].key;
}

bool audit_keys_add(struct audit_keys *keys, const struct note_key *key, uint64_t entries, uint64_t facts)
{
    struct audit_key *last = &keys->keys[keys->count - 1];
    const struct audit_key *before = keys->count > 1 ? last - 1 : NULL;
    if (follow_problem(keys, key) != NULL || (before != NULL && (entries < before->entries || facts < before->facts)))
        return false;
    last->entries = entries;
    last->facts = facts;
    keys->keys[keys->count++] = (struct audit_key){.key = *key, .entries = NO_END, .facts = NO_END};
    return true;
}

bool audit_keys_prepend(struct audit_keys *keys, const struct note_key *key, uint64_t entries, uint64_t facts)
{
    const struct audit_key *first = &keys->keys[0];
    if (follow_problem(keys, key) != NULL || entries > first->entries || facts > first->facts)
        return false;
    memmove(keys->keys + 1, keys->keys, keys->count++ * sizeof *keys->keys);
    keys->keys[0] = (struct audit_key){.key = *key, .entries = entries, .facts = facts};
    return true;
}

bool audit_keys_limit(struct audit_keys *keys, uint64_t entries, uint64_t facts)
{
    bool changed = false;
    for (size_t i = 0; i + 1 < keys->count; i++) {
        struct audit_key *key = &keys->keys[i];
        changed = changed || key->entries > entries || key->facts > facts;
        key->entries = key->entries > entries ? entries : key->entries;
        key->facts = key->facts > facts ? facts : key->facts;
    }
    return changed;
}

/* From the newest on: what two keys have signed, as where one hands over to the next, is the newer one's. */
enum audit_verdict audit_keys_judge(const struct audit_keys *keys, const struct note *note, uint64_t entries,
                                    uint64_t facts, bool *newest)
{
    enum audit_verdict verdict = AUDIT_NOT_SIGNED;
    if (newest != NULL)
        *newest = false;
    for (size_t i = keys->count; i-- > 0;) {
        const struct audit_key *key = &keys->keys[i];
        enum note_verdict one = note_verify(note, &key->key);
        if (one == NOTE_GOOD && entries <= key->entries && facts <= key->facts) {
            if (newest != NULL)
                *newest = i + 1 == keys->count;
            return AUDIT_GOOD;
        }
        if (one != NOTE_NOT_SIGNED && verdict != AUDIT_BAD)
            verdict = one == NOTE_BAD ? AUDIT_BAD : AUDIT_BEYOND;
    }
    return verdict;
}

const char *audit_verdict_text(enum audit_verdict verdict)
{
    static const char *const texts[] = {
        [AUDIT_GOOD] = "is signed by the key",
        [AUDIT_BAD] = "has a signature that is not the key's: it was changed, or is forged",
        [AUDIT_NOT_SIGNED] = "is not signed by the key",
        [AUDIT_BEYOND] = "is signed by a key that had ended before",
    };
    return texts[verdict];
}
