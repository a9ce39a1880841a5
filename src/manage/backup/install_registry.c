/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a restored registry the vault's registry while verifiers run; the former registry is kept. */
#include "log/log_tree.h"
#include "manage/backup/restore.h"
#include "manage/session/unsigned_notes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "config/verifier_group.h"
#include "registry/connection/registry_copy.h"
#include "registry/rows/closed_facts.h"

/* The files that SQLite keeps beside a database; they are moved together with it. */
static const char *const companions[] = {"", "-wal", "-shm", "-journal"};

#define LOCK_WAIT_MS 30000

/* From here on the caller can no longer stop the work. */
static bool copied(uint64_t done, uint64_t total, void *context)
{
    const struct restore *restore = context;
    (void)backup_progress(&restore->progress, "installing", done, total, NULL);
    return true;
}

/* A name with the time that no file has yet. */
static sealring_status choose_aside(struct restore *restore, sealring_error *error)
{
    const char *registry = restore->config->registry;
    char *aside = restore->result.aside;
    char stamp[32];
    time_t now = time(NULL);
    struct tm parts;
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
    for (int i = 0; i < 1000; i++) {
        char suffix[16] = "";
        if (i > 0)
            snprintf(suffix, sizeof suffix, "-%d", i);
        int length = snprintf(aside, sizeof restore->result.aside, "%s.before-%s%s", registry, stamp, suffix);
        if (length < (int)sizeof restore->result.aside && access(aside, F_OK) != 0 && errno == ENOENT)
            return SEALRING_OK;
    }
    return error_set(error, SEALRING_SYSTEM, "no name is free to keep the registry %s under", registry);
}

sealring_status restore_note_era(const struct restore *restore, sealring_error *error)
{
    struct registry *registry = restore->restored;
    struct own_note note = {.kind = OWN_NOTE_EXAMINED};
    struct merkle_hash root;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        memcpy(note.era, registry_vault_row(registry)->era, sizeof note.era);
        status = registry_closed_head(registry, &note.facts, note.head, error);
        if (status == SEALRING_OK)
            status = registry_audit_size(registry, &note.entry, error);
        if (status == SEALRING_OK)
            status = tree_root(registry, note.entry, &root, error);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK)
        return status;
    note.facts_before = note.facts;
    memcpy(note.hash, root.bytes, sizeof note.hash);
    return unsigned_add(restore->config, &note, true, error);
}

/* ---- Into the existing file: in one transaction, which readers see completely or not at all, and which a crash undoes ---- */

