/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of scopes: checked, sorted, compared (RFC 6749, section 3.3). */
#ifndef CREDENTIAL_SCOPE_H
#define CREDENTIAL_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/verify.h>

/* Writes the sorted set without repetitions, separated by single spaces. input NULL or "": the empty set. Several spaces between tokens
 * are allowed. Returns NULL if it is valid, else the reason as in base/name.h. */
const char *scope_normalise(const char *input, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1], char problem[128]);

/* Returns whether every token of `wanted` is in the normalised set `scopes`. wanted: any order, NULL for none; invalid tokens are never
 * included. On false *missing / *missing_length, if not NULL, name the first missing one, inside `wanted`. */
bool scope_includes(const char *scopes, const char *wanted, const char **missing, size_t *missing_length);

/* Writes the tokens that are in both normalised sets. */
void scope_intersect(const char *a, const char *b, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]);

#endif
