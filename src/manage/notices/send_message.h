/* SPDX-License-Identifier: Apache-2.0 */
/* Hands messages to the channels. */
#ifndef MANAGE_NOTICES_SEND_MESSAGE_H
#define MANAGE_NOTICES_SEND_MESSAGE_H

#include "manage/notices/compose_message.h"
#include "manage/notices/webhook_secret.h"
#include "notify/run_hook.h"
#include "notify/send_mail.h"
#include "notify/send_webhook.h"

/* What the messages of one turn share; all zero at first. A channel is opened when its first message is sent. */
struct message_senders {
    const struct config *config;
    struct webhook_source webhook_source;
    sealring_error webhook_trouble; /* status SEALRING_OK: the source was read */
    bool webhook_asked;
    struct mail_options mail_options;
    struct mail_sender *mail;
    struct webhook_options webhook_options;
    struct webhook_sender *webhook;
    struct hooks *hooks;
};

/* In an act with the token: reads what a message by this channel needs, unless that was done. */
void senders_prepare(struct message_senders *senders, sealring_manager *manager, int channel);
void senders_close(struct message_senders *senders);

/* Outside of every lock and transaction: sends it once, for at most `limit` ms. */
void message_send(struct message_senders *senders, struct outgoing_message *outgoing, int64_t limit);

#endif
