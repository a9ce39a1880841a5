/* SPDX-License-Identifier: Apache-2.0 */
/* The key pair with which a claim is made, in a file beside the one that the credential gets into. */
#ifndef CLIENT_CLAIM_KEY_H
#define CLIENT_CLAIM_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <sealring/client.h>

struct client_claim_key {
    char *path; /* FILE.claim */
    EVP_PKEY *key;
    X509 *certificate; /* signed by the key itself */
};

/* Reads the key of an earlier attempt, or makes one: P-256, mode 0600, durable before this returns. The caller holds the lock of the file.
 * SEALRING_INVALID: there is another file. Release it in any case. */
sealring_status client_claim_key_open(const char *file, struct client_claim_key *key, sealring_error *error);
void client_claim_key_release(struct client_claim_key *key);

/* The certificate in PEM. NULL: no memory. The caller frees it. */
char *client_claim_key_pem(const struct client_claim_key *key);

#endif
