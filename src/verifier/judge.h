/* SPDX-License-Identifier: Apache-2.0 */
/* Judging an issued credential by its rows: states, times, narrowing, scopes. Pure. */
#ifndef VERIFIER_JUDGE_H
#define VERIFIER_JUDGE_H

#include <stdbool.h>

#include "registry/rows.h"

/* The verdict on a credential of which only the secret has not been proved yet. `now`: milliseconds since 1970 UTC.
 * scope: what is asked for, NULL for none. Fills every field of grant but size; grant is a whole one. */
sealring_verdict judge_holder(const struct registry_holder *holder, const char *scope, int64_t now,
                              sealring_grant *grant);

/* The credential's scopes, less what its API key was narrowed by. */
void judge_scopes(const struct registry_holder *holder, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]);

/* Until when this credential is promised, 0 if no successor is due. */
int64_t judge_sunset(const struct registry_holder *holder);

#endif
