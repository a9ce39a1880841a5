/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a claim: a JSON object with the code and a certificate. Pure. */
#include "gateway/daemon/claim_body.h"

#include <string.h>

#include <jansson.h>

bool claim_body_add(struct claim_body *body, const char *bytes, size_t length)
{
    if (length > sizeof body->text - body->length)
        return false;
    memcpy(body->text + body->length, bytes, length);
    body->length += length;
    return true;
}

static bool is_code(const char *text, size_t length)
{
    static const char plain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    return length == CLAIM_CODE_LENGTH && strspn(text, plain) == length;
}

static enum claim_body_problem take_members(struct claim_body *body, const json_t *object)
{
    const json_t *code = json_object_get(object, "code"), *certificate = json_object_get(object, "certificate");
    const size_t length = json_string_length(certificate);
    if (!json_is_string(code) || !json_is_string(certificate))
        return CLAIM_BODY_MALFORMED;
    if (!is_code(json_string_value(code), json_string_length(code)))
        return CLAIM_BODY_NO_CODE;
    if (length == 0 || length > sizeof body->certificate)
        return CLAIM_BODY_NO_CERTIFICATE;
    memcpy(body->code, json_string_value(code), sizeof body->code);
    memcpy(body->certificate, json_string_value(certificate), length);
    body->certificate_length = length;
    return CLAIM_BODY_GOOD;
}

enum claim_body_problem claim_body_read(struct claim_body *body)
{
    json_t *object = json_loadb(body->text, body->length, JSON_REJECT_DUPLICATES, NULL);
    enum claim_body_problem problem = json_is_object(object) ? take_members(body, object) : CLAIM_BODY_MALFORMED;
    json_decref(object);
    explicit_bzero(body->text, body->length);
    return problem;
}
