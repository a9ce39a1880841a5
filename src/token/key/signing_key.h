/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair in a token that signs checkpoints: generated, found, read back, used. */
#ifndef TOKEN_KEY_SIGNING_KEY_H
#define TOKEN_KEY_SIGNING_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "token/key/key_object.h"

#define TOKEN_PUBLIC_MAX    128
#define TOKEN_SIGNATURE_MAX 128

/* The numbers are those of C2SP's signature types. */
enum token_signer_type { TOKEN_ED25519 = 0x01, TOKEN_P256 = 0x02 };

/* CKA_ID identifies the pair. public_key: for Ed25519 the 32 bytes of RFC 8032, for P-256 the SubjectPublicKeyInfo in DER. */
struct token_signer {
    uint8_t object_id[TOKEN_OBJECT_ID_MAX];
    size_t object_id_length;
    enum token_signer_type type;
    uint8_t public_key[TOKEN_PUBLIC_MAX];
    size_t public_length;
};

/* Generates a pair with `label` and the signer's object ID, which must be unused: Ed25519 if the token has CKM_EC_EDWARDS_KEY_PAIR_GEN
 * and CKM_EDDSA, else ECDSA on P-256; or the signer's type if that is not 0. The private key is sensitive and not extractable, read
 * back and checked. Fills type and public key. On failure, what was made is destroyed again. */
sealring_status token_signer_generate(struct token *token, const char *label, struct token_signer *signer,
                                      sealring_error *error);

/* Fills type and public key of the pair with the signer's object ID. SEALRING_NOT_FOUND; SEALRING_REFUSED with an alarm if there are
 * several, or if the private key is not as sealring makes it. */
sealring_status token_signer_find(struct token *token, struct token_signer *signer, enum token_answer *answer,
                                  sealring_error *error);

/* Signs: 64 bytes for Ed25519, or ECDSA over SHA-256 in DER. Returns as token_signer_find. */
sealring_status token_signer_sign(struct token *token, const struct token_signer *signer, const void *data,
                                  size_t length, uint8_t signature[TOKEN_SIGNATURE_MAX], size_t *signature_length,
                                  sealring_error *error);

/* The private key's label, of at most TOKEN_LABEL_MAX bytes: a place to store a value on tokens without CKO_DATA. SEALRING_REFUSED if
 * the token does not show it. */
sealring_status token_signer_label(struct token *token, const struct token_signer *signer,
                                   char label[TOKEN_LABEL_MAX + 1], enum token_answer *answer, sealring_error *error);
sealring_status token_signer_relabel(struct token *token, const struct token_signer *signer, const char *label,
                                     sealring_error *error);

/* Destroys the pair with the signer's object ID, or what exists of it. OK if there is none. */
sealring_status token_signer_destroy(struct token *token, const struct token_signer *signer, sealring_error *error);

#endif
