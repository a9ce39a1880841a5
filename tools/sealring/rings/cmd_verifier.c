/* SPDX-License-Identifier: Apache-2.0 */
/* sealring verifier: the verifiers, what each has not done yet, and those that will not return. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"
#include "tools/sealring/views/verifiers.h"

static const struct table_column columns[] = {
    {"VERIFIER", 0}, {"HOST", 0},  {"PROGRAM", 0}, {"PROCESS", 1}, {"STATE", 0},
    {"REPORTED", 0}, {"LEASE", 0}, {"EPOCH", 1},   {"PROVED", 1},  {NULL, 0},
};

struct verifier_rows {
    struct shown_rows rows;
    json_t *debts; /* lines below the table */
};

static void append_line(json_t *lines, const sealring_verifier_info *info, const char *text)
{
    char *line = memory_text("%.8s: %s", info->instance, text);
    json_array_append_new(lines, jsontext_text(line));
    free(line);
}

static int list_verifier(const sealring_verifier_info *info, void *context)
{
    struct verifier_rows *listing = context;
    struct table *table = &listing->rows.table;
    if (listing->rows.array != NULL)
        return json_array_append_new(listing->rows.array, verifiers_json(info));
    table_add(table, TONE_BOLD, "%.8s", info->instance);
    table_add(table, TONE_PLAIN, "%s", info->host);
    table_add(table, TONE_PLAIN, "%s", info->program);
    table_add(table, TONE_PLAIN, "%" PRId64, info->process);
    table_add(table, verifiers_tone(info->state), "%s", sealring_verifier_state_name(info->state));
    table_add(table, TONE_PLAIN, "%s",
              info->last_report != 0 ? moment_relative(info->last_report, table->now).text : "");
    table_add(table, info->lease_left > 0 ? TONE_PLAIN : TONE_DIM, "%s",
              info->lease_left > 0 ? moment_duration((info->lease_left + 999) / 1000 * 1000).text : "over");
    table_add(table, TONE_PLAIN, "%" PRIu64, info->epoch);
    table_add(table, info->unproved > 0 ? TONE_WARN : TONE_PLAIN, "%" PRIu64 " of %" PRIu64, info->proved,
              info->proved + info->unproved);
    if (info->alarm[0] != '\0')
        append_line(listing->debts, info, info->alarm);
    if (info->owes[0] != '\0')
        append_line(listing->debts, info, info->owes);
    return 0;
}

static int run_list(struct session *session)
{
    const struct style *style = &session->out;
    struct verifier_rows listing = {.debts = json_array()};
    bool all = option_given(&session->options, "all");
    size_t index = 0;
    json_t *sentence = NULL;
    listing_start(&listing.rows, session, columns);
    sealring_status status = sealring_verifier_list(session->manager, all, list_verifier, &listing, &session->error);
    int result =
        listing_finish(&listing.rows, status, NULL, "verifiers",
                       all ? "no verifier that is remembered: each process that opens the vault with libsealring is one"
                           : "no verifier is there now: each process that opens the vault with libsealring is one");
    json_array_foreach(listing.debts, index, sentence)
    {
        terminal_print(style, INFO "%s" PLAIN " %s\n", style_arrow(style), json_string_value(sentence));
    }
    json_decref(listing.debts);
    return result;
}

static int run_forget(struct session *session)
{
    const char *instance = session->options.arguments[0];
    const char *reason = option_text(&session->options, "reason");
    sealring_status status = sealring_verifier_forget(session->manager, instance, reason, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print_as("verifier", json_pack("{s:s, s:b, s:b}", "instance", instance, "forgotten",
                                                (int)!session->dry_run, "dry_run", (int)session->dry_run));
    else
        terminal_print(&session->out,
                       "verifier %s %sforgotten: the hole in its reports blocks no retirement any more\n", instance,
                       session->dry_run ? "would be " : "is ");
    return STATUS_DONE;
}

const struct command command_verifier_list = {
    .words = "verifier list",
    .purpose = "list verifiers, their lease and epoch, and what each has not done yet",
    .options = {{"all", NULL, "also list verifiers that ended at most a day ago", OPTION_FLAG}},
    .notes = "A verifier is one open vault in one process. States: joining (it opens the vault), serving, silent (its "
             "process is alive, but does not poll the registry: it answers *unavailable*), lost (its report file is "
             "missing or damaged), left, dead, forgotten.",
    .run = run_list,
};

const struct command command_verifier_forget = {
    .words = "verifier forget",
    .purpose = "forget a verifier that will not return",
    .arguments = {{"VERIFIER", "the first digits of its ID, enough to be unique, at least 4", ARGUMENT_TEXT, 0}},
    .options = {{"reason", "TEXT", "recorded in the audit log; required", OPTION_REASON}},
    .notes =
        "What is missing in a lost verifier's reports counts as a use, and blocks retirements for a quiet period. If "
        "you forget the verifier, you take responsibility for that. A verifier that may still be serving is not "
        "forgotten; one that reports again is listed again.",
    .required = "reason",
    .run = run_forget,
    .flags = COMMAND_CHANGES,
};
