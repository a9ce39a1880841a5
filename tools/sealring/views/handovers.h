/* SPDX-License-Identifier: Apache-2.0 */
/* The handover of a successor, as text and as JSON. */
#ifndef TOOL_HANDOVERS_H
#define TOOL_HANDOVERS_H

#include <jansson.h>
#include <sealring/successors.h>

#include "tools/sealring/terminal/style.h"

/* In one line, with the time. */
void handovers_print(const struct style *style, const sealring_successor *successor);
json_t *handovers_json(const sealring_successor *successor);

#endif
