/* SPDX-License-Identifier: Apache-2.0 */
/* A version's key object from its generation to its destruction, on a real SoftHSM2 token. */
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/raw.h"

#define LABEL "sealring/acme/1"

static struct test_token test;
static struct token *token;
static struct token_key_reference reference;

static void setup(void)
{
    test_token_make(&test);
    token = test_token_open(&test);
    test_token_reference(&reference, "0123456789abcdef");
}

static void teardown(void)
{
    token_close(token);
    test_token_destroy(&test);
}

static void generate(void)
{
    sealring_error error = {0};
    sealring_status status = token_key_generate(token, LABEL, &reference, NULL, &error);
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
}

static sealring_status sign(struct token *with, uint8_t mac[TOKEN_HMAC_SIZE], sealring_error *error)
{
    memset(error, 0, sizeof(*error));
    return token_hmac(with, &reference, (const uint8_t *)"some data", 9, mac, NULL, error);
}

/* In a fresh process: open, sign, and return the status. */
static int sign_elsewhere(struct test_token *at, void *context)
{
    const struct token_key_reference *wanted = context;
    struct token *own = NULL;
    uint8_t mac[TOKEN_HMAC_SIZE];
    if (token_open(&at->config, &own, NULL) != SEALRING_OK)
        return 50;
    sealring_status status = token_hmac(own, wanted, (const uint8_t *)"some data", 9, mac, NULL, NULL);
    token_close(own);
    return (int)status;
}

struct change {
    struct token_key_reference reference;
    enum { CHANGE_CLOSE, CHANGE_REOPEN, CHANGE_DESTROY } what;
};

static int change_elsewhere(struct test_token *at, void *context)
{
    const struct change *change = context;
    const struct token_key_reference *which = &change->reference;
    struct token *own = NULL;
    if (token_open(&at->config, &own, NULL) != SEALRING_OK)
        return 50;
    sealring_status status = change->what == CHANGE_DESTROY
                                 ? token_key_destroy(own, which->object_id, which->object_id_length, NULL, NULL, NULL)
                                 : token_key_allow_sign(own, which->object_id, which->object_id_length, NULL,
                                                        change->what == CHANGE_REOPEN, NULL, NULL);
    token_close(own);
    return (int)status;
}

static int elsewhere(int what)
{
    struct change change = {.reference = reference};
    change.what = what == 0 ? CHANGE_CLOSE : what == 1 ? CHANGE_REOPEN : CHANGE_DESTROY;
    return test_token_elsewhere(&test, change_elsewhere, &change, sizeof(change));
}

struct seen {
    unsigned count;
    struct token_key_info last;
};

static sealring_status see(const struct token_key_info *key, void *context, sealring_error *error)
{
    struct seen *seen = context;
    (void)error;
    seen->count++;
    seen->last = *key;
    return SEALRING_OK;
}

static unsigned count_keys(const char *prefix, struct seen *seen)
{
    sealring_error error = {0};
    memset(seen, 0, sizeof(*seen));
    sealring_status status = token_key_each(token, prefix, see, seen, &error);
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
    return seen->count;
}

static bool flag_of(const struct raw *raw, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 2;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    ck_assert_uint_eq(raw->functions->C_GetAttributeValue(raw->session, handle, &attribute, 1), CKR_OK);
    ck_assert(value == CK_TRUE || value == CK_FALSE);
    return value == CK_TRUE;
}

