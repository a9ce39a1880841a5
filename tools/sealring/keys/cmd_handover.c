/* SPDX-License-Identifier: Apache-2.0 */
/* sealring handover: successors that hooks and directories get after a rotation. */
#include <inttypes.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/views/listing.h"
#include "tools/sealring/views/handovers.h"

static const struct table_column columns[] = {
    {"RING", 0},  {"CLIENT", 0},   {"LABEL", 0}, {"KEY ID", 0}, {"VERSION", 1},
    {"STATE", 0}, {"ATTEMPTS", 1}, {"NEXT", 0},  {"REASON", 0}, {NULL, 0},
};

static enum tone tone_of(sealring_successor_state state)
{
    return state == SEALRING_SUCCESSOR_DELIVERED ? TONE_GOOD
           : state == SEALRING_SUCCESSOR_FAILED  ? TONE_BAD
                                                 : TONE_WARN;
}

static int list_successor(const sealring_successor *successor, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, handovers_json(successor));
    table_add(table, TONE_BOLD, "%s", successor->ring);
    table_add(table, TONE_PLAIN, "%s", successor->client);
    table_add(table, TONE_PLAIN, "%s", successor->label);
    table_add(table, TONE_PLAIN, "%s", successor->key_id);
    table_add(table, TONE_PLAIN, "%" PRIu32, successor->version);
    table_add(table, tone_of(successor->state), "%s", sealring_successor_state_name(successor->state));
    table_add(table, TONE_PLAIN, "%" PRIu32, successor->attempts);
    if (successor->due != 0)
        table_add_time(table, successor->due, "");
    else
        table_add(table, TONE_PLAIN, "%s", "");
    table_add(table, TONE_PLAIN, "%s", successor->reason);
    return 0;
}

static int run_list(struct session *session)
{
    struct shown_rows listing;
    const bool all = option_given(&session->options, "all");
    listing_start(&listing, session, columns);
    sealring_status status = sealring_successors_list(session->manager, session->options.arguments[0], all,
                                                      list_successor, &listing, &session->error);
    return listing_finish(&listing, status, NULL, "handovers",
                          all ? "no successor was handed over: see --deliver in sealring-ring(1)"
                              : "no successor waits to be handed over");
}

static int hear(const sealring_successor *successor, void *context)
{
    struct session *session = context;
    if (session->json)
        jsontext_print_line(handovers_json(successor));
    else
        handovers_print(&session->out, successor);
    fflush(stdout);
    return signals_caught() != 0;
}

static int run_send(struct session *session)
{
    const sealring_successors_options options = {
        .size = sizeof options, .ring = session->options.arguments[0], .limit = INT64_C(86400000), .at_once = true};
    sealring_successors_result result = {.size = sizeof result};
    signals_watch();
    sealring_status status =
        sealring_successors_deliver(session->manager, &options, hear, session, &result, &session->error);
    signals_release();
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (result.more)
        session_say(session, "some are left: another process delivers, or nothing could be issued: repeat the command");
    else if (result.delivered + result.failed == 0 && !session->dry_run)
        session_say(session, "no successor waits to be handed over");
    return result.failed > 0 || result.more ? STATUS_REFUSED : STATUS_DONE;
}

const struct command command_handover_list = {
    .words = "handover list",
    .purpose = "list the successors that hooks or directories have to get",
    .arguments = {{"RING", "only this ring; default: all rings", ARGUMENT_TEXT, 1}},
    .options = {{"all", NULL, "also list those that were delivered", OPTION_FLAG}},
    .run = run_list,
};

const struct command command_handover_send = {
    .words = "handover send",
    .purpose = "deliver successors now, also those that failed a moment ago",
    .arguments = {{"RING", "only this ring; default: all rings", ARGUMENT_TEXT, 1}},
    .notes = "As sealring run does it after each turn, in rings with --deliver sealed or hook.",
    .run = run_send,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};
