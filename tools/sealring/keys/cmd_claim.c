/* SPDX-License-Identifier: Apache-2.0 */
/* sealring claim list, cancel. */
#include <inttypes.h>
#include <string.h>

#include <sealring/claim.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"

static const struct table_column columns[] = {
    {"KEY", 0},    {"RING", 0},  {"CLIENT", 0}, {"LABEL", 0}, {"CLAIM", 0},
    {"SERIAL", 1}, {"UNTIL", 0}, {"FROM", 0},   {NULL, 0},
};

static int take(const sealring_claim_info *claim, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, jsontext_claim(claim));
    table_add(table, TONE_PLAIN, "%s", claim->key_id);
    table_add(table, TONE_PLAIN, "%s", claim->ring);
    table_add(table, TONE_PLAIN, "%s", claim->client);
    table_add(table, TONE_PLAIN, "%s", claim->label);
    table_add(table,
              claim->contested != 0               ? TONE_BAD
              : strcmp(claim->state, "open") == 0 ? TONE_GOOD
                                                  : TONE_DIM,
              "%s", claim->state);
    table_add(table, TONE_PLAIN, "%" PRIu32, claim->serial);
    table_add_time(table, claim->expires, "");
    table_add(table, TONE_PLAIN, "%s%s%s", claim->first_peer, claim->contested != 0 ? ", then " : "",
              claim->contested == 0           ? ""
              : claim->second_peer[0] == '\0' ? "an unknown address"
                                              : claim->second_peer);
    return 0;
}

static int run_list(struct session *session)
{
    struct shown_rows claims;
    listing_start(&claims, session, columns);
    sealring_status status = sealring_claim_list(session->manager, NULL, option_text(&session->options, "ring"), take,
                                                 &claims, &session->error);
    return listing_finish(&claims, status, NULL, "claims", "no claims: sealring issue RING --client NAME --claim");
}

static int run_cancel(struct session *session)
{
    const char *key_id = session->options.arguments[0];
    sealring_status status = sealring_claim_cancel(session->manager, key_id, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print_as("claim", json_pack("{s:s, s:s, s:b}", "key_id", key_id, "state", "canceled", "dry_run",
                                             (int)session->dry_run));
    else
        terminal_print(&session->out,
                       session->dry_run ? "dry run, nothing was changed; the claim of API key %s would end\n"
                                        : "the claim of API key %s has ended: its code counts no more\n",
                       key_id);
    return STATUS_DONE;
}

const struct command command_claim_list = {
    .words = "claim list",
    .purpose = "list claims: codes that clients trade for their credentials",
    .options = {{"ring", "RING", "only those of this ring", OPTION_TEXT}},
    .notes =
        "A claim is open until somebody takes it or it expires. It is contested if another public key came with the "
        "code after it was taken: then somebody else has the code, or the credential.",
    .run = run_list,
};

const struct command command_claim_cancel = {
    .words = "claim cancel",
    .purpose = "end the claim of an API key, whose code counts no more",
    .arguments = {{KEY_ID_ARGUMENT}},
    .notes =
        "The credential stays as it is: whoever has taken it has it. To end that use sealring key rekey or sealring "
        "revoke. A contested claim is not reported any more.",
    .run = run_cancel,
    .flags = COMMAND_CHANGES,
};
