/* SPDX-License-Identifier: Apache-2.0 */
/* The handover of a successor, as text and as JSON. */
#ifndef TOOL_HANDOVERS_H
#define TOOL_HANDOVERS_H

#include <jansson.h>
#include <sealring/successors.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

/* In one line, with the time. */
void handovers_print(const struct style *style, const sealring_successor *successor);
json_t *handovers_json(const sealring_successor *successor);

/* What a ring owes: for the overview. */
struct handover_counts {
    uint64_t owed;   /* and not tried yet */
    uint64_t failed; /* the last attempt */
    char *reason;    /* owned: of the first one that failed; NULL: none */
};
sealring_status handovers_count(struct handover_counts *counts, struct session *session, const char *ring);
void handovers_print_counts(const struct handover_counts *counts, const char *ring, const struct page *page);
json_t *handovers_counts_json(const struct handover_counts *counts);

#endif
