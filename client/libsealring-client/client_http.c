/* SPDX-License-Identifier: Apache-2.0 */
/* The server that renews credentials, asked by libcurl: one request, one answer, to no other host. */
#include "client/libsealring-client/client_http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "client/libsealring-client/client_answer.h"

#define TARGET "/v1/renew"

enum { CONNECT_SECONDS = 10, TOTAL_SECONDS = 30, SOCKET_PATH_MAX = 107, VALUE_SIZE = 80 };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_works;

static void start_curl(void)
{
    curl_works = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* ---- The address ---- */

static sealring_status refuse_address(const char *url, const char *problem, sealring_error *error)
{
    return error_set(error, SEALRING_INVALID,
                     "the address for renewals, %s, %s: it is https://HOST[:PORT][/PATH] or unix:PATH", url, problem);
}

static bool has_part(CURLU *parts, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(parts, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

/* The path without slashes at its end, and the target after it. */
static bool add_target(CURLU *parts, char **url)
{
    char *path = NULL, *whole = NULL, *complete = NULL;
    size_t length = curl_url_get(parts, CURLUPART_PATH, &path, 0) == CURLUE_OK ? strlen(path) : 0;
    while (length > 0 && path[length - 1] == '/')
        length--;
    if (path != NULL && asprintf(&whole, "%.*s" TARGET, (int)length, path) < 0)
        whole = NULL;
    bool good = whole != NULL && curl_url_set(parts, CURLUPART_PATH, whole, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_URL, &complete, 0) == CURLUE_OK && (*url = strdup(complete)) != NULL;
    free(whole);
    curl_free(path);
    curl_free(complete);
    return good;
}

static const char *parse_https(const char *url, struct client_server *server)
{
    char *scheme = NULL;
    CURLU *parts = curl_url();
    const char *problem = NULL;
    if (parts == NULL || curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        problem = "is not valid";
    else if (strcasecmp(scheme, "https") != 0)
        problem = "would send the credential in plain text, or not at all";
    else if (has_part(parts, CURLUPART_USER) || has_part(parts, CURLUPART_PASSWORD) ||
             has_part(parts, CURLUPART_QUERY) || has_part(parts, CURLUPART_FRAGMENT))
        problem = "has more than host, port and path";
    else if (!add_target(parts, &server->url))
        problem = "cannot be completed";
    curl_free(scheme);
    curl_url_cleanup(parts);
    return problem;
}

static bool copy_text(const char *text, char **copy)
{
    *copy = text == NULL ? NULL : strdup(text);
    return text == NULL || *copy != NULL;
}

sealring_status client_server_parse(const char *url, const char *ca_file, struct client_server *server,
                                    sealring_error *error)
{
    static const char local[] = "unix:";
    const char *problem = NULL;
    *server = (struct client_server){.url = NULL};
    if (pthread_once(&curl_once, start_curl) != 0 || !curl_works || !copy_text(ca_file, &server->ca_file))
        return error_no_memory(error);
    if (strncmp(url, local, sizeof local - 1) != 0)
        problem = parse_https(url, server);
    else if (url[sizeof local - 1] != '/' || strlen(url) - sizeof local + 1 > SOCKET_PATH_MAX)
        problem = "has no absolute path of a socket";
    else if (!copy_text("http://localhost" TARGET, &server->url) || !copy_text(url + sizeof local - 1, &server->socket))
        problem = "cannot be copied";
    return problem == NULL ? SEALRING_OK : refuse_address(url, problem, error);
}

void client_server_end(struct client_server *server)
{
    free(server->url);
    free(server->socket);
    free(server->ca_file);
    *server = (struct client_server){.url = NULL};
}

/* ---- One request ---- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct client_reply *reply = context;
    size_t length = size * count;
    if (length > sizeof reply->body - reply->length)
        return 0; /* ends the transfer */
    memcpy(reply->body + reply->length, data, length);
    reply->length += length;
    return length;
}

/* Whether the header has this name (with its colon); its value then. */
static bool has_value(const char *data, size_t length, const char *name, char value[VALUE_SIZE])
{
    size_t begin = strlen(name);
    if (length < begin || length - begin >= VALUE_SIZE || strncasecmp(data, name, begin) != 0)
        return false;
    (void)snprintf(value, VALUE_SIZE, "%.*s", (int)(length - begin), data + begin);
    value[strcspn(value, "\r\n")] = '\0';
    return true;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct client_reply *reply = context;
    size_t length = size * count;
    char value[VALUE_SIZE];
    if (has_value(data, length, "Retry-After:", value))
        (void)client_delay_parse(value, clock_wall_ms(), &reply->retry_after);
    else if (has_value(data, length, "Sealring-Expires:", value))
        reply->tells_expiry = client_expiry_parse(value, &reply->expires);
    return length;
}

static int is_stopped(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load((const atomic_bool *)context) ? 1 : 0;
}

/* Each option that could send the credential elsewhere is set, whatever its default and the environment. */
static bool prepare(CURL *curl, const struct client_server *server, const char *body, const struct curl_slist *headers)
{
    return curl_easy_setopt(curl, CURLOPT_URL, server->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, server->socket == NULL ? "https" : "http") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, server->socket) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           (server->ca_file == NULL || (curl_easy_setopt(curl, CURLOPT_CAINFO, server->ca_file) == CURLE_OK &&
                                        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
           curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TOTAL_SECONDS) == CURLE_OK;
}

static bool prepare_reply(CURL *curl, const atomic_bool *stop, struct client_reply *reply, char *problem)
{
    return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)stop) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem) == CURLE_OK;
}

