/* SPDX-License-Identifier: Apache-2.0 */
/* Backing up a vault's registry, and restoring it. Unstable until 1.0, with the conventions of <sealring/manage.h>. */
#ifndef SEALRING_BACKUP_H
#define SEALRING_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* A backup is a copy of the registry in one file, headed by a note that the audit token's key has signed. It holds no key and no PIN: what is in the
 * tokens has to be kept by their own means (docs/tokens.md). */

/* How far long work is: `what` is a word for it, done and total are of one unit. As any callback's, a value other than 0 stops it, and
 * nothing was changed then. */
typedef int (*sealring_work_callback)(const char *what, uint64_t done, uint64_t total, void *context);

typedef struct sealring_backup_info {
    size_t size;
    char vault_id[33]; /* lower-case hexadecimal */
    char era[33];
    uint64_t epoch;
    uint64_t entries; /* of the audit log */
    uint64_t bytes;   /* of the registry; the file has a note in front of it */
    int64_t time;     /* when it was made */
    char sha256[65];  /* of the registry's bytes */
    char root[SEALRING_AUDIT_HASH_SIZE];
    char key[SEALRING_AUDIT_KEY_SIZE]; /* that verifies it */
} sealring_backup_info;

/* Makes a backup: `file` must not exist, and is there whole (0600, on the disk) or not at all; a second file of its size lies beside it
 * for as long as it takes. Verifiers and other managers go on meanwhile. The whole audit log is examined before it is signed.
 * With dry_run nothing is written. each and info may be NULL. SEALRING_REFUSED if the file exists, if the registry was put back, or if
 * its audit log is not what it should be; SEALRING_TOKEN without an audit token. */
sealring_status sealring_backup(sealring_manager *manager, const char *file, sealring_work_callback each, void *context,
                                sealring_backup_info *info, sealring_error *error);

/* Reads a backup and says whether it is whole and signed by this verifier key: SEALRING_REFUSED says why not. Needs neither vault nor
 * token. */
sealring_status sealring_backup_check(const char *file, const char *key, sealring_work_callback each, void *context,
                                      sealring_backup_info *info, sealring_error *error);

typedef struct sealring_restore_options {
    size_t size;
    const char *const *logs;         /* files of `sealring audit export`, the oldest first, ended by NULL; NULL: none */
    const char *accept_loss;         /* why to go on though something is lost, for the record; NULL: refuse then */
    bool dry_run;                    /* say what would be done and lost, change nothing */
    int64_t lock_wait;               /* how long to wait for the vault's lock, 0: 10 s */
    sealring_work_callback progress; /* NULL: nobody hears of it */
    void *progress_context;
    const char *pin_source; /* this and what follows as in sealring_manage_options */
    sealring_pin_callback ask_pin;
    void *ask_context;
    sealring_lock_callback lock_waits;
    void *lock_context;
} sealring_restore_options;

typedef struct sealring_restore_result {
    size_t size;
    int64_t backup_time;
    uint64_t backup_entries;
    uint64_t known;    /* how many entries the audit token knows of; 0: it remembers none */
    uint64_t replayed; /* entries of the exports that were done again */
    uint64_t lost;     /* entries that are known to have been and are not restored */
    uint64_t clients;  /* made since the backup: they are without contact, which no entry has */
    uint32_t closed;   /* versions that were retired, as the token says that they are closed or gone */
    uint32_t strange;  /* objects in the token that no version has */
    uint64_t entries;  /* of the audit log, with the one about this */
    uint64_t epoch;
    char era[33];
    char aside[4096]; /* where the registry is that was there before, "" for none */
    char remark[256]; /* what is left to do, "" for nothing */
} sealring_restore_result;

/* One line; loss: something that is not as it was. */
typedef int (*sealring_restore_callback)(bool loss, const char *text, void *context);

/* Puts a backup in the place of the vault's registry, also where that is missing or damaged; configuration, tokens and PINs must be
 * there. The backup is held against the audit token: entries that this knows of and the backup has not are taken from the exported logs and
 * done again, as far as the token or a checkpoint vouches for them. What the key token says is closed stays closed. The registry gets a new era, so
 * that running verifiers load all of it anew; the one that was there is kept. each hears of everything that is lost or noteworthy, before anything
 * is changed, but for damaged files of the vault's own SoftHSM2 tokens, which are restored from their copies first. SEALRING_REFUSED: the backup or an export is not good, is another vault's, or something would be lost and accept_loss is NULL. */
sealring_status sealring_restore(const char *vault, const char *file, const sealring_restore_options *options,
                                 sealring_restore_callback each, void *context, sealring_restore_result *result,
                                 sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
