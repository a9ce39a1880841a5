/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the slot of the token that an RFC 7512 URI names. */
#include "token/module/slot.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "token/module/return_code.h"

#define SLOT_LIST_TRIES 3
#define SLOT_ID_NONE    ((CK_SLOT_ID)-1) /* p11_kit_uri_get_slot_id: the URI names no slot */

/* What is wrong with a URI that was parsed, as the end of a sentence; NULL: nothing. */
static const char *slot_uri_problem(P11KitUri *uri)
{
    CK_ULONG object_attributes = 0;
    if (p11_kit_uri_get_pin_value(uri) != NULL || p11_kit_uri_get_pin_source(uri) != NULL)
        return "must not have pin-value or pin-source: name a file with the PIN by the pin-source setting instead";
    if (p11_kit_uri_get_module_name(uri) != NULL || p11_kit_uri_get_module_path(uri) != NULL)
        return "must not name a module: the module comes from its own setting only";
    p11_kit_uri_get_attributes(uri, &object_attributes);
    if (object_attributes > 0 || p11_kit_uri_any_unrecognized(uri))
        return "has attributes that do not describe a token: use token, serial, model, manufacturer";
    return NULL;
}

sealring_status slot_parse_uri(const char *text, P11KitUri **uri, sealring_error *error)
{
    *uri = p11_kit_uri_new();
    if (*uri == NULL)
        return error_no_memory(error);
    int result = text == NULL ? P11_KIT_URI_BAD_SCHEME : p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, *uri);
    const char *problem = result == P11_KIT_URI_OK ? slot_uri_problem(*uri) : NULL;
    if (result == P11_KIT_URI_OK && problem == NULL)
        return SEALRING_OK;
    p11_kit_uri_free(*uri);
    *uri = NULL;
    /* The URI is not quoted: even an invalid one may contain a PIN. */
    return problem != NULL ? error_set(error, SEALRING_INVALID, "the token URI %s", problem)
                           : error_set(error, SEALRING_INVALID, "the token URI is no PKCS#11 URI (RFC 7512): %s",
                                       p11_kit_uri_message(result));
}

/* The length of a field (PKCS #11 v2.40, section 3.2) without its padding. */
static int slot_field_length(const CK_UTF8CHAR *field, size_t length)
{
    while (length > 0 && (field[length - 1] == ' ' || field[length - 1] == '\0'))
        length--;
    return (int)length;
}

void slot_name(const CK_TOKEN_INFO *info, char name[SLOT_NAME_SIZE])
{
    int label = slot_field_length(info->label, sizeof(info->label));
    int serial = slot_field_length(info->serialNumber, sizeof(info->serialNumber));
    snprintf(name, SLOT_NAME_SIZE, "%.*s (%.*s)", label, info->label, serial, info->serialNumber);
    for (char *byte = name; *byte != '\0'; byte++)
        if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
            *byte = '?';
}

static CK_RV slot_list(CK_FUNCTION_LIST *functions, CK_SLOT_ID **slots, CK_ULONG *count)
{
    CK_RV code = CKR_BUFFER_TOO_SMALL;
    *slots = NULL;
    for (int i = 0; i < SLOT_LIST_TRIES && code == CKR_BUFFER_TOO_SMALL; i++) {
        *count = 0;
        code = functions->C_GetSlotList(CK_TRUE, NULL, count); /* also makes a module search for tokens again */
        if (code != CKR_OK)
            break;
        *count += 4; /* a token may be plugged in meanwhile */
        free(*slots);
        *slots = calloc(*count, sizeof(**slots));
        code = *slots == NULL ? CKR_HOST_MEMORY : functions->C_GetSlotList(CK_TRUE, *slots, count);
    }
    return code;
}

/* Returns whether the URI matches this slot. *code: the token's return code. */
static bool slot_matches(CK_FUNCTION_LIST *functions, P11KitUri *uri, CK_SLOT_ID slot, CK_TOKEN_INFO *info, CK_RV *code)
{
    CK_SLOT_INFO slot_info;
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    *code = functions->C_GetSlotInfo(slot, &slot_info);
    if (*code != CKR_OK)
        return false;
    *code = functions->C_GetTokenInfo(slot, info);
    return *code == CKR_OK && (wanted == SLOT_ID_NONE || wanted == slot) &&
           p11_kit_uri_match_slot_info(uri, &slot_info) && p11_kit_uri_match_token_info(uri, info);
}

