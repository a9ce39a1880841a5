/* SPDX-License-Identifier: Apache-2.0 */
/* Successors that are encrypted to the client's certificate, as a ring with `renew sealed` delivers them. */
#include "client/libsealring-client/client_sealed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/base64.h"
#include "base/secret.h"
#include "client/unseal/unseal.h"
#include "credential/credential_text.h"

#define KEYS_MAX 16384

/* The lines of the file, and a NUL. */
static bool read_keys(const char *path, char keys[KEYS_MAX])
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = descriptor < 0 ? -1 : read(descriptor, keys, KEYS_MAX - 1);
    if (descriptor >= 0)
        (void)close(descriptor);
    keys[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

static int no_password(char *password, int size, int writing, void *context)
{
    (void)password, (void)size, (void)writing, (void)context;
    return 0; /* nobody is asked for it on a terminal */
}

static bool read_recipient(const char *path, struct unseal_request *request)
{
    BIO *file = BIO_new_file(path, "r");
    if (file == NULL)
        return false;
    request->key = PEM_read_bio_PrivateKey(file, NULL, no_password, NULL);
    if (BIO_reset(file) == 0) /* they may be in any order */
        request->certificate = PEM_read_bio_X509(file, NULL, no_password, NULL);
    BIO_free(file);
    return request->key != NULL && request->certificate != NULL;
}

static const char *open_with(struct unseal_request *request, struct client_renewed *renewed,
                             char problem[CLIENT_SEALED_PROBLEM_SIZE])
{
    struct unsealed unsealed;
    bool good = unseal(request, &unsealed, problem);
    if (good) {
        memcpy(renewed->credential, unsealed.credential, sizeof renewed->credential);
        (void)snprintf(renewed->key_id, sizeof renewed->key_id, "%s", unsealed.about.key_id);
        renewed->version = unsealed.about.version;
        renewed->serial = unsealed.about.serial;
        renewed->expires = unsealed.about.expires;
    }
    secret_wipe(&unsealed, sizeof unsealed);
    return good ? NULL : problem;
}

/* Without the vault's keys in `path`, if that is not NULL, nothing is opened. */
static const char *open_text(struct unseal_request *request, const char *path, struct client_renewed *renewed,
                             char problem[CLIENT_SEALED_PROBLEM_SIZE])
{
    _Static_assert(CLIENT_SEALED_PROBLEM_SIZE >= UNSEAL_PROBLEM_SIZE, "a problem fits");
    char keys[KEYS_MAX];
    size_t text_length = strlen(renewed->sealed);
    uint8_t *sealed = malloc(text_length + 1);
    const char *wrong = NULL;
    request->sealed = sealed;
    request->vault_keys = path != NULL ? keys : NULL;
    if (sealed == NULL || !base64_decode(renewed->sealed, text_length, sealed, text_length, &request->length))
        wrong = "is sealed, and damaged";
    else if (path != NULL && !read_keys(path, keys))
        wrong = "is sealed, and the file with the vault's keys cannot be read";
    if (wrong == NULL)
        wrong = open_with(request, renewed, problem);
    free(sealed);
    return wrong;
}

const char *client_sealed_open_with(EVP_PKEY *key, X509 *certificate, const char *vault_keys, const char *key_id,
                                    struct client_renewed *renewed, char problem[CLIENT_SEALED_PROBLEM_SIZE])
{
    struct unseal_request request = {.key = key, .certificate = certificate, .key_id = key_id};
    return open_text(&request, vault_keys, renewed, problem);
}

const char *client_sealed_open(const struct client_recipient *recipient, const char *presented,
                               struct client_renewed *renewed, char problem[CLIENT_SEALED_PROBLEM_SIZE])
{
    struct text_parts parts;
    bool is_ours = text_parse(presented, strlen(presented), &parts, NULL) == TEXT_GOOD;
    struct unseal_request request = {.key_id = is_ours ? parts.key_id : NULL};
    const char *wrong = read_recipient(recipient->key_file, &request)
                            ? open_text(&request, recipient->vault_keys, renewed, problem)
                            : "is sealed, and the file with private key and certificate cannot be read";
    EVP_PKEY_free(request.key);
    X509_free(request.certificate);
    secret_wipe(&parts, sizeof parts);
    return wrong;
}
