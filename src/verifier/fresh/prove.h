/* SPDX-License-Identifier: Apache-2.0 */
/* What the token is asked ahead of the requests. */
#ifndef VERIFIER_FRESH_PROVE_H
#define VERIFIER_FRESH_PROVE_H

#include "verifier/state/verifier_state.h"

/* Asks the token for what lies ahead: proofs of new versions, and at most `warm_most` credentials. Thread-safe; may take as long as
 * the token likes. *more: there is more to warm. */
sealring_status verifier_prove(struct verifier *verifier, unsigned warm_most, bool *more, sealring_error *error);

#endif
