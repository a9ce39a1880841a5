/* SPDX-License-Identifier: Apache-2.0 */
/* The token's part in a version's end and return: closing, reopening, destroying its object. */
#ifndef MANAGE_VERSIONS_CLOSING_H
#define MANAGE_VERSIONS_CLOSING_H

#include "manage/tokens/owned.h"
#include "manage/versions/transition.h"

/* The object of the version that an event is about, remembered while the ring can be read. An object is changed only if it is the
 * version's (owned.h). */
void closing_aim(const struct transition *transition, struct owned *target);

/* compromise, when the registry cannot be told: closes the object all the same, if the token is open and can. */
bool closing_regardless(struct transition *transition, const struct owned *target);

/* retire, compromise, after their commit: what could not be closed yet is closed now, or stays owed and is said.
 * problem: why the token is not open, if it is not. */
void closing_follow(struct transition *transition, const char *problem);

/* reinstate, before its commit: notes that the object owes its closing, so that recovery closes it again should this process
 * die, gives CKA_SIGN back, and proves the key. */
sealring_status closing_reopen(struct transition *transition, sealring_error *error);

/* reinstate whose commit failed: takes CKA_SIGN away again. Recovery does if this cannot. */
void closing_revert(struct transition *transition);

/* destroy, after its commit: destroys the object. Otherwise that stays owed, and the error says that destroying again repeats
 * it. act: the entry of a repeated destroy, which has no commit of its own; else NULL. */
sealring_status closing_destroy(struct transition *transition, struct audit_act *act, sealring_error *error);

#endif
