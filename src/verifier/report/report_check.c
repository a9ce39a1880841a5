/* SPDX-License-Identifier: Apache-2.0 */
/* Checks report files, which may have any content: their headers, and numbers that are used in computations. */
#include "verifier/report/report_check.h"

#include <string.h>

#include "lifecycle/verifier_liveness.h"

#define TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z, as in base/timetext.c */

static bool is_time(int64_t time)
{
    return time >= 0 && time <= TIME_MAX;
}

bool report_check_version(const struct report_version *record)
{
    bool good = record->number > 0 && record->ring > 0 && is_time(record->last_use_ms) && record->proved <= INT64_MAX;
    for (unsigned i = 0; i < SEALRING_VERDICTS; i++)
        good = good && record->uncached[i] < REPORT_COUNT_MAX;
    return good;
}

bool report_check_credential(const struct report_credential *record)
{
    return record->key > 0 && record->serial > 0 && record->version > 0 && is_time(record->last_use_ms) &&
           record->accepted < REPORT_COUNT_MAX;
}

static int64_t within(int64_t value, int64_t largest)
{
    return value < 0 ? 0 : value > largest ? largest : value;
}

void report_check_header(struct report_header *header)
{
    header->process = within(header->process, INT32_MAX);
    header->joined_wall_ms = within(header->joined_wall_ms, TIME_MAX);
    header->joined_boot_ms = within(header->joined_boot_ms, TIME_MAX);
    header->look_wall_ms = within(header->look_wall_ms, TIME_MAX);
    header->look_boot_ms = within(header->look_boot_ms, TIME_MAX);
    if (header->lease_ms < 0 || header->lease_ms > WATCH_LEASE_MAX_MS)
        header->lease_ms = WATCH_LEASE_MAX_MS;
    /* keeps the low bits, so that it still changes with each report */
    header->number &= INT64_MAX;
    if (header->epoch > INT64_MAX)
        header->epoch = 0;
    if (header->alarms > INT64_MAX)
        header->alarms = INT64_MAX;
    if (header->without_detail > REPORT_COUNT_MAX)
        header->without_detail = REPORT_COUNT_MAX;
    header->alarm[sizeof header->alarm - 1] = '\0';
}

uint64_t report_sum(uint64_t a, uint64_t b)
{
    return a > INT64_MAX || b > INT64_MAX - a ? INT64_MAX : a + b;
}

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

bool report_header_is_of_another_format(const struct report_header *header)
{
    return memcmp(header->magic, REPORT_MAGIC, sizeof REPORT_MAGIC) == 0 &&
           (header->format != REPORT_FORMAT || header->header_size != REPORT_HEADER_SIZE);
}

const char *report_header_problem(const struct report_header *header)
{
    if (memcmp(header->magic, REPORT_MAGIC, sizeof REPORT_MAGIC) != 0)
        return "is no verifier's report";
    if (report_header_is_of_another_format(header))
        return "is of a format that this version of sealring does not know";
    if (header->state < REPORT_JOINING || header->state > REPORT_LEFT)
        return "is damaged: its verifier is in no known state";
    if (!ends(header->boot_id, sizeof header->boot_id) || !ends(header->host, sizeof header->host) ||
        !ends(header->program, sizeof header->program))
        return "is damaged: a name in it does not end";
    if (header->cells > REPORT_CELLS_MAX)
        return "is damaged: it claims more records than there can be";
    return NULL;
}
