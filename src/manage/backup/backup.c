/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a backup of the registry while other commands and verifiers continue, and checks backups. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "log/key_change.h"
#include "log/log_tree.h"
#include "manage/act/act.h"
#include "manage/backup/backup_file.h"
#include "manage/backup/unannounced_backup.h"
#include "manage/session/manager.h"
#include "registry/connection/registry_copy.h"
#include "registry/lock/lock.h"
#include "registry/rows/closed_facts.h"

#define BACKUP_PATH_SIZE (PATH_MAX + 64)

struct making {
    sealring_manager *manager;
    const char *file;
    struct backup backup;
    struct audit_keys keys;
    char copy[BACKUP_PATH_SIZE];    /* of the registry, beside it: a backup's file system may not suit the copy */
    char partial[BACKUP_PATH_SIZE]; /* the unfinished backup, beside the file that it becomes */
    struct lock lock;               /* on the copy: only one command makes a backup at a time */
    struct backup_progress progress;
    bool stopped;
    bool reads_only; /* copies nothing */
    sealring_error *error;
};

/* Reads from the registry what the backup's note will contain, as of one transaction. */
static sealring_status read_state(struct making *making, sealring_error *error)
{
    struct registry *registry = making->manager->registry;
    bool named = false, agrees = true;
    struct backup *backup = &making->backup;
    const struct registry_vault *vault = registry_vault_row(registry);
    memset(backup, 0, sizeof *backup);
    memcpy(backup->vault_id, vault->vault_id, sizeof backup->vault_id);
    memcpy(backup->era, vault->era, sizeof backup->era);
    backup->epoch = vault->epoch;
    backup->time = clock_wall_ms();
    sealring_status status = registry_audit_size(registry, &backup->entries, error);
    if (status == SEALRING_OK)
        status = tree_root(registry, backup->entries, &backup->root, error);
    if (status == SEALRING_OK)
        status = registry_closed_head(registry, &backup->closed_count, backup->closed.bytes, error);
    if (status == SEALRING_OK)
        status = audit_keys_find(registry, &making->keys, &named, error);
    if (status == SEALRING_OK && !named)
        status = error_set(error, SEALRING_TOKEN, "the registry names no key that could sign a backup of it");
    if (status == SEALRING_OK && making->keys.count == 0)
        status = error_set(error, SEALRING_REGISTRY, "the registry's key for checkpoints is damaged");
    if (status == SEALRING_OK)
        status = audit_keys_agree(registry, &agrees, error);
    if (status == SEALRING_OK && !agrees)
        status = error_set(error, SEALRING_REFUSED,
                           "no backup was made, as the registry names another key for its checkpoints than " CONFIG_FILE
                           ": somebody altered it: run sealring doctor --repair");
    return status;
}

static bool copied(uint64_t done, uint64_t total, void *context)
{
    struct making *making = context;
    making->stopped = backup_progress(&making->progress, "copying", done, total, making->error) != SEALRING_OK;
    return !making->stopped;
}

/* In a dry run, nothing is copied. */
static sealring_status copy(struct making *making, sealring_error *error)
{
    struct registry *registry = making->manager->registry;
    struct db_copying copying = {copied, making};
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        status = read_state(making, error);
        if (status != SEALRING_OK || making->manager->dry_run || making->reads_only)
            continue;
        registry_discard(making->copy); /* left by a run that was killed: this process holds the lock */
        status = registry_copy_out(registry, making->copy, &copying, error);
    } while (registry_again(&reading, &status));
    return making->stopped ? error_set(error, SEALRING_REFUSED, "the backup was stopped: there is none") : status;
}

static sealring_status check_copy(const struct making *making, sealring_error *error)
{
    struct registry *registry = NULL;
    sealring_status status = registry_open(making->copy, NULL, REGISTRY_READ_ONLY, &registry, error);
    if (status == SEALRING_OK)
        status = backup_file_examine(registry, &making->backup, &making->keys,
                                     "no backup was made, see `sealring audit verify`: the registry", error);
    registry_close(registry);
    return status;
}

