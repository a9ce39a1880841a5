/* SPDX-License-Identifier: Apache-2.0 */
/* The lease: the report of a poll extends it. */
#ifndef VERIFIER_FRESH_LEASE_H
#define VERIFIER_FRESH_LEASE_H

#include "verifier/state/verifier_state.h"

/* Reports a complete poll, and extends the lease from its start. *again: the report came so late that it proves only that the verifier is
 * alive; another poll must take the lease. Call it in a poll. */
sealring_status lease_take(struct verifier *verifier, const struct registry_vault *vault, bool *again,
                           sealring_error *error);

#endif
