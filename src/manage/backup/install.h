/* SPDX-License-Identifier: Apache-2.0 */
/* A restored registry put in the vault's place, while verifiers run; the one that was there is kept. */
#ifndef MANAGE_BACKUP_INSTALL_H
#define MANAGE_BACKUP_INSTALL_H

#include "config/config.h"
#include "manage/backup/backup_file.h"
#include "registry/lock/lock.h"
#include "registry/rows/rows.h"

#define INSTALL_PATH_SIZE (PATH_MAX + 64)

/* What the registry in place was when it was found out what is lost by replacing it. */
struct install_before {
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch;
    uint64_t entries;
};

/* *restored, a registry in the file `path` that holds vault.work, becomes the vault's. *live: the one in place, open for writing, or NULL if
 * there is none that can be opened. Both are closed, or exchanged for: *live is afterwards the vault's registry, open. vault.work is handed to
 * `work`. The registry's lock is held only while the one in place is compared with `before` (SEALRING_REGISTRY, and nothing is changed, if
 * something was committed since) and exchanged. aside: where the former one is, "" for none. */
sealring_status install_registry(const struct config *config, const char *path, struct registry **restored,
                                 struct registry **live, struct lock *work, const struct install_before *before,
                                 const struct backup_progress *progress, char aside[INSTALL_PATH_SIZE],
                                 sealring_error *error);

#endif
