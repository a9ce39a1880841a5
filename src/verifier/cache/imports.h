/* SPDX-License-Identifier: Apache-2.0 */
/* Imported credentials by key ID: the table knows them by their digest, changes of the registry by their key. */
#ifndef VERIFIER_CACHE_IMPORTS_H
#define VERIFIER_CACHE_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verifier/cache/cache_entry.h"

/* Open addressing with linear probing, at most half full. For the writer alone: readers never come here. */
struct imports {
    struct entry **places;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

void imports_close(struct imports *imports); /* the entries are the caller's */

/* Makes room for one more. False: no memory. */
bool imports_reserve(struct imports *imports);
void imports_add(struct imports *imports, struct entry *entry); /* reserved before */
void imports_remove(struct imports *imports, const struct entry *entry);

/* The entries of a key, one by one: *cursor 0 at first, and again after one was removed. NULL: no more. */
struct entry *imports_next(const struct imports *imports, const char key_id[SEALRING_KEY_ID_LENGTH], size_t *cursor);

size_t imports_memory(const struct imports *imports);

#endif