CK_RV slot_ask(CK_FUNCTION_LIST *functions, P11KitUri *uri, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    CK_RV code;
    bool matches = slot_matches(functions, uri, slot, &info, &code);
    if (code != CKR_OK)
        return code;
    return matches && (info.flags & CKF_TOKEN_INITIALIZED) ? CKR_OK : CKR_TOKEN_NOT_RECOGNIZED;
}

static sealring_status slot_check(CK_FUNCTION_LIST *functions, CK_SLOT_ID slot, const CK_TOKEN_INFO *info, bool hmac,
                                  sealring_error *error)
{
    char name[SLOT_NAME_SIZE];
    slot_name(info, name);
    if (!(info->flags & CKF_USER_PIN_INITIALIZED) && (info->flags & CKF_LOGIN_REQUIRED)) {
        return error_set_token(error, CKR_USER_PIN_NOT_INITIALIZED,
                               "the PKCS#11 token %s has no user PIN yet: set it with the token's own tool", name);
    }
    if (!hmac)
        return SEALRING_OK;
    CK_MECHANISM_INFO mechanism;
    CK_RV code = functions->C_GetMechanismInfo(slot, CKM_SHA256_HMAC, &mechanism);
    if (code == CKR_MECHANISM_INVALID || (code == CKR_OK && !(mechanism.flags & CKF_SIGN))) {
        return error_set_token(error, CKR_MECHANISM_INVALID,
                               "the PKCS#11 token %s cannot compute HMAC-SHA256 (CKM_SHA256_HMAC): use another one",
                               name);
    }
    if (code != CKR_OK) {
        return error_set_token(error, code, "the PKCS#11 token %s failed (C_GetMechanismInfo: %s)", name,
                               code_name(code));
    }
    return SEALRING_OK;
}

sealring_status slot_find(CK_FUNCTION_LIST *functions, P11KitUri *uri, const char *uri_text, bool hmac,
                          CK_SLOT_ID *slot, CK_TOKEN_INFO *info, sealring_error *error)
{
    CK_SLOT_ID *slots = NULL;
    CK_ULONG count = 0;
    CK_TOKEN_INFO candidate;
    CK_RV failure = CKR_OK; /* of a slot that could not be queried */
    unsigned initialised = 0, blank = 0;
    sealring_status status = SEALRING_OK;
    CK_RV code = slot_list(functions, &slots, &count);
    CK_INFO module_info;
    if (code == CKR_OK)
        code = functions->C_GetInfo(&module_info);
    if (code != CKR_OK) {
        status = error_set_token(error, code, "the PKCS#11 module does not list its tokens (%s)", code_name(code));
        goto cleanup;
    }
    for (CK_ULONG i = 0; i < count && p11_kit_uri_match_module_info(uri, &module_info); i++) {
        bool match = slot_matches(functions, uri, slots[i], &candidate, &code);
        if (code != CKR_OK) {
            failure = code;
        } else if (match && !(candidate.flags & CKF_TOKEN_INITIALIZED)) {
            blank++;
        } else if (match) {
            initialised++;
            *slot = slots[i];
            *info = candidate;
        }
    }
    if (initialised > 1) {
        status = error_set_token(error, 0, "%u PKCS#11 tokens match %s: add serial= so that one remains", initialised,
                                 uri_text);
    } else if (initialised == 1) {
        status = slot_check(functions, *slot, info, hmac, error);
    } else if (failure != CKR_OK) {
        status = error_set_token(error, failure, "no PKCS#11 token matches %s, and one does not answer (%s)", uri_text,
                                 code_name(failure));
    } else if (blank > 0) {
        status = error_set_token(
            error, CKR_TOKEN_NOT_RECOGNIZED,
            "the PKCS#11 token that matches %s is not initialised: initialise it with its own tool", uri_text);
    } else {
        status = error_set_token(error, CKR_TOKEN_NOT_PRESENT,
                                 "no PKCS#11 token matches %s: is it plugged in, is the module's configuration found?",
                                 uri_text);
    }
cleanup:
    free(slots);
    return status;
}
