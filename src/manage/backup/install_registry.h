/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a restored registry the vault's registry while verifiers run; the former registry is kept. */
#ifndef MANAGE_BACKUP_INSTALL_REGISTRY_H
#define MANAGE_BACKUP_INSTALL_REGISTRY_H

#include "config/config.h"
#include "manage/backup/backup_file.h"
#include "registry/lock/lock.h"
#include "registry/rows/rows.h"

#define INSTALL_PATH_SIZE (PATH_MAX + 64)

/* The state of the registry in place when it was determined what is lost by replacing it. */
struct install_before {
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch;
    uint64_t entries;
};

/* Makes *restored, a registry in the file `path` that holds vault.work, the vault's registry. *live: the one in place, open for writing, or NULL if
 * none can be opened. Both are closed or exchanged: afterwards *live is the vault's registry, open. `work` receives vault.work. The registry's lock
 * is held only while the one in place is compared with `before` and exchanged. SEALRING_REGISTRY, and nothing is changed, if something was
 * committed since `before`. aside: where the former registry is, "" for none. */
sealring_status install_registry(const struct config *config, const char *path, struct registry **restored,
                                 struct registry **live, struct lock *work, const struct install_before *before,
                                 const struct backup_progress *progress, char aside[INSTALL_PATH_SIZE],
                                 sealring_error *error);

#endif
