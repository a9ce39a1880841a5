/* SPDX-License-Identifier: Apache-2.0 */
/* What sealring.conf has about mail and webhooks, as the channels take it. */
#ifndef MANAGE_NOTICES_CHANNEL_OPTIONS_H
#define MANAGE_NOTICES_CHANNEL_OPTIONS_H

#include <string.h>

#include "config/config.h"
#include "notify/send_mail.h"
#include "notify/send_webhook.h"

/* Both point into the configuration. */
static inline struct mail_options mail_options_of(const struct config_notify *notify)
{
    return (struct mail_options){.server = notify->mail_server,
                                 .from = notify->mail_from,
                                 .user = notify->mail_user,
                                 .password_file = notify->mail_password_file,
                                 .ca_file = notify->mail_ca};
}

static inline struct webhook_options webhook_options_of(const struct config_notify *notify)
{
    return (struct webhook_options){.ca_file = notify->webhook_ca[0] != '\0' ? notify->webhook_ca : NULL,
                                    .private_addresses = strcmp(notify->webhook_private, "yes") == 0};
}

#endif
