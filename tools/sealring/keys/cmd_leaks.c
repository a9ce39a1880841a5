/* SPDX-License-Identifier: Apache-2.0 */
/* sealring leaks: credentials that were found where they do not belong. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/input.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/leaks_view.h"
#include "tools/sealring/views/listing.h"
#include "tools/sealring/views/waitline.h"

/* ---- Reporting ---------------------------------------------------------------------------------------------------------- */

struct found {
    sealring_leak leaks[SEALRING_LEAKS_MAX];
    size_t count;
    bool more; /* than there is room for */
    const char *url;
};

static int take_credential(const char *credential, size_t length, void *context)
{
    struct found *found = context;
    for (size_t i = 0; i < found->count; i++)
        if (found->leaks[i].credential_length == length && memcmp(found->leaks[i].credential, credential, length) == 0)
            return 0;
    found->more = found->count == SEALRING_LEAKS_MAX;
    if (!found->more)
        found->leaks[found->count++] = (sealring_leak){
            .size = sizeof found->leaks[0], .credential = credential, .credential_length = length, .url = found->url};
    return found->more;
}

static const struct table_column report_columns[] = {
    {"KEY ID", 0}, {"CLIENT", 0}, {"RING", 0}, {"VERSION", 1}, {"RESULT", 0}, {"WHAT TO DO", 0}, {NULL, 0},
};

static void show_leak(struct shown_rows *listing, const sealring_leak *leak)
{
    const char *result = sealring_leak_result_name(leak->result);
    char *advice = leaks_advice(leak->result, leak->policy, leak->key_id);
    struct table *table = &listing->table;
    if (listing->array != NULL) {
        json_array_append_new(listing->array,
                              json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s?}", "key_id", leak->key_id,
                                        "client", leak->client, "ring", leak->ring, "version",
                                        (json_int_t)leak->version, "serial", (json_int_t)leak->serial, "policy",
                                        sealring_leaks_mode_name(leak->policy), "result", result, "reason",
                                        leak->reason, "what_to_do", advice));
    } else {
        table_add(table, TONE_BOLD, "%s", leak->key_id);
        table_add(table, TONE_PLAIN, "%s", leak->client);
        table_add(table, TONE_PLAIN, "%s", leak->ring);
        table_add(table, TONE_PLAIN, "%.0" PRIu32, leak->version); /* "" for 0 */
        table_add(table, advice != NULL || leak->result == SEALRING_LEAK_UNAVAILABLE ? TONE_BAD : TONE_GOOD, "%s",
                  result);
        table_add(table, TONE_PLAIN, "%s", advice != NULL ? advice : leak->reason);
    }
    free(advice);
}

static int show_report(struct session *session, const struct found *found)
{
    struct shown_rows listing;
    bool restricted = false, unavailable = false;
    listing_start(&listing, session, report_columns);
    for (size_t i = 0; i < found->count; i++) {
        const sealring_leak *leak = &found->leaks[i];
        show_leak(&listing, leak);
        restricted |= leak->result == SEALRING_LEAK_SUSPENDED || leak->result == SEALRING_LEAK_REKEYED;
        unavailable |= leak->result == SEALRING_LEAK_UNAVAILABLE;
    }
    int result = listing_finish(&listing, SEALRING_OK, NULL, "leaks", "this text has no credential of sealring's form");
    if (found->more)
        session_warn(session, "only the first %d credentials were read: report the rest of the text once more",
                     SEALRING_LEAKS_MAX);
    if (session->dry_run)
        session_say(session, "dry run, nothing was changed");
    else if (result == STATUS_DONE && restricted)
        result = waitline_effective(session);
    return result == STATUS_DONE && (unavailable || found->count == 0) ? STATUS_REFUSED : result;
}

