/* SPDX-License-Identifier: Apache-2.0 */
/* token/pin_memory: a refused PIN is tried once; one that was accepted before is doubted in one environment, then in two, then wrong. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "token/pin/pin_memory.h"

static struct pin_memory memory;

static void setup(void)
{
    memset(&memory, 0, sizeof memory);
}

static struct pin_mark pin(uint8_t class)
{
    return pin_mark_of(class, "token", 5);
}

static struct pin_mark environment(char name)
{
    return (struct pin_mark){{(uint8_t)name, 1, 2, 3}};
}

START_TEST(a_class_is_one_byte_of_a_hash_over_the_whole_pin)
{
    unsigned seen[256] = {0}, used = 0;
    for (unsigned i = 0; i < 10000; i++) {
        char text[8];
        snprintf(text, sizeof text, "%04u", i);
        uint8_t class = pin_class_of(text, 4);
        ck_assert_uint_eq(class, pin_class_of(text, 4));
        used += seen[class]++ == 0;
    }
    ck_assert_uint_eq(used, 256); /* so each class leaves an attacker about 39 PINs of four digits */
    for (unsigned i = 0; i < 256; i++)
        ck_assert_uint_lt(seen[i], 100);
}
END_TEST

START_TEST(a_class_depends_on_each_byte)
{
    char text[64];
    memset(text, '5', sizeof text);
    for (size_t i = 0; i < sizeof text; i++) {
        unsigned others = 0;
        uint8_t class = pin_class_of(text, sizeof text);
        for (char digit = '0'; digit <= '9'; digit++) {
            text[i] = digit;
            others += pin_class_of(text, sizeof text) != class;
        }
        text[i] = '5';
        ck_assert_uint_ge(others, 7); /* of nine, of which two may be of the same class by chance */
    }
    ck_assert_uint_ne(pin_class_of(text, 8), pin_class_of(text, 9));
}
END_TEST

START_TEST(a_mark_is_of_a_pin_at_a_token)
{
    struct pin_mark one = pin_mark_of(1, "token", 5);
    struct pin_mark other_pin = pin_mark_of(2, "token", 5), other_token = pin_mark_of(1, "tokem", 5);
    ck_assert_mem_ne(&one, &other_pin, sizeof one);
    ck_assert_mem_ne(&one, &other_token, sizeof one);
}
END_TEST

START_TEST(a_wrong_pin_is_tried_once)
{
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('a')), PIN_TRY);
    ck_assert_int_eq(pin_memory_refuse(&memory, pin(1), environment('a')), PIN_REFUSED);
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('a')), PIN_REFUSED);
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('b')), PIN_REFUSED);
    ck_assert_int_eq(pin_memory_judge(&memory, pin(2), environment('a')), PIN_TRY);
}
END_TEST

START_TEST(a_success_does_not_forget_another_pins_refusal)
{
    pin_memory_refuse(&memory, pin(1), environment('a'));
    ck_assert(pin_memory_accept(&memory, pin(2)));
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('a')), PIN_REFUSED);
    ck_assert(pin_memory_accept(&memory, pin(1))); /* by somebody who typed it */
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('a')), PIN_TRY);
    ck_assert(!pin_memory_accept(&memory, pin(1))); /* nothing to write */
}
END_TEST

START_TEST(an_accepted_pin_is_doubted_where_it_is_refused)
{
    pin_memory_accept(&memory, pin(1));
    ck_assert_int_eq(pin_memory_refuse(&memory, pin(1), environment('a')), PIN_REFUSED_HERE);
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('a')), PIN_REFUSED_HERE);
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('b')), PIN_TRY);
    ck_assert(pin_memory_accept(&memory, pin(1)));
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('a')), PIN_TRY);
    /* a wrong one is not doubted */
    ck_assert_int_eq(pin_memory_refuse(&memory, pin(2), environment('a')), PIN_REFUSED);
}
END_TEST

START_TEST(two_environments_are_enough)
{
    pin_memory_accept(&memory, pin(1));
    pin_memory_refuse(&memory, pin(1), environment('a'));
    ck_assert_int_eq(pin_memory_refuse(&memory, pin(1), environment('b')), PIN_REFUSED);
    for (char name = 'a'; name <= 'd'; name++)
        ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment(name)), PIN_REFUSED);
    ck_assert_int_eq(pin_memory_judge(&memory, pin(2), environment('a')), PIN_TRY); /* a corrected file */
    pin_memory_accept(&memory, pin(2));
    ck_assert_int_eq(pin_memory_judge(&memory, pin(1), environment('a')), PIN_REFUSED);
}
END_TEST

