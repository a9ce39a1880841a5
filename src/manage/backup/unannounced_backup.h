/* SPDX-License-Identifier: Apache-2.0 */
/* A backup before an upgrade: of a registry that is not written yet. */
#ifndef MANAGE_BACKUP_UNANNOUNCED_BACKUP_H
#define MANAGE_BACKUP_UNANNOUNCED_BACKUP_H

#include "manage/backup/backup_file.h"

struct sealring_manager;

/* By the process that holds vault.work. As sealring_backup, but without an entry in the log, which the caller has examined: the backup is of the
 * registry as it is, and the program that wrote that can restore it. If `file` exists, it must be a whole backup of just this state: then it is left
 * as it is. With dry_run nothing is written. */
sealring_status backup_before_upgrade(struct sealring_manager *manager, const char *file,
                                      const struct backup_progress *progress, struct backup *made,
                                      sealring_error *error);

#endif
