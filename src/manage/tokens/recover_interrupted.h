/* SPDX-License-Identifier: Apache-2.0 */
/* Completes what an interrupted operation left incomplete in the token. */
#ifndef MANAGE_TOKENS_RECOVER_INTERRUPTED_H
#define MANAGE_TOKENS_RECOVER_INTERRUPTED_H

#include "manage/session/manager.h"
#include "manage/tokens/object_label.h"

/* Under the vault's lock, with the token open: completes or undoes every intention (destroying only an object that still has its intention's
 * label), and closes the objects of closed versions whose closing is owed and may be done now. It never sets CKA_SIGN again and never destroys
 * another object: only an operator's act does that. */
sealring_status recover_unfinished(sealring_manager *manager, sealring_error *error);

#endif
