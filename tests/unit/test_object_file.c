/* SPDX-License-Identifier: Apache-2.0 */
/* Files of SoftHSM2's object store: what is whole, what is a token, what holds nothing, and what is changed in a copy. */
#include <check.h>
#include <string.h>

#include "lib/runner.h"
#include "softhsm/object_file.h"

#define TOKEN_LABEL  UINT64_C(0x80005349)
#define TOKEN_SERIAL UINT64_C(0x8000534a)
#define TOKEN_FLAGS  UINT64_C(0x8000534b)
#define TOKEN_SO_PIN UINT64_C(0x8000534c)
#define TOKEN_PIN    UINT64_C(0x8000534d)

struct content {
    uint8_t bytes[1024];
    size_t length;
};

static void add_number(struct content *content, uint64_t number)
{
    for (int i = 7; i >= 0; i--)
        content->bytes[content->length++] = (uint8_t)(number >> 8 * i);
}

static void add_boolean(struct content *content, uint64_t type, bool value)
{
    add_number(content, type);
    add_number(content, 1);
    content->bytes[content->length++] = value ? 0xff : 0x00;
}

static void add_ulong(struct content *content, uint64_t type, uint64_t value)
{
    add_number(content, type);
    add_number(content, 2);
    add_number(content, value);
}

static void add_bytes(struct content *content, uint64_t type, size_t length)
{
    add_number(content, type);
    add_number(content, 3);
    add_number(content, length);
    memset(content->bytes + content->length, 0x5a, length);
    content->length += length;
}

/* As SoftHSM2 2.6.1 writes a secret key that signs, cut to a few attributes. */
static struct content key(size_t value_length)
{
    struct content content = {.length = 0};
    add_number(&content, 7);
    add_ulong(&content, 0x0000, 4); /* CKA_CLASS: CKO_SECRET_KEY */
    add_boolean(&content, 0x0001, true);
    add_bytes(&content, 0x0011, value_length); /* CKA_VALUE */
    add_bytes(&content, 0x0102, 48);           /* CKA_ID */
    add_boolean(&content, 0x0108, true);       /* CKA_SIGN */
    return content;
}

static struct content token(bool with_pin)
{
    struct content content = {.length = 0};
    add_number(&content, 12);
    add_bytes(&content, TOKEN_LABEL, 32);
    add_bytes(&content, TOKEN_SERIAL, 16);
    add_ulong(&content, TOKEN_FLAGS, 0x42d);
    add_bytes(&content, TOKEN_SO_PIN, 72);
    if (with_pin)
        add_bytes(&content, TOKEN_PIN, 72);
    return content;
}

START_TEST(a_whole_file_is_known_from_every_part_of_it)
{
    struct content whole = key(64);
    ck_assert(object_file_is_whole(whole.bytes, whole.length));
    for (size_t length = 0; length < whole.length; length++)
        ck_assert_msg(!object_file_is_whole(whole.bytes, length) ||
                          !object_file_covers(whole.bytes, length, whole.bytes, whole.length),
                      "the first %zu of %zu bytes", length, whole.length);
}
END_TEST

/* SoftHSM2 adds what is missing in a file that was cut short, with values of its own. */
START_TEST(what_was_filled_in_is_not_as_it_was)
{
    struct content whole = key(64), filled = key(0), other = whole;
    ck_assert(object_file_is_whole(filled.bytes, filled.length));
    ck_assert(!object_file_covers(filled.bytes, filled.length, whole.bytes, whole.length));
    other.bytes[8 + 24 + 17 + 24] ^= 1; /* in CKA_VALUE */
    ck_assert(!object_file_covers(other.bytes, other.length, whole.bytes, whole.length));
    other = whole;
    other.bytes[other.length - 1] = 0x00; /* CKA_SIGN may change */
    ck_assert(object_file_covers(other.bytes, other.length, whole.bytes, whole.length));
}
END_TEST

START_TEST(damage_is_no_whole_file)
{
    struct content whole = key(64), other;
    other = whole;
    memset(other.bytes, 0, other.length);
    ck_assert(!object_file_is_whole(other.bytes, other.length));
    other = whole;
    memset(other.bytes + 8, 0, other.length - 8); /* the blocks after the first did not reach the disk */
    ck_assert(!object_file_is_whole(other.bytes, other.length));
    other = whole;
    add_number(&other, 0x0109); /* the remains of a longer file */
    ck_assert(!object_file_is_whole(other.bytes, other.length));
    other = whole;
    add_boolean(&other, 0x0108, false); /* an attribute twice */
    ck_assert(!object_file_is_whole(other.bytes, other.length));
    other = whole;
    other.bytes[other.length - 1] = 0x01; /* a boolean is 00 or ff */
    ck_assert(!object_file_is_whole(other.bytes, other.length));
    other = whole;
    memset(other.bytes + 8 + 24 + 17 + 16, 0xff, 8); /* a length beyond the end */
    ck_assert(!object_file_is_whole(other.bytes, other.length));
    ck_assert(!object_file_is_whole(whole.bytes, 0));
}
END_TEST