static sealring_status keep(struct restore *restore, sealring_error *error)
{
    struct db_copying copying = {copied, restore};
    bool kept = false;
    sealring_status status;
    struct registry_transaction reading = registry_reading(restore->live, error);
    do {
        if (kept)
            registry_discard(restore->result.aside); /* by the try before */
        if (registry_begin(&reading, &status)) {
            status = registry_copy_out(restore->live, restore->result.aside, &copying, error);
            kept = status == SEALRING_OK;
        }
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status install_read_state(struct registry *live, struct live_state *state, sealring_error *error)
{
    const struct registry_vault *vault = registry_vault_row(live);
    sealring_status status;
    struct registry_transaction reading = registry_reading(live, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        memcpy(state->vault_id, vault->vault_id, sizeof state->vault_id);
        memcpy(state->era, vault->era, sizeof state->era);
        state->epoch = vault->epoch;
        status = registry_audit_size(live, &state->entries, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* Restrictions are committed whoever works on the vault: one that was committed meanwhile must not be lost silently. */
static sealring_status compare(struct restore *restore, sealring_error *error)
{
    const struct live_state *before = &restore->before;
    struct live_state now;
    sealring_status status = install_read_state(restore->live, &now, error);
    if (status != SEALRING_OK)
        return status;
    restore->changed = memcmp(now.era, before->era, sizeof now.era) != 0 || now.epoch != before->epoch ||
                       now.entries != before->entries;
    return !restore->changed
               ? SEALRING_OK
               : error_set(error, SEALRING_REGISTRY,
                           "nothing was changed, as something was revoked, suspended or narrowed while the registry "
                           "was being restored: repeat the command");
}

static sealring_status exchange_content(struct restore *restore, sealring_error *error)
{
    struct registry *live = restore->live;
    struct db_copying copying = {copied, restore};
    sealring_status status = keep(restore, error);
    if (status != SEALRING_OK)
        return status;
    status = backup_file_sync_names(restore->result.aside, error);
    if (status == SEALRING_OK)
        status = registry_lock(live, LOCK_WAIT_MS, "restore", error);
    if (status == SEALRING_OK)
        status = compare(restore, error);
    if (status == SEALRING_OK)
        status = witness_keep(restore->restored, &restore->checkpoint, error);
    if (status == SEALRING_OK)
        status = registry_copy_in(live, restore->restored, &copying, error);
    if (status == SEALRING_OK)
        registry_checkpoint(live, 0);
    else
        registry_discard(restore->result.aside);
    registry_unlock(live);
    return status;
}

/* ---- A new file in its place: if the file is missing, damaged, or has no room to grow ---- */

static sealring_status move(const char *from, const char *to, const char *companion, sealring_error *error)
{
    char old[RESTORE_PATH_SIZE + 16], new[RESTORE_PATH_SIZE + 16];
    snprintf(old, sizeof old, "%s%s", from, companion);
    snprintf(new, sizeof new, "%s%s", to, companion);
    if (rename(old, new) == 0 || errno == ENOENT)
        return SEALRING_OK;
    return error_set_system(error, errno, "%s cannot be renamed", old);
}

/* The database is moved first: from then on no process finds it, so that none makes a new log that would be taken for the restored registry's log.
 * After a kill in between there is no registry; every command reports that clearly, and a second restore repairs it. */
static sealring_status exchange_file(const struct restore *restore, sealring_error *error)
{
    const char *registry = restore->config->registry;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < sizeof companions / sizeof *companions; i++)
        status = move(registry, restore->result.aside, companions[i], error);
    if (status == SEALRING_OK)
        group_permit_registry(restore->config, restore->path);
    if (status == SEALRING_OK && rename(restore->path, registry) != 0)
        status = error_set_system(error, errno, "%s cannot be renamed", restore->path);
    return status == SEALRING_OK ? backup_file_sync_names(registry, error) : status;
}

/* Hands vault.work over, and closes the restored registry. */
static void close_restored(struct restore *restore)
{
    registry_give_lock(restore->restored, &restore->lock);
    registry_close(restore->restored);
    restore->restored = NULL;
}

/* Closes the registry with all its content in its one file. */
static sealring_status close_whole(struct restore *restore, sealring_error *error)
{
    const char *path = restore->path;
    char name[RESTORE_PATH_SIZE + 16];
    struct stat facts;
    registry_checkpoint(restore->restored, 0);
    close_restored(restore);
    snprintf(name, sizeof name, "%s-wal", path);
    if (stat(name, &facts) == 0 && facts.st_size > 0)
        return error_set(error, SEALRING_REGISTRY, "%s cannot be written whole: is the file system full?", path);
    for (size_t i = 1; i < sizeof companions / sizeof *companions; i++) {
        snprintf(name, sizeof name, "%s%s", path, companions[i]);
        unlink(name);
    }
    return SEALRING_OK;
}

/* Under the registry's lock. A registry that can no longer be read contains nothing new. */
static sealring_status replace_file(struct restore *restore, sealring_error *error)
{
    const struct config *config = restore->config;
    registry_close(restore->live);
    restore->live = NULL;
    sealring_status status = witness_keep(restore->restored, &restore->checkpoint, error);
    if (status == SEALRING_OK)
        status = close_whole(restore, error);
    if (status == SEALRING_OK)
        status = exchange_file(restore, error);
    if (access(restore->result.aside, F_OK) != 0)
        restore->result.aside[0] = '\0';
    if (status == SEALRING_OK)
        status = registry_open(config->registry, config->lock, REGISTRY_READ_WRITE, &restore->live, error);
    if (restore->live != NULL)
        registry_trust_key(restore->live, config->audit_key);
    return status;
}

static sealring_status replace(struct restore *restore, sealring_error *error)
{
    struct lock lock = {.descriptor = -1};
    sealring_status status = lock_init(&lock, restore->config->lock, error);
    if (status == SEALRING_OK)
        status = lock_acquire(&lock, LOCK_WAIT_MS, "restore", error);
    if (status == SEALRING_OK && restore->live != NULL && compare(restore, error) != SEALRING_OK && restore->changed)
        status = SEALRING_REGISTRY;
    if (status == SEALRING_OK)
        status = replace_file(restore, error);
    lock_free(&lock);
    return status;
}

sealring_status install_registry(struct restore *restore, sealring_error *error)
{
    sealring_status status = choose_aside(restore, error);
    if (status != SEALRING_OK)
        return status;
    if (restore->live != NULL && exchange_content(restore, error) == SEALRING_OK) {
        close_restored(restore);
        registry_discard(restore->path);
        return SEALRING_OK;
    }
    if (restore->changed) {
        restore->result.aside[0] = '\0';
        return SEALRING_REGISTRY;
    }
    return replace(restore, error);
}
