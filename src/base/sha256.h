/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, in one call or in pieces, without allocating memory. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

/* Memory for the state between pieces; only sha256.c knows its contents. */
struct sha256 {
    uint64_t state[14];
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t length);
void sha256_finish(struct sha256 *hash, uint8_t digest[SHA256_SIZE]);

void sha256(const void *bytes, size_t length, uint8_t digest[SHA256_SIZE]);

#endif
