/* SPDX-License-Identifier: Apache-2.0 */
/* How many clients of a ring renew by themselves, counted from the newest credentials of their active API keys. */
#ifndef REGISTRY_USAGE_RENEWAL_COUNTS_H
#define REGISTRY_USAGE_RENEWAL_COUNTS_H

#include "registry/rows/rows.h"

/* As sealring_renewing: clients that have an active API key in the ring; those that renewed each of these; and the longest time from the
 * activation of the active version to a renewal of a credential of another version, in ms (-1: there was none). For display: it reads rows
 * alone. The cost depends on the active API keys of the ring and their credentials under the active version. */
struct registry_renewal_counts {
    uint64_t clients;
    uint64_t renewing;
    int64_t longest;
};
sealring_status registry_renewal_count(struct registry *registry, int64_t ring, struct registry_renewal_counts *counts,
                                       sealring_error *error);

#endif
