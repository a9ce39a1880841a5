/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of cached credentials, which the facts about their API keys do not contain. */
#ifndef VERIFIER_FRESH_FOLLOW_ENDS_H
#define VERIFIER_FRESH_FOLLOW_ENDS_H

#include "verifier/state/verifier_state.h"

/* In the transaction that has read a fact about the key. If the key is cached, reads the rows of its credentials; drops it from the cache if they
 * cannot be read. */
void ends_follow(struct verifier *verifier, const char key_id[SEALRING_KEY_ID_LENGTH + 1]);

#endif