START_TEST(a_third_environment_of_an_edited_record_is_enough)
{
    pin_memory_accept(&memory, pin(1));
    memory.doubts = (struct pin_marks){{environment('a'), environment('b')}, PIN_MEMORY_DOUBTS};
    ck_assert_int_eq(pin_memory_refuse(&memory, pin(1), environment('c')), PIN_REFUSED);
    ck_assert_uint_eq(memory.accepted.count + memory.doubts.count, 0);
}
END_TEST

START_TEST(the_latest_refusals_are_kept)
{
    for (uint8_t i = 0; i <= PIN_MEMORY_REFUSED; i++)
        ck_assert_int_eq(pin_memory_refuse(&memory, pin(i), environment('a')), PIN_REFUSED);
    ck_assert_int_eq(pin_memory_judge(&memory, pin(0), environment('a')), PIN_TRY);
    for (uint8_t i = 1; i <= PIN_MEMORY_REFUSED; i++)
        ck_assert_int_eq(pin_memory_judge(&memory, pin(i), environment('a')), PIN_REFUSED);
}
END_TEST

static void fill(uint8_t refused, unsigned doubts)
{
    pin_memory_accept(&memory, pin(200));
    for (unsigned i = 0; i < doubts; i++)
        pin_memory_refuse(&memory, pin(200), environment((char)('a' + i)));
    for (uint8_t i = 0; i < refused; i++)
        pin_memory_refuse(&memory, pin(i), environment('x'));
}

START_TEST(what_is_written_is_read)
{
    char text[PIN_MEMORY_TEXT_SIZE], again[PIN_MEMORY_TEXT_SIZE];
    struct pin_memory read;
    if (_i > 0)
        fill((uint8_t)(_i == 3 ? PIN_MEMORY_REFUSED : 1), (unsigned)_i - 1 < PIN_MEMORY_DOUBTS ? (unsigned)_i - 1 : 1);
    pin_memory_write(&memory, text);
    ck_assert_uint_lt(strlen(text), sizeof text);
    ck_assert_msg(pin_memory_read(text, &read), "%s", text);
    ck_assert_uint_eq(read.accepted.count, memory.accepted.count);
    ck_assert_uint_eq(read.refused.count, memory.refused.count);
    ck_assert_uint_eq(read.doubts.count, memory.doubts.count);
    pin_memory_write(&read, again);
    ck_assert_str_eq(text, again);
}
END_TEST

static const char *const damaged[] = {
    "accepted: 0011223\n",
    "accepted: 0011223g\n",
    "accepted: 00112233 00112233\n",
    "refused: 00112233",
    "refused:00112233\n",
    "refused: \n",
    "refused:  00112233\n",
    "doubted: 00112233\n",
    "accepted: 00112233\ndoubted: 00000000 00000001 00000002\n",
    ("refused: 00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 00000009 0000000a 0000000b "
     "0000000c\n"),
};

START_TEST(what_is_damaged_is_not_read)
{
    struct pin_memory read;
    ck_assert_msg(!pin_memory_read(damaged[_i], &read), "%s", damaged[_i]);
}
END_TEST

START_TEST(an_older_record_says_nothing_of_pins)
{
    struct pin_memory read;
    ck_assert(pin_memory_read("refused PIN file: 2049 131 6 1700000000.000000000 1700000000.000000000\n   \n", &read));
    ck_assert_uint_eq(read.accepted.count, 0);
    ck_assert_uint_eq(read.refused.count + read.doubts.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pin memory");
    TCase *cases = tcase_create("pin memory");
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, a_class_is_one_byte_of_a_hash_over_the_whole_pin);
    tcase_add_test(cases, a_class_depends_on_each_byte);
    tcase_add_test(cases, a_mark_is_of_a_pin_at_a_token);
    tcase_add_test(cases, a_wrong_pin_is_tried_once);
    tcase_add_test(cases, a_success_does_not_forget_another_pins_refusal);
    tcase_add_test(cases, an_accepted_pin_is_doubted_where_it_is_refused);
    tcase_add_test(cases, two_environments_are_enough);
    tcase_add_test(cases, a_third_environment_of_an_edited_record_is_enough);
    tcase_add_test(cases, the_latest_refusals_are_kept);
    tcase_add_loop_test(cases, what_is_written_is_read, 0, 4);
    tcase_add_loop_test(cases, what_is_damaged_is_not_read, 0, sizeof damaged / sizeof damaged[0]);
    tcase_add_test(cases, an_older_record_says_nothing_of_pins);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
