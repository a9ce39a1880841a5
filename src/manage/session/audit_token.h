/* SPDX-License-Identifier: Apache-2.0 */
/* The audit token: the key that signs checkpoints, and the anchor that a registry put back is noticed by. */
#ifndef MANAGE_SESSION_AUDIT_TOKEN_H
#define MANAGE_SESSION_AUDIT_TOKEN_H

#include <stdbool.h>

#include "config/config.h"
#include "log/checkpoint.h"
#include "log/signed_note.h"
#include "registry/log/log_rows.h"

struct audit_act;

#define WITNESS_REMARK_SIZE 256

/* What the token remembers of the log: how long it was, and one hash over root and closed facts of then. */
struct witness_anchor {
    uint64_t serial; /* of two that an interruption left, the higher counts */
    uint8_t era[CHECKPOINT_ERA_SIZE];
    uint64_t size;
    uint64_t closed_count;
    struct merkle_hash digest;
};

/* A manager's: all zero at first. */
struct audit_witness {
    bool anchored;          /* an anchor was read, or written */
    bool unknown;           /* the token was asked, and has neither anchor nor key for this vault */
    bool made;              /* set by who makes the vault: there is no anchor yet */
    bool settled;           /* set by who took the registry over, or restored it: it need not go on from the anchor */
    sealring_error refused; /* why the token does not show whether there is an anchor; status SEALRING_OK: it does */
    struct witness_anchor anchor;
    bool announced; /* a take-over that the anchor does not know of yet: which registry, and its era from then on */
    struct witness_anchor take_over;
    bool
        clock_confirmed; /* an operator has confirmed this host's clock, though the latest checkpoint was signed later */
    char remark[WITNESS_REMARK_SIZE]; /* what the operator should know, "" for nothing */
    char notice[WITNESS_REMARK_SIZE]; /* the same of what cannot be made up for */
};

/* Whether the configuration names an audit token. */
bool witness_configured(const struct config *config);

/* For a new vault: generates the key pair in the audit token and tells its vkey. */
sealring_status witness_make_key(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                 char vkey[REGISTRY_VKEY_SIZE], sealring_error *error);

/* For a vault that came to nothing: destroys its key pair and its anchors in the audit token, if there are any. */
sealring_status witness_discard(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                sealring_error *error);

/* Reads the anchor, if the token can be reached; a remark if not. Before the vault's lock is taken: it takes a login. */
void witness_read(struct audit_witness *witness, const struct config *config, const struct registry *registry);

/* Whether the audit token signs with the key that the registry names: SEALRING_REFUSED if not, or if it has no such pair; SEALRING_TOKEN if it
 * cannot be reached. Takes a login. */
sealring_status witness_check_key(const struct config *config, const struct registry *registry, const char *vkey,
                                  sealring_error *error);

/* Without a registry: the verifier key of the pair in the audit token that has the vault's ID, and the anchor, if there is one. SEALRING_NOT_FOUND if
 * there is no such pair: it is another vault's token. */
sealring_status witness_recall(struct audit_witness *witness, const struct config *config,
                               const uint8_t vault_id[REGISTRY_ID_SIZE], struct note_key *key, sealring_error *error);

/* A note over `text`, which ends in a newline, signed by the audit token and verified with the key. */
sealring_status witness_sign_note(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  const char *vkey, const char *text, char note[REGISTRY_NOTE_SIZE],
                                  sealring_error *error);

/* In a transaction: SEALRING_REFUSED if the registry's log does not go on from where the anchor is: it was put back, or another one; also if
 * the token refused to show the anchor. A registry that is ahead of it is good: a crash came between. */
sealring_status witness_judge(const struct audit_witness *witness, struct registry *registry, sealring_error *error);

/* Under the lock, after a refusal and before the transaction of the take-over: chooses the era, and has the audit token remember that the
 * registry as it is now may go on under it. So a process that ends before the transaction has changed nothing, and one that ends after it
 * has taken over. (A token without data objects cannot remember it: there a take-over that was cut short after its transaction is
 * to be said again.) */
sealring_status witness_announce(struct audit_witness *witness, const struct config *config, struct registry *registry,
                                 sealring_error *error);

/* In a writing transaction, after witness_announce: the other era, and the act that records it. */
sealring_status witness_take_over(const struct audit_witness *witness, struct registry *registry, const char *reason,
                                  struct audit_act *act, sealring_error *error);

/* By whoever holds vault.work, outside of any transaction: signs a checkpoint over what is committed, stores it, anchors it. Nothing to do
 * if that was done. A registry that does not go on from the anchor is not signed: the token may have been away when it was judged. Never fails
 * an act: what went wrong becomes the remark, and is made up for the next time. */
void witness_settle(struct audit_witness *witness, const struct config *config, struct registry *registry);

#endif
