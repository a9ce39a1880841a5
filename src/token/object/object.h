/* SPDX-License-Identifier: Apache-2.0 */
/* Token objects by class and CKA_ID. Callers hold the one lock around find + create + set + destroy. */
#ifndef TOKEN_OBJECT_OBJECT_H
#define TOKEN_OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/session/attempt.h"
#include "token/session/key_reference.h"

/* An attempt at the object with this CKA_ID. noun: "key", for messages. */
struct attempt object_attempt(struct token *token, enum attempt_kind kind, const char *noun, const uint8_t *object_id,
                              size_t object_id_length);

/* Prevents the attempt if the label that it is about to set has no possible length. */
void object_check_label(struct attempt *attempt, const char *label);

/* Finds the objects of this class that are identified by attempt->object (length 0: all of the class). The caller frees *handles. */
sealring_status object_search(struct attempt *attempt, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE **handles,
                              size_t *count);

/* Finds the one object of this class. SEALRING_NOT_FOUND only if the token is present and has none; SEALRING_REFUSED if it has several. */
sealring_status object_find(struct attempt *attempt, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *handle);

/* The same, and reads its label. */
sealring_status object_find_with_label(struct attempt *attempt, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *handle,
                                       char label[TOKEN_LABEL_MAX + 1]);

/* Records that the object has another label than the one that is wanted. Returns SEALRING_REFUSED. */
sealring_status object_refuse_label(struct attempt *attempt, const char *label, const char *wanted);

/* Checks that there is no object of this class. SEALRING_REFUSED: some tokens silently replace an object if its ID is used again. */
sealring_status object_check_unused(struct attempt *attempt, CK_OBJECT_CLASS class);

/* Sets one attribute. `what`: see attempt_fail. */
sealring_status object_set(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, const void *value,
                           size_t size, const char *what);

/* Sets CKA_LABEL, and checks that the token keeps it. */
sealring_status object_relabel(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *label);

/* Signs into a buffer with more room than any signature takes, as some modules overrun or truncate a buffer of the exact size and return
 * CKR_OK. *function: the one that returned the code. */
#define OBJECT_SIGNATURE_ROOM 512
CK_RV object_sign(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_MECHANISM_TYPE type, const void *data,
                  size_t length, CK_BYTE output[OBJECT_SIGNATURE_ROOM], CK_ULONG *output_length, const char **function);

/* Destroys these objects, and frees the handles. One that the token does not destroy does not keep the others. */
sealring_status object_destroy(struct attempt *attempt, CK_OBJECT_HANDLE *handles, size_t count);

/* Destroys all objects of this class that are identified by attempt->object. OK if there are none. */
sealring_status object_destroy_all(struct attempt *attempt, CK_OBJECT_CLASS class);

/* Reads one attribute. *known false: the object does not have it, or it does not fit. */
sealring_status object_read(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, void *value,
                            size_t size, size_t *length, bool *known);

/* Reads a boolean. *known false: the token does not have it. */
sealring_status object_read_bool(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, bool *value,
                                 bool *known);

/* Reads CKA_LABEL, NUL-terminated; empty if there is none or it is longer than TOKEN_LABEL_MAX. */
sealring_status object_read_label(struct attempt *attempt, CK_OBJECT_HANDLE handle, char label[TOKEN_LABEL_MAX + 1]);

#endif
