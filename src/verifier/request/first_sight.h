/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies a credential that the cache does not contain: asks the registry, then the token, then fills the cache. */
#ifndef VERIFIER_REQUEST_FIRST_SIGHT_H
#define VERIFIER_REQUEST_FIRST_SIGHT_H

#include "registry/rows/rows.h"
#include "verifier/state/verifier_state.h"

#define SIGHT_UNKNOWN "no API key has this key ID"

/* Judges a credential after a cache miss. grant is NULL or a complete structure. */
sealring_verdict sight_judge(struct verifier *verifier, const struct presented *text, sealring_grant *grant);

/* A row that the token must confirm: does the secret derived from its claims (for an imported key: the binding) belong to the text with
 * this digest? */
struct sight_row {
    const struct registry_presented *presented;
    struct known_version *version;
    const uint8_t *digest; /* SHA-256 of the text */
    const char *text;      /* NULL: not available; then it is made from the token's answer */
    size_t length;
    uint64_t fences; /* the verifier's, as of before the row was read */
};

enum sight_answer {
    SIGHT_CONFIRMED, /* the token confirms the row */
    SIGHT_DENIED,    /* the token derives another secret */
    SIGHT_REFUSED,   /* the token has no such key, or refuses to use it */
    SIGHT_AWAY,      /* the token cannot be asked */
    SIGHT_CROWDED,   /* too many threads are waiting */
    SIGHT_MALFORMED, /* the row */
};

/* Asks the token once for all threads that ask for the same row. The row enters the cache before the waiting threads get the answer, so
 * a thread that asks later finds it there. The error is set by the answers after SIGHT_DENIED. */
enum sight_answer sight_confirm(struct verifier *verifier, const struct sight_row *row, sealring_error *error);

#endif
