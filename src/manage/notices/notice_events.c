/* SPDX-License-Identifier: Apache-2.0 */
/* Which notices follow from an entry of the log, and from times. Pure. */
#include "manage/notices/notice_events.h"

#include <string.h>

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static const struct notice_rule rules[] = {
    {"version.activate", SEALRING_NOTICE_SUCCESSOR, NOTICE_OF_OTHERS},
    {"version.rollback", SEALRING_NOTICE_ROLLED_BACK, NOTICE_OF_OTHERS},
    {"version.compromise", SEALRING_NOTICE_EMERGENCY, NOTICE_OF_HOLDERS},
    {"key.revoke", SEALRING_NOTICE_REVOKED, NOTICE_OF_KEY},
    {"key.contested", SEALRING_NOTICE_CONTESTED, NOTICE_OF_KEY},
};

const struct notice_rule *notice_rule_of_act(const char *act)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].act, act) == 0)
            return &rules[i];
    return NULL;
}

#define BEFORE_END(event, scope)                             \
    {event, scope, 7 * DAY, DAY}, {event, scope, DAY, HOUR}, \
    {                                                        \
        event, scope, HOUR, 0                                \
    }

const struct notice_reminder notice_reminders[] = {
    BEFORE_END(SEALRING_NOTICE_CLOSING, NOTICE_OF_HOLDERS),
    BEFORE_END(SEALRING_NOTICE_OLD, NOTICE_OF_USERS),
    BEFORE_END(SEALRING_NOTICE_EXPIRING, NOTICE_OF_EXPIRY),
    {SEALRING_NOTICE_EXPIRED, NOTICE_OF_EXPIRY, 0, 0},
};
const size_t notice_reminder_count = sizeof notice_reminders / sizeof *notice_reminders;

bool notice_is_reminder(sealring_notice_event event, int64_t threshold)
{
    for (size_t i = 0; i < notice_reminder_count; i++)
        if (notice_reminders[i].event == event && notice_reminders[i].threshold == threshold)
            return true;
    return false;
}

void notice_reminder_span(const struct notice_reminder *reminder, int64_t before, int64_t now, int64_t *from,
                          int64_t *to)
{
    *from = before + reminder->threshold;
    *to = now + reminder->threshold;
    if (reminder->next < reminder->threshold && *from < now + reminder->next)
        *from = now + reminder->next;
}

bool notice_is_urgent(sealring_notice_event event)
{
    return event == SEALRING_NOTICE_EMERGENCY || event == SEALRING_NOTICE_CONTESTED;
}
