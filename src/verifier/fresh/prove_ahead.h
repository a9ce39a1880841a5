/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the token ahead of requests. */
#ifndef VERIFIER_FRESH_PROVE_AHEAD_H
#define VERIFIER_FRESH_PROVE_AHEAD_H

#include "verifier/state/verifier_state.h"

/* Proves new versions, and warms at most `warm_most` credentials. Thread-safe. Takes as long as the token needs. *more: there is more
 * to warm. *away: versions could not be proved at present, as opposed to one whose key the token lacks or refuses. */
sealring_status verifier_prove(struct verifier *verifier, unsigned warm_most, bool *more, bool *away,
                               sealring_error *error);

#endif
