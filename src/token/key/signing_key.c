/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair in a token that signs checkpoints: generated, found, read back, used. */
#include "token/key/signing_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "base/error.h"
#include "base/sha256.h"
#include "token/module/return_code.h"
#include "token/object/object.h"

#define SIGNER_BUFFER_SIZE  512 /* as in hmac.c: some modules overrun a buffer of the exact size */
#define SIGNER_ED25519_SIZE 32
#define SIGNER_POINT_SIZE   65 /* uncompressed, of P-256 */
#define SIGNER_RAW_SIZE     64 /* an Ed25519 signature; r and s of P-256 */

/* The parameters of each type. Ed25519's curve by its OID (PKCS #11 v3.0, section 2.3.5), or by the name that older tokens accept. */
static const struct signer_kind {
    enum token_signer_type type;
    CK_KEY_TYPE key_type;
    CK_MECHANISM_TYPE generate;
    CK_MECHANISM_TYPE sign;
    uint8_t parameters[16];
    CK_ULONG parameters_length;
} signer_kinds[] = {
    {TOKEN_ED25519, CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, {0x06, 0x03, 0x2b, 0x65, 0x70}, 5},
    {TOKEN_ED25519, CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA,
     "\x13\x0c"
     "edwards25519",
     14},
    {TOKEN_P256,
     CKK_EC,
     CKM_EC_KEY_PAIR_GEN,
     CKM_ECDSA,
     {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
     10},
};
#define SIGNER_KINDS (sizeof(signer_kinds) / sizeof(signer_kinds[0]))

/* The part of a SubjectPublicKeyInfo on P-256 before the point (RFC 5480, section 2). */
static const uint8_t signer_spki[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                      0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

struct signer_request {
    struct token_signer *signer;
    const char *label;
    const uint8_t *data;
    size_t length;
    uint8_t *signature;
    size_t signature_length;
    char *label_read;
    char name[OBJECT_NAME_SIZE];
};

/* ---- Finding and checking ---- */

static sealring_status signer_search(struct attempt *attempt, const struct token_signer *signer, CK_OBJECT_CLASS class,
                                     CK_OBJECT_HANDLE **handles, size_t *count)
{
    CK_BBOOL yes = CK_TRUE;
    const CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_ID, (void *)(uintptr_t)signer->object_id, (CK_ULONG)signer->object_id_length},
    };
    return object_search_template(attempt, template, 3, handles, count);
}

static sealring_status signer_one(struct attempt *attempt, const struct signer_request *request, CK_OBJECT_CLASS class,
                                  CK_OBJECT_HANDLE *handle)
{
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = signer_search(attempt, request->signer, class, &handles, &count);
    if (status == SEALRING_OK && count == 0) {
        attempt->answer = TOKEN_MISSING;
        status = error_set(attempt->error, SEALRING_NOT_FOUND, "the PKCS#11 token %s has no key pair %s",
                           attempt->token->name, request->name + 4);
    } else if (status == SEALRING_OK && count > 1) {
        status = attempt_refuse(
            attempt, "ALARM: the PKCS#11 token %s has %zu key pairs %s: none is used; find out who made them",
            attempt->token->name, count, request->name + 4);
    } else if (status == SEALRING_OK) {
        *handle = handles[0];
    }
    free(handles);
    return status;
}

