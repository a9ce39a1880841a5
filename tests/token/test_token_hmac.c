/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 in the token against OpenSSL and NIST's figures, and the pieces that need no token. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/writer.h"
#include "kdf/kdf.h"
#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/key/hmac.h"
#include "token/module/return_code.h"
#include "token/raw.h"
#include "unit/hexadecimal.h"
#include "vectors/kdf_counter_hmac_sha256.h"

static struct test_token test;
static struct token *token;
static struct raw raw;

static void setup(void)
{
    ck_assert_ptr_ne(signal(SIGPIPE, SIG_DFL), SIG_ERR);
    test_token_make(&test);
    token = test_token_open(&test);
    raw_open(&raw, token);
}

static void teardown(void)
{
    raw_close(&raw);
    token_close(token);
    test_token_destroy(&test);
}

START_TEST(equals_openssl)
{
    static uint8_t data[5000];
    static const size_t lengths[] = {0, 1, 31, 32, 33, 63, 64, 65, 100, 1000, 5000};
    uint8_t secret[TOKEN_KEY_BYTES], mac[TOKEN_HMAC_SIZE], expected[EVP_MAX_MD_SIZE];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)(0xf0 ^ i);
    CK_OBJECT_HANDLE handle = raw_import(&raw, secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        unsigned expected_length = 0;
        sealring_status status = hmac_sign(&raw.attempt, handle, data, lengths[i], mac);
        ck_assert_msg(status == SEALRING_OK, "%s", raw.attempt.error.message);
        ck_assert_ptr_nonnull(HMAC(EVP_sha256(), secret, sizeof(secret), data, lengths[i], expected, &expected_length));
        ck_assert_uint_eq(expected_length, sizeof(mac));
        ck_assert_mem_eq(mac, expected, sizeof(mac));
    }
}
END_TEST

/* NIST's KI becomes a session object; longer outputs are as many blocks, each its own counter. */
START_TEST(equals_nist)
{
    size_t checked = 0;
    for (size_t i = 0; i < sizeof(kdf_vectors) / sizeof(kdf_vectors[0]); i++) {
        uint8_t secret[64], fixed[256], output[256], input[300], made[256 + TOKEN_HMAC_SIZE];
        const struct kdf_vector *vector = &kdf_vectors[i];
        size_t secret_length = hexadecimal_read(vector->key, secret, sizeof(secret));
        size_t fixed_length = hexadecimal_read(vector->fixed, fixed, sizeof(fixed));
        size_t output_length = hexadecimal_read(vector->output, output, sizeof(output));
        ck_assert_uint_eq(output_length * 8, vector->output_bits);
        CK_OBJECT_HANDLE handle = raw_import(&raw, secret, secret_length);
        uint32_t counter = 1;
        for (size_t done = 0; done < output_length; done += TOKEN_HMAC_SIZE, counter++) {
            struct writer writer;
            writer_init(&writer, input, sizeof(input));
            kdf_write_block(&writer, counter, fixed, fixed_length);
            ck_assert(!writer.overflow);
            sealring_status status = hmac_sign(&raw.attempt, handle, input, writer.length, made + done);
            ck_assert_msg(status == SEALRING_OK, "%s", raw.attempt.error.message);
        }
        ck_assert_msg(memcmp(made, output, output_length) == 0, "COUNT=%u", vector->count);
        ck_assert_uint_eq(raw.functions->C_DestroyObject(raw.session, handle), CKR_OK);
        checked++;
    }
    ck_assert_uint_eq(checked, 40); /* the whole section */
}
END_TEST

/* A module that answers something that is no HMAC-SHA256, with CKR_OK. */
static CK_FUNCTION_LIST *real_functions;

static CK_RV short_sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR mac,
                        CK_ULONG_PTR mac_length)
{
    CK_RV code = real_functions->C_Sign(session, data, length, mac, mac_length);
    ck_assert_uint_ge(*mac_length, 32);
    *mac_length = 20;
    return code;
}

START_TEST(short_answer_is_no_answer)
{
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error = {0};
    CK_FUNCTION_LIST odd = *token->module->functions;
    test_token_reference(&reference, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
    real_functions = token->module->functions;
    odd.C_Sign = short_sign;
    token->module->functions = &odd;
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error), SEALRING_TOKEN);
    ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_TOKEN);
    token->module->functions = real_functions;
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error), SEALRING_OK);
}
END_TEST

/* What the token may answer to C_SignInit once, what becomes of the call, and how often C_SignInit is called. */
static CK_RV next_code;
static int sign_inits;

static CK_RV failing_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV code = next_code;
    next_code = CKR_OK;
    sign_inits++;
    return code != CKR_OK ? code : real_functions->C_SignInit(session, mechanism, key);
}

static const struct {
    CK_RV code;
    sealring_status status;
} answers[] = {
    {CKR_SESSION_HANDLE_INVALID, SEALRING_OK}, /* repaired and repeated */
    {CKR_SESSION_CLOSED, SEALRING_OK},
    {CKR_OPERATION_ACTIVE, SEALRING_OK},
    {CKR_USER_NOT_LOGGED_IN, SEALRING_OK},
    {CKR_KEY_HANDLE_INVALID, SEALRING_OK},
    {CKR_OBJECT_HANDLE_INVALID, SEALRING_OK},
    {CKR_DEVICE_ERROR, SEALRING_OK},
    {CKR_DEVICE_REMOVED, SEALRING_OK},
    {CKR_TOKEN_NOT_PRESENT, SEALRING_OK},
    {CKR_CRYPTOKI_NOT_INITIALIZED, SEALRING_OK},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, SEALRING_REFUSED}, /* a verdict of the token */
    {CKR_KEY_TYPE_INCONSISTENT, SEALRING_OK}, /* some say so of a key without a login: proved again and repeated */
    {CKR_GENERAL_ERROR, SEALRING_TOKEN},      /* an outage of this call; the token is there */
    {CKR_FUNCTION_FAILED, SEALRING_TOKEN},
    {CKR_HOST_MEMORY, SEALRING_TOKEN},
    {CKR_DEVICE_MEMORY, SEALRING_TOKEN},
    {CKR_ARGUMENTS_BAD, SEALRING_TOKEN},
    {CKR_VENDOR_DEFINED | 0x4711, SEALRING_TOKEN}, /* unknown: never a verdict */
    {0x7fffff, SEALRING_TOKEN},
};

