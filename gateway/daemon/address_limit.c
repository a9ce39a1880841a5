/* SPDX-License-Identifier: Apache-2.0 */
/* What one address may do at a listener to which clients connect directly: connections at a time, new ones, and requests. Pure. */
#include "gateway/daemon/address_limit.h"

#include <netinet/in.h>
#include <string.h>

enum { PREFIX = 8, MAPPED = 12 };

/* FNV-1a, from a secret beginning. */
static uint64_t hash(uint64_t seed, const uint8_t *bytes, size_t length)
{
    uint64_t value = UINT64_C(14695981039346656037) ^ seed;
    for (size_t i = 0; i < length; i++)
        value = (value ^ bytes[i]) * UINT64_C(1099511628211);
    return value ^ value >> 32;
}

struct address_place *address_limit_find(struct address_limit *limit, const struct sockaddr *address)
{
    static const uint8_t mapped[MAPPED] = {[10] = 0xff, [11] = 0xff};
    uint8_t bytes[sizeof(struct in6_addr)];
    size_t length = PREFIX;
    if (address->sa_family == AF_INET) {
        length = sizeof(struct in_addr);
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, length);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof bytes);
        if (memcmp(bytes, mapped, sizeof mapped) == 0) { /* IPv4 at a listener for both */
            length = sizeof(struct in_addr);
            memmove(bytes, bytes + sizeof mapped, length);
        }
    } else
        return NULL;
    return &limit->places[hash(limit->seed, bytes, length) % ADDRESS_PLACES];
}

/* A bucket is the time at which it would be full. */
static bool take(int64_t *full_at, int64_t now, int64_t burst, int64_t interval)
{
    int64_t begin = *full_at > now ? *full_at : now;
    if (begin - now > (burst - 1) * interval)
        return false;
    *full_at = begin + interval;
    return true;
}

bool address_limit_accept(struct address_place *place, int64_t now)
{
    return place->connections < ADDRESS_CONNECTIONS &&
           take(&place->accept_full_at, now, ADDRESS_ACCEPT_BURST, ADDRESS_ACCEPT_MS);
}

bool address_limit_request(struct address_place *place, int64_t now)
{
    return take(&place->request_full_at, now, ADDRESS_REQUEST_BURST, ADDRESS_REQUEST_MS);
}
