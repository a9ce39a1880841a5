/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs that sign, and data objects, on a real SoftHSM2 token; and two tokens of one module in one process. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "log/signed_note.h"
#include "token/key/signing_key.h"
#include "token/object/data_object.h"
#include "token/raw.h"

static struct test_token test;
static struct token *token;
static struct token_signer signer = {.object_id = "0123456789abcdef", .object_id_length = 16};
static sealring_error error;

static void setup(void)
{
    test_token_make(&test);
    token = test_token_open(&test);
}

static void teardown(void)
{
    token_close(token);
    test_token_destroy(&test);
}

static void assert_signs(const struct token_signer *with)
{
    struct note_key key;
    struct note note;
    uint8_t signature[TOKEN_SIGNATURE_MAX];
    size_t length;
    char line[NOTE_LINE_SIZE], text[NOTE_LINE_SIZE + 32];
    ck_assert(note_key_make("test", (enum note_type)with->type, with->public_key, with->public_length, &key));
    sealring_status status = token_signer_sign(token, with, "text\n", 5, signature, &length, &error);
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
    ck_assert(note_sign_line(&key, signature, length, line));
    snprintf(text, sizeof text, "text\n\n%s", line);
    ck_assert(note_parse(text, strlen(text), &note, NULL));
    ck_assert_int_eq(note_verify(&note, &key), NOTE_GOOD);
}

START_TEST(a_pair_is_made_found_and_signs)
{
    static const enum token_signer_type types[] = {0, TOKEN_ED25519, TOKEN_P256};
    struct token_signer found = {.object_id = "0123456789abcdef", .object_id_length = 16};
    signer.type = types[_i];
    ck_assert_int_eq(token_signer_find(token, &found, NULL, &error), SEALRING_NOT_FOUND);
    sealring_status status = token_signer_generate(token, "sealring-audit", &signer, &error);
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
    /* SoftHSM2 2.6.1 as Debian builds it has EdDSA */
    ck_assert_int_eq(signer.type, _i < 2 ? TOKEN_ED25519 : TOKEN_P256);
    ck_assert_uint_eq(signer.public_length, _i < 2 ? 32 : 91);
    ck_assert_int_eq(token_signer_find(token, &found, NULL, &error), SEALRING_OK);
    ck_assert_uint_eq(found.public_length, signer.public_length);
    ck_assert_mem_eq(found.public_key, signer.public_key, signer.public_length);
    assert_signs(&found);
    ck_assert_int_eq(token_signer_generate(token, "sealring-audit", &signer, &error), SEALRING_REFUSED);
}
END_TEST

START_TEST(the_label_is_kept)
{
    char label[TOKEN_LABEL_MAX + 1];
    ck_assert_int_eq(token_signer_generate(token, "sealring-audit", &signer, &error), SEALRING_OK);
    ck_assert_int_eq(token_signer_label(token, &signer, label, NULL, &error), SEALRING_OK);
    ck_assert_str_eq(label, "sealring-audit");
    ck_assert_int_eq(token_signer_relabel(token, &signer, "another", &error), SEALRING_OK);
    ck_assert_int_eq(token_signer_label(token, &signer, label, NULL, &error), SEALRING_OK);
    ck_assert_str_eq(label, "another");
    assert_signs(&signer);
}
END_TEST

