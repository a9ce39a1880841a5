/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as HTTP responses: RFC 9457 for errors, RFC 6750 for challenges, X-Sealring-… for what is known about the client. */
#include "gateway/sealringd/respond.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/sealringd/renewal_response.h"

enum { TIME_SIZE = 40 };

static struct MHD_Response *prepared[ANSWERS][2]; /* the second one closes the connection */

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

static void wipe_and_free(void *body)
{
    explicit_bzero(body, strlen(body));
    free(body);
}

/* Takes the body over: NULL, or a text of malloc, which is wiped afterwards. */
static struct MHD_Response *make_response(char *body, bool close)
{
    struct MHD_Response *response =
        body == NULL ? MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT)
                     : MHD_create_response_from_buffer_with_free_callback(strlen(body), body, wipe_and_free);
    if (response == NULL) {
        if (body != NULL)
            wipe_and_free(body);
    } else if (!add(response, "Cache-Control", "no-store") || (close && !add(response, "Connection", "close"))) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return response;
}

static struct MHD_Response *make_answer(const struct answer *answer, const char *challenge, const char *retry_after,
                                        bool close)
{
    char *body = NULL;
    if (answer->title != NULL) {
        json_t *problem = json_pack("{ss ss si ss ss*}", "type", "about:blank", "title", answer->title, "status",
                                    (int)answer->status, "detail", answer->detail, "code", answer->code);
        body = problem == NULL ? NULL : json_dumps(problem, JSON_COMPACT);
        json_decref(problem);
        if (body == NULL)
            return NULL;
    }
    struct MHD_Response *response = make_response(body, close);
    if (response == NULL)
        return NULL;
    if ((body != NULL && !add(response, "Content-Type", "application/problem+json")) ||
        (challenge != NULL && !add(response, "WWW-Authenticate", challenge)) ||
        (retry_after != NULL && !add(response, "Retry-After", retry_after)) ||
        (answer->allow != NULL && !add(response, "Allow", answer->allow))) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

bool respond_prepare(void)
{
    for (int kind = 0; kind < ANSWERS; kind++)
        for (int close = 0; close < 2; close++) {
            const struct answer *answer = answer_of((enum answer_kind)kind);
            prepared[kind][close] = make_answer(answer, answer->challenge, answer->retry_after, close == 1);
            if (prepared[kind][close] == NULL)
                return false;
        }
    return true;
}

void respond_end(void)
{
    for (int kind = 0; kind < ANSWERS; kind++)
        for (int close = 0; close < 2; close++)
            if (prepared[kind][close] != NULL)
                MHD_destroy_response(prepared[kind][close]);
    memset(prepared, 0, sizeof prepared);
}

enum MHD_Result respond(struct MHD_Connection *connection, enum answer_kind kind, bool close)
{
    return MHD_queue_response(connection, answer_of(kind)->status, prepared[kind][close ? 1 : 0]);
}

/* An HTTP date (RFC 9110, section 5.6.7), whatever the locale; "" for none. */
static void http_date(int64_t milliseconds, char text[TIME_SIZE])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    text[0] = '\0';
    if (milliseconds > 0 && gmtime_r(&seconds, &parts) != NULL)
        (void)snprintf(text, TIME_SIZE, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * parts.tm_wday,
                       parts.tm_mday, months + 3 * parts.tm_mon, 1900 + parts.tm_year, parts.tm_hour, parts.tm_min,
                       parts.tm_sec);
}

/* All of them in every response: a gateway that copies them leaves none of the client's own. */
static bool add_grant(struct MHD_Response *response, const sealring_grant *grant)
{
    char version[16], sunset[TIME_SIZE];
    (void)snprintf(version, sizeof version, "%u", (unsigned)grant->version);
    http_date(grant->sunset, sunset);
    const char *const headers[][2] = {
        {"X-Sealring-Verdict", sealring_verdict_name(SEALRING_ACCEPTED)},
        {"X-Sealring-Client", grant->client},
        {"X-Sealring-Key-Id", grant->key_id},
        {"X-Sealring-Ring", grant->ring},
        {"X-Sealring-Scopes", grant->scopes},
        {"X-Sealring-Version", version},
        {"X-Sealring-Sunset", sunset},
    };
    /* libmicrohttpd takes no empty value; a blank at its end is none of a value (RFC 9110, section 5.5). */
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (!add(response, headers[i][0], headers[i][1][0] == '\0' ? " " : headers[i][1]))
            return false;
    return sunset[0] == '\0' || add(response, "Sealring-Sunset", sunset);
}

