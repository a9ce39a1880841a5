/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: one file (or database), its lock, its transactions. */
#ifndef REGISTRY_CONNECTION_REGISTRY_H
#define REGISTRY_CONNECTION_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "registry/connection/cursor.h"

#define REGISTRY_ID_SIZE 16
#define REGISTRY_SCHEMA  3 /* what this library writes, and the newest that it can read */
#define REGISTRY_MIN_READER \
    3 /* the oldest library that reads it correctly: since 3, suspensions, narrowings and labels are facts */
#define REGISTRY_MIN_WRITER 3 /* and that writes it correctly */

struct registry; /* one connection, for one thread at a time */

/* The vault's single row. */
struct registry_vault {
    uint8_t vault_id[REGISTRY_ID_SIZE];
    uint8_t era[REGISTRY_ID_SIZE]; /* random; replaced by every restore and take-over */
    uint64_t epoch;                /* counts changes that can alter a verdict */
    int schema;
    int min_reader; /* the oldest schema number whose readers can read this registry */
    int min_writer;
    int64_t lease_ms;
    int64_t refresh_ms;
    int64_t created;
    size_t object_id_length; /* the token's abilities, from token_probe */
    bool token_closes_keys;
    bool facts_begun; /* facts contain values, and claims the label: set by registry_facts_begun only */
    bool
        era_in_force; /* no verifier follows another era any more: after a restore or a take-over one has to wait for it */
};

/* An older schema is refused, except by REGISTRY_UPGRADE, whose writing transactions add what is missing first. */
enum registry_mode { REGISTRY_READ_ONLY, REGISTRY_READ_WRITE, REGISTRY_UPGRADE };

/* Creates the file (0640 less umask) with the vault row. If era is all zero, it is made with OpenSSL's RAND_bytes. SEALRING_REFUSED if
 * the file exists; SEALRING_REGISTRY on a network file system. */
sealring_status registry_create(const char *path, const struct registry_vault *vault, sealring_error *error);

/* Opens it. lock_path: the vault's lock file, made if missing (0600), for REGISTRY_READ_WRITE only, else NULL. SEALRING_REGISTRY: the
 * message distinguishes missing, not a registry, newer than this program, corrupt, unreadable. */
sealring_status registry_open(const char *path, const char *lock_path, enum registry_mode mode,
                              struct registry **opened, sealring_error *error);
/* In a forked child, an inherited handle may only be passed to registry_close. A child must close all inherited handles of a registry
 * before it opens that registry itself, or SQLite takes its parent's locks for the child's. */
void registry_close(struct registry *registry);

/* The key that verifies this registry's checkpoints, from a place where the registry's writer cannot write: it counts, whatever the registry's own
 * row contains (registry_audit_key_find). Borrowed: it must outlive the handle. NULL or "": the row counts. */
void registry_trust_key(struct registry *registry, const char *vkey);
const char *registry_trusted_key(const struct registry *registry); /* NULL: none */

struct lock;

/* The registry's lock (flock on lock_path). Every writer holds it, for one commit; the vault's other lock (manage/session/manager.h)
 * keeps several commits together. Waits at most wait_ms. SEALRING_REGISTRY with the holder's name if the lock is not available. Not
 * recursive. */
sealring_status registry_lock(struct registry *registry, int64_t wait_ms, const char *purpose, sealring_error *error);
void registry_unlock(struct registry *registry);
bool registry_is_locked(const struct registry *registry); /* by this handle */

/* The lock itself, to set what it yields to and the callback for waiting (registry/lock/lock.h). */
struct lock *registry_lock_of(struct registry *registry);

/* The lock belongs to the vault, not to a handle: its holder may pass it to the handle that writes next, and take it back. */
void registry_take_lock(struct registry *registry, struct lock *held);
void registry_give_lock(struct registry *registry, struct lock *taken);

/* A transaction is a loop in the caller's function:
 *
 *     struct registry_transaction reading = registry_reading(registry, error);
 *     do {
 *         if (registry_begin(&reading, &status))
 *             status = …;
 *     } while (registry_again(&reading, &status));
 *
 * It runs again after a conflict with another transaction. So what is inside may only change the registry and overwrite the caller's
 * outputs; it must not call the token, and all cursors must be closed at its end. Any status but SEALRING_OK rolls back and is the
 * result. The members belong to transaction.c. */
enum registry_schema_need {
    REGISTRY_SCHEMA_EXACT,     /* an altered schema is refused: SEALRING_REGISTRY */
    REGISTRY_SCHEMA_UNTRUSTED, /* a restriction or a repair: goes on, and no trigger runs */
    REGISTRY_SCHEMA_CORRECTION /* as EXACT, and no trigger runs: rows that were edited to a final state become what the facts contain */
};
struct registry_write {
    uint8_t operation_id[REGISTRY_ID_SIZE];
    bool moves_epoch;
    bool dry_run;
    enum registry_schema_need schema;
};
struct registry_transaction {
    struct registry *registry;
    bool writes;
    struct registry_write how;
    sealring_error *error;
    sealring_error before; /* *error before the first try: a conflict that was resolved leaves no message */
    unsigned tries;
    bool at_once;  /* one statement, which is a transaction by itself */
    bool compares; /* a reading one that compares the schema */
    bool open;     /* since registry_begin, until registry_again ends the try */
    bool began;    /* the database began it */
    bool skipped;  /* the operation was done before */
};

