/* SPDX-License-Identifier: Apache-2.0 */
/* The audit token: the key that signs checkpoints, and the anchor that shows whether the registry was rolled back. */
#ifndef MANAGE_SESSION_AUDIT_TOKEN_H
#define MANAGE_SESSION_AUDIT_TOKEN_H

#include <stdbool.h>

#include "config/config.h"
#include "log/checkpoint.h"
#include "log/tail/entry_tail.h"
#include "log/tail/fact_tail.h"
#include "log/audit_keys.h"
#include "registry/log/log_rows.h"

struct audit_act;

#define WITNESS_REMARK_SIZE (SEALRING_MESSAGE_SIZE + 128)

/* What the token stores about the log: its length, and one hash over the root and the closed facts at that length. */
struct witness_anchor {
    uint64_t serial; /* of two that an interruption left, the higher one counts */
    uint8_t era[CHECKPOINT_ERA_SIZE];
    uint64_t size;
    uint64_t closed_count;
    struct merkle_hash digest;
};

/* The key that is to follow: its pair is in the audit token of this configuration, which may be another token than the present one. */
struct witness_successor {
    const struct config *config;
    struct note_key key;
    uint32_t number;
};

/* A manager's: all zero at the beginning. */
struct audit_witness {
    uint32_t number;        /* of the key that signs: that many keys signed before it */
    bool anchored;          /* an anchor was read, or written */
    bool unknown;           /* the token was read, and has neither anchor nor key of this vault */
    bool made;              /* set while the vault is being made: there is no anchor yet */
    bool settled;           /* set by a take-over or a restore: the registry need not continue from the anchor */
    sealring_error refused; /* why the token does not show whether there is an anchor; status SEALRING_OK: it does */
    sealring_error away;    /* why the token could not be read; status SEALRING_OK: it could, or was not asked */
    struct witness_anchor anchor;
    bool era_noted; /* vault.unsigned shows that the operator's side began the registry's era */
    bool announced; /* a take-over that is newer than the anchor: its registry, and the era that follows */
    struct witness_anchor take_over;
    bool
        clock_confirmed; /* an operator has confirmed this host's clock, though the latest checkpoint was signed later */
    const struct witness_successor *successor; /* signs the next checkpoint as well; NULL: there is none */
    char remark[WITNESS_REMARK_SIZE];          /* what the operator should know, "" for nothing */
    char notice[WITNESS_REMARK_SIZE];          /* the same, for what cannot be completed later */
};

/* Whether the configuration names an audit token. */
bool witness_configured(const struct config *config);

/* For a new vault: generates the key pair in the audit token and returns its vkey. */
sealring_status witness_make_key(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                 char vkey[NOTE_KEY_TEXT_SIZE], sealring_error *error);

/* The pair that follows, in the audit token of successor->config, made unless one that was interrupted has made it. Sets successor->key. */
sealring_status witness_make_successor(struct witness_successor *successor, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                       sealring_error *error);
/* Stores the anchor where the successor's pair is; from here on that signs. */
sealring_status witness_move_anchor(struct audit_witness *witness, const struct witness_successor *successor,
                                    const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error);

/* Before the registry begins another era, shorter than it was: the former keys of the configuration sign nothing beyond what it has. Outside any transaction. */
sealring_status witness_limit_keys(struct config *config, struct registry *registry, sealring_error *error);

/* For a vault that was not completed: destroys its key pair and its anchors in the audit token, if there are any. */
sealring_status witness_discard(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                sealring_error *error);

/* Reads the anchor if the token can be reached; otherwise sets a remark. To be called before the vault's lock is taken, because it logs in. */
void witness_read(struct audit_witness *witness, const struct config *config, const struct registry *registry);

/* Whether the audit token signs with the newest key, which there must be: SEALRING_REFUSED if not, or if it has no such pair, and then *differs is
 * true; SEALRING_TOKEN if it cannot be reached. *next: it has a pair for the key that would follow, which no line names. Logs in. */
sealring_status witness_check_key(const struct config *config, const struct registry *registry,
                                  const struct audit_keys *keys, bool *differs, bool *next, sealring_error *error);

/* Without a registry: the keys of the configuration, or, if it has none, that of the pair in the audit token that has the vault's ID; and the anchor, if there is one.
 * SEALRING_NOT_FOUND, and sets witness->unknown, if there is no such pair: the token is another vault's. SEALRING_REFUSED if the pair is not the configuration's
 * newest key. */
sealring_status witness_recall(struct audit_witness *witness, const struct config *config,
                               const uint8_t vault_id[REGISTRY_ID_SIZE], struct audit_keys *keys,
                               sealring_error *error);

