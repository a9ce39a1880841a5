/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a registry handle, and the errors for problems of the database. For the files of this folder. */
#ifndef REGISTRY_CONNECTION_HANDLE_H
#define REGISTRY_CONNECTION_HANDLE_H

#include <sys/types.h>

#include "base/sha256.h"
#include "registry/connection/registry.h"
#include "registry/driver/driver.h"
#include "registry/lock/lock.h"

enum transaction_kind { TRANSACTION_NONE, TRANSACTION_READ, TRANSACTION_WRITE };

/* In SQL: facts contain values. They begin with one about no ring. */
#define FACTS_BEGINNING "SELECT 1 FROM closed_fact b WHERE b.kind = 2 AND b.ring_id = zeroblob(16)"
#define FACTS_BEGUN     "EXISTS (" FACTS_BEGINNING ")"

struct registry {
    struct db *db;
    char *path; /* absolute; symbolic links are not resolved, so that a changed link is noticed */
    enum registry_mode mode;
    pid_t process;           /* that opened it */
    const char *trusted_key; /* registry_trust_key; NULL: none */
    struct lock lock;

    enum transaction_kind transaction;
    enum db_problem problem; /* of the transaction, the first one: only a rollback is possible then */
    unsigned cursors;        /* open ones */
    uint64_t run;            /* changes when a try of a transaction begins or ends */
    struct registry_vault vault;
    char altered[REGISTRY_ALTERED_SIZE];     /* registry_altered */
    bool refused_altered;                    /* registry_refused_altered */
    bool altered_strange;                    /* it was not just missing */
    char corrected[REGISTRY_CORRECTED_SIZE]; /* registry_corrected */
    bool without_triggers;                   /* in this transaction */
    bool closes;                             /* this transaction added closed facts; the last one has: */
    uint64_t closed_count;
    uint8_t closed_hash[SHA256_SIZE];
    uint8_t operation_id[REGISTRY_ID_SIZE]; /* of the writing transaction */
    registry_row_callback watcher;          /* registry_watch_rows */
    void *watcher_context;
    registry_check check; /* registry_watch_changes; NULL: none */
    void *check_context;
    int64_t checked_version; /* of the database, when `check` was content */
    char *unpacked;          /* the detail of the audit entry that was read last, if it is stored deflated */
};

/* Called after every insert and update of a row that is reported (registry.h), with the statement's status and the row. Returns
 * `status`. */
sealring_status handle_tell(const struct registry *registry, sealring_status status, enum registry_table table,
                            const void *row);

/* Writes the error for a problem with the registry at `path`, and returns its status. failure may be NULL. */
sealring_status handle_fail(const char *path, enum db_problem problem, const struct db_failure *failure,
                            sealring_error *error);

/* The same for a result of an open connection, SEALRING_OK for DB_FINE. Records a problem, so that the transaction cannot be committed. */
sealring_status handle_problem(struct registry *registry, enum db_problem problem, sealring_error *error);

/* Before a transaction, or a copy: checks that none is open, and that the path still leads to the open file. In transaction.c. */
sealring_status transaction_allowed(struct registry *registry, sealring_error *error);

/* A reading transaction that is a single statement, which is a transaction by itself: no BEGIN, no COMMIT, no check of the path, no
 * error message. If it fails, the loop runs again as registry_reading, which handles retries and messages. */
struct registry_transaction transaction_reading_at_once(struct registry *registry, sealring_error *error);

/* Another number than before in this connection shows that another connection has committed meanwhile. */
sealring_status transaction_data_version(struct registry *registry, int64_t *version, sealring_error *error);

/* Before a commit: SEALRING_REGISTRY unless the closed facts end with the last one that this transaction added. In
 * registry/rows/closed_facts.c. */
sealring_status closed_confirm(struct registry *registry, sealring_error *error);

/* In a new registry, or when it is upgraded: from now on facts contain values. In registry/rows/facts_begin.c. */
sealring_status facts_begin(struct registry *registry, sealring_error *error);

/* Returns whether an entry with the operation ID exists. In registry/log/entry_rows.c. */
sealring_status registry_audit_has(struct registry *registry, const uint8_t operation_id[REGISTRY_ID_SIZE], bool *there,
                                   sealring_error *error);

#endif
