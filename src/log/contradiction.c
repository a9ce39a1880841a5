/* SPDX-License-Identifier: Apache-2.0 */
/* A row that is not what the facts contain, in words. */
#include "log/contradiction.h"

#include <stdio.h>

static const char *state_name(bool is_version, int state)
{
    if (state == 0)
        return "nothing";
    return is_version ? sealring_version_state_name((sealring_version_state)state)
                      : sealring_key_state_name((sealring_key_state)state);
}

void contradiction_text(const struct registry_contradiction *found, char text[CONTRADICTION_TEXT_SIZE])
{
    const char *row = state_name(found->is_version, found->row_state);
    const char *fact = state_name(found->is_version, found->fact_state);
    if (found->of_ring)
        snprintf(text, CONTRADICTION_TEXT_SIZE, "ring %s: its row is not what the facts contain", found->name);
    else if (found->of_end)
        snprintf(text, CONTRADICTION_TEXT_SIZE, "credential %u of API key %s: its row's end is not that in the facts",
                 found->version, found->name);
    else if (found->is_version && found->of_values)
        snprintf(text, CONTRADICTION_TEXT_SIZE, "version %u of ring %s: its row is not what the facts contain",
                 found->version, found->name);
    else if (found->is_version)
        snprintf(text, CONTRADICTION_TEXT_SIZE,
                 "version %u of ring %s: its row contains %s, the record of closed versions contains %s",
                 found->version, found->name, row, fact);
    else if (!found->of_values)
        snprintf(text, CONTRADICTION_TEXT_SIZE,
                 "API key %s: its row contains %s, the record of revoked keys contains %s", found->name, row, fact);
    else if (found->row_state != found->fact_state)
        snprintf(text, CONTRADICTION_TEXT_SIZE, "API key %s: its row contains %s, the facts contain %s", found->name,
                 row, fact);
    else
        snprintf(text, CONTRADICTION_TEXT_SIZE,
                 "API key %s: its row is %s, but its scopes or its label are not what the facts contain", found->name,
                 row);
}
