/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out one event on a ring, whoever wants it. */
#ifndef MANAGE_VERSIONS_VERSION_EVENTS_H
#define MANAGE_VERSIONS_VERSION_EVENTS_H

#include "manage/versions/transition.h"

/* Takes the lock, decides, tests in the token, commits, lets the token follow, and gives the lock back. The caller has filled in manager, ring,
 * event, version, reason, overrule, wanted and change; the rest is zero, and is released. */
sealring_status version_carry_out(struct transition *transition, sealring_error *error);

#endif
