/* SPDX-License-Identifier: Apache-2.0 */
/* How many clients of a ring renew by themselves: as a line of the overview, and as JSON. */
#include "tools/sealring/views/renewing_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

#define HEAD "  renewal  "

sealring_status renewing_load(sealring_renewing *renewing, struct session *session, const sealring_ring_info *ring)
{
    *renewing = (sealring_renewing){.size = sizeof *renewing, .longest = -1};
    return ring->policy.renew == SEALRING_RENEW_OFF
               ? SEALRING_OK
               : sealring_count_renewing(session->manager, ring->name, renewing, &session->error);
}

/* In whole seconds, rounded up: an overlap of that length is enough. */
static struct moment whole_seconds(int64_t span)
{
    return moment_duration((span + 999) / 1000 * 1000);
}

void renewing_print(const sealring_renewing *renewing, const sealring_ring_info *ring, const struct page *page)
{
    if (ring->policy.renew == SEALRING_RENEW_OFF)
        return;
    char *text = memory_text("%s of %s client%s renew%s", moment_number(renewing->renewing).text,
                             moment_number(renewing->clients).text, renewing->clients == 1 ? "" : "s",
                             renewing->renewing == 1 ? "s by itself" : " by themselves");
    if (renewing->longest >= 0) {
        char *longer = memory_text("%s; moving to v%" PRIu32 " took up to %s: the overlap must not be shorter", text,
                                   ring->active_version, whole_seconds(renewing->longest).text);
        free(text);
        text = longer;
    }
    terminal_print(&page->out, HEAD);
    page_paragraph(page, strlen(HEAD), text);
    free(text);
}

json_t *renewing_json(const sealring_renewing *renewing, const sealring_ring_info *ring)
{
    if (ring->policy.renew == SEALRING_RENEW_OFF)
        return json_null();
    return json_pack("{s:I, s:I, s:o}", "clients", (json_int_t)renewing->clients, "renewing",
                     (json_int_t)renewing->renewing, "longest_ms",
                     renewing->longest >= 0 ? json_integer(renewing->longest) : json_null());
}
