/* SPDX-License-Identifier: Apache-2.0 */
/* Small private data objects (CKO_DATA) in a token: to replace one, makes a new one, then destroys the old one. */
#include "token/object/data_object.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "token/object/object.h"

#define DATA_APPLICATION "sealring"

struct data_request {
    const char *label;
    const void *value;
    size_t length;
    struct token_data *values;
    size_t most;
    size_t count;
};

static sealring_status data_search(struct attempt *attempt, const char *label, CK_OBJECT_HANDLE **handles,
                                   size_t *count)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    const CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_LABEL, (void *)(uintptr_t)label, (CK_ULONG)strlen(label)},
    };
    return object_search_template(attempt, template, 3, handles, count);
}

static sealring_status data_read_action(struct attempt *attempt, void *context)
{
    struct data_request *request = context;
    CK_OBJECT_HANDLE *handles = NULL;
    size_t found = 0;
    request->count = 0;
    sealring_status status = data_search(attempt, request->label, &handles, &found);
    if (status == SEALRING_OK && found > request->most) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s has %zu data objects %s", attempt->token->name, found,
                                request->label);
    }
    for (size_t i = 0; status == SEALRING_OK && i < found; i++) {
        struct token_data *value = &request->values[request->count];
        bool known;
        status =
            object_read(attempt, handles[i], CKA_VALUE, value->bytes, sizeof(value->bytes), &value->length, &known);
        request->count += status == SEALRING_OK && known;
    }
    /* an unreadable one beside a readable one is left from an interruption: the older one is destroyed last */
    if (status == SEALRING_OK && found > 0 && request->count == 0) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s has the data object %s and does not show its value",
                                attempt->token->name, request->label);
    }
    free(handles);
    return status;
}

static sealring_status data_check(struct attempt *attempt, const struct data_request *request, CK_OBJECT_HANDLE handle)
{
    struct token_data value;
    bool known, is_private, private_known;
    sealring_status status =
        object_read(attempt, handle, CKA_VALUE, value.bytes, sizeof(value.bytes), &value.length, &known);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_PRIVATE, &is_private, &private_known);
    if (status == SEALRING_OK && (!known || value.length != request->length || !private_known || !is_private ||
                                  memcmp(value.bytes, request->value, value.length) != 0)) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s did not keep a data object as it was made",
                                attempt->token->name);
    }
    return status;
}

static sealring_status data_write_action(struct attempt *attempt, void *context)
{
    const struct data_request *request = context;
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_LABEL, (void *)(uintptr_t)request->label, (CK_ULONG)strlen(request->label)},
        {CKA_APPLICATION, (void *)(uintptr_t)DATA_APPLICATION, sizeof(DATA_APPLICATION) - 1},
        {CKA_VALUE, (void *)(uintptr_t)request->value, (CK_ULONG)request->length},
    };
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE, *handles = NULL;
    size_t count = 0;
    sealring_status status = data_search(attempt, request->label, &handles, &count);
    if (status != SEALRING_OK)
        return status;
    CK_RV code =
        attempt->functions->C_CreateObject(attempt->session, template, sizeof(template) / sizeof(template[0]), &made);
    if (code != CKR_OK) {
        status = attempt_fail(attempt, code, "C_CreateObject", "making a data object");
        goto cleanup;
    }
    status = data_check(attempt, request, made);
    if (status != SEALRING_OK) {
        attempt->functions->C_DestroyObject(attempt->session, made);
        goto cleanup;
    }
    status = object_destroy(attempt, handles, count, "destroying a data object");
cleanup:
    free(handles);
    return status;
}

static sealring_status data_remove_action(struct attempt *attempt, void *context)
{
    const struct data_request *request = context;
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = data_search(attempt, request->label, &handles, &count);
    if (status == SEALRING_OK)
        status = object_destroy(attempt, handles, count, "destroying a data object");
    free(handles);
    return status;
}

sealring_status token_data_read(struct token *token, const char *label, struct token_data *values, size_t most,
                                size_t *count, enum token_answer *answer, sealring_error *error)
{
    struct data_request request = {.label = label, .values = values, .most = most};
    sealring_status status = attempt_run(token, ATTEMPT_SEARCH, data_read_action, &request, answer, error);
    *count = status == SEALRING_OK ? request.count : 0;
    return status;
}

sealring_status token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                 enum token_answer *answer, sealring_error *error)
{
    struct data_request request = {.label = label, .value = value, .length = length};
    if (answer != NULL)
        *answer = TOKEN_FAILED;
    if (length > TOKEN_DATA_MAX)
        return error_set(error, SEALRING_INVALID, "a data object has at most %d bytes", TOKEN_DATA_MAX);
    return attempt_run(token, ATTEMPT_WRITE, data_write_action, &request, answer, error);
}

sealring_status token_data_remove(struct token *token, const char *label, enum token_answer *answer,
                                  sealring_error *error)
{
    struct data_request request = {.label = label};
    return attempt_run(token, ATTEMPT_WRITE, data_remove_action, &request, answer, error);
}
