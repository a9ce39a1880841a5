/* SPDX-License-Identifier: Apache-2.0 */
/* Which notices follow from an entry of the log, and from times. Pure. */
#ifndef MANAGE_NOTICES_NOTICE_EVENTS_H
#define MANAGE_NOTICES_NOTICE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/notices.h>

#include "registry/notices/outbox_rows.h"

/* An act that clients are notified of, and which of them. */
struct notice_rule {
    const char *act;
    sealring_notice_event event;
    enum registry_notice_scope scope;
};
/* NULL: nobody is notified of this act. */
const struct notice_rule *notice_rule_of_act(const char *act);

/* Ends that clients are reminded of: `event` when an end is at most `threshold` away. Of the thresholds that one end has passed since the last time, only
 * the latest counts. */
struct notice_reminder {
    sealring_notice_event event;
    enum registry_notice_scope scope;
    int64_t threshold; /* ms; 0: at the end itself */
    int64_t next;      /* the threshold after it; for the last one of an event, it itself */
};
extern const struct notice_reminder notice_reminders[];
extern const size_t notice_reminder_count;
bool notice_is_reminder(sealring_notice_event event, int64_t threshold);

/* The ends that pass the reminder's threshold after `before` and up to `now`: after *from, and not after *to. */
void notice_reminder_span(const struct notice_reminder *reminder, int64_t before, int64_t now, int64_t *from,
                          int64_t *to);

/* Whether it is sent during quiet hours, and in no digest. */
bool notice_is_urgent(sealring_notice_event event);

#endif
