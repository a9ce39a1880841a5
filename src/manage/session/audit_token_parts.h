/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about the audit token share: its key pair, its anchors. */
#ifndef MANAGE_SESSION_AUDIT_TOKEN_PARTS_H
#define MANAGE_SESSION_AUDIT_TOKEN_PARTS_H

#include "manage/session/audit_token.h"
#include "token/key/signing_key.h"
#include "token/object/data_object.h"

/* The token is open only as briefly as possible: while another token of the module is open, a search for a destroyed key may return an old result. */
sealring_status witness_open(const struct config *config, struct token **token, sealring_error *error);

/* The pair has the vault's ID, so that one token can serve several vaults; followed by its number, if other keys signed before it. */
void witness_signer(const uint8_t vault_id[REGISTRY_ID_SIZE], uint32_t number, struct token_signer *signer);
bool witness_key(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct token_signer *signer, struct note_key *key);

/* The note, signed by the newest key. Before it is used, it is verified with the key that verifiers will use. */
sealring_status witness_sign_text(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  const struct audit_keys *keys, const char *text, char note[REGISTRY_NOTE_SIZE],
                                  sealring_error *error);

/* Adds the successor's signature to a note that the present key has signed. token: the present audit token, open. */
sealring_status witness_sign_both(struct token *token, const struct config *config,
                                  const struct witness_successor *successor, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  char note[REGISTRY_NOTE_SIZE], sealring_error *error);

/* Sets the remark. */
void witness_say(struct audit_witness *witness, const char *what, const sealring_error *error);

#define ANCHOR_OF_LOG       "anchor"
#define ANCHOR_OF_TAKE_OVER "take-over"

/* The label of the vault's object of this kind. */
void witness_label(const char *kind, const uint8_t vault_id[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1]);
void anchor_format(const struct witness_anchor *anchor, char text[TOKEN_DATA_MAX]);
void anchor_digest(const struct merkle_hash *root, const uint8_t closed[REGISTRY_DIGEST_SIZE],
                   struct merkle_hash *digest);

/* The newest of the anchors in data objects and of the one in the label of the private key, where a token without data objects keeps it. Such a
 * token may also refuse to search for data objects; one that refuses and has no anchor in the label hides it: TOKEN_REFUSES. */
sealring_status anchor_load(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                            struct audit_witness *witness, enum token_answer *answer, sealring_error *error);
sealring_status anchor_store(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                             const struct audit_witness *witness, const struct witness_anchor *anchor,
                             sealring_error *error);

/* What is committed, or is about to be, as of one transaction. */
struct witness_state {
    struct checkpoint checkpoint;
    uint64_t vouched;       /* the newest checkpoint that verifies covers the entries up to this one, 0: none */
    uint64_t vouched_facts; /* and this number of facts */
    int64_t signed_ms;      /* when that was signed */
    bool forged;            /* the registry has a row of a larger size, or of this one, which does not verify */
    struct audit_keys keys;
    struct registry_checkpoint row;
};

/* In a transaction. */
sealring_status witness_look(struct registry *registry, struct witness_state *state, sealring_error *error);

/* Signs state->checkpoint, and makes state->row of it. */
sealring_status witness_sign(struct token *token, struct witness_state *state, bool clock_confirmed,
                             const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error);

/* Makes the checkpoint the token's anchor. */
sealring_status witness_anchor(struct token *token, struct audit_witness *witness, const struct config *config,
                               const struct witness_state *state, const uint8_t vault_id[REGISTRY_ID_SIZE],
                               sealring_error *error);

/* Loads the anchor as it is now: another manager may have moved it since, and the token may have been missing when this one read it. SEALRING_REFUSED
 * if the registry does not continue from it. */
sealring_status witness_load_again(struct audit_witness *witness, struct token *token, struct registry *registry,
                                   sealring_error *error);

#endif
