/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: each listener's, with the bounds that they all share. */
#include "gateway/sealringd/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/journal.h"
#include "gateway/daemon/listener.h"
#include "gateway/sealringd/alert_request.h"
#include "gateway/sealringd/broker_link.h"
#include "gateway/sealringd/claim_request.h"
#include "gateway/daemon/direct_clients.h"
#include "gateway/sealringd/question.h"
#include "gateway/sealringd/respond.h"
#include "gateway/sealringd/served.h"
#include "gateway/sealringd/waiters.h"

/* A gateway closes its idle connections after 60 s, as most do, before we do: it would not know whether its next request has arrived. */
enum { HEADERS_SIZE = 32768, IDLE_SECONDS = 75 };
/* Of renewal: what a body may have, and connections with TLS, each of which has some 50 KiB. */
enum { BODY_MAX = 1024, TLS_CONNECTIONS_MAX = 1024, RETIRED_MAX = 32 };
/* Of alerts, each of which has 256 KiB. */
enum { ALERT_CONNECTIONS_MAX = 64 };

static struct MHD_Daemon *daemons[LISTENERS_MAX];
static struct http_listener listeners[LISTENERS_MAX];
static size_t daemons_count;
static struct MHD_Daemon *retired[RETIRED_MAX];
static size_t retired_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of these, from the start of the last listener on */
static const struct http_settings *settings;
static atomic_uint active;
static atomic_bool draining;

/* The target as it was received. What this returns is the request's state from the beginning. */
static void *begin(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL)
        return NULL;
    question->connection = connection;
    question->listener = context;
    if (question->listener->renews)
        target_parse_renewal(uri, &question->target);
    else if (question->listener->alerts)
        target_parse_leaks(uri, &question->target);
    else
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
    struct question *question = context;
    bool direct = question->listener->tls; /* what a client writes about its address counts for nothing */
    (void)kind;
    presented_header(&question->presented, direct ? NULL : settings->address_header, name, value == NULL ? "" : value);
    return MHD_YES;
}

static void take_address(struct question *question)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(question->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL)
        presented_address(&question->presented, info->client_addr);
}

/* As the gateway has passed it, or of the connection. */
static void take_client(struct question *question)
{
    (void)MHD_get_connection_values(question->connection, MHD_HEADER_KIND, each_header, question);
    if (question->listener->tls)
        take_address(question);
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

/* After the vault's verdict. */
static enum MHD_Result respond_judged(struct question *question, bool close)
{
    if (question->target.kind != TARGET_RENEW || question->outcome.verdict != SEALRING_ACCEPTED)
        return respond_verdict(question, close);
    if (question->presented.length > SEALRING_CREDENTIAL_LENGTH_MAX) /* it is of an imported key */
        return respond(question->connection, ANSWER_OFF, close);
    return broker_link_ask(question) ? MHD_YES : respond(question->connection, ANSWER_NOT_RENEWED, close);
}

static enum MHD_Result verify(struct question *question, bool close)
{
    take_client(question);
    if (question->presented.credentials == PRESENTED_NONE)
        return respond(question->connection, ANSWER_ABSENT, close);
    if (question->presented.credentials == PRESENTED_CONFLICT)
        return respond(question->connection, ANSWER_CONFLICT, close);
    question_ask(question, SEALRING_NONBLOCK, &question->outcome);
    if (question->outcome.verdict != SEALRING_WOULD_BLOCK)
        return respond_judged(question, close);
    return waiters_add(question) ? MHD_YES : respond(question->connection, ANSWER_UNAVAILABLE, close);
}

static enum MHD_Result respond_state(struct question *question, bool close)
{
    bool answers = broker_link_answers();
    return respond_ready(question->connection, is_ready(), settings->renewing ? &answers : NULL, close);
}

/* A renewal has no body; one that is announced to be small is read, so that the connection can go on. */
static bool is_too_large(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding") != NULL ||
           (length != NULL && strtoull(length, NULL, 10) > BODY_MAX);
}

static enum MHD_Result handle_renewal(struct question *question, const char *method, size_t *size, bool close)
{
    struct MHD_Connection *connection = question->connection;
    if (question->renewed)
        return respond_renewal(question, close);
    if (question->complete && *size == 0)
        return verify(question, close);
    if (question->complete) {
        *size = 0;
        return MHD_YES;
    }
    if (question->listener->tls && !direct_clients_request(connection))
        return respond(connection, ANSWER_LIMITED, close);
    if (strcmp(method, "POST") != 0)
        return respond(connection, ANSWER_METHOD, close);
    if (is_too_large(connection))
        return respond(connection, ANSWER_TOO_LARGE, close);
    question->complete = true;
    return MHD_YES;
}

/* libmicrohttpd calls it for the headers, for a body, for the end of the request, and after a resumption. A response to the first call ends the
 * connection. The method of a verification does not matter: it is that of the client's request, or the gateway's. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    struct question *question = *state;
    bool close = atomic_load(&draining);
    (void)context, (void)url, (void)version;
    if (question == NULL)
        return MHD_NO;
    if (question->target.kind == TARGET_LEAKS)
        return alert_handle(question, method, data, size, close);
    if (question->asked && !question->renewed) /* and resumed, so it is answered */
        return question->claim != NULL ? claim_continue(question, close) : respond_judged(question, close);
    if (question->target.kind == TARGET_CLAIM)
        return claim_handle(question, method, data, size, close, take_client);
    if (question->target.kind == TARGET_RENEW)
        return handle_renewal(question, method, size, close);
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
        return respond_state(question, close);
    default:
        return respond(connection, ANSWER_NOT_FOUND, close);
    }
}

