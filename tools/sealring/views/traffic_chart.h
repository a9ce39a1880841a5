/* SPDX-License-Identifier: Apache-2.0 */
/* How much each version of a ring was used in the last hours: loaded, drawn. */
#ifndef TOOL_TRAFFIC_CHART_H
#define TOOL_TRAFFIC_CHART_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"
#include "tools/sealring/views/versions.h"

#define TRAFFIC_HOURS 24

struct traffic_row {
    uint32_t version;
    uint64_t accepted[TRAFFIC_HOURS]; /* the last one is the present hour */
    uint64_t calls;                   /* accepted, in all of them */
    uint64_t rejected;                /* likewise */
};

struct traffic {
    struct traffic_row *rows; /* owned, by version */
    size_t count;
    int64_t from;                  /* beginning of the first hour */
    uint64_t total[TRAFFIC_HOURS]; /* accepted, of all versions */
    json_t *array;                 /* each version's hours, as JSON */
};

/* Whatever it returns, the traffic must be freed. */
sealring_status traffic_load(struct traffic *traffic, struct session *session, const char *ring);
void traffic_free(struct traffic *traffic);

/* A line for each version that was used, a character for each hour: the version's share of what was accepted then. */
void traffic_draw(const struct traffic *traffic, const struct versions *versions, const struct page *page);

#endif
