/* SPDX-License-Identifier: Apache-2.0 */
/* The line that a guard writes for the operator. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/capped.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "lifecycle/guard.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const char ellipsis[] = "\xE2\x80\xA6"; /* U+2026 */

void guard_say(char reason[LIFECYCLE_REASON_SIZE], const char *format, ...)
{
    size_t length = strlen(reason);
    size_t mark = sizeof(ellipsis) - 1;
    va_list arguments;

    if (length >= mark && strcmp(reason + length - mark, ellipsis) == 0)
        return; /* truncated before */
    va_start(arguments, format);
    int wanted = vsnprintf(reason + length, LIFECYCLE_REASON_SIZE - length, format, arguments);
    va_end(arguments);
    if (wanted >= 0 && (size_t)wanted >= LIFECYCLE_REASON_SIZE - length)
        memcpy(reason + utf8_cut(reason, LIFECYCLE_REASON_SIZE - 1 - mark), ellipsis, sizeof(ellipsis));
    /* a verifier chooses its own name, which must not end the line or control a terminal */
    utf8_replace_controls(reason);
}

const char *guard_about(int64_t duration, char text[TIMETEXT_SIZE])
{
    int64_t step = duration >= DAY ? HOUR : duration >= HOUR ? MINUTE : SECOND;

    if (duration < 0)
        duration = 0;
    if (duration > TIMETEXT_DURATION_MAX - DAY)
        duration = TIMETEXT_DURATION_MAX - DAY;
    timetext_duration_format((duration + step - 1) / step * step, text);
    return text;
}

bool guard_say_deadline(char reason[LIFECYCLE_REASON_SIZE], const char *what, int64_t end, int64_t now)
{
    char time[TIMETEXT_SIZE];
    char left[TIMETEXT_SIZE];

    timetext_format(end, time);
    if (now >= end)
        guard_say(reason, "%s over since %s", what, time);
    else
        guard_say(reason, "%s ends %s, in %s", what, time, guard_about(capped_subtract(end, now), left));
    return now >= end;
}
