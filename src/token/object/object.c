/* SPDX-License-Identifier: Apache-2.0 */
/* Token objects by class and CKA_ID. Callers hold the one lock around find + create + set + destroy. */
#include "token/object/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"

#define OBJECT_PIECE 64 /* handles requested at once */
#define OBJECT_VALUE_SIZE \
    1024 /* room for any attribute, though all should be short: some modules overrun small buffers */
#define OBJECT_FILLING     0xa5
#define OBJECT_SEARCH_MOST 1000000
#define OBJECT_LOOKS       6 /* before a key is reported as missing */

struct attempt object_attempt(struct token *token, enum attempt_kind kind, const char *noun, const uint8_t *object_id,
                              size_t object_id_length)
{
    struct attempt attempt = attempt_on(token, kind);
    attempt.noun = noun;
    attempt.object = (CK_ATTRIBUTE){CKA_ID, (void *)(uintptr_t)object_id, (CK_ULONG)object_id_length};
    if (object_id_length == 0 || object_id_length > TOKEN_OBJECT_ID_MAX) {
        attempt.status =
            error_set(&attempt.error, SEALRING_INVALID, "a %s's object ID has %zu bytes", noun, object_id_length);
    }
    return attempt;
}

void object_check_label(struct attempt *attempt, const char *label)
{
    if (label[0] == '\0' || strlen(label) > TOKEN_LABEL_MAX) {
        attempt->status =
            error_set(&attempt->error, SEALRING_INVALID, "a key's label has 1 to %d bytes", TOKEN_LABEL_MAX);
    }
}

/* Collects the results of a search. A module may return fewer than requested; no result is the end. */
static CK_RV object_collect(struct attempt *attempt, CK_OBJECT_HANDLE **handles, size_t *count)
{
    for (;;) {
        CK_ULONG got = 0;
        CK_OBJECT_HANDLE piece[OBJECT_PIECE];
        CK_RV code = attempt->functions->C_FindObjects(attempt->session, piece, OBJECT_PIECE, &got);
        if (code != CKR_OK || got == 0)
            return code;
        if (got > OBJECT_PIECE)
            return CKR_GENERAL_ERROR;
        for (CK_ULONG i = 0; i < got; i++) {
            if (*count >= OBJECT_SEARCH_MOST || !array_grow(handles, *count))
                return CKR_HOST_MEMORY;
            (*handles)[(*count)++] = piece[i];
        }
    }
}

sealring_status object_search(struct attempt *attempt, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE **handles, size_t *count)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_TOKEN, &yes, sizeof(yes)}, attempt->object};
    *handles = NULL;
    *count = 0;
    CK_RV code =
        attempt->functions->C_FindObjectsInit(attempt->session, template, attempt->object.ulValueLen > 0 ? 3 : 2);
    if (code != CKR_OK)
        return attempt_fail(attempt, code, "C_FindObjectsInit", "searching its objects");
    code = object_collect(attempt, handles, count);
    CK_RV final_code = attempt->functions->C_FindObjectsFinal(attempt->session);
    if (code == CKR_OK)
        code = final_code;
    sealring_status status = SEALRING_OK;
    if (code != CKR_OK)
        status = attempt_fail(attempt, code, "C_FindObjects", "searching its objects");
    else if (*count == 0)
        status = attempt_confirm(attempt); /* SoftHSM2, if its directory is gone, finds nothing and returns CKR_OK */
    if (status != SEALRING_OK) {
        free(*handles);
        *handles = NULL;
        *count = 0;
    }
    return status;
}

sealring_status object_find(struct attempt *attempt, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *handle)
{
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = SEALRING_OK;
    /* SoftHSM2 hides an object while another process writes it (relabels or closes it): search again, for 62 ms in total, before it
     * counts as missing. */
    for (int look = 0; look < OBJECT_LOOKS && status == SEALRING_OK && count == 0; look++) {
        if (look > 0)
            clock_sleep(INT64_C(1) << look);
        free(handles);
        status = object_search(attempt, class, &handles, &count);
    }
    if (status != SEALRING_OK)
        return status;
    if (count == 0) {
        attempt->answer = TOKEN_MISSING;
        status = error_set(&attempt->error, SEALRING_NOT_FOUND, "the PKCS#11 token %s has no %s", attempt->token->name,
                           attempt_name(attempt));
    } else if (count > 1) {
        status = attempt_refuse(
            attempt,
            "ALARM: the PKCS#11 token %s has %zu objects that claim to be %s: none is used; find out who "
            "made them",
            attempt->token->name, count, attempt_name(attempt));
    } else {
        *handle = handles[0];
    }
    free(handles);
    return status;
}

sealring_status object_check_unused(struct attempt *attempt, CK_OBJECT_CLASS class)
{
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = object_search(attempt, class, &handles, &count);
    free(handles);
    return count == 0 ? status
                      : attempt_refuse(attempt, "the PKCS#11 token %s has a %s already", attempt->token->name,
                                       attempt_name(attempt));
}

sealring_status object_set(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, const void *value,
                           size_t size, const char *what)
{
    CK_ATTRIBUTE attribute = {type, (void *)(uintptr_t)value, (CK_ULONG)size};
    CK_RV code = attempt->functions->C_SetAttributeValue(attempt->session, handle, &attribute, 1);
    return code == CKR_OK ? SEALRING_OK : attempt_fail(attempt, code, "C_SetAttributeValue", what);
}

