/* SPDX-License-Identifier: Apache-2.0 */
/* base/writer: big-endian numbers, fields with their length, never a byte past the end. */
#include <string.h>

#include "base/writer.h"
#include "lib/runner.h"

START_TEST(numbers_are_big_endian)
{
    static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                       0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    uint8_t data[sizeof expected];
    struct writer writer;
    writer_init(&writer, data, sizeof data);
    writer_u8(&writer, 0x01);
    writer_u16(&writer, 0x0203);
    writer_u32(&writer, 0x04050607);
    writer_u64(&writer, UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert(!writer.overflow);
    ck_assert_uint_eq(writer.length, sizeof expected);
    ck_assert_mem_eq(data, expected, sizeof expected);
}
END_TEST

START_TEST(field_has_its_length_before)
{
    uint8_t data[16];
    struct writer writer;
    writer_init(&writer, data, sizeof data);
    writer_field(&writer, "abc", 3);
    writer_field(&writer, "", 0);
    ck_assert_uint_eq(writer.length, 7);
    ck_assert_mem_eq(data,
                     "\x00\x03"
                     "abc\x00\x00",
                     7);
}
END_TEST

/* Every capacity from none to enough: nothing past it is touched, and overflow is told. */
START_TEST(never_writes_past_the_capacity)
{
    size_t capacity = (size_t)_i;
    uint8_t data[32];
    memset(data, 0xa5, sizeof data);
    struct writer writer;
    writer_init(&writer, data, capacity);
    writer_u64(&writer, 1);
    writer_field(&writer, "abcdef", 6);
    writer_u32(&writer, 2);
    ck_assert_int_eq(writer.overflow, capacity < 20);
    ck_assert_uint_le(writer.length, capacity);
    for (size_t i = capacity; i < sizeof data; i++)
        ck_assert_uint_eq(data[i], 0xa5);
}
END_TEST

START_TEST(overflow_stays)
{
    uint8_t data[4];
    struct writer writer;
    writer_init(&writer, data, sizeof data);
    writer_u16(&writer, 1);
    writer_u32(&writer, 2); /* does not fit */
    ck_assert(writer.overflow);
    writer_u8(&writer, 3); /* would fit */
    ck_assert(writer.overflow);
    ck_assert_uint_eq(writer.length, 2);
}
END_TEST

START_TEST(field_of_65535_bytes_fits_and_of_65536_does_not)
{
    static uint8_t content[65536];
    static uint8_t data[70000];
    struct writer writer;
    writer_init(&writer, data, sizeof data);
    writer_field(&writer, content, 65535);
    ck_assert(!writer.overflow);
    ck_assert_uint_eq(writer.length, 65537);
    ck_assert_uint_eq(data[0], 0xff);
    ck_assert_uint_eq(data[1], 0xff);
    writer_init(&writer, data, sizeof data);
    writer_field(&writer, content, 65536);
    ck_assert(writer.overflow);
    ck_assert_uint_eq(writer.length, 0);
}
END_TEST

START_TEST(huge_length_does_not_wrap)
{
    uint8_t data[8];
    struct writer writer;
    writer_init(&writer, data, sizeof data);
    writer_u8(&writer, 1);
    writer_bytes(&writer, data, SIZE_MAX);
    ck_assert(writer.overflow);
    ck_assert_uint_eq(writer.length, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writer");
    TCase *cases = tcase_create("writer");
    tcase_add_test(cases, numbers_are_big_endian);
    tcase_add_test(cases, field_has_its_length_before);
    tcase_add_loop_test(cases, never_writes_past_the_capacity, 0, 25);
    tcase_add_test(cases, overflow_stays);
    tcase_add_test(cases, field_of_65535_bytes_fits_and_of_65536_does_not);
    tcase_add_test(cases, huge_length_does_not_wrap);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
