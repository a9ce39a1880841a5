/* SPDX-License-Identifier: Apache-2.0 */
/* The look: what changed in the registry takes effect here, and the report says so. verifier_look is the whole of it. */
#ifndef VERIFIER_FRESH_POLL_H
#define VERIFIER_FRESH_POLL_H

#include "verifier/state/verifier_state.h"

/* The part of it that joining begins with: everything is loaded, and nothing is reported or served yet. */
sealring_status look_load(struct verifier *verifier, sealring_error *error);

#endif
