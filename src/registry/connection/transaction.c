/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: functions that may be run again, in one snapshot, atomically. */
#include "registry/connection/handle.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "registry/connection/vault_row.h"

/* Tries before a conflict is reported. SQLite itself waits between them (SQLITE_BUSY_MS); other databases need the pause. */
#define TRANSACTION_TRIES     20
#define TRANSACTION_PAUSE_MAX 50 /* milliseconds */

struct transaction {
    struct registry *registry;
    const struct registry_write *how; /* NULL: read only */
    registry_body body;
    void *context;
    bool skipped; /* the operation was done before */
};

static sealring_status transaction_begin(struct transaction *run, sealring_error *error)
{
    struct registry *registry = run->registry;
    registry->problem = DB_FINE;
    registry->transaction = run->how == NULL ? TRANSACTION_READ : TRANSACTION_WRITE;
    enum db_problem problem = registry->db->driver->begin(registry->db, run->how == NULL ? DB_READS : DB_WRITES);
    if (problem == DB_FINE)
        return SEALRING_OK;
    sealring_status status = handle_problem(registry, problem, error);
    registry->transaction = TRANSACTION_NONE;
    return status;
}

/* Runs the first statements, on which the body may rely, and the body. */
static sealring_status transaction_do(struct transaction *run, sealring_error *error)
{
    struct registry *registry = run->registry;
    if (run->how == NULL) {
        sealring_status status = vault_row_read(registry, error);
        return status != SEALRING_OK ? status : run->body(registry, run->context, error);
    }
    memcpy(registry->operation_id, run->how->operation_id, REGISTRY_ID_SIZE);
    memset(registry->last_id, 0, sizeof registry->last_id);
    sealring_status status = vault_row_lock(registry, run->how->moves_epoch, error);
    if (status == SEALRING_OK)
        status = vault_row_upgrade(registry, error);
    if (status == SEALRING_OK)
        status = registry_audit_has(registry, run->how->operation_id, &run->skipped, error);
    if (status != SEALRING_OK || run->skipped)
        return status;
    return run->body(registry, run->context, error);
}

static sealring_status transaction_finish(struct transaction *run, sealring_status status, sealring_error *error)
{
    struct registry *registry = run->registry;
    const struct db_driver *driver = registry->db->driver;
    if (status == SEALRING_OK && registry->problem != DB_FINE) {
        /* The body ignored a failed statement, so its work is incomplete: no commit. */
        status = handle_fail(registry->path, registry->problem, NULL, error);
    }
    /* A reading transaction has nothing to roll back. */
    bool keep = run->how == NULL || (status == SEALRING_OK && !run->how->dry_run && !run->skipped);
    enum db_problem problem = keep ? driver->commit(registry->db) : DB_FINE;
    if (problem != DB_FINE && status == SEALRING_OK)
        status = handle_problem(registry, problem, error);
    if (!keep || problem != DB_FINE)
        driver->rollback(registry->db);
    registry->transaction = TRANSACTION_NONE;
    registry->walks = 0;
    return status;
}

static void transaction_pause(unsigned attempt)
{
    long milliseconds = attempt < 6 ? 1L << attempt : TRANSACTION_PAUSE_MAX;
    struct timespec pause = {.tv_nsec = milliseconds * 1000000};
    nanosleep(&pause, NULL);
}

static sealring_status transaction_run(struct transaction *run, sealring_error *error)
{
    sealring_error attempt; /* of the last try only: a resolved conflict is not a failure */
    sealring_status status = SEALRING_OK;
    for (unsigned tries = 0; tries < TRANSACTION_TRIES; tries++) {
        attempt.status = SEALRING_OK;
        run->skipped = false;
        status = transaction_begin(run, &attempt);
        if (status == SEALRING_OK)
            status = transaction_finish(run, transaction_do(run, &attempt), &attempt);
        if (status == SEALRING_OK || run->registry->problem != DB_BUSY)
            break;
        transaction_pause(tries);
    }
    if (status != SEALRING_OK && attempt.status != SEALRING_OK && error != NULL)
        *error = attempt;
    return status;
}

/* Transactions do not nest. */
static sealring_status transaction_none_open(const struct registry *registry, sealring_error *error)
{
    if (registry->transaction != TRANSACTION_NONE)
        return error_set(error, SEALRING_INVALID, "the registry has a transaction open already: they do not nest");
    return SEALRING_OK;
}

sealring_status transaction_allowed(struct registry *registry, sealring_error *error)
{
    sealring_status status = transaction_none_open(registry, error);
    if (status != SEALRING_OK)
        return status;
    enum db_problem problem = registry->db->driver->check(registry->db);
    /* Missing or replaced: the open file is not the registry any more. */
    return problem == DB_FINE ? SEALRING_OK : handle_problem(registry, DB_REPLACED, error);
}

sealring_status transaction_read_at_once(struct registry *registry, registry_body body, void *context,
                                         sealring_error *error)
{
    sealring_status status = transaction_none_open(registry, error);
    if (status != SEALRING_OK)
        return status;
    registry->problem = DB_FINE;
    registry->transaction = TRANSACTION_READ;
    status = body(registry, context, NULL);
    registry->transaction = TRANSACTION_NONE;
    return status == SEALRING_OK ? status : registry_read(registry, body, context, error);
}

sealring_status registry_read(struct registry *registry, registry_body body, void *context, sealring_error *error)
{
    sealring_status status = transaction_allowed(registry, error);
    if (status != SEALRING_OK)
        return status;
    struct transaction run = {registry, NULL, body, context, false};
    return transaction_run(&run, error);
}

sealring_status registry_write(struct registry *registry, const struct registry_write *how, registry_body body,
                               void *context, sealring_error *error)
{
    static const uint8_t none[REGISTRY_ID_SIZE];
    if (registry->mode != REGISTRY_READ_WRITE)
        return error_set(error, SEALRING_INVALID, "the registry %s was opened for reading only", registry->path);
    if (!lock_held(&registry->lock)) {
        return error_set(error, SEALRING_INVALID,
                         "the registry %s is written under the vault's lock only: it is not held", registry->path);
    }
    if (memcmp(how->operation_id, none, sizeof none) == 0)
        return error_set(error, SEALRING_INVALID, "a change to the registry needs an operation ID: it is all zero");
    sealring_status status = transaction_allowed(registry, error);
    if (status != SEALRING_OK)
        return status;
    struct transaction run = {registry, how, body, context, false};
    return transaction_run(&run, error);
}

const struct registry_vault *registry_vault_row(const struct registry *registry)
{
    return &registry->vault;
}
