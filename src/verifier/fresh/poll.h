/* SPDX-License-Identifier: Apache-2.0 */
/* The poll: applies what changed in the registry, and writes the report about it. verifier_look does both. */
#ifndef VERIFIER_FRESH_POLL_H
#define VERIFIER_FRESH_POLL_H

#include "verifier/state/verifier_state.h"

/* The first part, with which joining begins: loads everything, but reports and serves nothing yet. */
sealring_status look_load(struct verifier *verifier, sealring_error *error);

#endif
