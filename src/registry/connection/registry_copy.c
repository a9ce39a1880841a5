/* SPDX-License-Identifier: Apache-2.0 */
/* A whole registry: copies it into a file, replaces it from another one, checks it, and restores missing parts of its schema. */
#include "registry/connection/registry_copy.h"

#include "base/error.h"
#include "registry/connection/handle.h"
#include "registry/driver/sqlite.h"

sealring_status registry_copy_out(struct registry *registry, const char *path, const struct db_copying *copying,
                                  sealring_error *error)
{
    struct db_failure failure = {0};
    if (registry->transaction == TRANSACTION_NONE)
        return error_set(error, SEALRING_INVALID, "a registry is copied as a transaction sees it: there is none");
    enum db_problem problem = registry->db->driver->copy_out(registry->db, path, copying, &failure);
    return problem == DB_FINE ? SEALRING_OK : handle_fail(path, problem, &failure, error);
}

sealring_status registry_copy_in(struct registry *registry, struct registry *from, const struct db_copying *copying,
                                 sealring_error *error)
{
    struct db_failure failure = {0};
    if (!lock_held(&registry->lock)) {
        return error_set(error, SEALRING_INVALID, "the registry %s is written under the vault's lock only",
                         registry->path);
    }
    sealring_status status = transaction_allowed(registry, error);
    if (status == SEALRING_OK)
        status = transaction_allowed(from, error);
    if (status != SEALRING_OK)
        return status;
    registry->transaction = TRANSACTION_WRITE; /* busy, for a child that is forked meanwhile */
    from->transaction = TRANSACTION_READ;
    enum db_problem problem = registry->db->driver->copy_in(registry->db, from->db, copying, &failure);
    registry->transaction = TRANSACTION_NONE;
    from->transaction = TRANSACTION_NONE;
    return problem == DB_FINE ? SEALRING_OK : handle_fail(registry->path, problem, &failure, error);
}

sealring_status registry_sound(struct registry *registry, sealring_error *error)
{
    struct db_failure failure = {0};
    sealring_status status = transaction_allowed(registry, error);
    if (status != SEALRING_OK)
        return status;
    registry->transaction = TRANSACTION_READ;
    enum db_problem problem = registry->db->driver->sound(registry->db, &failure);
    registry->transaction = TRANSACTION_NONE;
    return problem == DB_FINE ? SEALRING_OK : handle_fail(registry->path, problem, &failure, error);
}

sealring_status registry_examine(struct registry *registry, db_flaw_callback each, void *context, sealring_error *error)
{
    if (registry->transaction == TRANSACTION_NONE)
        return error_set(error, SEALRING_INVALID, "the registry was to be examined outside of a transaction");
    return handle_problem(registry, registry->db->driver->examine(registry->db, each, context), error);
}

sealring_status registry_complete(struct registry *registry, const char *name, sealring_error *error)
{
    if (registry->transaction != TRANSACTION_WRITE)
        return error_set(error, SEALRING_INVALID, "the registry was asked for a change in a reading transaction");
    return handle_problem(registry, registry->db->driver->complete(registry->db, name), error);
}

void registry_discard(const char *path)
{
    sqlite_driver.discard(path);
}
