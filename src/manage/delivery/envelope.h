/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption to one certificate: CMS. */
#ifndef MANAGE_DELIVERY_ENVELOPE_H
#define MANAGE_DELIVERY_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

/* AuthEnvelopedData (RFC 5083) with AES-256-GCM; its key is encrypted with RSA-OAEP and SHA-256, or by ECDH with SHA-256 and AES-256 key wrap.
 * Writes DER, to be freed with OPENSSL_free. False: no memory, or OpenSSL fails. Leaves no copy of the text behind. */
bool envelope_make(X509 *recipient, const void *text, size_t length, unsigned char **der, size_t *der_length);

/* The same in PEM ("-----BEGIN CMS-----"), with a NUL. NULL: no memory. Free it with OPENSSL_free. */
char *envelope_pem(const unsigned char *der, size_t length);

#endif
