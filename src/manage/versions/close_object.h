/* SPDX-License-Identifier: Apache-2.0 */
/* The token's part when a version is closed, reinstated or destroyed: closing, reopening and destroying its object. */
#ifndef MANAGE_VERSIONS_CLOSE_OBJECT_H
#define MANAGE_VERSIONS_CLOSE_OBJECT_H

#include "manage/tokens/version_object.h"
#include "manage/versions/transition.h"

/* The object of the version that an event is about, kept from when the ring could be read. An object is changed only if it is the version's
 * (version_object.h). */
void closing_aim(const struct transition *transition, struct owned *target);

/* compromise, when the registry cannot be written: closes the object nevertheless, if the token is open and can close it. */
bool closing_regardless(struct transition *transition, struct owned *target);

/* retire, compromise, after their commit: closes the object now if it can be closed. Otherwise the closing stays owed, and the change reports that.
 * problem: why the token is not open, if it is not. */
void closing_follow(struct transition *transition, const char *problem);

/* reinstate, before its commit: notes the object's closing as owed, so that recovery closes it again if this process is killed; sets CKA_SIGN
 * again; proves the key. */
sealring_status closing_reopen(struct transition *transition, sealring_error *error);

/* reinstate whose commit failed: takes CKA_SIGN away again. If this fails, recovery does it. */
void closing_revert(struct transition *transition);

/* destroy, after its commit: destroys the object. If this fails, the destruction stays owed, and the error states that repeating the destroy
 * repeats this step. act: the entry of a repeated destroy, which has no commit of its own; else NULL. */
sealring_status closing_destroy(struct transition *transition, struct audit_act *act, sealring_error *error);

#endif
