/* SPDX-License-Identifier: Apache-2.0 */
/* When notices are sent: quiet hours, digests, back-off. Pure. */
#include "manage/notices/notice_schedule.h"

#define MINUTE INT64_C(60000)
#define DAY    (NOTICE_MINUTES * MINUTE)

/* The time itself, unless that is in quiet hours: their end. */
static int64_t after_quiet(const struct notice_settings *settings, int64_t time)
{
    int64_t day = time - time % DAY, minute = time % DAY / MINUTE;
    const int64_t from = settings->quiet_from, to = settings->quiet_to;
    bool quiet = from < to ? minute >= from && minute < to : minute >= from || minute < to;
    if (!settings->quiet || !quiet)
        return time;
    return day + to * MINUTE + (minute >= to ? DAY : 0);
}

int64_t notice_not_before(const struct notice_settings *settings, bool urgent, int64_t at, int64_t now)
{
    int64_t time = now;
    if (urgent)
        return now;
    if (settings->digest > 0 && at < now + settings->digest) {
        int64_t next = at - at % settings->digest + settings->digest;
        time = next > now ? next : now;
    }
    return after_quiet(settings, time);
}

int64_t notice_back_off(uint32_t attempts, int64_t asked)
{
    int64_t wait = NOTICE_BACK_OFF_FIRST;
    for (uint32_t i = 1; i < attempts && wait < NOTICE_BACK_OFF_MOST; i++)
        wait *= 2;
    wait = asked > wait ? asked : wait;
    return wait < NOTICE_BACK_OFF_MOST ? wait : NOTICE_BACK_OFF_MOST;
}