START_TEST(data_objects_follow_each_other)
{
    struct token_data values[3];
    size_t count = 9;
    ck_assert_int_eq(token_data_read(token, "one", values, 3, &count, NULL, &error), SEALRING_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(token_data_write(token, "one", "first", 5, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(token_data_write(token, "other", "apart", 5, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(token_data_write(token, "one", "second", 6, NULL, &error), SEALRING_OK);
    token_close(token);
    token = test_token_open(&test);
    ck_assert_int_eq(token_data_read(token, "one", values, 3, &count, NULL, &error), SEALRING_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(values[0].length, 6);
    ck_assert_mem_eq(values[0].bytes, "second", 6);
    ck_assert_int_eq(token_data_write(token, "one", values, TOKEN_DATA_MAX + 1, NULL, &error), SEALRING_INVALID);
}
END_TEST

/* A private key that could leave the token, or be read in it. */
START_TEST(an_extractable_key_signs_nothing)
{
    struct raw raw;
    uint8_t signature[TOKEN_SIGNATURE_MAX], p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    size_t length;
    CK_BBOOL yes = CK_TRUE, sensitive = _i == 0 ? CK_TRUE : CK_FALSE, extractable = _i == 0 ? CK_TRUE : CK_FALSE;
    CK_OBJECT_HANDLE public_key, private_key;
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_template[] = {{CKA_EC_PARAMS, p256, sizeof p256},
                                      {CKA_TOKEN, &yes, sizeof yes},
                                      {CKA_ID, signer.object_id, signer.object_id_length}};
    CK_ATTRIBUTE private_template[] = {{CKA_TOKEN, &yes, sizeof yes},
                                       {CKA_SIGN, &yes, sizeof yes},
                                       {CKA_SENSITIVE, &sensitive, sizeof sensitive},
                                       {CKA_EXTRACTABLE, &extractable, sizeof extractable},
                                       {CKA_ID, signer.object_id, signer.object_id_length}};
    raw_open(&raw, token);
    ck_assert_uint_eq(raw.functions->C_GenerateKeyPair(raw.session, &mechanism, public_template, 3, private_template, 5,
                                                       &public_key, &private_key),
                      CKR_OK);
    raw_close(&raw);
    ck_assert_int_eq(token_signer_find(token, &signer, NULL, &error), SEALRING_REFUSED);
    ck_assert_msg(strncmp(error.message, "ALARM: key pair 30313233", 24) == 0, "%s", error.message);
    ck_assert_ptr_nonnull(strstr(error.message, _i == 0 ? "CKA_EXTRACTABLE is true, CKA_NEVER_EXTRACTABLE is false"
                                                        : "CKA_SENSITIVE is false, CKA_ALWAYS_SENSITIVE is false"));
    signer.type = TOKEN_P256;
    ck_assert_int_eq(token_signer_sign(token, &signer, "text\n", 5, signature, &length, &error), SEALRING_REFUSED);
    ck_assert_uint_eq(length, 0);
}
END_TEST

/* Both on one module, at the same time, each with a login of its own. */
START_TEST(two_tokens_of_one_module)
{
    char serial[PROVISION_SERIAL_SIZE], uri[TEST_TOKEN_PATH_SIZE], record[TEST_TOKEN_PATH_SIZE + 8];
    struct token *second = NULL;
    struct token_signer found = signer;
    token_close(token);
    token = NULL;
    ck_assert_int_eq(
        provision_token(test_token_module(), NULL, "second", TEST_TOKEN_SO_PIN, TEST_TOKEN_PIN, serial, &error),
        SEALRING_OK);
    snprintf(uri, sizeof uri, "pkcs11:token=second;serial=%s", serial);
    snprintf(record, sizeof record, "%s.second", test.login_record);
    struct token_config config = test.config;
    config.uri = uri;
    config.login_record = record;
    config.without_hmac = true;
    token = test_token_open(&test);
    sealring_status status = token_open(&config, &second, &error);
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
    ck_assert_int_eq(token_signer_generate(second, "sealring-audit", &signer, &error), SEALRING_OK);
    ck_assert_int_eq(token_signer_find(token, &found, NULL, &error), SEALRING_NOT_FOUND);
    ck_assert_int_eq(token_data_write(second, "one", "x", 1, NULL, &error), SEALRING_OK);
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    test_token_reference(&reference, "fedcba9876543210");
    ck_assert_int_eq(token_key_generate(token, "key", &reference, NULL, &error), SEALRING_OK);
    token_close(second);
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(token_open(&config, &second, &error), SEALRING_OK);
    struct token *first = token;
    token = second;
    assert_signs(&signer);
    token = first;
    token_close(second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_signer");
    TCase *tests = tcase_create("token_signer");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_pair_is_made_found_and_signs, 0, 3);
    tcase_add_test(tests, the_label_is_kept);
    tcase_add_test(tests, data_objects_follow_each_other);
    tcase_add_loop_test(tests, an_extractable_key_signs_nothing, 0, 2);
    tcase_add_test(tests, two_tokens_of_one_module);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
