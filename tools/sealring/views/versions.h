/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's versions: loaded, drawn as a time line. */
#ifndef TOOL_VERSIONS_H
#define TOOL_VERSIONS_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

struct versions {
    sealring_version_info *items; /* owned; their `ring` is not kept */
    size_t count;
    json_t *array; /* the same as JSON */
};

/* Whatever it returns, the versions must be freed. */
sealring_status versions_load(struct versions *versions, struct session *session, const char *ring);
void versions_free(struct versions *versions);

/* Created, active, retiring, closed: one line for each version on a common axis of time. `keys` is the ring's number. */
void versions_draw(const struct versions *versions, const struct page *page, uint64_t keys);

/* How many digits the highest version's number has. */
int versions_digits(const struct versions *versions);

#endif
