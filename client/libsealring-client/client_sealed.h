/* SPDX-License-Identifier: Apache-2.0 */
/* Successors that are encrypted to the client's certificate, as a ring with `renew sealed` delivers them. */
#ifndef CLIENT_SEALED_H
#define CLIENT_SEALED_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "client/libsealring-client/client_answer.h"

#define CLIENT_SEALED_PROBLEM_SIZE 256

struct client_recipient {
    char *key_file;   /* private key and certificate, in PEM; NULL: there is none */
    char *vault_keys; /* a file with the keys of the vault's audit token, as `sealring audit key --all` prints them */
};

/* Opens renewed->sealed, and fills in what the vault has signed: credential, key ID, version, serial, expiry. `presented` is the
 * credential whose API key it must be for; an imported one does not contain its key ID, so anything is. Returns NULL, or what is wrong, which may be in `problem`. */
const char *client_sealed_open(const struct client_recipient *recipient, const char *presented,
                               struct client_renewed *renewed, char problem[CLIENT_SEALED_PROBLEM_SIZE]);

/* The same with a key that is in memory. key_id: of the API key that it must be for; vault_keys: the file, NULL: who signed it is not checked. */
const char *client_sealed_open_with(EVP_PKEY *key, X509 *certificate, const char *vault_keys, const char *key_id,
                                    struct client_renewed *renewed, char problem[CLIENT_SEALED_PROBLEM_SIZE]);

#endif
