/* SPDX-License-Identifier: Apache-2.0 */
/* The contested API keys of a ring: as lines of the overview, and as JSON. */
#ifndef TOOL_CONTESTED_VIEW_H
#define TOOL_CONTESTED_VIEW_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

/* *array: an object for each. It is the caller's, also on failure. */
sealring_status contested_load(json_t **array, struct session *session, const char *ring);
void contested_print(const json_t *array, const struct page *page);

#endif
