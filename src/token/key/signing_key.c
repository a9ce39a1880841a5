/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair in a token that signs checkpoints: generated, found, read back, used. */
#include "token/key/signing_key.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "base/error.h"
#include "base/sha256.h"
#include "token/key/attributes.h"
#include "token/module/return_code.h"
#include "token/object/object.h"

#define SIGNER_ED25519_SIZE 32
#define SIGNER_POINT_SIZE   65 /* uncompressed, of P-256 */
#define SIGNER_RAW_SIZE     64 /* an Ed25519 signature; r and s of P-256 */

_Static_assert(SIGNER_RAW_SIZE + 8 <= TOKEN_SIGNATURE_MAX, "two integers in DER, and their sequence, fit");

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

static struct attempt signer_attempt(struct token *token, enum attempt_kind kind, const struct token_signer *signer)
{
    return object_attempt(token, kind, "key pair", signer->object_id, signer->object_id_length);
}

/* ---- Finding and checking ---- */

static sealring_status signer_find_private(struct attempt *attempt, CK_OBJECT_HANDLE *handle)
{
    sealring_status status = object_find(attempt, CKO_PRIVATE_KEY, handle);
    return status == SEALRING_OK ? attributes_check_private(attempt, *handle) : status;
}

/* CKA_EC_POINT is an OCTET STRING in DER (PKCS #11 v2.40, section 2.3.3); some tokens omit the wrapping. */
static sealring_status signer_read_public(struct attempt *attempt, struct token_signer *signer, CK_OBJECT_HANDLE handle)
{
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
        return attempt_refuse(attempt, "the public key of %s on the PKCS#11 token %s is neither Ed25519 nor on P-256",
                              attempt_name(attempt), attempt->token->name);
    }
    size_t head = key_type == CKK_EC_EDWARDS ? 0 : sizeof(signer_spki);
    memcpy(signer->public_key, signer_spki, head);
    memcpy(signer->public_key + head, bytes, length);
    signer->public_length = head + length;
    signer->type = key_type == CKK_EC_EDWARDS ? TOKEN_ED25519 : TOKEN_P256;
    return SEALRING_OK;
}

static sealring_status signer_find(struct attempt *attempt, struct token_signer *signer)
{
    CK_OBJECT_HANDLE handle;
    sealring_status status = signer_find_private(attempt, &handle);
    if (status == SEALRING_OK)
        status = object_find(attempt, CKO_PUBLIC_KEY, &handle);
    return status == SEALRING_OK ? signer_read_public(attempt, signer, handle) : status;
}

/* ---- Generating ---- */

static CK_RV signer_generate_pair(struct attempt *attempt, const char *name, const struct signer_kind *kind,
                                  bool copyable)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE key_type = kind->key_type;
    CK_OBJECT_HANDLE public_key, private_key;
    CK_MECHANISM mechanism = {kind->generate, NULL, 0};
    const CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t)name, (CK_ULONG)strlen(name)};
    CK_ATTRIBUTE public_template[] = {
        {CKA_CLASS, &public_class, sizeof(public_class)},
        {CKA_KEY_TYPE, &key_type, sizeof(key_type)},
        {CKA_EC_PARAMS, (void *)(uintptr_t)kind->parameters, kind->parameters_length},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_VERIFY, &yes, sizeof(yes)},
        attempt->object,
        label,
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
        attempt->object,
        label,
        {CKA_COPYABLE, &no, sizeof(no)}, /* last: some tokens do not know it */
    };
    CK_ULONG private_count = sizeof(private_template) / sizeof(private_template[0]) - (copyable ? 0 : 1);
    return attempt->functions->C_GenerateKeyPair(attempt->session, &mechanism, public_template,
                                                 sizeof(public_template) / sizeof(public_template[0]), private_template,
                                                 private_count, &public_key, &private_key);
}

static sealring_status signer_destroy(struct attempt *attempt)
{
    sealring_status status = object_destroy_all(attempt, CKO_PRIVATE_KEY);
    return status == SEALRING_OK ? object_destroy_all(attempt, CKO_PUBLIC_KEY) : status;
}

/* Destroys what is left of a pair that could not be made, under an ID that was unused before. A failure here is not reported, because
 * the first failure is the one that matters. */
static void signer_clean_up(const struct attempt *attempt)
{
    struct attempt cleaning = *attempt;
    (void)signer_destroy(&cleaning);
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

static CK_RV signer_generate_any(struct attempt *attempt, const char *label, enum token_signer_type wanted)
{
    CK_RV code = CKR_MECHANISM_INVALID;
    for (size_t i = 0; i < SIGNER_KINDS; i++) {
        if ((wanted != 0 && wanted != signer_kinds[i].type) || !signer_has(attempt, &signer_kinds[i]))
            continue;
        for (int copyable = 1; copyable >= 0; copyable--) {
            attempt->acted = true;
            code = signer_generate_pair(attempt, label, &signer_kinds[i], copyable != 0);
            if (!signer_next_kind(code))
                return code;
            signer_clean_up(attempt);
        }
    }
    return code;
}

static sealring_status signer_generate(struct attempt *attempt, const char *label, struct token_signer *signer)
{
    sealring_status status = object_check_unused(attempt, CKO_PRIVATE_KEY);
    if (status != SEALRING_OK)
        return status;
    CK_RV code = signer_generate_any(attempt, label, signer->type);
    status = code == CKR_OK ? signer_find(attempt, signer)
                            : attempt_fail(attempt, code, "C_GenerateKeyPair", "generating a key pair");
    if (status != SEALRING_OK)
        signer_clean_up(attempt);
    return status;
}

/* ---- Signing ---- */

/* Converts r and s, as tokens return them (PKCS #11 v2.40, section 2.3.1), to DER, which all others expect. */
static bool signer_to_der(const uint8_t raw[SIGNER_RAW_SIZE], uint8_t der[TOKEN_SIGNATURE_MAX], size_t *length)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, SIGNER_RAW_SIZE / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw + SIGNER_RAW_SIZE / 2, SIGNER_RAW_SIZE / 2, NULL);
    int written = -1;
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL; /* now owned by the signature */
        written = i2d_ECDSA_SIG(signature, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    *length = written > 0 ? (size_t)written : 0;
    return written > 0;
}