START_TEST(every_answer_has_its_repair)
{
    struct token_key_reference reference;
    uint8_t first[TOKEN_HMAC_SIZE], mac[TOKEN_HMAC_SIZE];
    sealring_error error = {0};
    CK_FUNCTION_LIST failing = *token->module->functions;
    test_token_reference(&reference, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, first, NULL, &error), SEALRING_OK);
    real_functions = token->module->functions;
    failing.C_SignInit = failing_sign_init;
    token->module->functions = &failing;
    next_code = answers[_i].code;
    sign_inits = 0;
    enum token_answer answer;
    sealring_status status = token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, &answer, &error);
    ck_assert_msg(status == answers[_i].status, "%s: %d, %s", code_name(answers[_i].code), (int)status, error.message);
    ck_assert_int_eq(answer, status == SEALRING_OK        ? TOKEN_DONE
                             : status == SEALRING_REFUSED ? TOKEN_REFUSES
                                                          : TOKEN_FAILED);
    if (status == SEALRING_OK) {
        ck_assert_int_ge(sign_inits, 2);
        ck_assert_mem_eq(mac, first, sizeof(mac));
    } else {
        ck_assert_int_eq(sign_inits, 1);
        ck_assert_uint_eq(error.token_code, answers[_i].code);
        ck_assert_ptr_nonnull(strstr(error.message, code_name(answers[_i].code)));
    }
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error), SEALRING_OK);
    token->module->functions = real_functions;
}
END_TEST

static CK_RV piping_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    raise(SIGPIPE);
    return real_functions->C_SignInit(session, mechanism, key);
}

/* A module that talks to a remote end which went away. */
START_TEST(sigpipe_of_a_module_kills_nobody)
{
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error = {0};
    sigset_t mask, pending;
    CK_FUNCTION_LIST piping = *token->module->functions;
    ck_assert(token->guards_sigpipe); /* nobody ignores SIGPIPE here */
    test_token_reference(&reference, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
    real_functions = token->module->functions;
    piping.C_SignInit = piping_sign_init;
    token->module->functions = &piping;
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error), SEALRING_OK);
    token->module->functions = real_functions;
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
    ck_assert_int_eq(sigismember(&mask, SIGPIPE), 0);
    ck_assert_int_eq(sigpending(&pending), 0);
    ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
}
END_TEST

START_TEST(index_keeps_what_was_proved)
{
    struct key_index index = {.lock = PTHREAD_RWLOCK_INITIALIZER};
    struct token_key_reference reference;
    char id[TOKEN_OBJECT_ID_MAX + 1];
    CK_OBJECT_HANDLE handle;
    sealring_error error;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "id %u", i);
        test_token_reference(&reference, id);
        ck_assert_int_eq(index_put(&index, &reference, 6, i + 50, &error), SEALRING_OK);
        ck_assert_int_eq(index_put(&index, &reference, 7, i + 100, &error), SEALRING_OK); /* proved again */
    }
    ck_assert_uint_eq(index.count, 1000);
    for (unsigned i = 0; i < 1000; i += 2) {
        snprintf(id, sizeof(id), "id %u", i);
        index_forget(&index, (const uint8_t *)id, strlen(id));
    }
    ck_assert_uint_eq(index.count, 500);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "id %u", i);
        test_token_reference(&reference, id);
        ck_assert_int_eq(index_find(&index, &reference, 7, &handle), i % 2 == 1);
        ck_assert(i % 2 == 0 || handle == i + 100);
        ck_assert(!index_find(&index, &reference, 8, &handle)); /* another connection */
        reference.check_value[0] ^= 1;
        ck_assert(!index_find(&index, &reference, 7, &handle)); /* another proof */
        reference.check_value[0] ^= 1;
        reference.check_input_length--;
        ck_assert(!index_find(&index, &reference, 7, &handle));
    }
    free(index.entries);
    pthread_rwlock_destroy(&index.lock);
}
END_TEST

START_TEST(unknown_codes_are_doubtful)
{
    ck_assert_int_eq(code_class_of(CKR_OK), CODE_DONE);
    ck_assert_int_eq(code_class_of(CKR_VENDOR_DEFINED), CODE_DOUBT);
    ck_assert_str_eq(code_name(CKR_VENDOR_DEFINED), "an unknown code");
    ck_assert_str_eq(code_name(CKR_PIN_INCORRECT), "CKR_PIN_INCORRECT");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token hmac");
    TCase *cases = tcase_create("hmac");
    TCase *pieces = tcase_create("pieces");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, equals_openssl);
    tcase_add_test(cases, equals_nist);
    tcase_add_test(cases, short_answer_is_no_answer);
    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, every_answer_has_its_repair, 0, sizeof(answers) / sizeof(answers[0]));
    tcase_add_test(cases, sigpipe_of_a_module_kills_nobody);
    tcase_add_test(pieces, index_keeps_what_was_proved);
    tcase_add_test(pieces, unknown_codes_are_doubtful);
    suite_add_tcase(suite, pieces);
    return run_suite(suite);
}
