/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of IP networks to which an API key is bound: read, written in one form, matched. Pure. */
#include "credential/networks.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM_SIZE 128
#define ITEM_SIZE    64 /* longer than any network's text */
#define IPV4_LENGTH  4
#define IPV6_LENGTH  16
#define MAPPED_BITS  96

static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

/* Returns whether the first `bits` bits are equal. */
static bool equal_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool is_inside(const struct network *inner, const struct network *outer)
{
    return inner->length == outer->length && inner->bits >= outer->bits &&
           equal_bits(inner->address, outer->address, outer->bits);
}

static bool is_within(const struct network *inner, const struct networks *outer)
{
    for (size_t i = 0; i < outer->count; i++)
        if (is_inside(inner, &outer->items[i]))
            return true;
    return false;
}

static int compare(const struct network *a, const struct network *b)
{
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp(a->address, b->address, a->length);
}

/* ---- reading ---- */

/* One to three digits without a needless zero, up to `most`. */
static bool read_bits(const char *text, unsigned most, uint8_t *bits)
{
    unsigned number = 0;
    size_t length = strlen(text);
    if (length == 0 || length > 3 || strspn(text, "0123456789") != length || (text[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (unsigned)(text[i] - '0');
    *bits = (uint8_t)number;
    return number <= most;
}

static bool has_host_bits(const struct network *network)
{
    struct network masked = *network;
    for (unsigned bit = network->bits; bit < network->length * 8u; bit++)
        masked.address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return memcmp(masked.address, network->address, sizeof masked.address) != 0;
}

static void unmap(struct network *network)
{
    if (network->length != IPV6_LENGTH || network->bits < MAPPED_BITS ||
        memcmp(network->address, mapped, sizeof mapped) != 0)
        return;
    memmove(network->address, network->address + sizeof mapped, IPV4_LENGTH);
    memset(network->address + IPV4_LENGTH, 0, IPV6_LENGTH - IPV4_LENGTH);
    network->length = IPV4_LENGTH;
    network->bits -= MAPPED_BITS;
}

/* Reads one network; changes `item`. Returns NULL, or what is wrong with it. */
static const char *read_item(char *item, struct network *network)
{
    char *slash = strchr(item, '/');
    if (slash != NULL)
        *slash = '\0';
    memset(network, 0, sizeof *network);
    network->length = strchr(item, ':') != NULL ? IPV6_LENGTH : IPV4_LENGTH;
    if (inet_pton(network->length == IPV4_LENGTH ? AF_INET : AF_INET6, item, network->address) != 1)
        return "has no address of IPv4 or IPv6";
    network->bits = (uint8_t)(network->length * 8);
    if (slash != NULL && !read_bits(slash + 1, network->bits, &network->bits))
        return network->length == IPV4_LENGTH ? "has a prefix length other than 0 to 32"
                                              : "has a prefix length other than 0 to 128";
    unmap(network);
    return has_host_bits(network) ? "has an address with bits behind the prefix length" : NULL;
}

/* Inserts it in order, unless it is inside another one; takes out those that are inside it. False: there are too many. */
static bool insert(struct networks *networks, const struct network *network)
{
    size_t kept = 0, place = 0;
    for (size_t i = 0; i < networks->count; i++)
        if (is_inside(network, &networks->items[i]))
            return true;
    for (size_t i = 0; i < networks->count; i++)
        if (!is_inside(&networks->items[i], network))
            networks->items[kept++] = networks->items[i];
    networks->count = kept;
    if (kept == NETWORKS_MAX)
        return false;
    while (place < kept && compare(&networks->items[place], network) < 0)
        place++;
    memmove(&networks->items[place + 1], &networks->items[place], (kept - place) * sizeof *network);
    networks->items[place] = *network;
    networks->count++;
    return true;
}

const char *networks_parse(const char *text, struct networks *networks, char problem[PROBLEM_SIZE])
{
    char item[ITEM_SIZE];
    struct network network;
    const char *rest = text != NULL && text[0] != '\0' ? text : NULL;
    memset(networks, 0, sizeof *networks);
    for (unsigned entry = 1; rest != NULL; entry++) {
        size_t length = strcspn(rest, ",");
        const char *wrong = "has something longer than an address or a network";
        snprintf(item, sizeof item, "%.*s", (int)(length < sizeof item ? length : sizeof item), rest);
        if (length < sizeof item)
            wrong = read_item(item, &network);
        if (wrong != NULL) {
            snprintf(problem, PROBLEM_SIZE, "%s as its entry %u", wrong, entry);
            return problem;
        }
        if (!insert(networks, &network)) {
            snprintf(problem, PROBLEM_SIZE, "has more than %d networks", NETWORKS_MAX);
            return problem;
        }
        rest = rest[length] == ',' ? rest + length + 1 : NULL;
    }
    return NULL;
}

/* ---- writing and matching ---- */

void networks_format(const struct networks *networks, char text[NETWORKS_TEXT_SIZE])
{
    char address[INET6_ADDRSTRLEN];
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->items[i];
        inet_ntop(network->length == IPV4_LENGTH ? AF_INET : AF_INET6, network->address, address, sizeof address);
        length += (size_t)snprintf(text + length, NETWORKS_TEXT_SIZE - length, "%s%s/%u", i > 0 ? "," : "", address,
                                   (unsigned)network->bits);
    }
}

bool networks_contain(const struct network *networks, size_t count, const uint8_t *address, size_t length)
{
    struct network single = {.length = (uint8_t)length, .bits = (uint8_t)(length * 8)};
    if (length != IPV4_LENGTH && length != IPV6_LENGTH)
        return false;
    memcpy(single.address, address, length);
    unmap(&single);
    for (size_t i = 0; i < count; i++)
        if (is_inside(&single, &networks[i]))
            return true;
    return false;
}

/* Adds those of `inner` that are inside one of `outer`. */
static void add_inner(struct networks *sum, const struct networks *inner, const struct networks *outer)
{
    for (size_t i = 0; i < inner->count; i++)
        if (is_within(&inner->items[i], outer))
            (void)insert(sum, &inner->items[i]);
}

/* Of two networks one is inside the other, or they have nothing in common. */
void networks_intersect(struct networks *networks, const struct networks *others)
{
    struct networks common = {.count = 0};
    add_inner(&common, networks, others);
    add_inner(&common, others, networks);
    *networks = common;
}

bool networks_within(const struct networks *inner, const struct networks *outer)
{
    for (size_t i = 0; i < inner->count; i++)
        if (!is_within(&inner->items[i], outer))
            return false;
    return true;
}
