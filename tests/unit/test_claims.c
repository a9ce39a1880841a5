/* SPDX-License-Identifier: Apache-2.0 */
/* kdf/claims: kept figures; every claim counts; nothing malformed is encoded. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "credential/credential_text.h"
#include "kdf/claims.h"
#include "kdf/kdf.h"
#include "lib/runner.h"
#include "unit/hexadecimal.h"
#include "unit/seeded.h"
#include "vectors/claims.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static uint64_t seed;

static void claims_of(const struct claims_vector *vector, struct claims *claims)
{
    memset(claims, 0, sizeof *claims);
    hexadecimal_read(vector->vault_id, claims->vault_id, sizeof claims->vault_id);
    hexadecimal_read(vector->ring_id, claims->ring_id, sizeof claims->ring_id);
    hexadecimal_read(vector->nonce, claims->nonce, sizeof claims->nonce);
    claims->version = vector->version;
    claims->serial = vector->serial;
    memcpy(claims->key_id, vector->key_id, SEALRING_KEY_ID_LENGTH);
    memcpy(claims->client, vector->client, strlen(vector->client));
    memcpy(claims->scopes, vector->scopes, strlen(vector->scopes));
    if (vector->label != NULL)
        memcpy(claims->label, vector->label, strlen(vector->label));
    claims->not_before = vector->not_before;
    claims->expires = vector->expires;
    claims->origin = vector->origin;
    claims->predecessor = vector->predecessor;
}

static void hmac_sha256(const uint8_t *input, size_t length, uint8_t output[32])
{
    uint8_t key[32];
    hexadecimal_read(CLAIMS_VECTOR_KEY, key, sizeof key);
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key, sizeof key, input, length, output, NULL));
}

START_TEST(kept_claims_give_the_kept_credential)
{
    const struct claims_vector *vector = &claims_vectors[_i];
    struct claims claims;
    uint8_t expected[CLAIMS_INPUT_MAX], input[CLAIMS_INPUT_MAX], expected_bytes[32], secret[32], digest[32];
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    claims_of(vector, &claims);
    size_t expected_length = hexadecimal_read(vector->input, expected, sizeof expected);
    size_t length = claims_input(&claims, NULL, input);
    ck_assert_uint_eq(length, expected_length);
    ck_assert_mem_eq(input, expected, length);

    hmac_sha256(input, length, secret);
    ck_assert_uint_eq(hexadecimal_read(vector->secret, expected_bytes, 32), 32);
    ck_assert_mem_eq(secret, expected_bytes, 32);

    ck_assert_uint_eq(text_format(vector->prefix, vector->key_id, vector->version, secret, text), strlen(vector->text));
    ck_assert_str_eq(text, vector->text);
    ck_assert(text_digest(text, strlen(text), digest));
    ck_assert_uint_eq(hexadecimal_read(vector->digest, expected_bytes, 32), 32);
    ck_assert_mem_eq(digest, expected_bytes, 32);
}
END_TEST

START_TEST(kept_versions_give_the_kept_check_value)
{
    const struct check_vector *vector = &check_vectors[_i];
    uint8_t vault_id[16], ring_id[16], object_id[CLAIMS_OBJECT_ID_MAX], expected[CLAIMS_CHECK_INPUT_MAX],
        input[CLAIMS_CHECK_INPUT_MAX];
    uint8_t output[32];
    hexadecimal_read(vector->vault_id, vault_id, sizeof vault_id);
    hexadecimal_read(vector->ring_id, ring_id, sizeof ring_id);
    size_t id_length = hexadecimal_read(vector->object_id, object_id, sizeof object_id);
    size_t expected_length = hexadecimal_read(vector->input, expected, sizeof expected);
    size_t length =
        claims_check_input(vault_id, ring_id, vector->version, object_id, id_length, vector->ring_name, input);
    ck_assert_uint_eq(length, expected_length);
    ck_assert_mem_eq(input, expected, length);
    hmac_sha256(input, length, output);
    ck_assert_uint_eq(hexadecimal_read(vector->check_value, expected, sizeof expected), CLAIMS_CHECK_VALUE_SIZE);
    ck_assert_mem_eq(output, expected, CLAIMS_CHECK_VALUE_SIZE);
}
END_TEST

static void change_vault_id(struct claims *claims)
{
    claims->vault_id[15] ^= 1;
}
static void change_ring_id(struct claims *claims)
{
    claims->ring_id[0] ^= 0x80;
}
static void change_version(struct claims *claims)
{
    claims->version ^= 0x01000000;
}
static void change_key_id(struct claims *claims)
{
    claims->key_id[15]++;
}
static void change_serial(struct claims *claims)
{
    claims->serial++;
}
static void change_nonce(struct claims *claims)
{
    claims->nonce[7] ^= 0x10;
}
static void change_client(struct claims *claims)
{
    claims->client[0] ^= 0x20;
}
static void lengthen_client(struct claims *claims)
{
    strcat(claims->client, "x");
}
static void change_scopes(struct claims *claims)
{
    claims->scopes[0] ^= 0x20;
}
static void lengthen_scopes(struct claims *claims)
{
    strcat(claims->scopes, " x");
}
/* The same bytes in a row, divided elsewhere: only the lengths tell. */
static void move_a_byte_from_client_to_scopes(struct claims *claims)
{
    size_t last = strlen(claims->client) - 1;
    memmove(claims->scopes + 1, claims->scopes, strlen(claims->scopes) + 1);
    claims->scopes[0] = claims->client[last];
    claims->client[last] = '\0';
}
static void add_a_label(struct claims *claims)
{
    strcpy(claims->label, "default");
}
static void add_another_label(struct claims *claims)
{
    strcpy(claims->label, "admin");
}
static void add_a_label_and_an_origin(struct claims *claims)
{
    strcpy(claims->label, "default");
    claims->origin = 1;
}
static void add_a_label_and_a_predecessor(struct claims *claims)
{
    strcpy(claims->label, "default");
    claims->predecessor = 1;
}
static void change_not_before(struct claims *claims)
{
    claims->not_before++;
}
static void change_expires(struct claims *claims)
{
    claims->expires++;
}
static void exchange_the_times(struct claims *claims)
{
    int64_t time = claims->not_before;
    claims->not_before = claims->expires;
    claims->expires = time;
}
static void exchange_the_ids(struct claims *claims)
{
    uint8_t id[16];
    memcpy(id, claims->vault_id, 16);
    memcpy(claims->vault_id, claims->ring_id, 16);
    memcpy(claims->ring_id, id, 16);
}
static void exchange_version_and_serial(struct claims *claims)
{
    uint32_t number = claims->version;
    claims->version = claims->serial;
    claims->serial = number;
}

