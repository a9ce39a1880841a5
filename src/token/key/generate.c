/* SPDX-License-Identifier: Apache-2.0 */
/* Generates a version's secret inside the token, so that it never exists anywhere else. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "token/key/attributes.h"
#include "token/key/hmac.h"
#include "token/key/key_object.h"
#include "token/module/return_code.h"
#include "token/object/object.h"
#include "token/session/handle_index.h"

/* In this order; CKK_SHA256_HMAC for tokens where only that type signs. */
static const CK_KEY_TYPE generate_key_types[] = {CKK_GENERIC_SECRET, CKK_SHA256_HMAC};

static bool generate_is_template_problem(CK_RV code)
{
    return code == CKR_ATTRIBUTE_TYPE_INVALID || code == CKR_ATTRIBUTE_VALUE_INVALID ||
           code == CKR_ATTRIBUTE_READ_ONLY || code == CKR_TEMPLATE_INCONSISTENT;
}

/* NSS softokn returns one of these codes if its database does not know an attribute of a token object. */
static bool generate_may_be_template_problem(struct attempt *attempt, CK_RV code)
{
    return generate_is_template_problem(code) ||
           ((code == CKR_GENERAL_ERROR || code == CKR_FUNCTION_FAILED) && connection_ask(attempt->token) == CKR_OK);
}

/* Destroys all objects with this ID, which was unused before: a failed generation may leave an incomplete object. A failure here is not
 * reported, because the first failure is the one that matters; a remaining object keeps its label, which identifies its owner. */
static void generate_clean_up(struct attempt *attempt)
{
    struct attempt cleaning = *attempt;
    hmac_forget(attempt);
    (void)object_destroy_all(&cleaning, CKO_SECRET_KEY);
}

static CK_RV generate_object(struct attempt *attempt, const char *label, const CK_KEY_TYPE *key_type,
                             CK_OBJECT_HANDLE *handle)
{
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_RV code = CKR_OK;
    for (unsigned without = ATTRIBUTES_ALL; without <= ATTRIBUTES_WITHOUT_BOTH; without++) {
        CK_ATTRIBUTE template[ATTRIBUTES_TEMPLATE_MAX];
        CK_ULONG count = attributes_fill(template, key_type, without, attempt->object, label);
        code = attempt->functions->C_GenerateKey(attempt->session, &mechanism, template, count, handle);
        if (code == CKR_OK || !generate_may_be_template_problem(attempt, code))
            break;
        generate_clean_up(attempt);
    }
    return code;
}

/* Checks that the key has the requested ID and label, and the right attributes. A token may truncate a long ID. */
static sealring_status generate_read_back(struct attempt *attempt, const char *wanted, CK_OBJECT_HANDLE handle)
{
    uint8_t object_id[TOKEN_OBJECT_ID_MAX];
    char label[TOKEN_LABEL_MAX + 1];
    size_t length;
    bool known;
    sealring_status status = object_read(attempt, handle, CKA_ID, object_id, sizeof(object_id), &length, &known);
    if (status == SEALRING_OK)
        status = object_read_label(attempt, handle, label);
    if (status != SEALRING_OK)
        return status;
    if (!known || length != attempt->object.ulValueLen || memcmp(object_id, attempt->object.pValue, length) != 0 ||
        (label[0] != '\0' && strcmp(label, wanted) != 0)) { /* a missing label is for the probe to find */
        return attempt_refuse(attempt, "the PKCS#11 token %s did not keep the ID or the label of %s: use a shorter ID",
                              attempt->token->name, attempt_name(attempt));
    }
    return attributes_check(attempt, handle);
}

static sealring_status generate_check_value(struct attempt *attempt, struct token_key_reference *reference,
                                            CK_OBJECT_HANDLE handle)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_status status =
        hmac_sign_twice(attempt, handle, reference->check_input, reference->check_input_length, mac);
    if (status == SEALRING_OK) {
        memcpy(reference->check_value, mac, TOKEN_CHECK_VALUE_SIZE);
        status = index_put(&attempt->token->index, reference, attempt->generation, handle, &attempt->error);
    }
    secret_wipe(mac, sizeof(mac));
    return status;
}

static sealring_status generate_with_type(struct attempt *attempt, const char *label, const CK_KEY_TYPE *key_type,
                                          struct token_key_reference *reference)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    attempt->acted = true;
    CK_RV code = generate_object(attempt, label, key_type, &handle);
    sealring_status status =
        code == CKR_OK ? SEALRING_OK : attempt_fail(attempt, code, "C_GenerateKey", "generating a key");
    if (status == SEALRING_OK)
        status = generate_read_back(attempt, label, handle);
    if (status == SEALRING_OK)
        status = generate_check_value(attempt, reference, handle);
    if (status == SEALRING_OK)
        return SEALRING_OK;
    if (code == CKR_OK)
        attempt->functions->C_DestroyObject(attempt->session, handle);
    generate_clean_up(attempt);
    return status;
}

static sealring_status generate_key(struct attempt *attempt, const char *label, struct token_key_reference *reference)
{
    sealring_status status = object_check_unused(attempt, CKO_SECRET_KEY);
    if (status != SEALRING_OK)
        return status;
    for (size_t i = 0; i < sizeof(generate_key_types) / sizeof(generate_key_types[0]); i++) {
        attempt_go_on(attempt);
        status = generate_with_type(attempt, label, &generate_key_types[i], reference);
        if (attempt->code != CKR_KEY_TYPE_INCONSISTENT && attempt->code != CKR_MECHANISM_INVALID &&
            !generate_is_template_problem(attempt->code))
            break;
    }
    return status;
}

sealring_status token_key_generate(struct token *token, const char *label, struct token_key_reference *reference,
                                   enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = hmac_attempt(token, ATTEMPT_WRITE, reference);
    object_check_label(&attempt, label);
    while (attempt_next(&attempt))
        attempt.status = generate_key(&attempt, label, reference);
    return attempt_end(&attempt, answer, error);
}
