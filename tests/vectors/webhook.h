/* SPDX-License-Identifier: Apache-2.0 */
/* Kept figures for the derivation of webhook secrets. They must never change. */
#ifndef TESTS_VECTORS_WEBHOOK_H
#define TESTS_VECTORS_WEBHOOK_H

#include <stdint.h>

/* Computed with Python's struct, hmac and base64 from the written format, not with sealring's code. The version's key is 40 41 42 … 5f. */
#define WEBHOOK_VECTOR_KEY "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"

struct webhook_vector {
    const char *vault_id; /* hexadecimal, like the other byte strings */
    const char *ring_id;
    uint32_t version;
    const char *client;
    const char *input; /* of the HMAC */
    const char *text;  /* the secret, as the receiver configures it */
};

static const struct webhook_vector webhook_vectors[] = {
    {"000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f", 1U, "acme",
     "000000017365616c72696e6720776562686f6f6b20763100000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "00000001000461636d6500000100",
     "whsec_PJ+Hep0/0fvijKRF34EbencC5fbjUGZri33AqLCf7hA="},
    {"000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f", 4294967295U,
     "ops@example.com+xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "000000017365616c72696e6720776562686f6f6b20763100000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
     "1fffffffff00406f7073406578616d706c652e636f6d2b7878787878787878787878787878787878787878787878787878787878787878"
     "7878787878787878787878787878787800000100",
     "whsec_DU2ptFvgYW5U2qLIsJny6qOAxB/O/MWtm93QGEUCLcA="},
};

#endif
