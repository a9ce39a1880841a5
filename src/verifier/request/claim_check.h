/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the registry contains a claim with this code: for servers that pass claims on. */
#ifndef VERIFIER_REQUEST_CLAIM_CHECK_H
#define VERIFIER_REQUEST_CLAIM_CHECK_H

#include "verifier/state/verifier_state.h"

/* SEALRING_ACCEPTED: the last fact about the API key has it, and it has not expired; SEALRING_REJECTED_MALFORMED, SEALRING_REJECTED_UNKNOWN, or
 * SEALRING_UNAVAILABLE. One search by the key ID; never the token. */
sealring_verdict claim_check(struct verifier *verifier, const char *code, size_t length);

#endif
