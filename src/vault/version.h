/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out one event on a ring, whoever wants it. */
#ifndef VAULT_VERSION_H
#define VAULT_VERSION_H

#include "vault/transition.h"

/* Takes the lock, decides, tests in the token, commits, lets the token follow, and gives the lock back. The caller has filled in manager, ring,
 * event, version, reason, overrule, wanted and change; the rest is zero, and is released. */
sealring_status version_carry_out(struct transition *transition, sealring_error *error);

#endif
