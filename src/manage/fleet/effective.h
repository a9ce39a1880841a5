/* SPDX-License-Identifier: Apache-2.0 */
/* Determines whether a change is effective at every verifier, and writes down what the roster learned about verifiers. */
#ifndef MANAGE_FLEET_EFFECTIVE_H
#define MANAGE_FLEET_EFFECTIVE_H

#include "manage/session/manager.h"

/* Writes down what the manager's roster learned, with the vault's lock held; without news, or in a dry run, writes nothing. A failure does not fail
 * the operation: the roster learns it again. */
void effective_remember(sealring_manager *manager);

/* Whether a change is effective at every verifier, by the roster as it is. */
bool effective_everywhere(const struct roster *roster, const struct roster_change *change);

#endif
