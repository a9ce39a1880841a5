/* SPDX-License-Identifier: Apache-2.0 */
/* What every operation shares: the open vault, its lock, its token, its transactions with their audit entry. */
#ifndef VAULT_MANAGER_H
#define VAULT_MANAGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <sealring/manage.h>

#include "audit/entry.h"
#include "registry/lock.h"
#include "registry/rows.h"
#include "token/key.h"
#include "vault/config.h"
#include "vault/roster.h"
#include "vault/witness.h"

/* What may be missing of the uses: report files that were passed over, and those with damaged records. */
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
    bool wrote;                   /* since it was opened */
    int64_t lock_wait;            /* for vault.work, and for the registry's lock */
    int64_t urgent_wait;          /* for the registry's lock, of an act that restricts */
    struct lock work;             /* held for a whole act: nobody else changes tokens or reports meanwhile */
    struct lock urgent;           /* the announcement of an act that restricts */
    bool restricts;               /* the act under way does */
    bool followed;                /* and it is committed: manager_restricted was called */
    const char *purpose;          /* of the act under way */
    uint64_t yielded_epoch;       /* up to which manager_yield has let others go first */
    sealring_lock_callback waits; /* who is told of waiting; may be NULL */
    void *waits_context;
    pid_t owner;
    char actor[256];      /* user@host process, for the record */
    struct roster roster; /* of the verifiers, as of the last transaction that asked for it */
    struct usage_pending
        *pending; /* uses that are in no row yet, for plans and rehearsals, which harvest nothing; NULL: not read */
    struct manager_gap gap;                  /* as of the last reading of the usage in the report files */
    uint64_t committed_epoch;                /* of the last change by this manager that can alter a verdict */
    struct audit_witness witness;            /* the audit token, and what is to be said of it */
    char token_remark[SOFTWARE_NOTICE_SIZE]; /* of the files of the vault's own software tokens */
    char remark[3 * WITNESS_REMARK_SIZE + SOFTWARE_NOTICE_SIZE]; /* all that is to be said */
    bool judged;           /* the registry goes on from where the audit token knows it */
    bool unsettled;        /* since the last checkpoint something was written */
    _Atomic(bool) alarmed; /* in this act the token did not confirm a row of the registry, or contradicted itself */
    _Atomic(bool) contradicted; /* the token gave a wrong answer once, and then the right one */
    int64_t settle_again_at; /* for sealring_run_once: not before that time since boot, unless something was written */
    char *take_over;         /* the reason to go on with a registry that was put back; NULL: refuse */
    char *trust_clock;       /* the reason to go by a wall clock that is before the latest checkpoint; NULL: refuse */
    int64_t
        bound_ms; /* a time that the present is not before, as far as `manager_begin_dated` found out; 0: it did not ask */
    bool clock_recorded;       /* the reason to go by the clock is on the record */
    int64_t committed_boot_ms; /* when it was committed at the latest; 0: none was */
};

/* Fills actor: "alice@host 4711", of which the last @ and the last blank part user, host and process: clean UTF-8 (name_contact_problem), as
 * names of users and hosts may hold any byte. */
void manager_actor(char actor[256]);

/* One more file whose uses are not all known. */
void manager_note_gap(sealring_manager *manager, const char *remark);

/* Reads in one snapshot. SEALRING_INVALID in a forked child. */
sealring_status manager_read(sealring_manager *manager, registry_body body, void *context, sealring_error *error);

/* The vault's row as it is now. */
sealring_status manager_read_vault(sealring_manager *manager, struct registry_vault *vault, sealring_error *error);

/* Within a transaction: brings the roster up to date. */
sealring_status manager_read_roster(sealring_manager *manager, struct registry *registry, sealring_error *error);

/* Within a transaction; context: the manager. Whether no verifier goes by another era than the registry's, so that whatever is issued by this
 * one is known to all. SEALRING_WAITING, naming them, after a restore or a take-over until they looked or their leases are over. */
sealring_status manager_check_era(struct registry *registry, void *context, sealring_error *error);