static sealring_status signer_check_private(struct attempt *attempt, const struct signer_request *request,
                                            CK_OBJECT_HANDLE handle)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool value;
        const char *name;
    } wanted[] = {
        {CKA_SENSITIVE, true, "CKA_SENSITIVE"},
        {CKA_ALWAYS_SENSITIVE, true, "CKA_ALWAYS_SENSITIVE"},
        {CKA_EXTRACTABLE, false, "CKA_EXTRACTABLE"},
        {CKA_NEVER_EXTRACTABLE, true, "CKA_NEVER_EXTRACTABLE"},
        {CKA_LOCAL, true, "CKA_LOCAL"},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        bool value, known;
        sealring_status status = object_read_bool(attempt, handle, wanted[i].type, &value, &known);
        if (status != SEALRING_OK)
            return status;
        if (!known || value != wanted[i].value) {
            return attempt_refuse(
                attempt,
                "ALARM: %s on the PKCS#11 token %s is not a key that sealring makes (%s %s): it signs no "
                "checkpoint; find out who made it",
                request->name, attempt->token->name, wanted[i].name,
                !known  ? "cannot be read"
                : value ? "is true"
                        : "is false");
        }
    }
    return SEALRING_OK;
}

/* CKA_EC_POINT is an OCTET STRING in DER (PKCS #11 v2.40, section 2.3.3); some tokens omit the wrapping. */
static sealring_status signer_read_public(struct attempt *attempt, struct signer_request *request,
                                          CK_OBJECT_HANDLE handle)
{
    struct token_signer *signer = request->signer;
    CK_KEY_TYPE key_type = 0;
    uint8_t point[256];
    size_t length, type_length;
    bool known, type_known;
    sealring_status status = object_read(attempt, handle, CKA_EC_POINT, point, sizeof(point), &length, &known);
    if (status == SEALRING_OK)
        status = object_read(attempt, handle, CKA_KEY_TYPE, &key_type, sizeof(key_type), &type_length, &type_known);
    if (status != SEALRING_OK)
        return status;
    size_t size = key_type == CKK_EC_EDWARDS ? SIGNER_ED25519_SIZE : SIGNER_POINT_SIZE;
    const uint8_t *bytes = point;
    if (known && length == size + 2 && point[0] == 0x04 && point[1] == size) {
        bytes += 2;
        length -= 2;
    }
    if (!known || !type_known || length != size || (key_type != CKK_EC_EDWARDS && key_type != CKK_EC)) {
        return attempt_refuse(attempt, "the public %s on the PKCS#11 token %s is neither Ed25519 nor on P-256",
                              request->name, attempt->token->name);
    }
    size_t head = key_type == CKK_EC_EDWARDS ? 0 : sizeof(signer_spki);
    memcpy(signer->public_key, signer_spki, head);
    memcpy(signer->public_key + head, bytes, length);
    signer->public_length = head + length;
    signer->type = key_type == CKK_EC_EDWARDS ? TOKEN_ED25519 : TOKEN_P256;
    return SEALRING_OK;
}

static sealring_status signer_find_action(struct attempt *attempt, void *context)
{
    struct signer_request *request = context;
    CK_OBJECT_HANDLE private_key, public_key;
    sealring_status status = signer_one(attempt, request, CKO_PRIVATE_KEY, &private_key);
    if (status == SEALRING_OK)
        status = signer_check_private(attempt, request, private_key);
    if (status == SEALRING_OK)
        status = signer_one(attempt, request, CKO_PUBLIC_KEY, &public_key);
    return status == SEALRING_OK ? signer_read_public(attempt, request, public_key) : status;
}

/* ---- Generating ---- */

