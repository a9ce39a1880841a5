/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: create, open, lock, checkpoint, close. */
#include "registry/connection/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/error.h"
#include "base/file.h"
#include "base/fork.h"
#include "registry/connection/filesystem.h"
#include "registry/connection/handle.h"
#include "registry/connection/opened.h"
#include "registry/connection/vault_row.h"
#include "registry/driver/sqlite.h"

/* Makes the path absolute, so that a later chdir does not affect the comparison with the open file. */
static char *registry_absolute(const char *path)
{
    if (path[0] == '/')
        return strdup(path);
    char *directory = getcwd(NULL, 0);
    if (directory == NULL)
        return NULL;
    char *absolute;
    if (asprintf(&absolute, "%s/%s", directory, path) < 0)
        absolute = NULL;
    free(directory);
    return absolute;
}

static sealring_status registry_new(const char *path, enum registry_mode mode, struct registry **made,
                                    sealring_error *error)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL)
        return error_no_memory(error);
    registry->lock.descriptor = -1;
    registry->mode = mode;
    registry->process = fork_process();
    registry->path = registry_absolute(path);
    sealring_status status = SEALRING_OK;
    if (registry->path == NULL)
        status = error_set_system(error, errno, "cannot tell where %s is", path);
    else if (!opened_add(registry))
        status = error_no_memory(error);
    if (status != SEALRING_OK)
        registry_close(registry);
    else
        *made = registry;
    return status;
}

/* Returns whether a forked child inherited a connection that a thread of its parent was using: its memory may be inconsistent, so it is
 * left as it is. An idle connection has nothing to write or to undo, and closing it releases no locks but the child's own (fcntl(2)).
 * It must be closed: SQLite notes the locks that a process holds on a file, and a child inherits the notes, but not the locks. */
static bool registry_must_abandon(const struct registry *registry)
{
    return registry->transaction != TRANSACTION_NONE && registry->process != fork_process();
}

static void registry_close_database(struct registry *registry)
{
    if (registry->db != NULL && registry_must_abandon(registry))
        registry->db->driver->abandon(registry->db);
    else if (registry->db != NULL)
        registry->db->driver->close(registry->db);
    registry->db = NULL;
}

void registry_close(struct registry *registry)
{
    if (registry == NULL)
        return;
    opened_remove(registry);
    lock_free(&registry->lock);
    registry_close_database(registry);
    free(registry->path);
    free(registry->unpacked);
    free(registry);
}

/* ---- Creating ------------------------------------------------------------------------------------------------------- */

/* The directory of `path`. The caller frees it. */
static char *registry_directory(const char *path)
{
    char *directory = strdup(path);
    if (directory != NULL) {
        char *slash = strrchr(directory, '/');
        slash[slash == directory ? 1 : 0] = '\0';
    }
    return directory;
}

/* Ensures that the new name in the directory survives a power loss. */
static sealring_status registry_sync_directory(const char *directory, sealring_error *error)
{
    int problem = file_sync_directory(directory);
    return problem == 0 ? SEALRING_OK : error_set_system(error, problem, "cannot write the directory %s", directory);
}

static sealring_status registry_check_new(const struct registry_vault *vault, struct registry_vault *complete,
                                          sealring_error *error)
{
    static const uint8_t none[REGISTRY_ID_SIZE];
    *complete = *vault;
    if (memcmp(vault->era, none, sizeof none) == 0 && RAND_bytes(complete->era, sizeof complete->era) != 1)
        return error_set(error, SEALRING_SYSTEM, "no random bytes for the registry's era");
    complete->schema = REGISTRY_SCHEMA;
    complete->min_reader = vault->min_reader == 0 ? 1 : vault->min_reader;
    complete->min_writer = vault->min_writer == 0 ? 1 : vault->min_writer;
    return SEALRING_OK;
}

/* Fills the empty database, in its open transaction, and commits. */
static sealring_status registry_fill(struct registry *registry, const struct registry_vault *vault,
                                     sealring_error *error)
{
    registry->transaction = TRANSACTION_WRITE;
    sealring_status status = vault_row_insert(registry, vault, error);
    if (status == SEALRING_OK)
        status = facts_begin(registry, error);
    if (status == SEALRING_OK)
        status = handle_problem(registry, registry->db->driver->commit(registry->db), error);
    registry->transaction = TRANSACTION_NONE;
    return status;
}

