/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between sealringd and sealring-broker: one a packet, big-endian, each with one encoding only. Pure. */
#ifndef GATEWAY_DAEMON_RENEWAL_MESSAGE_H
#define GATEWAY_DAEMON_RENEWAL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/renew.h>

#include "gateway/daemon/leak_message.h"

/* Every message begins with the protocol (u16), its type (u16), and an id (u32) that the asking side chooses and its answer repeats. */
enum renewal_message_type {
    RENEWAL_RENEW = 1,
    RENEWAL_PING = 2,
    RENEWAL_CLAIM = 3,
    RENEWAL_LEAK = 4,
    RENEWAL_RENEWED = 0x8001,   /* the answer to RENEW */
    RENEWAL_PONG = 0x8002,      /* the answer to PING */
    RENEWAL_CLAIMED = 0x8003,   /* the answer to CLAIM */
    RENEWAL_LEAK_TAKEN = 0x8004 /* the answer to LEAK */
};

enum renewal_message_sizes {
    RENEWAL_PROTOCOL = 1,
    RENEWAL_HEADER_SIZE = 8,
    RENEWAL_REQUEST_SIZE = RENEWAL_HEADER_SIZE + 1 + 16 + 2 + SEALRING_CREDENTIAL_LENGTH_MAX,
    CLAIM_CODE_LENGTH = 51, /* of <sealring/claim.h> */
    CLAIM_CERTIFICATE_MAX = 2048,
    RENEWAL_CLAIM_SIZE = RENEWAL_HEADER_SIZE + 1 + 16 + CLAIM_CODE_LENGTH + 2 + CLAIM_CERTIFICATE_MAX,
    RENEWAL_REQUEST_MAX = RENEWAL_CLAIM_SIZE,
    RENEWAL_ANSWER_SIZE =
        RENEWAL_HEADER_SIZE + 2 + 4 + 8 + 8 + 4 + 4 + SEALRING_KEY_ID_LENGTH + 1 + 4, /* and payload */
    RENEWAL_SEALED_MAX = 16384,
    RENEWAL_MESSAGE_MAX = RENEWAL_ANSWER_SIZE + RENEWAL_SEALED_MAX
};

/* RENEW: address family (u8: 0, 4, 6), address (16 bytes; IPv4 in the first 4), length (u16), credential with zeros behind it. */
struct renewal_request {
    uint8_t address[16];
    size_t address_length; /* 0: not known, 4, 16 */
    char credential[SEALRING_CREDENTIAL_LENGTH_MAX];
    size_t length; /* of the credential, at least 1 */
    /* CLAIM: address as above, claim code (51 bytes), length (u16), certificate with zeros behind it. The code is in `credential`. */
    uint8_t certificate[CLAIM_CERTIFICATE_MAX]; /* whatever the client has sent */
    size_t certificate_length;                  /* at least 1; 0: it is no claim */
};

enum renewal_form { RENEWAL_NOTHING = 0, RENEWAL_CREDENTIAL = 1, RENEWAL_SEALED = 2 };

/* RENEWED: result (u16), seconds to wait (u32), expires and predecessor_until (i64), version, serial (u32), key ID (16 bytes or 16 zeros),
 * form (u8), length (u32), payload. There is a payload exactly for ISSUED and AGAIN. CLAIMED is the same, with a result of
 * sealring_claim_result, of which TAKEN and AGAIN have these numbers, and without a credential in plain text. */
struct renewal_answer {
    unsigned result;      /* sealring_renewal_result */
    uint32_t retry_after; /* seconds */
    int64_t expires, predecessor_until;
    uint32_t version, serial;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    enum renewal_form form;
    const uint8_t *payload; /* a credential's text, or CMS in DER. Of a message that was read: within its bytes */
    size_t payload_length;
};

struct renewal_message {
    enum renewal_message_type type;
    uint32_t id;
    union {
        struct renewal_request request;
        struct renewal_answer answer;
        struct leak_report report; /* LEAK */
        unsigned leak_result;      /* LEAK_TAKEN */
    } of;
};

/* Writes the message, which must be valid. Returns its size. */
size_t renewal_message_write(const struct renewal_message *message, uint8_t bytes[RENEWAL_MESSAGE_MAX]);

/* Reads it. False: it is malformed in any way: another protocol, an unknown type, a wrong size, something in the padding. */
bool renewal_message_read(const uint8_t *bytes, size_t size, struct renewal_message *message);

#endif
