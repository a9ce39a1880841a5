/* SPDX-License-Identifier: Apache-2.0 */
/* What a stranger can make of a credential: each place changed, cut, doubled, in every wrong form. None is ever accepted. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include <sealring/manage.h>

#include "base/base62.h"
#include "lib/runner.h"
#include "lib/test_vault.h"

#define CHECK_DIGITS  BASE62_32_DIGITS
#define SECRET_DIGITS BASE62_256_DIGITS

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static struct test_vault vault;
static sealring_vault *verifier;
static char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
static size_t length;
static char key_id[SEALRING_KEY_ID_LENGTH + 1];
static char secret[SECRET_DIGITS + 1];
static long long changes; /* the registry's state before */

static long long registry_state(void)
{
    return test_vault_number(&vault,
                             "SELECT (SELECT epoch FROM vault) * 1000000 + (SELECT count(*) FROM audit) * 1000 + "
                             "(SELECT count(*) FROM credential)");
}

static void setup(void)
{
    test_vault_make(&vault);
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "acme_live", 60000);
    test_vault_issue(manager, "payments", "acme-mobile", "write read", text, key_id);
    sealring_manager_close(&manager);
    length = strlen(text);
    memcpy(secret, text + length - CHECK_DIGITS - SECRET_DIGITS, SECRET_DIGITS);
    verifier = test_vault_open(&vault);
    test_vault_expect(verifier, text, NULL, SEALRING_ACCEPTED);
    changes = registry_state();
}

static void teardown(void)
{
    test_vault_expect(verifier, text, NULL, SEALRING_ACCEPTED);
    ck_assert_int_eq(registry_state(), changes);
    sealring_close(&verifier);
    test_vault_remove(&vault);
}

/* Neither explanation nor reason may show the secret, nor anything that steers a terminal. */
static bool words_are_good(const char *words)
{
    bool good = strstr(words, secret) == NULL;
    for (; *words != '\0'; words++)
        good = good && (unsigned char)*words >= ' ' && *words != 127;
    return good;
}

/* Asks about bytes that end where their memory ends, so that reading on is noticed by the sanitizers. Each ck_assert tells the
 * runner where it is, which takes longer than a verdict: hence plain questions. */
static sealring_verdict ask(const char *bytes, size_t count)
{
    sealring_grant grant = {.size = sizeof grant};
    sealring_explanation explanation;
    char *copy = malloc(count == 0 ? 1 : count);
    if (copy == NULL)
        ck_abort_msg("out of memory");
    memcpy(copy, bytes, count);
    sealring_verdict verdict = sealring_verify(verifier, count == 0 ? copy + 1 : copy, count, NULL, &grant);
    if (sealring_verdict_accepted(verdict) || verdict == SEALRING_UNAVAILABLE || verdict == SEALRING_UNDECIDED)
        ck_abort_msg("%s: %.*s", sealring_verdict_name(verdict), (int)count, bytes);
    if (grant.client[0] != '\0' || grant.key_id[0] != '\0' || grant.scopes[0] != '\0')
        ck_abort_msg("a stranger is told whose credential it is: %.*s", (int)count, bytes);
    sealring_explain(copy, count, &explanation);
    if (explanation.well_formed != (verdict != SEALRING_REJECTED_MALFORMED))
        ck_abort_msg("the verdict is %s, the explanation another: %.*s", sealring_verdict_name(verdict), (int)count,
                     bytes);
    if (grant.reason[0] == '\0' || !words_are_good(grant.reason) || !words_are_good(explanation.problem))
        ck_abort_msg("not fit to be shown: %s; %s", grant.reason, explanation.problem);
    free(copy);
    return verdict;
}

static void expect_malformed(const char *bytes, size_t count)
{
    sealring_verdict verdict = ask(bytes, count);
    if (verdict != SEALRING_REJECTED_MALFORMED)
        ck_abort_msg("%s: %.*s", sealring_verdict_name(verdict), (int)count, bytes);
}

/* Appends the check digits that belong to what is there. */
static size_t check(char *bytes, size_t count)
{
    base62_encode_32(libdeflate_crc32(0, bytes, count), bytes + count);
    return count + CHECK_DIGITS;
}

/* A text with right check digits and everything else as said; the version is text, as it may be none. */
static sealring_verdict ask_made_up(const char *prefix, const char *id, const char *version, const char *digits)
{
    char bytes[256];
    int count = snprintf(bytes, sizeof bytes - CHECK_DIGITS, "%s_%s_%s_%s", prefix, id, version, digits);
    return ask(bytes, check(bytes, (size_t)count));
}

