/* SPDX-License-Identifier: Apache-2.0 */
/* The key and the latest checkpoint, for those who keep them elsewhere; and a checkpoint of what has none. */
#include <sealring/backup.h>

#include "base/error.h"
#include "log/key_change.h"
#include "manage/act/act.h"
#include "registry/log/log_rows.h"

#define NO_KEY "this vault has no audit token: nothing signs its audit log (see sealring-init(1))"

_Static_assert(SEALRING_AUDIT_KEYS_SIZE >= AUDIT_KEYS_TEXT_SIZE, "all keys fit");

/* find: reads the text, in a transaction. missing: the message if there is none. */
static sealring_status read_text(sealring_manager *manager,
                                 sealring_status (*find)(struct registry *, char *, bool *, sealring_error *),
                                 char *text, const char *missing, sealring_error *error)
{
    sealring_status status;
    bool found = false;
    text[0] = '\0';
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = find(manager->registry, text, &found, error);
    } while (registry_again(&reading, &status));
    return status != SEALRING_OK || found ? status : error_set(error, SEALRING_NOT_FOUND, "%s", missing);
}

static sealring_status find_newest(struct registry *registry, char *key, bool *found, sealring_error *error)
{
    struct audit_keys keys;
    sealring_status status = audit_keys_find(registry, &keys, found, error);
    if (status == SEALRING_OK && *found && keys.count == 0)
        return error_set_registry(error, 0, "the registry's key for checkpoints is damaged");
    if (status == SEALRING_OK && *found)
        note_key_format(audit_keys_newest(&keys), key);
    return status;
}

sealring_status sealring_audit_key(sealring_manager *manager, char key[SEALRING_AUDIT_KEY_SIZE], sealring_error *error)
{
    return read_text(manager, find_newest, key, NO_KEY, error);
}

static sealring_status find_all(struct registry *registry, char *text, bool *found, sealring_error *error)
{
    struct audit_keys keys;
    sealring_status status = audit_keys_find(registry, &keys, found, error);
    if (status == SEALRING_OK)
        audit_keys_format(&keys, text);
    return status;
}

sealring_status sealring_audit_keys(sealring_manager *manager, char keys[SEALRING_AUDIT_KEYS_SIZE],
                                    sealring_error *error)
{
    return read_text(manager, find_all, keys, NO_KEY, error);
}

sealring_status sealring_audit_checkpoint(sealring_manager *manager, char note[SEALRING_AUDIT_NOTE_SIZE],
                                          sealring_error *error)
{
    sealring_status status =
        read_text(manager, registry_checkpoint_find_note, note, "no checkpoint was signed yet", error);
    if (status == SEALRING_OK && note[0] == '\0')
        return error_set_registry(error, 0,
                                  "the note of the latest checkpoint is damaged: run `sealring audit verify`");
    return status;
}

sealring_status sealring_audit_settle(sealring_manager *manager, sealring_error *error)
{
    sealring_status status = manager_begin(manager, "audit settle", false, error);
    if (status != SEALRING_OK)
        return status;
    manager->unsettled = true;
    manager_end(manager);
    if (manager->witness.remark[0] == '\0')
        return SEALRING_OK;
    return error_set(error, SEALRING_TOKEN, "%s", manager->witness.remark);
}
