/* SPDX-License-Identifier: Apache-2.0 */
/* What a person should do next about a ring. */
#ifndef TOOL_ADVICE_H
#define TOOL_ADVICE_H

#include <jansson.h>

#include "tools/sealring/views/plans.h"
#include "tools/sealring/views/versions.h"

/* An array of sentences, without those that `plans` (may be NULL), shown beside them, contains already. */
json_t *advice_collect(const sealring_ring_info *ring, const struct versions *versions, const struct plans *plans,
                       int64_t now);

#endif
