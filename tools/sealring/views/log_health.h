/* SPDX-License-Identifier: Apache-2.0 */
/* What `sealring status` shows of the audit log: whether all of it is signed, and the alarms of the last day. */
#ifndef TOOL_LOG_HEALTH_H
#define TOOL_LOG_HEALTH_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

struct log_health {
    const sealring_vault_info *vault; /* borrowed */
    uint64_t alarms;                  /* in the last 24 hours, among the newest entries */
    int64_t last;                     /* when the latest of them was */
    json_t *text;                     /* owned: what it reports, a string; null: none */
};

sealring_status log_health_load(struct log_health *health, struct session *session, const sealring_vault_info *vault);
void log_health_free(struct log_health *health);

void log_health_print(const struct log_health *health, const struct page *page);

/* {entries, signed, alarms, last_alarm, alarm} */
json_t *log_health_json(const struct log_health *health);

#endif
