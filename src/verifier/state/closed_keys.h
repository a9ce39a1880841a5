/* SPDX-License-Identifier: Apache-2.0 */
/* The set of revoked API keys that a verifier knows of. It only grows, so no row of the registry opens a key again. */
#ifndef VERIFIER_STATE_CLOSED_KEYS_H
#define VERIFIER_STATE_CLOSED_KEYS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

/* A hash table with open addressing, at most three quarters full: 21 to 43 bytes for each key. It is compact and quick because a verifier reads all
 * facts when it starts. The hash has a random key, because whoever writes the registry chooses the key IDs. The mutex is held for one search, by
 * requests only after a cache miss. Zero at first, except the mutex. */
struct closed_keys {
    pthread_mutex_t mutex;
    uint64_t secret[2];
    char (*places)[SEALRING_KEY_ID_LENGTH]; /* the first byte is NUL where there is none, as in no key ID */
    size_t room;                            /* a power of two; 0: no memory yet */
    size_t count;
};

/* Any thread. key_id: SEALRING_KEY_ID_LENGTH bytes. */
bool closed_keys_add(struct closed_keys *keys, const char *key_id); /* False: no memory, and the set is unchanged. */
bool closed_keys_has(struct closed_keys *keys, const char *key_id);
void closed_keys_clear(struct closed_keys *keys);

#endif
