/* SPDX-License-Identifier: Apache-2.0 */
/* The handover of a successor, as text and as JSON. */
#include "tools/sealring/views/handovers.h"

#include <inttypes.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

void handovers_print(const struct style *style, const sealring_successor *successor)
{
    terminal_print(style, DIM "%s" PLAIN " %s: ", moment_absolute(moment_now()).text, successor->ring);
    if (successor->state == SEALRING_SUCCESSOR_FAILED)
        terminal_print(style,
                       BAD "failed" PLAIN " to deliver version %" PRIu32 " to client %s (API key %s), attempt %" PRIu32
                           ": %s; tries again %s\n",
                       successor->version, successor->client, successor->key_id, successor->attempts, successor->reason,
                       moment_absolute(successor->due).text);
    else
        terminal_print(style, "%cdeliver%s" PLAIN " version %" PRIu32 " to client %s (API key %s)\n",
                       successor->state == SEALRING_SUCCESSOR_DELIVERED ? TONE_GOOD : TONE_WARN,
                       successor->state == SEALRING_SUCCESSOR_DELIVERED ? "ed" : "s", successor->version,
                       successor->client, successor->key_id);
}

json_t *handovers_json(const sealring_successor *successor)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:o, s:o, s:o}", "ring", successor->ring, "client",
                     successor->client, "label", successor->label, "key_id", successor->key_id, "version",
                     (json_int_t)successor->version, "state", sealring_successor_state_name(successor->state),
                     "attempts", (json_int_t)successor->attempts, "due", jsontext_time(successor->due), "delivered",
                     jsontext_time(successor->delivered), "reason", jsontext_text(successor->reason));
}