/* ---- Making ---- */

/* Comes first, so that neither the checkpoint nor the anchor covers more than the registry that is copied. */
static sealring_status announce(const struct making *making, sealring_error *error)
{
    sealring_manager *manager = making->manager;
    struct audit_act act = {.name = "vault.backup"};
    const char *slash = strrchr(making->file, '/');
    sealring_status status = manager_begin(manager, "backup", false, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, false, &act, error);
    do {
        uint64_t entries = 0;
        if (!commit_begin(&commit, &status))
            continue;
        status = registry_audit_size(manager->registry, &entries, error);
        audit_detail(&act, "{s:o, s:I}", "file", audit_text(slash != NULL ? slash + 1 : making->file), "entries",
                     (json_int_t)entries);
    } while (commit_again(&commit, &status));
    audit_release(&act);
    manager_end(manager);
    if (status == SEALRING_OK && manager->witness.remark[0] != '\0')
        status =
            error_set(error, SEALRING_TOKEN, "no backup was made, as nothing can sign it: %s", manager->witness.remark);
    return status;
}

static sealring_status choose_names(struct making *making, sealring_error *error)
{
    uint32_t nonce;
    char lock[BACKUP_PATH_SIZE];
    const char *registry = making->manager->config->registry;
    sealring_status status = manager_random((uint8_t *)&nonce, sizeof nonce, error);
    if (status != SEALRING_OK)
        return status;
    if (strlen(making->file) >= PATH_MAX || making->file[0] == '\0')
        return error_set(error, SEALRING_INVALID, "the backup's path is empty or too long");
    snprintf(making->copy, sizeof making->copy, "%s.backup", registry);
    snprintf(lock, sizeof lock, "%s.backup.lock", registry);
    snprintf(making->partial, sizeof making->partial, "%s.partial-%08" PRIx32, making->file, nonce);
    return lock_init(&making->lock, lock, error);
}

/* The copy is complete and examined: from here on it is only read. */
static sealring_status seal(struct making *making, sealring_error *error)
{
    char text[BACKUP_TEXT_SIZE];
    char note[REGISTRY_NOTE_SIZE];
    sealring_status status = backup_file_hash(making->copy, &making->backup, &making->progress, error);
    if (status == SEALRING_OK) {
        backup_format(&making->backup, text);
        status = witness_sign_note(making->manager->config, making->backup.vault_id, &making->keys, text, note, error);
    }
    return status == SEALRING_OK
               ? backup_file_write(making->file, making->partial, note, making->copy, &making->progress, error)
               : status;
}

static sealring_status make(struct making *making, sealring_error *error)
{
    sealring_manager *manager = making->manager;
    sealring_status status = announce(making, error);
    if (status != SEALRING_OK)
        return status;
    if (manager->dry_run)
        return copy(making, error);
    status = lock_acquire(&making->lock, manager->lock_wait, "backup", error);
    if (status != SEALRING_OK)
        return status;
    status = copy(making, error);
    if (status == SEALRING_OK)
        status = check_copy(making, error);
    if (status == SEALRING_OK)
        status = seal(making, error);
    registry_discard(making->copy);
    return status;
}

sealring_status sealring_backup(sealring_manager *manager, const char *file, sealring_work_callback each, void *context,
                                sealring_backup_info *info, sealring_error *error)
{
    sealring_backup_info told = {.size = sizeof told};
    struct making making = {
        .manager = manager, .file = file, .lock = {.descriptor = -1}, .progress = {each, context}, .error = error};
    if (!witness_configured(manager->config))
        return error_set(error, SEALRING_TOKEN,
                         "this vault has no audit token, so nothing can sign a backup: see sealring-init(1)");
    sealring_status status = choose_names(&making, error);
    if (status == SEALRING_OK && access(file, F_OK) == 0)
        status = error_set(error, SEALRING_REFUSED, "%s exists already: nothing is overwritten", file);
    if (status == SEALRING_OK)
        status = make(&making, error);
    if (status == SEALRING_OK) {
        backup_file_describe(&making.backup, &told);
        note_key_format(audit_keys_newest(&making.keys), told.key);
        sized_give(info, &told, sizeof told);
    }
    lock_free(&making.lock);
    return status;
}

