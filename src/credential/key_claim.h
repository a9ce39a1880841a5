/* SPDX-License-Identifier: Apache-2.0 */
/* The claim of an API key: which code is traded for which of its credentials, and who did so. Pure. */
#ifndef CREDENTIAL_KEY_CLAIM_H
#define CREDENTIAL_KEY_CLAIM_H

#include "credential/claim_code.h"
#include "credential/holders.h"

struct key_claim {
    bool offered;                    /* the key has one */
    uint8_t code[CLAIM_DIGEST_SIZE]; /* claim_code_digest */
    uint32_t serial;                 /* of the credential */
    int64_t expires;                 /* ms since 1970 */
    bool taken;                      /* by the public key with this SHA-256, */
    uint8_t public_key[CLAIM_DIGEST_SIZE];
    char first[HOLDERS_PEER_SIZE]; /* from this address; "": not known */
    int64_t contested;             /* when another public key came with the code; 0: none did */
    char second[HOLDERS_PEER_SIZE];
};

/* As text: "" without a claim, else "0 claim CODE SERIAL EXPIRES"; if it was taken "0 claim CODE PUBLICKEY FIRST SERIAL EXPIRES"; and if it is
 * contested "1 claim CODE PUBLICKEY FIRST SECOND CONTESTED SERIAL EXPIRES", an unknown address as "-". The last character is always a digit. The
 * index closed_fact_contested has the latter, closed_fact_claim all. */
#define KEY_CLAIM_TEXT_SIZE                                                                                \
    (8 + 2 * CLAIM_DIGEST_SIZE + 1 + 10 + 1 + 15 + 1 + 2 * CLAIM_DIGEST_SIZE + 1 + HOLDERS_PEER_SIZE + 1 + \
     HOLDERS_PEER_SIZE + 15 + 1)
void key_claim_format(const struct key_claim *claim, char text[KEY_CLAIM_TEXT_SIZE]);
/* False: key_claim_format writes no such text. */
bool key_claim_parse(const char *text, struct key_claim *claim);

bool key_claim_equal(const struct key_claim *one, const struct key_claim *other);
/* Whether the change takes away only: no claim instead of one, or the same one, taken or contested. */
bool key_claim_within(const struct key_claim *inner, const struct key_claim *outer);

#endif
