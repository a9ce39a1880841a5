/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that sign checkpoints one after the other: their lines, how far each counts, and what leads from one to the next. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "log/checkpoint.h"
#include "log/key_change.h"

#define KEYS 3

static const uint8_t vault_id[REGISTRY_ID_SIZE] = {0xab, 0xcd};
static EVP_PKEY *pairs[KEYS];
static struct note_key keys[KEYS];
static char vkeys[KEYS][NOTE_KEY_TEXT_SIZE];

static void setup(void)
{
    char origin[CHECKPOINT_ORIGIN_SIZE];
    checkpoint_origin(vault_id, origin);
    for (int i = 0; i < KEYS; i++) {
        uint8_t public_key[NOTE_PUBLIC_MAX];
        size_t length = sizeof public_key;
        pairs[i] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pairs[i], public_key, &length), 1);
        ck_assert(note_key_make(origin, NOTE_ED25519, public_key, length, &keys[i]));
        note_key_format(&keys[i], vkeys[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < KEYS; i++)
        EVP_PKEY_free(pairs[i]);
}

/* Adds the signature of one key to a note, which begins as its text and an empty line. */
static void sign(int key, char note[REGISTRY_NOTE_SIZE])
{
    uint8_t signature[NOTE_SIGNATURE_MAX];
    char line[NOTE_LINE_SIZE];
    size_t length = sizeof signature, text = (size_t)(strstr(note, "\n\n") + 1 - note);
    EVP_MD_CTX *signing = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(signing, NULL, NULL, NULL, pairs[key]), 1);
    ck_assert_int_eq(EVP_DigestSign(signing, signature, &length, (const unsigned char *)note, text), 1);
    EVP_MD_CTX_free(signing);
    ck_assert(note_sign_line(&keys[key], signature, length, line));
    memcpy(note + strlen(note), line, strlen(line) + 1);
}

/* Two that have ended, and one that signs. */
static void make_keys(struct audit_keys *made)
{
    char text[AUDIT_KEYS_TEXT_SIZE];
    snprintf(text, sizeof text, "%s until 10 4\n%s until 20 6\n%s", vkeys[0], vkeys[1], vkeys[2]);
    ck_assert(audit_keys_parse(text, made, NULL));
    ck_assert_uint_eq(made->count, 3);
}

/* ---- Lines ---- */

START_TEST(there_and_back)
{
    struct audit_keys parsed;
    char text[AUDIT_KEYS_TEXT_SIZE], again[AUDIT_KEYS_TEXT_SIZE];
    make_keys(&parsed);
    audit_keys_format(&parsed, again);
    snprintf(text, sizeof text, "%s until 10 4\n%s until 20 6\n%s", vkeys[0], vkeys[1], vkeys[2]);
    ck_assert_str_eq(again, text);
    ck_assert_uint_eq(parsed.keys[1].entries, 20);
    ck_assert_uint_eq(parsed.keys[1].facts, 6);
    ck_assert(audit_keys_parse("", &parsed, NULL));
    ck_assert_uint_eq(parsed.count, 0);
}
END_TEST

/* @, #: the keys; &: one under another vault's name. */
static const struct {
    const char *format, *problem;
} refusals[] = {
    {"@ until 10 4", "no other key follows"},
    {"@\n#", "follows a key that has no end"},
    {"@ until 10 4\n@", "names a key twice"},
    {"@ until 10 4\n&", "another vault"},
    {"@ until 10 4\n# until 9 4\n#", "ends before the key before it"},
    {"@ until 10 4\n# until 11 3\n#", "ends before the key before it"},
    {"@ until 10", "no verifier key"},
    {"@ until 010 4\n#", "no verifier key"},
    {"@ until 10 4 \n#", "no verifier key"},
    {"@  until 10 4\n#", "no verifier key"},
    {"@ until -1 4\n#", "no verifier key"},
    {"@ until 99999999999999999999 4\n#", "no verifier key"},
    {"@ from 10 4\n#", "no verifier key"},
    {"x@", "no verifier key"},
};

START_TEST(a_line_that_does_not_fit_is_refused)
{
    struct audit_keys parsed;
    struct note_key foreign;
    const char *problem = NULL;
    char text[AUDIT_KEYS_TEXT_SIZE] = "", other[NOTE_KEY_TEXT_SIZE];
    ck_assert(note_key_make("sealring/other", NOTE_ED25519, keys[2].public_key, keys[2].public_length, &foreign));
    note_key_format(&foreign, other);
    for (const char *from = refusals[_i].format; *from != '\0'; from++) {
        size_t length = strlen(text);
        const char *key = *from == '@' ? vkeys[0] : *from == '#' ? vkeys[1] : *from == '&' ? other : NULL;
        snprintf(text + length, sizeof text - length, key != NULL ? "%s" : "%.1s", key != NULL ? key : from);
    }
    ck_assert(!audit_keys_parse(text, &parsed, &problem));
    ck_assert_msg(strstr(problem, refusals[_i].problem) != NULL, "%s: %s", text, problem);
}
END_TEST

