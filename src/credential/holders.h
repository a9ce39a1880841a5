/* SPDX-License-Identifier: Apache-2.0 */
/* How many hold the credentials of an API key, and whether that is contested. Pure. */
#ifndef CREDENTIAL_HOLDERS_H
#define CREDENTIAL_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>

#define HOLDERS_PEER_SIZE 46 /* an address as text, NUL included */

struct holders {
    bool one;        /* one process has the credential: it is renewed once */
    uint32_t serial; /* of the credential that was renewed once more; 0: the key is not contested */
    int64_t since;   /* when that was, in ms since 1970 */
    char first[HOLDERS_PEER_SIZE], second[HOLDERS_PEER_SIZE]; /* the addresses of the two; "": not known */
};

/* As text: "" for many; "1", or "1 FIRST SECOND SERIAL SINCE" if it is contested, an unknown address as "-". The last character is always a digit. */
#define HOLDERS_TEXT_SIZE (1 + 2 * HOLDERS_PEER_SIZE + 1 + 10 + 1 + 15 + 1)
void holders_format(const struct holders *holders, char text[HOLDERS_TEXT_SIZE]);
/* False: holders_format writes no such text. */
bool holders_parse(const char *text, struct holders *holders);

/* Whether the text is an address of IPv4 or IPv6. */
bool holders_is_peer(const char *text);

/* Whether what the first permits is within what the second does: one instead of many, contested instead of not, or by a later credential: whatever
 * ends that one has ended the earlier one, too (credential/key_ends.h). */
bool holders_within(const struct holders *inner, const struct holders *outer);
bool holders_equal(const struct holders *one, const struct holders *other);

#endif
