/* SPDX-License-Identifier: Apache-2.0 */
/* sealring key rekey: the next serial of an API key, after a leak or for other claims. */
#include <stdlib.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/delivery/delivery.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/views/waitline.h"

static int run(struct session *session)
{
    const struct options *given = &session->options;
    const char *key_id = given->arguments[0];
    struct delivery delivery;
    int result = delivery_start(&delivery, session, DELIVERY_SINGLE);
    if (result != STATUS_DONE)
        return result;
    char *scopes = option_joined(given, "scope");
    sealring_rekey_request request = {
        .size = sizeof request,
        .scopes = option_given(given, "no-scopes") ? "" : scopes,
        .set_expires = option_given(given, "expires"),
        .expires = option_number(given, "expires"),
        .overlap = option_number(given, "overlap"),
        .reason = option_text(given, "reason"),
    };
    sealring_status status =
        sealring_rekey(session->manager, key_id, &request, delivery_take, &delivery, &session->error);
    free(scopes);
    result = delivery_end(&delivery, status);
    if (result != STATUS_DONE)
        return result;
    if (session->dry_run)
        session_say(session, "would replace the credentials of API key %s", key_id);
    else if (request.overlap > 0)
        session_say(session, "API key %s has a new credential; its older ones stay valid for %s", key_id,
                    moment_duration(request.overlap).text);
    else
        session_say(session, "API key %s has a new credential; its older ones are rejected: committed", key_id);
    if (!session->dry_run && delivery_place(&delivery) != NULL)
        session_say(session, "it is in %s", delivery_place(&delivery));
    return session->dry_run || request.overlap > 0 ? STATUS_DONE : waitline_effective(session);
}

const struct command command_key_rekey = {
    .words = "key rekey",
    .purpose = "replace an API key's credentials, after a leak or to change its claims",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{"scope", "SCOPE", "its new scopes; may be repeated; default: the present scopes", OPTION_LIST},
                {"no-scopes", NULL, "no scope at all", OPTION_FLAG},
                {"expires", "TIME", "its new expiry; default: the present one", OPTION_MOMENT},
                {"overlap", "DURATION", "how long the older credentials stay valid; default: not at all",
                 OPTION_DURATION},
                {REASON_OPTION},
                {SEALED_OPTION},
                {RECIPIENT_OPTION},
                {CLAIM_OPTION},
                {CLAIM_LIFE_OPTION},
                {INSTRUCTIONS_OPTION},
                {"out", "PATH", "write to this file (0600); with --sealed also to a directory", OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes = "The API key keeps its ID. The new credential is printed once, alone, on standard output.",
    .examples = {"sealring key rekey 9fK2mQ7xLw3RtB5n --reason 'found in a public repository'",
                 "sealring key rekey 9fK2mQ7xLw3RtB5n --scope read --scope write --overlap 1d --out acme-mobile.key"},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};
