/* SPDX-License-Identifier: Apache-2.0 */
/* base/base62: against OpenSSL's big numbers, at every boundary, and no digit more likely than another. */
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#include "base/base62.h"
#include "lib/runner.h"
#include "unit/seeded.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static uint64_t seed;

/* The digits by another way: division of a big number. */
static void encode_with_openssl(const uint8_t number[32], char digits[BASE62_256_DIGITS + 1])
{
    BIGNUM *rest = BN_bin2bn(number, 32, NULL);
    ck_assert_ptr_nonnull(rest);
    for (size_t i = BASE62_256_DIGITS; i-- > 0;)
        digits[i] = alphabet[BN_div_word(rest, 62)];
    digits[BASE62_256_DIGITS] = '\0';
    ck_assert(BN_is_zero(rest));
    BN_free(rest);
}

static void assert_both_ways(const uint8_t number[32])
{
    char expected[BASE62_256_DIGITS + 1], digits[BASE62_256_DIGITS + 1] = {0};
    uint8_t back[32];
    encode_with_openssl(number, expected);
    base62_encode_256(number, digits);
    ck_assert_str_eq(digits, expected);
    ck_assert(base62_decode_256(digits, back));
    ck_assert_mem_eq(back, number, 32);
}

/* Figures from Python's integers. */
START_TEST(known_numbers)
{
    static const struct {
        uint8_t first, middle, last;
        const char *digits;
    } cases[] = {
        {0, 0, 0, "0000000000000000000000000000000000000000000"},
        {0, 0, 1, "0000000000000000000000000000000000000000001"},
        {0, 0, 61, "000000000000000000000000000000000000000000z"},
        {0, 0, 62, "0000000000000000000000000000000000000000010"},
        {0x80, 0, 0, "ULrwNTJa3CHVaAVmO8lHlO4Afd3drtx651MXvhT4GuW"},
        {0xff, 0xff, 0xff, "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"},
    };
    uint8_t number[32];
    char digits[BASE62_256_DIGITS + 1] = {0};
    number[0] = cases[_i].first;
    memset(number + 1, cases[_i].middle, 30);
    number[31] = cases[_i].last;
    base62_encode_256(number, digits);
    ck_assert_str_eq(digits, cases[_i].digits);
    assert_both_ways(number);
}
END_TEST

START_TEST(random_numbers_agree_with_openssl)
{
    uint64_t state = seed;
    uint8_t number[32];
    for (int i = 0; i < 3000; i++) {
        seeded_fill(&state, number, sizeof number);
        memset(number, 0, (size_t)i % 33); /* short ones, too */
        assert_both_ways(number);
    }
}
END_TEST

START_TEST(single_bits_and_their_neighbours_agree_with_openssl)
{
    for (int bit = 0; bit < 256; bit++) {
        uint8_t number[32] = {0};
        number[31 - bit / 8] = (uint8_t)(1U << bit % 8);
        assert_both_ways(number);
        for (size_t i = 31; number[i]-- == 0; i--) { /* minus 1 */
        }
        assert_both_ways(number);
    }
}
END_TEST

START_TEST(two_to_the_256_and_above_is_refused)
{
    static const char *const cases[] = {
        "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2", "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xq0",
        "z000000000000000000000000000000000000000000", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "yi00000000000000000000000000000000000000000", "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xpz",
    };
    static const uint8_t zero[32];
    uint8_t number[32];
    memset(number, 0xa5, sizeof number);
    ck_assert(!base62_decode_256(cases[_i], number));
    ck_assert_mem_eq(number, zero, sizeof zero); /* nothing of it is left */
}
END_TEST

START_TEST(any_other_character_in_any_place_is_refused)
{
    char digits[BASE62_256_DIGITS];
    uint8_t number[32];
    size_t refused = 0;
    for (size_t place = 0; place < BASE62_256_DIGITS; place++) {
        for (int character = 0; character < 256; character++) {
            memset(digits, '0', sizeof digits);
            digits[place] = (char)character;
            bool digit = character != 0 && strchr(alphabet, character) != NULL;
            bool fits = place > 0 || character != 'z';
            if (base62_decode_256(digits, number) != (digit && fits))
                ck_abort_msg("character %d at place %zu", character, place);
            refused += digit ? 0 : 1;
        }
    }
    ck_assert_uint_eq(refused, BASE62_256_DIGITS * (256 - 62));
}
END_TEST

