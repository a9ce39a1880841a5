/* SPDX-License-Identifier: Apache-2.0 */
/* What signing a webhook costs: its whole header, against OpenSSL's HMAC of the same content alone. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "bench/parts.h"
#include "bench/slice.h"
#include "notify/webhook_signature.h"

enum { SIGNATURES = 100, BODY = 400 };

static const char id[] = "0123456789abcdef0123456789abcdef";

struct signing {
    struct webhook_key key;
    char body[BODY];
    char content[sizeof id + 11 + BODY]; /* with the time and two full stops */
};

static size_t sign_webhooks(void *context)
{
    const struct signing *signing = context;
    char signatures[WEBHOOK_SIGNATURES_SIZE];
    for (int i = 0; i < SIGNATURES; i++)
        if (!webhook_sign(&signing->key, 1, id, 1780272000, signing->body, sizeof signing->body, signatures))
            scene_fail("a webhook cannot be signed");
    return SIGNATURES;
}

static size_t sign_bare(void *context)
{
    const struct signing *signing = context;
    unsigned char code[EVP_MAX_MD_SIZE];
    for (int i = 0; i < SIGNATURES; i++)
        if (HMAC(EVP_sha256(), signing->key.bytes, (int)signing->key.length, (const unsigned char *)signing->content,
                 sizeof signing->content, code, NULL) == NULL)
            scene_fail("OpenSSL cannot compute an HMAC");
    return SIGNATURES;
}

void webhook_signing_round(struct scene *scene)
{
    struct signing signing = {.key = {.length = WEBHOOK_KEY_SIZE}};
    memset(signing.body, 'x', sizeof signing.body);
    memset(signing.content, 'x', sizeof signing.content);
    double ours = slice_run(sign_webhooks, &signing, scene->slice), bare = slice_run(sign_bare, &signing, scene->slice);
    table_add(ROW_WEBHOOK_SIGNING, 1e9 / ours, bare / ours);
    table_note(ROW_WEBHOOK_SIGNING, "bare: %.0f per second", 1e9 / bare);
}
