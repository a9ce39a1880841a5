/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a version's object in the token: first the intention, then the object under its label, then the row. */
#ifndef MANAGE_TOKENS_MAKE_OBJECT_H
#define MANAGE_TOKENS_MAKE_OBJECT_H

#include "manage/session/manager.h"

/* A version whose object is being made. */
struct make {
    sealring_manager *manager;
    struct registry_intention intention;
    struct token_key_reference reference;
    uint32_t number;
    char intent[TOKEN_LABEL_MAX + 1]; /* the intention's label */
    char label[TOKEN_LABEL_MAX + 1];  /* the version's */
    bool generated;                   /* the object exists, and this process made it */
};

/* Writes the intention and generates the object under its label. ring->id 0: a ring that is made together with it. Between manager_begin and
 * manager_end. After a failure, recovery removes anything that is left. */
sealring_status make_begin(struct make *make, sealring_manager *manager, const struct registry_ring *ring,
                           uint32_t number, sealring_error *error);

/* Sets the members of the version's row that the object determines. */
void make_fill(const struct make *make, struct registry_version *version);

/* After the transaction with the row, which ended with `committed`. SEALRING_OK: gives the object its own label and deletes the intention. If it
 * was rolled back: destroys the object and deletes the intention. A commit that failed at its end may have kept the row nevertheless; this is known
 * only once it is read again, so recovery does the one or the other. Recovery also completes what fails here, which is no failure of the operation. */
void make_end(struct make *make, sealring_status committed);

#endif
