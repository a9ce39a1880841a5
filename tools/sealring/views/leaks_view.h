/* SPDX-License-Identifier: Apache-2.0 */
/* The leaks that nobody has acted on: as lines of the overview, and as JSON. */
#ifndef TOOL_LEAKS_VIEW_H
#define TOOL_LEAKS_VIEW_H

#include <jansson.h>

#include <sealring/leaks.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

/* What an operator does after this result, in new memory. */
char *leaks_advice(sealring_leak_result result, sealring_leaks_mode policy, const char *key_id);

json_t *leaks_json(const sealring_leak_info *leak);

/* Of one ring. */
sealring_status leaks_load(json_t **array, struct session *session, const char *ring);
void leaks_print(const json_t *array, const struct page *page);

#endif
