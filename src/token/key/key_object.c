/* SPDX-License-Identifier: Apache-2.0 */
/* Changes a version's secret key object after generation: relabels, closes, narrows, destroys and lists keys. */
#include "token/key/key_object.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "token/key/attributes.h"
#include "token/key/signs.h"
#include "token/module/return_code.h"
#include "token/object/object.h"
#include "token/session/handle_index.h"

struct object_change {
    const uint8_t *object_id;
    size_t object_id_length;
    const char *from; /* label */
    const char *to;   /* label */
    char *label;      /* set to the label that is read */
    bool allow;
    bool acted; /* C_DestroyObject was called */
};

/* surely: as attempt_run_surely. */
static sealring_status key_run(struct token *token, enum attempt_kind kind, attempt_action action,
                               struct object_change *change, bool surely, enum token_answer *answer,
                               sealring_error *error)
{
    if (answer != NULL)
        *answer = TOKEN_FAILED;
    if (change->object_id_length == 0 || change->object_id_length > TOKEN_OBJECT_ID_MAX)
        return error_set(error, SEALRING_INVALID, "a key's object ID has %zu bytes", change->object_id_length);
    if (change->to != NULL && (strlen(change->to) == 0 || strlen(change->to) > TOKEN_LABEL_MAX))
        return error_set(error, SEALRING_INVALID, "a key's label has 1 to %d bytes", TOKEN_LABEL_MAX);
    return surely ? attempt_run_surely(token, kind, action, change, answer, error)
                  : attempt_run(token, kind, action, change, answer, error);
}

/* ---- Find ---- */

static sealring_status key_find(struct attempt *attempt, const struct object_change *change, CK_OBJECT_HANDLE *handle,
                                char label[TOKEN_LABEL_MAX + 1])
{
    sealring_status status = object_find(attempt, change->object_id, change->object_id_length, handle);
    return status == SEALRING_OK ? object_read_label(attempt, *handle, label) : status;
}

static sealring_status key_refuse_label(struct attempt *attempt, const struct object_change *change, const char *wanted,
                                        const char *label)
{
    char name[OBJECT_NAME_SIZE];
    object_name(change->object_id, change->object_id_length, name);
    return attempt_refuse(attempt,
                          "%s on the PKCS#11 token %s is labelled \"%s\", not \"%s\": it is left "
                          "alone",
                          name, attempt->token->name, label, wanted);
}

/* Whoever can write the registry can name any object by its ID; only the label comes from the token. */
static sealring_status key_find_labelled(struct attempt *attempt, const struct object_change *change,
                                         CK_OBJECT_HANDLE *handle)
{
    char label[TOKEN_LABEL_MAX + 1];
    if (change->from == NULL)
        return object_find(attempt, change->object_id, change->object_id_length, handle);
    sealring_status status = key_find(attempt, change, handle, label);
    if (status == SEALRING_OK && strcmp(label, change->from) != 0)
        status = key_refuse_label(attempt, change, change->from, label);
    return status;
}

static sealring_status key_label_action(struct attempt *attempt, void *context)
{
    const struct object_change *change = context;
    CK_OBJECT_HANDLE handle;
    return key_find(attempt, change, &handle, change->label);
}

sealring_status token_key_label(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                char label[TOKEN_LABEL_MAX + 1], enum token_answer *answer, sealring_error *error)
{
    struct object_change change = {.object_id = object_id, .object_id_length = object_id_length, .label = label};
    return key_run(token, ATTEMPT_SEARCH, key_label_action, &change, true, answer, error);
}

/* ---- Relabel ---- */

static sealring_status key_relabel_action(struct attempt *attempt, void *context)
{
    const struct object_change *change = context;
    CK_OBJECT_HANDLE handle;
    char label[TOKEN_LABEL_MAX + 1];
    sealring_status status = key_find(attempt, change, &handle, label);
    if (status != SEALRING_OK || strcmp(label, change->to) == 0)
        return status;
    if (strcmp(label, change->from) != 0)
        return key_refuse_label(attempt, change, change->from, label);
    status = object_set(attempt, handle, CKA_LABEL, change->to, strlen(change->to), "relabelling a key");
    if (status == SEALRING_OK)
        status = object_read_label(attempt, handle, label);
    if (status == SEALRING_OK && strcmp(label, change->to) != 0)
        return key_refuse_label(attempt, change, change->to, label);
    return status;
}

sealring_status token_key_relabel(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *from, const char *to, enum token_answer *answer, sealring_error *error)
{
    struct object_change change = {
        .object_id = object_id, .object_id_length = object_id_length, .from = from, .to = to};
    return key_run(token, ATTEMPT_WRITE, key_relabel_action, &change, false, answer, error);
}

static sealring_status key_touch_action(struct attempt *attempt, void *context)
{
    const struct object_change *change = context;
    CK_OBJECT_HANDLE handle;
    char label[TOKEN_LABEL_MAX + 1];
    sealring_status status = key_find(attempt, change, &handle, label);
    return status == SEALRING_OK
               ? object_set(attempt, handle, CKA_LABEL, label, strlen(label), "writing a key's file again")
               : status;
}