sealring_status registry_create(const char *path, const struct registry_vault *vault, sealring_error *error)
{
    const struct db_driver *driver = &sqlite_driver;
    struct registry *registry = NULL;
    struct registry_vault complete;
    char *directory = NULL;
    bool made = false;
    sealring_status status = registry_check_new(vault, &complete, error);
    if (status == SEALRING_OK)
        status = registry_new(path, REGISTRY_READ_WRITE, &registry, error);
    if (status != SEALRING_OK)
        return status;
    directory = registry_directory(registry->path);
    if (directory == NULL) {
        status = error_no_memory(error);
        goto cleanup;
    }
    status = filesystem_check(directory, error);
    if (status != SEALRING_OK)
        goto cleanup;
    struct db_failure failure;
    enum db_problem problem = driver->create(registry->path, &registry->db, &failure);
    if (problem != DB_FINE) {
        status = handle_fail(registry->path, problem, &failure, error);
        goto cleanup;
    }
    made = true;
    status = registry_fill(registry, &complete, error);
    if (status == SEALRING_OK) {
        driver->checkpoint(registry->db, 0);
        status = registry_sync_directory(directory, error);
    }

cleanup:
    if (made && status != SEALRING_OK) {
        driver->close(registry->db);
        registry->db = NULL;
        driver->discard(registry->path);
    }
    registry_close(registry);
    free(directory);
    return status;
}

/* ---- Opening -------------------------------------------------------------------------------------------------------- */

/* The first transaction reads the vault row, which shows whether this program can read the rest. For a writer it compares the schema, before any
 * statement was prepared that would have to be prepared again. */
static sealring_status registry_look(struct registry *registry, bool compares, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    reading.compares = compares;
    do {
        registry_begin(&reading, &status);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status registry_look_schema(struct registry *registry, sealring_error *error)
{
    return registry_look(registry, true, error);
}

sealring_status registry_open(const char *path, const char *lock_path, enum registry_mode mode,
                              struct registry **opened, sealring_error *error)
{
    struct registry *registry = NULL;
    struct db_failure failure;
    enum db_access access = mode != REGISTRY_READ_ONLY ? DB_WRITES : DB_READS;
    *opened = NULL;
    if (mode != REGISTRY_READ_ONLY && lock_path == NULL)
        return error_set(error, SEALRING_INVALID, "a registry to be written needs a lock file");
    opened_each_inherited(registry_close_database); /* the handles themselves stay with their owners */
    sealring_status status = registry_new(path, mode, &registry, error);
    if (status != SEALRING_OK)
        return status;
    status = filesystem_check(registry->path, error);
    if (status != SEALRING_OK)
        goto cleanup;
    enum db_problem problem = sqlite_driver.open(registry->path, access, &registry->db, &failure);
    if (problem != DB_FINE) {
        status = handle_fail(registry->path, problem, &failure, error);
        goto cleanup;
    }
    status = lock_init(&registry->lock, mode != REGISTRY_READ_ONLY ? lock_path : NULL, error);
    if (status == SEALRING_OK)
        status = registry_look(registry, mode != REGISTRY_READ_ONLY, error);
    if (status == SEALRING_OK && mode != REGISTRY_READ_ONLY)
        status = vault_row_check_writer(registry, error);

cleanup:
    if (status != SEALRING_OK) {
        registry_close(registry);
        return status;
    }
    *opened = registry;
    return SEALRING_OK;
}

void registry_trust_key(struct registry *registry, const char *vkey)
{
    registry->trusted_key = vkey != NULL && vkey[0] != '\0' ? vkey : NULL;
}

const char *registry_trusted_key(const struct registry *registry)
{
    return registry->trusted_key;
}

/* ---- Lock and log --------------------------------------------------------------------------------------------------- */

sealring_status registry_lock(struct registry *registry, int64_t wait_ms, const char *purpose, sealring_error *error)
{
    return lock_acquire(&registry->lock, wait_ms, purpose, error);
}

void registry_unlock(struct registry *registry)
{
    lock_release(&registry->lock);
}

bool registry_is_locked(const struct registry *registry)
{
    return lock_held(&registry->lock);
}

struct lock *registry_lock_of(struct registry *registry)
{
    return &registry->lock;
}

static void registry_pass_lock(struct lock *from, struct lock *to)
{
    lock_release(to);
    to->descriptor = from->descriptor;
    to->process = from->process;
    from->descriptor = -1;
}

void registry_take_lock(struct registry *registry, struct lock *held)
{
    registry_pass_lock(held, &registry->lock);
}

void registry_give_lock(struct registry *registry, struct lock *taken)
{
    registry_pass_lock(&registry->lock, taken);
}

void registry_checkpoint(struct registry *registry, int pages)
{
    if (lock_held(&registry->lock) && registry->transaction == TRANSACTION_NONE) {
        registry->transaction = TRANSACTION_WRITE; /* busy, for a child that is forked meanwhile */
        registry->db->driver->checkpoint(registry->db, pages);
        registry->transaction = TRANSACTION_NONE;
    }
}

void registry_copy_log(struct registry *registry, int pages)
{
    if (registry->mode != REGISTRY_READ_ONLY && registry->transaction == TRANSACTION_NONE) {
        registry->transaction = TRANSACTION_WRITE;
        registry->db->driver->copy_log(registry->db, pages);
        registry->transaction = TRANSACTION_NONE;
    }
}