static CK_RV signer_generate_pair(struct attempt *attempt, const struct signer_request *request,
                                  const struct signer_kind *kind, bool copyable)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE key_type = kind->key_type;
    CK_OBJECT_HANDLE public_key, private_key;
    CK_MECHANISM mechanism = {kind->generate, NULL, 0};
    void *object_id = request->signer->object_id;
    void *label = (void *)(uintptr_t)request->label;
    CK_ULONG id_length = (CK_ULONG)request->signer->object_id_length, label_length = (CK_ULONG)strlen(request->label);
    CK_ATTRIBUTE public_template[] = {
        {CKA_CLASS, &public_class, sizeof(public_class)},
        {CKA_KEY_TYPE, &key_type, sizeof(key_type)},
        {CKA_EC_PARAMS, (void *)(uintptr_t)kind->parameters, kind->parameters_length},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_VERIFY, &yes, sizeof(yes)},
        {CKA_ID, object_id, id_length},
        {CKA_LABEL, label, label_length},
    };
    CK_ATTRIBUTE private_template[] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_KEY_TYPE, &key_type, sizeof(key_type)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_EXTRACTABLE, &no, sizeof(no)},
        {CKA_SIGN, &yes, sizeof(yes)},
        {CKA_DECRYPT, &no, sizeof(no)},
        {CKA_UNWRAP, &no, sizeof(no)},
        {CKA_DERIVE, &no, sizeof(no)},
        {CKA_ID, object_id, id_length},
        {CKA_LABEL, label, label_length},
        {CKA_COPYABLE, &no, sizeof(no)}, /* last: some tokens do not know it */
    };
    CK_ULONG private_count = sizeof(private_template) / sizeof(private_template[0]) - (copyable ? 0 : 1);
    return attempt->functions->C_GenerateKeyPair(attempt->session, &mechanism, public_template,
                                                 sizeof(public_template) / sizeof(public_template[0]), private_template,
                                                 private_count, &public_key, &private_key);
}

/* Destroys all objects with the ID. */
static sealring_status signer_destroy_action(struct attempt *attempt, void *context)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    const struct signer_request *request = context;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; i < 2 && status == SEALRING_OK; i++) {
        CK_OBJECT_HANDLE *handles = NULL;
        size_t count = 0;
        status = signer_search(attempt, request->signer, classes[i], &handles, &count);
        if (status == SEALRING_OK)
            status = object_destroy(attempt, handles, count, "destroying a key pair");
        free(handles);
    }
    return status;
}

/* Destroys what is left of a pair that could not be made, under an ID that was unused before. A failure here is not reported, because
 * the first failure is the one that matters. */
static void signer_clean_up(struct attempt *attempt, struct signer_request *request)
{
    sealring_error ignored;
    struct attempt cleaning = *attempt;
    cleaning.error = &ignored;
    (void)signer_destroy_action(&cleaning, request);
}

static bool signer_next_kind(CK_RV code)
{
    return code_class_of(code) == CODE_REFUSED || code == CKR_FUNCTION_FAILED || code == CKR_GENERAL_ERROR ||
           code == CKR_DOMAIN_PARAMS_INVALID || code == CKR_CURVE_NOT_SUPPORTED;
}

/* Returns whether the token reports both mechanisms. */
static bool signer_has(const struct attempt *attempt, const struct signer_kind *kind)
{
    CK_MECHANISM_INFO info;
    CK_SLOT_ID slot = attempt->token->slot;
    return attempt->functions->C_GetMechanismInfo(slot, kind->generate, &info) == CKR_OK &&
           attempt->functions->C_GetMechanismInfo(slot, kind->sign, &info) == CKR_OK;
}

static CK_RV signer_generate_any(struct attempt *attempt, struct signer_request *request)
{
    CK_RV code = CKR_MECHANISM_INVALID;
    for (size_t i = 0; i < SIGNER_KINDS; i++) {
        enum token_signer_type wanted = request->signer->type;
        if ((wanted != 0 && wanted != signer_kinds[i].type) || !signer_has(attempt, &signer_kinds[i]))
            continue;
        for (int copyable = 1; copyable >= 0; copyable--) {
            attempt->acted = true;
            code = signer_generate_pair(attempt, request, &signer_kinds[i], copyable != 0);
            if (!signer_next_kind(code))
                return code;
            signer_clean_up(attempt, request);
        }
    }
    return code;
}

