/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an audit entry that its leaf hash covers: docs/formats.md, "Audit entry". */
#include "log/leaf.h"

#include <string.h>

#include "base/sha256.h"

#define LEAF_NULL UINT32_MAX /* instead of a length: SQL's NULL, which differs from the empty text */

/* Entries are usually short: they are collected here and hashed in one step. */
struct leaf {
    struct sha256 hash;
    size_t length;
    uint8_t bytes[1024];
};

static void leaf_bytes(struct leaf *leaf, const void *bytes, size_t length)
{
    if (length > sizeof leaf->bytes - leaf->length) {
        sha256_add(&leaf->hash, leaf->bytes, leaf->length);
        leaf->length = 0;
    }
    if (length > sizeof leaf->bytes) {
        sha256_add(&leaf->hash, bytes, length);
    } else if (length > 0) {
        memcpy(leaf->bytes + leaf->length, bytes, length);
        leaf->length += length;
    }
}

static void leaf_number(struct leaf *leaf, uint64_t number, unsigned size)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    leaf_bytes(leaf, bytes, size);
}

static void leaf_text(struct leaf *leaf, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    leaf_number(leaf, text != NULL ? length : LEAF_NULL, 4);
    leaf_bytes(leaf, text, length);
}

void leaf_hash(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct registry_audit *entry, struct merkle_hash *hash)
{
    struct leaf leaf;
    leaf.length = 0;
    sha256_start(&leaf.hash);
    leaf_number(&leaf, 0x00, 1); /* RFC 6962, section 2.1: a leaf */
    leaf_number(&leaf, LEAF_FORMAT, 1);
    leaf_bytes(&leaf, vault_id, REGISTRY_ID_SIZE);
    leaf_number(&leaf, entry->sequence, 8);
    leaf_bytes(&leaf, entry->operation_id, REGISTRY_ID_SIZE);
    leaf_number(&leaf, (uint64_t)entry->time, 8);
    leaf_number(&leaf, entry->version, 4);
    leaf_text(&leaf, entry->actor);
    leaf_text(&leaf, entry->act);
    leaf_text(&leaf, entry->ring);
    leaf_text(&leaf, entry->key_id);
    leaf_text(&leaf, entry->client);
    leaf_text(&leaf, entry->detail);
    sha256_add(&leaf.hash, leaf.bytes, leaf.length);
    sha256_finish(&leaf.hash, hash->bytes);
}
