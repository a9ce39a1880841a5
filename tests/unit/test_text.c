/* SPDX-License-Identifier: Apache-2.0 */
/* credential/text: written and read again; every change, cut and forgery is found; what is wrong is named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <openssl/evp.h>

#include <sealring/manage.h>

#include "base/base62.h"
#include "credential/credential_text.h"
#include "lib/runner.h"
#include "unit/seeded.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define KEY_ID       "9fK2mQ7xLw3RtB5n"
#define ZEROS        "0000000000000000000000000000000000000000000"
#define TWO_TO_256   "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2"
#define BELOW_IT     "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"

static uint64_t seed;

static const uint8_t zero_secret[TEXT_SECRET_SIZE];

/* A good text of which the tests change something. */
static size_t sample(char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1])
{
    uint8_t secret[TEXT_SECRET_SIZE];
    uint64_t state = 4711;
    seeded_fill(&state, secret, sizeof secret);
    size_t length = text_format("acme_live", KEY_ID, 3, secret, text);
    ck_assert_uint_eq(length, 78);
    return length;
}

/* What precedes the check digits, with check digits that are right. */
static size_t with_check(const char *body, char text[256])
{
    size_t length = strlen(body);
    ck_assert_uint_lt(length + BASE62_32_DIGITS, 256);
    memcpy(text, body, length);
    base62_encode_32(libdeflate_crc32(0, body, length), text + length);
    text[length + BASE62_32_DIGITS] = '\0';
    return length + BASE62_32_DIGITS;
}

/* In memory that ends where the text ends, so that a sanitizer or valgrind sees one byte too many. */
static enum text_problem parse_exactly(const char *text, size_t length, struct text_parts *parts, size_t *position)
{
    char *copy = malloc(length == 0 ? 1 : length);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    memset(parts, 0xa5, sizeof *parts);
    enum text_problem problem = text_parse(length == 0 ? copy + 1 : copy, length, parts, position);
    free(copy);
    return problem;
}

static void assert_refused_and_wiped(const char *text, size_t length)
{
    struct text_parts parts;
    size_t position = 0;
    if (parse_exactly(text, length, &parts, &position) == TEXT_GOOD)
        ck_abort_msg("%.*s was read", (int)length, text);
    if (memcmp(parts.secret, zero_secret, sizeof zero_secret) != 0)
        ck_abort_msg("%.*s: the secret was left behind", (int)length, text);
    ck_assert_uint_le(position, length);
}

START_TEST(what_is_written_is_read)
{
    static const struct {
        const char *prefix;
        uint32_t version;
        size_t length;
    } cases[] = {
        {"sr", 1, 71},
        {"a", 9, 70}, /* the shortest */
        {"acme_live", 10, 79},
        {"a_b_c_d", 999999999, 84},
        {"1", 1000000000, 79},
        {"a23456789012345678901234", UINT32_MAX, SEALRING_CREDENTIAL_LENGTH_MAX}, /* the longest */
    };
    uint64_t state = seed;
    for (int run = 0; run < 200; run++) {
        uint8_t secret[TEXT_SECRET_SIZE];
        seeded_fill(&state, secret, sizeof secret);
        char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
        struct text_parts parts;
        size_t position = 99;
        size_t length = text_format(cases[_i].prefix, KEY_ID, cases[_i].version, secret, text);
        ck_assert_uint_eq(length, cases[_i].length);
        ck_assert_uint_eq(strlen(text), length);
        ck_assert_int_eq(parse_exactly(text, length, &parts, &position), TEXT_GOOD);
        ck_assert_uint_eq(position, 0);
        ck_assert_str_eq(parts.prefix, cases[_i].prefix);
        ck_assert_str_eq(parts.key_id, KEY_ID);
        ck_assert_uint_eq(parts.version, cases[_i].version);
        ck_assert_mem_eq(parts.secret, secret, sizeof secret);
        ck_assert_int_eq(text_parse(text, length, &parts, NULL), TEXT_GOOD);
    }
}
END_TEST