START_TEST(generated_key_is_what_it_should_be)
{
    struct raw raw;
    struct seen seen;
    CK_ATTRIBUTE search = {CKA_ID, reference.object_id, 0};
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_ULONG count = 0;
    generate();
    ck_assert_uint_eq(count_keys("", &seen), 1);
    ck_assert_str_eq(seen.last.label, LABEL);
    ck_assert_mem_eq(seen.last.object_id, reference.object_id, reference.object_id_length);
    ck_assert_uint_eq(seen.last.object_id_length, reference.object_id_length);
    ck_assert(seen.last.sign);
    search.ulValueLen = reference.object_id_length;
    raw_open(&raw, token);
    ck_assert_uint_eq(raw.functions->C_FindObjectsInit(raw.session, &search, 1), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjects(raw.session, &handle, 1, &count), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjectsFinal(raw.session), CKR_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert(flag_of(&raw, handle, CKA_SENSITIVE) && flag_of(&raw, handle, CKA_ALWAYS_SENSITIVE));
    ck_assert(!flag_of(&raw, handle, CKA_EXTRACTABLE) && flag_of(&raw, handle, CKA_NEVER_EXTRACTABLE));
    ck_assert_int_eq(flag_of(&raw, handle, CKA_LOCAL), token_kind()->tells_local);
    ck_assert(!token_kind()->refuses_copies || !flag_of(&raw, handle, CKA_COPYABLE));
    raw_close(&raw);
    ck_assert_uint_eq(count_keys("sealring/", &seen), 1);
    ck_assert_uint_eq(count_keys("sealring-intent/", &seen), 0);
}
END_TEST

START_TEST(secret_cannot_be_read_and_copied)
{
    struct raw raw;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE search = {CKA_CLASS, &class, sizeof(class)};
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE, copy = CK_INVALID_HANDLE;
    CK_ULONG count = 0;
    CK_BYTE value[64] = {0};
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE secret = {CKA_VALUE, value, sizeof(value)}, session_object = {CKA_TOKEN, &no, sizeof(no)};
    generate();
    raw_open(&raw, token);
    ck_assert_uint_eq(raw.functions->C_FindObjectsInit(raw.session, &search, 1), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjects(raw.session, &handle, 1, &count), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjectsFinal(raw.session), CKR_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(raw.functions->C_GetAttributeValue(raw.session, handle, &secret, 1), CKR_ATTRIBUTE_SENSITIVE);
    ck_assert_int_eq(raw.functions->C_CopyObject(raw.session, handle, &session_object, 1, &copy) != CKR_OK,
                     token_kind()->refuses_copies);
    CK_MECHANISM sha1 = {CKM_SHA_1_HMAC, NULL, 0};
    ck_assert_int_eq(raw.functions->C_SignInit(raw.session, &sha1, handle) != CKR_OK,
                     token_kind()->limits_mechanisms); /* CKA_ALLOWED_MECHANISMS */
    raw_close(&raw);
}
END_TEST

START_TEST(same_secret_everywhere)
{
    uint8_t first[TOKEN_HMAC_SIZE], again[TOKEN_HMAC_SIZE];
    sealring_error error;
    generate();
    ck_assert_int_eq(sign(token, first, &error), SEALRING_OK);
    ck_assert_int_eq(sign(token, again, &error), SEALRING_OK);
    ck_assert_mem_eq(first, again, sizeof(first));
    token_close(token);
    token = test_token_open(&test);
    ck_assert_int_eq(sign(token, again, &error), SEALRING_OK);
    ck_assert_mem_eq(first, again, sizeof(first));
    ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(test_token_elsewhere(&test, sign_elsewhere, &reference, sizeof(reference)), SEALRING_OK);
}
END_TEST

START_TEST(closed_key_refuses_here_and_elsewhere)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    generate();
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
    ck_assert_int_eq(
        token_key_allow_sign(token, reference.object_id, reference.object_id_length, NULL, false, NULL, &error),
        SEALRING_OK);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_REFUSED);
    ck_assert_uint_eq(error.token_code, CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_assert_int_eq(test_token_elsewhere(&test, sign_elsewhere, &reference, sizeof(reference)), SEALRING_REFUSED);
    ck_assert_int_eq(
        token_key_allow_sign(token, reference.object_id, reference.object_id_length, NULL, true, NULL, &error),
        SEALRING_OK);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
    ck_assert_int_eq(test_token_elsewhere(&test, sign_elsewhere, &reference, sizeof(reference)), SEALRING_OK);
}
END_TEST

START_TEST(closed_elsewhere_refuses_at_the_next_signature)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    generate();
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
    ck_assert_int_eq(elsewhere(0), SEALRING_OK);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_REFUSED);
    ck_assert_uint_eq(error.token_code, CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_assert_int_eq(elsewhere(1), SEALRING_OK);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
}
END_TEST

START_TEST(destroyed_elsewhere_is_not_found_at_the_next_signature)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    generate();
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
    ck_assert_int_eq(elsewhere(2), SEALRING_OK);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_NOT_FOUND);
    enum token_answer answer = TOKEN_DONE;
    ck_assert_int_eq(token_key_prove(token, &reference, &answer, &error), SEALRING_NOT_FOUND);
    ck_assert_int_eq(answer, TOKEN_MISSING);
    answer = TOKEN_DONE;
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, &answer, &error), SEALRING_NOT_FOUND);
    ck_assert_int_eq(answer, TOKEN_MISSING);
}
END_TEST

