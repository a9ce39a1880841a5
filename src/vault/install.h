/* SPDX-License-Identifier: Apache-2.0 */
/* A restored registry put in the vault's place, while verifiers run; the one that was there is kept. */
#ifndef VAULT_INSTALL_H
#define VAULT_INSTALL_H

#include "vault/backup_file.h"
#include "vault/config.h"

#define INSTALL_PATH_SIZE (PATH_MAX + 64)

/* *restored, a registry in the file `path` that holds the vault's lock, becomes the vault's. *live: the one in place, open for writing, or NULL if
 * there is none that can be opened. Both are closed, or exchanged for: *live is afterwards the vault's registry, open, with the lock. aside: where the
 * former one is, "" for none. */
sealring_status install_registry(const struct config *config, const char *path, struct registry **restored,
                                 struct registry **live, const struct backup_progress *progress,
                                 char aside[INSTALL_PATH_SIZE], sealring_error *error);

#endif
