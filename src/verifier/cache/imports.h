/* SPDX-License-Identifier: Apache-2.0 */
/* Imported credentials by key ID: the table finds them by their digest, but changes of the registry name their API key. */
#ifndef VERIFIER_CACHE_IMPORTS_H
#define VERIFIER_CACHE_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verifier/cache/cache_entry.h"

#define IMPORTS_NODE_SIZE 32 /* bytes that malloc uses for an entry's node */

/* A tree (search.h), NULL at first, ordered by key ID and digest. Only the writer uses it; readers never do. */
struct imports {
    void *root;
};

void imports_close(struct imports *imports); /* the caller owns the entries */

bool imports_add(struct imports *imports, struct cache_entry *entry); /* False: no memory. */
void imports_remove(struct imports *imports, const struct cache_entry *entry);
void imports_replace(struct imports *imports,
                     struct cache_entry *entry); /* takes the place of the entry with the same ID and digest */

/* The first entry of a key whose digest is above *after, which is set to its digest; all zero at first. NULL: no more. */
struct cache_entry *imports_next(const struct imports *imports, const char key_id[SEALRING_KEY_ID_LENGTH],
                                 uint8_t after[TEXT_DIGEST_SIZE]);

#endif
