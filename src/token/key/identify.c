/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that an object in the token is the key of a version's row, before it is changed or destroyed. */
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "token/key/attributes.h"
#include "token/key/hmac.h"
#include "token/key/key_object.h"
#include "token/object/object.h"

#define IDENTIFY_INTENT "sealring-intent/"

/* A key that signs is identified by its check value, which an attacker who can only write the registry cannot compute. This also
 * applies if the label is right: another vault on the token may have a ring of the same name. */
static sealring_status identify_by_check_value(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *label,
                                               const struct token_key_reference *reference)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_status status =
        hmac_sign_twice(attempt, handle, reference->check_input, reference->check_input_length, mac);
    if (status == SEALRING_OK && !secret_equal(mac, reference->check_value, TOKEN_CHECK_VALUE_SIZE)) {
        status = attempt_refuse(attempt,
                                "ALARM: %s on the PKCS#11 token %s, labelled \"%s\", has another check value than the "
                                "registry's: it is left alone; find out who edited the registry: sealring audit verify",
                                attempt_name(attempt), attempt->token->name, label);
    }
    secret_wipe(mac, sizeof(mac));
    return status;
}

/* A closed key without label cannot prove itself, but it is no live key that could be lost. An object that sealring never makes is left
 * alone. */
static sealring_status identify_closed(struct attempt *attempt, CK_OBJECT_HANDLE handle)
{
    char wrong[TOKEN_KEY_WRONG_SIZE];
    bool narrowable;
    sealring_status status = attributes_judge(attempt, handle, wrong, &narrowable);
    if (status == SEALRING_OK && wrong[0] != '\0') {
        status =
            attempt_refuse(attempt,
                           "%s on the PKCS#11 token %s has no label and is not a key that sealring makes (%s): it is "
                           "left alone",
                           attempt_name(attempt), attempt->token->name, wrong);
    }
    return status;
}

static sealring_status identify_key(struct attempt *attempt, const struct token_key_reference *reference,
                                    const char *wanted, bool made_here)
{
    CK_OBJECT_HANDLE handle;
    char label[TOKEN_LABEL_MAX + 1] = "";
    bool signs;
    sealring_status status = object_find_with_label(attempt, CKO_SECRET_KEY, &handle, label);
    if (status != SEALRING_OK)
        return status;
    bool labelled = strcmp(label, wanted) == 0;
    if (!labelled && label[0] != '\0' && strncmp(label, IDENTIFY_INTENT, strlen(IDENTIFY_INTENT)) != 0)
        return object_refuse_label(attempt, label, wanted);
    status = hmac_test(attempt, handle, &signs);
    if (status != SEALRING_OK)
        return status;
    if (signs && !(labelled && made_here))
        return identify_by_check_value(attempt, handle, label, reference);
    return labelled ? SEALRING_OK : identify_closed(attempt, handle);
}

sealring_status token_key_identify(struct token *token, const struct token_key_reference *reference, const char *label,
                                   bool made_here, enum token_answer *answer, sealring_error *error)
{
    struct attempt attempt = hmac_attempt(token, ATTEMPT_SEARCH, reference);
    attempt.surely = true;
    while (attempt_next(&attempt))
        attempt.status = identify_key(&attempt, reference, label, made_here);
    return attempt_end(&attempt, answer, error);
}
