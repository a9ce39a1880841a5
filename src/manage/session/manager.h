/* SPDX-License-Identifier: Apache-2.0 */
/* What all operations share: the open vault, its lock, its token, its transactions with their audit entries. */
#ifndef MANAGE_SESSION_MANAGER_H
#define MANAGE_SESSION_MANAGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <sealring/manage.h>

#include "config/config.h"
#include "log/tail/fact_tail.h"
#include "log/log_entry.h"
#include "manage/session/audit_token.h"
#include "manage/roster/roster.h"
#include "registry/lock/lock.h"
#include "registry/rows/rows.h"
#include "token/key/key_object.h"

/* Uses that may be missing: report files that were skipped, and those with damaged records. */
struct manager_gap {
    uint64_t count;
    char remark[256]; /* of the first: the file, and what to do */
};

struct usage_pending; /* usage_files.h */

struct sealring_manager {
    struct config *config;
    struct registry *registry;
    struct token *token; /* NULL until an operation needs it */
    bool dry_run;
    bool read_only;
    bool wrote;          /* since it was opened */
    int64_t lock_wait;   /* for vault.work, and for the registry's lock */
    int64_t urgent_wait; /* a restriction's wait for the registry's lock */
    struct lock work;    /* held for a whole act: no other process changes tokens or reports meanwhile */
    struct lock urgent;  /* the announcement of a restriction */
    bool restricts;      /* the present act is a restriction */
    bool upgrades;       /* it is an upgrade: the facts are checked in its transaction, when they have their columns */
    bool followed;       /* it is committed: manager_restricted was called */
    const char *purpose; /* of the present act */
    uint64_t yielded_epoch;       /* up to which manager_yield has yielded to others */
    sealring_lock_callback waits; /* receives that a lock is waited for; may be NULL */
    void *waits_context;
    pid_t owner;
    char actor[256];      /* user@host process, for the audit log */
    struct roster roster; /* of the verifiers, as of the last transaction that read it */
    struct usage_pending
        *pending; /* uses that are in no row yet, for plans and dry runs, which harvest nothing; NULL: not read */
    struct manager_gap gap;         /* as of the last time that the usage was read from the report files */
    struct roster_change committed; /* this manager's last change that can alter a verdict; all zero: there was none */
    struct audit_witness witness;   /* the audit token, and the remarks about it */
    char token_remark[SOFTWARE_NOTICE_SIZE];  /* about the files of the vault's own software tokens */
    char schema_remark[SOFTWARE_NOTICE_SIZE]; /* about an altered schema */
    char remark[4 * WITNESS_REMARK_SIZE + SOFTWARE_NOTICE_SIZE]; /* all remarks */
    bool audit_key_differs;                                      /* the registry names another one than sealring.conf */
    bool schema_told;    /* the message of a refused act contains what the remark would */
    bool repairs_schema; /* the doctor creates what is missing: an altered schema does not stop it */
    bool judged;         /* the registry continues from the audit token's anchor */
    bool unsettled;      /* something was written since the last checkpoint */
    char correction[64 + REGISTRY_CORRECTED_SIZE]; /* what this act corrected by the facts */
    /* in this act the token or the facts did not confirm a row of the registry, or the token contradicted itself */
    _Atomic(bool) alarmed;
    _Atomic(bool) contradicted; /* the token gave a wrong answer once, and then the right one */
    int64_t settle_again_at; /* for sealring_run_once: not before this time since boot, unless something was written */
    char *take_over;         /* the reason to accept a registry that was rolled back; NULL: refuse */
    char *trust_clock;       /* the reason to accept a wall clock that is before the latest checkpoint; NULL: refuse */
    int64_t
        bound_ms; /* the present is not before this time, as `manager_begin_dated` determined; 0: it did not check */
    bool clock_recorded;                       /* the reason to accept the clock is in the audit log */
    struct fact_tail facts;                    /* as this act has read them */
    struct entry_tail entries;                 /* likewise */
    struct own_notes own;                      /* of vault.unsigned, and what this process has examined */
    bool other_era;                            /* the registry's era is not the one that is signed, nor is it noted */
    bool gives_up;                             /* an operator takes over: what is missing is lost */
    struct checkpoint covered;                 /* what a signature covers, or was examined */
    uint8_t commit_seed[REGISTRY_DIGEST_SIZE]; /* secret, for commit_random */
    int64_t commit_ms;                         /* the time of the commit that is at work; 0: none is */
    bool seals;                                /* credentials are passed encrypted (sealring_seal_credentials) */
    bool claims;                               /* codes are passed instead (sealring_claim_credentials) */
    int64_t claim_life;                        /* ms */
    struct x509_st *seals_to;                  /* to this certificate; NULL: to that of each client */
    bool doubtful; /* the last commit failed at its end, and may be found in the registry nevertheless */
};

#define MANAGER_COPY_PAGES 1000 /* of the write-ahead log: more are not copied under vault.lock */

#define MANAGER_CONTRADICTED \
    "ALARM: the PKCS#11 token answered a question wrongly and, asked again, rightly: have the token and its module examined"

#define MANAGER_AUDIT_KEY_DIFFERS                                                                                                                  \
    "ALARM: the registry names another key for its checkpoints than sealring.conf, whose key counts: somebody altered the registry: run sealring " \
    "doctor --repair"

/* As sealring_manager_open. upgrades: the registry may be of an older schema, which the first writing transaction makes the present one. */
sealring_status manager_open(const char *vault, const sealring_manage_options *options, bool upgrades,
                             sealring_manager **opened, sealring_error *error);

/* SEALRING_INVALID in a forked child. */
sealring_status manager_check_owner(const sealring_manager *manager, sealring_error *error);

/* Composes what sealring_manager_remark returns. */
void manager_compose_remark(sealring_manager *manager);

