/* SPDX-License-Identifier: Apache-2.0 */
/* Backing up a vault's registry, restoring it, and upgrading it. Unstable until 1.0, with the conventions of <sealring/manage.h>. */
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

/* A backup is a copy of the registry in one file, after a note that the audit token's key has signed. It contains no key and no PIN: back
 * up the tokens by their own means (docs/tokens.md). */

/* Receives the progress: `what` is a word for the step, done and total have the same unit. A value other than 0 stops the call, and
 * nothing was changed. */
typedef int (*sealring_work_callback)(const char *what, uint64_t done, uint64_t total, void *context);

typedef struct sealring_backup_info {
    size_t size;
    char vault_id[33]; /* lower-case hexadecimal */
    char era[33];
    uint64_t epoch;
    uint64_t entries; /* of the audit log */
    uint64_t bytes;   /* of the registry, without the note before it */
    int64_t time;     /* when it was made */
    char sha256[65];  /* of the registry's bytes */
    char root[SEALRING_AUDIT_HASH_SIZE];
    char key[SEALRING_AUDIT_KEY_SIZE]; /* the key that verifies the note */
} sealring_backup_info;

/* Makes a backup. `file` must not exist; it is created whole (0600, synced) or not at all. During the call there is a second file of the
 * same size beside it. Verifiers and other managers continue to work. The whole audit log is examined before the note is signed.
 * With dry_run nothing is written. each and info may be NULL. SEALRING_REFUSED if the file exists, if the registry was rolled back, or if
 * the audit log is not valid; SEALRING_TOKEN without an audit token. */
sealring_status sealring_backup(sealring_manager *manager, const char *file, sealring_work_callback each, void *context,
                                sealring_backup_info *info, sealring_error *error);

/* Checks that a backup is whole and signed by this verifier key; otherwise SEALRING_REFUSED, with the reason. Needs neither vault nor
 * token. */
sealring_status sealring_backup_check(const char *file, const char *key, sealring_work_callback each, void *context,
                                      sealring_backup_info *info, sealring_error *error);

typedef struct sealring_restore_options {
    size_t size;
    const char *const *logs;         /* files of `sealring audit export`, the oldest first, ended by NULL; NULL: none */
    const char *accept_loss;         /* the reason to restore although something is lost; NULL: refuse */
    bool dry_run;                    /* report what would be done and lost, change nothing */
    int64_t lock_wait;               /* how long to wait for the vault's lock, 0: 10 s */
    sealring_work_callback progress; /* may be NULL */
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
    uint64_t known;    /* entries that the anchor in the audit token covers; 0: no anchor */
    uint64_t replayed; /* entries of the exports that were replayed */
    uint64_t lost;     /* entries that are known to have existed and are not restored */
    uint64_t clients;  /* added since the backup: they have no contact, as entries contain none */
    uint32_t closed;   /* versions that were retired as their objects are closed or missing */
    uint32_t strange;  /* objects in the token that belong to no version */
    uint64_t entries;  /* of the audit log, including the one about the restore */
    uint64_t epoch;
    char era[33];
    char aside[4096]; /* path of the former registry, "" for none */
    char remark[640]; /* what remains to be done, "" for nothing */
} sealring_restore_result;

/* text: one line; loss: something is lost. */
typedef int (*sealring_restore_callback)(bool loss, const char *text, void *context);

/* Replaces the vault's registry by a backup, also where that is missing or damaged; configuration, tokens and PINs must exist.
 * The backup is compared with the audit token: entries that the anchor covers and the backup lacks are taken from the exported logs and
 * replayed, as far as the token or a checkpoint vouches for them. What is closed in the key token stays closed. The registry gets a new
 * era, so that running verifiers load all of it again; the former registry is kept. each receives everything that is lost or that the
 * operator should know, before anything is changed, except damaged files of the vault's own SoftHSM2 tokens, which are restored from
 * their copies first. SEALRING_REFUSED: the backup or an export is not valid, is another vault's, or something would be lost and
 * accept_loss is NULL. */
sealring_status sealring_restore(const char *vault, const char *file, const sealring_restore_options *options,
                                 sealring_restore_callback each, void *context, sealring_restore_result *result,
                                 sealring_error *error);

typedef struct sealring_upgrade_options {
    size_t size;
    const char *
        backup; /* the backup of the registry as it is before the first step: it is made, unless the file is one already */
    bool no_backup; /* go on without one; without this and without a backup the first step is refused */
    sealring_work_callback progress; /* may be NULL */
    void *progress_context;
} sealring_upgrade_options;

typedef struct sealring_upgrade_result {
    size_t size;
    int from;   /* the schema before the call */
    int to;     /* and after it; in a dry run what it would be */
    bool added; /* this call made the first step: the new columns */
    bool
        begun; /* this call made the second step: facts contain values, and older programs cannot read the registry any more */
    bool complete;  /* nothing remains to be done */
    uint64_t facts; /* API keys that are suspended, narrowed or have another label than at issue: one fact each */
    uint64_t
        labels_unknown; /* API keys whose label was changed, but how is not in the log: as before, nothing vouches for it */
    uint64_t entries;                        /* of the audit log */
    uint32_t older;                          /* verifiers that the second step waits for */
    char missing[256];                       /* their names */
    char backup_sha256[65];                  /* of the backup's registry; "": there is none, or not yet */
    char remark[640];                        /* what remains to be done, "" for nothing */
    bool key_added;                          /* audit-key was added to sealring.conf, or would be in a dry run */
    char audit_key[SEALRING_AUDIT_KEY_SIZE]; /* that key, which came from the audit token; "" if none was added */
} sealring_upgrade_result;

