/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: each listener's, with the bounds that they all share. */
#include "gateway/sealringd/http.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/sealringd/journal.h"
#include "gateway/sealringd/listener.h"
#include "gateway/sealringd/question.h"
#include "gateway/sealringd/respond.h"
#include "gateway/sealringd/served.h"
#include "gateway/sealringd/waiters.h"

/* A gateway closes its idle connections after 60 s, as most do, before we do: it would not know whether its next request has arrived. */
enum { HEADERS_SIZE = 32768, IDLE_SECONDS = 75 };

static struct MHD_Daemon *daemons[LISTENERS_MAX];
static size_t daemons_count;
static const struct http_settings *settings;
static atomic_uint active;
static atomic_bool draining;

/* The target as it was received. What this returns is the request's state from the beginning. */
static void *begin(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)context;
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL)
        return NULL;
    question->connection = connection;
    target_parse(uri, settings->any_allowed, &question->target);
    atomic_fetch_add(&active, 1);
    return question;
}

static void end(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    if (*state == NULL)
        return;
    waiters_release(*state);
    *state = NULL;
    atomic_fetch_sub(&active, 1);
}

static enum MHD_Result each_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    presented_header(context, settings->address_header, name, value == NULL ? "" : value);
    return MHD_YES;
}

static bool is_ready(void)
{
    sealring_vault *vault = NULL;
    struct served_vault *taken = served_take(&vault);
    sealring_statistics statistics = {.size = sizeof statistics};
    sealring_stats(vault, &statistics);
    served_return(taken);
    return statistics.lease_left_ms > 0 && !atomic_load(&draining);
}

/* A gateway need not send the body of the client's request, so it is not read: the connection ends after the answer. */
static bool has_body(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return (length != NULL && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding") != NULL;
}

static enum MHD_Result verify(struct question *question, bool close)
{
    (void)MHD_get_connection_values(question->connection, MHD_HEADER_KIND, each_header, &question->presented);
    if (question->presented.credentials == PRESENTED_NONE)
        return respond(question->connection, ANSWER_ABSENT, close);
    if (question->presented.credentials == PRESENTED_CONFLICT)
        return respond(question->connection, ANSWER_CONFLICT, close);
    question_ask(question, SEALRING_NONBLOCK, &question->outcome);
    if (question->outcome.verdict != SEALRING_WOULD_BLOCK)
        return respond_verdict(question, close);
    return waiters_add(question) ? MHD_YES : respond(question->connection, ANSWER_UNAVAILABLE, close);
}

/* libmicrohttpd calls it for the headers, for the end of the request, and after a resumption. A response to the first call ends the connection.
 * The method does not matter: it is that of the client's request, or the gateway's. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    struct question *question = *state;
    bool close = atomic_load(&draining);
    (void)context, (void)url, (void)method, (void)version, (void)data, (void)size;
    if (question == NULL)
        return MHD_NO;
    if (question->asked) /* and resumed, so it is answered */
        return respond_verdict(question, close);
    if (!question->complete && !has_body(connection)) {
        question->complete = true;
        return MHD_YES;
    }
    switch (question->target.kind) {
    case TARGET_VERIFY:
        return verify(question, close);
    case TARGET_HEALTH:
        return respond(connection, ANSWER_ALIVE, close);
    case TARGET_READY:
        return respond(connection, is_ready() ? ANSWER_ALIVE : ANSWER_UNREADY, close);
    default:
        return respond(connection, ANSWER_NOT_FOUND, close);
    }
}

__attribute__((format(printf, 2, 0))) static void log_line(void *context, const char *format, va_list arguments)
{
    char line[SEALRING_MESSAGE_SIZE];
    (void)context;
    /* Clients can cause these messages: one a second is enough to see that there is trouble. */
    static _Atomic(time_t) latest;
    time_t now = time(NULL);
    if (atomic_exchange(&latest, now) == now)
        return;
    (void)vsnprintf(line, sizeof line, format, arguments);
    for (char *end = line; *end != '\0'; end++)
        if (*end == '\n')
            *end = '\0';
    journal_write(JOURNAL_INFORMATION, "HTTP: %s", line);
}

bool http_start(const struct http_settings *wanted, int listener)
{
    settings = wanted;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_line, NULL},
        {MHD_OPTION_LISTEN_SOCKET, listener, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADERS_SIZE, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)wanted->connections, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)begin, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)end, NULL},
        {wanted->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)wanted->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0,
                         NULL, NULL, handle, NULL, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (daemon == NULL)
        return false;
    daemons[daemons_count++] = daemon;
    return true;
}

void http_drain(void)
{
    atomic_store(&draining, true);
    for (size_t i = 0; i < daemons_count; i++)
        (void)MHD_quiesce_daemon(daemons[i]);
}

unsigned http_active(void)
{
    return atomic_load(&active);
}

void http_stop(void)
{
    for (size_t i = 0; i < daemons_count; i++)
        MHD_stop_daemon(daemons[i]);
    daemons_count = 0;
}