START_TEST(only_well_formed_parts_are_written)
{
    static const struct {
        const char *prefix, *key_id;
        uint32_t version;
    } cases[] = {
        {"", KEY_ID, 1},
        {"Acme", KEY_ID, 1},
        {"acme_", KEY_ID, 1},
        {"a234567890123456789012345", KEY_ID, 1},
        {"sr", KEY_ID, 0},
        {"sr", "", 1},
        {"sr", "9fK2mQ7xLw3RtB5", 1},
        {"sr", KEY_ID "x", 1},
        {"sr", "9fK2mQ7x_w3RtB5n", 1},
        {"sr", "9fK2mQ7x\nw3RtB5n", 1},
    };
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1] = "unchanged";
    ck_assert_uint_eq(text_format(cases[_i].prefix, cases[_i].key_id, cases[_i].version, zero_secret, text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

/* Every one of the 255 other bytes in every place. */
START_TEST(every_single_change_is_found)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    size_t length = sample(text);
    for (size_t place = 0; place < length; place++) {
        char original = text[place];
        for (int byte = 0; byte < 256; byte++) {
            text[place] = (char)byte;
            if (text[place] != original)
                assert_refused_and_wiped(text, length);
        }
        text[place] = original;
    }
}
END_TEST

START_TEST(every_exchange_of_neighbours_is_found)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    size_t length = sample(text);
    for (size_t place = 0; place + 1 < length; place++) {
        char first = text[place];
        if (first != text[place + 1]) {
            text[place] = text[place + 1];
            text[place + 1] = first;
            assert_refused_and_wiped(text, length);
            text[place + 1] = text[place];
            text[place] = first;
        }
    }
}
END_TEST

START_TEST(every_cut_is_found)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    size_t length = sample(text);
    for (size_t start = 0; start <= length; start++) {
        for (size_t end = start; end <= length; end++)
            if (end - start < length)
                assert_refused_and_wiped(text + start, end - start);
    }
}
END_TEST

/* Each of the 256 bytes added in each place, the ends included. */
START_TEST(every_addition_is_found)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], longer[SEALRING_CREDENTIAL_LENGTH_MAX + 2];
    size_t length = sample(text);
    for (size_t place = 0; place <= length; place++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(longer, text, place);
            longer[place] = (char)byte;
            memcpy(longer + place + 1, text + place, length - place);
            assert_refused_and_wiped(longer, length + 1);
        }
    }
}
END_TEST

/* Texts whose check digits are right, so that each rule has to hold by itself. %: see with_check. */
struct forged_case {
    const char *body;
    enum text_problem problem;
    size_t position;
    const char *prefix; /* what is told nevertheless */
    const char *key_id;
    uint32_t version;
};

