/* SPDX-License-Identifier: Apache-2.0 */
/* A request with alerts about leaked credentials: its body, its signature, one credential after the other, the response. */
#include "gateway/sealringd/alert_request.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"
#include "gateway/daemon/leak_message.h"
#include "gateway/daemon/alert_keys.h"
#include "gateway/daemon/alerts.h"
#include "gateway/sealringd/broker_link.h"
#include "gateway/daemon/direct_clients.h"
#include "gateway/sealringd/http.h"
#include "gateway/sealringd/respond.h"
#include "gateway/sealringd/waiters.h"

/* GitHub waits for 30 s. What was done by then is not done again when it repeats the request. */
enum { PATIENCE_MS = 25000 };

struct alert_request {
    char *body;
    size_t length;
    bool too_large, complete;
    struct alerts alerts;
    size_t at; /* the alert that is being worked on */
    struct leak_report report;
    int64_t deadline;
};

static const char *keys_file;

void alert_requests_start(const char *keys)
{
    keys_file = keys;
}

void alert_free(struct alert_request *request)
{
    if (request == NULL)
        return;
    alerts_free(&request->alerts);
    if (request->body != NULL)
        explicit_bzero(request->body, request->length);
    free(request->body);
    explicit_bzero(request, sizeof *request);
    free(request);
}

/* ---- Responses ---- */

static enum MHD_Result refuse(struct question *question, unsigned status, const char *title, const char *detail,
                              bool close)
{
    return respond_problem(question->connection, status, title, detail, close);
}

static enum MHD_Result later(struct question *question, bool close)
{
    return refuse(question, 503, "Service Unavailable", "The alerts cannot be taken now.", close);
}

static enum MHD_Result finish(struct question *question, bool close)
{
    char *body = alerts_respond(&question->alert->alerts);
    return body == NULL ? later(question, close) : respond_json(question->connection, body, close);
}

/* ---- One credential after the other ---- */

/* Whether the verdict is about a credential of this vault, and whether it can still be valid: not what a stranger writes gets to the broker. */
static bool is_true(sealring_verdict verdict, bool *live)
{
    switch (verdict) {
    case SEALRING_ACCEPTED:
    case SEALRING_REJECTED_NOT_YET_VALID:
    case SEALRING_REJECTED_SUSPENDED:
    case SEALRING_REJECTED_SCOPE:
    case SEALRING_REJECTED_ADDRESS:
        *live = true;
        return true;
    case SEALRING_REJECTED_MALFORMED:
    case SEALRING_REJECTED_UNKNOWN:
    case SEALRING_REJECTED_BAD_SECRET:
        return false;
    default:
        return true;
    }
}

static bool is_undecided(sealring_verdict verdict)
{
    return verdict == SEALRING_UNDECIDED || verdict == SEALRING_UNAVAILABLE;
}

/* False: this one is done. */
static bool ask_broker(struct question *question, struct alert *alert)
{
    struct alert_request *request = question->alert;
    bool live = false;
    alert->label = is_true(question->outcome.verdict, &live) ? ALERT_TRUE_POSITIVE : ALERT_FALSE_POSITIVE;
    if (!live || strlen(alert->token) >
                     SEALRING_CREDENTIAL_LENGTH_MAX) /* an imported key has no form that a report could find again */
        return false;
    leak_report_set(&request->report, alert->token, alert->url, alert->source);
    question->report = &request->report;
    return true;
}

static enum MHD_Result go_on(struct question *question, bool close)
{
    struct alert_request *request = question->alert;
    for (; request->at < request->alerts.count; request->at++) {
        struct alert *alert = &request->alerts.each[request->at];
        if (process_clock_ms() > request->deadline)
            return later(question, close);
        if (!question->asked) { /* else a thread may still read what it was given */
            question->presented.credential = alert->token;
            question->presented.length = strlen(alert->token);
            question_ask(question, SEALRING_NONBLOCK, &question->outcome);
        }
        if (question->outcome.verdict == SEALRING_WOULD_BLOCK)
            return waiters_add(question) ? MHD_YES : later(question, close);
        if (is_undecided(question->outcome.verdict))
            return later(question, close);
        waiters_forget(question);
        if (ask_broker(question, alert))
            return broker_link_ask(question) ? MHD_YES : later(question, close);
    }
    return finish(question, close);
}

enum MHD_Result alert_continue(struct question *question, bool close)
{
    if (question->renewed && question->renewal_result == SEALRING_LEAK_UNAVAILABLE)
        return later(question, close);
    if (question->renewed)
        question->alert->at++;
    question->renewed = false;
    return go_on(question, close);
}

/* ---- The body ---- */

static const char *header(const struct question *question, const char *name)
{
    const char *value = MHD_lookup_connection_value(question->connection, MHD_HEADER_KIND, name);
    return value != NULL ? value : "";
}

/* Before anything of the body is parsed. */
static enum MHD_Result take_body(struct question *question, bool close)
{
    struct alert_request *request = question->alert;
    static struct journal_pace pace;
    size_t length = 0;
    const char *problem = NULL;
    char *keys = alert_keys_read(keys_file, &length, &problem);
    if (keys == NULL) {
        if (journal_may_repeat(&pace))
            journal_write(JOURNAL_WARNING, "no alert can be verified: %s: %s", keys_file, problem);
        return later(question, close);
    }
    bool good = alert_keys_verify(keys, length, header(question, "Github-Public-Key-Identifier"),
                                  header(question, "Github-Public-Key-Signature"), request->body, request->length);
    free(keys);
    if (!good && journal_may_repeat(&pace))
        journal_write(JOURNAL_WARNING,
                      "refused alerts without a signature of a key in %s: is the list of keys current?", keys_file);
    if (!good)
        return refuse(question, 403, "Forbidden", "The alerts have no signature of a known key.", close);
    problem = alerts_read(request->body, request->length, &request->alerts);
    if (problem != NULL)
        return refuse(question, 400, "Bad Request", problem, close);
    request->deadline = process_clock_ms() + PATIENCE_MS;
    return go_on(question, close);
}

static enum MHD_Result begin(struct question *question, const char *method, bool close)
{
    const char *length = header(question, "Content-Length");
    if (question->listener->tls && !direct_clients_request(question->connection))
        return refuse(question, 429, "Too Many Requests", "Too many requests of this address.", close);
    if (strcmp(method, "POST") != 0)
        return respond(question->connection, ANSWER_METHOD, close);
    if (strtoull(length, NULL, 10) > ALERTS_BODY_MAX)
        return refuse(question, 413, "Content Too Large", "Alerts have at most 256 KiB.", close);
    question->alert = calloc(1, sizeof *question->alert);
    if (question->alert != NULL)
        question->alert->body = calloc(1, ALERTS_BODY_MAX);
    return question->alert == NULL || question->alert->body == NULL ? later(question, close) : MHD_YES;
}

enum MHD_Result alert_handle(struct question *question, const char *method, const char *data, size_t *size, bool close)
{
    struct alert_request *request = question->alert;
    if (request == NULL)
        return begin(question, method, close);
    if (request->complete)
        return alert_continue(question, close);
    if (*size > 0) {
        request->too_large |= *size > ALERTS_BODY_MAX - request->length;
        if (!request->too_large) {
            memcpy(request->body + request->length, data, *size);
            request->length += *size;
        }
        *size = 0;
        return MHD_YES;
    }
    request->complete = true;
    return request->too_large ? refuse(question, 413, "Content Too Large", "Alerts have at most 256 KiB.", close)
                              : take_body(question, close);
}
