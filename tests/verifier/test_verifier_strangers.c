/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers (DESIGN, P5): what carries no issued credential reaches no token and takes no memory; what was issued is found at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credential/credential_text.h"
#include "lib/runner.h"
#include "unit/seeded.h"
#include "verifier/allocations.h"
#include "verifier/stage.h"

#define OTHER_KEYS 20 /* whose key IDs a stranger knows: nobody has seen their credentials here yet */

static struct stage stage;
static struct stage_key known;
static struct text_parts known_parts;
static sealring_vault *vault;
static uint64_t seed;

static void setup(void)
{
    stage_make(&stage, 0, 10000);
    stage_issue(&stage, STAGE_RING, "read write", &known);
    stage_issue_many(&stage, STAGE_RING, OTHER_KEYS);
    ck_assert_int_eq(text_parse(known.text, strlen(known.text), &known_parts, NULL), TEXT_GOOD);
    vault = stage_open_manual(&stage);
    stage_expect(vault, known.text, SEALRING_ACCEPTED);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

/* ---- What strangers send: each call writes another text. */

static void random_secret(uint8_t secret[TEXT_SECRET_SIZE])
{
    seeded_fill(&seed, secret, TEXT_SECRET_SIZE);
}

static void random_key_id(char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < SEALRING_KEY_ID_LENGTH; i++)
        key_id[i] = digits[seeded_next(&seed) % (sizeof digits - 1)];
    key_id[SEALRING_KEY_ID_LENGTH] = '\0';
}

typedef char text_buffer[SEALRING_CREDENTIAL_LENGTH_MAX + 1];

static void malformed(unsigned number, text_buffer text)
{
    memcpy(text, known.text, sizeof(text_buffer));
    size_t place = number % strlen(text);
    text[place] = text[place] == 'x' ? 'y' : 'x';
    if (number % 3 == 0)
        snprintf(text, sizeof(text_buffer), "Bearer %u", number);
}

static void unknown_key_id(unsigned number, text_buffer text)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t secret[TEXT_SECRET_SIZE];
    (void)number;
    random_key_id(key_id);
    random_secret(secret);
    text_format(STAGE_PREFIX, key_id, 1, secret, text);
}

static void wrong_secret(unsigned number, text_buffer text)
{
    uint8_t secret[TEXT_SECRET_SIZE];
    random_secret(secret);
    text_format(STAGE_PREFIX, number % 2 == 0 ? known.key_id : stage.keys[number / 2 % OTHER_KEYS].key_id, 1, secret,
                text);
}

static void secret_off_by_a_bit(unsigned number, text_buffer text)
{
    uint8_t secret[TEXT_SECRET_SIZE];
    memcpy(secret, known_parts.secret, sizeof secret);
    secret[number / 8 % TEXT_SECRET_SIZE] ^= (uint8_t)(1u << number % 8);
    text_format(STAGE_PREFIX, known.key_id, 1, secret, text);
}

static void wrong_version(unsigned number, text_buffer text)
{
    text_format(STAGE_PREFIX, known.key_id, number + 2, known_parts.secret, text);
}

static void wrong_prefix(unsigned number, text_buffer text)
{
    char prefix[SEALRING_PREFIX_LENGTH_MAX + 1];
    snprintf(prefix, sizeof prefix, "acme_%u", number);
    text_format(prefix, known.key_id, 1, known_parts.secret, text);
}

