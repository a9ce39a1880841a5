/* SPDX-License-Identifier: Apache-2.0 */
/* A version's secret key object: generated, read back, found, closed, destroyed. */
#ifndef TOKEN_KEY_KEY_OBJECT_H
#define TOKEN_KEY_KEY_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "token/session/key_reference.h"
#include "token/session/token.h"

#define TOKEN_HMAC_SIZE      32
#define TOKEN_KEY_BYTES      32 /* length of a version's secret */
#define TOKEN_KEY_WRONG_SIZE 256

/* Generates a 256-bit CKK_GENERIC_SECRET (or CKK_SHA256_HMAC, if only that signs) with `label` and the reference's object ID, reads
 * every attribute back, and computes the reference's check_value from its check_input. Refuses an ID that is in use. On any failure
 * after the object was made, it is destroyed again. */
sealring_status token_key_generate(struct token *token, const char *label, struct token_key_reference *reference,
                                   enum token_answer *answer, sealring_error *error);

/* HMAC-SHA256 over data in the token. Before the key's first use, also after every reconnect, finds the key, and checks its attributes
 * and its check value. Any number of threads. The caller wipes mac. SEALRING_OK; SEALRING_REFUSED: the key exists and may not be used
 * (closed: token_code is CKR_KEY_FUNCTION_NOT_PERMITTED; or attributes or check value are wrong: an alarm); SEALRING_NOT_FOUND: the
 * token is present and has no such object; SEALRING_TOKEN: an outage, never a verdict. */
sealring_status token_hmac(struct token *token, const struct token_key_reference *reference, const uint8_t *data,
                           size_t length, uint8_t mac[TOKEN_HMAC_SIZE], enum token_answer *answer,
                           sealring_error *error);

/* Proves the key again, without use of earlier proofs: object, attributes, check value. Returns as token_hmac. */
sealring_status token_key_prove(struct token *token, const struct token_key_reference *reference,
                                enum token_answer *answer, sealring_error *error);

/* Reads the label of the object with this ID; empty if it has none. SEALRING_NOT_FOUND if it is not found even after the module was
 * initialised again; SEALRING_REFUSED if there are several. */
sealring_status token_key_label(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                char label[TOKEN_LABEL_MAX + 1], enum token_answer *answer, sealring_error *error);

/* Changes the label of the object with this ID from `from` to `to` (SEALRING_REFUSED if it has another; OK if it has `to` already). */
sealring_status token_key_relabel(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *from, const char *to, enum token_answer *answer, sealring_error *error);

/* Sets the object's label to its present value, so that SoftHSM2 rewrites its file: this is the only way to identify the file.
 * SEALRING_NOT_FOUND. */
sealring_status token_key_touch(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                sealring_error *error);

/* Clears or sets CKA_SIGN of the object, if its label is `label` (NULL: any label), and reads it back. After clearing, the key is asked
 * for a signature, which it must refuse. SEALRING_REFUSED: another label, or the key still signs (token_code 0); or the token does not
 * permit the change (token_code not 0). SEALRING_NOT_FOUND. */
sealring_status token_key_allow_sign(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                     const char *label, bool allow, enum token_answer *answer, sealring_error *error);

/* Checks that the object is the reference's key, before it is changed. Its label must be `label`; or it has no label or the label of
 * its making, because some tokens store or change no labels. If it signs, it must also derive the reference's check value, unless it
 * has that label and `made_here` is true: only this vault assigns its ID. If it does not sign, it cannot prove itself: its label must
 * be sufficient, and without that label it must be a key as sealring makes them. SEALRING_REFUSED for another object. */
sealring_status token_key_identify(struct token *token, const struct token_key_reference *reference, const char *label,
                                   bool made_here, enum token_answer *answer, sealring_error *error);

/* Determines by a test whether the object signs. Its attributes are not used, as some tokens store CKA_SIGN and do not enforce it.
 * *signs is true also if the call fails. */
sealring_status token_key_signs(struct token *token, const uint8_t *object_id, size_t object_id_length, bool *signs,
                                enum token_answer *answer, sealring_error *error);

/* Destroys the object, if its label is `label` (NULL: any label), and searches for it again. For that the module is finalised and
 * initialised, unless the host program owns it, or destruction seems to have succeeded and another token on the module is open in this
 * process. SEALRING_NOT_FOUND: there is none; SEALRING_REFUSED: another label; SEALRING_TOKEN: also if the object still exists. */
sealring_status token_key_destroy(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *label, enum token_answer *answer, sealring_error *error);

struct token_key_info {
    char label[TOKEN_LABEL_MAX + 1]; /* characters other than printable ASCII shown as '?' */
    uint8_t object_id[TOKEN_OBJECT_ID_MAX];
    size_t object_id_length;
    bool sign;
    char wrong
        [TOKEN_KEY_WRONG_SIZE]; /* of token_key_examine: the attributes that are not as sealring makes them, except CKA_SIGN */
    bool narrowable;            /* of token_key_examine: token_key_narrow corrects all of them */
};

typedef sealring_status (*token_key_callback)(const struct token_key_info *key, void *context, sealring_error *error);

/* Calls back for every secret key object whose label begins with label_prefix ("" for all). The callback must not call the token. */
sealring_status token_key_each(struct token *token, const char *label_prefix, token_key_callback each, void *context,
                               sealring_error *error);

/* The same, and reports what is wrong with each. */
sealring_status token_key_examine(struct token *token, const char *label_prefix, token_key_callback each, void *context,
                                  sealring_error *error);

/* Clears the object's usages other than signing, and forbids copies, if its label is `label` (NULL: any label; SEALRING_REFUSED
 * otherwise). Permits nothing; CKA_SIGN stays as it is. */
sealring_status token_key_narrow(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                 const char *label, sealring_error *error);

/* How a token treats a key's label. */
enum token_labels {
    TOKEN_LABELS_CHANGE, /* it is stored and can be changed */
    TOKEN_LABELS_FIXED,  /* it is stored as made and cannot be changed */
    TOKEN_LABELS_LOST,   /* it is gone after the module was initialised again */
};

/* The abilities of a token, determined by tests with a key that is destroyed afterwards. */
struct token_abilities {
    size_t object_id_length; /* the longest CKA_ID up to 16 bytes that it stores: 16, 8 or 2 */
    bool closes_keys;        /* CKA_SIGN can be cleared, and then the key refuses to sign */
    bool limits_mechanisms;  /* it knows CKA_ALLOWED_MECHANISMS */
    bool refuses_copies;     /* it knows CKA_COPYABLE false */
    enum token_labels labels;
};

/* The test key has the label `label`, so that it can be found if this process ends meanwhile. SEALRING_TOKEN if the token lacks an
 * ability that sealring requires; the message names it. */
sealring_status token_probe(struct token *token, const char *label, struct token_abilities *abilities,
                            sealring_error *error);

#endif
