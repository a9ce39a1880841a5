/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses of receivers may be connected to: pure. */
#ifndef NOTIFY_PUBLIC_ADDRESS_H
#define NOTIFY_PUBLIC_ADDRESS_H

#include <stdbool.h>

#include <sys/socket.h>

/* Returns whether the address is of the public Internet: in none of the blocks that IANA's registries of special-purpose addresses list as not globally
 * reachable, no multicast, and not mapped or translated (RFC 4291, 6052) from such an address of IPv4. Any other family is not. */
bool address_is_public(const struct sockaddr *address, socklen_t length);

/* Returns whether it is an address of this host: 127.0.0.0/8, ::1, also mapped. */
bool address_is_loopback(const struct sockaddr *address, socklen_t length);

/* The same for a host as a URL has it: an address, with brackets around one of IPv6, or a name. No name is public or not before it is
 * looked up; `localhost` is loopback. */
bool address_host_may_be_public(const char *host);
bool address_host_is_loopback(const char *host);

#endif
