/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that connect directly, without a gateway that limits them: libmicrohttpd's callbacks for the limits of each address. */
#ifndef GATEWAY_DAEMON_DIRECT_CLIENTS_H
#define GATEWAY_DAEMON_DIRECT_CLIENTS_H

#include <microhttpd.h>
#include <stdbool.h>

/* Before any listener is started. False: there is no randomness. */
bool direct_clients_prepare(void);

/* MHD_AcceptPolicyCallback, and MHD_OPTION_NOTIFY_CONNECTION. */
enum MHD_Result direct_clients_accept(void *context, const struct sockaddr *address, socklen_t length);
void direct_clients_notify(void *context, struct MHD_Connection *connection, void **place,
                           enum MHD_ConnectionNotificationCode code);

/* Whether a request on this connection may be answered now. */
bool direct_clients_request(struct MHD_Connection *connection);

#endif