START_TEST(a_tokens_file_has_its_label_and_pins)
{
    struct content with = token(true), without = token(false), object = key(64);
    ck_assert(object_file_is_token(with.bytes, with.length, true));
    ck_assert(object_file_is_token(with.bytes, with.length, false));
    ck_assert(!object_file_is_token(without.bytes, without.length, true));
    ck_assert(object_file_is_token(without.bytes, without.length, false));
    ck_assert(!object_file_is_token(object.bytes, object.length, false));
    for (size_t length = 0; length < without.length; length++)
        ck_assert(!object_file_is_token(with.bytes, length, false));
}
END_TEST

START_TEST(a_half_made_object_holds_nothing)
{
    struct content whole = key(64), no_value = key(0), empty = {.length = 0}, number = {.length = 0},
                   public = {.length = 0};
    add_number(&number, 1);
    add_number(&public, 1);
    add_ulong(&public, 0, 2);
    ck_assert(!object_file_holds_nothing(whole.bytes, whole.length));
    ck_assert(object_file_holds_nothing(no_value.bytes, no_value.length));
    ck_assert(object_file_holds_nothing(empty.bytes, empty.length));
    ck_assert(object_file_holds_nothing(number.bytes, number.length));
    ck_assert(!object_file_holds_nothing(public.bytes, public.length));   /* has no CKA_VALUE by its nature */
    ck_assert(!object_file_holds_nothing(whole.bytes, whole.length - 1)); /* damaged: something was there */
}
END_TEST

START_TEST(a_closed_copy_differs_in_one_byte)
{
    struct content open = key(64), closed = open;
    size_t differ = 0;
    object_file_close(closed.bytes, closed.length);
    for (size_t i = 0; i < open.length; i++)
        differ += open.bytes[i] != closed.bytes[i];
    ck_assert_uint_eq(differ, 1);
    ck_assert_uint_eq(closed.bytes[closed.length - 1], 0);
    ck_assert(object_file_is_whole(closed.bytes, closed.length));
}
END_TEST

/* A set begins with the number of its members, a map and a byte string with the number of their bytes. */
START_TEST(each_kind_of_value_has_its_length)
{
    static const size_t units[] = {[3] = 1, [4] = 1, [5] = 8};
    for (uint64_t kind = 0; kind <= 6; kind++) {
        struct content file = key(64);
        size_t unit = kind < sizeof units / sizeof units[0] ? units[kind] : 0;
        add_number(&file, 0x40000600); /* CKA_ALLOWED_MECHANISMS */
        add_number(&file, kind);
        add_number(&file, kind == 1 ? 0 : 2);
        file.length += 2 * unit; /* zeros */
        if (kind == 1)
            file.length -= 7;
        ck_assert_int_eq(object_file_is_whole(file.bytes, file.length), kind >= 1 && kind <= 5);
        ck_assert(!object_file_is_whole(file.bytes, file.length - 1));
    }
}
END_TEST

START_TEST(a_restored_files_number_is_above_all_that_were_seen)
{
    struct content file = key(64);
    ck_assert_uint_eq(object_file_generation(file.bytes), 7);
    object_file_renew_generation(file.bytes);
    uint64_t renewed = object_file_generation(file.bytes);
    ck_assert_uint_gt(renewed, 7 + OBJECT_FILE_GENERATIONS);
    object_file_renew_generation(file.bytes);
    ck_assert_uint_gt(object_file_generation(file.bytes), renewed + OBJECT_FILE_GENERATIONS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("object_file");
    TCase *cases = tcase_create("object_file");
    tcase_add_test(cases, a_whole_file_is_known_from_every_part_of_it);
    tcase_add_test(cases, what_was_filled_in_is_not_as_it_was);
    tcase_add_test(cases, damage_is_no_whole_file);
    tcase_add_test(cases, a_tokens_file_has_its_label_and_pins);
    tcase_add_test(cases, a_half_made_object_holds_nothing);
    tcase_add_test(cases, a_closed_copy_differs_in_one_byte);
    tcase_add_test(cases, each_kind_of_value_has_its_length);
    tcase_add_test(cases, a_restored_files_number_is_above_all_that_were_seen);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
