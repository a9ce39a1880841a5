/* SPDX-License-Identifier: Apache-2.0 */
/* Times, durations and numbers for people. */
#include "tools/sealring/terminal/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sealring/manage.h>

/* The two largest units of a span that is not negative. */
static void span_format(int64_t span, char text[MOMENT_SIZE])
{
    static const struct {
        int64_t length;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    enum { UNITS = sizeof units / sizeof *units };
    int64_t seconds = span / 1000;
    size_t first = 0;
    while (first < UNITS - 1 && seconds < units[first].length)
        first++;
    int used = snprintf(text, MOMENT_SIZE, "%" PRId64 "%c", seconds / units[first].length, units[first].letter);
    if (first + 1 == UNITS || used < 0)
        return;
    int64_t rest = seconds % units[first].length / units[first + 1].length;
    if (rest > 0)
        snprintf(text + used, MOMENT_SIZE - (size_t)used, "%" PRId64 "%c", rest, units[first + 1].letter);
}

void moment_relative(int64_t time, int64_t now, char text[MOMENT_SIZE])
{
    char span[MOMENT_SIZE - 8];
    char whole[MOMENT_SIZE];
    int64_t distance = time > now ? time - now : now - time;
    if (distance < 1000) {
        strcpy(text, "now");
        return;
    }
    span_format(distance, whole);
    snprintf(span, sizeof span, "%.60s", whole);
    snprintf(text, MOMENT_SIZE, time > now ? "in %s" : "%s ago", span);
}

void moment_absolute(int64_t time, char text[MOMENT_SIZE])
{
    char formatted[SEALRING_TIME_SIZE];
    int64_t seconds = time > 0 && time < 1000 ? 1000 : time / 1000 * 1000;
    sealring_time_format(seconds, formatted);
    snprintf(text, MOMENT_SIZE, "%s", formatted);
}

void moment_format(int64_t time, int64_t now, char text[MOMENT_SIZE])
{
    char relative[MOMENT_SIZE];
    moment_absolute(time, text);
    if (time == 0)
        return;
    moment_relative(time, now, relative);
    size_t used = strlen(text);
    snprintf(text + used, MOMENT_SIZE - used, " (%.40s)", relative);
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

void moment_number(uint64_t number, char text[MOMENT_SIZE])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
}
