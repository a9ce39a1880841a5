/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out one event on a ring, for an operator or a policy. */
#ifndef MANAGE_VERSIONS_VERSION_EVENTS_H
#define MANAGE_VERSIONS_VERSION_EVENTS_H

#include "manage/versions/transition.h"

/* Takes the lock, decides, tests in the token, commits, changes the token, and releases the lock. The caller has filled in manager, ring, event,
 * version, reason, overrule, wanted and change; the rest is zero, and is released. */
sealring_status version_carry_out(struct transition *transition, sealring_error *error);

#endif