sealring_status token_key_touch(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                sealring_error *error)
{
    struct object_change change = {.object_id = object_id, .object_id_length = object_id_length};
    return key_run(token, ATTEMPT_WRITE, key_touch_action, &change, false, NULL, error);
}

/* ---- Close and open ---- */

/* Sets the attribute and reads it back. */
static sealring_status key_set_sign(struct attempt *attempt, const struct object_change *change,
                                    CK_OBJECT_HANDLE handle)
{
    bool sign, known;
    sealring_status status = object_read_bool(attempt, handle, CKA_SIGN, &sign, &known);
    if (status != SEALRING_OK || (known && sign == change->allow))
        return status;
    CK_BBOOL value = change->allow ? CK_TRUE : CK_FALSE;
    status = object_set(attempt, handle, CKA_SIGN, &value, sizeof(value), "changing CKA_SIGN of a key");
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_SIGN, &sign, &known);
    if (status == SEALRING_OK && (!known || sign != change->allow)) {
        char name[OBJECT_NAME_SIZE];
        object_name(change->object_id, change->object_id_length, name);
        status = attempt_refuse(attempt, "the PKCS#11 token %s said it changed CKA_SIGN of %s, and did not",
                                attempt->token->name, name);
    }
    return status;
}

/* A token may store CKA_SIGN false, and sign nevertheless. */
static sealring_status key_check_closed(struct attempt *attempt, const struct object_change *change,
                                        CK_OBJECT_HANDLE handle)
{
    bool signs;
    char name[OBJECT_NAME_SIZE];
    sealring_status status = signs_ask(attempt, handle, &signs);
    if (status != SEALRING_OK || !signs)
        return status;
    object_name(change->object_id, change->object_id_length, name);
    return attempt_refuse(attempt,
                          "the PKCS#11 token %s signs with %s although its CKA_SIGN is false: it cannot close a key",
                          attempt->token->name, name);
}

static sealring_status key_allow_sign_action(struct attempt *attempt, void *context)
{
    struct object_change *change = context;
    CK_OBJECT_HANDLE handle;
    sealring_status status = key_find_labelled(attempt, change, &handle);
    if (status == SEALRING_OK)
        status = key_set_sign(attempt, change, handle);
    if (status == SEALRING_OK && !change->allow)
        status = key_check_closed(attempt, change, handle);
    return status;
}

sealring_status token_key_allow_sign(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                     const char *label, bool allow, enum token_answer *answer, sealring_error *error)
{
    struct object_change change = {
        .object_id = object_id, .object_id_length = object_id_length, .from = label, .allow = allow};
    sealring_status status = key_run(token, ATTEMPT_WRITE, key_allow_sign_action, &change, true, answer, error);
    index_forget(&token->index, object_id, object_id_length);
    return status;
}

/* ---- Narrow ---- */

static sealring_status key_narrow_action(struct attempt *attempt, void *context)
{
    struct object_change *change = context;
    CK_OBJECT_HANDLE handle;
    sealring_status status = key_find_labelled(attempt, change, &handle);
    return status == SEALRING_OK ? attributes_narrow(attempt, handle) : status;
}

sealring_status token_key_narrow(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                 const char *label, sealring_error *error)
{
    struct object_change change = {.object_id = object_id, .object_id_length = object_id_length, .from = label};
    sealring_status status = key_run(token, ATTEMPT_WRITE, key_narrow_action, &change, false, NULL, error);
    index_forget(&token->index, object_id, object_id_length);
    return status;
}

/* ---- Destroy ---- */

static sealring_status key_destroy_action(struct attempt *attempt, void *context)
{
    struct object_change *change = context;
    CK_OBJECT_HANDLE handle;
    sealring_status status = key_find_labelled(attempt, change, &handle);
    if (status != SEALRING_OK)
        return status;
    attempt->acted = true;
    change->acted = true;
    CK_RV code = attempt->functions->C_DestroyObject(attempt->session, handle);
    index_forget(&attempt->token->index, change->object_id, change->object_id_length);
    return code == CKR_OK ? SEALRING_OK : attempt_fail(attempt, code, "C_DestroyObject", "destroying a key");
}

static sealring_status key_find_action(struct attempt *attempt, void *context)
{
    const struct object_change *change = context;
    CK_OBJECT_HANDLE handle;
    return object_find(attempt, change->object_id, change->object_id_length, &handle);
}

/* Searches again after the module was initialised again, as a new process would, whatever C_DestroyObject returned: if its directory is
 * not writable, SoftHSM2 destroys the object only for its present initialisation. */
