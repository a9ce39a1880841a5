/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of how notices leave the vault: what sealring.conf has about mail and webhooks. Nothing is sent. */
#include "manage/doctor/doctor_parts.h"
#include "manage/notices/channel_options.h"
#include "manage/notices/webhook_secret.h"

static void judge_channel(struct doctor *doctor, sealring_status status, const sealring_error *error)
{
    if (status != SEALRING_OK)
        doctor_find(doctor, DOCTOR_CHANNEL_UNUSABLE, CONFIG_FILE, "%s", error->message);
}

static void examine_mail(struct doctor *doctor, const struct config_notify *notify)
{
    sealring_error error = {.message = ""};
    struct mail_options options = mail_options_of(notify);
    struct mail_sender *sender = NULL;
    if (notify->mail_server[0] == '\0')
        return;
    judge_channel(doctor, mail_sender_open(&options, &sender, &error), &error);
    mail_sender_close(sender);
}

static void examine_webhooks(struct doctor *doctor, const struct config_notify *notify)
{
    sealring_error error = {.message = ""};
    struct webhook_options options = webhook_options_of(notify);
    struct webhook_sender *sender = NULL;
    struct webhook_source source = {.manager = NULL};
    if (notify->webhook_ring[0] == '\0')
        return;
    judge_channel(doctor, webhook_sender_open(&options, &sender, &error), &error);
    webhook_sender_close(sender);
    if (doctor->manager != NULL)
        judge_channel(doctor, webhook_source_read(doctor->manager, &source, &error), &error);
    webhook_source_release(&source);
}

void doctor_look_at_channels(struct doctor *doctor)
{
    examine_mail(doctor, &doctor->config->notify);
    examine_webhooks(doctor, &doctor->config->notify);
}
