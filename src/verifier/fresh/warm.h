/* SPDX-License-Identifier: Apache-2.0 */
/* Cache warming: after a start, derives the credentials that were used lately ahead of requests. */
#ifndef VERIFIER_FRESH_WARM_H
#define VERIFIER_FRESH_WARM_H

#include "verifier/state/verifier_state.h"

struct warming;

/* Collects the credentials that were presented last, newest first, from the report files of this vault (including its own): at most the
 * cache's size and WARM_MOST. NULL if there are none, or no memory: warming is optional. */
#define WARM_MOST 20000
struct warming *warm_begin(const char *reports, const uint8_t vault_id[REGISTRY_ID_SIZE], uint32_t most);
void warm_end(struct warming *warming);

enum warm_state { WARM_DONE, WARM_MORE, WARM_AWAY };

/* Derives up to `most` of them, each only while no request waits for the token. WARM_AWAY: the token is not reachable; the rest stays
 * to be derived. */
enum warm_state warm_some(struct verifier *verifier, struct warming *warming, unsigned most);

#endif
