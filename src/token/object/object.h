/* SPDX-License-Identifier: Apache-2.0 */
/* Token objects by class and CKA_ID. Callers hold the one lock around find + create + set + destroy. */
#ifndef TOKEN_OBJECT_OBJECT_H
#define TOKEN_OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/session/attempt.h"
#include "token/session/key_reference.h"

#define OBJECT_NAME_SIZE (2 * TOKEN_OBJECT_ID_MAX + 8)

/* "key 0a1b…": for messages. */
void object_name(const uint8_t *object_id, size_t object_id_length, char name[OBJECT_NAME_SIZE]);

/* Finds the secret key objects with this CKA_ID (NULL: all). The caller frees *handles. */
sealring_status object_search(struct attempt *attempt, const uint8_t *object_id, size_t object_id_length,
                              CK_OBJECT_HANDLE **handles, size_t *count);

/* Finds the objects of any class that match the template, likewise. */
sealring_status object_search_template(struct attempt *attempt, const CK_ATTRIBUTE *template, CK_ULONG template_count,
                                       CK_OBJECT_HANDLE **handles, size_t *count);

/* Finds the one secret key object with this CKA_ID. SEALRING_NOT_FOUND only if the token is present and has none; SEALRING_REFUSED if
 * it has several. */
sealring_status object_find(struct attempt *attempt, const uint8_t *object_id, size_t object_id_length,
                            CK_OBJECT_HANDLE *handle);

/* Sets one attribute. `what`: see attempt_fail. */
sealring_status object_set(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, const void *value,
                           size_t size, const char *what);

/* Destroys these objects. One that the token does not destroy does not keep the others. */
sealring_status object_destroy(struct attempt *attempt, const CK_OBJECT_HANDLE *handles, size_t count,
                               const char *what);

/* Reads one attribute. *known false: the object does not have it, or it does not fit. */
sealring_status object_read(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, void *value,
                            size_t size, size_t *length, bool *known);

/* Reads a boolean. *known false: the token does not have it. */
sealring_status object_read_bool(struct attempt *attempt, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, bool *value,
                                 bool *known);

/* Reads CKA_LABEL, NUL-terminated; empty if there is none or it is longer than TOKEN_LABEL_MAX. */
sealring_status object_read_label(struct attempt *attempt, CK_OBJECT_HANDLE handle, char label[TOKEN_LABEL_MAX + 1]);

#endif
