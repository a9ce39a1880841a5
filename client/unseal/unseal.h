/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a credential that was delivered encrypted, and checks that the vault sent it. */
#ifndef CLIENT_UNSEAL_H
#define CLIENT_UNSEAL_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "log/delivery_note.h"

#define UNSEAL_SIZE_MAX     (64 * 1024) /* of what was delivered */
#define UNSEAL_PROBLEM_SIZE 256

struct unseal_request {
    const void *sealed; /* CMS (docs/formats.md, "Sealed credential"), PEM or DER */
    size_t length;
    EVP_PKEY *key;     /* the client's private key, */
    X509 *certificate; /* and its certificate */
    const char *
        vault_keys; /* the keys of the vault's audit token, one a line, as `sealring audit key --all` prints them; NULL: who signed it
                         * is not checked */
    const char *prefix; /* what the credential must be for, if the caller knows; NULL: anything */
    const char *key_id;
};

/* credential is secret: wipe it. An older delivery of the same API key has a lower serial, or the same one and an earlier time. */
struct unsealed {
    char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    struct delivery_note about;
};

/* False: *unsealed is empty, and problem states why; it repeats nothing secret. */
bool unseal(const struct unseal_request *request, struct unsealed *unsealed, char problem[UNSEAL_PROBLEM_SIZE]);

#endif
