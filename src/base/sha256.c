/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, in one call or in pieces, without allocating memory. */
#include "base/sha256.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* for the reason given at text_digest in credential/credential_text.c */
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "OpenSSL's context fits");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct sha256), "OpenSSL's context is aligned");

/* These functions cannot fail: they always return 1 (OpenSSL, crypto/sha/sha256.c, include/crypto/md32_common.h). */
void sha256_start(struct sha256 *hash)
{
    (void)SHA256_Init((SHA256_CTX *)(void *)hash);
}

void sha256_add(struct sha256 *hash, const void *bytes, size_t length)
{
    (void)SHA256_Update((SHA256_CTX *)(void *)hash, bytes, length);
}

void sha256_finish(struct sha256 *hash, uint8_t digest[SHA256_SIZE])
{
    (void)SHA256_Final(digest, (SHA256_CTX *)(void *)hash);
}

void sha256(const void *bytes, size_t length, uint8_t digest[SHA256_SIZE])
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, bytes, length);
    sha256_finish(&hash, digest);
}
