/* SPDX-License-Identifier: Apache-2.0 */
/* Small private data objects (CKO_DATA) in a token: to replace one, makes a new one, then destroys the old one. */
#ifndef TOKEN_OBJECT_DATA_OBJECT_H
#define TOKEN_OBJECT_DATA_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "token/session/token.h"

#define TOKEN_DATA_MAX 512

struct token_data {
    uint8_t bytes[TOKEN_DATA_MAX];
    size_t length;
};

/* Reads the values of the objects with this label: normally one; none; or two, if a write was interrupted. SEALRING_REFUSED if the
 * token does not search for such objects, shows the value of none that it has (one longer than TOKEN_DATA_MAX is not read), or has more
 * than `most`. */
sealring_status token_data_read(struct token *token, const char *label, struct token_data *values, size_t most,
                                size_t *count, enum token_answer *answer, sealring_error *error);

/* Makes an object with this label and value, reads it back, then destroys all others with the label: at each moment there is at least
 * one. (SoftHSM2 can make and destroy such an object, but not change it.) SEALRING_REFUSED: the token stores no data objects. */
sealring_status token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                 enum token_answer *answer, sealring_error *error);

/* Destroys all objects with this label. OK if there are none. */
sealring_status token_data_remove(struct token *token, const char *label, enum token_answer *answer,
                                  sealring_error *error);

#endif