/* A note over `text`, which ends in a newline, signed by the audit token with the newest key, and verified with that. */
sealring_status witness_sign_note(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  const struct audit_keys *keys, const char *text, char note[REGISTRY_NOTE_SIZE],
                                  sealring_error *error);

/* In a transaction: SEALRING_REFUSED if the registry's log does not continue from the anchor, as the registry was rolled back or is another one;
 * also if the token refused to show the anchor. *contradicts distinguishes both from other failures. A registry that is ahead of the anchor is good: a crash came in between. */
sealring_status witness_compare(const struct audit_witness *witness, struct registry *registry, bool *contradicts,
                                sealring_error *error);
/* In a transaction: whether an anchor is known to be of that era. Without an anchor every era is good. */
bool witness_knows_era(const struct audit_witness *witness, const uint8_t era[REGISTRY_ID_SIZE]);
/* In a transaction: what the anchor, or the announcement of a take-over, is about, if it is more than *covered and the registry continues from it. */
sealring_status witness_cover(const struct audit_witness *witness, struct registry *registry,
                              struct checkpoint *covered, sealring_error *error);
/* The same as witness_compare in a transaction of its own. */
sealring_status witness_check(const struct audit_witness *witness, struct registry *registry, bool *contradicts,
                              sealring_error *error);

/* Under the lock, after a refusal and before the transaction of the take-over: chooses the era, and stores in the audit token that the present
 * registry may continue in that era. So a process that ends before the transaction has changed nothing, and one that ends after it has taken over.
 * (A token without data objects cannot store this: there, a take-over that was interrupted after its transaction must be repeated.) */
sealring_status witness_announce(struct audit_witness *witness, const struct config *config, struct registry *registry,
                                 sealring_error *error);

/* In a writing transaction, after witness_announce: sets the new era and describes the act that records it. */
sealring_status witness_take_over(const struct audit_witness *witness, struct registry *registry, const char *reason,
                                  struct audit_act *act, sealring_error *error);

/* Outside any transaction: signs a checkpoint over what is committed, stores it, and anchors it. Does nothing if that was done. Only the process that
 * holds vault.work anchors. A registry that does not continue from the anchor is not signed: the token may have been missing when the registry was checked.
 * facts, entries: those that the caller has examined (NULL: all, in a vault that is being made or restored). Returns false if the registry has others
 * by now, and nothing was signed. Never fails an act: what went wrong becomes the remark, and is done the next time. */
bool witness_settle(struct audit_witness *witness, const struct config *config, struct registry *registry,
                    const struct fact_tail *facts, const struct entry_tail *entries, bool anchors);

/* Outside any transaction, for a registry that is not in place yet: signs a checkpoint over all that it contains, which the caller has examined. *row is to be
 * inserted before the registry gets into its place. */
sealring_status witness_sign_whole(const struct audit_witness *witness, const struct config *config,
                                   struct registry *registry, struct registry_checkpoint *row, sealring_error *error);
/* Inserts a signed checkpoint in a transaction of its own. Takes the registry's lock unless it is held. */
sealring_status witness_keep(struct registry *registry, const struct registry_checkpoint *row, sealring_error *error);

/* The signature of an act that permits something: it is committed together with its checkpoint, or not at all. Nobody waits for the token meanwhile:
 * the transaction is carried out and rolled back, what it would have committed is signed, and it is carried out again. If it then results in
 * the same, the checkpoint is committed with it. */
struct signed_first;

/* At the end of the transaction. *first: what was signed, NULL at first. *covered: that is what the transaction results in, and the checkpoint was
 * inserted. Otherwise *first is what has to be signed, and the transaction must be rolled back. */
sealring_status witness_rehearse(struct signed_first **first, struct registry *registry, bool *covered,
                                 sealring_error *error);

/* Outside any transaction, without the registry's lock. The audit token stays open until witness_end_first. */
sealring_status witness_sign_first(struct audit_witness *witness, const struct config *config,
                                   struct registry *registry, struct signed_first *first, sealring_error *error);

/* In a dry run, instead of that signature: SEALRING_TOKEN, with the same message, if the audit token could not be read when the act began. */
sealring_status witness_foresee(struct audit_witness *witness, const struct config *config, sealring_error *error);

/* After the last try. committed: with the checkpoint, which becomes the anchor. Frees *first. */
void witness_end_first(struct audit_witness *witness, const struct config *config, const struct registry *registry,
                       struct signed_first **first, bool committed);

/* Whether the checkpoint counts in this log: it is of the registry's era, or the log begins with what it covers, as after a restore. What a restore
 * has discarded has another root. */
sealring_status witness_counts(struct registry *registry, const struct checkpoint *checkpoint, bool *good,
                               sealring_error *error);

#endif
