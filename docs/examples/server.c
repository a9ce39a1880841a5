/* SPDX-License-Identifier: Apache-2.0 */
/* Example: the core of a server that admits requests by their API key, without the HTTP part.
 *
 *   server VAULT SCOPE [THREADS] < credentials
 *
 * Each line of standard input is one request: the text after `Authorization: Bearer `. Several worker
 * threads take requests from that queue, verify them, and print what the server would answer:
 *
 *   LINE STATUS VERDICT [HEADER] … for the client; then, after a tab, the line for the server's own log
 *
 * Build: cc server.c $(pkg-config --cflags --libs sealring) -pthread */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include <sealring/verify.h>

enum { THREADS_MAX = 64 };

struct server {
    sealring_vault *vault; /* one for the whole process: any number of threads may use it at once */
    const char *scope;     /* the scope that every request here must have */
    pthread_mutex_t queue_lock;
    unsigned long lines;
};

/* Takes the next request from the queue; its number, or 0 at the end. */
static unsigned long take(struct server *server, char **line, size_t *capacity, size_t *length)
{
    unsigned long number = 0;
    pthread_mutex_lock(&server->queue_lock);
    ssize_t got = getline(line, capacity, stdin);
    if (got >= 0)
        number = ++server->lines;
    pthread_mutex_unlock(&server->queue_lock);
    *length = got > 0 && (*line)[got - 1] == '\n' ? (size_t)got - 1 : (size_t)(got > 0 ? got : 0);
    return number;
}

/* The response's headers. RFC 6750, section 3.1: the client learns only that its token is invalid, or which scope is
 * missing. The exact reason goes to our log. */
static void headers(sealring_verdict verdict, const sealring_grant *grant, const char *scope, char *text, size_t size)
{
    text[0] = '\0';
    switch (sealring_verdict_http_status(verdict)) {
    case 200:
        if (grant->sunset != 0) { /* RFC 8594: a successor is due, this credential is valid until then */
            time_t seconds = (time_t)(grant->sunset / 1000);
            struct tm parts;
            strftime(text, size, " Sunset: %a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &parts));
        }
        break;
    case 401:
        snprintf(text, size, " WWW-Authenticate: Bearer realm=\"example\", error=\"invalid_token\"");
        break;
    case 403:
        snprintf(text, size, " WWW-Authenticate: Bearer realm=\"example\", error=\"insufficient_scope\", scope=\"%s\"",
                 scope);
        break;
    case 503: /* no verdict: the credential was neither accepted nor rejected */
        snprintf(text, size, " Retry-After: 5");
        break;
    default:
        break;
    }
}

static void answer(struct server *server, unsigned long number, const char *credential, size_t length)
{
    if (length == 0) { /* the request has no credential: RFC 6750, section 3.1, wants no error code then */
        printf("%lu 401 missing WWW-Authenticate: Bearer realm=\"example\"\n", number);
        return;
    }
    sealring_grant grant = {.size = sizeof(grant)};
    sealring_verdict verdict = sealring_verify(server->vault, credential, length, server->scope, &grant);
    char header[2048];
    headers(verdict, &grant, server->scope, header, sizeof(header));
    /* In a real server: 200 goes on to the handler, which knows the caller from grant.client and grant.key_id. The
     * credential itself is never printed or logged; the key ID is safe to. */
    printf("%lu %d %s%s\tclient=%s key=%s version=%u %s\n", number, sealring_verdict_http_status(verdict),
           sealring_verdict_name(verdict), header, grant.client, grant.key_id, (unsigned)grant.version, grant.reason);
}

static void *work(void *context)
{
    struct server *server = context;
    char *line = NULL;
    size_t capacity = 0, length = 0;
    unsigned long number;
    while ((number = take(server, &line, &capacity, &length)) != 0) {
        answer(server, number, line, length);
        explicit_bzero(line, length);
    }
    free(line);
    return NULL;
}

/* Some PKCS#11 modules find their configuration only by environment variables. They have to be set before the first thread
 * starts, so the program does it, not the library. */
static int set_environment(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

/* Messages for the operator: an unavailable token, a registry that somebody altered. A real server writes them to its log. */
static void log_line(sealring_log_level level, const char *message, void *context)
{
    static const char *const levels[] = {"", "info", "warning", "ALARM"};
    fprintf(stderr, "%s: %s: %s\n", (const char *)context, levels[level], message);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: %s VAULT SCOPE [THREADS] < credentials\n", argv[0]);
        return 2;
    }
    const char *path = argv[1];
    long wanted = argc == 4 ? strtol(argv[3], NULL, 10) : 8;
    size_t threads = wanted < 1 ? 1 : wanted > THREADS_MAX ? THREADS_MAX : (size_t)wanted;
    struct server server = {.scope = argv[2], .queue_lock = PTHREAD_MUTEX_INITIALIZER};
    sealring_error error;

    if (sealring_environment(path, set_environment, NULL, &error) != SEALRING_OK ||
        sealring_open(path, NULL, &server.vault, &error) != SEALRING_OK) {
        fprintf(stderr, "%s: %s\n", argv[0], error.message);
        return 1;
    }
    sealring_set_log(server.vault, log_line, argv[0]);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* write each line at once */

    pthread_t workers[THREADS_MAX];
    size_t started = 0;
    while (started < threads && pthread_create(&workers[started], NULL, work, &server) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i], NULL);

    sealring_close(&server.vault); /* after the last thread that uses it */
    if (started < threads) {
        fprintf(stderr, "%s: only %zu of %zu threads could be started\n", argv[0], started, threads);
        return 1;
    }
    return 0;
}
