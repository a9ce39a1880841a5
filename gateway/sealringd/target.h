/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's target asks for: the scopes that a credential must have, or a state of the daemon. Pure. */
#ifndef GATEWAY_SEALRINGD_TARGET_H
#define GATEWAY_SEALRINGD_TARGET_H

#include <stdbool.h>

#include <sealring/verify.h>

enum target_kind {
    TARGET_UNKNOWN = 0, /* nothing that the daemon offers, or scopes that are not written as they must be */
    TARGET_VERIFY,
    TARGET_HEALTH,
    TARGET_READY,
    TARGET_RENEW,
    TARGET_CLAIM,
    TARGET_LEAKS
};

struct target {
    enum target_kind kind;
    char
        scopes[SEALRING_SCOPES_LENGTH_MAX + 1]; /* TARGET_VERIFY: separated by single spaces; empty: none is required */
};

/* Reads the target as it was received, neither decoded nor normalised:
 *
 *   /v1/verify/SCOPE[,SCOPE]/-…   all these scopes are required
 *   /v1/verify/-…                 none is, if any_allowed; after the `-` comes the end, `/` or `?`
 *   /healthz, /readyz
 *
 * What follows `/-` is what a gateway appends, the client's own target, and is ignored. SCOPE has the letters, digits and marks that mean
 * themselves in a path: no `%`, `;`, `?`. A target that is wrong is TARGET_UNKNOWN. */
void target_parse(const char *text, bool any_allowed, struct target *target);

/* Reads the target of a listener for renewal, which has /v1/renew and /v1/claim. */
void target_parse_renewal(const char *text, struct target *target);

/* Reads the target of a listener for alerts about leaks, where there is one only: /v1/leaks. */
void target_parse_leaks(const char *text, struct target *target);

#endif