START_TEST(destroy_counts_in_a_fresh_process)
{
    enum token_answer answer;
    struct seen seen;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    generate();
    ck_assert_int_eq(
        token_key_destroy(token, reference.object_id, reference.object_id_length, "sealring/other/1", &answer, &error),
        SEALRING_REFUSED);
    ck_assert_int_eq(answer, TOKEN_REFUSES);
    ck_assert_int_eq(test_token_elsewhere(&test, sign_elsewhere, &reference, sizeof(reference)), SEALRING_OK);
    ck_assert_int_eq(token_key_destroy(token, reference.object_id, reference.object_id_length, LABEL, &answer, &error),
                     SEALRING_OK);
    ck_assert_int_eq(answer, TOKEN_DONE);
    ck_assert_int_eq(test_token_elsewhere(&test, sign_elsewhere, &reference, sizeof(reference)), SEALRING_NOT_FOUND);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_NOT_FOUND);
    ck_assert_uint_eq(count_keys("", &seen), 0);
    ck_assert_int_eq(token_key_destroy(token, reference.object_id, reference.object_id_length, LABEL, &answer, &error),
                     SEALRING_NOT_FOUND);
    ck_assert_int_eq(answer, TOKEN_MISSING);
}
END_TEST

START_TEST(object_id_in_use_is_refused)
{
    struct seen seen;
    struct token_key_reference again;
    enum token_answer answer;
    sealring_error error = {0};
    uint8_t mac[TOKEN_HMAC_SIZE];
    generate();
    test_token_reference(&again, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/acme/2", &again, &answer, &error), SEALRING_REFUSED);
    ck_assert_int_eq(answer, TOKEN_REFUSES);
    ck_assert_uint_eq(count_keys("", &seen), 1);
    ck_assert_str_eq(seen.last.label, LABEL);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
}
END_TEST

START_TEST(relabelled_only_from_the_label_expected)
{
    struct seen seen;
    sealring_error error = {0};
    const uint8_t *id = reference.object_id;
    size_t length = reference.object_id_length;
    generate();
    ck_assert_int_eq(token_key_relabel(token, id, length, "sealring/x/1", "sealring/y/1", NULL, &error),
                     SEALRING_REFUSED);
    ck_assert_int_eq(token_key_relabel(token, id, length, LABEL, "sealring/y/1", NULL, &error), SEALRING_OK);
    ck_assert_int_eq(token_key_relabel(token, id, length, LABEL, "sealring/y/1", NULL, &error), SEALRING_OK);
    ck_assert_uint_eq(count_keys("sealring/y/1", &seen), 1);
    ck_assert_int_eq(token_key_relabel(token, id, length - 1, LABEL, "sealring/y/1", NULL, &error), SEALRING_NOT_FOUND);
}
END_TEST

START_TEST(wrong_check_value_is_an_alarm_and_never_used)
{
    uint8_t mac[TOKEN_HMAC_SIZE] = {0}, zeros[TOKEN_HMAC_SIZE] = {0};
    sealring_error error;
    generate();
    reference.check_value[TOKEN_CHECK_VALUE_SIZE - 1] ^= 1;
    for (int i = 0; i < 2; i++) { /* also when it is asked again, and though the right reference was proved */
        ck_assert_int_eq(sign(token, mac, &error), SEALRING_REFUSED);
        ck_assert_ptr_nonnull(strstr(error.message, "ALARM"));
        ck_assert_uint_eq(error.token_code, 0);
        ck_assert_mem_eq(mac, zeros, sizeof(mac));
    }
    ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_REFUSED);
    reference.check_value[TOKEN_CHECK_VALUE_SIZE - 1] ^= 1;
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
    reference.check_input[0] ^= 1;
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_REFUSED);
}
END_TEST

START_TEST(two_objects_with_one_id_are_an_alarm)
{
    struct raw raw;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    static const struct raw_oddity none = {0};
    generate();
    raw_open(&raw, token);
    raw_generate(&raw, "0123456789abcdef", &none);
    raw_close(&raw);
    ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "ALARM"));
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_REFUSED);
    if (!token_kind()->keeps_both)
        return; /* the second took the first one's place, which its check value gave away */
    sealring_status destroyed =
        token_key_destroy(token, reference.object_id, reference.object_id_length, NULL, NULL, &error);
    ck_assert_msg(destroyed == SEALRING_REFUSED, "%d: %s", (int)destroyed, error.message);
    ck_assert_int_eq(
        token_key_allow_sign(token, reference.object_id, reference.object_id_length, NULL, false, NULL, &error),
        SEALRING_REFUSED);
}
END_TEST

