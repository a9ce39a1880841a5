/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's headers present: one credential, and the client's address as the gateway saw it. Pure. */
#ifndef GATEWAY_SEALRINGD_PRESENTED_H
#define GATEWAY_SEALRINGD_PRESENTED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum presented_count { PRESENTED_NONE = 0, PRESENTED_ONE, PRESENTED_CONFLICT };

/* Zeroed memory is a request without headers. The texts belong to the request. */
struct presented_headers {
    enum presented_count credentials;
    const char *credential; /* no NUL at its end */
    size_t length;
    enum presented_count addresses;
    uint8_t address[16];
    size_t address_length; /* 4, 16, or 0 for none */
};

/* Takes one header in. Credentials are in `Authorization` with the scheme Bearer, and in `X-API-Key`; another scheme, or an empty value, is none.
 * Equal ones are one. address_name: the header with the address, NULL for none; it counts if the request has it once, with one address. */
void presented_header(struct presented_headers *presented, const char *address_name, const char *name,
                      const char *value);

/* Takes the address of the client's connection in, IPv4 or IPv6. */
void presented_address(struct presented_headers *presented, const struct sockaddr *address);

#endif