/* credential NULL: of a claim, which has a body instead. */
static struct curl_slist *make_headers(const char *credential)
{
    char line[SEALRING_CLIENT_TEXT_MAX + 32] = "Content-Type: application/json";
    if (credential != NULL)
        (void)snprintf(line, sizeof line, "Authorization: Bearer %s", credential);
    struct curl_slist *headers = curl_slist_append(NULL, line);
    struct curl_slist *more =
        headers == NULL ? NULL : curl_slist_append(headers, "Accept: application/json, application/problem+json");
    secret_wipe(line, sizeof line);
    if (more == NULL)
        curl_slist_free_all(headers);
    return more;
}

static void free_headers(struct curl_slist *headers)
{
    if (headers != NULL)
        secret_wipe(headers->data, strlen(headers->data));
    curl_slist_free_all(headers);
}

static sealring_status perform(const struct client_server *server, struct curl_slist *headers, const char *body,
                               const atomic_bool *stop, struct client_reply *reply, sealring_error *error)
{
    char problem[CURL_ERROR_SIZE] = "";
    CURLcode code = CURLE_OUT_OF_MEMORY;
    CURL *curl = curl_easy_init();
    memset(reply, 0, sizeof *reply);
    if (curl != NULL && headers != NULL && prepare(curl, server, body, headers) &&
        prepare_reply(curl, stop, reply, problem))
        code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_cleanup(curl);
    free_headers(headers);
    if (code == CURLE_OK)
        return SEALRING_OK;
    return error_set(error, SEALRING_SYSTEM, "the server for renewals, %s, did not answer: %s",
                     server->socket != NULL ? server->socket : server->url,
                     problem[0] != '\0' && server->socket == NULL
                         ? problem
                         : curl_easy_strerror(code)); /* curl names a host and a port also there */
}

sealring_status client_http_renew(const struct client_server *server, const char *credential, const atomic_bool *stop,
                                  struct client_reply *reply, sealring_error *error)
{
    return perform(server, make_headers(credential), "", stop, reply, error);
}

sealring_status client_http_claim(const struct client_server *server, const char *body, struct client_reply *reply,
                                  sealring_error *error)
{
    static const char target[] = "/v1/claim";
    static const atomic_bool never;
    struct client_server there = *server;
    _Static_assert(sizeof target == sizeof TARGET, "one takes the place of the other");
    there.url = strdup(server->url);
    if (there.url == NULL)
        return error_no_memory(error);
    memcpy(there.url + strlen(there.url) - (sizeof target - 1), target, sizeof target);
    sealring_status status = perform(&there, make_headers(NULL), body, &never, reply, error);
    free(there.url);
    return status;
}