static const struct raw_oddity oddities[] = {
    {CKA_EXTRACTABLE, CK_TRUE, 0}, {CKA_SENSITIVE, CK_FALSE, 0}, {CKA_VERIFY, CK_TRUE, 0}, {CKA_ENCRYPT, CK_TRUE, 0},
    {CKA_DECRYPT, CK_TRUE, 0},     {CKA_WRAP, CK_TRUE, 0},       {CKA_UNWRAP, CK_TRUE, 0}, {CKA_DERIVE, CK_TRUE, 0},
    {CKA_COPYABLE, CK_TRUE, 0},    {CKA_PRIVATE, CK_FALSE, 0},   {0, CK_FALSE, 64},        {CKA_SIGN, CK_FALSE, 0},
};

/* A key of somebody else under the right ID, with the right check value even, but not made as sealring makes them. */
START_TEST(odd_object_is_refused)
{
    const struct raw_oddity *oddity = &oddities[_i];
    struct raw raw;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    if (oddity->type == CKA_COPYABLE && !token_kind()->refuses_copies)
        return; /* there it is none */
    raw_open(&raw, token);
    CK_OBJECT_HANDLE handle = raw_generate(&raw, "0123456789abcdef", oddity);
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG length = sizeof(mac);
    CK_BBOOL kept = oddity->value;
    CK_ATTRIBUTE attribute = {oddity->type, &kept, sizeof(kept)};
    if (oddity->length == 0) /* NSS softokn makes every secret key sensitive and private, whatever it was asked for */
        ck_assert_uint_eq(raw.functions->C_GetAttributeValue(raw.session, handle, &attribute, 1), CKR_OK);
    if (oddity->type != CKA_SIGN) {
        ck_assert_uint_eq(raw.functions->C_SignInit(raw.session, &mechanism, handle), CKR_OK);
        ck_assert_uint_eq(
            raw.functions->C_Sign(raw.session, reference.check_input, reference.check_input_length, mac, &length),
            CKR_OK);
        memcpy(reference.check_value, mac, sizeof(reference.check_value));
    }
    raw_close(&raw);
    ck_assert_int_eq(sign(token, mac, &error), kept == oddity->value ? SEALRING_REFUSED : SEALRING_OK);
    if (kept != oddity->value)
        ck_assert_str_eq(token_kind()->name, "softokn");
    else if (oddity->type == CKA_SIGN)
        ck_assert_uint_eq(error.token_code, CKR_KEY_FUNCTION_NOT_PERMITTED);
    else
        ck_assert_ptr_nonnull(strstr(error.message, "ALARM"));
}
END_TEST

/* The same by hand without any oddity is accepted: so it is the oddity that is refused. */
START_TEST(object_without_oddity_is_accepted)
{
    static const struct raw_oddity none = {0};
    struct raw raw;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    raw_open(&raw, token);
    CK_OBJECT_HANDLE handle = raw_generate(&raw, "0123456789abcdef", &none);
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG length = sizeof(mac);
    ck_assert_uint_eq(raw.functions->C_SignInit(raw.session, &mechanism, handle), CKR_OK);
    ck_assert_uint_eq(
        raw.functions->C_Sign(raw.session, reference.check_input, reference.check_input_length, mac, &length), CKR_OK);
    memcpy(reference.check_value, mac, sizeof(reference.check_value));
    raw_close(&raw);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_OK);
}
END_TEST

/* A secret that was outside of the token once, whatever it is said to be now. */
START_TEST(imported_object_is_refused)
{
    struct raw raw;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG length = sizeof(mac);
    raw_open(&raw, token);
    CK_OBJECT_HANDLE handle = raw_import_as_ours(&raw, "0123456789abcdef");
    ck_assert_uint_eq(raw.functions->C_SignInit(raw.session, &mechanism, handle), CKR_OK);
    ck_assert_uint_eq(
        raw.functions->C_Sign(raw.session, reference.check_input, reference.check_input_length, mac, &length), CKR_OK);
    memcpy(reference.check_value, mac, sizeof(reference.check_value));
    raw_close(&raw);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sign(token, mac, &error), SEALRING_REFUSED);
        ck_assert_ptr_nonnull(strstr(error.message, "ALARM"));
    }
}
END_TEST

/* A token that calls nothing local, neither what it made nor what it was given, and claims of all keys that they never were
 * outside: there is no telling, so none is used. */
static CK_FUNCTION_LIST *real_functions;

static CK_RV untold_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR template,
                              CK_ULONG count)
{
    CK_RV code = real_functions->C_GetAttributeValue(session, object, template, count);
    CK_BBOOL *value = template->pValue;
    if (code == CKR_OK && template->type == CKA_LOCAL)
        *value = CK_FALSE;
    else if (code == CKR_OK && (template->type == CKA_ALWAYS_SENSITIVE || template->type == CKA_NEVER_EXTRACTABLE))
        *value = CK_TRUE;
    return code;
}

