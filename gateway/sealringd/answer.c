/* SPDX-License-Identifier: Apache-2.0 */
/* The answers that the daemon has: status, challenge and words of each. Pure. */
#include "gateway/sealringd/answer.h"

#include <stddef.h>

#define BEARER "Bearer realm=\"api\""

static const struct answer answers[ANSWERS] = {
    [ANSWER_ACCEPTED] = {.status = 200},
    [ANSWER_ABSENT] = {401, "Unauthorized", "The request has no API key.", .challenge = BEARER},
    [ANSWER_INVALID] = {401, "Unauthorized", "The API key is not valid.",
                        .challenge = BEARER ", error=\"invalid_token\""},
    [ANSWER_SCOPE] = {403, "Forbidden", "The API key lacks a scope that this request requires.",
                      .challenge = BEARER ", error=\"insufficient_scope\","},
    [ANSWER_ADDRESS] = {403, "Forbidden", "The API key may not be used from this address.", .code = "address"},
    [ANSWER_CONFLICT] = {400, "Bad Request", "The request has two different API keys.",
                         .challenge = BEARER ", error=\"invalid_request\""},
    [ANSWER_UNAVAILABLE] = {503, "Service Unavailable", "The API key cannot be verified now.", .retry_after = "1"},
    [ANSWER_NOT_FOUND] = {404, "Not Found", "sealringd does not have this path. See sealringd(8), TARGETS.",
                          .code = NULL},
    [ANSWER_ALIVE] = {.status = 200},
    [ANSWER_UNREADY] = {503, "Service Unavailable", "The verifier is not up to date.", .retry_after = "1"},
    [ANSWER_RENEWED] = {.status = 200},
    [ANSWER_CURRENT] = {.status = 204},
    [ANSWER_OFF] = {403, "Forbidden", "This API key is not renewed. Ask its operator.", .code = "renewal-off"},
    [ANSWER_AGE] = {403, "Forbidden", "This API key was renewed for as long as is allowed. Ask its operator.",
                    .code = "renewal-age"},
    [ANSWER_CONTESTED] = {409, "Conflict", "Another holder has renewed this API key. Ask its operator.",
                          .code = "contested"},
    [ANSWER_LIMITED] = {429, "Too Many Requests", "Too many renewals.", .code = "limited", .retry_after = "10"},
    [ANSWER_NOT_RENEWED] = {503, "Service Unavailable", "The API key cannot be renewed now.", .code = "unavailable",
                            .retry_after = "10"},
    [ANSWER_METHOD] = {405, "Method Not Allowed", "This target takes POST only.", .allow = "POST"},
    [ANSWER_TOO_LARGE] = {413, "Content Too Large", "The body is larger than this target takes.", .code = NULL},
    [ANSWER_CLAIM_MALFORMED] = {400, "Bad Request", "The body is no JSON object with the texts code and certificate.",
                                .code = "claim-malformed"},
    [ANSWER_CLAIM_UNKNOWN] = {404, "Not Found", "The claim code is unknown, or it has expired. Ask the operator.",
                              .code = "claim-unknown"},
    [ANSWER_CLAIM_CERTIFICATE] = {400, "Bad Request", "Nothing is encrypted to this certificate.",
                                  .code = "claim-certificate"},
    [ANSWER_CLAIM_CLOSED] = {403, "Forbidden", "The API key is not valid any more. Ask the operator.",
                             .code = "claim-closed"},
    [ANSWER_CLAIM_TAKEN] = {409, "Conflict", "Somebody else has used the claim code. Ask the operator at once.",
                            .code = "claim-taken"},
    [ANSWER_NOT_CLAIMED] = {503, "Service Unavailable", "The API key cannot be claimed now.", .code = "unavailable",
                            .retry_after = "10"},
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
        return ANSWER_ADDRESS;
    default:
        return ANSWER_UNAVAILABLE;
    }
}