/* Sets the remark about an altered schema, as the registry's last comparison found it. refused: the caller gets a message that contains the same. */
void manager_note_schema(sealring_manager *manager, bool refused);

/* Notes whether the registry names another key for its checkpoints than sealring.conf. */
void manager_note_audit_key(sealring_manager *manager);

/* Adds a file whose uses are not all known. */
void manager_note_gap(sealring_manager *manager, const char *remark);

/* The vault's row as it is now. */
sealring_status manager_read_vault(sealring_manager *manager, struct registry_vault *vault, sealring_error *error);

/* Within a transaction: brings the roster up to date. */
sealring_status manager_read_roster(sealring_manager *manager, struct registry *registry, sealring_error *error);

/* False after manager_yield failed, or when vault.work was removed: the act can no longer write. */
bool manager_holds_work(const sealring_manager *manager);

/* Opens the token if it is not open yet. */
sealring_status manager_token(sealring_manager *manager, sealring_error *error);

/* One writing transaction of an act, as a loop like that of registry_begin (registry/connection/registry.h), with its audit entry `act`
 * (NULL: a step of an act that is recorded elsewhere), which may be filled inside the loop:
 *
 *     struct commit commit = manager_commit(manager, moves_epoch, &act, error);
 *     do {
 *         if (commit_begin(&commit, &status))
 *             status = …;
 *     } while (commit_again(&commit, &status));
 *
 * The members belong to commit.c. */
struct commit {
    sealring_manager *manager;
    struct audit_act *act;
    bool moves_epoch;
    bool restricts;                 /* takes something away only: an altered schema does not stop it */
    bool corrects;                  /* by the facts: without the triggers that keep final states */
    const struct registry_key *key; /* what the commit must have kept, NULL: nothing */
    const struct registry_version *version;
    bool prepared;                      /* has an operation ID, and the registry's lock */
    bool locks;                         /* took the lock for itself */
    bool records;                       /* within a try, which is to be recorded */
    uint64_t closed_before;             /* facts, without the change */
    uint64_t closed_count;              /* with the change */
    uint8_t head[REGISTRY_DIGEST_SIZE]; /* the hash over these */
    int64_t time_ms;                    /* the same for each try that is to result in what was signed */
    struct signed_first *first;         /* NULL: nothing has to be signed first */
    int rehearsals;
    bool complete; /* the last try did its work, up to the commit itself */
    bool unsound;  /* a restriction whose facts this process does not sign unasked: see commit.c */
    bool covered;  /* the checkpoint that covers the act is committed with it */
    bool noted;    /* in vault.unsigned */
    struct own_note note;
    struct audit_rows rows;
    struct registry_transaction writing;
    sealring_error *error;
};
struct commit manager_commit(sealring_manager *manager, bool moves_epoch, struct audit_act *act, sealring_error *error);
bool commit_begin(struct commit *commit, sealring_status *status);
bool commit_again(struct commit *commit, sealring_status *status);

/* The present time, which is the same in each try of a commit. */
int64_t manager_now(const sealring_manager *manager);

/* Random bytes for the object of that name, which are the same in each try of a commit. */
void commit_random(const sealring_manager *manager, const char *name, uint8_t bytes[REGISTRY_DIGEST_SIZE]);

/* Reads facts and entries in a transaction of its own, if `whole` the chain of facts from its beginning: SEALRING_REFUSED if they are not what was recorded, or if one
 * that is more than a restriction of an API key is covered by no checkpoint, and vault.unsigned does not show that the operator's side wrote it.
 * Without an audit token only the chain of facts is checked. */
sealring_status manager_check_facts(sealring_manager *manager, bool whole, sealring_error *error);
/* The same in a transaction, for what was added since. */
sealring_status manager_follow_facts(sealring_manager *manager, sealring_error *error);
/* In a transaction, for those who only report: what is neither signed nor the operator's side's, or is missing; "" for nothing. */
#define TAIL_TEXT_SIZE SEALRING_MESSAGE_SIZE
sealring_status manager_describe_tail(sealring_manager *manager, char what[TAIL_TEXT_SIZE], sealring_error *error);
/* Reads vault.unsigned in a transaction of its own, so that witness_check knows the eras that the operator's side began. */
sealring_status manager_read_notes(sealring_manager *manager, sealring_error *error);
/* What was read counts as examined by this process, and is read again. A new era's ID, or NULL: the registry's; with it, *noted is for unsigned_add. */
sealring_status manager_accept(sealring_manager *manager, const uint8_t *era, struct own_note *noted,
                               sealring_error *error);
/* Whether an operator can confirm what was refused: *loses if something is missing, so that this takes a new era. */
bool manager_can_accept(const sealring_manager *manager, bool *loses);

/* One writing transaction that only adds its audit entry. */
sealring_status manager_record(sealring_manager *manager, struct audit_act *act, sealring_error *error);

/* A reason from an operator: NULL or one line of UTF-8 of at most 254 bytes, as for a contact. */
sealring_status manager_check_reason(const char *reason, sealring_error *error);

/* SEALRING_INVALID unless it is a valid name for a ring. */
sealring_status manager_check_ring_name(const char *name, sealring_error *error);

/* SEALRING_REFUSED if ring->unfounded. */
sealring_status manager_check_founded(const struct registry_ring *ring, sealring_error *error);

/* The ring, or SEALRING_NOT_FOUND with its message, or SEALRING_REFUSED as manager_check_founded. */
sealring_status manager_get_ring(struct registry *registry, const char *name, struct registry_ring *ring,
                                 sealring_error *error);

/* Random bytes that need not come from the token (IDs of operations). */
sealring_status manager_random(uint8_t *bytes, size_t length, sealring_error *error);

#endif