/* Begins an act named `purpose`; with_token also opens the token and finishes what an interrupted act left half done. Ends with
 * manager_end, whatever happened between. SEALRING_REFUSED for a read-only manager.
 *
 * Three locks of the vault's. An act holds vault.work from begin to end, so that one act at a time changes tokens and takes several steps;
 * the registry's own lock, vault.lock, is held for each commit alone, never while a token works. An act that only restricts
 * (manager_begin_restriction) announces itself by vault.urgent, after which every other commit waits for its, and does not need vault.work to
 * commit. So between two steps of an act only restrictions can be committed, and each transaction has to find out by itself whether
 * what it rests on is still so. */
sealring_status manager_begin(sealring_manager *manager, const char *purpose, bool with_token, sealring_error *error);
void manager_end(sealring_manager *manager);

/* The same for an act that sets times, or is decided by the time, and may only be done by a clock that can be right: SEALRING_REFUSED, with what to
 * do, if the wall clock is before the build's date, or before the latest checkpoint (late.c). What only takes something away begins by
 * manager_begin: a wrong clock holds up no revocation. */
sealring_status manager_begin_dated(sealring_manager *manager, const char *purpose, bool with_token,
                                    sealring_error *error);

/* SEALRING_REFUSED if the wall clock is before the build's date: without a registry nothing else is known of it. */
sealring_status late_check_build(sealring_error *error);

/* The judgement of manager_begin_dated alone, of the registry as it is: for what is only checked. */
sealring_status manager_check_clock(sealring_manager *manager, sealring_error *error);

/* For an act that uses the token before it begins: opens it, and finishes what was left half done. With dry_run it is only opened. */
sealring_status manager_ready(sealring_manager *manager, const char *purpose, sealring_error *error);

/* For a restriction that uses the token before it begins: opens it, without waiting for another act. */
sealring_status manager_ready_restriction(sealring_manager *manager, const char *purpose, sealring_error *error);

/* The same for an act that takes something away from API keys or versions and must not wait for others. Holds vault.lock. */
sealring_status manager_begin_restriction(sealring_manager *manager, const char *purpose, sealring_error *error);

/* The restriction is committed: lets others commit, and takes vault.work for what follows in the tokens, if it can be had soon. False: it
 * cannot, and what follows is done again, or made up for, by whoever has it or comes next. */
bool manager_restricted(sealring_manager *manager);

/* False after manager_yield failed, or when vault.work was removed: the act cannot write any more. */
bool manager_holds_work(const sealring_manager *manager);

/* Between two steps of a long act that rests on nothing but the registry: if somebody restricts something, or has done so since the last
 * call, lets go of vault.work for a moment; *yielded: then whatever was read before must be read again. A failure means that vault.work
 * could not be had again: nothing more can be written. */
sealring_status manager_yield(sealring_manager *manager, bool *yielded, sealring_error *error);

/* The same for an act that ended with `status`: one that was refused, or has to wait, goes on the record as `refused`, and as `alarm` if the
 * token did not confirm what the registry says. about: which act, and of what; its detail is not looked at. error: why, may be
 * NULL. What cannot be recorded is left: nothing was done. */
void manager_end_act(sealring_manager *manager, const struct audit_act *about, sealring_status status,
                     const sealring_error *error);

/* Opens the token if it is not open yet. */
sealring_status manager_token(sealring_manager *manager, sealring_error *error);

/* One writing transaction between begin and end: body, then the audit entry `act` (NULL: a step of an act that is recorded
 * elsewhere). body may fill act; it is called again from the start after a conflict. */
sealring_status manager_write(sealring_manager *manager, bool moves_epoch, struct audit_act *act, registry_body body,
                              void *context, sealring_error *error);

/* A reason that an operator gave: NULL or one line of UTF-8 of at most 254 bytes, as a contact. */
sealring_status manager_check_reason(const char *reason, sealring_error *error);

/* SEALRING_INVALID unless it can be a ring's name. */
sealring_status manager_check_ring_name(const char *name, sealring_error *error);

/* The ring, or SEALRING_NOT_FOUND with its message. */
sealring_status manager_get_ring(struct registry *registry, const char *name, struct registry_ring *ring,
                                 sealring_error *error);

/* Random bytes that need not come from the token (IDs of operations). */
sealring_status manager_random(uint8_t *bytes, size_t length, sealring_error *error);

#endif