START_TEST(no_more_than_fit)
{
    struct audit_keys many = {.count = 1};
    struct note_key key = keys[1];
    many.keys[0] = (struct audit_key){.key = keys[0], .entries = UINT64_MAX, .facts = UINT64_MAX};
    for (size_t i = 1; i < AUDIT_KEYS_MAX; i++) {
        key.public_key[0] = (uint8_t)i;
        key.public_key[1] ^= 1;
        ck_assert(audit_keys_add(&many, &key, i, i));
    }
    key.public_key[0] = 0;
    ck_assert(!audit_keys_add(&many, &key, 100, 100));
    ck_assert_uint_eq(many.count, AUDIT_KEYS_MAX);
}
END_TEST

START_TEST(keys_follow_and_precede)
{
    struct audit_keys made = {.count = 1};
    made.keys[0] = (struct audit_key){.key = keys[1], .entries = UINT64_MAX, .facts = UINT64_MAX};
    ck_assert(audit_keys_add(&made, &keys[2], 20, 6));
    ck_assert(!audit_keys_add(&made, &keys[1], 30, 6)); /* it signed before */
    ck_assert(!audit_keys_add(&made, &keys[0], 19, 6)); /* it would end before the one before it */
    ck_assert(!audit_keys_prepend(&made, &keys[0], 21, 4));
    ck_assert(!audit_keys_prepend(&made, &keys[0], 10, 7));
    ck_assert(!audit_keys_prepend(&made, &keys[2], 10, 4));
    ck_assert(audit_keys_prepend(&made, &keys[0], 10, 4));
    struct audit_keys wanted;
    make_keys(&wanted);
    char one[AUDIT_KEYS_TEXT_SIZE], other[AUDIT_KEYS_TEXT_SIZE];
    audit_keys_format(&made, one);
    audit_keys_format(&wanted, other);
    ck_assert_str_eq(one, other);
}
END_TEST

START_TEST(a_shorter_log_limits_the_former_keys)
{
    struct audit_keys made;
    make_keys(&made);
    ck_assert(!audit_keys_limit(&made, 20, 6));
    ck_assert(audit_keys_limit(&made, 15, 6));
    ck_assert_uint_eq(made.keys[0].entries, 10);
    ck_assert_uint_eq(made.keys[1].entries, 15);
    ck_assert(audit_keys_limit(&made, 15, 2));
    ck_assert_uint_eq(made.keys[0].facts, 2);
    ck_assert_uint_eq(made.keys[1].facts, 2);
    ck_assert_uint_eq(made.keys[2].entries, UINT64_MAX);
    ck_assert_uint_eq(made.keys[2].facts, UINT64_MAX);
}
END_TEST

/* ---- How far a signature counts ---- */

static const struct {
    int signer;
    uint64_t entries, facts;
    enum audit_verdict verdict;
} judged[] = {
    {0, 1, 0, AUDIT_GOOD},    {0, 10, 4, AUDIT_GOOD}, {0, 11, 4, AUDIT_BEYOND}, {0, 10, 5, AUDIT_BEYOND},
    {1, 20, 6, AUDIT_GOOD},   {1, 5, 6, AUDIT_GOOD},  {1, 21, 6, AUDIT_BEYOND}, {1, 20, 7, AUDIT_BEYOND},
    {2, 1000, 9, AUDIT_GOOD}, {2, 5, 1, AUDIT_GOOD}, /* as after a restore */
};

START_TEST(a_key_counts_until_its_end)
{
    struct audit_keys made;
    struct note note;
    bool newest = false;
    char text[REGISTRY_NOTE_SIZE] = "text\n\n";
    make_keys(&made);
    sign(judged[_i].signer, text);
    ck_assert(note_parse(text, strlen(text), &note, NULL));
    ck_assert_int_eq(audit_keys_judge(&made, &note, judged[_i].entries, judged[_i].facts, &newest), judged[_i].verdict);
    ck_assert_int_eq(newest, judged[_i].signer == 2);
    made.count = 0;
    ck_assert_int_eq(audit_keys_judge(&made, &note, 1, 0, &newest), AUDIT_NOT_SIGNED);
}
END_TEST

START_TEST(signatures_of_several_keys)
{
    struct audit_keys made;
    struct note note;
    bool newest = false;
    char text[REGISTRY_NOTE_SIZE] = "text\n\n", forged[REGISTRY_NOTE_SIZE];
    make_keys(&made);
    sign(1, text);
    sign(2, text);
    ck_assert(note_parse(text, strlen(text), &note, NULL));
    ck_assert_int_eq(audit_keys_judge(&made, &note, 20, 6, &newest), AUDIT_GOOD);
    ck_assert(newest);
    ck_assert_int_eq(audit_keys_judge(&made, &note, 21, 6, &newest), AUDIT_GOOD); /* by the newer one */
    snprintf(forged, sizeof forged, "T%s", text + 1);
    ck_assert(note_parse(forged, strlen(forged), &note, NULL));
    ck_assert_int_eq(audit_keys_judge(&made, &note, 20, 6, NULL), AUDIT_BAD);
}
END_TEST

