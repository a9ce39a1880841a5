/* SPDX-License-Identifier: Apache-2.0 */
/* A version's object in the token: changed and destroyed only if it belongs to that version. */
#ifndef MANAGE_TOKENS_VERSION_OBJECT_H
#define MANAGE_TOKENS_VERSION_OBJECT_H

#include "manage/session/manager.h"
#include "token/key/key_object.h"

/* Anybody who can write the registry can name any object by its ID. What counts is what the token confirms: the object's label
 * sealring/RING/NUMBER, if the token keeps labels, and, for a key that signs, the version's check value, as another vault's ring may have the same
 * name (token_key_identify). If its ID has a mark, the label is enough: so a foreign key that replaced the version's own can be closed and
 * destroyed. */
struct owned {
    struct token_key_reference reference; /* object_id_length 0: there is no such version */
    char label[TOKEN_LABEL_MAX + 1];
    sealring_error
        unknown; /* status not SEALRING_OK: the version's kind of key is not known, so nothing is done to it */
    bool marked; /* the ID is one that only this vault makes (owned_mark) */
    enum token_answer answer; /* of the last of the functions below but owned_narrow */
};

void owned_aim(const struct registry_vault *vault, const struct registry_ring *ring,
               const struct registry_version *version, struct owned *owned);

/* Whether the object is the version's (token_key_identify). */
sealring_status owned_identify(struct token *token, struct owned *owned, sealring_error *error);

/* As token_key_allow_sign, token_key_narrow and token_key_destroy. SEALRING_REFUSED with token_code 0 also for an object that is not the version's.
 * A key whose right to sign is restored must then prove itself; otherwise the right is removed again. */
sealring_status owned_allow_sign(struct token *token, struct owned *owned, bool allow, sealring_error *error);
sealring_status owned_narrow(struct token *token, struct owned *owned, sealring_error *error);
sealring_status owned_destroy(struct token *token, struct owned *owned, sealring_error *error);

/* The second half of an object ID is a hash of the vault's ID and the first half, which is random. So the ID shows which vault made the key where
 * labels do not, and a forged row does not change that. An ID of less than 8 bytes has no room for the hash: it is random, and shows nothing. */
void owned_mark(const uint8_t vault_id[REGISTRY_ID_SIZE], uint8_t *object_id, size_t length);
bool owned_is_marked(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t *object_id, size_t length);

#endif
