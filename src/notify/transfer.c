/* SPDX-License-Identifier: Apache-2.0 */
/* What the channels that use libcurl share: its start, the options of every transfer, and one transfer. */
#include "notify/transfer.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/utf8.h"
#include "notify/public_address.h"
#include "token/module/signal_block.h"

enum { CONNECT_MS = 10000 };

static pthread_once_t transfer_once = PTHREAD_ONCE_INIT;
static bool transfer_works;

static void start_curl(void)
{
    transfer_works = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void send_result_set(struct send_result *result, enum send_outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    result->outcome = outcome;
    result->retry_after = 0;
    int length = vsnprintf(result->reason, sizeof result->reason, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof result->reason)
        result->reason[utf8_cut(result->reason, sizeof result->reason - 1)] = '\0';
    utf8_replace_controls(result->reason);
}

/* libcurl asks for the socket of each address that it is about to connect to, after the name was looked up: no later answer of the name server counts. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    bool allowed = purpose == CURLSOCKTYPE_IPCXN;
    if (transfer->loopback_only)
        allowed = allowed && address_is_loopback(&address->addr, address->addrlen);
    else if (!transfer->private_addresses)
        allowed = allowed && address_is_public(&address->addr, address->addrlen);
    transfer->refused_address = transfer->refused_address || !allowed;
    return allowed ? socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol) : CURL_SOCKET_BAD;
}

/* What is still to be set before each transfer is set by the channel. */
static bool set_options(struct transfer *transfer, const char *ca_file)
{
    CURL *curl = transfer->curl;
    return curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           (ca_file == NULL || (curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) == CURLE_OK &&
                                curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
           curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->problem) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

bool transfer_begin(struct transfer *transfer, const char *ca_file)
{
    transfer->curl = NULL;
    if (pthread_once(&transfer_once, start_curl) != 0 || !transfer_works)
        return false;
    transfer->curl = curl_easy_init();
    return transfer->curl != NULL && set_options(transfer, ca_file);
}

sealring_status transfer_check_ca(const char *key, const char *ca_file, sealring_error *error)
{
    if (ca_file == NULL || ca_file[0] == '\0' || access(ca_file, R_OK) == 0)
        return SEALRING_OK;
    int problem = errno;
    return error_set(error, SEALRING_INVALID, "%s in sealring.conf, %s, cannot be read: %s", key, ca_file,
                     strerror(problem));
}

/* Connections that are closed may raise SIGPIPE, too: TLS and SMTP say goodbye. */
void transfer_end(struct transfer *transfer)
{
    struct signal_block block;
    signal_block_raised(&block, SIGPIPE, true);
    curl_easy_cleanup(transfer->curl);
    signal_release(&block);
    transfer->curl = NULL;
}

CURLcode transfer_run(struct transfer *transfer, int64_t limit)
{
    struct signal_block block;
    long connect = limit < CONNECT_MS ? (long)limit : CONNECT_MS;
    transfer->refused_address = false;
    transfer->problem[0] = '\0';
    if (limit <= 0)
        return CURLE_OPERATION_TIMEDOUT;
    if (curl_easy_setopt(transfer->curl, CURLOPT_TIMEOUT_MS, (long)limit) != CURLE_OK ||
        curl_easy_setopt(transfer->curl, CURLOPT_CONNECTTIMEOUT_MS, connect) != CURLE_OK)
        return CURLE_FAILED_INIT;
    signal_block_raised(&block, SIGPIPE, true);
    CURLcode code = curl_easy_perform(transfer->curl);
    signal_release(&block);
    return code;
}

void transfer_reason(const struct transfer *transfer, CURLcode code, char reason[SEND_REASON_SIZE])
{
    struct send_result cleaned;
    if (transfer->refused_address && code == CURLE_COULDNT_CONNECT)
        send_result_set(&cleaned, SEND_RETRY, "the host has an address that %s",
                        transfer->loopback_only ? "is not of this host" : "is not public");
    else
        send_result_set(&cleaned, SEND_RETRY, "%s",
                        transfer->problem[0] != '\0' ? transfer->problem : curl_easy_strerror(code));
    memcpy(reason, cleaned.reason, SEND_REASON_SIZE);
}
