/* SPDX-License-Identifier: Apache-2.0 */
/* How many clients of a ring renew by themselves: as a line of the overview, and as JSON. */
#ifndef TOOL_RENEWING_VIEW_H
#define TOOL_RENEWING_VIEW_H

#include <jansson.h>

#include <sealring/renew.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

/* Nothing is counted in a ring that renews no credentials. */
sealring_status renewing_load(sealring_renewing *renewing, struct session *session, const sealring_ring_info *ring);
void renewing_print(const sealring_renewing *renewing, const sealring_ring_info *ring, const struct page *page);
/* null for a ring that renews no credentials. */
json_t *renewing_json(const sealring_renewing *renewing, const sealring_ring_info *ring);

#endif
