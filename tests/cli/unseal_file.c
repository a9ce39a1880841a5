/* SPDX-License-Identifier: Apache-2.0 */
/* unseal_file SEALED KEY CERTIFICATE VAULT-KEYS [PREFIX [KEYID]]: prints the credential, ring and client of a sealed delivery. For sealed.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/secret.h"
#include "client/unseal/unseal.h"

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, UNSEAL_SIZE_MAX + 2);
    if (file == NULL || text == NULL)
        exit(99);
    *length = fread(text, 1, UNSEAL_SIZE_MAX + 1, file);
    fclose(file);
    return text;
}

int main(int count, char **arguments)
{
    struct unseal_request request = {.prefix = count > 5 ? arguments[5] : NULL,
                                     .key_id = count > 6 ? arguments[6] : NULL};
    struct unsealed unsealed;
    char problem[UNSEAL_PROBLEM_SIZE];
    size_t length;
    if (count < 5)
        return 99;
    char *sealed = read_file(arguments[1], &request.length), *keys = read_file(arguments[4], &length);
    FILE *key = fopen(arguments[2], "re"), *certificate = fopen(arguments[3], "re");
    if (key == NULL || certificate == NULL)
        return 99;
    request.sealed = sealed;
    request.vault_keys = keys;
    request.key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    request.certificate = PEM_read_X509(certificate, NULL, NULL, NULL);
    bool good = request.key != NULL && request.certificate != NULL && unseal(&request, &unsealed, problem);
    if (good)
        printf("%s\n%s %s\n", unsealed.credential, unsealed.about.ring, unsealed.about.client);
    else
        fprintf(stderr, "unseal_file: %s\n", problem);
    secret_wipe(&unsealed, sizeof unsealed);
    EVP_PKEY_free(request.key);
    X509_free(request.certificate);
    fclose(key);
    fclose(certificate);
    free(sealed);
    free(keys);
    return good ? 0 : 1;
}
