/* SPDX-License-Identifier: Apache-2.0 */
/* What one address may do at a listener to which clients connect directly: connections at a time, new ones, and requests, in a table of fixed size. */
#ifndef GATEWAY_DAEMON_ADDRESS_LIMIT_H
#define GATEWAY_DAEMON_ADDRESS_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A network of clients behind one address shares its limits: requests of 36,000 clients fit into an hour. */
enum address_limits {
    ADDRESS_CONNECTIONS = 64,
    ADDRESS_ACCEPT_BURST = 400,
    ADDRESS_ACCEPT_MS = 50,
    ADDRESS_REQUEST_BURST = 200,
    ADDRESS_REQUEST_MS = 100,
    ADDRESS_PLACES = 16384
};

/* Of one address, or of several: an address has the place that a hash with a secret seed gives it, so those in one place are limited more, never
 * less. Of IPv6, the addresses of one /64 are one, as a host chooses among them at will. */
struct address_place {
    int64_t accept_full_at, request_full_at; /* when the bucket is full again, ms */
    unsigned connections;
};

struct address_limit {
    uint64_t seed;
    struct address_place places[ADDRESS_PLACES];
};

/* The address's place; NULL: it is neither IPv4 nor IPv6, so nothing is limited. */
struct address_place *address_limit_find(struct address_limit *limit, const struct sockaddr *address);

/* Whether one more connection is accepted. now: ms of a clock that is never set. */
bool address_limit_accept(struct address_place *place, int64_t now);

/* Whether one more request is answered. */
bool address_limit_request(struct address_place *place, int64_t now);

#endif
