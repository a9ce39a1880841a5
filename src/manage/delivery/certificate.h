/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates that credentials are encrypted to: read, checked, described. Pure. */
#ifndef MANAGE_DELIVERY_CERTIFICATE_H
#define MANAGE_DELIVERY_CERTIFICATE_H

#include <stdbool.h>

#include <openssl/x509.h>

#include <sealring/sealed.h>

/* Reads one certificate, PEM or DER. NULL: *problem is the reason (static), which follows "the certificate …". Free it with X509_free. */
X509 *certificate_read(const void *bytes, size_t length, const char **problem);

/* NULL, or why nothing is encrypted to it at that time (ms). It follows "the certificate …". */
#define CERTIFICATE_PROBLEM_SIZE 128
const char *certificate_problem(X509 *certificate, int64_t now, char problem[CERTIFICATE_PROBLEM_SIZE]);

/* Whether its public key is a valid one: slow, so only before it is stored. */
bool certificate_has_sound_key(X509 *certificate);

/* All but size and state. */
void certificate_describe(X509 *certificate, sealring_certificate_info *info);

#endif
