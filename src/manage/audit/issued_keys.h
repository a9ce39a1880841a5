/* SPDX-License-Identifier: Apache-2.0 */
/* What the log has of each API key, in a few bytes, as a log may have millions of them. */
#ifndef MANAGE_AUDIT_ISSUED_KEYS_H
#define MANAGE_AUDIT_ISSUED_KEYS_H

#include "registry/rows/rows.h"

struct issued_key;

/* In the order of the keys' row numbers. Members that keys rarely have, a state other than active and narrowing, are not stored. */
struct issued_keys {
    struct issued_key *keys;
    size_t count;
    char (*labels)[SEALRING_NAME_LENGTH_MAX +
                   1]; /* each key has an index of one; neighbours with the same label share it */
    size_t label_count;
};

/* Replaces the key with the same row number. False: no memory. */
bool issued_keys_put(struct issued_keys *issued, const struct registry_key *key);
/* As an active key that is not narrowed. False: none has this row number. */
bool issued_keys_find(const struct issued_keys *issued, int64_t id, struct registry_key *key);
/* The key at a place in the order; place < count. */
void issued_keys_at(const struct issued_keys *issued, size_t place, struct registry_key *key);
void issued_keys_release(struct issued_keys *issued);

/* Reads the API key out of the detail of an entry that issues one credential, without parsing it all. False: this is not the text that
 * sealring writes for an active key that is not narrowed and has no credential with an end; parse it. */
bool issued_key_read(const char *detail, struct registry_key *key);
/* Likewise what identifies its credential, and its claims. False: it is not the only one; parse the detail. */
bool issued_credential_read(const char *detail, struct registry_credential *credential);

#endif
