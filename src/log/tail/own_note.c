/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator's side notes outside of the registry about acts that no checkpoint covers, one line each: docs/formats.md, "Unsigned acts". Pure. */
#include "log/tail/own_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/base62.h"

#define ERA_DIGITS  (2 * REGISTRY_ID_SIZE)
#define HASH_DIGITS (2 * REGISTRY_DIGEST_SIZE)

static const char *const words[OWN_NOTE_KINDS] = {
    [OWN_NOTE_ACT] = "act", [OWN_NOTE_COMMITTED] = "committed", [OWN_NOTE_EXAMINED] = "examined"};

void own_note_format(const struct own_note *note, char line[OWN_NOTE_LINE_SIZE])
{
    char era[ERA_DIGITS + 1], hash[HASH_DIGITS + 1], head[HASH_DIGITS + 1];
    hex_encode(note->era, sizeof note->era, era);
    hex_encode(note->hash, sizeof note->hash, hash);
    hex_encode(note->head, sizeof note->head, head);
    snprintf(line, OWN_NOTE_LINE_SIZE, "%s %s %" PRIu64 " %s %" PRIu64 " %" PRIu64 " %s\n", words[note->kind], era,
             note->entry, hash, note->facts_before, note->facts, head);
}

bool own_note_parse(const char *line, struct own_note *note)
{
    char word[16] = "", era[ERA_DIGITS + 1] = "", hash[HASH_DIGITS + 1] = "", head[HASH_DIGITS + 1] = "";
    char again[OWN_NOTE_LINE_SIZE];
    /* A number that does not fit is noticed when the line is formatted again and compared. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    int read = sscanf(line, "%15s %32s %" SCNu64 " %64s %" SCNu64 " %" SCNu64 " %64s", word, era, &note->entry, hash,
                      &note->facts_before, &note->facts, head);
    if (read != 7 || strlen(era) != ERA_DIGITS || strlen(hash) != HASH_DIGITS || strlen(head) != HASH_DIGITS ||
        !hex_decode(era, note->era, sizeof note->era) || !hex_decode(hash, note->hash, sizeof note->hash) ||
        !hex_decode(head, note->head, sizeof note->head))
        return false;
    for (note->kind = OWN_NOTE_ACT; note->kind < OWN_NOTE_KINDS; note->kind++) {
        if (strcmp(word, words[note->kind]) != 0)
            continue;
        own_note_format(note, again);
        return strcmp(line, again) == 0;
    }
    return false;
}

/* ---- the notes of one era ---- */

static int by_entry(const void *one, const void *other)
{
    const struct own_note *first = one, *second = other;
    return first->entry < second->entry ? -1 : first->entry > second->entry;
}

void own_notes_sort(struct own_notes *notes)
{
    if (notes->count > 1)
        qsort(notes->list, notes->count, sizeof *notes->list, by_entry);
}

bool own_notes_add(struct own_notes *notes, const struct own_note *note)
{
    if (!array_grow(&notes->list, notes->count))
        return false;
    notes->list[notes->count++] = *note;
    return true;
}

bool own_notes_keep(struct own_notes *notes, const struct own_note *note)
{
    if (!array_grow(&notes->kept, notes->kept_count))
        return false;
    notes->kept[notes->kept_count++] = *note;
    return true;
}

void own_notes_release(struct own_notes *notes)
{
    free(notes->list);
    free(notes->kept);
    *notes = (struct own_notes){.count = 0};
}

static bool is_noted(const struct own_note *note, uint64_t entry, const uint8_t leaf[REGISTRY_DIGEST_SIZE])
{
    return note->kind != OWN_NOTE_EXAMINED && note->entry == entry && memcmp(note->hash, leaf, sizeof note->hash) == 0;
}

bool own_notes_have_entry(const struct own_notes *notes, uint64_t entry, const uint8_t leaf[REGISTRY_DIGEST_SIZE],
                          bool *other)
{
    const struct own_note wanted = {.entry = entry};
    bool have = false;
    *other = false;
    size_t place = array_place(notes->list, notes->count, sizeof *notes->list, &wanted, by_entry);
    for (; place < notes->count && notes->list[place].entry == entry; place++) {
        bool same = is_noted(&notes->list[place], entry, leaf);
        have = have || same;
        *other = *other || (!same && notes->list[place].kind == OWN_NOTE_COMMITTED);
    }
    for (size_t i = 0; i < notes->kept_count; i++)
        have = have || is_noted(&notes->kept[i], entry, leaf);
    return have;
}

uint64_t own_notes_missing(const struct own_notes *notes, uint64_t entries)
{
    for (size_t i = notes->count; i > 0 && notes->list[i - 1].entry > entries; i--) {
        const struct own_note *note = &notes->list[i - 1];
        if (note->kind != OWN_NOTE_EXAMINED && (note->kind == OWN_NOTE_COMMITTED || note->entry > entries + 1))
            return entries + 1;
    }
    return 0;
}