/* Standard input, or the file in its place. */
static int read_text(struct session *session, struct input *input)
{
    const char *path = session->options.arguments[0];
    int file = path == NULL || strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || (file != STDIN_FILENO && dup2(file, STDIN_FILENO) < 0))
        return session_refuse(session, STATUS_REFUSED, "%s cannot be read: %s", path, strerror(errno));
    if (file != STDIN_FILENO)
        (void)close(file);
    int result = input_read(session, input);
    if (result != STATUS_DONE || input->length <= INPUT_MAX)
        return result;
    input_wipe(input);
    return session_refuse(
        session, STATUS_REFUSED,
        "the text is longer than 1 MiB: pass the lines with the ring's prefix, such as: grep acme_live_ "
        "FILE | sealring leaks report");
}

static int run_report(struct session *session)
{
    struct input input;
    int result = read_text(session, &input);
    if (result != STATUS_DONE)
        return result;
    struct found *found = memory_grow(NULL, 1, sizeof *found);
    *found = (struct found){.url = option_text(&session->options, "url")};
    sealring_find_credentials(input.text, input.length, take_credential, found);
    sealring_status status = found->count == 0
                                 ? SEALRING_OK
                                 : sealring_report_leaks(session->manager, found->leaks, found->count,
                                                         option_given(&session->options, "apply"), &session->error);
    input_wipe(&input);
    result = status == SEALRING_OK ? show_report(session, found) : session_fail(session, status);
    free(found);
    return result;
}

/* ---- Open reports ------------------------------------------------------------------------------------------------------- */

static const struct table_column list_columns[] = {
    {"REPORTED", 0}, {"KEY ID", 0}, {"CLIENT", 0}, {"RING", 0}, {"DONE", 0}, {"WHERE", 0}, {NULL, 0},
};

static int list_leak(const sealring_leak_info *leak, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, leaks_json(leak));
    table_add_time(table, leak->time, "");
    table_add(table, TONE_BOLD, "%s", leak->key_id);
    table_add(table, TONE_PLAIN, "%s", leak->client);
    table_add(table, TONE_PLAIN, "%s", leak->ring);
    table_add(table, TONE_BAD, "%s", leak->done);
    table_add(table, TONE_PLAIN, "%s", leak->url);
    return 0;
}

static int run_list(struct session *session)
{
    struct shown_rows listing;
    listing_start(&listing, session, list_columns);
    sealring_status status =
        sealring_leak_list(session->manager, session->options.arguments[0], list_leak, &listing, &session->error);
    return listing_finish(&listing, status, NULL, "leaks", "no report of a leak is open");
}

static int run_ack(struct session *session)
{
    const char *key_id = session->options.arguments[0];
    sealring_status status =
        sealring_leak_acknowledge(session->manager, key_id, option_text(&session->options, "reason"), &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print_as("leaks", json_pack("{s:s, s:b}", "acknowledged", key_id, "dry_run", (int)session->dry_run));
    else
        terminal_print(&session->out, "the reports about API key %s %s acknowledged\n", key_id,
                       session->dry_run ? "would be" : "are");
    return STATUS_DONE;
}

const struct command command_leaks_report = {
    .words = "leaks report",
    .purpose = "find credentials in a text, verify them, and say what to do",
    .arguments = {{"FILE", "any text; default, or -: standard input", ARGUMENT_TEXT, 1}},
    .options = {{"apply", NULL, "carry out the rings' policies for leaks, and record them", OPTION_FLAG},
                {"url", "URL", "where it was found; recorded in the audit log", OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes = "The secret parts are never printed. Without --apply nothing is changed.",
    .examples = {"sealring leaks report <what-was-found.txt",
                 "sealring leaks report found.txt --apply --url https://git.example/blob/config.yml"},
    .run = run_report,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};

const struct command command_leaks_list = {
    .words = "leaks list",
    .purpose = "list the reports of leaks that nobody has acted on",
    .arguments = {{"RING", "only of this ring", ARGUMENT_TEXT, 1}},
    .run = run_list,
};

const struct command command_leaks_ack = {
    .words = "leaks ack",
    .purpose = "acknowledge the reports about an API key",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{REASON_OPTION}},
    .run = run_ack,
    .flags = COMMAND_CHANGES,
};
