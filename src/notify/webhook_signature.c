/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of webhooks as in the Standard Webhooks specification, version 1.0.0: pure. */
#include "notify/webhook_signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/sha256.h"

#define SECONDS_SIZE 24

bool webhook_id_is_valid(const char *id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(id);
    return length >= 1 && length <= WEBHOOK_ID_MAX && strspn(id, allowed) == length;
}

bool webhook_sign(const struct webhook_key *keys, size_t count, const char *id, int64_t seconds, const void *body,
                  size_t length, char signatures[WEBHOOK_SIGNATURES_SIZE])
{
    uint8_t code[SHA256_SIZE];
    char *end = signatures;
    if (count == 0 || count > WEBHOOK_KEYS_MAX || !webhook_id_is_valid(id))
        return false;
    char *content = malloc(WEBHOOK_ID_MAX + SECONDS_SIZE + length + 2);
    if (content == NULL)
        return false;
    size_t head = (size_t)sprintf(content, "%s.%" PRId64 ".", id, seconds);
    memcpy(content + head, body, length);
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        good = HMAC(EVP_sha256(), keys[i].bytes, (int)keys[i].length, (const unsigned char *)content, head + length,
                    code, NULL) != NULL;
        end += sprintf(end, "%sv1,", i == 0 ? "" : " ");
        base64_encode(code, sizeof code, end);
        end += BASE64_LENGTH(sizeof code);
    }
    free(content);
    return good;
}

void webhook_secret_text(const struct webhook_key *key, char text[WEBHOOK_SECRET_SIZE])
{
    memcpy(text, "whsec_", sizeof "whsec_");
    base64_encode(key->bytes, key->length, text + sizeof "whsec_" - 1);
}