START_TEST(any_other_byte_at_any_place)
{
    char bytes[sizeof text];
    for (size_t place = 0; place < length; place++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(bytes, text, sizeof bytes);
            bytes[place] = (char)byte;
            if (bytes[place] != text[place])
                expect_malformed(bytes, length); /* CRC-32 finds every error of up to 32 neighbouring bits */
        }
}
END_TEST

START_TEST(any_other_letter_with_check_digits_that_match)
{
    char bytes[sizeof text];
    size_t body = length - CHECK_DIGITS;
    size_t asked = 0;
    for (size_t place = 0; place < body; place++)
        for (const char *letter = alphabet; *letter != '\0'; letter++) {
            memcpy(bytes, text, sizeof bytes);
            bytes[place] = *letter;
            if (bytes[place] == text[place])
                continue;
            check(bytes, body);
            sealring_verdict verdict = ask(bytes, length);
            bool in_key_id = place >= 10 && place < 10 + SEALRING_KEY_ID_LENGTH;
            bool in_secret = place >= body - SECRET_DIGITS;
            if ((in_key_id && verdict != SEALRING_REJECTED_UNKNOWN) ||
                (in_secret && verdict != SEALRING_REJECTED_BAD_SECRET &&
                 verdict != SEALRING_REJECTED_MALFORMED /* 2^256 and above */))
                ck_abort_msg("%s: %.*s", sealring_verdict_name(verdict), (int)length, bytes);
            asked++;
        }
    ck_assert_uint_ge(asked, 4000);
}
END_TEST

START_TEST(cut_at_every_length_from_both_ends)
{
    char bytes[sizeof text];
    for (size_t cut = 0; cut < length; cut++) {
        expect_malformed(text, cut);
        if (cut > 0)
            expect_malformed(text + cut, length - cut);
        if (cut < CHECK_DIGITS)
            continue;
        /* and with check digits that belong to what is left */
        memcpy(bytes, text, cut - CHECK_DIGITS);
        check(bytes, cut - CHECK_DIGITS);
        expect_malformed(bytes, cut);
    }
}
END_TEST

START_TEST(anything_put_in_taken_out_or_swapped)
{
    static const char added[] = {'\0', '\n', '\r', '\t', ' ', '_', '0', 'a', '\x7f', '\x80', '\xff', '"', '%', '/'};
    char bytes[sizeof text + 1];
    for (size_t place = 0; place <= length; place++) {
        memcpy(bytes, text, place);
        memcpy(bytes + place + 1, text + place, length - place);
        for (size_t i = 0; i < sizeof added; i++) {
            bytes[place] = added[i];
            expect_malformed(bytes, length + 1);
        }
        if (place == length)
            break;
        memcpy(bytes + place, text + place + 1, length - place - 1);
        expect_malformed(bytes, length - 1);
        memcpy(bytes, text, length);
        if (place + 1 == length || text[place] == text[place + 1])
            continue;
        bytes[place] = text[place + 1];
        bytes[place + 1] = text[place];
        expect_malformed(bytes, length);
    }
}
END_TEST

START_TEST(two_at_once_and_very_long)
{
    size_t size = (size_t)1 << 20;
    char *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = text[i % length];
    expect_malformed(bytes, size);
    expect_malformed(bytes, 2 * length);
    memset(bytes, 'a', size);
    expect_malformed(bytes, size);
    memset(bytes, '_', size);
    expect_malformed(bytes, size);
    memset(bytes, 0, size);
    expect_malformed(bytes, size);
    memcpy(bytes, text, length); /* NUL behind a good one */
    expect_malformed(bytes, size);
    for (size_t count = length + 1; count < 300; count++)
        expect_malformed(bytes, count);
    free(bytes);
}
END_TEST

