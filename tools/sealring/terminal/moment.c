/* SPDX-License-Identifier: Apache-2.0 */
/* Times, durations and numbers for people. */
#include "tools/sealring/terminal/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sealring/manage.h>

/* The two largest units of a span that is not negative. */
static struct moment span_format(int64_t span)
{
    static const struct {
        int64_t length;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    enum { UNITS = sizeof units / sizeof *units };
    struct moment moment = {""};
    int64_t seconds = span / 1000;
    size_t first = 0;
    while (first < UNITS - 1 && seconds < units[first].length)
        first++;
    int used = snprintf(moment.text, MOMENT_SIZE, "%" PRId64 "%c", seconds / units[first].length, units[first].letter);
    int64_t rest = first + 1 < UNITS ? seconds % units[first].length / units[first + 1].length : 0;
    if (rest > 0)
        snprintf(moment.text + used, MOMENT_SIZE - (size_t)used, "%" PRId64 "%c", rest, units[first + 1].letter);
    return moment;
}

struct moment moment_relative(int64_t time, int64_t now)
{
    struct moment moment = {"now"};
    int64_t distance = time > now ? time - now : now - time;
    if (distance >= 1000)
        snprintf(moment.text, MOMENT_SIZE, time > now ? "in %.60s" : "%.60s ago", span_format(distance).text);
    return moment;
}

struct moment moment_absolute(int64_t time)
{
    struct moment moment = {""};
    sealring_time_format(time > 0 && time < 1000 ? 1000 : time / 1000 * 1000, moment.text);
    return moment;
}

struct moment moment_format(int64_t time, int64_t now)
{
    struct moment moment = moment_absolute(time);
    size_t used = strlen(moment.text);
    if (time != 0)
        snprintf(moment.text + used, MOMENT_SIZE - used, " (%.40s)", moment_relative(time, now).text);
    return moment;
}

struct moment moment_duration(int64_t duration)
{
    struct moment moment = {""};
    sealring_duration_format(duration, moment.text);
    return moment;
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t moment_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t moment_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t moment_sum(uint64_t a, uint64_t b)
{
    return a > INT64_MAX || b > INT64_MAX - a ? INT64_MAX : a + b;
}

struct moment moment_number(uint64_t number)
{
    struct moment moment = {""};
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            moment.text[used++] = ',';
        moment.text[used++] = digits[i];
    }
    moment.text[used] = '\0';
    return moment;
}
