/* SPDX-License-Identifier: Apache-2.0 */
/* The answers that the daemon has: status, challenge and words of each. Pure. */
#include "gateway/sealringd/answer.h"

#include <stddef.h>

#define BEARER "Bearer realm=\"api\""

static const struct answer answers[ANSWERS] = {
    [ANSWER_ACCEPTED] = {200, NULL, NULL, NULL, NULL},
    [ANSWER_ABSENT] = {401, "Unauthorized", "The request has no API key.", BEARER, NULL},
    [ANSWER_INVALID] = {401, "Unauthorized", "The API key is not valid.", BEARER ", error=\"invalid_token\"", NULL},
    [ANSWER_SCOPE] = {403, "Forbidden", "The API key lacks a scope that this request requires.",
                      BEARER ", error=\"insufficient_scope\",", NULL},
    [ANSWER_FORBIDDEN] = {403, "Forbidden", "The API key may not be used for this request.", NULL, NULL},
    [ANSWER_CONFLICT] = {400, "Bad Request", "The request has two different API keys.",
                         BEARER ", error=\"invalid_request\"", NULL},
    [ANSWER_UNAVAILABLE] = {503, "Service Unavailable", "The API key cannot be verified now.", NULL, "1"},
    [ANSWER_NOT_FOUND] = {404, "Not Found", "sealringd does not have this path. See sealringd(8), TARGETS.", NULL,
                          NULL},
    [ANSWER_ALIVE] = {200, NULL, NULL, NULL, NULL},
    [ANSWER_UNREADY] = {503, "Service Unavailable", "The verifier is not up to date.", NULL, "1"},
};

const struct answer *answer_of(enum answer_kind kind)
{
    return &answers[kind];
}

enum answer_kind answer_for(sealring_verdict verdict)
{
    if (verdict == SEALRING_REJECTED_SCOPE)
        return ANSWER_SCOPE;
    switch (sealring_verdict_http_status(verdict)) {
    case 200:
        return ANSWER_ACCEPTED;
    case 401:
        return ANSWER_INVALID;
    case 403:
        return ANSWER_FORBIDDEN;
    default:
        return ANSWER_UNAVAILABLE;
    }
}
