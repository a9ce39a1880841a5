/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force at every verifier, and what was learned of them, written down. */
#ifndef MANAGE_FLEET_EFFECTIVE_H
#define MANAGE_FLEET_EFFECTIVE_H

#include "manage/session/manager.h"

/* Writes down what the manager's roster learned, with the vault's lock held; without news, or in a dry run, nothing. A failure is none of the
 * operation's: it is learned again. */
void effective_remember(sealring_manager *manager);

/* Whether a change of epoch `epoch` is in force at every verifier by the roster as it is. */
bool effective_everywhere(const struct roster *roster, uint64_t epoch, int64_t committed_boot_ms);

#endif