/* ---- Before an upgrade ---- */

static bool is_same_state(const struct backup *one, const struct backup *other)
{
    return memcmp(one->vault_id, other->vault_id, sizeof one->vault_id) == 0 &&
           memcmp(one->era, other->era, sizeof one->era) == 0 && one->epoch == other->epoch &&
           one->entries == other->entries && merkle_equal(&one->root, &other->root) &&
           one->closed_count == other->closed_count && merkle_equal(&one->closed, &other->closed);
}

static sealring_status check_existing(struct making *making, sealring_error *error)
{
    struct backup_file *opened = malloc(sizeof *opened);
    if (opened == NULL)
        return error_no_memory(error);
    sealring_status status = backup_file_open(making->file, opened, error);
    if (status != SEALRING_OK) {
        free(opened);
        return status;
    }
    status = backup_file_judge(opened, &making->keys, error);
    if (status == SEALRING_OK && !is_same_state(&opened->backup, &making->backup))
        status = error_set(error, SEALRING_REFUSED,
                           "%s is not a backup of the registry as it is now: name a file that does not exist yet",
                           making->file);
    if (status == SEALRING_OK)
        status = backup_file_take(opened, NULL, &making->progress, error);
    if (status == SEALRING_OK)
        making->backup = opened->backup;
    backup_file_close(opened);
    free(opened);
    return status;
}

static sealring_status make_unannounced(struct making *making, sealring_error *error)
{
    sealring_manager *manager = making->manager;
    bool exists = access(making->file, F_OK) == 0;
    sealring_status status = exists ? SEALRING_OK : lock_acquire(&making->lock, manager->lock_wait, "backup", error);
    making->reads_only = exists;
    if (status == SEALRING_OK)
        status = copy(making, error);
    if (status == SEALRING_OK && exists)
        status = check_existing(making, error);
    else if (status == SEALRING_OK && !manager->dry_run)
        status = seal(making, error);
    if (!exists)
        registry_discard(making->copy);
    return status;
}

sealring_status backup_before_upgrade(sealring_manager *manager, const char *file,
                                      const struct backup_progress *progress, struct backup *made,
                                      sealring_error *error)
{
    struct making *making = calloc(1, sizeof *making);
    if (making == NULL)
        return error_no_memory(error);
    *making = (struct making){.manager = manager, .file = file, .progress = *progress, .error = error};
    making->lock.descriptor = -1;
    sealring_status status = choose_names(making, error);
    if (status == SEALRING_OK)
        status = make_unannounced(making, error);
    *made = making->backup;
    lock_free(&making->lock);
    free(making);
    return status;
}

/* ---- Checking ---- */

sealring_status sealring_backup_check(const char *file, const char *key, sealring_work_callback each, void *context,
                                      sealring_backup_info *info, sealring_error *error)
{
    sealring_backup_info told = {.size = sizeof told};
    struct backup_progress progress = {each, context};
    struct audit_keys parsed;
    if (!audit_keys_parse(key, &parsed, NULL) || parsed.count == 0)
        return error_set(error, SEALRING_INVALID, "that is no verifier key: NAME+ID+BASE64 is wanted");
    struct backup_file opened;
    sealring_status status = backup_file_open(file, &opened, error);
    if (status != SEALRING_OK)
        return status;
    status = backup_file_judge(&opened, &parsed, error);
    if (status == SEALRING_OK)
        status = backup_file_take(&opened, NULL, &progress, error);
    backup_file_describe(&opened.backup, &told);
    note_key_format(audit_keys_newest(&parsed), told.key);
    backup_file_close(&opened);
    if (status == SEALRING_OK)
        sized_give(info, &told, sizeof told);
    return status;
}
