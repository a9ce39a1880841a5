/* SPDX-License-Identifier: Apache-2.0 */
/* The token's part in a version's end and return: closing, reopening, destroying its object. */
#ifndef VAULT_CLOSING_H
#define VAULT_CLOSING_H

#include "vault/transition.h"

/* compromise, before its commit: closes the object first, if the token can be reached; never holds the event up. */
void closing_first(struct transition *transition);

/* retire, compromise, after their commit: what could not be closed yet is closed now, or stays owed and is said. */
void closing_follow(struct transition *transition);

/* reinstate, before its commit: gives CKA_SIGN back and proves the key. */
sealring_status closing_reopen(struct transition *transition, sealring_error *error);

/* reinstate whose commit failed: takes CKA_SIGN away again. */
void closing_revert(struct transition *transition);

/* destroy, after its commit: destroys the object, and counts it as done when a module that was loaded afresh does not
 * find it either. Otherwise it stays owed, and the error says that destroying again repeats it. */
sealring_status closing_destroy(struct transition *transition, sealring_error *error);

#endif