static const struct kind {
    const char *name;
    void (*write)(unsigned number, text_buffer text);
    sealring_verdict expected;
} kinds[] = {
    {"malformed", malformed, SEALRING_REJECTED_MALFORMED},
    {"unknown key ID", unknown_key_id, SEALRING_REJECTED_UNKNOWN},
    {"wrong secret", wrong_secret, SEALRING_REJECTED_BAD_SECRET},
    {"secret off by a bit", secret_off_by_a_bit, SEALRING_REJECTED_BAD_SECRET},
    {"wrong version", wrong_version, SEALRING_REJECTED_BAD_SECRET},
    {"wrong prefix", wrong_prefix, SEALRING_REJECTED_BAD_SECRET},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Asks for `count` texts of the kind; each ck_assert tells the runner where it is, which takes longer than a verdict. */
static void ask_many(const struct kind *kind, unsigned count)
{
    text_buffer text;
    for (unsigned i = 0; i < count; i++) {
        kind->write(i, text);
        sealring_grant grant = {.size = sizeof grant};
        sealring_verdict verdict = sealring_verify(vault, text, strlen(text), NULL, &grant);
        if (verdict != kind->expected)
            ck_abort_msg("%s, number %u: %s: %s", kind->name, i, sealring_verdict_name(verdict), grant.reason);
        if (grant.client[0] != '\0' || grant.key_id[0] != '\0' || grant.scopes[0] != '\0')
            ck_abort_msg("%s: a stranger is told whose credential it is", kind->name);
    }
}

static void expect_no_token(const struct kind *kind)
{
    const unsigned count = stage_times(20000, 100000);
    sealring_statistics before = stage_statistics(vault);
    uint64_t sign_init = stage.counting->sign_init, sign = stage.counting->sign, find = stage.counting->find;
    ck_assert_uint_gt(sign, 0); /* the module does count */
    ask_many(kind, count);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_uint_eq(stage.counting->sign_init, sign_init);
    ck_assert_uint_eq(stage.counting->sign, sign);
    ck_assert_uint_eq(stage.counting->find, find);
    ck_assert_uint_eq(after.token_operations, before.token_operations);
    ck_assert_uint_eq(after.verdicts[kind->expected], before.verdicts[kind->expected] + count);
    ck_assert_uint_eq(after.credentials, before.credentials);
    stage_expect(vault, known.text, SEALRING_ACCEPTED);
}

START_TEST(strangers_never_reach_the_token)
{
    for (size_t i = 0; i < KINDS; i++)
        expect_no_token(&kinds[i]);
}
END_TEST

/* Key IDs that nobody issued, all different, and guesses: nothing is kept of them. */
START_TEST(rejected_traffic_takes_no_memory)
{
    const struct kind *kind = &kinds[1 + _i];
    ask_many(kind, 5000); /* connections, statements, page caches */
    size_t memory = allocations_bytes(), resident = stage_resident();
    unsigned reports = stage_reports(&stage), descriptors = stage_descriptors();
    ask_many(kind, stage_times(300000 / (1 + 5 * (unsigned)_i), 3000000));
    ck_assert_msg(allocations_bytes() <= memory + 16384, "%zu bytes became %zu", memory, allocations_bytes());
    if (!SANITIZED)
        ck_assert_msg(stage_resident() <= resident + (1u << 20), "resident: %zu bytes became %zu", resident,
                      stage_resident());
    ck_assert_uint_eq(stage_reports(&stage), reports);
    ck_assert_uint_eq(stage_descriptors(), descriptors);
}
END_TEST

/* ---- Issued a moment ago, by another process, and no look at the registry since. */

START_TEST(a_key_issued_a_moment_ago_is_found)
{
    struct stage_key fresh;
    uint64_t looks = stage_statistics(vault).looks;
    unknown_key_id(0, fresh.text);
    stage_expect(vault, fresh.text, SEALRING_REJECTED_UNKNOWN);
    stage_issue(&stage, STAGE_RING, "read", &fresh);
    stage_expect(vault, fresh.text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).looks, looks);
}
END_TEST

START_TEST(a_successor_issued_a_moment_ago_is_found)
{
    struct stage_key fresh;
    stage_rekey(&stage, known.key_id, 60000, &fresh);
    stage_expect(vault, fresh.text, SEALRING_ACCEPTED);
    stage_expect(vault, known.text, SEALRING_ACCEPTED);
}
END_TEST

/* Its version, or its ring, is not known from any look yet either (P2). */
START_TEST(a_key_of_a_new_version_is_found)
{
    struct stage_key fresh;
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
    stage_issue(&stage, STAGE_RING, "read", &fresh);
    ck_assert_uint_eq(fresh.version, 2);
    stage_expect(vault, fresh.text, SEALRING_ACCEPTED);
    stage_expect(vault, known.text, SEALRING_ACCEPTED);
    stage_look(vault);
    stage_expect(vault, fresh.text, SEALRING_ACCEPTED);
    stage_expect(vault, known.text, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_key_of_a_new_ring_is_found)
{
    struct stage_key fresh;
    stage_ring(&stage, "staging", "acme_test", 60000);
    stage_issue(&stage, "staging", "read", &fresh);
    stage_expect(vault, fresh.text, SEALRING_ACCEPTED);
    stage_look(vault);
    stage_expect(vault, fresh.text, SEALRING_ACCEPTED);
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("strangers");
    TCase *cases = tcase_create("strangers");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, strangers_never_reach_the_token);
    tcase_add_loop_test(cases, rejected_traffic_takes_no_memory, 0, 2);
    tcase_add_test(cases, a_key_issued_a_moment_ago_is_found);
    tcase_add_test(cases, a_successor_issued_a_moment_ago_is_found);
    tcase_add_test(cases, a_key_of_a_new_version_is_found);
    tcase_add_test(cases, a_key_of_a_new_ring_is_found);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