START_TEST(token_that_cannot_tell_where_a_key_was_made_is_refused)
{
    sealring_error error = {0};
    CK_FUNCTION_LIST untold = *token->module->functions;
    real_functions = token->module->functions;
    untold.C_GetAttributeValue = untold_attribute;
    token->module->functions = &untold;
    ck_assert_int_eq(token_key_generate(token, LABEL, &reference, NULL, &error), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "CKA_LOCAL"));
    token->module->functions = real_functions;
}
END_TEST

START_TEST(impossible_arguments_are_invalid)
{
    char label[TOKEN_LABEL_MAX + 2];
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error;
    memset(label, 'x', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    ck_assert_int_eq(token_key_generate(token, label, &reference, NULL, &error), SEALRING_INVALID);
    ck_assert_int_eq(token_key_generate(token, "", &reference, NULL, &error), SEALRING_INVALID);
    reference.object_id_length = TOKEN_OBJECT_ID_MAX + 1;
    ck_assert_int_eq(token_key_generate(token, LABEL, &reference, NULL, &error), SEALRING_INVALID);
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_INVALID);
    reference.object_id_length = 0;
    ck_assert_int_eq(sign(token, mac, &error), SEALRING_INVALID);
    ck_assert_int_eq(token_key_destroy(token, reference.object_id, 0, NULL, NULL, &error), SEALRING_INVALID);
}
END_TEST

/* ---- A module that shows a key only after it was initialised again ---- */

static CK_FUNCTION_LIST *real_functions;
static bool hidden;

static CK_RV hiding_find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *count)
{
    CK_RV code = real_functions->C_FindObjects(session, objects, most, count);
    *count = hidden ? 0 : *count;
    return code;
}

static CK_RV showing_initialize(void *arguments)
{
    hidden = false;
    return real_functions->C_Initialize(arguments);
}

START_TEST(a_hidden_key_is_searched_in_a_new_initialisation)
{
    static CK_FUNCTION_LIST hiding;
    char label[TOKEN_LABEL_MAX + 1] = "";
    enum token_answer answer;
    sealring_error error;
    generate();
    real_functions = token->module->functions;
    hiding = *real_functions;
    hiding.C_FindObjects = hiding_find_objects;
    hiding.C_Initialize = showing_initialize;
    token->module->functions = &hiding;
    hidden = true;
    ck_assert_int_eq(token_key_label(token, reference.object_id, reference.object_id_length, label, &answer, &error),
                     SEALRING_OK);
    ck_assert_int_eq(answer, TOKEN_DONE);
    ck_assert_str_eq(label, LABEL);
    hidden = true;
    ck_assert_int_eq(token_key_identify(token, &reference, LABEL, false, NULL, &error), SEALRING_OK);
    hidden = true; /* nothing is lost if it is not found at once */
    ck_assert_int_eq(token_key_touch(token, reference.object_id, reference.object_id_length, &error),
                     SEALRING_NOT_FOUND);
    ck_assert(hidden);
    ck_assert_int_eq(token_key_destroy(token, reference.object_id, reference.object_id_length, LABEL, &answer, &error),
                     SEALRING_OK);
    ck_assert_int_eq(answer, TOKEN_DONE);
    token->module->functions = real_functions;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token key");
    TCase *cases = tcase_create("key");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, generated_key_is_what_it_should_be);
    tcase_add_test(cases, a_hidden_key_is_searched_in_a_new_initialisation);
    tcase_add_test(cases, secret_cannot_be_read_and_copied);
    tcase_add_test(cases, same_secret_everywhere);
    tcase_add_test(cases, closed_key_refuses_here_and_elsewhere);
    tcase_add_test(cases, closed_elsewhere_refuses_at_the_next_signature);
    tcase_add_test(cases, destroyed_elsewhere_is_not_found_at_the_next_signature);
    tcase_add_test(cases, destroy_counts_in_a_fresh_process);
    tcase_add_test(cases, object_id_in_use_is_refused);
    tcase_add_test(cases, relabelled_only_from_the_label_expected);
    tcase_add_test(cases, wrong_check_value_is_an_alarm_and_never_used);
    tcase_add_test(cases, two_objects_with_one_id_are_an_alarm);
    tcase_add_loop_test(cases, odd_object_is_refused, 0, sizeof(oddities) / sizeof(oddities[0]));
    tcase_add_test(cases, object_without_oddity_is_accepted);
    tcase_add_test(cases, imported_object_is_refused);
    tcase_add_test(cases, token_that_cannot_tell_where_a_key_was_made_is_refused);
    tcase_add_test(cases, impossible_arguments_are_invalid);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
