/* SPDX-License-Identifier: Apache-2.0 */
/* sealring reissue: a credential under the active version, once more or as the successor of an older one. */
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/delivery/delivery.h"
#include "tools/sealring/options.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/moment.h"

static int reissue_one(struct session *session)
{
    struct delivery delivery;
    const char *key_id = session->options.arguments[0];
    int result = delivery_start(&delivery, session, DELIVERY_SINGLE);
    if (result != STATUS_DONE)
        return result;
    sealring_status status = sealring_reissue(session->manager, key_id, delivery_take, &delivery, &session->error);
    result = delivery_end(&delivery, status);
    const char *place = delivery_place(&delivery);
    if (result == STATUS_DONE && session->dry_run)
        session_say(session, "would print the credential of API key %s", key_id);
    else if (result == STATUS_DONE)
        session_say(session, "credential of API key %s (client %s) under version %u, %s%s%s", key_id, delivery.client,
                    (unsigned)delivery.version,
                    delivery.last_existed ? "as issued before" : "the successor of the one it had",
                    place != NULL ? "; it is in " : "", place != NULL ? place : "");
    return result;
}

static void say_totals(const struct delivery *delivery, const char *ring)
{
    struct session *session = delivery->session;
    uint64_t total = delivery->issued + delivery->existed;
    const char *plural = total == 1 ? "" : "s";
    if (total == 0)
        session_say(session, "ring %s has no API key that could be reissued", ring);
    else if (delivery->existed == 0)
        session_say(session, "%s successor%s issued", moment_number(total).text, plural);
    else
        session_say(session, "%s credential%s printed, %s of them issued before", moment_number(total).text, plural,
                    moment_number(delivery->existed).text);
}

static int reissue_ring(struct session *session)
{
    struct delivery delivery;
    const char *ring = session->options.arguments[0];
    int result = delivery_start(&delivery, session, DELIVERY_LIST);
    if (result != STATUS_DONE)
        return result;
    sealring_status status =
        sealring_reissue_ring(session->manager, ring, &delivery.total, delivery_take, &delivery, &session->error);
    delivery.keep_partial = status == SEALRING_REFUSED; /* an API key that the token does not confirm is left out */
    result = delivery_end(&delivery, status);
    if (result != STATUS_DONE)
        return result;
    if (session->dry_run)
        session_say(session, "would print the credentials of ring %s's API keys", ring);
    else
        say_totals(&delivery, ring);
    return STATUS_DONE;
}

static int check(struct session *session)
{
    if (option_given(&session->options, "all") || options_is_key_id(session->options.arguments[0]))
        return STATUS_DONE;
    return session_refuse(session, STATUS_USAGE, "KEYID wants " OPTIONS_KEY_ID_FORM "; for a whole ring give --all");
}

static int run(struct session *session)
{
    return option_given(&session->options, "all") ? reissue_ring(session) : reissue_one(session);
}

const struct command command_reissue = {
    .words = "reissue",
    .purpose = "print a credential again, or its successor after a rotation",
    .arguments = {{"KEYID|RING", "an API key's ID, or with --all a ring", ARGUMENT_TEXT, 0}},
    .options = {{"all", NULL, "reissue every active API key of the ring", OPTION_FLAG},
                {SEALED_OPTION},
                {RECIPIENT_OPTION},
                {CLAIM_OPTION},
                {CLAIM_LIFE_OPTION},
                {INSTRUCTIONS_OPTION},
                {"out", "PATH", "write to this file (0600); with --all or --sealed also to a directory, one file each",
                 OPTION_TEXT}},
    .notes =
        "The claims stay the same. The token derives the credential's secret, and only from a row that it confirms.\n"
        "With --all and a directory (an existing one, or a path that ends in /) each API key gets its own file, "
        "named CLIENT.LABEL.KEYID. Otherwise the result is CSV, as with sealring issue --from.",
    .examples = {"sealring reissue 9fK2mQ7xLw3RtB5n --out acme-mobile.key",
                 "sealring reissue payments --all --out successors/",
                 "sealring reissue payments --all --out successors.csv"},
    .check = check,
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};
