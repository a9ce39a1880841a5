/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: loops that run again after a conflict, in one snapshot, atomically. */
#include "registry/connection/handle.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "registry/connection/schema_check.h"
#include "registry/connection/vault_row.h"

/* Tries before a conflict is reported. SQLite itself waits between them (SQLITE_BUSY_MS); other databases need the pause. */
#define TRANSACTION_TRIES     20
#define TRANSACTION_PAUSE_MAX 50 /* milliseconds */

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
    return handle_problem(registry, problem == DB_FINE ? DB_FINE : DB_REPLACED, error);
}

static sealring_status transaction_check(const struct registry_transaction *transaction)
{
    static const uint8_t none[REGISTRY_ID_SIZE];
    struct registry *registry = transaction->registry;
    sealring_error *error = transaction->error;
    if (registry->process != fork_process())
        return error_set(error, SEALRING_INVALID, "this process was forked after the vault was opened: open it again");
    if (transaction->writes && registry->mode == REGISTRY_READ_ONLY)
        return error_set(error, SEALRING_INVALID, "the registry %s was opened for reading only", registry->path);
    if (transaction->writes && !lock_held(&registry->lock)) {
        return error_set(error, SEALRING_INVALID,
                         "the registry %s is written under the vault's lock only: it is not held", registry->path);
    }
    if (transaction->writes && memcmp(transaction->how.operation_id, none, sizeof none) == 0)
        return error_set(error, SEALRING_INVALID, "a change to the registry needs an operation ID: it is all zero");
    return transaction->at_once || transaction->tries > 0 ? transaction_none_open(registry, error)
                                                          : transaction_allowed(registry, error);
}

/* SQLite: another number than before in this connection shows that another connection has committed meanwhile. */
static const struct db_query data_version = {"PRAGMA data_version", false};

static void read_version(struct query *query, void *version)
{
    *(int64_t *)version = query_int64(query);
}

sealring_status transaction_data_version(struct registry *registry, int64_t *version, sealring_error *error)
{
    bool found;
    *version = 0;
    return query_find(registry, &data_version, NULL, read_version, version, &found, error);
}

static sealring_status check_changes(struct registry *registry, sealring_error *error)
{
    int64_t version;
    if (registry->check == NULL)
        return SEALRING_OK;
    sealring_status status = transaction_data_version(registry, &version, error);
    if (status == SEALRING_OK && version != registry->checked_version)
        status = registry->check(registry->check_context, error);
    if (status == SEALRING_OK)
        registry->checked_version = version;
    return status;
}

sealring_status registry_watch_changes(struct registry *registry, registry_check check, void *context,
                                       sealring_error *error)
{
    registry->check = check;
    registry->check_context = context;
    return check == NULL ? SEALRING_OK : transaction_data_version(registry, &registry->checked_version, error);
}

/* Runs the first statements, on which the rest may rely. */
static sealring_status transaction_prepare(struct registry_transaction *transaction)
{
    struct registry *registry = transaction->registry;
    sealring_error *error = transaction->error;
    if (!transaction->writes) {
        sealring_status read = transaction->compares ? schema_check_reading(registry, error) : SEALRING_OK;
        if (read == SEALRING_OK)
            read = vault_row_read(registry, error);
        return read == SEALRING_OK ? check_changes(registry, error) : read;
    }
    memcpy(registry->operation_id, transaction->how.operation_id, REGISTRY_ID_SIZE);
    registry->closes = false;
    registry->corrected[0] = '\0';
    sealring_status status = schema_check_writing(registry, transaction->how.schema, error);
    if (status == SEALRING_OK)
        status = vault_row_lock(registry, transaction->how.moves_epoch, error);
    if (status == SEALRING_OK)
        status = registry_audit_has(registry, registry->operation_id, &transaction->skipped, error);
    if (transaction->skipped && transaction->how.moves_epoch)
        registry->vault.epoch--; /* it was increased when the operation was done */
    return status == SEALRING_OK ? check_changes(registry, error) : status;
}