static sealring_status signer_sign(struct attempt *attempt, enum token_signer_type type, const void *data,
                                   size_t length, uint8_t signature[TOKEN_SIGNATURE_MAX], size_t *signature_length)
{
    CK_OBJECT_HANDLE handle;
    uint8_t digest[SHA256_SIZE];
    CK_BYTE output[OBJECT_SIGNATURE_ROOM];
    CK_ULONG output_length;
    const char *function;
    bool edwards = type == TOKEN_ED25519;
    if (!edwards) {
        sha256(data, length, digest);
        data = digest;
        length = sizeof(digest);
    }
    sealring_status status = signer_find_private(attempt, &handle);
    if (status != SEALRING_OK)
        return status;
    CK_RV code =
        object_sign(attempt, handle, edwards ? CKM_EDDSA : CKM_ECDSA, data, length, output, &output_length, &function);
    if (code == CKR_OK && output_length != SIGNER_RAW_SIZE)
        code = CKR_FUNCTION_FAILED;
    if (code != CKR_OK)
        return attempt_fail(attempt, code, function, attempt_name(attempt));
    if (!edwards)
        return signer_to_der(output, signature, signature_length) ? SEALRING_OK : error_no_memory(&attempt->error);
    memcpy(signature, output, SIGNER_RAW_SIZE);
    *signature_length = SIGNER_RAW_SIZE;
    return SEALRING_OK;
}

/* ---- The label ---- */

static sealring_status signer_read_label(struct attempt *attempt, char label[TOKEN_LABEL_MAX + 1])
{
    CK_OBJECT_HANDLE handle;
    size_t length = 0;
    bool known = false;
    sealring_status status = object_find(attempt, CKO_PRIVATE_KEY, &handle);
    if (status == SEALRING_OK)
        status = object_read(attempt, handle, CKA_LABEL, label, TOKEN_LABEL_MAX, &length, &known);
    label[length] = '\0';
    if (status == SEALRING_OK && !known) { /* the label may be a stored value */
        status = attempt_refuse(attempt, "the PKCS#11 token %s does not show the label of %s", attempt->token->name,
                                attempt_name(attempt));
    }
    return status;
}

/* ---- The interface ---- */

sealring_status token_signer_generate(struct token *token, const char *label, struct token_signer *signer,
                                      sealring_error *error)
{
    struct attempt attempt = signer_attempt(token, ATTEMPT_WRITE, signer);
    object_check_label(&attempt, label);
    while (attempt_next(&attempt))
        attempt.status = signer_generate(&attempt, label, signer);
    return attempt_end(&attempt, NULL, error);
}

sealring_status token_signer_find(struct token *token, struct token_signer *signer, enum token_answer *answer,
                                  sealring_error *error)
{
    struct attempt attempt = signer_attempt(token, ATTEMPT_SEARCH, signer);
    while (attempt_next(&attempt))
        attempt.status = signer_find(&attempt, signer);
    return attempt_end(&attempt, answer, error);
}

sealring_status token_signer_sign(struct token *token, const struct token_signer *signer, const void *data,
                                  size_t length, uint8_t signature[TOKEN_SIGNATURE_MAX], size_t *signature_length,
                                  sealring_error *error)
{
    struct attempt attempt = signer_attempt(token, ATTEMPT_SEARCH, signer);
    *signature_length = 0;
    while (attempt_next(&attempt))
        attempt.status = signer_sign(&attempt, signer->type, data, length, signature, signature_length);
    return attempt_end(&attempt, NULL, error);
}

sealring_status token_signer_label(struct token *token, const struct token_signer *signer,
                                   char label[TOKEN_LABEL_MAX + 1], enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = signer_attempt(token, ATTEMPT_SEARCH, signer);
    label[0] = '\0';
    while (attempt_next(&attempt))
        attempt.status = signer_read_label(&attempt, label);
    return attempt_end(&attempt, answer, error);
}

sealring_status token_signer_relabel(struct token *token, const struct token_signer *signer, const char *label,
                                     sealring_error *error)
{
    CK_OBJECT_HANDLE handle;
    struct attempt attempt = signer_attempt(token, ATTEMPT_WRITE, signer);
    object_check_label(&attempt, label);
    while (attempt_next(&attempt)) {
        attempt.status = object_find(&attempt, CKO_PRIVATE_KEY, &handle);
        if (attempt.status == SEALRING_OK)
            attempt.status = object_relabel(&attempt, handle, label);
    }
    return attempt_end(&attempt, NULL, error);
}

sealring_status token_signer_destroy(struct token *token, const struct token_signer *signer, sealring_error *error)
{
    struct attempt attempt = signer_attempt(token, ATTEMPT_WRITE, signer);
    while (attempt_next(&attempt))
        attempt.status = signer_destroy(&attempt);
    return attempt_end(&attempt, NULL, error);
}
