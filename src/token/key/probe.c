/* SPDX-License-Identifier: Apache-2.0 */
/* Determines by tests what a token can do. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "token/key/key_object.h"
#include "token/object/object.h"

#define PROBE_INPUT   "sealring probe"
#define PROBE_CHANGED "/relabelled"

static const size_t probe_id_lengths[] = {16, 8, 2}; /* some tokens store only 16 bits of an ID */

/* Generates a key with the longest ID that the token stores. */
static sealring_status probe_generate(struct token *token, const char *label, struct token_key_reference *reference,
                                      sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    enum token_answer answer = TOKEN_REFUSES;
    for (size_t i = 0; answer == TOKEN_REFUSES && i < sizeof(probe_id_lengths) / sizeof(probe_id_lengths[0]); i++) {
        memset(reference, 0, sizeof(*reference));
        reference->object_id_length = probe_id_lengths[i];
        reference->check_input_length = sizeof(PROBE_INPUT) - 1;
        memcpy(reference->check_input, PROBE_INPUT, reference->check_input_length);
        status = token_random(token, reference->object_id, reference->object_id_length, error);
        if (status != SEALRING_OK)
            return status;
        status = token_key_generate(token, label, reference, &answer, error);
    }
    return status;
}

/* Reads which parts of the template the token stored, and tries to make a copy, which it should refuse. */
static sealring_status probe_look(struct attempt *attempt, struct token_abilities *abilities)
{
    CK_OBJECT_HANDLE handle, copy = CK_INVALID_HANDLE;
    CK_MECHANISM_TYPE mechanisms[8];
    size_t length;
    bool copyable, known;
    sealring_status status = object_find(attempt, CKO_SECRET_KEY, &handle);
    if (status == SEALRING_OK)
        status = object_read(attempt, handle, CKA_ALLOWED_MECHANISMS, mechanisms, sizeof(mechanisms), &length, &known);
    if (status != SEALRING_OK)
        return status;
    abilities->limits_mechanisms = known && length == sizeof(mechanisms[0]) && mechanisms[0] == CKM_SHA256_HMAC;
    status = object_read_bool(attempt, handle, CKA_COPYABLE, &copyable, &known);
    if (status != SEALRING_OK)
        return status;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE session_object = {CKA_TOKEN, &no, sizeof(no)};
    CK_RV code = attempt->functions->C_CopyObject(attempt->session, handle, &session_object, 1, &copy);
    if (code == CKR_OK)
        attempt->functions->C_DestroyObject(attempt->session, copy);
    abilities->refuses_copies = known && !copyable && code != CKR_OK;
    return SEALRING_OK;
}

/* Closes the key, checks that it refuses C_SignInit or C_Sign, and opens it again. In between the module is initialised again, so that
 * a change that it kept only in memory is lost. */
static sealring_status probe_closing(struct token *token, const struct token_key_reference *reference, bool *closes,
                                     sealring_error *error)
{
    bool signs = true, fresh;
    enum token_answer answer;
    const uint8_t *object_id = reference->object_id;
    size_t length = reference->object_id_length;
    *closes = false;
    sealring_status status = token_key_allow_sign(token, object_id, length, NULL, false, &answer, error);
    if (status == SEALRING_OK)
        status = connection_refresh(token, true, &fresh, error);
    if (status == SEALRING_OK)
        status = token_key_signs(token, object_id, length, &signs, &answer, error);
    if (status == SEALRING_OK)
        status = token_key_allow_sign(token, object_id, length, NULL, true, &answer, error);
    if (status == SEALRING_OK)
        status = token_key_prove(token, reference, &answer, error);
    /* If a version cannot be opened again, it cannot be reinstated. */
    *closes = !signs && status == SEALRING_OK;
    return answer == TOKEN_REFUSES ? SEALRING_OK : status;
}

/* If a label cannot be changed, C_SetAttributeValue leaves it as it was, whatever it returns. */
static bool probe_relabels(struct token *token, const struct token_key_reference *reference, const char *from,
                           const char *to)
{
    return token_key_relabel(token, reference->object_id, reference->object_id_length, from, to, NULL, NULL) ==
           SEALRING_OK;
}

/* Changes the key's label, reads it after the module was initialised again, and restores the label by which the key is found. */
static sealring_status probe_labels(struct token *token, const struct token_key_reference *reference, const char *label,
                                    enum token_labels *labels, sealring_error *error)
{
    char changed[TOKEN_LABEL_MAX + 1], read[TOKEN_LABEL_MAX + 1];
    bool fresh;
    snprintf(changed, sizeof(changed), "%.*s" PROBE_CHANGED, (int)(TOKEN_LABEL_MAX - sizeof(PROBE_CHANGED)), label);
    bool changes = probe_relabels(token, reference, label, changed);
    sealring_status status = connection_refresh(token, true, &fresh, error);
    if (status == SEALRING_OK)
        status = token_key_label(token, reference->object_id, reference->object_id_length, read, NULL, error);
    if (status != SEALRING_OK)
        return status;
    bool restored = changes && strcmp(read, changed) == 0 && probe_relabels(token, reference, changed, label);
    *labels = restored ? TOKEN_LABELS_CHANGE : strcmp(read, label) == 0 ? TOKEN_LABELS_FIXED : TOKEN_LABELS_LOST;
    return SEALRING_OK;
}

static sealring_status probe_abilities(struct token *token, const char *label,
                                       const struct token_key_reference *reference, struct token_abilities *abilities,
                                       sealring_error *error)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_status status =
        token_hmac(token, reference, reference->check_input, reference->check_input_length, mac, NULL, error);
    secret_wipe(mac, sizeof(mac));
    if (status != SEALRING_OK)
        return status;
    struct attempt attempt =
        object_attempt(token, ATTEMPT_WRITE, "key", reference->object_id, reference->object_id_length);
    while (attempt_next(&attempt))
        attempt.status = probe_look(&attempt, abilities);
    status = attempt_end(&attempt, NULL, error);
    if (status == SEALRING_OK)
        status = probe_closing(token, reference, &abilities->closes_keys, error);
    return status == SEALRING_OK ? probe_labels(token, reference, label, &abilities->labels, error) : status;
}

sealring_status token_probe(struct token *token, const char *label, struct token_abilities *abilities,
                            sealring_error *error)
{
    struct token_key_reference reference;
    sealring_error destroy_error;
    memset(abilities, 0, sizeof(*abilities));
    sealring_status status = probe_generate(token, label, &reference, error);
    if (status == SEALRING_OK) {
        abilities->object_id_length = reference.object_id_length;
        status = probe_abilities(token, label, &reference, abilities, error);
        sealring_status destroyed =
            token_key_destroy(token, reference.object_id, reference.object_id_length, NULL, NULL, &destroy_error);
        if (status == SEALRING_OK && destroyed != SEALRING_OK) {
            status = error_set_token(error, destroy_error.token_code, "a key for trying cannot be destroyed again: %s",
                                     destroy_error.message);
        }
    }
    if (status != SEALRING_OK && error != NULL)
        error->status = SEALRING_TOKEN; /* the message names what the token lacks */
    return status == SEALRING_OK ? status : SEALRING_TOKEN;
}
