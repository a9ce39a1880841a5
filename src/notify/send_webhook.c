/* SPDX-License-Identifier: Apache-2.0 */
/* Sends webhooks by HTTPS, signed as the Standard Webhooks specification has it. */
#include "notify/send_webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notify/public_address.h"
#include "notify/transfer.h"

#define ANSWER_MAX       16384 /* bytes of an answer that are read, headers included */
#define URL_MAX          2048
#define STATUS_GONE      410
#define STATUS_REDIRECTS 3
#define HEADER_SIZE      (WEBHOOK_SIGNATURES_SIZE + 32)

struct webhook_sender {
    struct transfer transfer;
    bool private_addresses;
    size_t read;   /* bytes of the present answer */
    bool complete; /* its header was read to its end */
};

/* ---- The URL ---- */

static bool has_url_part(CURLU *parts, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(parts, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

static const char *find_url_problem(CURLU *parts, const char *scheme, const char *host, bool private_addresses)
{
    bool plain = strcmp(scheme, "http") == 0;
    if (!plain && strcmp(scheme, "https") != 0)
        return "is not https";
    if (plain && !private_addresses)
        return "is not https";
    if (plain && !address_host_is_loopback(host))
        return "is http, which is for loopback addresses only";
    if (has_url_part(parts, CURLUPART_USER) || has_url_part(parts, CURLUPART_PASSWORD))
        return "has a user or a password";
    if (!private_addresses && !address_host_may_be_public(host))
        return "has a host that is not public";
    return NULL;
}

/* Stores whether it is plain http. */
static const char *parse_url(const char *url, bool private_addresses, bool *plain)
{
    char *scheme = NULL, *host = NULL;
    const char *problem = "is no valid URL";
    size_t length = strlen(url);
    CURLU *parts = curl_url();
    if (length > URL_MAX)
        problem = "is longer than 2048 bytes";
    else if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
             curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
             curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        problem = find_url_problem(parts, scheme, host, private_addresses);
    *plain = scheme != NULL && strcmp(scheme, "http") == 0;
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return problem;
}

const char *webhook_url_problem(const char *url, bool private_addresses)
{
    bool plain;
    for (const char *at = url; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~') /* also where char is signed: bytes above ASCII */
            return "has a character other than printable ASCII";
    if (strchr(url, '#') != NULL)
        return "has a fragment";
    if (strstr(url, "://") == NULL)
        return "is no valid URL"; /* libcurl is content with one slash */
    return parse_url(url, private_addresses, &plain);
}

/* ---- The answer ---- */

/* Counts what arrives. More than ANSWER_MAX ends the transfer. */
static size_t count_answer(struct webhook_sender *sender, size_t length)
{
    sender->read += length;
    return sender->read <= ANSWER_MAX ? length : 0;
}

static size_t take_answer_body(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    return count_answer(context, size * count);
}

/* A response begins with its status line, and its header ends with an empty line. One of status 1xx precedes another one. */
static size_t take_answer_header(char *data, size_t size, size_t count, void *context)
{
    struct webhook_sender *sender = context;
    size_t length = size * count;
    if (length > 5 && memcmp(data, "HTTP/", 5) == 0)
        sender->complete = false;
    else if (length <= 2)
        sender->complete = true;
    return count_answer(sender, length);
}

static void judge_status(struct webhook_sender *sender, struct send_result *result)
{
    long status = 0;
    curl_off_t seconds = 0;
    (void)curl_easy_getinfo(sender->transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    if (curl_easy_getinfo(sender->transfer.curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds < 0)
        seconds = 0;
    if (status / 100 == 2)
        send_result_set(result, SEND_DONE, "%s", "");
    else if (status == STATUS_GONE)
        send_result_set(result, SEND_REFUSED, "the receiver answered %ld: it takes no more webhooks", status);
    else if (status / 100 == STATUS_REDIRECTS)
        send_result_set(result, SEND_RETRY, "the receiver answered %ld: redirects are not followed", status);
    else
        send_result_set(result, SEND_RETRY, "the receiver answered %ld", status);
    if (status / 100 != 2)
        result->retry_after = seconds < SEND_RETRY_AFTER_MAX / 1000 ? seconds * 1000 : SEND_RETRY_AFTER_MAX;
}

/* ---- Sending ---- */

static struct curl_slist *add_header(struct curl_slist *headers, const char *line)
{
    struct curl_slist *more = curl_slist_append(headers, line);
    if (more == NULL)
        curl_slist_free_all(headers);
    return more;
}

/* NULL: no memory. */
static struct curl_slist *make_webhook_headers(const struct webhook *webhook, const char *signatures)
{
    static const char *const fixed[] = {"User-Agent: sealring", "Accept:", "Expect:"};
    char line[HEADER_SIZE];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    for (size_t i = 0; headers != NULL && i < sizeof fixed / sizeof fixed[0]; i++)
        headers = add_header(headers, fixed[i]);
    (void)snprintf(line, sizeof line, "webhook-id: %s", webhook->id);
    headers = headers == NULL ? NULL : add_header(headers, line);
    (void)snprintf(line, sizeof line, "webhook-timestamp: %" PRId64, webhook->now / 1000);
    headers = headers == NULL ? NULL : add_header(headers, line);
    (void)snprintf(line, sizeof line, "webhook-signature: %s", signatures);
    return headers == NULL ? NULL : add_header(headers, line);
}

static bool set_request(struct webhook_sender *sender, const struct webhook *webhook, bool plain,
                        const struct curl_slist *headers)
{
    CURL *curl = sender->transfer.curl;
    sender->transfer.loopback_only = plain;
    sender->read = 0;
    sender->complete = false;
    return curl_easy_setopt(curl, CURLOPT_URL, webhook->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, webhook->body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(webhook->body)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

/* The header counts as soon as it is there: a receiver whose body never ends has taken the webhook, too. */
static void run_request(struct webhook_sender *sender, int64_t limit, struct send_result *result)
{
    char reason[SEND_REASON_SIZE];
    CURLcode code = transfer_run(&sender->transfer, limit);
    if (sender->complete) {
        judge_status(sender, result);
        return;
    }
    transfer_reason(&sender->transfer, code, reason);
    send_result_set(result, SEND_RETRY, "%s", sender->read > ANSWER_MAX ? "the answer's header is too long" : reason);
}

void send_webhook(struct webhook_sender *sender, const struct webhook *webhook, int64_t limit,
                  struct send_result *result)
{
    char signatures[WEBHOOK_SIGNATURES_SIZE];
    bool plain = false;
    const char *problem = webhook_url_problem(webhook->url, sender->private_addresses);
    struct curl_slist *headers = NULL;
    if (problem != NULL) {
        send_result_set(result, SEND_REFUSED, "the URL %s", problem);
        return;
    }
    (void)parse_url(webhook->url, sender->private_addresses, &plain);
    if (webhook_sign(webhook->keys, webhook->key_count, webhook->id, webhook->now / 1000, webhook->body,
                     strlen(webhook->body), signatures))
        headers = make_webhook_headers(webhook, signatures);
    if (headers != NULL && set_request(sender, webhook, plain, headers))
        run_request(sender, limit, result);
    else
        send_result_set(result, SEND_RETRY, "the request could not be made");
    (void)curl_easy_setopt(sender->transfer.curl, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(sender->transfer.curl, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
}

sealring_status webhook_sender_open(const struct webhook_options *options, struct webhook_sender **sender,
                                    sealring_error *error)
{
    sealring_status status = transfer_check_ca("webhook-ca", options->ca_file, error);
    *sender = status == SEALRING_OK ? calloc(1, sizeof **sender) : NULL;
    if (*sender == NULL)
        return status == SEALRING_OK ? error_no_memory(error) : status;
    struct transfer *transfer = &(*sender)->transfer;
    (*sender)->private_addresses = options->private_addresses;
    transfer->private_addresses = options->private_addresses;
    if (transfer_begin(transfer, options->ca_file) &&
        curl_easy_setopt(transfer->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        curl_easy_setopt(transfer->curl, CURLOPT_WRITEFUNCTION, take_answer_body) == CURLE_OK &&
        curl_easy_setopt(transfer->curl, CURLOPT_WRITEDATA, *sender) == CURLE_OK &&
        curl_easy_setopt(transfer->curl, CURLOPT_HEADERFUNCTION, take_answer_header) == CURLE_OK &&
        curl_easy_setopt(transfer->curl, CURLOPT_HEADERDATA, *sender) == CURLE_OK)
        return SEALRING_OK;
    webhook_sender_close(*sender);
    *sender = NULL;
    return error_no_memory(error);
}

void webhook_sender_close(struct webhook_sender *sender)
{
    if (sender != NULL)
        transfer_end(&sender->transfer);
    free(sender);
}
