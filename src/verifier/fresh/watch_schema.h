/* SPDX-License-Identifier: Apache-2.0 */
/* Notices at a poll that somebody altered the registry's schema, or the key that it names for its checkpoints. */
#ifndef VERIFIER_FRESH_WATCH_SCHEMA_H
#define VERIFIER_FRESH_WATCH_SCHEMA_H

#include "verifier/state/verifier_state.h"

/* In a poll: raises an alarm when a difference appears, or becomes another one. schema: the number in the vault's row. While nobody writes it reads
 * nothing. */
sealring_status watch_schema(struct verifier *verifier, int schema, sealring_error *error);

#endif
