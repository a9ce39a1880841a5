/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator's side notes outside of the registry about acts that no checkpoint covers, one line each: docs/formats.md, "Unsigned acts". Pure. */
#ifndef LOG_TAIL_OWN_NOTE_H
#define LOG_TAIL_OWN_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/rows/rows.h"

enum own_note_kind {
    OWN_NOTE_ACT,       /* is about to be committed */
    OWN_NOTE_COMMITTED, /* the same, after its commit */
    OWN_NOTE_EXAMINED,  /* an operator or a restore has examined all entries and facts up to here */
    OWN_NOTE_KINDS
};

struct own_note {
    enum own_note_kind kind;
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t entry;                     /* of an act; the number of entries that were examined */
    uint8_t hash[REGISTRY_DIGEST_SIZE]; /* the entry's leaf hash; the root of the tree over them */
    uint64_t facts_before;              /* facts without the act; as `facts` if it added none, or they were examined */
    uint64_t facts;
    uint8_t head[REGISTRY_DIGEST_SIZE]; /* the hash over all of these */
};

#define OWN_NOTE_LINE_SIZE 320

/* Writes one line, with its end. */
void own_note_format(const struct own_note *note, char line[OWN_NOTE_LINE_SIZE]);
/* False: the line is not what own_note_format wrote, as after a power loss. */
bool own_note_parse(const char *line, struct own_note *note);

/* The notes of one era. All zero: none. */
struct own_notes {
    struct own_note *list; /* by number of entry, as own_notes_sort leaves them */
    size_t count;
    struct own_note *kept; /* of this process only: what it examined, or could not note */
    size_t kept_count;
};
void own_notes_sort(struct own_notes *notes);
/* False: no memory. */
bool own_notes_add(struct own_notes *notes, const struct own_note *note);
bool own_notes_keep(struct own_notes *notes, const struct own_note *note);
void own_notes_release(struct own_notes *notes);

/* Whether the entry is an act that was noted. *other: a note shows that another entry was committed under this number. */
bool own_notes_have_entry(const struct own_notes *notes, uint64_t entry, const uint8_t leaf[REGISTRY_DIGEST_SIZE],
                          bool *other);
/* The first entry behind the log's last one, `entries`, that a note shows to have been committed; 0: there is none. A note alone shows that of the
 * entry before its own one. */
uint64_t own_notes_missing(const struct own_notes *notes, uint64_t entries);

#endif
