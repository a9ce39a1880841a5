/* SPDX-License-Identifier: Apache-2.0 */
/* Sends mail by SMTP through one server. */
#include "notify/send_mail.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/secret.h"
#include "notify/password_file.h"
#include "notify/public_address.h"
#include "notify/transfer.h"

#define REPLY_MAX       16384 /* bytes of one server's replies to one message that are read */
#define PORT_SUBMISSION 587L
#define PORT_RELAY      25L /* of this host's own mail server */
#define ENVELOPE_SIZE   (MAIL_ADDRESS_MAX + 3)

struct mail_sender {
    struct transfer transfer;
    const struct mail_options *options;
    char *message;                    /* of the present mail */
    size_t sent;                      /* bytes of it that libcurl has taken */
    bool begun;                       /* the server has asked for it */
    size_t read;                      /* bytes of replies to it */
    char reply[SEND_REASON_SIZE / 2]; /* the last refusal */
};

/* ---- The server ---- */

struct mail_place {
    bool loopback;
    bool has_port;
};

static const char *parse_server(const char *url, struct mail_place *place)
{
    static const char scheme[] = "smtp://";
    char *host = NULL, *port = NULL;
    CURLU *parts = curl_url();
    bool good = parts != NULL && strncasecmp(url, scheme, sizeof scheme - 1) == 0 &&
                strpbrk(url + sizeof scheme - 1, "/@?# \t") == NULL &&
                curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    place->has_port = good && curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK;
    place->loopback = good && address_host_is_loopback(host);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return good ? NULL : "is not smtp://HOST[:PORT]";
}

const char *mail_server_problem(const char *url)
{
    struct mail_place place;
    return parse_server(url, &place);
}

static bool is_set(const char *option)
{
    return option != NULL && option[0] != '\0';
}

static sealring_status check_options(const struct mail_options *options, sealring_error *error)
{
    const char *problem = is_set(options->server) ? mail_server_problem(options->server) : "is not configured";
    if (problem != NULL)
        return error_set(error, SEALRING_INVALID, "mail-server in sealring.conf %s", problem);
    problem = is_set(options->from) ? mail_address_problem(options->from) : "is not configured";
    if (problem != NULL)
        return error_set(error, SEALRING_INVALID, "mail-from in sealring.conf %s", problem);
    if (is_set(options->user) != is_set(options->password_file))
        return error_set(error, SEALRING_INVALID, "sealring.conf has only one of mail-user and mail-password-file");
    return transfer_check_ca("mail-ca", options->ca_file, error);
}

/* ---- What libcurl calls ---- */

static size_t give_message(char *buffer, size_t size, size_t count, void *context)
{
    struct mail_sender *sender = context;
    size_t length = strlen(sender->message + sender->sent);
    if (length > size * count)
        length = size * count;
    memcpy(buffer, sender->message + sender->sent, length);
    sender->sent += length;
    sender->begun = true;
    return length;
}

/* Keeps the last refusal: libcurl sends QUIT after one. */
static size_t take_reply(char *data, size_t size, size_t count, void *context)
{
    struct mail_sender *sender = context;
    size_t length = size * count;
    sender->read += length;
    if (length > 0 && (data[0] == '4' || data[0] == '5')) {
        (void)snprintf(sender->reply, sizeof sender->reply, "%.*s", (int)length, data);
        sender->reply[strcspn(sender->reply, "\r\n")] = '\0';
    }
    return sender->read <= REPLY_MAX ? length : 0;
}

/* ---- Sending ---- */

/* A refusal of the recipient or of the message is final. One of the greeting, of the sender or of the password concerns the configuration, and may be corrected. */
static void judge_reply(struct mail_sender *sender, CURLcode code, struct send_result *result)
{
    char reason[SEND_REASON_SIZE];
    long status = 0;
    (void)curl_easy_getinfo(sender->transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) {
        send_result_set(result, SEND_DONE, "%s", "");
        return;
    }
    bool replied = status >= 400 && status <= 599 && (code == CURLE_SEND_ERROR || sender->begun);
    bool of_sender = strncmp(sender->transfer.problem, "MAIL", 4) == 0;
    transfer_reason(&sender->transfer, code, reason);
    if (replied)
        send_result_set(result, status >= 500 && !of_sender ? SEND_REFUSED : SEND_RETRY,
                        "the mail server refused the %s: %s",
                        of_sender       ? "sender"
                        : sender->begun ? "message"
                                        : "recipient",
                        sender->reply);
    else
        send_result_set(result, SEND_RETRY, "the mail server did not take the message: %s", reason);
}