static sealring_status key_confirm_destroyed(struct token *token, struct object_change *change,
                                             sealring_status destroyed, enum token_answer *answer,
                                             sealring_error *error)
{
    bool fresh = false;
    sealring_error failure = {0};
    enum token_answer found = TOKEN_FAILED;
    sealring_status status = connection_refresh(token, destroyed != SEALRING_OK, &fresh, &failure);
    if (status == SEALRING_OK && !fresh)
        return destroyed; /* not initialised again: rely on C_DestroyObject's result */
    if (status == SEALRING_OK)
        status = attempt_run(token, ATTEMPT_SEARCH, key_find_action, change, &found, &failure);
    *answer = found == TOKEN_MISSING ? TOKEN_DONE : TOKEN_FAILED;
    if (found == TOKEN_MISSING)
        return SEALRING_OK;
    if (found == TOKEN_DONE || found == TOKEN_REFUSES) {
        char name[OBJECT_NAME_SIZE];
        object_name(change->object_id, change->object_id_length, name);
        return error_set_token(error, 0, "the PKCS#11 token %s has not destroyed %s: is its storage writable?",
                               token_name(token), name);
    }
    if (error != NULL)
        *error = failure;
    return status;
}

sealring_status token_key_destroy(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *label, enum token_answer *answer, sealring_error *error)
{
    struct object_change change = {.object_id = object_id, .object_id_length = object_id_length, .from = label};
    enum token_answer last;
    sealring_status status = key_run(token, ATTEMPT_WRITE, key_destroy_action, &change, true, &last, error);
    if (change.acted)
        status = key_confirm_destroyed(token, &change, status, &last, error);
    if (answer != NULL)
        *answer = last;
    return status;
}

/* ---- List ---- */

struct key_list {
    const char *label_prefix;
    bool examine;
    struct token_key_info *keys;
    size_t count;
};

static sealring_status key_read_info(struct attempt *attempt, CK_OBJECT_HANDLE handle, struct token_key_info *info)
{
    const struct {
        CK_ATTRIBUTE_TYPE type;
        bool *value;
    } flags[] = {
        {CKA_SIGN, &info->sign},
        {CKA_SENSITIVE, &info->sensitive},
        {CKA_ALWAYS_SENSITIVE, &info->always_sensitive},
        {CKA_EXTRACTABLE, &info->extractable},
        {CKA_NEVER_EXTRACTABLE, &info->never_extractable},
        {CKA_LOCAL, &info->local},
        {CKA_COPYABLE, &info->copyable},
    };
    bool known;
    sealring_status status =
        object_read(attempt, handle, CKA_ID, info->object_id, sizeof(info->object_id), &info->object_id_length, &known);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && status == SEALRING_OK; i++) {
        status = object_read_bool(attempt, handle, flags[i].type, flags[i].value, &known);
        if (!known && flags[i].type == CKA_COPYABLE)
            info->copyable = true; /* a token that does not know the attribute permits copies */
    }
    return status;
}

static sealring_status key_read_verdict(struct attempt *attempt, CK_OBJECT_HANDLE handle, struct token_key_info *info)
{
    struct attributes_verdict verdict;
    sealring_status status = attributes_judge(attempt, handle, &verdict);
    memcpy(info->wrong, verdict.wrong, sizeof(info->wrong));
    info->narrowable = verdict.narrowable;
    return status;
}

static sealring_status key_list_handles(struct attempt *attempt, struct key_list *list, const CK_OBJECT_HANDLE *handles,
                                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct token_key_info *info = &list->keys[list->count];
        memset(info, 0, sizeof(*info));
        sealring_status status = object_read_label(attempt, handles[i], info->label);
        if (status != SEALRING_OK)
            return status;
        if (strncmp(info->label, list->label_prefix, strlen(list->label_prefix)) != 0)
            continue;
        status = key_read_info(attempt, handles[i], info);
        if (status == SEALRING_OK && list->examine)
            status = key_read_verdict(attempt, handles[i], info);
        if (status != SEALRING_OK)
            return status;
        for (char *c = info->label; *c != '\0'; c++)
            if (*c < 0x20 || *c > 0x7e)
                *c = '?';
        list->count++;
    }
    return SEALRING_OK;
}

static sealring_status key_list_action(struct attempt *attempt, void *context)
{
    struct key_list *list = context;
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = object_search(attempt, NULL, 0, &handles, &count);
    if (status != SEALRING_OK)
        return status;
    free(list->keys);
    list->count = 0;
    list->keys = calloc(count + 1, sizeof(*list->keys));
    status = list->keys != NULL ? key_list_handles(attempt, list, handles, count) : error_no_memory(attempt->error);
    free(handles);
    return status;
}

static sealring_status key_walk(struct token *token, const char *label_prefix, bool examine, token_key_callback each,
                                void *context, sealring_error *error)
{
    struct key_list list = {.label_prefix = label_prefix, .examine = examine};
    sealring_status status = attempt_run(token, ATTEMPT_SEARCH, key_list_action, &list, NULL, error);
    /* Outside all locks, because the callback is foreign code. */
    for (size_t i = 0; i < list.count && status == SEALRING_OK; i++)
        status = each(&list.keys[i], context, error);
    free(list.keys);
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
