/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/claim: the body is read, the code is searched for in the registry, and the broker asked. */
#include "gateway/sealringd/claim_request.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/sealringd/broker_link.h"
#include "gateway/sealringd/respond.h"
#include "gateway/sealringd/waiters.h"

/* A body of unknown length is refused at once: the response ends the connection, and nothing more is read. */
static bool is_too_large(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding") != NULL ||
           (length != NULL && strtoull(length, NULL, 10) > CLAIM_BODY_MAX);
}

static enum MHD_Result begin(struct question *question, const char *method, bool close)
{
    if (strcmp(method, "POST") != 0)
        return respond(question->connection, ANSWER_METHOD, close);
    if (is_too_large(question->connection))
        return respond(question->connection, ANSWER_TOO_LARGE, close);
    question->claim = calloc(1, sizeof *question->claim);
    if (question->claim == NULL)
        return respond(question->connection, ANSWER_NOT_CLAIMED, close);
    question->complete = true;
    return MHD_YES;
}

static enum MHD_Result search(struct question *question, bool close)
{
    static const enum answer_kind answers[] = {
        [CLAIM_BODY_MALFORMED] = ANSWER_CLAIM_MALFORMED,
        [CLAIM_BODY_NO_CODE] = ANSWER_CLAIM_UNKNOWN,
        [CLAIM_BODY_NO_CERTIFICATE] = ANSWER_CLAIM_CERTIFICATE,
    };
    struct claim_body *claim = question->claim;
    enum claim_body_problem problem = claim_body_read(claim);
    if (problem != CLAIM_BODY_GOOD)
        return respond(question->connection, answers[problem], close);
    question->presented.credential = claim->code;
    question->presented.length = sizeof claim->code;
    return waiters_add(question) ? MHD_YES : respond(question->connection, ANSWER_NOT_CLAIMED, close);
}

enum MHD_Result claim_handle(struct question *question, const char *method, const char *data, size_t *size, bool close,
                             void (*take_address)(struct question *))
{
    if (question->renewed)
        return respond_renewal(question, close);
    if (!question->complete)
        return begin(question, method, close);
    if (*size == 0) {
        take_address(question);
        return search(question, close);
    }
    (void)claim_body_add(question->claim, data, *size); /* Content-Length was bounded */
    *size = 0;
    return MHD_YES;
}

enum MHD_Result claim_continue(struct question *question, bool close)
{
    switch (question->outcome.verdict) {
    case SEALRING_ACCEPTED:
        return broker_link_ask(question) ? MHD_YES : respond(question->connection, ANSWER_NOT_CLAIMED, close);
    case SEALRING_REJECTED_MALFORMED:
    case SEALRING_REJECTED_UNKNOWN:
        return respond(question->connection, ANSWER_CLAIM_UNKNOWN, close);
    default:
        return respond(question->connection, ANSWER_NOT_CLAIMED, close);
    }
}