START_TEST(versions_that_are_none_or_not_its_own)
{
    static const char *const none[] = {"",
                                       "0",
                                       "00",
                                       "01",
                                       "0000000001",
                                       "4294967296",
                                       "4294967297",
                                       "9999999999",
                                       "18446744073709551617",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "0x1",
                                       "1e0",
                                       "1.0",
                                       "\xd9\xa1" /* ARABIC-INDIC DIGIT ONE */,
                                       "\xef\xbc\x91" /* FULLWIDTH DIGIT ONE */,
                                       "\xe2\x82\x81" /* SUBSCRIPT ONE */,
                                       "\xc2\xb9" /* SUPERSCRIPT ONE */};
    static const char *const others[] = {"2", "10", "4294967295"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_int_eq(ask_made_up("acme_live", key_id, none[i], secret), SEALRING_REJECTED_MALFORMED);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_int_eq(ask_made_up("acme_live", key_id, others[i], secret), SEALRING_REJECTED_BAD_SECRET);
}
END_TEST

START_TEST(secrets_out_of_range_or_anothers)
{
    static const char largest[] = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"; /* 2^256 - 1 */
    static const char above[] = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2";
    char digits[SECRET_DIGITS + 1] = "";
    uint8_t number[32];
    ck_assert(base62_decode_256(largest, number));
    for (size_t i = 0; i < sizeof number; i++)
        ck_assert_uint_eq(number[i], 0xff);
    ck_assert_int_eq(ask_made_up("acme_live", key_id, "1", largest), SEALRING_REJECTED_BAD_SECRET);
    ck_assert_int_eq(ask_made_up("acme_live", key_id, "1", above), SEALRING_REJECTED_MALFORMED);
    memset(digits, 'z', SECRET_DIGITS);
    ck_assert_int_eq(ask_made_up("acme_live", key_id, "1", digits), SEALRING_REJECTED_MALFORMED);
    memset(digits, '0', SECRET_DIGITS);
    ck_assert_int_eq(ask_made_up("acme_live", key_id, "1", digits), SEALRING_REJECTED_BAD_SECRET);
    /* The same number once more around: a decoder that wraps at 2^256 would take it for the right one. The first digit
     * of 2^256 is y: only small secrets have such a twin, so each digit alone is moved as well. */
    for (size_t place = 0; place < SECRET_DIGITS; place++) {
        memcpy(digits, secret, sizeof digits);
        digits[place] = digits[place] == 'z' ? 'y' : 'z';
        sealring_verdict verdict = ask_made_up("acme_live", key_id, "1", digits);
        ck_assert(verdict == SEALRING_REJECTED_MALFORMED || verdict == SEALRING_REJECTED_BAD_SECRET);
    }
}
END_TEST

START_TEST(prefixes_that_are_none_or_anothers)
{
    static const char *const none[] = {
        "_", "_a", "a_", "a__b", "A", "a-b", "a.b", "\xc3\xa4", "abcdefghijklmnopqrstuvwxy"};
    static const char *const others[] = {"sr", "acme", "acme_test", "acme_live_x", "abcdefghijklmnopqrstuvwx"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_int_eq(ask_made_up(none[i], key_id, "1", secret), SEALRING_REJECTED_MALFORMED);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_int_eq(ask_made_up(others[i], key_id, "1", secret), SEALRING_REJECTED_BAD_SECRET);
}
END_TEST

/* The token is taken away: whatever needs it gets no verdict. What strangers make up does not. */
START_TEST(strangers_never_reach_the_token)
{
    char tokens[128], away[128];
    /* not warmed: else the first credential may have been derived by then */
    const sealring_options options = {.size = sizeof options, .no_warming = 1};
    sealring_vault *cold = test_vault_open_with(&vault, &options);
    snprintf(tokens, sizeof tokens, "%s/tokens/softhsm2", vault.path);
    snprintf(away, sizeof away, "%s/tokens/away", vault.path);
    ck_assert_int_eq(rename(tokens, away), 0);
    sealring_vault *warm = verifier;
    verifier = cold;
    ck_assert_int_eq(sealring_verify(cold, text, length, NULL, NULL), SEALRING_UNAVAILABLE);
    ck_assert_int_eq(ask_made_up("acme_live", "0123456789abcdef", "1", secret), SEALRING_REJECTED_UNKNOWN);
    ck_assert_int_eq(ask_made_up("acme_live", key_id, "2", secret), SEALRING_REJECTED_BAD_SECRET);
    ck_assert_int_eq(ask_made_up("acme_test", key_id, "1", secret), SEALRING_REJECTED_BAD_SECRET);
    secret[0] = secret[0] == '0' ? '1' : '0';
    ck_assert_int_eq(ask_made_up("acme_live", key_id, "1", secret), SEALRING_REJECTED_BAD_SECRET);
    verifier = warm;
    ck_assert_int_eq(rename(away, tokens), 0);
    sealring_close(&cold);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bad credentials");
    TCase *cases = tcase_create("bad credentials");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, any_other_byte_at_any_place);
    tcase_add_test(cases, any_other_letter_with_check_digits_that_match);
    tcase_add_test(cases, cut_at_every_length_from_both_ends);
    tcase_add_test(cases, anything_put_in_taken_out_or_swapped);
    tcase_add_test(cases, two_at_once_and_very_long);
    tcase_add_test(cases, versions_that_are_none_or_not_its_own);
    tcase_add_test(cases, secrets_out_of_range_or_anothers);
    tcase_add_test(cases, prefixes_that_are_none_or_anothers);
    tcase_add_test(cases, strangers_never_reach_the_token);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
