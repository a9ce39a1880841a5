/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the key of sealring.conf, which verifies checkpoints, with the audit token's and with the one that a restored registry names. */
#include <string.h>

#include "base/error.h"
#include "manage/backup/restore.h"

/* The configuration's key counts afterwards: what only another key has signed would not be believed. */
sealring_status restore_check_token_key(const struct restore *restore, sealring_error *error)
{
    char own[NOTE_KEY_TEXT_SIZE];
    const char *trusted = restore->config->audit_key;
    note_key_format(&restore->key, own);
    if (trusted[0] == '\0' || strcmp(trusted, own) == 0)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED,
                     "nothing was restored: the audit token's key is not the audit-key of " CONFIG_FILE
                     ": compare both with the key that was kept elsewhere; the audit token has %.250s",
                     own);
}

sealring_status restore_check_named_key(const struct restore *restore, sealring_error *error)
{
    bool agrees = true;
    sealring_status status;
    registry_trust_key(restore->restored, restore->config->audit_key);
    struct registry_transaction reading = registry_reading(restore->restored, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_audit_key_agrees(restore->restored, &agrees, error);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK || agrees)
        return status;
    return error_set(error, SEALRING_REFUSED,
                     "nothing was restored: the registry in %.200s names another key for its checkpoints than the "
                     "audit-key of " CONFIG_FILE
                     ": compare that with the key that was kept elsewhere, and restore a backup of before",
                     restore->file.path);
}
