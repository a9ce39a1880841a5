/* SPDX-License-Identifier: Apache-2.0 */
/* A whole registry: copies it into a file, replaces it from another one, and checks it. */
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

void registry_discard(const char *path)
{
    sqlite_driver.discard(path);
}
