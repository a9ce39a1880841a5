/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of IP networks to which an API key is bound: read, written in one form, matched. Pure. */
#ifndef CREDENTIAL_NETWORKS_H
#define CREDENTIAL_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETWORKS_MAX       32
#define NETWORKS_TEXT_SIZE (NETWORKS_MAX * 44) /* a network of IPv6 with its comma, or the NUL */

/* One network. IPv4 and IPv6 are kept apart: ::/0 contains no address of IPv4. */
struct network {
    uint8_t address[16]; /* in network byte order; the bits behind the prefix are 0 */
    uint8_t length;      /* of the address: 4 or 16 */
    uint8_t bits;        /* of the prefix */
};

/* In order, none inside another: two lists of the same addresses, written with the same networks, are equal. */
struct networks {
    size_t count;
    struct network items[NETWORKS_MAX];
};

/* Reads networks (203.0.113.0/24) and single addresses, separated by commas. An IPv4-mapped network of IPv6 (RFC 4291, section 2.5.5.2) is one of
 * IPv4. NULL or "": none. Returns NULL if the text is valid, else the reason as in base/name.h. */
const char *networks_parse(const char *text, struct networks *networks, char problem[128]);

/* Writes the canonical text: RFC 4632 and 5952, always with a prefix length. */
void networks_format(const struct networks *networks, char text[NETWORKS_TEXT_SIZE]);

/* Returns whether the address, of 4 or 16 bytes, is in one of the networks. An address of any other length is not known, and in none. */
bool networks_contain(const struct network *networks, size_t count, const uint8_t *address, size_t length);

/* Returns whether each network of `inner` is inside one of `outer`: two halves of a network do not count as the whole. */
bool networks_within(const struct networks *inner, const struct networks *outer);

/* Leaves of `networks` what is in `others`, too. Where that takes too many networks, some are left out: it never contains more. */
void networks_intersect(struct networks *networks, const struct networks *others);

#endif
