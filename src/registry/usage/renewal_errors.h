/* SPDX-License-Identifier: Apache-2.0 */
/* Why renewals of an API key failed, how often and when last: for display, nothing may be decided by it. */
#ifndef REGISTRY_USAGE_RENEWAL_ERRORS_H
#define REGISTRY_USAGE_RENEWAL_ERRORS_H

#include "registry/rows/rows.h"

/* The rules of rows.h apply. None of this increases the epoch or is an act in the audit log. */

/* A row for each API key and result, so the registry's size bounds their number. */
struct registry_renewal_error {
    int64_t key;
    unsigned result; /* sealring_renewal_result */
    uint64_t count;
    int64_t latest;
};

/* Adds to the count, which begins again if the one before was before `since`. */
sealring_status registry_renewal_error_add(struct registry *registry, const struct registry_renewal_error *one,
                                           int64_t since, sealring_error *error);

/* Those of one key, the latest first. */
struct registry_cursor registry_renewal_errors(struct registry *registry, int64_t key, sealring_error *error);
bool registry_renewal_error_next(struct registry_cursor *errors, struct registry_renewal_error *one);

#endif
