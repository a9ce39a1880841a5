/* SPDX-License-Identifier: Apache-2.0 */
/* Hands messages to the channels. */
#include "manage/notices/send_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"

void senders_prepare(struct message_senders *senders, sealring_manager *manager, int channel)
{
    senders->config = manager->config;
    if (channel != SEALRING_CHANNEL_WEBHOOK || senders->webhook_asked)
        return;
    senders->webhook_asked = true;
    senders->webhook_trouble = (sealring_error){.message = ""};
    senders->webhook_trouble.status = webhook_source_read(manager, &senders->webhook_source, &senders->webhook_trouble);
}

void senders_close(struct message_senders *senders)
{
    mail_sender_close(senders->mail);
    webhook_sender_close(senders->webhook);
    webhook_source_release(&senders->webhook_source);
    free(senders->hooks);
}

/* Whatever is wrong with the configuration, an operator can correct it. */
static void fail(struct outgoing_message *outgoing, const char *reason)
{
    outgoing->result = (struct send_result){.outcome = SEND_RETRY};
    (void)snprintf(outgoing->result.reason, sizeof outgoing->result.reason, "%.199s", reason);
}

static const char *set_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void send_by_mail(struct message_senders *senders, struct outgoing_message *outgoing, int64_t limit)
{
    const struct config_notify *notify = &senders->config->notify;
    const struct notice_message *message = &outgoing->message;
    const struct mail mail = {.id = message->id,
                              .to = message->contact,
                              .subject = message->subject,
                              .text = message->text,
                              .now = message->now};
    sealring_error error = {.message = ""};
    senders->mail_options = (struct mail_options){.server = notify->mail_server,
                                                  .from = notify->mail_from,
                                                  .user = set_or_null(notify->mail_user),
                                                  .password_file = set_or_null(notify->mail_password_file),
                                                  .ca_file = set_or_null(notify->mail_ca)};
    if (notify->mail_server[0] == '\0')
        fail(outgoing, "sealring.conf has no mail-server");
    else if (senders->mail == NULL && mail_sender_open(&senders->mail_options, &senders->mail, &error) != SEALRING_OK)
        fail(outgoing, error.message);
    else
        send_mail(senders->mail, &mail, limit, &outgoing->result);
}

static void send_by_webhook(struct message_senders *senders, struct outgoing_message *outgoing, int64_t limit)
{
    const struct config_notify *notify = &senders->config->notify;
    const struct notice_message *message = &outgoing->message;
    struct webhook_key keys[WEBHOOK_KEYS_MAX];
    struct webhook webhook = {
        .url = message->webhook, .id = message->id, .now = message->now, .body = message->json, .keys = keys};
    sealring_error error = {.message = ""};
    senders->webhook_options = (struct webhook_options){
        .ca_file = set_or_null(notify->webhook_ca), .private_addresses = strcmp(notify->webhook_private, "yes") == 0};
    sealring_status status = senders->webhook_trouble.status;
    if (status != SEALRING_OK)
        error = senders->webhook_trouble;
    if (status == SEALRING_OK && senders->webhook == NULL)
        status = webhook_sender_open(&senders->webhook_options, &senders->webhook, &error);
    if (status == SEALRING_OK)
        status = webhook_source_keys(&senders->webhook_source, message->client, keys, &webhook.key_count, &error);
    if (status == SEALRING_OK)
        send_webhook(senders->webhook, &webhook, limit, &outgoing->result);
    else
        fail(outgoing, error.message);
    secret_wipe(keys, sizeof keys);
}

static void send_by_hook(struct message_senders *senders, struct outgoing_message *outgoing, int64_t limit)
{
    const struct notice_message *message = &outgoing->message;
    const struct notice *first = message->count > 0 ? message->notices : NULL;
    const struct hook_call call = {.event = first != NULL ? sealring_notice_event_name(first->event) : "test",
                                   .client = message->client,
                                   .ring = first != NULL ? first->ring : NULL,
                                   .key_id = first != NULL ? first->key_id : NULL,
                                   .label = first != NULL ? first->label : NULL,
                                   .version = first != NULL ? first->version : 0,
                                   .input = message->json,
                                   .length = strlen(message->json),
                                   .limit = limit};
    sealring_error error = {.message = ""};
    sealring_status status = SEALRING_OK;
    if (senders->config->notify.hooks[0] == '\0') {
        fail(outgoing, "sealring.conf has no notice-hooks");
        return;
    }
    if (senders->hooks == NULL) {
        senders->hooks = malloc(sizeof *senders->hooks);
        status = senders->hooks != NULL ? hooks_read(senders->config->notify.hooks, senders->hooks, &error)
                                        : error_no_memory(&error);
        if (status == SEALRING_OK && senders->hooks->count == 0)
            status = error_set(&error, SEALRING_REFUSED, "%s has no hook", senders->config->notify.hooks);
    }
    if (status == SEALRING_OK) {
        hooks_run(senders->hooks, &call, &outgoing->result);
        return;
    }
    fail(outgoing, error.message);
    free(senders->hooks);
    senders->hooks = NULL;
}

void message_send(struct message_senders *senders, struct outgoing_message *outgoing, int64_t limit)
{
    switch ((sealring_notice_channel)outgoing->channel) {
    case SEALRING_CHANNEL_EMAIL:
        send_by_mail(senders, outgoing, limit);
        break;
    case SEALRING_CHANNEL_WEBHOOK:
        send_by_webhook(senders, outgoing, limit);
        break;
    case SEALRING_CHANNEL_HOOK:
        send_by_hook(senders, outgoing, limit);
        break;
    }
}
