/* SPDX-License-Identifier: Apache-2.0 */
/* Notes about acts that no checkpoint covers, and which entries without a note only restrict. */
#include <check.h>
#include <string.h>

#include "lib/runner.h"
#include "log/tail/entry_tail.h"
#include "log/tail/own_note.h"

static struct own_note a_note(enum own_note_kind kind, uint64_t entry, uint8_t leaf)
{
    struct own_note note = {.kind = kind, .entry = entry, .facts_before = 3, .facts = 5};
    memset(note.era, 0xe0, sizeof note.era);
    memset(note.hash, leaf, sizeof note.hash);
    memset(note.head, 0x5a, sizeof note.head);
    return note;
}

START_TEST(a_line_is_read_as_it_was_written)
{
    char line[OWN_NOTE_LINE_SIZE];
    struct own_note note = a_note((enum own_note_kind)_i, UINT64_MAX >> 1, 7), again;
    own_note_format(&note, line);
    ck_assert(own_note_parse(line, &again));
    ck_assert_int_eq(again.kind, note.kind);
    ck_assert_uint_eq(again.entry, note.entry);
    ck_assert_uint_eq(again.facts_before, 3);
    ck_assert_uint_eq(again.facts, 5);
    ck_assert_mem_eq(again.era, note.era, sizeof note.era);
    ck_assert_mem_eq(again.hash, note.hash, sizeof note.hash);
    ck_assert_mem_eq(again.head, note.head, sizeof note.head);
}
END_TEST

/* What a power loss or a full disk leaves of a line, and lines with one byte changed. */
START_TEST(no_other_line_is_a_note)
{
    char line[OWN_NOTE_LINE_SIZE], part[OWN_NOTE_LINE_SIZE];
    struct own_note note = a_note(OWN_NOTE_ACT, 12, 7), again;
    own_note_format(&note, line);
    for (size_t i = 0; line[i] != '\0'; i++) {
        memcpy(part, line, i);
        part[i] = '\0';
        ck_assert(!own_note_parse(part, &again));
        memcpy(part, line, sizeof part);
        part[i] ^= 0x20; /* also the spaces */
        ck_assert(!own_note_parse(part, &again) || memcmp(&again, &note, sizeof note) != 0);
    }
}
END_TEST

static struct own_notes notes;

static void add(enum own_note_kind kind, uint64_t entry, uint8_t leaf)
{
    struct own_note note = a_note(kind, entry, leaf);
    ck_assert(own_notes_add(&notes, &note));
    own_notes_sort(&notes);
}

static bool have(uint64_t entry, uint8_t leaf, bool *other)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    memset(hash, leaf, sizeof hash);
    return own_notes_have_entry(&notes, entry, hash, other);
}

START_TEST(an_entry_is_known_by_its_hash)
{
    bool other;
    add(OWN_NOTE_ACT, 8, 2);
    add(OWN_NOTE_EXAMINED, 9, 3);
    add(OWN_NOTE_ACT, 7, 9); /* was not committed */
    add(OWN_NOTE_ACT, 7, 1);
    add(OWN_NOTE_COMMITTED, 7, 1);
    ck_assert(have(7, 1, &other) && !other);
    ck_assert(have(8, 2, &other) && !other);
    ck_assert(!have(8, 1, &other) && !other); /* that note may be of an act that was not committed */
    ck_assert(!have(7, 5, &other) && other);
    ck_assert(!have(9, 3, &other) && !other); /* that is a root */
    ck_assert(!have(6, 1, &other) && !other);
    struct own_note kept = a_note(OWN_NOTE_ACT, 6, 4);
    ck_assert(own_notes_keep(&notes, &kept));
    ck_assert(have(6, 4, &other) && !other);
    own_notes_release(&notes);
}
END_TEST

START_TEST(what_was_committed_is_missed)
{
    ck_assert_uint_eq(own_notes_missing(&notes, 6), 0);
    add(OWN_NOTE_ACT, 7, 1);
    ck_assert_uint_eq(own_notes_missing(&notes, 6), 0); /* the process may have been killed before its commit */
    ck_assert_uint_eq(own_notes_missing(&notes, 5), 6); /* when it was noted there were six */
    add(OWN_NOTE_EXAMINED, 20, 1);
    ck_assert_uint_eq(own_notes_missing(&notes, 6), 0);
    add(OWN_NOTE_COMMITTED, 7, 1);
    ck_assert_uint_eq(own_notes_missing(&notes, 6), 7);
    ck_assert_uint_eq(own_notes_missing(&notes, 7), 0);
    ck_assert_uint_eq(own_notes_missing(&notes, 3), 4);
    own_notes_release(&notes);
}
END_TEST

/* None of these asks the registry. */
static const struct registry_audit no_restrictions[] = {
    {.act = "key.resume", .key_id = "0123456789abcdef", .detail = "{}"},
    {.act = "key.revoked", .key_id = "0123456789abcdef", .detail = "{}"},
    {.act = "key.revoke", .key_id = NULL, .detail = "{}"},
    {.act = "key.revoke", .key_id = "0123456789abcdef", .detail = NULL},
    {.act = "key.revoke", .key_id = "0123456789abcdef", .detail = "no JSON"},
    {.act = "key.revoke", .key_id = "0123456789abcdef", .detail = "{}"},
    {.act = "key.revoke", .key_id = "0123456789abcdef", .detail = "{\"rows\": []}"},
    {.act = "key.revoke", .key_id = "0123456789abcdef", .detail = "{\"rows\": [7]}"},
    {.act = "key.revoke", .key_id = "0123456789abcdef", .detail = "{\"rows\": [{\"table\": \"ring\", \"id\": 1}]}"},
    {.act = "key.suspend", .key_id = "0123456789abcdef", .detail = "{\"rows\": [{\"table\": \"api_key\", \"id\": 1}]}"},
};

START_TEST(nothing_else_is_a_restriction)
{
    bool restricts = true;
    sealring_error error = {.message = ""};
    ck_assert_int_eq(entry_restricts(NULL, &no_restrictions[_i], &restricts, &error), SEALRING_OK);
    ck_assert(!restricts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("own_note");
    TCase *cases = tcase_create("own_note");
    tcase_add_loop_test(cases, a_line_is_read_as_it_was_written, 0, OWN_NOTE_KINDS);
    tcase_add_test(cases, no_other_line_is_a_note);
    tcase_add_test(cases, an_entry_is_known_by_its_hash);
    tcase_add_test(cases, what_was_committed_is_missed);
    tcase_add_loop_test(cases, nothing_else_is_a_restriction, 0, sizeof no_restrictions / sizeof *no_restrictions);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