START_TEST(numbers_of_32_bits)
{
    static const struct {
        uint32_t number;
        const char *digits;
    } cases[] = {{0, "000000"}, {61, "00000z"}, {62, "000010"}, {UINT32_MAX, "4gfFC3"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char digits[BASE62_32_DIGITS + 1] = {0};
        uint32_t number = ~cases[i].number;
        base62_encode_32(cases[i].number, digits);
        ck_assert_str_eq(digits, cases[i].digits);
        ck_assert(base62_decode_32(digits, &number));
        ck_assert_uint_eq(number, cases[i].number);
    }
    uint64_t state = seed + 1;
    for (int i = 0; i < 2000; i++) {
        char digits[BASE62_32_DIGITS];
        uint32_t number = (uint32_t)seeded_next(&state), back = ~number;
        base62_encode_32(number, digits);
        ck_assert(base62_decode_32(digits, &back));
        ck_assert_uint_eq(back, number);
    }
}
END_TEST

START_TEST(what_is_no_number_of_32_bits_is_refused)
{
    static const char *const cases[] = {"4gfFC4", "4gfFD0", "500000", "zzzzzz",
                                        "00000_", " 00000", "0000-1", "00\xd9\xa3zz"};
    uint32_t number = 77;
    ck_assert(!base62_decode_32(cases[_i], &number));
    ck_assert_uint_eq(number, 77);
}
END_TEST

START_TEST(digits_are_the_alphabet_and_nothing_else)
{
    for (int character = 0; character < 256; character++) {
        bool expected = character != 0 && strchr(alphabet, character) != NULL;
        ck_assert_int_eq(base62_is_digit((char)character), expected);
    }
}
END_TEST

/* Every byte in every place of texts of every length, with and without a further character that is allowed. */
START_TEST(the_first_other_character_is_found)
{
    char text[70];
    memset(text, 'Z', sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        char *copy = malloc(length + 1); /* so that a sanitizer sees one byte too many */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, length);
        ck_assert_uint_eq(base62_find_other(copy, length, '0'), length);
        for (size_t place = 0; place < length; place++) {
            for (int character = 0; character < 256; character++) {
                bool digit = character != 0 && strchr(alphabet, character) != NULL;
                copy[place] = (char)character;
                if (base62_find_other(copy, length, '0') != (digit ? length : place) ||
                    base62_find_other(copy, length, '_') != (digit || character == '_' ? length : place))
                    ck_abort_msg("character %d at place %zu of %zu", character, place, length);
            }
            copy[place] = '-';
            copy[length - 1] = '+'; /* a later one is not told */
            ck_assert_uint_eq(base62_find_other(copy, length, '_'), place);
            memcpy(copy, text, length);
        }
        free(copy);
    }
}
END_TEST

START_TEST(random_bytes_give_every_digit_equally_often)
{
    uint8_t random[256];
    char digits[256];
    size_t counts[62] = {0};
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)i;
    size_t made = base62_from_random(random, sizeof random, digits, sizeof digits);
    ck_assert_uint_eq(made, 248); /* 4 * 62; the eight bytes above would favour eight digits */
    for (size_t i = 0; i < made; i++) {
        const char *place = strchr(alphabet, digits[i]);
        ck_assert_ptr_nonnull(place);
        counts[place - alphabet]++;
    }
    for (size_t i = 0; i < 62; i++)
        ck_assert_uint_eq(counts[i], 4);
}
END_TEST

START_TEST(random_bytes_stop_when_enough_or_when_they_run_out)
{
    static const uint8_t random[] = {255, 0, 248, 61, 10, 36};
    char digits[4] = "....";
    ck_assert_uint_eq(base62_from_random(random, sizeof random, digits, 2), 2);
    ck_assert_mem_eq(digits, "0z..", 4);
    ck_assert_uint_eq(base62_from_random(random, 3, digits, 4), 1);
    ck_assert_uint_eq(base62_from_random(random + 4, 2, digits, 4), 2);
    ck_assert_mem_eq(digits, "Aa", 2);
    ck_assert_uint_eq(base62_from_random(random, 0, digits, 4), 0);
}
END_TEST

START_TEST(hexadecimal_is_lower_case_and_ends)
{
    static const uint8_t bytes[] = {0x00, 0x09, 0xaf, 0xff};
    char text[10] = "#########";
    hex_encode(bytes, sizeof bytes, text);
    ck_assert_str_eq(text, "0009afff");
    hex_encode(bytes, 0, text);
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("base62");
    TCase *cases = tcase_create("base62");
    tcase_add_loop_test(cases, known_numbers, 0, 6);
    tcase_add_test(cases, random_numbers_agree_with_openssl);
    tcase_add_test(cases, single_bits_and_their_neighbours_agree_with_openssl);
    tcase_add_loop_test(cases, two_to_the_256_and_above_is_refused, 0, 6);
    tcase_add_test(cases, any_other_character_in_any_place_is_refused);
    tcase_add_test(cases, numbers_of_32_bits);
    tcase_add_loop_test(cases, what_is_no_number_of_32_bits_is_refused, 0, 8);
    tcase_add_test(cases, digits_are_the_alphabet_and_nothing_else);
    tcase_add_test(cases, the_first_other_character_is_found);
    tcase_add_test(cases, random_bytes_give_every_digit_equally_often);
    tcase_add_test(cases, random_bytes_stop_when_enough_or_when_they_run_out);
    tcase_add_test(cases, hexadecimal_is_lower_case_and_ends);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
