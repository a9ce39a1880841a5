/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the header of a report file, which may have any content. */
#include "verifier/report/report_header.h"

#include <string.h>

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
