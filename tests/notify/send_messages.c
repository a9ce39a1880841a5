/* SPDX-License-Identifier: Apache-2.0 */
/* Sends webhooks or mail with the channels of src/notify, and prints what became of each: OUTCOME RETRY-AFTER REASON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "notify/send_mail.h"
#include "notify/send_webhook.h"

static const char *text_of(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

static void print_result(const struct send_result *result)
{
    static const char *const outcomes[] = {"done", "retry", "refused"};
    printf("%s %lld %s\n", outcomes[result->outcome], (long long)result->retry_after, result->reason);
}

static int fail(const sealring_error *error)
{
    printf("error %d %s\n", (int)error->status, error->message);
    return 1;
}

/* webhook URL [PATH:]ID...: to the URL followed by PATH; CA, PRIVATE, LIMIT, BODY, KEYS: a number of keys, the n-th is 32 bytes of the number n */
static int send_webhooks(int count, char **arguments)
{
    struct webhook_options options = {.ca_file = text_of("CA", NULL), .private_addresses = text_of("PRIVATE", NULL)};
    struct webhook_key keys[WEBHOOK_KEYS_MAX];
    struct webhook webhook = {.body = text_of("BODY", "{}"), .keys = keys};
    struct webhook_sender *sender;
    struct send_result result;
    sealring_error error;
    webhook.key_count = strtoul(text_of("KEYS", "1"), NULL, 10);
    for (size_t i = 0; i < webhook.key_count && i < WEBHOOK_KEYS_MAX; i++) {
        memset(keys[i].bytes, (int)i + 1, sizeof keys[i].bytes);
        keys[i].length = WEBHOOK_KEY_SIZE;
    }
    if (webhook_sender_open(&options, &sender, &error) != SEALRING_OK)
        return fail(&error);
    for (int i = 1; i < count; i++) {
        char *colon = strchr(arguments[i], ':'), *url = NULL;
        webhook.id = colon != NULL ? colon + 1 : arguments[i];
        if (asprintf(&url, "%s%.*s", arguments[0], colon != NULL ? (int)(colon - arguments[i]) : 0, arguments[i]) < 0)
            return 1;
        webhook.url = url;
        webhook.now = clock_wall_ms();
        send_webhook(sender, &webhook, strtol(text_of("LIMIT", "20000"), NULL, 10), &result);
        print_result(&result);
        free(url);
    }
    webhook_sender_close(sender);
    return 0;
}

/* mail SERVER TO ID...; CA, FROM, MAIL_USER, PASSWORD_FILE, LIMIT, SUBJECT, TEXT */
static int send_mails(int count, char **arguments)
{
    struct mail_options options = {.server = arguments[0],
                                   .from = text_of("FROM", "sealring@example.org"),
                                   .user = text_of("MAIL_USER", NULL),
                                   .password_file = text_of("PASSWORD_FILE", NULL),
                                   .ca_file = text_of("CA", NULL)};
    struct mail mail = {
        .to = arguments[1], .subject = text_of("SUBJECT", "A subject"), .text = text_of("TEXT", "A text\n")};
    struct mail_sender *sender;
    struct send_result result;
    sealring_error error;
    if (mail_sender_open(&options, &sender, &error) != SEALRING_OK)
        return fail(&error);
    for (int i = 2; i < count; i++) {
        mail.id = arguments[i];
        mail.now = clock_wall_ms();
        send_mail(sender, &mail, strtol(text_of("LIMIT", "20000"), NULL, 10), &result);
        print_result(&result);
    }
    mail_sender_close(sender);
    return 0;
}

int main(int count, char **arguments)
{
    if (count >= 4 && strcmp(arguments[1], "webhook") == 0)
        return send_webhooks(count - 2, arguments + 2);
    if (count >= 5 && strcmp(arguments[1], "mail") == 0)
        return send_mails(count - 2, arguments + 2);
    return 2;
}