/* ---- From one key to the next ---- */

struct proof {
    uint8_t vault_id[REGISTRY_ID_SIZE], before[REGISTRY_DIGEST_SIZE];
    struct registry_closed fact;
    struct checkpoint checkpoint;
    bool by_old, by_new;
};

static void make_proof(struct proof *proof)
{
    *proof = (struct proof){.before = {1, 2, 3},
                            .fact = {.sequence = 5, .is_version = true, .state = SEALRING_VERSION_PENDING},
                            .checkpoint = {.size = 12, .closed_count = 5, .time = 1},
                            .by_old = true,
                            .by_new = true};
    memcpy(proof->vault_id, vault_id, sizeof vault_id);
    memcpy(proof->fact.ring_id, vault_id, sizeof vault_id);
    snprintf(proof->fact.value, sizeof proof->fact.value, "00000000000000000012\n%s\n%s", vkeys[0], vkeys[1]);
    checkpoint_origin(vault_id, proof->checkpoint.origin);
    registry_closed_hash(proof->before, &proof->fact, proof->checkpoint.closed.bytes);
}

static bool is_proof(const struct proof *proof, struct audit_key_change *change)
{
    char note[REGISTRY_NOTE_SIZE];
    checkpoint_format(&proof->checkpoint, note);
    memcpy(note + strlen(note), "\n", 2);
    if (proof->by_old)
        sign(0, note);
    if (proof->by_new)
        sign(1, note);
    return key_change_read(proof->vault_id, proof->before, &proof->fact, note, change);
}

/* Whatever is not what both keys signed. 100 and above: the fact is changed together with the hash over it. */
static void alter(struct proof *proof, int what)
{
    switch (what) {
    case 0:
        proof->by_old = false;
        break;
    case 1:
        proof->by_new = false;
        break;
    case 2:
        proof->checkpoint.size++;
        break;
    case 3:
        proof->checkpoint.closed_count++;
        break;
    case 4:
        proof->checkpoint.origin[12] ^= 1;
        break;
    case 5:
        proof->before[0] ^= 1;
        break;
    case 6:
        proof->fact.sequence++;
        break;
    case 7:
        proof->fact.value[19] = '3';
        break;
    case 8:
        snprintf(proof->fact.value, sizeof proof->fact.value, "00000000000000000012\n%s\n%s", vkeys[0], vkeys[2]);
        break;
    case 9:
        snprintf(proof->fact.value, sizeof proof->fact.value, "00000000000000000012\n%s\n%s", vkeys[2], vkeys[1]);
        break;
    case 10:
        proof->fact.version = 1;
        break;
    case 11:
        proof->fact.ring_id[0] ^= 1;
        break;
    case 12:
        proof->fact.is_version = false;
        break;
    case 13:
        proof->vault_id[0] ^= 1;
        break;
    case 14:
        snprintf(proof->fact.value, sizeof proof->fact.value, "12\n%s\n%s", vkeys[0], vkeys[1]);
        break;
    case 15:
        snprintf(proof->fact.value, sizeof proof->fact.value, "00000000000000000012\n%s", vkeys[1]);
        break;
    default:
        snprintf(proof->fact.value, sizeof proof->fact.value, "00000000000000000012\n%s\nx", vkeys[0]);
        break;
    }
}

START_TEST(both_keys_prove_a_change)
{
    struct proof proof;
    struct audit_key_change change;
    make_proof(&proof);
    ck_assert(is_proof(&proof, &change));
    ck_assert(note_key_same(&change.old_key, &keys[0]) && note_key_same(&change.new_key, &keys[1]));
    ck_assert_uint_eq(change.entries, 12);
    ck_assert_uint_eq(change.facts, 5);
    for (int rehashed = 0; rehashed < 2; rehashed++) {
        make_proof(&proof);
        alter(&proof, _i);
        if (rehashed == 1)
            registry_closed_hash(proof.before, &proof.fact, proof.checkpoint.closed.bytes);
        if (rehashed == 0 || _i != 5) /* another history before it is another change */
            ck_assert_msg(!is_proof(&proof, &change), "alteration %d is not noticed", _i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_keys");
    TCase *tests = tcase_create("audit_keys");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, there_and_back);
    tcase_add_loop_test(tests, a_line_that_does_not_fit_is_refused, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tests, no_more_than_fit);
    tcase_add_test(tests, keys_follow_and_precede);
    tcase_add_test(tests, a_shorter_log_limits_the_former_keys);
    tcase_add_loop_test(tests, a_key_counts_until_its_end, 0, sizeof judged / sizeof *judged);
    tcase_add_test(tests, signatures_of_several_keys);
    tcase_add_loop_test(tests, both_keys_prove_a_change, 0, 17);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