static const struct forged_case forged[] = {
    {"sr_" KEY_ID "_1_" ZEROS, TEXT_GOOD, 0, "sr", KEY_ID, 1},
    {"sr_" KEY_ID "_1_" BELOW_IT, TEXT_GOOD, 0, "sr", KEY_ID, 1},
    {"sr_" KEY_ID "_4294967295_" ZEROS, TEXT_GOOD, 0, "sr", KEY_ID, UINT32_MAX},
    {"sr_" KEY_ID "_1_" TWO_TO_256, TEXT_SECRET_RANGE, 22, "sr", KEY_ID, 1},
    {"sr_" KEY_ID "_1_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", TEXT_SECRET_RANGE, 22, "sr", KEY_ID, 1},
    {"sr_" KEY_ID "_0_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_00_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_01_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_4294967296_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_9999999999_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_12345678901_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_18446744073709551617_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_1a_" ZEROS, TEXT_BAD_VERSION, 21, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_x_" ZEROS, TEXT_BAD_VERSION, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "__" ZEROS "0", TEXT_BAD_STRUCTURE, 21, "", "", 0}, /* the secret one too long, no version */
    {"sr_" KEY_ID "_+1_" ZEROS, TEXT_BAD_CHARACTER, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_-1_" ZEROS, TEXT_BAD_CHARACTER, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_ 1_" ZEROS, TEXT_BAD_CHARACTER, 20, "sr", KEY_ID, 0},
    {"sr_" KEY_ID "_\xd9\xa3_" ZEROS, TEXT_BAD_CHARACTER, 20, "sr", KEY_ID, 0},     /* ARABIC-INDIC DIGIT THREE */
    {"sr_" KEY_ID "_\xef\xbc\x91_" ZEROS, TEXT_BAD_CHARACTER, 20, "sr", KEY_ID, 0}, /* FULLWIDTH DIGIT ONE */
    {"Sr_" KEY_ID "_1_" ZEROS, TEXT_BAD_PREFIX, 0, "", KEY_ID, 1},
    {"sR_" KEY_ID "_1_" ZEROS, TEXT_BAD_PREFIX, 1, "", KEY_ID, 1},
    {"_sr_" KEY_ID "_1_" ZEROS, TEXT_BAD_PREFIX, 0, "", KEY_ID, 1},
    {"s__r_" KEY_ID "_1_" ZEROS, TEXT_BAD_PREFIX, 2, "", KEY_ID, 1},
    {"sr__" KEY_ID "_1_" ZEROS, TEXT_BAD_PREFIX, 2, "", KEY_ID, 1},
    {"__" KEY_ID "_1_" ZEROS, TEXT_BAD_PREFIX, 0, "", KEY_ID, 1},
    {"_" KEY_ID "_1_" ZEROS "0", TEXT_BAD_STRUCTURE, 20, "", "", 0},
    {"a234567890123456789012345_" KEY_ID "_1_" ZEROS, TEXT_BAD_PREFIX, 24, "", KEY_ID, 1},
    {"SR_" KEY_ID "_0_" ZEROS, TEXT_BAD_PREFIX, 0, "", KEY_ID, 0}, /* both wrong: the first */
    {"s-r_" KEY_ID "_1_" ZEROS, TEXT_BAD_CHARACTER, 1, "", KEY_ID, 1},
    {"sr_9fK2mQ7xLw3RtB5_1_" ZEROS "0", TEXT_BAD_STRUCTURE, 21, "", "", 0},
    {"ssr_9fK2mQ7xLw3RtB5_1_" ZEROS, TEXT_BAD_STRUCTURE, 2, "", "", 0}, /* a key ID of 15 */
    {"sr_" KEY_ID "x_1_" ZEROS, TEXT_BAD_STRUCTURE, 3, "", "", 0},      /* of 17 */
    {"sr_9fK2mQ7x_w3RtB5n_1_" ZEROS, TEXT_BAD_STRUCTURE, 11, "", "", 0},
    {"sr_9fK2mQ7x.w3RtB5n_1_" ZEROS, TEXT_BAD_CHARACTER, 11, "", "", 0},
    {"sr_" KEY_ID "_1_000000000000000000000_000000000000000000000", TEXT_BAD_STRUCTURE, 43, "sr", KEY_ID, 1},
    {"sr_" KEY_ID "_1_00000000000000000000\xd9\xa3"
     "000000000000000000000",
     TEXT_BAD_CHARACTER, 42, "sr", KEY_ID, 1},
    {"sr." KEY_ID "_1_" ZEROS, TEXT_BAD_CHARACTER, 2, "", "", 0},
    {"sr_" KEY_ID "_1." ZEROS, TEXT_BAD_CHARACTER, 21, "", "", 0},
    {"srr" KEY_ID "_1_" ZEROS, TEXT_BAD_STRUCTURE, 2, "", "", 0},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", TEXT_BAD_STRUCTURE, 20, "", "", 0},
    {"________________________________________________________________", TEXT_BAD_STRUCTURE, 20, "", "", 0},
    {"a_b_1_" ZEROS "aaaaaaaaaaaaaaa", TEXT_BAD_STRUCTURE, 20, "", "", 0},
};

START_TEST(right_check_digits_do_not_help)
{
    const struct forged_case *expected = &forged[_i];
    char text[256];
    struct text_parts parts;
    size_t position = 999;
    size_t length = with_check(expected->body, text);
    enum text_problem problem = parse_exactly(text, length, &parts, &position);
    if (length > SEALRING_CREDENTIAL_LENGTH_MAX)
        ck_abort_msg("the case itself is too long");
    ck_assert_int_eq(problem, expected->problem);
    ck_assert_uint_eq(position, expected->position);
    ck_assert_str_eq(parts.prefix, expected->prefix);
    ck_assert_str_eq(parts.key_id, expected->key_id);
    ck_assert_uint_eq(parts.version, expected->version);
    if (problem != TEXT_GOOD)
        ck_assert_mem_eq(parts.secret, zero_secret, sizeof zero_secret);
}
END_TEST

START_TEST(bytes_that_people_paste_along_are_named)
{
    static const struct {
        const char *before, *after;
        size_t position;
    } cases[] = {
        {"", "\n", 78}, {"", "\r\n", 78},        {" ", "", 0},   {"\"", "\"", 0},
        {"", " ", 78},  {"\xef\xbb\xbf", "", 0}, {"", "\t", 78}, {"\xe2\x80\x8b", "", 0},
    };
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], pasted[SEALRING_CREDENTIAL_LENGTH_MAX + 10];
    struct text_parts parts;
    size_t position = 999;
    sample(text);
    int length = snprintf(pasted, sizeof pasted, "%s%s%s", cases[_i].before, text, cases[_i].after);
    ck_assert_int_eq(parse_exactly(pasted, (size_t)length, &parts, &position), TEXT_BAD_CHARACTER);
    ck_assert_uint_eq(position, cases[_i].position);
}
END_TEST

