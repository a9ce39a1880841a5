/* SPDX-License-Identifier: Apache-2.0 */
/* The object handles of proved keys, so that requests need not search the token. */
#ifndef TOKEN_SESSION_HANDLE_INDEX_H
#define TOKEN_SESSION_HANDLE_INDEX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#include <sealring/verify.h>

#include "token/session/key_reference.h"

struct index_entry;

/* An empty one has no entries, and an initialised lock. */
struct key_index {
    pthread_rwlock_t lock;
    struct index_entry *entries; /* by object ID; the token frees them */
    size_t count;
};

/* Finds the handle of a key that was proved by exactly this reference, on the connection of this generation. */
bool index_find(struct key_index *index, const struct token_key_reference *reference, uint64_t generation,
                CK_OBJECT_HANDLE *handle);

/* Enters a key that was just proved. */
sealring_status index_put(struct key_index *index, const struct token_key_reference *reference, uint64_t generation,
                          CK_OBJECT_HANDLE handle, sealring_error *error);

void index_forget(struct key_index *index, const uint8_t *object_id, size_t object_id_length);

#endif
