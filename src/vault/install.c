/* SPDX-License-Identifier: Apache-2.0 */
/* A restored registry put in the vault's place, while verifiers run; the one that was there is kept. */
#include "vault/install.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "registry/copy.h"
#include "registry/lock.h"

/* What SQLite keeps beside a database; all of it goes where that goes. */
static const char *const companions[] = {"", "-wal", "-shm", "-journal"};

struct installing {
    const char *aside;
    const struct backup_progress *progress;
};

/* Here nothing is stopped any more. */
static bool copied(uint64_t done, uint64_t total, void *context)
{
    const struct installing *installing = context;
    (void)backup_progress(installing->progress, "installing", done, total, NULL);
    return true;
}

/* A name with the time that nothing has yet. */
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

/* ---- Into the file that is there: one transaction, which readers see whole or not at all, and a crash undoes ---- */

static sealring_status keep(struct registry *registry, void *context, sealring_error *error)
{
    struct installing *installing = context;
    struct db_copying copying = {copied, installing};
    return registry_copy_out(registry, installing->aside, &copying, error);
}

static sealring_status exchange_content(struct registry *restored, struct registry *live, struct installing *installing,
                                        sealring_error *error)
{
    struct db_copying copying = {copied, installing};
    struct lock lock = {.descriptor = -1};
    sealring_status status = registry_read(live, keep, installing, error);
    if (status != SEALRING_OK)
        return status;
    status = backup_file_sync_names(installing->aside, error);
    registry_give_lock(restored, &lock);
    registry_take_lock(live, &lock);
    if (status == SEALRING_OK)
        status = registry_copy_in(live, restored, &copying, error);
    if (status == SEALRING_OK) {
        registry_checkpoint(live, 0);
        return SEALRING_OK;
    }
    registry_give_lock(live, &lock);
    registry_take_lock(restored, &lock);
    registry_discard(installing->aside);
    return status;
}

/* ---- Another file in its place: for one that is missing, damaged, or has no room to grow ---- */

static sealring_status move(const char *from, const char *to, const char *companion, sealring_error *error)
{
    char old[INSTALL_PATH_SIZE + 16], new[INSTALL_PATH_SIZE + 16];
    snprintf(old, sizeof old, "%s%s", from, companion);
    snprintf(new, sizeof new, "%s%s", to, companion);
    if (rename(old, new) == 0 || errno == ENOENT)
        return SEALRING_OK;
    return error_set_system(error, errno, "%s cannot be renamed", old);
}

/* The database first: from then on nobody finds it, so that nobody makes a log anew that would be taken for the restored one's. Killed in
 * between there is no registry, which everybody says loudly, and restoring once more mends. */
static sealring_status exchange_file(const char *path, const char *registry, const char *aside, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < sizeof companions / sizeof *companions; i++)
        status = move(registry, aside, companions[i], error);
    if (status == SEALRING_OK && rename(path, registry) != 0)
        status = error_set_system(error, errno, "%s cannot be renamed", path);
    return status == SEALRING_OK ? backup_file_sync_names(registry, error) : status;
}

/* Closed with all of it in its one file. */
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

static sealring_status replace(const struct config *config, const char *path, struct registry **restored,
                               struct registry **live, char aside[INSTALL_PATH_SIZE], sealring_error *error)
{
    struct lock lock = {.descriptor = -1};
    registry_close(*live);
    *live = NULL;
    sealring_status status = close_whole(restored, &lock, path, error);
    if (status == SEALRING_OK)
        status = exchange_file(path, config->registry, aside, error);
    if (access(aside, F_OK) != 0)
        aside[0] = '\0';
    if (status == SEALRING_OK)
        status = registry_open(config->registry, config->lock, REGISTRY_READ_WRITE, live, error);
    if (status == SEALRING_OK)
        registry_take_lock(*live, &lock);
    else
        lock_release(&lock);
    return status;
}

sealring_status install_registry(const struct config *config, const char *path, struct registry **restored,
                                 struct registry **live, const struct backup_progress *progress,
                                 char aside[INSTALL_PATH_SIZE], sealring_error *error)
{
    struct installing installing = {aside, progress};
    sealring_status status = choose_aside(config->registry, aside, error);
    if (status != SEALRING_OK)
        return status;
    if (*live != NULL && exchange_content(*restored, *live, &installing, NULL) == SEALRING_OK) {
        registry_close(*restored);
        *restored = NULL;
        registry_discard(path);
        return SEALRING_OK;
    }
    return replace(config, path, restored, live, aside, error);
}