START_TEST(nul_ends_nothing)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 2];
    struct text_parts parts;
    size_t position = 0;
    size_t length = sample(text);
    ck_assert_int_eq(parse_exactly(text, length + 1, &parts, &position), TEXT_BAD_CHARACTER);
    ck_assert_uint_eq(position, length);
    text[12] = '\0';
    ck_assert_int_eq(parse_exactly(text, length, &parts, &position), TEXT_BAD_CHARACTER);
    ck_assert_uint_eq(position, 12);
}
END_TEST

START_TEST(wrong_check_digits_tell_what_else_the_text_says)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    struct text_parts parts;
    size_t position = 0;
    size_t length = sample(text);
    text[length - 20] = text[length - 20] == 'a' ? 'b' : 'a'; /* in the secret */
    ck_assert_int_eq(parse_exactly(text, length, &parts, &position), TEXT_BAD_CHECK);
    ck_assert_uint_eq(position, length - BASE62_32_DIGITS);
    ck_assert_str_eq(parts.prefix, "acme_live");
    ck_assert_str_eq(parts.key_id, KEY_ID);
    ck_assert_uint_eq(parts.version, 3);
    ck_assert_mem_eq(parts.secret, zero_secret, sizeof zero_secret);
    sample(text);
    memcpy(text + length - BASE62_32_DIGITS, "zzzzzz", BASE62_32_DIGITS); /* above 2^32 */
    ck_assert_int_eq(parse_exactly(text, length, &parts, &position), TEXT_BAD_CHECK);
}
END_TEST

START_TEST(lengths_are_judged_first)
{
    static char large[1 << 20];
    struct text_parts parts;
    size_t position = 5;
    memset(large, 'a', sizeof large);
    ck_assert_int_eq(parse_exactly(large, 0, &parts, &position), TEXT_TOO_SHORT);
    ck_assert_uint_eq(position, 0);
    ck_assert_int_eq(text_parse(NULL, 0, &parts, NULL), TEXT_TOO_SHORT);
    ck_assert_int_eq(parse_exactly(large, 69, &parts, &position), TEXT_TOO_SHORT);
    ck_assert_int_eq(parse_exactly(large, 70, &parts, &position), TEXT_BAD_STRUCTURE);
    ck_assert_int_eq(parse_exactly(large, 102, &parts, &position), TEXT_BAD_STRUCTURE);
    ck_assert_int_eq(parse_exactly(large, 103, &parts, &position), TEXT_TOO_LONG);
    ck_assert_uint_eq(position, SEALRING_CREDENTIAL_LENGTH_MAX);
    ck_assert_int_eq(parse_exactly(large, sizeof large, &parts, &position), TEXT_TOO_LONG);
    /* Not a byte of it is looked at: this is no address. */
    ck_assert_int_eq(text_parse((const char *)large, SIZE_MAX, &parts, &position), TEXT_TOO_LONG);
    ck_assert_mem_eq(parts.secret, zero_secret, sizeof zero_secret);
}
END_TEST

/* What a stranger sends. All of it is refused; should 1 in 2^32 ever be a credential, the seed tells. */
START_TEST(random_bytes_are_refused)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    uint64_t state = seed;
    for (int run = 0; run < 20000; run++) {
        char text[128];
        size_t length = seeded_next(&state) % sizeof text;
        seeded_fill(&state, (uint8_t *)text, length);
        for (size_t i = 0; run % 2 == 0 && i < length; i++)
            text[i] = alphabet[(unsigned char)text[i] % (sizeof alphabet - 1)];
        assert_refused_and_wiped(text, length);
    }
}
END_TEST

