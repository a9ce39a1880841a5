/* SPDX-License-Identifier: Apache-2.0 */
/* Sends webhooks by HTTPS, signed as the Standard Webhooks specification has it. */
#ifndef NOTIFY_SEND_WEBHOOK_H
#define NOTIFY_SEND_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "notify/send_result.h"
#include "notify/webhook_signature.h"

/* NULL if webhooks can be sent to this URL, else the reason as a sentence fragment ("is not https"). It is https without user, password and fragment, or,
 * if private addresses are allowed, http to a loopback address. A host that is an address is checked here, a name when it is connected to. */
const char *webhook_url_problem(const char *url, bool private_addresses);

struct webhook_options {
    const char *ca_file;    /* the authorities that receivers' certificates are checked against; NULL: the system's */
    bool private_addresses; /* receivers may have addresses that are not public */
};

/* Holds connections, so that several webhooks to one host need one handshake. Serves one thread; a turn makes one. The options must outlive it. */
struct webhook_sender;
sealring_status webhook_sender_open(const struct webhook_options *options, struct webhook_sender **sender,
                                    sealring_error *error);
void webhook_sender_close(struct webhook_sender *sender);

struct webhook {
    const char *url;
    const char *id;                 /* the same for each attempt; letters, digits, `_`, `-` */
    int64_t now;                    /* wall clock, ms: the time of this attempt */
    const char *body;               /* JSON */
    const struct webhook_key *keys; /* at least one; a signature for each, in this order */
    size_t key_count;
};

/* Sends it once and waits for the answer, for at most `limit` ms. */
void send_webhook(struct webhook_sender *sender, const struct webhook *webhook, int64_t limit,
                  struct send_result *result);

#endif