CK_RV object_sign(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_MECHANISM_TYPE type, const void *data,
                  size_t length, CK_BYTE output[OBJECT_SIGNATURE_ROOM], CK_ULONG *output_length, const char **function)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    *output_length = OBJECT_SIGNATURE_ROOM;
    *function = "C_SignInit";
    CK_RV code = attempt->functions->C_SignInit(attempt->session, &mechanism, handle);
    if (code != CKR_OK)
        return code;
    *function = "C_Sign";
    return attempt->functions->C_Sign(attempt->session, (CK_BYTE_PTR)(uintptr_t)data, (CK_ULONG)length, output,
                                      output_length);
}

sealring_status object_destroy(struct attempt *attempt, CK_OBJECT_HANDLE *handles, size_t count)
{
    CK_RV code = CKR_OK;
    for (size_t i = 0; i < count; i++) {
        CK_RV one = attempt->functions->C_DestroyObject(attempt->session, handles[i]);
        code = code == CKR_OK ? one : code;
    }
    free(handles);
    return code == CKR_OK ? SEALRING_OK : attempt_fail(attempt, code, "C_DestroyObject", "destroying an object");
}

sealring_status object_destroy_all(struct attempt *attempt, CK_OBJECT_CLASS class)
{
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;
    sealring_status status = object_search(attempt, class, &handles, &count);
    return status == SEALRING_OK ? object_destroy(attempt, handles, count) : status;
}

/* Reads one attribute, into a buffer of size `room` that is filled with `filling`. */
static CK_RV object_ask(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *attribute, size_t room,
                        uint8_t filling)
{
    memset(attribute->pValue, filling, OBJECT_VALUE_SIZE);
    attribute->ulValueLen = room;
    CK_RV code = attempt->functions->C_GetAttributeValue(attempt->session, handle, attribute, 1);
    return code == CKR_OK && attribute->ulValueLen > room ? CKR_BUFFER_TOO_SMALL : code;
}

sealring_status object_read(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, void *value,
                            size_t size, size_t *length, bool *known)
{
    CK_BYTE buffer[OBJECT_VALUE_SIZE], again[OBJECT_VALUE_SIZE];
    CK_ATTRIBUTE attribute = {type, buffer, 0}, second = {type, again, 0};
    size_t room = sizeof(buffer);
    *length = 0;
    *known = false;
    CK_RV code = object_ask(attempt, handle, &attribute, room, OBJECT_FILLING);
    if (code == CKR_BUFFER_TOO_SMALL) { /* NSS softokn returns numbers only into a buffer of the exact size */
        room = size;
        code = object_ask(attempt, handle, &attribute, room, OBJECT_FILLING);
    }
    /* A module may write fewer bytes than it reports, as in hmac_sign. */
    if (code == CKR_OK && attribute.ulValueLen > 0 && buffer[attribute.ulValueLen - 1] == OBJECT_FILLING) {
        code = object_ask(attempt, handle, &second, room, (uint8_t)~OBJECT_FILLING);
        if (code == CKR_OK &&
            (second.ulValueLen != attribute.ulValueLen || memcmp(buffer, again, attribute.ulValueLen) != 0))
            code = CKR_FUNCTION_FAILED;
    }
    if (code == CKR_ATTRIBUTE_TYPE_INVALID || code == CKR_ATTRIBUTE_SENSITIVE || code == CKR_BUFFER_TOO_SMALL)
        return SEALRING_OK;
    if (code != CKR_OK)
        return attempt_fail(attempt, code, "C_GetAttributeValue", "reading a key's attributes");
    if (attribute.ulValueLen <= size) {
        memcpy(value, buffer, attribute.ulValueLen);
        *length = attribute.ulValueLen;
        *known = true;
    }
    return SEALRING_OK;
}

sealring_status object_read_bool(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, bool *value,
                                 bool *known)
{
    CK_BBOOL read = CK_FALSE;
    size_t length;
    sealring_status status = object_read(attempt, handle, type, &read, sizeof(read), &length, known);
    *known = *known && length == sizeof(read);
    *value = *known && read != CK_FALSE;
    return status;
}

sealring_status object_read_label(struct attempt *attempt, CK_OBJECT_HANDLE handle, char label[TOKEN_LABEL_MAX + 1])
{
    size_t length;
    bool known;
    sealring_status status = object_read(attempt, handle, CKA_LABEL, label, TOKEN_LABEL_MAX, &length, &known);
    label[length] = '\0';
    return status;
}

sealring_status object_find_with_label(struct attempt *attempt, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *handle,
                                       char label[TOKEN_LABEL_MAX + 1])
{
    sealring_status status = object_find(attempt, class, handle);
    return status == SEALRING_OK ? object_read_label(attempt, *handle, label) : status;
}

sealring_status object_refuse_label(struct attempt *attempt, const char *label, const char *wanted)
{
    return attempt_refuse(attempt, "%s on the PKCS#11 token %s is labelled \"%s\", not \"%s\": it is left alone",
                          attempt_name(attempt), attempt->token->name, label, wanted);
}

sealring_status object_relabel(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *label)
{
    char kept[TOKEN_LABEL_MAX + 1];
    sealring_status status = object_set(attempt, handle, CKA_LABEL, label, strlen(label), "relabelling a key");
    if (status == SEALRING_OK)
        status = object_read_label(attempt, handle, kept);
    if (status == SEALRING_OK && strcmp(kept, label) != 0) {
        status = attempt_refuse(attempt, "the PKCS#11 token %s did not keep the label of %s", attempt->token->name,
                                attempt_name(attempt));
    }
    return status;
}