START_TEST(every_problem_has_words)
{
    for (int problem = TEXT_GOOD; problem <= TEXT_BAD_CHECK; problem++) {
        const char *words = text_problem_words((enum text_problem)problem);
        ck_assert_uint_gt(strlen(words), 10);
        for (int other = TEXT_GOOD; other < problem; other++)
            ck_assert_str_ne(words, text_problem_words((enum text_problem)other));
    }
    ck_assert_ptr_nonnull(text_problem_words((enum text_problem)(TEXT_BAD_CHECK + 1)));
    ck_assert_ptr_nonnull(text_problem_words((enum text_problem) - 1));
}
END_TEST

/* FIPS 180-4, the examples with "abc" and the empty message; and against EVP_sha256 for every length. */
START_TEST(digest_is_sha256)
{
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t digest[TEXT_DIGEST_SIZE], expected[TEXT_DIGEST_SIZE];
    char text[200];
    ck_assert(text_digest("abc", 3, digest));
    ck_assert_mem_eq(digest, abc, sizeof abc);
    memset(text, 'x', sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        ck_assert(text_digest(text, length, digest));
        ck_assert_int_eq(EVP_Digest(text, length, expected, NULL, EVP_sha256(), NULL), 1);
        ck_assert_mem_eq(digest, expected, sizeof expected);
    }
}
END_TEST

/* Finds the same as the reader, in texts good and bad; what it does not find, the reader refuses. */
static bool located(const char *text, size_t length)
{
    const char *key_id = NULL;
    uint32_t version = 0;
    struct text_parts parts;
    char *copy = malloc(length == 0 ? 1 : length);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    bool found = text_locate(copy, length, &key_id, &version);
    enum text_problem problem = text_parse(copy, length, &parts, NULL);
    if (found) {
        ck_assert(key_id >= copy + 2);
        ck_assert(key_id + SEALRING_KEY_ID_LENGTH < copy + length);
        ck_assert(parts.key_id[0] == '\0' || memcmp(key_id, parts.key_id, SEALRING_KEY_ID_LENGTH) == 0);
        ck_assert(parts.version == 0 || parts.version == version);
        ck_assert(text_check_matches(copy, length) ? problem != TEXT_BAD_CHECK : problem != TEXT_GOOD);
    } else {
        ck_assert_int_ne(problem, TEXT_GOOD);
    }
    free(copy);
    return found;
}

START_TEST(parts_are_located)
{
    char text[256], cut[256];
    size_t length = with_check(forged[_i].body, text);
    bool found = located(text, length);
    if (forged[_i].key_id[0] != '\0' && forged[_i].version != 0)
        ck_assert(found);
    if (forged[_i].problem == TEXT_BAD_VERSION)
        ck_assert(!found);
    for (size_t end = 0; end < length; end++)
        (void)located(text, end);
    for (size_t place = 0; place < length; place++) {
        for (const char *other = "_0a./:@[`{\x80"; *other != '\0'; other++) {
            memcpy(cut, text, length);
            cut[place] = *other;
            (void)located(cut, length);
        }
    }
}
END_TEST

START_TEST(random_bytes_are_not_located)
{
    static const char alphabet[] = "0123456789_";
    uint64_t state = seed;
    unsigned found = 0;
    for (int run = 0; run < 200000; run++) {
        char text[112];
        size_t length = seeded_next(&state) % sizeof text;
        seeded_fill(&state, (uint8_t *)text, length);
        for (size_t i = 0; run % 2 == 0 && i < length; i++)
            text[i] = alphabet[(unsigned char)text[i] % (sizeof alphabet - 1)];
        found += located(text, length);
    }
    ck_assert_uint_gt(found, 10); /* that with digits and separators only some have the structure, and agree */
}
END_TEST

START_TEST(explanation_of_a_good_text)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    sealring_explanation explanation;
    size_t length = sample(text);
    memset(&explanation, 0xff, sizeof explanation);
    sealring_explain(text, length, &explanation);
    ck_assert(explanation.well_formed);
    ck_assert(explanation.check_digits_match);
    ck_assert_str_eq(explanation.prefix, "acme_live");
    ck_assert_str_eq(explanation.key_id, KEY_ID);
    ck_assert_uint_eq(explanation.version, 3);
    ck_assert_str_eq(explanation.problem, "");
}
END_TEST

