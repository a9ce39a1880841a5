/* SPDX-License-Identifier: Apache-2.0 */
/* What lies ahead for a ring by its policy: loaded, printed. */
#ifndef TOOL_PLANS_H
#define TOOL_PLANS_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

struct plans {
    sealring_plan *items; /* owned, with their texts; their `ring` is not kept */
    size_t count;
    json_t *array; /* the same as JSON */
};

/* Whatever it returns, the plans must be freed. */
sealring_status plans_load(struct plans *plans, struct session *session, const char *ring);
void plans_free(struct plans *plans);

/* Whether the event is due on that version: then plans_print reports how it is carried out, or what blocks it. */
bool plans_due(const struct plans *plans, sealring_event event, uint32_t version);

/* Whether what blocks an event, or will, names the command that issues successors. */
bool plans_reissue(const struct plans *plans);

/* One paragraph for each: what, when, by whom, and what blocks it. */
void plans_print(const struct plans *plans, const char *ring, const struct page *page);

#endif
