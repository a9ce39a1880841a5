/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed delivery: credentials that are encrypted to a client's certificate. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_SEALED_H
#define SEALRING_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- Certificates of clients ------------------------------------------------------------------------------------------ */

/* A certificate is one X.509 certificate, PEM or DER, at most this many bytes. Its key is RSA of 2048 to 8192 bits, or EC on P-256 or P-384;
 * its key usage, if it has one, includes keyEncipherment (RSA) or keyAgreement (EC). */
#define SEALRING_CERTIFICATE_MAX 16384

/* As sealring_client_add, with a certificate; NULL: none. SEALRING_INVALID: it is not as above, has expired, or is not valid yet. */
sealring_status sealring_client_add_certified(sealring_manager *manager, const char *name, const char *contact,
                                              const void *certificate, size_t length, sealring_error *error);

/* Sets the contact ("": none), the certificate (length 0: none), or both; NULL: as it is. SEALRING_INVALID as above. SEALRING_REFUSED also
 * if the one that stays was edited in the registry. */
sealring_status sealring_client_set_certified(sealring_manager *manager, const char *name, const char *contact,
                                              const void *certificate, size_t length, sealring_error *error);

typedef struct sealring_certificate_info {
    size_t size;
    const char *state; /* "none", "confirmed", or "altered": somebody edited the registry, and the rest is empty */
    char subject[256]; /* RFC 2253 */
    char sha256[65];   /* of the certificate, lower-case hexadecimal */
    char key[16];      /* "RSA 3072", "P-256", "P-384" */
    int64_t not_before, not_after;
} sealring_certificate_info;

/* The client's certificate. SEALRING_NOT_FOUND: there is no such client. */
sealring_status sealring_client_certificate(sealring_manager *manager, const char *name,
                                            sealring_certificate_info *info, sealring_error *error);

/* ---- Credentials, encrypted ------------------------------------------------------------------------------------------- */

/* From now on sealring_issue, sealring_reissue, sealring_reissue_ring and sealring_rekey pass each credential encrypted, as CMS in PEM
 * (sealring_issued.sealed), and `credential` is NULL. certificate: the recipient's, as above; NULL: the one that is stored for each client.
 *
 * What is encrypted is the credential on a line, then lines about it, then a note (C2SP signed-note) of the audit token that vouches for these:
 * docs/formats.md, "Sealed credential". `openssl cms -decrypt` opens it.
 *
 * An act is refused before it changes anything if a client's certificate is missing, has expired or was edited, or the audit token is away;
 * except that sealring_reissue_ring omits such clients (SEALRING_REFUSED at the end), and sealring_rekey without an overlap does not wait for
 * the audit token. If what was issued then cannot be encrypted, the call fails, and sealring_reissue passes it.
 *
 * SEALRING_INVALID: not such a certificate; SEALRING_REFUSED: the vault has no audit token. */
sealring_status sealring_seal_credentials(sealring_manager *manager, const void *certificate, size_t length,
                                          sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
