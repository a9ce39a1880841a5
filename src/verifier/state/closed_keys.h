/* SPDX-License-Identifier: Apache-2.0 */
/* The set of revoked API keys that a verifier knows of. It only grows, so no row of the registry opens a key again. */
#ifndef VERIFIER_STATE_CLOSED_KEYS_H
#define VERIFIER_STATE_CLOSED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/verify.h>

struct closed_keys;

/* former: the set that this one replaces, or NULL. It is freed with this one, as threads may still search in it. NULL: no memory. */
struct closed_keys *closed_keys_new(struct closed_keys *former);
void closed_keys_free(struct closed_keys *keys);

/* One thread at a time. key_id: SEALRING_KEY_ID_LENGTH bytes. False: no memory, and the set is unchanged. */
bool closed_keys_add(struct closed_keys *keys, const char *key_id);

/* Any thread, at any time: no lock, no system call. What was added before is found. */
bool closed_keys_has(const struct closed_keys *keys, const char *key_id);

size_t closed_keys_count(const struct closed_keys *keys);

#endif
