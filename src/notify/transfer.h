/* SPDX-License-Identifier: Apache-2.0 */
/* What the channels that use libcurl share: its start, the options of every transfer, and one transfer. */
#ifndef NOTIFY_TRANSFER_H
#define NOTIFY_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "notify/send_result.h"

struct transfer {
    CURL *curl;
    bool private_addresses;        /* addresses that are not public may be connected to */
    bool loopback_only;            /* this transfer is in plain text, and may not leave the host */
    bool refused_address;          /* one was refused in the last transfer */
    char problem[CURL_ERROR_SIZE]; /* libcurl's of the last transfer */
};

/* Starts libcurl once in this process, and sets what holds for each transfer, whatever the environment and the defaults of libcurl: no proxy, no redirect, no
 * .netrc, checked certificates of TLS 1.2 at least. The transfer must not move until it is ended. ca_file: NULL: the system's authorities. False: no memory. */
bool transfer_begin(struct transfer *transfer, const char *ca_file);
void transfer_end(struct transfer *transfer);

/* SEALRING_INVALID if the file of authorities cannot be read. key: of sealring.conf, for the message; ca_file: NULL or "": none. */
sealring_status transfer_check_ca(const char *key, const char *ca_file, sealring_error *error);

/* Runs the transfer that is set up, for at most `limit` ms. */
CURLcode transfer_run(struct transfer *transfer, int64_t limit);

/* Why the last transfer failed, for `reason`: without controls, without the URL. */
void transfer_reason(const struct transfer *transfer, CURLcode code, char reason[SEND_REASON_SIZE]);

/* Fills in a result. */
void send_result_set(struct send_result *result, enum send_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
