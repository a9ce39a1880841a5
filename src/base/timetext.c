/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations as text (RFC 3339; 90d12h). */
#include "base/timetext.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#define MS_PER_DAY INT64_C(86400000)
#define TIME_MAX   INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* The calendar is OpenSSL's, because the C library's functions read the TZ variable, and with a zone of the "right/" kind they count leap
 * seconds. */

static const struct tm epoch = {.tm_year = 70, .tm_mday = 1};

void timetext_format(int64_t time, char text[TIMETEXT_SIZE])
{
    if (time == 0) {
        (void)snprintf(text, TIMETEXT_SIZE, "-");
        return;
    }
    if (time < 0 || time > TIME_MAX) {
        (void)snprintf(text, TIMETEXT_SIZE, "out of range");
        return;
    }
    struct tm date = epoch;
    (void)OPENSSL_gmtime_adj(&date, (int)(time / MS_PER_DAY), (long)(time % MS_PER_DAY / 1000));
    size_t length = strftime(text, TIMETEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
    if (time % 1000 != 0)
        (void)snprintf(text + length, TIMETEXT_SIZE - length, ".%03dZ", (int)(time % 1000));
    else
        (void)snprintf(text + length, TIMETEXT_SIZE - length, "Z");
}

/* Reads numbers of as many digits as the form has zeros, separated by its other characters, of which a letter may be small. */
static bool read_numbers(const char **text, const char *form, int *numbers)
{
    for (*numbers = 0; *form != '\0'; form++, (*text)++) {
        char character = **text;
        if (*form == '0' && character >= '0' && character <= '9')
            *numbers = *numbers * 10 + (character - '0');
        else if (*form != '0' && (character == *form || character == (*form | 0x20)))
            *++numbers = 0;
        else
            return false;
    }
    return true;
}

static bool read_one_of(const char **text, const char *characters)
{
    if (**text == '\0' || strchr(characters, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

/* time-secfrac: any number of digits, of which the first three count. It may be absent. */
static bool read_fraction(const char **text, int64_t *milliseconds)
{
    *milliseconds = 0;
    if (!read_one_of(text, "."))
        return true;
    int64_t unit = 100;
    const char *first = *text;
    while (**text >= '0' && **text <= '9') {
        *milliseconds += (**text - '0') * unit;
        unit /= 10;
        (*text)++;
    }
    return *text > first;
}

/* time-offset. "-00:00" (the local zone is not known) is UTC, too: RFC 3339, section 4.3. */
static bool read_offset(const char **text, int64_t *milliseconds)
{
    int time[2];
    *milliseconds = 0;
    if (read_one_of(text, "Zz"))
        return true;
    int64_t sign = **text == '-' ? -1 : 1;
    if (!read_one_of(text, "+-") || !read_numbers(text, "00:00", time) || time[0] > 23 || time[1] > 59)
        return false;
    *milliseconds = sign * (time[0] * 60 + time[1]) * 60000;
    return true;
}

/* RFC 3339, section 5.6. Second 60 is refused: times are counted without leap seconds, so it has no number of its own, and it is better
 * to refuse an expiry than to move it silently. */
bool timetext_parse(const char *text, int64_t *time)
{
    enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, NUMBERS };
    int read[NUMBERS], days, seconds;
    int64_t fraction, offset;
    if (text == NULL || !read_numbers(&text, "0000-00-00T00:00:00", read) || !read_fraction(&text, &fraction) ||
        !read_offset(&text, &offset) || *text != '\0' || read[HOUR] > 23 || read[MINUTE] > 59 || read[SECOND] > 59)
        return false;
    struct tm date = {.tm_year = read[YEAR] - 1900,
                      .tm_mon = read[MONTH] - 1,
                      .tm_mday = read[DAY],
                      .tm_hour = read[HOUR],
                      .tm_min = read[MINUTE],
                      .tm_sec = read[SECOND]};
    struct tm same = epoch;
    if (OPENSSL_gmtime_diff(&days, &seconds, &epoch, &date) != 1 || OPENSSL_gmtime_adj(&same, days, seconds) != 1 ||
        same.tm_mon != date.tm_mon)
        return false; /* no such month, or it has no such day, which is then one of another month */
    int64_t result = days * MS_PER_DAY + seconds * INT64_C(1000) + fraction - offset;
    /* The first millisecond of 1970 is also refused: 0 means "none", and an expiry would become "never". */
    if (result <= 0 || result > TIME_MAX)
        return false;
    *time = result;
    return true;
}

struct unit {
    const char *name;
    uint64_t milliseconds;
};

/* In the order in which they may occur. */
static const struct unit units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

#define UNIT_COUNT (sizeof units / sizeof units[0])

void timetext_duration_format(int64_t duration, char text[TIMETEXT_SIZE])
{
    uint64_t rest = duration < 0 ? 0 - (uint64_t)duration : (uint64_t)duration;
    size_t length = 0;
    if (rest == 0) {
        (void)snprintf(text, TIMETEXT_SIZE, "0s");
        return;
    }
    if (duration < 0)
        text[length++] = '-';
    for (size_t i = 0; i < UNIT_COUNT && rest > 0; i++) {
        /* Uses seconds only if they are exact: "1500ms", not "1s500ms". */
        if (units[i].milliseconds > rest || (units[i].milliseconds == 1000 && rest % 1000 != 0))
            continue;
        length += (size_t)snprintf(text + length, TIMETEXT_SIZE - length, "%llu%s",
                                   (unsigned long long)(rest / units[i].milliseconds), units[i].name);
        rest %= units[i].milliseconds;
    }
}

bool timetext_duration_parse(const char *text, int64_t *duration)
{
    if (text == NULL || *text == '\0')
        return false;
    uint64_t total = 0;
    for (size_t unit = 0; *text != '\0'; unit++) { /* each comes after the one before in the table */
        char *name;
        if (*text < '0' || *text > '9')
            return false;
        uint64_t count = strtoull(text, &name, 10); /* too large a number is limited, and too large */
        size_t length = strspn(name, "dhms");
        while (unit < UNIT_COUNT && (strlen(units[unit].name) != length || memcmp(name, units[unit].name, length) != 0))
            unit++;
        if (unit == UNIT_COUNT || count > ((uint64_t)TIMETEXT_DURATION_MAX - total) / units[unit].milliseconds)
            return false;
        total += count * units[unit].milliseconds;
        text = name + length;
    }
    *duration = (int64_t)total;
    return true;
}
