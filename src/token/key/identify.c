/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that an object in the token is the key of a version's row, before it is changed or destroyed. */
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "token/key/attributes.h"
#include "token/key/hmac.h"
#include "token/key/key_object.h"
#include "token/key/signs.h"
#include "token/object/object.h"

#define IDENTIFY_INTENT "sealring-intent/"

struct identify_request {
    const struct token_key_reference *reference;
    const char *label;
    bool made_here;
};

/* A key that signs is identified by its check value, which an attacker who can only write the registry cannot compute. This also
 * applies if the label is right: another vault on the token may have a ring of the same name. */
static sealring_status identify_by_check_value(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name,
                                               const char *label, const struct token_key_reference *reference)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_status status =
        hmac_sign_twice(attempt, handle, name, reference->check_input, reference->check_input_length, mac);
    if (status == SEALRING_OK && !secret_equal(mac, reference->check_value, TOKEN_CHECK_VALUE_SIZE)) {
        status = attempt_refuse(attempt,
                                "ALARM: %s on the PKCS#11 token %s, labelled \"%s\", has another check value than the "
                                "registry's: it is left alone; find out who edited the registry: sealring audit verify",
                                name, attempt->token->name, label);
    }
    secret_wipe(mac, sizeof(mac));
    return status;
}

/* A closed key without label cannot prove itself, but it is no live key that could be lost. An object that sealring never makes is left
 * alone. */
static sealring_status identify_closed(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name)
{
    struct attributes_verdict verdict;
    sealring_status status = attributes_judge(attempt, handle, &verdict);
    if (status == SEALRING_OK && verdict.wrong[0] != '\0') {
        status =
            attempt_refuse(attempt,
                           "%s on the PKCS#11 token %s has no label and is not a key that sealring makes (%s): it is "
                           "left alone",
                           name, attempt->token->name, verdict.wrong);
    }
    return status;
}

static sealring_status identify_action(struct attempt *attempt, void *context)
{
    const struct identify_request *request = context;
    const struct token_key_reference *reference = request->reference;
    CK_OBJECT_HANDLE handle;
    char label[TOKEN_LABEL_MAX + 1] = "", name[OBJECT_NAME_SIZE];
    bool signs;
    object_name(reference->object_id, reference->object_id_length, name);
    sealring_status status = object_find(attempt, reference->object_id, reference->object_id_length, &handle);
    if (status == SEALRING_OK)
        status = object_read_label(attempt, handle, label);
    if (status != SEALRING_OK)
        return status;
    bool labelled = strcmp(label, request->label) == 0;
    if (!labelled && label[0] != '\0' && strncmp(label, IDENTIFY_INTENT, strlen(IDENTIFY_INTENT)) != 0) {
        return attempt_refuse(attempt, "%s on the PKCS#11 token %s is labelled \"%s\", not \"%s\": it is left alone",
                              name, attempt->token->name, label, request->label);
    }
    status = signs_ask(attempt, handle, &signs);
    if (status != SEALRING_OK)
        return status;
    if (signs && !(labelled && request->made_here))
        return identify_by_check_value(attempt, handle, name, label, reference);
    return labelled ? SEALRING_OK : identify_closed(attempt, handle, name);
}

sealring_status token_key_identify(struct token *token, const struct token_key_reference *reference, const char *label,
                                   bool made_here, enum token_answer *answer, sealring_error *error)
{
    struct identify_request request = {.reference = reference, .label = label, .made_here = made_here};
    sealring_status status = hmac_check_reference(reference, error);
    if (answer != NULL)
        *answer = TOKEN_FAILED;
    if (status == SEALRING_OK)
        status = attempt_run_surely(token, ATTEMPT_SEARCH, identify_action, &request, answer, error);
    return status;
}
