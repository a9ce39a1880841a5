/* SPDX-License-Identifier: Apache-2.0 */
/* The set of revoked API keys that a verifier knows of. It only grows, so no row of the registry opens a key again. */
#ifndef VERIFIER_STATE_CLOSED_KEYS_H
#define VERIFIER_STATE_CLOSED_KEYS_H

#include <pthread.h>
#include <stdbool.h>

#include <sealring/verify.h>

/* A tree (search.h). The mutex is held for one search, by requests only after a cache miss. */
struct closed_keys {
    pthread_mutex_t mutex;
    void *root;
};

/* Any thread. key_id: SEALRING_KEY_ID_LENGTH bytes. */
bool closed_keys_add(struct closed_keys *keys, const char *key_id); /* False: no memory, and the set is unchanged. */
bool closed_keys_has(struct closed_keys *keys, const char *key_id);
void closed_keys_clear(struct closed_keys *keys);

#endif
