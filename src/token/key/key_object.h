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

#define TOKEN_HMAC_SIZE 32
#define TOKEN_KEY_BYTES 32 /* length of a version's secret */

/* Generates a 256-bit CKK_GENERIC_SECRET (or CKK_SHA256_HMAC, where only that signs) under `label` with the reference's
 * object ID, reads every attribute back, and computes the reference's check_value from its check_input. Refuses an ID that is
 * in use. Whatever goes wrong after the object exists, it is destroyed again. */
sealring_status token_key_generate(struct token *token, const char *label, struct token_key_reference *reference,
                                   sealring_error *error);

/* HMAC-SHA256 over data in the token. Finds the key once, reads its attributes back and compares its check value before its
 * first use, also after every reconnect. Any number of threads. mac has to be wiped by the caller.
 * SEALRING_OK; SEALRING_REFUSED: the key is there and may not be used (closed: token_code is
 * CKR_KEY_FUNCTION_NOT_PERMITTED; or attributes or check value are wrong: an alarm); SEALRING_NOT_FOUND: the token is present
 * and has no such object; SEALRING_TOKEN: an outage, never a verdict. */
sealring_status token_hmac(struct token *token, const struct token_key_reference *reference, const uint8_t *data,
                           size_t length, uint8_t mac[TOKEN_HMAC_SIZE], sealring_error *error);

/* Proves the key afresh, whatever was remembered of it: object, attributes, check value. Returns as token_hmac. */
sealring_status token_key_prove(struct token *token, const struct token_key_reference *reference,
                                sealring_error *error);

/* The label of the object with this ID, empty if it has none. SEALRING_NOT_FOUND if a module that was initialised anew shows none either;
 * SEALRING_REFUSED if there are several. */
sealring_status token_key_label(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                char label[TOKEN_LABEL_MAX + 1], sealring_error *error);

/* Gives the object with this ID the label `to`, if it has the label `from` (SEALRING_REFUSED otherwise; already `to`: OK). */
sealring_status token_key_relabel(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *from, const char *to, sealring_error *error);

/* Gives the object the label that it has, so that SoftHSM2 writes its file anew: which one that is cannot be told otherwise. SEALRING_NOT_FOUND. */
sealring_status token_key_touch(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                sealring_error *error);

/* Clears or sets CKA_SIGN of the object, if its label is `label` (NULL: whatever it is), and reads it back; cleared, the key is asked for
 * a signature, which it has to refuse. SEALRING_REFUSED for another label or a key that signs on (token_code 0), and if the token does not
 * let it be changed (token_code not 0); SEALRING_NOT_FOUND. */
sealring_status token_key_allow_sign(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                     const char *label, bool allow, sealring_error *error);

/* Whether the object is the key that the reference means, before it is changed: its label is `label`; or it has none, or still that of
 * its making, as the token keeps or changes no labels. One that signs has to derive the reference's check value as well, unless it has that
 * label, and `made_here` says that its ID is one that only this vault gives. One that does not sign cannot prove itself: its label has to do, and
 * without one it has to be a key as sealring makes them. SEALRING_REFUSED for another object. */
sealring_status token_key_identify(struct token *token, const struct token_key_reference *reference, const char *label,
                                   bool made_here, sealring_error *error);

/* Whether the object signs: it is asked to. Its attributes decide nothing, as some tokens keep CKA_SIGN and do not enforce it. *signs
 * is true also where the call fails. */
sealring_status token_key_signs(struct token *token, const uint8_t *object_id, size_t object_id_length, bool *signs,
                                sealring_error *error);

/* Destroys the object, if its label is `label` (NULL: whatever it is), and looks again with fresh eyes: the module is finalised
 * and initialised for that, unless the host program owns it, or all seems well and another token on it is open in this process.
 * SEALRING_NOT_FOUND if there is none, SEALRING_REFUSED for another label, SEALRING_TOKEN also if it is still there. */
sealring_status token_key_destroy(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                  const char *label, sealring_error *error);

struct token_key_info {
    char label[TOKEN_LABEL_MAX + 1]; /* other than printable ASCII shown as '?' */
    uint8_t object_id[TOKEN_OBJECT_ID_MAX];
    size_t object_id_length;
    bool sign;
    bool sensitive, always_sensitive, extractable, never_extractable, local, copyable;
    /* by token_key_examine only: */
    char wrong[256]; /* which attributes are not as sealring makes them, CKA_SIGN apart; "" for none */
    bool narrowable; /* token_key_narrow puts all of them right */
};

typedef sealring_status (*token_key_callback)(const struct token_key_info *key, void *context, sealring_error *error);

/* Every secret key object whose label begins with label_prefix ("" for all). The callback may not call the token. */
sealring_status token_key_each(struct token *token, const char *label_prefix, token_key_callback each, void *context,
                               sealring_error *error);

/* The same, with what is wrong with each. */
sealring_status token_key_examine(struct token *token, const char *label_prefix, token_key_callback each, void *context,
                                  sealring_error *error);

/* Takes away the object's usages other than signing, and that it can be copied, if its label is `label` (SEALRING_REFUSED otherwise).
 * Gives it nothing; CKA_SIGN stays as it is. */
sealring_status token_key_narrow(struct token *token, const uint8_t *object_id, size_t object_id_length,
                                 const char *label, sealring_error *error);

/* What becomes of a key's label. */
enum token_labels {
    TOKEN_LABELS_CHANGE, /* it lasts and can be changed */
    TOKEN_LABELS_FIXED,  /* it lasts as it was made */
    TOKEN_LABELS_LOST,   /* there is none after the module was initialised anew */
};

/* What a token can do, found out by doing it with a key that is destroyed again. */
struct token_abilities {
    size_t object_id_length; /* the longest CKA_ID up to 16 bytes that it keeps: 16, 8 or 2 */
    bool closes_keys;        /* CKA_SIGN can be cleared, and the key refuses to sign afterwards */
    bool limits_mechanisms;  /* CKA_ALLOWED_MECHANISMS is known */
    bool refuses_copies;     /* CKA_COPYABLE false is known */
    enum token_labels labels;
};

/* The key is labelled `label`, by which it is found again if this process ends meanwhile. SEALRING_TOKEN if the token lacks what
 * sealring cannot do without; the message names it. */
sealring_status token_probe(struct token *token, const char *label, struct token_abilities *abilities,
                            sealring_error *error);

#endif
