/* SPDX-License-Identifier: Apache-2.0 */
/* Small private data objects (CKO_DATA) in a token: to replace one, makes a new one, then destroys the old one. */
#include "token/object/data_object.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "token/object/object.h"

#define DATA_APPLICATION "sealring"

/* An attempt at the data objects with this label. */
static struct attempt data_attempt(struct token *token, enum attempt_kind kind, const char *label)
{
    struct attempt attempt = attempt_on(token, kind);
    attempt.object = (CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)label, (CK_ULONG)strlen(label)};
    return attempt;
}

static sealring_status data_read(struct attempt *attempt, struct token_data *values, size_t most, size_t *count)
{
    CK_OBJECT_HANDLE *handles = NULL;
    size_t found = 0;
    *count = 0;
    sealring_status status = object_search(attempt, CKO_DATA, &handles, &found);
    if (status == SEALRING_OK && found > most) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s has %zu data objects %s", attempt->token->name, found,
                                attempt_name(attempt));
    }
    for (size_t i = 0; status == SEALRING_OK && i < found; i++) {
        struct token_data *value = &values[*count];
        bool known;
        status =
            object_read(attempt, handles[i], CKA_VALUE, value->bytes, sizeof(value->bytes), &value->length, &known);
        *count += status == SEALRING_OK && known;
    }
    /* an unreadable one beside a readable one is left from an interruption: the older one is destroyed last */
    if (status == SEALRING_OK && found > 0 && *count == 0) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s has the data object %s and does not show its value",
                                attempt->token->name, attempt_name(attempt));
    }
    free(handles);
    return status;
}

static sealring_status data_check(struct attempt *attempt, CK_OBJECT_HANDLE handle, const void *wanted, size_t length)
{
    struct token_data value;
    bool known, is_private, private_known;
    sealring_status status =
        object_read(attempt, handle, CKA_VALUE, value.bytes, sizeof(value.bytes), &value.length, &known);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_PRIVATE, &is_private, &private_known);
    if (status == SEALRING_OK && (!known || value.length != length || !private_known || !is_private ||
                                  memcmp(value.bytes, wanted, length) != 0)) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s did not keep a data object as it was made",
                                attempt->token->name);
    }
    return status;
}

static sealring_status data_write(struct attempt *attempt, const void *value, size_t length)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_PRIVATE, &yes, sizeof(yes)},
        attempt->object,
        {CKA_APPLICATION, (void *)(uintptr_t)DATA_APPLICATION, sizeof(DATA_APPLICATION) - 1},
        {CKA_VALUE, (void *)(uintptr_t)value, (CK_ULONG)length},
    };
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE, *handles = NULL;
    size_t count = 0;
    sealring_status status = object_search(attempt, CKO_DATA, &handles, &count);
    if (status != SEALRING_OK)
        return status;
    CK_RV code =
        attempt->functions->C_CreateObject(attempt->session, template, sizeof(template) / sizeof(template[0]), &made);
    if (code != CKR_OK) {
        status = attempt_fail(attempt, code, "C_CreateObject", "making a data object");
        goto cleanup;
    }
    status = data_check(attempt, made, value, length);
    if (status == SEALRING_OK)
        return object_destroy(attempt, handles, count);
    attempt->functions->C_DestroyObject(attempt->session, made);
cleanup:
    free(handles);
    return status;
}

sealring_status token_data_read(struct token *token, const char *label, struct token_data *values, size_t most,
                                size_t *count, enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = data_attempt(token, ATTEMPT_SEARCH, label);
    while (attempt_next(&attempt))
        attempt.status = data_read(&attempt, values, most, count);
    if (attempt.status != SEALRING_OK)
        *count = 0;
    return attempt_end(&attempt, answer, error);
}

sealring_status token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                 enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = data_attempt(token, ATTEMPT_WRITE, label);
    if (length > TOKEN_DATA_MAX) {
        attempt.status =
            error_set(&attempt.error, SEALRING_INVALID, "a data object has at most %d bytes", TOKEN_DATA_MAX);
    }
    while (attempt_next(&attempt))
        attempt.status = data_write(&attempt, value, length);
    return attempt_end(&attempt, answer, error);
}

sealring_status token_data_remove(struct token *token, const char *label, enum token_answer *answer,
                                  sealring_error *error)
{
    struct attempt attempt = data_attempt(token, ATTEMPT_WRITE, label);
    while (attempt_next(&attempt))
        attempt.status = object_destroy_all(&attempt, CKO_DATA);
    return attempt_end(&attempt, answer, error);
}