static void (*const changes[])(struct claims *) = {
    change_vault_id,
    change_ring_id,
    change_version,
    change_key_id,
    change_serial,
    change_nonce,
    change_client,
    lengthen_client,
    change_scopes,
    lengthen_scopes,
    change_not_before,
    change_expires,
    exchange_the_ids,
    exchange_the_times,
    exchange_version_and_serial,
    move_a_byte_from_client_to_scopes,
    add_a_label,
    add_another_label,
    add_a_label_and_an_origin,
    add_a_label_and_a_predecessor,
};

START_TEST(every_change_gives_another_input)
{
    static uint8_t inputs[COUNT(changes) + 1][CLAIMS_INPUT_MAX];
    size_t lengths[COUNT(changes) + 1];
    for (size_t i = 0; i <= COUNT(changes); i++) {
        struct claims claims;
        claims_of(&claims_vectors[0], &claims);
        if (i > 0)
            changes[i - 1](&claims);
        lengths[i] = claims_input(&claims, NULL, inputs[i]);
        ck_assert_msg(lengths[i] > 0, "change %zu", i);
        for (size_t j = 0; j < i; j++) {
            ck_assert_msg(lengths[i] != lengths[j] || memcmp(inputs[i], inputs[j], lengths[i]) != 0,
                          "changes %zu and %zu give the same input", i, j);
        }
    }
}
END_TEST