static sealring_status signer_generate_action(struct attempt *attempt, void *context)
{
    struct signer_request *request = context;
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = signer_search(attempt, request->signer, CKO_PRIVATE_KEY, &handles, &count);
    free(handles);
    if (status != SEALRING_OK)
        return status;
    if (count > 0) {
        return attempt_refuse(attempt, "the PKCS#11 token %s has a key pair %s already", attempt->token->name,
                              request->name + 4);
    }
    CK_RV code = signer_generate_any(attempt, request);
    if (code != CKR_OK)
        status = attempt_fail(attempt, code, "C_GenerateKeyPair", "generating a key pair");
    else
        status = signer_find_action(attempt, request);
    if (status != SEALRING_OK)
        signer_clean_up(attempt, request);
    return status;
}

/* ---- Signing ---- */

/* Converts r and s, as tokens return them (PKCS #11 v2.40, section 2.3.1), to DER, which all others expect. */
static bool signer_to_der(const uint8_t raw[SIGNER_RAW_SIZE], uint8_t der[TOKEN_SIGNATURE_MAX], size_t *length)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, SIGNER_RAW_SIZE / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw + SIGNER_RAW_SIZE / 2, SIGNER_RAW_SIZE / 2, NULL);
    uint8_t *at = der;
    int written = -1;
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL; /* now owned by the signature */
        if (i2d_ECDSA_SIG(signature, NULL) <= TOKEN_SIGNATURE_MAX)
            written = i2d_ECDSA_SIG(signature, &at);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    *length = written > 0 ? (size_t)written : 0;
    return written > 0;
}

static sealring_status signer_sign_action(struct attempt *attempt, void *context)
{
    struct signer_request *request = context;
    CK_OBJECT_HANDLE handle;
    uint8_t digest[SHA256_SIZE];
    CK_BYTE output[SIGNER_BUFFER_SIZE];
    CK_ULONG length = sizeof(output);
    bool edwards = request->signer->type == TOKEN_ED25519;
    CK_MECHANISM mechanism = {edwards ? CKM_EDDSA : CKM_ECDSA, NULL, 0};
    const uint8_t *data = request->data;
    size_t data_length = request->length;
    if (!edwards) {
        sha256(data, data_length, digest);
        data = digest;
        data_length = sizeof(digest);
    }
    sealring_status status = signer_one(attempt, request, CKO_PRIVATE_KEY, &handle);
    if (status == SEALRING_OK)
        status = signer_check_private(attempt, request, handle);
    if (status != SEALRING_OK)
        return status;
    CK_RV code = attempt->functions->C_SignInit(attempt->session, &mechanism, handle);
    if (code != CKR_OK)
        return attempt_fail(attempt, code, "C_SignInit", request->name);
    code = attempt->functions->C_Sign(attempt->session, (CK_BYTE_PTR)(uintptr_t)data, (CK_ULONG)data_length, output,
                                      &length);
    if (code == CKR_OK && length != SIGNER_RAW_SIZE)
        code = CKR_FUNCTION_FAILED;
    if (code != CKR_OK)
        return attempt_fail(attempt, code, "C_Sign", request->name);
    if (edwards) {
        memcpy(request->signature, output, SIGNER_RAW_SIZE);
        request->signature_length = SIGNER_RAW_SIZE;
        return SEALRING_OK;
    }
    return signer_to_der(output, request->signature, &request->signature_length) ? SEALRING_OK
                                                                                 : error_no_memory(attempt->error);
}

/* ---- The label ---- */

static sealring_status signer_label_action(struct attempt *attempt, void *context)
{
    const struct signer_request *request = context;
    CK_OBJECT_HANDLE handle;
    size_t length = 0;
    bool known = false;
    sealring_status status = signer_one(attempt, request, CKO_PRIVATE_KEY, &handle);
    if (status == SEALRING_OK) {
        status = object_read(attempt, handle, CKA_LABEL, request->label_read, TOKEN_LABEL_MAX, &length, &known);
        request->label_read[length] = '\0';
    }
    if (status == SEALRING_OK && !known) { /* the label may be a stored value */
        status = attempt_refuse(attempt, "the PKCS#11 token %s does not show the label of the key pair",
                                attempt->token->name);
    }
    return status;
}

