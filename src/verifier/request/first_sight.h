/* SPDX-License-Identifier: Apache-2.0 */
/* First sight of a credential: registry, then token, then the cache. */
#ifndef VERIFIER_REQUEST_FIRST_SIGHT_H
#define VERIFIER_REQUEST_FIRST_SIGHT_H

#include "registry/rows/rows.h"
#include "verifier/state/verifier_state.h"

/* Judges what the cache does not know. grant NULL or a whole one. */
sealring_verdict sight_judge(struct verifier *verifier, const struct question *question, sealring_grant *grant);

/* A row that wants the token's word: does the secret of its claims (or what binds an imported key to them) belong to the text with this
 * digest? */
struct sight_row {
    const struct registry_presented *presented;
    const struct known_version *version;
    const uint8_t *digest; /* SHA-256 of the text */
    const char *text;      /* NULL: not at hand, then it is made from the token's answer */
    size_t length;
    uint64_t fences; /* the verifier's, from before the row was read */
};

/* Asks the token, once however many threads ask for the same row; who comes a moment later finds it in the cache, as it is put in
 * before the others hear of it. *confirmed: so it is. *crowded: too many wait already. */
sealring_status sight_confirm(struct verifier *verifier, const struct sight_row *row, bool *confirmed, bool *crowded,
                              sealring_error *error);

/* Puts a row that the token confirmed into the cache, unless a change of the registry was applied since the row was read. False if
 * so. Without memory it is not put in, and that is no failure. */
bool sight_insert(struct verifier *verifier, const struct sight_row *row);

#endif
