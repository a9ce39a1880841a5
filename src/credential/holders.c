/* SPDX-License-Identifier: Apache-2.0 */
/* How many hold the credentials of an API key, and whether that is contested. Pure. */
#include "credential/holders.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN "-"

bool holders_is_peer(const char *text)
{
    uint8_t address[16];
    return strnlen(text, HOLDERS_PEER_SIZE) < HOLDERS_PEER_SIZE &&
           (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1);
}

static const char *written(const char *peer)
{
    return peer[0] != '\0' ? peer : UNKNOWN;
}

void holders_format(const struct holders *holders, char text[HOLDERS_TEXT_SIZE])
{
    if (!holders->one)
        text[0] = '\0';
    else if (holders->serial == 0)
        (void)snprintf(text, HOLDERS_TEXT_SIZE, "1");
    else
        (void)snprintf(text, HOLDERS_TEXT_SIZE, "1 %s %s %" PRIu32 " %" PRId64, written(holders->first),
                       written(holders->second), holders->serial, holders->since);
}

static bool read_peer(char peer[HOLDERS_PEER_SIZE])
{
    if (strcmp(peer, UNKNOWN) != 0)
        return holders_is_peer(peer);
    peer[0] = '\0';
    return true;
}

bool holders_parse(const char *text, struct holders *holders)
{
    char again[HOLDERS_TEXT_SIZE];
    *holders = (struct holders){.one = text[0] != '\0'};
    /* A number that does not fit is another one when it is formatted again. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    int count = sscanf(text, "1 %45s %45s %" SCNu32 " %" SCNd64, holders->first, holders->second, &holders->serial,
                       &holders->since);
    if (count == 4 && (!read_peer(holders->first) || !read_peer(holders->second) || holders->serial == 0))
        return false;
    if (count != 4)
        *holders = (struct holders){.one = holders->one};
    holders_format(holders, again);
    return strcmp(again, text) == 0;
}

bool holders_within(const struct holders *inner, const struct holders *outer)
{
    return (inner->one || !outer->one) &&
           (inner->serial > outer->serial || holders_equal(inner, outer) || (inner->serial == 0 && outer->serial == 0));
}

bool holders_equal(const struct holders *one, const struct holders *other)
{
    return one->one == other->one && one->serial == other->serial && one->since == other->since &&
           strcmp(one->first, other->first) == 0 && strcmp(one->second, other->second) == 0;
}
