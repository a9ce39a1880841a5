/* SPDX-License-Identifier: Apache-2.0 */
/* Sends mail by SMTP through one server. */
#ifndef NOTIFY_SEND_MAIL_H
#define NOTIFY_SEND_MAIL_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "notify/mail_message.h"
#include "notify/send_result.h"

/* NULL if it is smtp://HOST[:PORT], else the reason as a sentence fragment. */
const char *mail_server_problem(const char *url);

/* As in sealring.conf. NULL or "": not configured. */
struct mail_options {
    const char *
        server; /* smtp://HOST[:PORT]. STARTTLS is required unless the host is a loopback address; there it is used if offered */
    const char *from;          /* the sender's address */
    const char *user;          /* NULL: without authentication */
    const char *password_file; /* its first line; only its owner may read it */
    const char *ca_file;       /* NULL: the system's */
};

/* Holds one connection for the messages of a turn. Serves one thread. The options must outlive it. SEALRING_INVALID: the options are not valid. */
struct mail_sender;
sealring_status mail_sender_open(const struct mail_options *options, struct mail_sender **sender,
                                 sealring_error *error);
void mail_sender_close(struct mail_sender *sender);

/* Sends it once, for at most `limit` ms. The sender's address is that of the options. */
void send_mail(struct mail_sender *sender, const struct mail *mail, int64_t limit, struct send_result *result);

#endif
