/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses of receivers may be connected to: pure. */
#include "notify/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "credential/networks.h"

#define IPV4(a, b, c, d, bits)                     \
    {                                              \
        .address = {a, b, c, d}, .length = 4, bits \
    }
#define IPV6(bits, ...)                              \
    {                                                \
        .address = {__VA_ARGS__}, .length = 16, bits \
    }
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* IANA's registry of IPv4 special-purpose addresses: what is not globally reachable, and multicast. */
static const struct network address_special_ipv4[] = {
    IPV4(0, 0, 0, 0, 8),       /* this network */
    IPV4(10, 0, 0, 0, 8),      /* private */
    IPV4(100, 64, 0, 0, 10),   /* carrier NAT */
    IPV4(127, 0, 0, 0, 8),     /* loopback */
    IPV4(169, 254, 0, 0, 16),  /* link-local: metadata of clouds */
    IPV4(172, 16, 0, 0, 12),   /* private */
    IPV4(192, 0, 0, 0, 24),    /* IETF protocol assignments */
    IPV4(192, 0, 2, 0, 24),    /* documentation */
    IPV4(192, 88, 99, 0, 24),  /* relays of 6to4 */
    IPV4(192, 168, 0, 0, 16),  /* private */
    IPV4(198, 18, 0, 0, 15),   /* benchmarks */
    IPV4(198, 51, 100, 0, 24), /* documentation */
    IPV4(203, 0, 113, 0, 24),  /* documentation */
    IPV4(224, 0, 0, 0, 4),     /* multicast */
    IPV4(240, 0, 0, 0, 4),     /* reserved, broadcast */
};

/* What is allocated of IPv6: nothing outside of it is public. */
static const struct network address_global_ipv6[] = {IPV6(3, 0x20)};

/* What is in it, and is not public. */
static const struct network address_special_ipv6[] = {
    IPV6(23, 0x20, 0x01),                   /* IETF protocol assignments: Teredo, ORCHID, benchmarks */
    IPV6(32, 0x20, 0x01, 0x0d, 0xb8),       /* documentation */
    IPV6(16, 0x20, 0x02),                   /* 6to4, which embeds an address of IPv4 and is deprecated */
    IPV6(20, 0x3f, 0xff),                   /* documentation */
    IPV6(48, 0x26, 0x20, 0x00, 0x4f, 0x80), /* AS112 by delegation: answers to nobody */
};

/* The last four bytes are an address of IPv4, which counts: mapped (credential/networks.h reads it as one of IPv4), and translated by NAT64. */
static const struct network address_embedding[] = {
    IPV4(0, 0, 0, 0, 0),
    IPV6(96, 0x00, 0x64, 0xff, 0x9b),
};

static const struct network address_loopback_ipv4[] = {IPV4(127, 0, 0, 0, 8)};
static const struct network address_loopback_ipv6[] = {IPV6(128, [15] = 1)};

/* The bytes of the address, of the embedded one if there is one. 0: of no known family. */
static size_t find_bytes(const struct sockaddr *address, socklen_t length, uint8_t bytes[16])
{
    if (length >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return 4;
    }
    if (length < sizeof(struct sockaddr_in6) || address->sa_family != AF_INET6)
        return 0;
    memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    if (!networks_contain(address_embedding, COUNT(address_embedding), bytes, 16))
        return 16;
    memmove(bytes, bytes + 12, 4);
    return 4;
}

bool address_is_public(const struct sockaddr *address, socklen_t length)
{
    uint8_t bytes[16] = {0};
    size_t size = find_bytes(address, length, bytes);
    if (size == 4)
        return !networks_contain(address_special_ipv4, COUNT(address_special_ipv4), bytes, size);
    return size == 16 && networks_contain(address_global_ipv6, COUNT(address_global_ipv6), bytes, size) &&
           !networks_contain(address_special_ipv6, COUNT(address_special_ipv6), bytes, size);
}

bool address_is_loopback(const struct sockaddr *address, socklen_t length)
{
    uint8_t bytes[16] = {0};
    size_t size = find_bytes(address, length, bytes);
    return networks_contain(address_loopback_ipv4, COUNT(address_loopback_ipv4), bytes, size) ||
           networks_contain(address_loopback_ipv6, COUNT(address_loopback_ipv6), bytes, size);
}

/* The address that the host is, without looking up anything. 0: it is a name. */
static socklen_t read_host(const char *host, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    char text[INET6_ADDRSTRLEN + 2];
    size_t length = strlen(host);
    memset(address, 0, sizeof *address);
    if (length > 2 && length < sizeof text && host[0] == '[' && host[length - 1] == ']') {
        (void)snprintf(text, sizeof text, "%.*s", (int)length - 2, host + 1);
        text[strcspn(text, "%")] = '\0';
        six->sin6_family = AF_INET6;
        return inet_pton(AF_INET6, text, &six->sin6_addr) == 1 ? sizeof *six : 0;
    }
    /* As libcurl and the resolver read it: also 127.1, 0x7f000001, 2130706433. */
    four->sin_family = AF_INET;
    return inet_aton(host, &four->sin_addr) == 1 ? sizeof *four : 0;
}

bool address_host_may_be_public(const char *host)
{
    struct sockaddr_storage address;
    socklen_t length = read_host(host, &address);
    return length > 0 ? address_is_public((struct sockaddr *)&address, length) : !address_host_is_loopback(host);
}

bool address_host_is_loopback(const char *host)
{
    struct sockaddr_storage address;
    socklen_t length = read_host(host, &address);
    return length > 0 ? address_is_loopback((struct sockaddr *)&address, length) : strcasecmp(host, "localhost") == 0;
}
