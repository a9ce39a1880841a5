/* SPDX-License-Identifier: Apache-2.0 */
/* Warming: after a start, the credentials that were in use lately are derived ahead of the requests. */
#ifndef VERIFIER_FRESH_WARM_H
#define VERIFIER_FRESH_WARM_H

#include "verifier/state/verifier_state.h"

struct warming;

/* What was presented last, newest first, by the report files of this vault (its own included): at most the cache's size and
 * WARM_MOST. NULL if there is nothing, or no memory: warming is a help, not a need. */
#define WARM_MOST 20000
struct warming *warm_begin(const char *reports, const uint8_t vault_id[REGISTRY_ID_SIZE], uint32_t most);
void warm_end(struct warming *warming);

enum warm_state { WARM_DONE, WARM_MORE, WARM_AWAY };

/* Derives up to `most` of them, each only while no request waits for the token. WARM_AWAY: the token cannot be reached, and what is
 * left waits. */
enum warm_state warm_some(struct verifier *verifier, struct warming *warming, unsigned most);

#endif
