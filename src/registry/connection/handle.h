/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry handle holds, and how problems of the database become errors. For the files of this folder. */
#ifndef REGISTRY_CONNECTION_HANDLE_H
#define REGISTRY_CONNECTION_HANDLE_H

#include <sys/types.h>

#include "registry/connection/registry.h"
#include "registry/driver/driver.h"
#include "registry/lock/lock.h"

enum registry_transaction { TRANSACTION_NONE, TRANSACTION_READ, TRANSACTION_WRITE };

/* Tables whose rows are numbered by the registry. */
enum registry_numbered { NUMBERED_RING, NUMBERED_CLIENT, NUMBERED_KEY, NUMBERED_INTENTION, NUMBERED_COUNT };

struct registry {
    struct db *db;
    char *path; /* absolute; symbolic links are not resolved, so that one that is turned elsewhere is noticed */
    enum registry_mode mode;
    pid_t process; /* the one that opened it */
    struct lock lock;

    enum registry_transaction transaction;
    enum db_problem problem; /* the transaction's first; it can only be rolled back then */
    unsigned walks;          /* *_each that are under way */
    struct registry_vault vault;
    uint8_t operation_id[REGISTRY_ID_SIZE]; /* of the writing transaction */
    int64_t last_id[NUMBERED_COUNT];        /* the highest in the writing transaction, 0: not asked for yet */
    registry_row_callback watcher;          /* registry_watch_rows */
    void *watcher_context;
};

/* For every insert and update of a row that is told of (registry.h): how the statement ended, and the row. Returns `status`. */
sealring_status handle_tell(const struct registry *registry, sealring_status status, enum registry_table table,
                            const void *row);

/* Writes the error that a problem with the registry at `path` means, and returns its status. failure may be NULL. */
sealring_status handle_fail(const char *path, enum db_problem problem, const struct db_failure *failure,
                            sealring_error *error);

/* The same for a problem of an open connection; remembers it, so that the transaction cannot be committed. */
sealring_status handle_problem(struct registry *registry, enum db_problem problem, sealring_error *error);

/* What every transaction asks first, in transaction.c: none is open, and the file is still the one that was opened. */
sealring_status transaction_allowed(struct registry *registry, sealring_error *error);

/* Runs a body that is one reading statement, which is a transaction by itself: no BEGIN, no COMMIT, and the path is
 * not looked at. Fails that, the body is run again as registry_read does it, which knows when to try again and what
 * to say. */
sealring_status transaction_read_at_once(struct registry *registry, registry_body body, void *context,
                                         sealring_error *error);

/* Whether an entry with the operation ID is there, in audit.c. */
sealring_status registry_audit_has(struct registry *registry, const uint8_t operation_id[REGISTRY_ID_SIZE], bool *there,
                                   sealring_error *error);

#endif
