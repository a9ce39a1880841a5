/* SPDX-License-Identifier: Apache-2.0 */
/* kdf/webhook_input: kept figures, and nothing malformed is encoded. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "kdf/webhook_input.h"
#include "lib/runner.h"
#include "notify/webhook_signature.h"
#include "unit/hexadecimal.h"
#include "vectors/webhook.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

START_TEST(kept_inputs_give_the_kept_secrets)
{
    const struct webhook_vector *vector = &webhook_vectors[_i];
    uint8_t vault_id[16], ring_id[16], expected[WEBHOOK_INPUT_MAX], input[WEBHOOK_INPUT_MAX], key[32];
    struct webhook_key secret = {.length = WEBHOOK_KEY_SIZE};
    char text[WEBHOOK_SECRET_SIZE];
    hexadecimal_read(vector->vault_id, vault_id, sizeof vault_id);
    hexadecimal_read(vector->ring_id, ring_id, sizeof ring_id);
    hexadecimal_read(WEBHOOK_VECTOR_KEY, key, sizeof key);
    size_t length = webhook_input(vault_id, ring_id, vector->version, vector->client, input);
    ck_assert_uint_eq(length, hexadecimal_read(vector->input, expected, sizeof expected));
    ck_assert_mem_eq(input, expected, length);
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key, sizeof key, input, length, secret.bytes, NULL));
    webhook_secret_text(&secret, text);
    ck_assert_str_eq(text, vector->text);
}
END_TEST

START_TEST(nothing_malformed_is_encoded)
{
    static const uint8_t id[16] = {0};
    uint8_t input[WEBHOOK_INPUT_MAX];
    char name[SEALRING_NAME_LENGTH_MAX + 2];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_uint_eq(webhook_input(id, id, 1, name, input), 0);
    ck_assert_uint_ne(webhook_input(id, id, 1, name + 1, input), 0);
    ck_assert_uint_eq(webhook_input(id, id, 1, "", input), 0);
    ck_assert_uint_eq(webhook_input(id, id, 0, "acme", input), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("webhook input");
    TCase *cases = tcase_create("webhook input");
    tcase_add_loop_test(cases, kept_inputs_give_the_kept_secrets, 0, COUNT(webhook_vectors));
    tcase_add_test(cases, nothing_malformed_is_encoded);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
