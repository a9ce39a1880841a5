/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of cached credentials, read again when there is a new fact about their API key. */
#ifndef VERIFIER_FRESH_RELOAD_KEY_H
#define VERIFIER_FRESH_RELOAD_KEY_H

#include "verifier/state/verifier_state.h"

/* In the transaction that has read a fact about the key. If the key is cached, reads the rows of its credentials, restricted by the facts; drops it
 * from the cache if they cannot be read. */
void key_reload(struct verifier *verifier, const char key_id[SEALRING_KEY_ID_LENGTH + 1]);

#endif
