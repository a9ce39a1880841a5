/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: one file (or database), its lock, its transactions. */
#ifndef REGISTRY_CONNECTION_REGISTRY_H
#define REGISTRY_CONNECTION_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define REGISTRY_ID_SIZE    16
#define REGISTRY_SCHEMA     2 /* what this library writes, and the newest that it reads */
#define REGISTRY_MIN_READER 1 /* the oldest library that reads it right */
#define REGISTRY_MIN_WRITER 2 /* and that writes it right: images of rings have the succession since 2 */

struct registry; /* one connection: one thread at a time */

/* The vault's one row. */
struct registry_vault {
    uint8_t vault_id[REGISTRY_ID_SIZE];
    uint8_t era[REGISTRY_ID_SIZE]; /* random; another after every restore */
    uint64_t epoch;                /* counts changes that can alter a verdict */
    int schema;
    int min_reader; /* the oldest schema number whose readers understand this registry */
    int min_writer;
    int64_t lease_ms;
    int64_t refresh_ms;
    int64_t created;
    size_t object_id_length; /* what the token was found able to keep (token_probe) */
    bool token_closes_keys;
    bool
        era_in_force; /* no verifier goes by another era any more: after a restore or a take-over that has to be waited for */
};

enum registry_mode { REGISTRY_READ_ONLY, REGISTRY_READ_WRITE };

/* Makes the file (0640 less umask) with the vault row; era is random from OpenSSL's RAND_bytes if all zero.
 * SEALRING_REFUSED if it exists; SEALRING_REGISTRY on a network file system. */
sealring_status registry_create(const char *path, const struct registry_vault *vault, sealring_error *error);

/* Opens it. lock_path: the vault's lock file, made if missing (0640), for REGISTRY_READ_WRITE only, else NULL.
 * SEALRING_REGISTRY with a message that tells missing, not ours, newer than this program, corrupt, unreadable apart. */
sealring_status registry_open(const char *path, const char *lock_path, enum registry_mode mode,
                              struct registry **opened, sealring_error *error);
/* Forked children: an inherited handle is good for registry_close only. A child closes all that it inherited of one
 * registry before it opens that registry itself, or SQLite takes its parent's locks for the child's. */
void registry_close(struct registry *registry);

struct lock;

/* The registry's lock (flock on lock_path): whoever writes holds it, for one commit; what belongs together is held together by the vault's
 * other lock (manage/session/manager.h). Waits at most wait_ms; SEALRING_REGISTRY with the holder's name when it cannot be had. Not recursive. */
sealring_status registry_lock(struct registry *registry, int64_t wait_ms, const char *purpose, sealring_error *error);
void registry_unlock(struct registry *registry);
bool registry_is_locked(const struct registry *registry); /* by this handle */

/* The lock itself, to name what goes before it and who is told of waiting (registry/lock/lock.h). */
struct lock *registry_lock_of(struct registry *registry);

/* The lock is one of the vault's, not of a handle's: whoever holds it may hand it to the handle that writes next, and take it back. */
void registry_take_lock(struct registry *registry, struct lock *held);
void registry_give_lock(struct registry *registry, struct lock *taken);

/* A transaction's body. Called again from the start after a conflict: it may have no effect besides the registry's and what
 * it overwrites in context; no token call. Anything but SEALRING_OK rolls back and is returned. */
typedef sealring_status (*registry_body)(struct registry *registry, void *context, sealring_error *error);

/* Reads in one consistent snapshot; the first statement reads the vault row, which registry_vault_row then gives.
 * Each call compares device and inode with the path's: SEALRING_REGISTRY if the file was replaced. */
sealring_status registry_read(struct registry *registry, registry_body body, void *context, sealring_error *error);

/* Writes in one transaction; the caller holds the lock. The first statement locks the vault row and, if moves_epoch, counts the
 * epoch up by one. operation_id makes a re-run after an uncertain commit harmless: if an audit entry with it exists already,
 * body is not called and SEALRING_OK returned. With dry_run everything is done and then rolled back. */
struct registry_write {
    uint8_t operation_id[REGISTRY_ID_SIZE];
    bool moves_epoch;
    bool dry_run;
};
sealring_status registry_write(struct registry *registry, const struct registry_write *how, registry_body body,
                               void *context, sealring_error *error);

/* Inside a transaction: the vault row as of it. epoch is the new one if the transaction moves it. */
const struct registry_vault *registry_vault_row(const struct registry *registry);

/* Gives the registry another era, inside a writing transaction: every verifier reloads all before it accepts anything again. */
sealring_status registry_vault_set_era(struct registry *registry, const uint8_t era[REGISTRY_ID_SIZE],
                                       sealring_error *error);

/* The same with another epoch, which is to be above every one that a verifier may have seen before. */
sealring_status registry_vault_renew(struct registry *registry, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch,
                                     sealring_error *error);

/* Notes that no verifier goes by another era any more: era_in_force of the vault's row, which both of the former clear. */
sealring_status registry_vault_set_era_in_force(struct registry *registry, sealring_error *error);

/* Copies what the write-ahead log holds into the database if it has grown beyond `pages`; the caller holds the lock. Never
 * waits for readers. Failure to do so is no failure. */
void registry_checkpoint(struct registry *registry, int pages);

/* Copies it if it has grown by more than `pages` since the last time, and empties nothing. Needs no lock and holds nobody up: so
 * registry_checkpoint has little left to copy. */
void registry_copy_log(struct registry *registry, int pages);

/* Receives every row of these tables that the writing transaction inserts or updates, as it is afterwards (a struct registry_ring, …), so that
 * no change stays out of the record. NULL: nobody is. */
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
