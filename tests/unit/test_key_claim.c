/* SPDX-License-Identifier: Apache-2.0 */
/* credential/key_claim and claim_code: the texts, what is not read, and which change restricts. */
#include <string.h>

#include "credential/key_claim.h"
#include "lib/runner.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define CODE         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CODE_REST    "0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER        "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LONGEST      "2001:0db8:aaaa:bbbb:cccc:dddd:255.255.255.255"

static const char *const forms[] = {
    "",
    "0 claim " CODE " 1 1700000000000",
    "0 claim " CODE " " OTHER " - 1 1700000000000",
    "0 claim " CODE " " OTHER " 192.0.2.1 1 1700000000000",
    "1 claim " CODE " " OTHER " - - 1700000000001 1 1700000000000",
    "1 claim " CODE " " OTHER " " LONGEST " " LONGEST " 253402300799999 4294967295 253402300799999",
};

START_TEST(each_form_comes_back)
{
    char text[KEY_CLAIM_TEXT_SIZE];
    struct key_claim claim;
    ck_assert(key_claim_parse(forms[_i], &claim));
    key_claim_format(&claim, text);
    ck_assert_str_eq(text, forms[_i]);
    for (int i = 0; i < COUNT(forms); i++) {
        struct key_claim other;
        ck_assert(key_claim_parse(forms[i], &other));
        ck_assert_int_eq(key_claim_equal(&claim, &other), i == _i);
    }
}
END_TEST

static const char *const others[] = {
    "0",
    "0 claim",
    "claim " CODE " 1 1",
    "2 claim " CODE " 1 1",
    "1 claim " CODE " 1 1",
    "0 claim " CODE " 0 1",
    "0 claim " CODE " 1 0",
    "0 claim " CODE " 1 1 ",
    "0 claim " CODE " 01 1",
    "0 claim " CODE " 4294967296 1",
    "0 claim " CODE " 1 99999999999999999999",
    "0 claim " CODE "0 1 1",
    "0 claim 0" CODE " 1 1",
    "0 claim 0011 1 1",
    "0 claim g" CODE_REST " 1 1",
    "0 claim " CODE " g" CODE_REST " - 1 1",
    "0 claim " CODE " " OTHER " 1 1",
    "0 claim " CODE " " OTHER " x 1 1",
    "0 claim " CODE " - - 1 1",
    "0 claim " CODE " " OTHER " - - 1 1",
    "0 claim " CODE " " OTHER " - - 1 1 1",
    "1 claim " CODE " " OTHER " - 1 1",
    "1 claim " CODE " " OTHER " - - 0 1 1",
    "1 claim " CODE " " OTHER " - x 1 1 1",
    "1 claim " CODE " " OTHER " - - 1 1 1 ",
};

START_TEST(nothing_else_is_read)
{
    struct key_claim claim;
    ck_assert(!key_claim_parse(others[_i], &claim));
}
END_TEST

static bool within(const char *inner, const char *outer)
{
    struct key_claim one, other;
    ck_assert(key_claim_parse(inner, &one) && key_claim_parse(outer, &other));
    return key_claim_within(&one, &other);
}

/* From none to contested; and no other way round. */
START_TEST(what_restricts)
{
    static const char *const steps[] = {
        "0 claim " CODE " 1 1",
        "0 claim " CODE " " OTHER " 192.0.2.1 1 1",
        "1 claim " CODE " " OTHER " 192.0.2.1 192.0.2.2 7 1 1",
    };
    for (int i = 0; i < COUNT(steps); i++) {
        ck_assert(within("", steps[i]));
        ck_assert(!within(steps[i], ""));
        for (int j = 0; j < COUNT(steps); j++)
            ck_assert_int_eq(within(steps[j], steps[i]), j >= i);
    }
    ck_assert(within("", ""));
    ck_assert(!within("0 claim " OTHER " 1 1", steps[0]));
    ck_assert(!within("0 claim " CODE " 2 1", steps[0]));
    ck_assert(!within("0 claim " CODE " 1 2", steps[0]));
    ck_assert(!within("0 claim " CODE " " CODE " 192.0.2.1 1 1", steps[1]));
    ck_assert(!within("0 claim " CODE " " OTHER " 192.0.2.2 1 1", steps[1]));
    ck_assert(!within("1 claim " CODE " " OTHER " 192.0.2.2 192.0.2.2 7 1 1", steps[1]));
    ck_assert(!within("1 claim " CODE " " OTHER " 192.0.2.1 192.0.2.2 8 1 1", steps[2]));
}
END_TEST

START_TEST(codes)
{
    uint8_t random[CLAIM_CODE_RANDOM] = {0}, vault[16] = {0}, one[CLAIM_DIGEST_SIZE], other[CLAIM_DIGEST_SIZE];
    char text[CLAIM_CODE_SIZE], key_id[SEALRING_KEY_ID_LENGTH + 1];
    ck_assert(claim_code_format("0123456789abcdef", random, text));
    ck_assert_str_eq(text, "claim_0123456789abcdef_00000000000000000000002VuilC");
    ck_assert(claim_code_parse(text, CLAIM_CODE_LENGTH, key_id));
    ck_assert_str_eq(key_id, "0123456789abcdef");
    ck_assert(!claim_code_parse(text, CLAIM_CODE_LENGTH - 1, key_id));
    ck_assert(!claim_code_parse(text, 0, key_id));
    memcpy(text + CLAIM_CODE_LENGTH - 6, "zzzzzz", 6); /* above 2^32 */
    ck_assert(!claim_code_parse(text, CLAIM_CODE_LENGTH, key_id));
    ck_assert(claim_code_format("0123456789abcdef", random, text));
    claim_code_digest(vault, text, one);
    vault[0] = 1;
    claim_code_digest(vault, text, other);
    ck_assert(memcmp(one, other, sizeof one) != 0);
    for (size_t i = 0; i < CLAIM_CODE_LENGTH; i++) {
        char before = text[i];
        text[i] = '-';
        ck_assert(!claim_code_parse(text, CLAIM_CODE_LENGTH, key_id));
        text[i] = before == '1' ? '2' : '1';
        ck_assert(!claim_code_parse(text, CLAIM_CODE_LENGTH, key_id));
        text[i] = before;
    }
    memset(random, 255, sizeof random);
    ck_assert(!claim_code_format("0123456789abcdef", random, text));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key_claim");
    TCase *cases = tcase_create("key_claim");
    tcase_add_loop_test(cases, each_form_comes_back, 0, COUNT(forms));
    tcase_add_loop_test(cases, nothing_else_is_read, 0, COUNT(others));
    tcase_add_test(cases, what_restricts);
    tcase_add_test(cases, codes);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
