/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that sign a vault's checkpoints, one after the other: how far each of them counts. Pure. */
#ifndef LOG_AUDIT_KEYS_H
#define LOG_AUDIT_KEYS_H

#include "log/signed_note.h"

#define AUDIT_KEYS_MAX       16
#define AUDIT_KEY_LINE_SIZE  (NOTE_KEY_TEXT_SIZE + 64)
#define AUDIT_KEYS_TEXT_SIZE (AUDIT_KEYS_MAX * AUDIT_KEY_LINE_SIZE)

/* entries, facts: the numbers that the last checkpoint of this key covers; what it has signed beyond counts for nothing, whoever signed it. The last key has no
 * end: UINT64_MAX. It counts for any size, because after a restore it signs a shorter log. */
struct audit_key {
    struct note_key key;
    uint64_t entries, facts;
};
struct audit_keys {
    size_t count; /* 0: nothing signs */
    struct audit_key keys[AUDIT_KEYS_MAX];
};

/* One line for each key, in the order in which they signed: "VKEY until ENTRIES FACTS", the last one "VKEY". Parsing is strict: the ends never decrease, all
 * keys have one name, and no key is named twice. *problem, if not NULL, is then the reason (static). */
bool audit_keys_parse(const char *text, struct audit_keys *keys, const char **problem);
/* Takes one line more. Returns what is wrong with it, which follows "the line …" (static), or NULL. Of the last one it is not checked that it has no end. */
const char *audit_keys_take(struct audit_keys *keys, const char *line);
void audit_keys_format(const struct audit_keys *keys, char text[AUDIT_KEYS_TEXT_SIZE]);

/* The key that signs. There must be one. */
const struct note_key *audit_keys_newest(const struct audit_keys *keys);

/* Adds the key that follows; the present one ends with what its last checkpoint covers. False: there are too many, or it is named already, or its name is
 * another one, or the present one would end before the one before it. */
bool audit_keys_add(struct audit_keys *keys, const struct note_key *key, uint64_t entries, uint64_t facts);

/* The same, for the one before the first key. */
bool audit_keys_prepend(struct audit_keys *keys, const struct note_key *key, uint64_t entries, uint64_t facts);

/* In a shorter log, such as a restored one, the former keys end with what that had. Returns whether one did not before. */
bool audit_keys_limit(struct audit_keys *keys, uint64_t entries, uint64_t facts);

enum audit_verdict {
    AUDIT_GOOD,       /* signed by a key that counts for this much */
    AUDIT_BAD,        /* a signature with the name and the ID of one of the keys is not valid */
    AUDIT_NOT_SIGNED, /* by none of the keys */
    AUDIT_BEYOND      /* signed by a key that had ended before this */
};
/* entries, facts: how much the note's text covers. *newest, if not NULL: the key that signs now has signed it. */
enum audit_verdict audit_keys_judge(const struct audit_keys *keys, const struct note *note, uint64_t entries,
                                    uint64_t facts, bool *newest);
/* What follows "the checkpoint …". */
const char *audit_verdict_text(enum audit_verdict verdict);

#endif
