/* SPDX-License-Identifier: Apache-2.0 */
/* The only encoding of the claims from which a credential's secret, and a version's check value, are derived. */
#ifndef KDF_CLAIMS_H
#define KDF_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define CLAIMS_VAULT_ID_SIZE    16
#define CLAIMS_RING_ID_SIZE     16
#define CLAIMS_NONCE_SIZE       16
#define CLAIMS_OBJECT_ID_MAX    32 /* bytes of a CKA_ID */
#define CLAIMS_CHECK_VALUE_SIZE 8

struct claims {
    uint8_t vault_id[CLAIMS_VAULT_ID_SIZE];
    uint8_t ring_id[CLAIMS_RING_ID_SIZE];
    uint32_t version;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t serial;
    uint8_t nonce[CLAIMS_NONCE_SIZE];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char label[SEALRING_NAME_LENGTH_MAX +
               1]; /* that the API key had at issue; "": claims of version 1, without a label */
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]; /* normalised (credential/scope.h) */
    int64_t not_before;                          /* milliseconds since 1970 UTC, 0: none */
    int64_t expires;
    int64_t origin;       /* time of the operator's issue, which renewals hand on; 0 with claims of version 1 */
    uint32_t predecessor; /* serial of the credential that was renewed; 0: an operator issued this one */
};

#define CLAIMS_DIGEST_SIZE 32 /* SHA-256 */

/* The largest KDF input for a credential and for a check value. */
#define CLAIMS_INPUT_MAX       1360
#define CLAIMS_CHECK_INPUT_MAX 192

/* Writes the whole KDF input (Label "sealring credential v2") and returns its length, 0 if the claims are not well formed (a key ID of
 * another length, a negative time, version or serial 0). Context: vault ID, ring ID, version (32 bits), key ID (16 characters), serial
 * (32), nonce, client after its length, scopes after their length, not-before (64), expiry (64), label after its length, origin (64),
 * predecessor (32); big-endian, lengths 16 bits. Without a label: Label "sealring credential v1", and the Context ends with the expiry.
 * digest: NULL, or the SHA-256 of an imported key, which the client has, of CLAIMS_DIGEST_SIZE bytes. It makes the input for the binding
 * of this key to its claims: Label "sealring import v2" (without a label "sealring import v1"), and at the end of Context the digest. */
size_t claims_input(const struct claims *claims, const uint8_t *digest, uint8_t input[CLAIMS_INPUT_MAX]);

/* The same for a version's check value (Label "sealring check v1"; Context vault ID, ring ID, version, CKA_ID after its length, the
 * ring's name after its length, so that one ring's keys cannot be presented under another ring's name). 0 if object_id_length is 0 or
 * over CLAIMS_OBJECT_ID_MAX, or the name too long. */
size_t claims_check_input(const uint8_t vault_id[CLAIMS_VAULT_ID_SIZE], const uint8_t ring_id[CLAIMS_RING_ID_SIZE],
                          uint32_t version, const uint8_t *object_id, size_t object_id_length, const char *ring_name,
                          uint8_t input[CLAIMS_CHECK_INPUT_MAX]);

#endif