/* Runs in a transaction, before the work that it was begun for. */
typedef sealring_status (*registry_check)(void *context, sealring_error *error);

/* Call it in a transaction that has made the check itself. From then on each transaction that finds the registry changed by another connection makes
 * it first, and ends with its failure. check NULL, also outside of a transaction: no more. */
sealring_status registry_watch_changes(struct registry *registry, registry_check check, void *context,
                                       sealring_error *error);

/* Reads in one consistent snapshot. The first statement reads the vault row, which registry_vault_row then returns. Each begin compares
 * device and inode with the path's: SEALRING_REGISTRY if the file was replaced. */
struct registry_transaction registry_reading(struct registry *registry, sealring_error *error);

/* Writes in one transaction; the caller holds the lock. The first statement locks the vault row and, if moves_epoch, increases the
 * epoch by one. operation_id makes it harmless to repeat the transaction after an uncertain commit: if an audit entry with it exists
 * already, registry_begin returns false with SEALRING_OK. With dry_run everything is done and then rolled back. */
struct registry_transaction registry_writing(struct registry *registry, const struct registry_write *how,
                                             sealring_error *error);

/* Begins a try. False: there is nothing to do inside; *status is the reason. */
bool registry_begin(struct registry_transaction *transaction, sealring_status *status);

/* Ends the try: commits if *status is SEALRING_OK, otherwise rolls back. True: a conflict with another transaction, run the loop
 * again. False: *status is the result, with *error filled if it is not SEALRING_OK. */
bool registry_again(struct registry_transaction *transaction, sealring_status *status);

/* Compares the whole schema, in a reading transaction of its own; cheap if nobody has written since the last time. SEALRING_OK whatever it
 * finds. */
sealring_status registry_look_schema(struct registry *registry, sealring_error *error);
/* The first difference that the last comparison found, such as "undo is a trigger that the schema does not have"; "" for none. The name in it
 * may contain anything. */
#define REGISTRY_ALTERED_SIZE 160
const char *registry_altered(const struct registry *registry);
/* Whether the last writing transaction was refused for that, with a message that contains it. */
bool registry_refused_altered(const struct registry *registry);

/* Which row the last writing transaction found other than the facts, and wrote as these have it: "API key … (state)". "": none. */
#define REGISTRY_CORRECTED_SIZE 160
const char *registry_corrected(const struct registry *registry);

/* The error for something that is not what was written. `which` completes "the registry PATH did not keep … when it was written". */
sealring_status registry_unkept(const struct registry *registry, const char *which, sealring_error *error);

/* Inside a transaction: the vault row in its snapshot. epoch is the new one if the transaction increases it. */
const struct registry_vault *registry_vault_row(const struct registry *registry);

/* Sets a new era, inside a writing transaction: every verifier reloads everything before it accepts anything again. With a new epoch, it
 * must be above every one that a verifier may have seen. */
sealring_status registry_vault_renew(struct registry *registry, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch,
                                     sealring_error *error);

/* Records that no verifier follows another era any more: sets era_in_force in the vault's row, which the function above clears. */
sealring_status registry_vault_set_era_in_force(struct registry *registry, sealring_error *error);

/* Inside a writing transaction, once: from now on facts contain values, and programs that do not read them may not read the registry any more. */
sealring_status registry_begin_facts(struct registry *registry, sealring_error *error);

/* Copies the write-ahead log into the database if it has grown beyond `pages`; the caller holds the lock. Never waits for readers. A
 * failure is ignored. */
void registry_checkpoint(struct registry *registry, int pages);

/* Copies the log if it has grown by more than `pages` since the last time, but does not empty it. Needs no lock and delays no other
 * process. It leaves little to copy for registry_checkpoint. */
void registry_copy_log(struct registry *registry, int pages);

/* Sets the callback that receives every row of these tables that a writing transaction inserts or updates, in its new form (a struct
 * registry_ring, …), so that every change is recorded. NULL: none. */
enum registry_table {
    REGISTRY_TABLE_RING,
    REGISTRY_TABLE_VERSION,
    REGISTRY_TABLE_CLIENT,
    REGISTRY_TABLE_KEY,
    REGISTRY_TABLE_CREDENTIAL
};
typedef void (*registry_row_callback)(enum registry_table table, const void *row, void *context);
void registry_watch_rows(struct registry *registry, registry_row_callback each, void *context);

#endif
