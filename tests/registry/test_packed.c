/* SPDX-License-Identifier: Apache-2.0 */
/* A long detail of an entry is stored deflated, and is read as the same text; bytes that are no such text are damage. */
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/fixture.h"
#include "registry/log/log_rows.h"
#include "registry/log/packed_detail.h"

static struct fixture fixture;
static char text[3 * PACKED_LEAST];

static void set_up(void)
{
    fixture_open(&fixture);
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = "{\"rows\":[,]}"[i * i % 12];
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

START_TEST(a_text_is_packed_and_unpacked)
{
    size_t length = 0;
    bool damaged = true;
    uint8_t *bytes = packed_write(text, &length);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_lt(length, sizeof text / 4);
    char *again = packed_read(bytes, length, &damaged);
    ck_assert(!damaged);
    ck_assert_str_eq(again, text);
    free(again);
    free(bytes);
}
END_TEST

START_TEST(what_gains_nothing_stays_text)
{
    size_t length;
    char noise[2 * PACKED_LEAST];
    srand(1);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(1 + rand() % 255);
    noise[sizeof noise - 1] = '\0';
    ck_assert_ptr_null(packed_write(noise, &length));
    text[PACKED_LEAST - 1] = '\0';
    ck_assert_ptr_null(packed_write(text, &length));
    ck_assert_ptr_null(packed_write("", &length));
}
END_TEST

/* Every byte may be any other, and the end may be missing. */
START_TEST(other_bytes_are_damage_or_another_text)
{
    size_t length = 0;
    bool damaged;
    uint8_t *bytes = packed_write(text, &length);
    for (size_t cut = 0; cut < length; cut++) {
        ck_assert_ptr_null(packed_read(bytes, cut, &damaged));
        ck_assert(damaged);
    }
    for (size_t i = 0; i < length; i++) {
        bytes[i] ^= 0x55;
        char *other = packed_read(bytes, length, &damaged);
        ck_assert(damaged == (other == NULL));
        ck_assert(other == NULL || (strlen(other) == strlen(text) && strcmp(other, text) != 0));
        free(other);
        bytes[i] ^= 0x55;
    }
    bytes[0] = 0xff; /* a text that is too long */
    ck_assert_ptr_null(packed_read(bytes, length, &damaged));
    ck_assert(damaged);
    free(bytes);
}
END_TEST

/* Made by libdeflate alone, with these lengths. */
static bool is_damaged(char with, size_t size)
{
    bool damaged = false;
    char *long_text = malloc(size);
    uint8_t *bytes = malloc(size);
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(1);
    memset(long_text, with, size);
    size_t length = 4 + libdeflate_deflate_compress(compressor, long_text, size, bytes + 4, size - 4);
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(size >> (24 - 8 * i));
    free(packed_read(bytes, length, &damaged));
    libdeflate_free_compressor(compressor);
    free(bytes);
    free(long_text);
    return damaged;
}

START_TEST(a_text_has_no_nul_and_a_bound)
{
    ck_assert(!is_damaged('a', PACKED_LEAST));
    ck_assert(is_damaged('\0', PACKED_LEAST));
    ck_assert(!is_damaged('a', PACKED_MOST));
    ck_assert(is_damaged('a', PACKED_MOST + 1));
}
END_TEST

static sealring_status append(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_audit entry = {.time = 1, .act = "key.issue", .detail = context};
    memcpy(entry.operation_id, &fixture.operations, sizeof fixture.operations);
    return registry_audit_append(registry, &entry, error);
}

static sealring_status walk(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_audit entry;
    unsigned *good = context;
    struct registry_cursor entries = registry_audit_all(registry, error);
    while (registry_audit_next(&entries, &entry))
        *good += strcmp(entry.detail, entry.sequence == 2 ? "{}" : text) == 0;
    return registry_close_cursor(&entries, SEALRING_OK);
}

static void fill(void)
{
    static char *const details[] = {text, "{}", text};
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(fixture_write(&fixture, false, append, details[i]), SEALRING_OK);
}

START_TEST(entries_have_their_text)
{
    unsigned good = 0;
    fill();
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM audit WHERE detail IS NULL AND packed IS NOT NULL"),
                     2);
    ck_assert_int_eq(fixture_read(fixture.registry, walk, &good, &fixture.error), SEALRING_OK);
    ck_assert_uint_eq(good, 3);
}
END_TEST

static const char *const edits[] = {
    "UPDATE audit SET packed = x'00001000ff00' WHERE sequence = 3",
    "UPDATE audit SET detail = '{}' WHERE sequence = 3",
    "UPDATE audit SET packed = zeroblob(20) WHERE sequence = 2",
};

START_TEST(a_damaged_entry_is_an_error)
{
    unsigned good = 0;
    fill();
    ck_assert_int_eq(fixture_sql(&fixture, "DROP TRIGGER audit_fixed"), SQLITE_OK);
    ck_assert_int_eq(fixture_sql(&fixture, edits[_i]), SQLITE_OK);
    ck_assert_int_eq(fixture_read(fixture.registry, walk, &good, &fixture.error), SEALRING_REGISTRY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry/packed");
    TCase *cases = tcase_create("packed");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_text_is_packed_and_unpacked);
    tcase_add_test(cases, what_gains_nothing_stays_text);
    tcase_add_test(cases, other_bytes_are_damage_or_another_text);
    tcase_add_test(cases, a_text_has_no_nul_and_a_bound);
    tcase_add_test(cases, entries_have_their_text);
    tcase_add_loop_test(cases, a_damaged_entry_is_an_error, 0, sizeof edits / sizeof *edits);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
