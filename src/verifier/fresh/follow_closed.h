/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the registry's facts, and decides which are covered by a signed checkpoint, and when another era's are believed. With `looking`
 * held, in a poll. */
#ifndef VERIFIER_FRESH_FOLLOW_CLOSED_H
#define VERIFIER_FRESH_FOLLOW_CLOSED_H

#include "verifier/state/verifier_state.h"

/* Before the rows are read. *news: the registry has facts that were not read yet, or one that was read permits something and is not covered by a
 * signed checkpoint yet. *forgot: the registry is of another era, which a
 * checkpoint signed by the key of this vault confirms, so everything that was closed is to be read again, and all rows with it. A vault
 * without an audit token has no such key: there the era alone decides. */
sealring_status follow_look(struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE], bool *news, bool *forgot,
                            sealring_error *error);

/* Instead, while nothing was committed: counts how long a permission has waited for its signature, and reports it. */
void follow_report_unsigned(struct verifier *verifier);

/* In the transaction that reads the rows, before they are read: takes the new facts. What permits something is applied once a checkpoint signed by
 * the key of this vault covers it; in a vault without one, at once. */
sealring_status follow_closed(struct verifier *verifier, sealring_error *error);

#endif
