/* SPDX-License-Identifier: Apache-2.0 */
/* Changes a version's secret key object after generation: relabels, closes, narrows, destroys and lists keys. */
#include "token/key/key_object.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "token/key/attributes.h"
#include "token/key/hmac.h"
#include "token/object/object.h"
#include "token/session/handle_index.h"

/* Finds the key, if its label is `wanted` (NULL: any). Whoever can write the registry can name any object by its ID; only the label comes
 * from the token. */
static sealring_status key_find(struct attempt *attempt, const char *wanted, CK_OBJECT_HANDLE *handle)
{
    char label[TOKEN_LABEL_MAX + 1];
    if (wanted == NULL)
        return object_find(attempt, CKO_SECRET_KEY, handle);
    sealring_status status = object_find_with_label(attempt, CKO_SECRET_KEY, handle, label);
    return status != SEALRING_OK || strcmp(label, wanted) == 0 ? status : object_refuse_label(attempt, label, wanted);
}

/* ---- Labels ---- */

sealring_status token_key_label(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                char label[TOKEN_LABEL_MAX + 1], enum token_answer *answer, sealring_error *error)
{
    CK_OBJECT_HANDLE handle;
    struct attempt attempt = object_attempt(token, ATTEMPT_SEARCH, "key", object_id, object_id_length);
    attempt.surely = true;
    while (attempt_next(&attempt))
        attempt.status = object_find_with_label(&attempt, CKO_SECRET_KEY, &handle, label);
    return attempt_end(&attempt, answer, error);
}

static sealring_status key_relabel(struct attempt *attempt, const char *from, const char *to)
{
    CK_OBJECT_HANDLE handle;
    char label[TOKEN_LABEL_MAX + 1];
    sealring_status status = object_find_with_label(attempt, CKO_SECRET_KEY, &handle, label);
    if (status != SEALRING_OK || strcmp(label, to) == 0)
        return status;
    if (strcmp(label, from) != 0)
        return object_refuse_label(attempt, label, from);
    return object_relabel(attempt, handle, to);
}

sealring_status token_key_relabel(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *from, const char *to, enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = object_attempt(token, ATTEMPT_WRITE, "key", object_id, object_id_length);
    object_check_label(&attempt, to);
    while (attempt_next(&attempt))
        attempt.status = key_relabel(&attempt, from, to);
    return attempt_end(&attempt, answer, error);
}

sealring_status token_key_touch(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                sealring_error *error)
{
    CK_OBJECT_HANDLE handle;
    char label[TOKEN_LABEL_MAX + 1];
    struct attempt attempt = object_attempt(token, ATTEMPT_WRITE, "key", object_id, object_id_length);
    while (attempt_next(&attempt)) {
        attempt.status = object_find_with_label(&attempt, CKO_SECRET_KEY, &handle, label);
        if (attempt.status == SEALRING_OK)
            attempt.status =
                object_set(&attempt, handle, CKA_LABEL, label, strlen(label), "writing a key's file again");
    }
    return attempt_end(&attempt, NULL, error);
}

/* ---- Close and open ---- */

/* Sets the attribute and reads it back. */
static sealring_status key_set_sign(struct attempt *attempt, CK_OBJECT_HANDLE handle, bool allow)
{
    bool sign, known;
    sealring_status status = object_read_bool(attempt, handle, CKA_SIGN, &sign, &known);
    if (status != SEALRING_OK || (known && sign == allow))
        return status;
    CK_BBOOL value = allow ? CK_TRUE : CK_FALSE;
    status = object_set(attempt, handle, CKA_SIGN, &value, sizeof(value), "changing CKA_SIGN of a key");
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_SIGN, &sign, &known);
    if (status == SEALRING_OK && (!known || sign != allow)) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s said it changed CKA_SIGN of %s, and did not",
                                attempt->token->name, attempt_name(attempt));
    }
    return status;
}

static sealring_status key_allow_sign(struct attempt *attempt, const char *label, bool allow)
{
    CK_OBJECT_HANDLE handle;
    bool signs = false;
    sealring_status status = key_find(attempt, label, &handle);
    if (status == SEALRING_OK)
        status = key_set_sign(attempt, handle, allow);
    if (status == SEALRING_OK && !allow)
        status = hmac_test(attempt, handle, &signs);
    if (status == SEALRING_OK && signs) { /* a token may store CKA_SIGN false, and sign nevertheless */
        status = attempt_refuse(
            attempt, "the PKCS#11 token %s signs with %s although its CKA_SIGN is false: it cannot close a key",
            attempt->token->name, attempt_name(attempt));
    }
    return status;
}

sealring_status token_key_allow_sign(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                     const char *label, bool allow, enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = object_attempt(token, ATTEMPT_WRITE, "key", object_id, object_id_length);
    attempt.surely = true;
    while (attempt_next(&attempt))
        attempt.status = key_allow_sign(&attempt, label, allow);
    index_forget(&token->index, object_id, object_id_length);
    return attempt_end(&attempt, answer, error);
}

sealring_status token_key_signs(struct token *token, const uint8_t *object_id, size_t object_id_length, bool *signs,
                                enum token_answer *answer, sealring_error *error)
{
    CK_OBJECT_HANDLE handle;
    struct attempt attempt = object_attempt(token, ATTEMPT_SEARCH, "key", object_id, object_id_length);
    while (attempt_next(&attempt)) {
        attempt.status = object_find(&attempt, CKO_SECRET_KEY, &handle);
        if (attempt.status == SEALRING_OK)
            attempt.status = hmac_test(&attempt, handle, signs);
    }
    if (attempt.status != SEALRING_OK)
        *signs = true;
    return attempt_end(&attempt, answer, error);
}

