/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for verifiers, with nothing locked: the publish barrier, and what is in force everywhere. */
#ifndef VAULT_WAITING_H
#define VAULT_WAITING_H

#include "vault/manager.h"

/* Writes down what the manager's roster learned, with the vault's lock held; without news, or in a dry run, nothing. A failure is none of the
 * operation's: it is learned again. */
void waiting_remember(sealring_manager *manager);

/* Whether a change of epoch `epoch` is in force at every verifier by the roster as it is. */
bool waiting_is_effective(const struct roster *roster, uint64_t epoch, int64_t committed_boot_ms);

#endif
