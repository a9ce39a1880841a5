/* SPDX-License-Identifier: Apache-2.0 */
/* Imported credentials by key ID: the table finds them by their digest, but changes of the registry name their API key. */
#ifndef VERIFIER_CACHE_IMPORTS_H
#define VERIFIER_CACHE_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verifier/cache/cache_entry.h"

/* Open addressing with linear probing, at most half full. Only the writer uses it; readers never do. */
struct imports {
    struct entry **places;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

void imports_close(struct imports *imports); /* the caller owns the entries */

/* Makes room for one more entry. False: no memory. */
bool imports_reserve(struct imports *imports);
void imports_add(struct imports *imports, struct entry *entry); /* after imports_reserve */
void imports_remove(struct imports *imports, const struct entry *entry);

/* Iterates over the entries of a key. *cursor is 0 at first, and again after an entry was removed. NULL: no more. */
struct entry *imports_next(const struct imports *imports, const char key_id[SEALRING_KEY_ID_LENGTH], size_t *cursor);

size_t imports_memory(const struct imports *imports);

#endif
