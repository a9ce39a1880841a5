/* SPDX-License-Identifier: Apache-2.0 */
/* What a manager does for the files of the vault's own software tokens. */
#ifndef VAULT_COPIES_H
#define VAULT_COPIES_H

#include "vault/manager.h"

/* Under the lock: what was restored, by whichever process, goes on the record as `token.restore`. Without such tokens: nothing. */
sealring_status copies_record(sealring_manager *manager, sealring_error *error);

#endif