static sealring_status transaction_begin(struct registry_transaction *transaction)
{
    struct registry *registry = transaction->registry;
    const struct db_driver *driver = registry->db->driver;
    registry->problem = DB_FINE;
    registry->cursors = 0;
    registry->run++;
    registry->transaction = transaction->writes ? TRANSACTION_WRITE : TRANSACTION_READ;
    if (transaction->at_once)
        return SEALRING_OK;
    enum db_problem problem = driver->begin(registry->db, transaction->writes ? DB_WRITES : DB_READS);
    transaction->began = problem == DB_FINE;
    return problem == DB_FINE ? transaction_prepare(transaction)
                              : handle_problem(registry, problem, transaction->error);
}

/* Reads again what verifiers and later acts depend on. Success is not reported for what the database did not keep. */
static sealring_status transaction_confirm(struct registry *registry, sealring_error *error)
{
    sealring_status status = vault_row_confirm(registry, error);
    return status == SEALRING_OK ? closed_confirm(registry, error) : status;
}

static sealring_status transaction_finish(struct registry_transaction *transaction, sealring_status status)
{
    struct registry *registry = transaction->registry;
    const struct db_driver *driver = registry->db->driver;
    if (status == SEALRING_OK && registry->problem != DB_FINE) {
        /* A failed statement was ignored, so the work is incomplete: no commit. */
        status = handle_fail(registry->path, registry->problem, NULL, transaction->error);
    }
    if (registry->cursors > 0) {
        if (status == SEALRING_OK)
            status = error_set(transaction->error, SEALRING_INVALID,
                               "a cursor on the registry %s is open at the end of a transaction", registry->path);
        driver->reset(registry->db);
    }
    if (!transaction->began)
        return status;
    if (transaction->writes && status == SEALRING_OK && !transaction->skipped)
        status = transaction_confirm(registry, transaction->error);
    /* A reading transaction has nothing to roll back. */
    bool keep = !transaction->writes || (status == SEALRING_OK && !transaction->how.dry_run && !transaction->skipped);
    enum db_problem problem = keep ? driver->commit(registry->db) : DB_FINE;
    if (problem != DB_FINE && status == SEALRING_OK)
        status = handle_problem(registry, problem, transaction->error);
    if (!keep || problem != DB_FINE)
        driver->rollback(registry->db);
    schema_check_end(registry);
    return status;
}

struct registry_transaction registry_reading(struct registry *registry, sealring_error *error)
{
    struct registry_transaction transaction = {.registry = registry, .error = error};
    if (error != NULL)
        transaction.before = *error;
    return transaction;
}

struct registry_transaction registry_writing(struct registry *registry, const struct registry_write *how,
                                             sealring_error *error)
{
    struct registry_transaction transaction = registry_reading(registry, error);
    transaction.writes = true;
    transaction.how = *how;
    return transaction;
}

struct registry_transaction transaction_reading_at_once(struct registry *registry, sealring_error *error)
{
    struct registry_transaction transaction = registry_reading(registry, error);
    transaction.at_once = true;
    return transaction;
}

bool registry_begin(struct registry_transaction *transaction, sealring_status *status)
{
    transaction->began = false;
    transaction->skipped = false;
    *status = transaction_check(transaction);
    transaction->open = *status == SEALRING_OK;
    if (transaction->open)
        *status = transaction_begin(transaction);
    return *status == SEALRING_OK && !transaction->skipped;
}

bool registry_again(struct registry_transaction *transaction, sealring_status *status)
{
    struct registry *registry = transaction->registry;
    if (!transaction->open)
        return false;
    *status = transaction_finish(transaction, *status);
    registry->transaction = TRANSACTION_NONE;
    registry->run++;
    transaction->open = false;
    bool at_once = transaction->at_once;
    transaction->at_once = false;
    if (*status == SEALRING_OK ||
        (!at_once && (registry->problem != DB_BUSY || ++transaction->tries == TRANSACTION_TRIES)))
        return false;
    if (transaction->error != NULL)
        *transaction->error = transaction->before;
    if (!at_once)
        clock_sleep(transaction->tries <= 6 ? 1L << (transaction->tries - 1) : TRANSACTION_PAUSE_MAX);
    return true;
}

const struct registry_vault *registry_vault_row(const struct registry *registry)
{
    return &registry->vault;
}