/* response: NULL if there was no memory for it. */
static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response,
                             bool close)
{
    if (response == NULL)
        return respond(connection, ANSWER_UNAVAILABLE, close);
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result respond_verdict(const struct question *question, bool close)
{
    enum answer_kind kind = answer_for(question->outcome.verdict);
    const struct answer *answer = answer_of(kind);
    struct MHD_Response *response = NULL;
    if (kind == ANSWER_ACCEPTED) {
        response = make_response(NULL, close);
        if (response != NULL && !add_grant(response, &question->outcome.grant)) {
            MHD_destroy_response(response);
            response = NULL;
        }
    } else if (kind == ANSWER_SCOPE) {
        char challenge[SEALRING_SCOPES_LENGTH_MAX + 128];
        (void)snprintf(challenge, sizeof challenge, "%s scope=\"%s\"", answer->challenge, question->target.scopes);
        response = make_answer(answer, challenge, NULL, close);
    } else
        return respond(question->connection, kind, close);
    return queue(question->connection, answer->status, response, close);
}

/* No successor is due: the client learns until when its credential is valid. */
static enum MHD_Result respond_current(const struct question *question, bool close)
{
    char expires[TIME_SIZE];
    struct MHD_Response *response = make_response(NULL, close);
    http_date(question->expires, expires);
    if (response != NULL && !add(response, "Sealring-Expires", expires[0] == '\0' ? "never" : expires)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return queue(question->connection, answer_of(ANSWER_CURRENT)->status, response, close);
}

enum MHD_Result respond_renewal(struct question *question, bool close)
{
    enum answer_kind kind = question->claim != NULL ? claim_answer_for(question->renewal_result)
                                                    : renewal_answer_for(question->renewal_result);
    const struct answer *answer = answer_of(kind);
    char retry_after[16];
    if (kind == ANSWER_CURRENT)
        return respond_current(question, close);
    if (kind == ANSWER_RENEWED) {
        struct MHD_Response *response = make_response(question->body, close);
        question->body = NULL;
        if (response != NULL && !add(response, "Content-Type", "application/json")) {
            MHD_destroy_response(response);
            response = NULL;
        }
        return queue(question->connection, answer->status, response, close);
    }
    if (answer->retry_after == NULL || question->retry_after == 0)
        return respond(question->connection, kind, close);
    (void)snprintf(retry_after, sizeof retry_after, "%" PRIu32, question->retry_after);
    return queue(question->connection, answer->status, make_answer(answer, NULL, retry_after, close), close);
}

enum MHD_Result respond_problem(struct MHD_Connection *connection, unsigned status, const char *title,
                                const char *detail, bool close)
{
    const struct answer answer = {.status = status, .title = title, .detail = detail};
    return queue(connection, status, make_answer(&answer, NULL, status == 503 ? "10" : NULL, close), close);
}

enum MHD_Result respond_json(struct MHD_Connection *connection, char *body, bool close)
{
    struct MHD_Response *response = body == NULL ? NULL : make_response(body, close);
    if (response != NULL && !add(response, "Content-Type", "application/json")) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return queue(connection, answer_of(ANSWER_ALIVE)->status, response, close);
}

enum MHD_Result respond_ready(struct MHD_Connection *connection, bool ready, const bool *renewing, bool close)
{
    if (!ready || renewing == NULL)
        return respond(connection, ready ? ANSWER_ALIVE : ANSWER_UNREADY, close);
    return respond_json(connection, strdup(*renewing ? "{\"renewal\":true}\n" : "{\"renewal\":false}\n"), close);
}