static sealring_status signer_relabel_action(struct attempt *attempt, void *context)
{
    const struct signer_request *request = context;
    CK_OBJECT_HANDLE handle;
    char label[TOKEN_LABEL_MAX + 1];
    sealring_status status = signer_one(attempt, request, CKO_PRIVATE_KEY, &handle);
    if (status == SEALRING_OK)
        status =
            object_set(attempt, handle, CKA_LABEL, request->label, strlen(request->label), "relabelling a key pair");
    if (status == SEALRING_OK)
        status = object_read_label(attempt, handle, label);
    if (status == SEALRING_OK && strcmp(label, request->label) != 0) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s did not keep the label of %s", attempt->token->name,
                                request->name);
    }
    return status;
}

/* ---- The interface ---- */

static sealring_status signer_run(struct token *token, enum attempt_kind kind, attempt_action action,
                                  struct signer_request *request, enum token_answer *answer, sealring_error *error)
{
    if (answer != NULL)
        *answer = TOKEN_FAILED;
    size_t length = request->signer->object_id_length;
    if (length == 0 || length > TOKEN_OBJECT_ID_MAX)
        return error_set(error, SEALRING_INVALID, "a key pair's object ID has %zu bytes", length);
    if (request->label != NULL && (strlen(request->label) == 0 || strlen(request->label) > TOKEN_LABEL_MAX))
        return error_set(error, SEALRING_INVALID, "a key's label has 1 to %d bytes", TOKEN_LABEL_MAX);
    object_name(request->signer->object_id, length, request->name);
    return attempt_run(token, kind, action, request, answer, error);
}

sealring_status token_signer_generate(struct token *token, const char *label, struct token_signer *signer,
                                      sealring_error *error)
{
    struct signer_request request = {.signer = signer, .label = label};
    return signer_run(token, ATTEMPT_WRITE, signer_generate_action, &request, NULL, error);
}

sealring_status token_signer_find(struct token *token, struct token_signer *signer, enum token_answer *answer,
                                  sealring_error *error)
{
    struct signer_request request = {.signer = signer};
    return signer_run(token, ATTEMPT_SEARCH, signer_find_action, &request, answer, error);
}

sealring_status token_signer_sign(struct token *token, const struct token_signer *signer, const void *data,
                                  size_t length, uint8_t signature[TOKEN_SIGNATURE_MAX], size_t *signature_length,
                                  sealring_error *error)
{
    struct token_signer copy = *signer;
    struct signer_request request = {.signer = &copy, .data = data, .length = length, .signature = signature};
    sealring_status status = signer_run(token, ATTEMPT_SEARCH, signer_sign_action, &request, NULL, error);
    *signature_length = status == SEALRING_OK ? request.signature_length : 0;
    return status;
}

sealring_status token_signer_label(struct token *token, const struct token_signer *signer,
                                   char label[TOKEN_LABEL_MAX + 1], enum token_answer *answer, sealring_error *error)
{
    struct token_signer copy = *signer;
    struct signer_request request = {.signer = &copy, .label_read = label};
    label[0] = '\0';
    return signer_run(token, ATTEMPT_SEARCH, signer_label_action, &request, answer, error);
}

sealring_status token_signer_relabel(struct token *token, const struct token_signer *signer, const char *label,
                                     sealring_error *error)
{
    struct token_signer copy = *signer;
    struct signer_request request = {.signer = &copy, .label = label};
    return signer_run(token, ATTEMPT_WRITE, signer_relabel_action, &request, NULL, error);
}

sealring_status token_signer_destroy(struct token *token, const struct token_signer *signer, sealring_error *error)
{
    struct token_signer copy = *signer;
    struct signer_request request = {.signer = &copy};
    return signer_run(token, ATTEMPT_WRITE, signer_destroy_action, &request, NULL, error);
}