__attribute__((format(printf, 2, 0))) static void log_line(void *context, const char *format, va_list arguments)
{
    char line[SEALRING_MESSAGE_SIZE];
    (void)context;
    static struct journal_pace pace;
    if (!journal_may_repeat(&pace))
        return;
    (void)vsnprintf(line, sizeof line, format, arguments);
    for (char *end = line; *end != '\0'; end++)
        if (*end == '\n')
            *end = '\0';
    journal_write(JOURNAL_INFORMATION, "HTTP: %s", line);
}

static struct MHD_Daemon *start_daemon(struct http_listener *listener, const struct tls_files *files)
{
    unsigned connections = settings->connections;
    if (listener->tls && connections > TLS_CONNECTIONS_MAX)
        connections = TLS_CONNECTIONS_MAX;
    if (listener->alerts && connections > ALERT_CONNECTIONS_MAX)
        connections = ALERT_CONNECTIONS_MAX;
    struct MHD_OptionItem of_tls[] = {
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)direct_clients_notify, NULL},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, files->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, files->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_line, NULL},
        {MHD_OPTION_LISTEN_SOCKET, listener->descriptor, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADERS_SIZE, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connections, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)begin, listener},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)end, NULL},
        {listener->tls ? MHD_OPTION_ARRAY : MHD_OPTION_END, 0, of_tls},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem of_pool[] = {
        {settings->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)settings->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(listener->tls ? flags | MHD_USE_TLS : flags, 0,
                            listener->tls ? direct_clients_accept : NULL, NULL, handle, NULL, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_ARRAY, of_pool, MHD_OPTION_END);
}

bool http_start(const struct http_settings *wanted, const struct http_listener *listener, const struct tls_files *files)
{
    settings = wanted;
    listeners[daemons_count] = *listener;
    daemons[daemons_count] = start_daemon(&listeners[daemons_count], files);
    if (daemons[daemons_count] == NULL)
        return false;
    daemons_count++;
    return true;
}

/* Of former certificates, whose connections go on. Those without any are stopped. */
static void retire(struct MHD_Daemon *daemon)
{
    size_t kept = 0;
    for (size_t i = 0; i < retired_count; i++) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(retired[i], MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        if (info != NULL && info->num_connections > 0)
            retired[kept++] = retired[i];
        else
            MHD_stop_daemon(retired[i]);
    }
    retired_count = kept;
    if (daemon != NULL) {
        (void)MHD_quiesce_daemon(daemon);
        retired[retired_count++] = daemon;
    }
}

/* Both accept from the socket until the former one is stopped. */
static bool exchange_one(size_t i, const struct tls_files *files)
{
    retire(NULL);
    if (retired_count == RETIRED_MAX)
        return false;
    struct MHD_Daemon *next = start_daemon(&listeners[i], files);
    if (next == NULL)
        return false;
    retire(daemons[i]);
    daemons[i] = next;
    return true;
}

bool http_exchange_tls(const struct tls_files *files)
{
    bool good = true;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; good && i < daemons_count && !atomic_load(&draining); i++)
        good = !listeners[i].tls || exchange_one(i, files);
    pthread_mutex_unlock(&lock);
    return good;
}

void http_drain(void)
{
    pthread_mutex_lock(&lock);
    atomic_store(&draining, true);
    for (size_t i = 0; i < daemons_count; i++)
        (void)MHD_quiesce_daemon(daemons[i]);
    pthread_mutex_unlock(&lock);
}

unsigned http_active(void)
{
    return atomic_load(&active);
}

void http_stop(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < daemons_count; i++)
        MHD_stop_daemon(daemons[i]);
    for (size_t i = 0; i < retired_count; i++)
        MHD_stop_daemon(retired[i]);
    daemons_count = retired_count = 0;
    pthread_mutex_unlock(&lock);
}
