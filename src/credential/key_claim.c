/* SPDX-License-Identifier: Apache-2.0 */
/* The claim of an API key: which code is traded for which of its credentials, and who did so. Pure. */
#include "credential/key_claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base62.h"

#define UNKNOWN "-"
enum { HEX_DIGITS = 2 * CLAIM_DIGEST_SIZE };

static const char *written(const char *peer)
{
    return peer[0] != '\0' ? peer : UNKNOWN;
}

void key_claim_format(const struct key_claim *claim, char text[KEY_CLAIM_TEXT_SIZE])
{
    char code[HEX_DIGITS + 1], public_key[HEX_DIGITS + 1];
    int length = 0;
    text[0] = '\0';
    if (!claim->offered)
        return;
    hex_encode(claim->code, sizeof claim->code, code);
    hex_encode(claim->public_key, sizeof claim->public_key, public_key);
    length = snprintf(text, KEY_CLAIM_TEXT_SIZE, "%d claim %s", claim->contested != 0, code);
    if (claim->taken)
        length += snprintf(text + length, (size_t)(KEY_CLAIM_TEXT_SIZE - length), " %s %s", public_key,
                           written(claim->first));
    if (claim->contested != 0)
        length += snprintf(text + length, (size_t)(KEY_CLAIM_TEXT_SIZE - length), " %s %" PRId64,
                           written(claim->second), claim->contested);
    (void)snprintf(text + length, (size_t)(KEY_CLAIM_TEXT_SIZE - length), " %" PRIu32 " %" PRId64, claim->serial,
                   claim->expires);
}

static bool read_peer(char peer[HOLDERS_PEER_SIZE])
{
    if (strcmp(peer, UNKNOWN) != 0)
        return holders_is_peer(peer);
    peer[0] = '\0';
    return true;
}

static bool read_digest(const char *text, uint8_t digest[CLAIM_DIGEST_SIZE])
{
    return strlen(text) == HEX_DIGITS && hex_decode(text, digest, CLAIM_DIGEST_SIZE);
}

/* A number that does not fit is another one when it is formatted again. */
#define BEGIN "%*1[01] claim %64s "
#define END   "%" SCNu32 " %" SCNd64
static bool read_parts(const char *text, struct key_claim *claim)
{
    char code[HEX_DIGITS + 1], public_key[HEX_DIGITS + 1];
    /* NOLINTBEGIN(cert-err34-c) */
    bool contested = sscanf(text, BEGIN "%64s %45s %45s %" SCNd64 " " END, code, public_key, claim->first,
                            claim->second, &claim->contested, &claim->serial, &claim->expires) == 7;
    claim->taken = contested || sscanf(text, BEGIN "%64s %45s " END, code, public_key, claim->first, &claim->serial,
                                       &claim->expires) == 5;
    claim->offered = claim->taken || sscanf(text, BEGIN END, code, &claim->serial, &claim->expires) == 3;
    /* NOLINTEND(cert-err34-c) */
    if (!contested) {
        claim->contested = 0;
        claim->second[0] = '\0';
    }
    if (!claim->taken)
        claim->first[0] = '\0';
    return claim->offered && claim->serial > 0 && claim->expires > 0 && read_digest(code, claim->code) &&
           (!claim->taken || (read_digest(public_key, claim->public_key) && read_peer(claim->first))) &&
           (!contested || (claim->contested > 0 && read_peer(claim->second)));
}

bool key_claim_parse(const char *text, struct key_claim *claim)
{
    char again[KEY_CLAIM_TEXT_SIZE];
    *claim = (struct key_claim){.offered = false};
    if (text[0] == '\0')
        return true;
    if (!read_parts(text, claim))
        return false;
    key_claim_format(claim, again);
    return strcmp(again, text) == 0;
}

bool key_claim_equal(const struct key_claim *one, const struct key_claim *other)
{
    char text[KEY_CLAIM_TEXT_SIZE], others[KEY_CLAIM_TEXT_SIZE];
    key_claim_format(one, text);
    key_claim_format(other, others);
    return strcmp(text, others) == 0;
}

bool key_claim_within(const struct key_claim *inner, const struct key_claim *outer)
{
    struct key_claim former = *inner;
    if (!inner->offered || key_claim_equal(inner, outer))
        return true;
    if (outer->contested != 0)
        return false;
    former.contested = 0;
    former.second[0] = '\0';
    former.taken = outer->taken;
    if (!outer->taken)
        former.first[0] = '\0';
    return key_claim_equal(&former, outer);
}