START_TEST(explanation_of_a_forged_text)
{
    const struct forged_case *expected = &forged[_i];
    char text[256], place[64];
    sealring_explanation explanation;
    size_t length = with_check(expected->body, text);
    sealring_explain(text, length, &explanation);
    ck_assert_int_eq(explanation.well_formed, expected->problem == TEXT_GOOD);
    ck_assert_int_eq(explanation.check_digits_match,
                     expected->problem == TEXT_GOOD || expected->problem == TEXT_SECRET_RANGE);
    ck_assert_str_eq(explanation.prefix, expected->prefix);
    ck_assert_str_eq(explanation.key_id, expected->key_id);
    ck_assert_uint_eq(explanation.version, expected->version);
    if (expected->problem != TEXT_GOOD) {
        (void)snprintf(place, sizeof place, "(at character %zu of %zu)", expected->position + 1, length);
        ck_assert_ptr_nonnull(strstr(explanation.problem, place));
        ck_assert_ptr_nonnull(strstr(explanation.problem, text_problem_words(expected->problem)));
        ck_assert_ptr_null(strstr(explanation.problem, text));
    }
}
END_TEST

START_TEST(explanation_of_other_lengths)
{
    sealring_explanation explanation;
    sealring_explain("", 0, &explanation);
    ck_assert(!explanation.well_formed);
    ck_assert_ptr_nonnull(strstr(explanation.problem, "too short"));
    ck_assert_ptr_nonnull(strstr(explanation.problem, "(0 characters)"));
    sealring_explain("x", SIZE_MAX, &explanation);
    ck_assert(!explanation.well_formed);
    ck_assert_ptr_nonnull(strstr(explanation.problem, "too long"));
    ck_assert_uint_lt(strlen(explanation.problem) + 1, sizeof explanation.problem);
}
END_TEST

START_TEST(public_times_and_durations)
{
    char text[SEALRING_TIME_SIZE];
    int64_t value = 0;
    sealring_error error;
    ck_assert_int_eq(sealring_time_parse("2026-11-21T20:15:00Z", &value, &error), SEALRING_OK);
    ck_assert_int_eq(value, INT64_C(1795292100000));
    sealring_time_format(value, text);
    ck_assert_str_eq(text, "2026-11-21T20:15:00Z");
    ck_assert_int_eq(sealring_time_parse("tomorrow\n", &value, &error), SEALRING_INVALID);
    ck_assert_int_eq(error.status, SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "\"tomorrow?\""));
    ck_assert_int_eq(sealring_time_parse(NULL, &value, NULL), SEALRING_INVALID);
    ck_assert_int_eq(sealring_duration_parse("1d12h", &value, &error), SEALRING_OK);
    ck_assert_int_eq(value, INT64_C(129600000));
    sealring_duration_format(value, text);
    ck_assert_str_eq(text, "1d12h");
    ck_assert_int_eq(sealring_duration_parse("1w", &value, &error), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "\"1w\""));
    ck_assert_int_eq(sealring_duration_parse(NULL, &value, NULL), SEALRING_INVALID);
    ck_assert_int_eq(value, INT64_C(129600000));
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("text");
    TCase *cases = tcase_create("text");
    tcase_add_loop_test(cases, what_is_written_is_read, 0, 6);
    tcase_add_loop_test(cases, only_well_formed_parts_are_written, 0, 10);
    tcase_add_test(cases, every_single_change_is_found);
    tcase_add_test(cases, every_exchange_of_neighbours_is_found);
    tcase_add_test(cases, every_cut_is_found);
    tcase_add_test(cases, every_addition_is_found);
    tcase_add_loop_test(cases, right_check_digits_do_not_help, 0, COUNT(forged));
    tcase_add_loop_test(cases, bytes_that_people_paste_along_are_named, 0, 8);
    tcase_add_test(cases, nul_ends_nothing);
    tcase_add_test(cases, wrong_check_digits_tell_what_else_the_text_says);
    tcase_add_test(cases, lengths_are_judged_first);
    tcase_add_test(cases, random_bytes_are_refused);
    tcase_add_test(cases, every_problem_has_words);
    tcase_add_test(cases, digest_is_sha256);
    tcase_add_loop_test(cases, parts_are_located, 0, COUNT(forged));
    tcase_add_test(cases, random_bytes_are_not_located);
    tcase_add_test(cases, explanation_of_a_good_text);
    tcase_add_loop_test(cases, explanation_of_a_forged_text, 0, COUNT(forged));
    tcase_add_test(cases, explanation_of_other_lengths);
    tcase_add_test(cases, public_times_and_durations);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