/* Upgrades the registry of an older program in two steps. The first adds what the tables lack; verifiers of the older program continue to work, but
 * that program can change nothing any more. The second records by facts which API keys are suspended, narrowed or relabelled; from then on the older
 * program cannot read the registry. It waits while verifiers of an older program may serve: SEALRING_WAITING, and the first step remains. Where there
 * are none, one call makes both steps in one transaction. When both are made, the call also adds audit-key to a sealring.conf that has an audit token
 * and no such line: the key is the audit token's, whatever the registry names. An interrupted call can be repeated; a complete one changes nothing.
 * Before it changes anything the whole log is examined, as sealring_audit_verify does, in the same transaction: each receives every problem.
 * SEALRING_REFUSED then, if there is no backup, or if the registry does not continue from the anchor; SEALRING_TOKEN if the audit token cannot be
 * asked. manage: read_only, take_over and trust_clock must not be set. */
sealring_status sealring_upgrade(const char *vault, const sealring_manage_options *manage,
                                 const sealring_upgrade_options *options, sealring_audit_problem_callback each,
                                 void *context, sealring_upgrade_result *result, sealring_error *error);

/* ---- Archives of the audit log ---- */

typedef struct sealring_archive_options {
    size_t size;
    int64_t before;                  /* the entries before the first one of this time or later; 0: */
    uint64_t before_entry;           /* the entries before this one */
    const char *file;                /* the archive, which must not exist */
    sealring_work_callback progress; /* may be NULL */
    void *progress_context;
} sealring_archive_options;

typedef struct sealring_archive_result {
    size_t size;
    uint64_t first; /* entry, by its number */
    uint64_t last;
    int64_t from;                        /* the time of the first entry */
    int64_t until;                       /* and of the last one */
    uint64_t bytes;                      /* of the archive, without the line with the note; 0 in a dry run */
    char sha256[65];                     /* of these bytes; "" in a dry run */
    char root[SEALRING_AUDIT_HASH_SIZE]; /* of the tree over all entries up to the last one */
} sealring_archive_result;

/* Moves the first entries of the audit log into a file and cuts them off the registry's log. The archive ends with an entry whose number 16 divides,
 * the last one before the point. It is in the format of `sealring audit export`, after it comes a note that the audit token's key has signed. The file
 * is created whole (0600, synced) before the log is cut, in one transaction with an entry that contains the note. Before that the whole log is examined,
 * as sealring_audit_verify does. If the call is interrupted, the log was cut or not, and if it was, the archive is complete. With dry_run nothing is
 * written. SEALRING_REFUSED if the file exists, if the log has problems, if no signed checkpoint covers the entries before the point, or if there is
 * nothing to archive; SEALRING_TOKEN without an audit token or while it is away. */
sealring_status sealring_audit_archive(sealring_manager *manager, const sealring_archive_options *options,
                                       sealring_archive_result *result, sealring_error *error);

typedef struct sealring_archive_info {
    uint64_t first; /* entry, by its number */
    uint64_t last;
    int64_t from; /* the time of the first entry */
    int64_t until;
    const char *file; /* the name that it had when it was made */
    const char *sha256;
    uint64_t entry; /* the entry about it */
    bool cut;       /* the registry's log lacks these entries */
} sealring_archive_info;

typedef int (*sealring_archive_callback)(const sealring_archive_info *archive, void *context);

/* The archives that entries of the registry's log are about, the oldest first. An archive whose entry is archived as well is listed by nobody but
 * that archive. sealring_audit_verify examines the entries. */
sealring_status sealring_audit_archives(sealring_manager *manager, sealring_archive_callback each, void *context,
                                        sealring_error *error);

/* ---- The key that signs the audit log ---- */

typedef struct sealring_audit_rekey_options {
    size_t size;
    const char *audit_token_uri;  /* the token in which the new key is made; NULL: the audit token that the vault has */
    const char *audit_pin_source; /* the source of that token's PIN, together with the URI */
} sealring_audit_rekey_options;

typedef struct sealring_audit_rekey_result {
    size_t size;
    char old_key[SEALRING_AUDIT_KEY_SIZE];
    char new_key[SEALRING_AUDIT_KEY_SIZE]; /* "" in a dry run, which makes none */
    uint64_t entries;                      /* the old key's last checkpoint covers so many entries; 0 in a dry run */
    bool completed;                        /* an earlier call was interrupted, and only the rest was done */
    char remark[256];                      /* what the operator has to do, "" for nothing */
} sealring_audit_rekey_result;

/* Changes the key that signs checkpoints, backups and archives. The new one is made in the audit token; both keys sign the checkpoint of the change, so that running
 * verifiers follow it; sealring.conf gets the new key, the end of the old one, and the other token if there is one. The old key is not destroyed. If the call is interrupted, it is
 * completed by another one with the same options. options may be NULL. If the old key cannot sign, that is SEALRING_TOKEN or SEALRING_REFUSED, unless the manager
 * has the reason `take_over`: then a new era begins, and verifiers must be restarted. */
sealring_status sealring_audit_rekey(sealring_manager *manager, const sealring_audit_rekey_options *options,
                                     sealring_audit_rekey_result *result, sealring_error *error);

/* All keys, the oldest first, each with what its last checkpoint covers, as lines of sealring.conf. sealring_audit_verify and sealring_backup_check accept
 * them as a key. SEALRING_NOT_FOUND if there is none. */
#define SEALRING_AUDIT_KEYS_SIZE 8192
sealring_status sealring_audit_keys(sealring_manager *manager, char keys[SEALRING_AUDIT_KEYS_SIZE],
                                    sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
