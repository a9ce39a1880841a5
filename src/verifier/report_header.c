/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the header of a report file, which may be anything. */
#include "verifier/report_header.h"

#include <string.h>

#include "lifecycle/watch.h"

#define LEASE_DEFAULT_MS 60000
#define LEASE_MAX_MS \
    (INT64_C(366) * 86400000) /* beyond that it is no lease but damage, and nothing is concluded from it */

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

/* Lease × 1.01 + 1 s after `from`; false if the numbers are absurd. */
static bool silence_ends(int64_t from, int64_t lease_ms, int64_t *end)
{
    if (from < 0 || lease_ms < 0 || lease_ms > LEASE_MAX_MS)
        return false;
    return !__builtin_add_overflow(from, watch_silence(lease_ms), end);
}

bool report_header_surely_over(const struct report_header *header, const char *boot_id, int64_t boot_ms)
{
    if (header->state == REPORT_LEFT)
        return true;
    if (header->boot_id[0] == '\0')
        return false;
    if (strcmp(header->boot_id, boot_id) != 0)
        return true;
    /* Until its first look was reported it had no lease; one that was stopped while it wrote a later one has the two numbers of
     * different looks, so the longer of the leases that they could be counts. */
    int64_t joining = 0, look = 0;
    if (!silence_ends(header->joined_boot_ms, LEASE_DEFAULT_MS, &joining) ||
        !silence_ends(header->look_boot_ms, header->lease_ms, &look))
        return false;
    if (header->number != 0 && header->sequence % 2 == 0)
        return boot_ms >= look;
    return boot_ms >= joining && boot_ms >= look;
}
