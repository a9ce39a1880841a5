/* SPDX-License-Identifier: Apache-2.0 */
/* The counts of a row of use, in SQL and in struct registry_usage. For the files of this folder. */
#ifndef REGISTRY_USAGE_USAGE_COUNTS_H
#define REGISTRY_USAGE_USAGE_COUNTS_H

#include "registry/connection/query.h"
#include "registry/usage/usage_rows.h"

#define USAGE_COUNTS "accepted, not_yet_valid, expired, suspended, scope, closed, last_use"

/* They as parameters, in the order of the columns. */
#define USAGE_COUNTED(usage)                                                                      \
    UNSIGNED((usage)->accepted), UNSIGNED((usage)->rejected[USAGE_NOT_YET_VALID]),                \
        UNSIGNED((usage)->rejected[USAGE_EXPIRED]), UNSIGNED((usage)->rejected[USAGE_SUSPENDED]), \
        UNSIGNED((usage)->rejected[USAGE_SCOPE]), UNSIGNED((usage)->rejected[USAGE_CLOSED]),      \
        INTEGER((usage)->last_use)

/* The parameters that name a row of usage_hour. */
#define USAGE_HOUR(usage) \
    INTEGER((usage)->key), INTEGER((usage)->serial), INTEGER((usage)->period), BYTES((usage)->seat, sizeof(usage)->seat)

void usage_read_counts(struct query *query, struct registry_usage *usage);

#endif
