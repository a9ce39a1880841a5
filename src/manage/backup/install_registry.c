/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a restored registry the vault's registry while verifiers run; the former registry is kept. */
#include "manage/backup/install_registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "registry/connection/registry_copy.h"

/* The files that SQLite keeps beside a database; they are moved together with it. */
static const char *const companions[] = {"", "-wal", "-shm", "-journal"};

#define LOCK_WAIT_MS 30000

struct installing {
    const char *aside;
    const struct install_before *before;
    const struct backup_progress *progress;
    bool changed; /* the registry in place was changed since `before` */
};

/* From here on the caller can no longer stop the work. */
static bool copied(uint64_t done, uint64_t total, void *context)
{
    const struct installing *installing = context;
    (void)backup_progress(installing->progress, "installing", done, total, NULL);
    return true;
}

/* A name with the time that no file has yet. */
static sealring_status choose_aside(const char *registry, char aside[INSTALL_PATH_SIZE], sealring_error *error)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm parts;
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
    for (int i = 0; i < 1000; i++) {
        char suffix[16] = "";
        if (i > 0)
            snprintf(suffix, sizeof suffix, "-%d", i);
        snprintf(aside, INSTALL_PATH_SIZE, "%s.before-%s%s", registry, stamp, suffix);
        if (access(aside, F_OK) != 0 && errno == ENOENT)
            return SEALRING_OK;
    }
    return error_set(error, SEALRING_SYSTEM, "no name is free to keep the registry %s under", registry);
}

/* ---- Into the existing file: in one transaction, which readers see completely or not at all, and which a crash undoes ---- */

static sealring_status keep(struct registry *live, struct installing *installing, sealring_error *error)
{
    struct db_copying copying = {copied, installing};
    bool kept = false;
    sealring_status status;
    struct registry_transaction reading = registry_reading(live, error);
    do {
        if (kept)
            registry_discard(installing->aside); /* by the try before */
        if (registry_begin(&reading, &status)) {
            status = registry_copy_out(live, installing->aside, &copying, error);
            kept = status == SEALRING_OK;
        }
    } while (registry_again(&reading, &status));
    return status;
}

/* Restrictions are committed whoever works on the vault: one that was committed meanwhile must not be lost silently. */
static sealring_status compare(struct registry *live, struct installing *installing, sealring_error *error)
{
    const struct install_before *before = installing->before;
    const struct registry_vault *vault = registry_vault_row(live);
    uint64_t entries = 0;
    sealring_status status;
    struct registry_transaction reading = registry_reading(live, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_audit_size(live, &entries, error);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK)
        return status;
    installing->changed = memcmp(vault->era, before->era, sizeof vault->era) != 0 || vault->epoch != before->epoch ||
                          entries != before->entries;
    return !installing->changed
               ? SEALRING_OK
               : error_set(error, SEALRING_REGISTRY,
                           "nothing was changed, as something was revoked, suspended or narrowed while the registry "
                           "was being restored: repeat the command");
}

static sealring_status exchange_content(struct registry *restored, struct registry *live, struct installing *installing,
                                        sealring_error *error)
{
    struct db_copying copying = {copied, installing};
    sealring_status status = keep(live, installing, error);
    if (status != SEALRING_OK)
        return status;
    status = backup_file_sync_names(installing->aside, error);
    if (status == SEALRING_OK)
        status = registry_lock(live, LOCK_WAIT_MS, "restore", error);
    if (status == SEALRING_OK)
        status = compare(live, installing, error);
    if (status == SEALRING_OK)
        status = registry_copy_in(live, restored, &copying, error);
    if (status == SEALRING_OK)
        registry_checkpoint(live, 0);
    else
        registry_discard(installing->aside);
    registry_unlock(live);
    return status;
}

/* ---- A new file in its place: if the file is missing, damaged, or has no room to grow ---- */

static sealring_status move(const char *from, const char *to, const char *companion, sealring_error *error)
{
    char old[INSTALL_PATH_SIZE + 16], new[INSTALL_PATH_SIZE + 16];
    snprintf(old, sizeof old, "%s%s", from, companion);
    snprintf(new, sizeof new, "%s%s", to, companion);
    if (rename(old, new) == 0 || errno == ENOENT)
        return SEALRING_OK;
    return error_set_system(error, errno, "%s cannot be renamed", old);
}

/* The database is moved first: from then on no process finds it, so that none makes a new log that would be taken for the restored registry's log.
 * After a kill in between there is no registry; every command reports that clearly, and a second restore repairs it. */
static sealring_status exchange_file(const char *path, const char *registry, const char *aside, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < sizeof companions / sizeof *companions; i++)
        status = move(registry, aside, companions[i], error);
    if (status == SEALRING_OK && rename(path, registry) != 0)
        status = error_set_system(error, errno, "%s cannot be renamed", path);
    return status == SEALRING_OK ? backup_file_sync_names(registry, error) : status;
}

/* Closes the registry with all its content in its one file. */
static sealring_status close_whole(struct registry **registry, struct lock *lock, const char *path,
                                   sealring_error *error)
{
    char name[INSTALL_PATH_SIZE + 16];
    struct stat facts;
    registry_checkpoint(*registry, 0);
    registry_give_lock(*registry, lock);
    registry_close(*registry);
    *registry = NULL;
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
static sealring_status replace_file(const struct config *config, const char *path, struct registry **restored,
                                    struct registry **live, struct lock *work, char aside[INSTALL_PATH_SIZE],
                                    sealring_error *error)
{
    registry_close(*live);
    *live = NULL;
    sealring_status status = close_whole(restored, work, path, error);
    if (status == SEALRING_OK)
        status = exchange_file(path, config->registry, aside, error);
    if (access(aside, F_OK) != 0)
        aside[0] = '\0';
    if (status == SEALRING_OK)
        status = registry_open(config->registry, config->lock, REGISTRY_READ_WRITE, live, error);
    return status;
}

static sealring_status replace(const struct config *config, const char *path, struct registry **restored,
                               struct registry **live, struct lock *work, struct installing *installing,
                               char aside[INSTALL_PATH_SIZE], sealring_error *error)
{
    struct lock lock = {.descriptor = -1};
    sealring_status status = lock_init(&lock, config->lock, error);
    if (status == SEALRING_OK)
        status = lock_acquire(&lock, LOCK_WAIT_MS, "restore", error);
    if (status == SEALRING_OK && *live != NULL && compare(*live, installing, error) != SEALRING_OK &&
        installing->changed)
        status = SEALRING_REGISTRY;
    if (status == SEALRING_OK)
        status = replace_file(config, path, restored, live, work, aside, error);
    lock_free(&lock);
    return status;
}

sealring_status install_registry(const struct config *config, const char *path, struct registry **restored,
                                 struct registry **live, struct lock *work, const struct install_before *before,
                                 const struct backup_progress *progress, char aside[INSTALL_PATH_SIZE],
                                 sealring_error *error)
{
    struct installing installing = {.aside = aside, .before = before, .progress = progress};
    sealring_status status = choose_aside(config->registry, aside, error);
    if (status != SEALRING_OK)
        return status;
    if (*live != NULL && exchange_content(*restored, *live, &installing, error) == SEALRING_OK) {
        registry_give_lock(*restored, work);
        registry_close(*restored);
        *restored = NULL;
        registry_discard(path);
        return SEALRING_OK;
    }
    if (installing.changed) {
        aside[0] = '\0';
        return SEALRING_REGISTRY;
    }
    return replace(config, path, restored, live, work, &installing, aside, error);
}