/* Any bit of any fixed-size claim. */
START_TEST(every_bit_counts)
{
    struct claims claims;
    uint8_t first[CLAIMS_INPUT_MAX], other[CLAIMS_INPUT_MAX];
    claims_of(&claims_vectors[0], &claims);
    size_t length = claims_input(&claims, NULL, first);
    for (unsigned bit = 0; bit < 128; bit++) {
        uint8_t *ids[] = {claims.vault_id, claims.ring_id, claims.nonce};
        for (size_t i = 0; i < 3; i++) {
            ids[i][bit / 8] ^= (uint8_t)(1U << bit % 8);
            ck_assert_uint_eq(claims_input(&claims, NULL, other), length);
            ck_assert_mem_ne(first, other, length);
            ids[i][bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
    for (unsigned bit = 2; bit < 32; bit++) { /* not to 0: version is 3, serial 1 */
        claims.version ^= 1U << bit;
        ck_assert_uint_eq(claims_input(&claims, NULL, other), length);
        ck_assert_mem_ne(first, other, length);
        claims.version ^= 1U << bit;
        claims.serial ^= 1U << bit;
        ck_assert_uint_eq(claims_input(&claims, NULL, other), length);
        ck_assert_mem_ne(first, other, length);
        claims.serial ^= 1U << bit;
    }
    for (unsigned bit = 0; bit < 63; bit++) {
        claims.expires ^= INT64_C(1) << bit;
        ck_assert_uint_eq(claims_input(&claims, NULL, other), length);
        ck_assert_mem_ne(first, other, length);
        claims.expires ^= INT64_C(1) << bit;
    }
}
END_TEST

/* Those that only claims with a label contain; without one they do not count. */
START_TEST(every_bit_of_origin_and_predecessor_counts)
{
    struct claims claims;
    uint8_t first[CLAIMS_INPUT_MAX], other[CLAIMS_INPUT_MAX];
    claims_of(&claims_vectors[0], &claims);
    claims_input(&claims, NULL, first);
    claims.origin = 1;
    claims.predecessor = 1;
    size_t length = claims_input(&claims, NULL, other);
    ck_assert_mem_eq(first, other, length);
    add_a_label(&claims);
    length = claims_input(&claims, NULL, first);
    for (unsigned bit = 0; bit < 63; bit++) {
        claims.origin ^= INT64_C(1) << bit;
        ck_assert_uint_eq(claims_input(&claims, NULL, other), length);
        ck_assert_mem_ne(first, other, length);
        claims.origin ^= INT64_C(1) << bit;
        claims.predecessor ^= (uint32_t)1 << bit % 32;
        ck_assert_uint_eq(claims_input(&claims, NULL, other), length);
        ck_assert_mem_ne(first, other, length);
        claims.predecessor ^= (uint32_t)1 << bit % 32;
    }
}
END_TEST

/* What follows the end of a text in its room is no claim. */
START_TEST(what_lies_behind_a_text_does_not_count)
{
    struct claims claims;
    uint8_t first[CLAIMS_INPUT_MAX], other[CLAIMS_INPUT_MAX];
    claims_of(&claims_vectors[0], &claims);
    size_t length = claims_input(&claims, NULL, first);
    memset(claims.client + strlen(claims.client) + 1, 'x', sizeof claims.client - strlen(claims.client) - 1);
    memset(claims.scopes + strlen(claims.scopes) + 1, 'x', sizeof claims.scopes - strlen(claims.scopes) - 1);
    memset(claims.label + 1, 'x', sizeof claims.label - 2);
    ck_assert_uint_eq(claims_input(&claims, NULL, other), length);
    ck_assert_mem_eq(first, other, length);
}
END_TEST

static void no_version(struct claims *claims)
{
    claims->version = 0;
}
static void no_serial(struct claims *claims)
{
    claims->serial = 0;
}
static void no_key_id(struct claims *claims)
{
    claims->key_id[0] = '\0';
}
static void short_key_id(struct claims *claims)
{
    claims->key_id[15] = '\0';
}
static void endless_key_id(struct claims *claims)
{
    claims->key_id[16] = 'x';
}
static void negative_not_before(struct claims *claims)
{
    claims->not_before = -1;
}
static void negative_expiry(struct claims *claims)
{
    claims->expires = INT64_MIN;
}
static void negative_origin(struct claims *claims)
{
    claims->origin = -1;
}
static void endless_client(struct claims *claims)
{
    memset(claims->client, 'c', sizeof claims->client);
}
static void endless_label(struct claims *claims)
{
    memset(claims->label, 'l', sizeof claims->label);
}
static void endless_scopes(struct claims *claims)
{
    memset(claims->scopes, 's', sizeof claims->scopes);
}

static void (*const faults[])(struct claims *) = {
    no_version,      no_serial,      no_key_id,      short_key_id,  endless_key_id,  negative_not_before,
    negative_expiry, endless_client, endless_scopes, endless_label, negative_origin,
};

START_TEST(malformed_claims_have_no_input)
{
    struct claims claims;
    uint8_t input[CLAIMS_INPUT_MAX];
    claims_of(&claims_vectors[0], &claims);
    ck_assert_uint_gt(claims_input(&claims, NULL, input), 0);
    faults[_i](&claims);
    ck_assert_uint_eq(claims_input(&claims, NULL, input), 0);
}
END_TEST

START_TEST(check_value_input_wants_an_object_id_of_1_to_32_bytes)
{
    static const uint8_t id[CLAIMS_OBJECT_ID_MAX + 1];
    uint8_t input[CLAIMS_CHECK_INPUT_MAX];
    ck_assert_uint_eq(claims_check_input(id, id, 1, id, 0, "r", input), 0);
    ck_assert_uint_gt(claims_check_input(id, id, 1, id, 1, "r", input), 0);
    ck_assert_uint_gt(claims_check_input(id, id, 1, id, CLAIMS_OBJECT_ID_MAX, "r", input), 0);
    ck_assert_uint_eq(claims_check_input(id, id, 1, id, CLAIMS_OBJECT_ID_MAX + 1, "r", input), 0);
}
END_TEST

START_TEST(check_value_input_names_the_ring)
{
    static const uint8_t id[CLAIMS_OBJECT_ID_MAX];
    char longest[SEALRING_NAME_LENGTH_MAX + 2];
    uint8_t one[CLAIMS_CHECK_INPUT_MAX], other[CLAIMS_CHECK_INPUT_MAX];
    memset(longest, 'x', sizeof longest);
    longest[SEALRING_NAME_LENGTH_MAX] = '\0';
    ck_assert_uint_gt(claims_check_input(id, id, 1, id, 32, longest, one), 0);
    longest[SEALRING_NAME_LENGTH_MAX] = 'x';
    longest[SEALRING_NAME_LENGTH_MAX + 1] = '\0';
    ck_assert_uint_eq(claims_check_input(id, id, 1, id, 32, longest, one), 0);
    size_t length = claims_check_input(id, id, 1, id, 32, "prod", one);
    ck_assert_uint_eq(claims_check_input(id, id, 1, id, 32, "test", other), length);
    ck_assert_mem_ne(one, other, length);
}
END_TEST

/* What binds an imported key is neither a credential's secret nor independent of the digest. */
START_TEST(import_input_is_the_claims_and_the_digest)
{
    struct claims claims;
    uint8_t digest[CLAIMS_DIGEST_SIZE] = {1};
    uint8_t plain[CLAIMS_INPUT_MAX], one[CLAIMS_INPUT_MAX], other[CLAIMS_INPUT_MAX];
    claims_of(&claims_vectors[0], &claims);
    size_t plain_length = claims_input(&claims, NULL, plain);
    size_t length = claims_input(&claims, digest, one);
    /* the label is four characters shorter than a credential's */
    ck_assert_uint_eq(length, plain_length + CLAIMS_DIGEST_SIZE - 4);
    ck_assert_mem_eq(one, "\0\0\0\1sealring import v1", 23);
    ck_assert_mem_eq(one + length - 4 - CLAIMS_DIGEST_SIZE, digest, CLAIMS_DIGEST_SIZE);
    digest[31] = 1;
    ck_assert_uint_eq(claims_input(&claims, digest, other), length);
    ck_assert_mem_ne(one, other, length);
    add_a_label(&claims);
    ck_assert_uint_eq(claims_input(&claims, digest, other), length + 2 + strlen("default") + 8 + 4);
    ck_assert_mem_eq(other, "\0\0\0\1sealring import v2", 23);
    claims.serial = 0;
    ck_assert_uint_eq(claims_input(&claims, digest, other), 0);
}
END_TEST

/* A check value must never be a credential's secret: whatever the contexts, the labels keep the inputs apart. */
START_TEST(check_value_and_credential_inputs_differ_from_the_first_bytes)
{
    struct claims claims;
    uint8_t input[CLAIMS_INPUT_MAX], check[CLAIMS_CHECK_INPUT_MAX];
    claims_of(&claims_vectors[0], &claims);
    ck_assert_uint_gt(claims_input(&claims, NULL, input), 0);
    ck_assert_uint_gt(claims_check_input(claims.vault_id, claims.ring_id, claims.version, claims.nonce, 16, "r", check),
                      0);
    ck_assert_mem_eq(input, "\0\0\0\1sealring credential v1", 27);
    ck_assert_mem_eq(check, "\0\0\0\1sealring check v1", 22);
}
END_TEST

/* Random claims, two of which differ in something, never have the same input. */
START_TEST(random_claims_have_inputs_of_their_own)
{
    uint64_t state = seed;
    uint8_t first[CLAIMS_INPUT_MAX], second[CLAIMS_INPUT_MAX];
    for (int run = 0; run < 2000; run++) {
        struct claims claims, other;
        claims_of(&claims_vectors[0], &claims);
        seeded_fill(&state, claims.nonce, sizeof claims.nonce);
        memset(claims.client, 0, sizeof claims.client);
        memset(claims.scopes, 0, sizeof claims.scopes);
        memset(claims.client, 'a', seeded_next(&state) % SEALRING_NAME_LENGTH_MAX);
        memset(claims.scopes, 'a', seeded_next(&state) % SEALRING_SCOPES_LENGTH_MAX);
        other = claims;
        changes[seeded_next(&state) % 6](&other); /* those that work with empty texts, too */
        size_t length = claims_input(&claims, NULL, first);
        size_t other_length = claims_input(&other, NULL, second);
        if (length == 0 || other_length != length || memcmp(first, second, length) == 0)
            ck_abort_msg("run %d", run);
    }
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("claims");
    TCase *cases = tcase_create("claims");
    tcase_add_loop_test(cases, kept_claims_give_the_kept_credential, 0, COUNT(claims_vectors));
    tcase_add_loop_test(cases, kept_versions_give_the_kept_check_value, 0, COUNT(check_vectors));
    tcase_add_test(cases, every_change_gives_another_input);
    tcase_add_test(cases, every_bit_counts);
    tcase_add_test(cases, every_bit_of_origin_and_predecessor_counts);
    tcase_add_test(cases, what_lies_behind_a_text_does_not_count);
    tcase_add_loop_test(cases, malformed_claims_have_no_input, 0, COUNT(faults));
    tcase_add_test(cases, check_value_input_wants_an_object_id_of_1_to_32_bytes);
    tcase_add_test(cases, check_value_input_names_the_ring);
    tcase_add_test(cases, import_input_is_the_claims_and_the_digest);
    tcase_add_test(cases, check_value_and_credential_inputs_differ_from_the_first_bytes);
    tcase_add_test(cases, random_claims_have_inputs_of_their_own);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