/* ---- Narrow ---- */

sealring_status token_key_narrow(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                 const char *label, sealring_error *error)
{
    CK_OBJECT_HANDLE handle;
    struct attempt attempt = object_attempt(token, ATTEMPT_WRITE, "key", object_id, object_id_length);
    while (attempt_next(&attempt)) {
        attempt.status = key_find(&attempt, label, &handle);
        if (attempt.status == SEALRING_OK)
            attempt.status = attributes_narrow(&attempt, handle);
    }
    index_forget(&token->index, object_id, object_id_length);
    return attempt_end(&attempt, NULL, error);
}

/* ---- Destroy ---- */

static sealring_status key_destroy(struct attempt *attempt, const char *label)
{
    CK_OBJECT_HANDLE handle;
    sealring_status status = key_find(attempt, label, &handle);
    if (status != SEALRING_OK)
        return status;
    attempt->acted = true;
    CK_RV code = attempt->functions->C_DestroyObject(attempt->session, handle);
    hmac_forget(attempt);
    return code == CKR_OK ? SEALRING_OK : attempt_fail(attempt, code, "C_DestroyObject", "destroying a key");
}

/* Searches again after the module was initialised again, as a new process would, whatever C_DestroyObject returned: if its directory is
 * not writable, SoftHSM2 destroys the object only for its present initialisation. */
static sealring_status key_confirm_destroyed(const struct attempt *destroyed, enum token_answer *answer,
                                             sealring_error *error)
{
    bool fresh = false;
    CK_OBJECT_HANDLE handle;
    struct token *token = destroyed->token;
    struct attempt attempt =
        object_attempt(token, ATTEMPT_SEARCH, "key", destroyed->object.pValue, destroyed->object.ulValueLen);
    attempt.status = connection_refresh(token, destroyed->status != SEALRING_OK, &fresh, &attempt.error);
    if (attempt.status == SEALRING_OK && !fresh)
        return attempt_end(destroyed, answer, error); /* not initialised again: rely on C_DestroyObject's result */
    while (attempt_next(&attempt))
        attempt.status = object_find(&attempt, CKO_SECRET_KEY, &handle);
    if (attempt.answer == TOKEN_MISSING) {
        attempt.status = SEALRING_OK;
    } else if (attempt.status == SEALRING_OK || attempt.answer == TOKEN_REFUSES) {
        attempt.answer = TOKEN_FAILED;
        attempt.status =
            error_set_token(&attempt.error, 0, "the PKCS#11 token %s has not destroyed %s: is its storage writable?",
                            token_name(token), attempt_name(&attempt));
    }
    return attempt_end(&attempt, answer, error);
}

sealring_status token_key_destroy(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *label, enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = object_attempt(token, ATTEMPT_WRITE, "key", object_id, object_id_length);
    attempt.surely = true;
    while (attempt_next(&attempt))
        attempt.status = key_destroy(&attempt, label);
    return attempt.acted ? key_confirm_destroyed(&attempt, answer, error) : attempt_end(&attempt, answer, error);
}

/* ---- List ---- */

static sealring_status key_read_info(struct attempt *attempt, CK_OBJECT_HANDLE handle, bool examine,
                                     struct token_key_info *info)
{
    bool known;
    sealring_status status =
        object_read(attempt, handle, CKA_ID, info->object_id, sizeof(info->object_id), &info->object_id_length, &known);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_SIGN, &info->sign, &known);
    if (status == SEALRING_OK && examine)
        status = attributes_judge(attempt, handle, info->wrong, &info->narrowable);
    for (char *c = info->label; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return status;
}

/* Makes the list of the keys whose label begins with the prefix. */
static sealring_status key_list(struct attempt *attempt, const char *label_prefix, bool examine,
                                struct token_key_info **keys, size_t *listed)
{
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = object_search(attempt, CKO_SECRET_KEY, &handles, &count);
    if (status != SEALRING_OK)
        return status;
    free(*keys);
    *listed = 0;
    *keys = calloc(count + 1, sizeof(**keys));
    if (*keys == NULL)
        status = error_no_memory(&attempt->error);
    for (size_t i = 0; i < count && status == SEALRING_OK; i++) {
        struct token_key_info *info = &(*keys)[*listed];
        status = object_read_label(attempt, handles[i], info->label);
        if (status != SEALRING_OK || strncmp(info->label, label_prefix, strlen(label_prefix)) != 0)
            continue;
        status = key_read_info(attempt, handles[i], examine, info);
        (*listed)++;
    }
    free(handles);
    return status;
}

static sealring_status key_walk(struct token *token, const char *label_prefix, bool examine, token_key_callback each,
                                void *context, sealring_error *error)
{
    struct token_key_info *keys = NULL;
    size_t count = 0;
    struct attempt attempt = attempt_on(token, ATTEMPT_SEARCH);
    while (attempt_next(&attempt))
        attempt.status = key_list(&attempt, label_prefix, examine, &keys, &count);
    sealring_status status = attempt_end(&attempt, NULL, error);
    /* Outside all locks, because the callback is foreign code. */
    for (size_t i = 0; i < count && status == SEALRING_OK; i++)
        status = each(&keys[i], context, error);
    free(keys);
    return status;
}

sealring_status token_key_each(struct token *token, const char *label_prefix, token_key_callback each, void *context,
                               sealring_error *error)
{
    return key_walk(token, label_prefix, false, each, context, error);
}

sealring_status token_key_examine(struct token *token, const char *label_prefix, token_key_callback each, void *context,
                                  sealring_error *error)
{
    return key_walk(token, label_prefix, true, each, context, error);
}