static void run_mail(struct mail_sender *sender, const struct mail *mail, int64_t limit, struct send_result *result)
{
    CURL *curl = sender->transfer.curl;
    char to[ENVELOPE_SIZE];
    (void)snprintf(to, sizeof to, "<%s>", mail->to);
    struct curl_slist *recipients = curl_slist_append(NULL, to);
    sender->sent = sender->read = 0;
    sender->begun = false;
    sender->reply[0] = '\0';
    if (recipients != NULL && curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)strlen(sender->message)) == CURLE_OK)
        judge_reply(sender, transfer_run(&sender->transfer, limit), result);
    else
        send_result_set(result, SEND_RETRY, "the message could not be made");
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(recipients);
}

void send_mail(struct mail_sender *sender, const struct mail *mail, int64_t limit, struct send_result *result)
{
    const char *problem;
    sender->message = mail_message_make(mail, sender->options->from, &problem);
    if (sender->message != NULL)
        run_mail(sender, mail, limit, result);
    else if (problem != NULL)
        send_result_set(result, SEND_REFUSED, "the mail %s", problem);
    else
        send_result_set(result, SEND_RETRY, "there is no memory for the message");
    free(sender->message);
    sender->message = NULL;
}

/* ---- The sender ---- */

/* Without TLS nothing leaves the host: the address that is connected to is checked as well as the name. */
static bool set_server(struct mail_sender *sender)
{
    const struct mail_options *options = sender->options;
    CURL *curl = sender->transfer.curl;
    char from[ENVELOPE_SIZE];
    struct mail_place place;
    (void)parse_server(options->server, &place);
    bool plain = place.loopback && !is_set(options->ca_file);
    long port = place.has_port ? 0 : plain ? PORT_RELAY : PORT_SUBMISSION; /* 0: that of the URL */
    (void)snprintf(from, sizeof from, "<%s>", options->from);
    sender->transfer.private_addresses = true; /* the operator chose the server */
    sender->transfer.loopback_only = plain;
    return curl_easy_setopt(curl, CURLOPT_URL, options->server) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PORT, port) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USE_SSL, plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_message) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READDATA, sender) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_reply) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, sender) == CURLE_OK;
}

static sealring_status set_password(struct mail_sender *sender, sealring_error *error)
{
    const struct mail_options *options = sender->options;
    if (!is_set(options->user))
        return SEALRING_OK;
    char *password = secret_allocate(PASSWORD_SIZE);
    if (password == NULL)
        return error_no_memory(error);
    sealring_status status = password_file_read(options->password_file, password, error);
    if (status == SEALRING_OK &&
        (curl_easy_setopt(sender->transfer.curl, CURLOPT_USERNAME, options->user) != CURLE_OK ||
         curl_easy_setopt(sender->transfer.curl, CURLOPT_PASSWORD, password) != CURLE_OK))
        status = error_no_memory(error);
    secret_free(password, PASSWORD_SIZE);
    return status;
}

sealring_status mail_sender_open(const struct mail_options *options, struct mail_sender **sender, sealring_error *error)
{
    *sender = NULL;
    sealring_status status = check_options(options, error);
    struct mail_sender *made = status == SEALRING_OK ? calloc(1, sizeof *made) : NULL;
    if (made == NULL)
        return status == SEALRING_OK ? error_no_memory(error) : status;
    made->options = options;
    if (!transfer_begin(&made->transfer, is_set(options->ca_file) ? options->ca_file : NULL) || !set_server(made))
        status = error_no_memory(error);
    if (status == SEALRING_OK)
        status = set_password(made, error);
    if (status == SEALRING_OK)
        *sender = made;
    else
        mail_sender_close(made);
    return status;
}

void mail_sender_close(struct mail_sender *sender)
{
    if (sender != NULL)
        transfer_end(&sender->transfer);
    free(sender);
}
