/* SPDX-License-Identifier: Apache-2.0 */
/* sealring notify: what clients are notified of, sent, listed, tried again, tested. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sealring/notices.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/notices/notices_view.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"

/* ---- list ---- */

static const struct table_column columns[] = {{"CLIENT", 0}, {"BY", 0},    {"EVENT", 0}, {"RING", 0},   {"VERSION", 1},
                                              {"SINCE", 0},  {"STATE", 0}, {"DUE", 0},   {"REASON", 0}, {NULL, 0}};

static const char *state_of(const sealring_notice_info *notice)
{
    return notice->dead ? "dead" : notice->attempts > 0 ? "retry" : "waits";
}

static json_t *notice_json(const sealring_notice_info *notice)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:o, s:I, s:s, s:o, s:s}", "client", notice->client,
                     "channel", sealring_notice_channel_name(notice->channel), "event",
                     sealring_notice_event_name(notice->event), "ring", notice->ring, "version",
                     (json_int_t)notice->version, "key_id", notice->key_id, "at", jsontext_time(notice->at), "due",
                     jsontext_time(notice->due), "attempts", (json_int_t)notice->attempts, "state", state_of(notice),
                     "reason", jsontext_text(notice->reason), "message", notice->id);
}

static int list_notice(const sealring_notice_info *notice, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, notice_json(notice));
    table_add(table, TONE_BOLD, "%s", notice->client);
    table_add(table, TONE_PLAIN, "%s", sealring_notice_channel_name(notice->channel));
    table_add(table, TONE_PLAIN, "%s", sealring_notice_event_name(notice->event));
    table_add(table, TONE_PLAIN, "%s", notice->ring);
    table_add_number(table, notice->version);
    table_add_time(table, notice->at, "");
    table_add(table, notice->dead ? TONE_BAD : notice->attempts > 0 ? TONE_WARN : TONE_PLAIN, "%s", state_of(notice));
    table_add(table, TONE_PLAIN, "%s", notice->dead ? "never" : moment_format(notice->due, table->now).text);
    table_add(table, TONE_PLAIN, "%s", notice->reason);
    return 0;
}

static int run_list(struct session *session)
{
    struct shown_rows listing;
    listing_start(&listing, session, columns);
    sealring_status status =
        sealring_notices_list(session->manager, session->options.arguments[0], list_notice, &listing, &session->error);
    return listing_finish(&listing, status, NULL, "notices", "no notice waits, and none failed");
}

/* ---- retry ---- */

static int run_retry(struct session *session)
{
    uint64_t count = 0;
    sealring_status status =
        sealring_notices_retry(session->manager, session->options.arguments[0], &count, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print(json_pack("{s:I}", "retried", (json_int_t)count));
    else
        terminal_print(&session->out, "%" PRIu64 " notice%s %s sent with the next turn\n", count, count == 1 ? "" : "s",
                       session->dry_run ? "would be"
                       : count == 1     ? "is"
                                        : "are");
    return STATUS_DONE;
}

/* ---- send ---- */

static int run_send(struct session *session)
{
    sealring_notices_result result = {.size = sizeof result};
    sealring_status status = sealring_notices_send(session->manager, option_number(&session->options, "limit"),
                                                   notices_report, session, &result, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    session_say(session,
                "%" PRIu64 " sent, %" PRIu64 " failed, %" PRIu64 " notices wait, %" PRIu64 " could not be sent",
                result.sent, result.failed, result.waiting, result.dead);
    return result.failed + result.alarms > 0 ? STATUS_REFUSED : STATUS_DONE;
}

/* ---- test ---- */

struct tested {
    struct session *session;
    bool failed;
};

static int report_test(const sealring_notices_report *report, void *context)
{
    struct tested *tested = context;
    struct session *session = tested->session;
    bool done = report->state == SEALRING_SEND_DONE;
    const char *channel = sealring_notice_channel_name(report->channel);
    tested->failed = tested->failed || !done;
    if (session->json)
        jsontext_print_line(json_pack("{s:s, s:s, s:b, s:o}", "client", report->client, "channel", channel, "sent",
                                      done, "text", jsontext_text(report->text)));
    else
        terminal_print(&session->out, "%s: %s%s\n", channel, done ? "sent" : "not sent: ", report->text);
    return 0;
}

static int run_test(struct session *session)
{
    struct tested tested = {.session = session};
    if (session->dry_run)
        return session_refuse(session, STATUS_USAGE, "a test is sent, or there is none: notify test without --dry-run");
    sealring_status status =
        sealring_notices_test(session->manager, session->options.arguments[0], report_test, &tested, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    return tested.failed ? STATUS_REFUSED : STATUS_DONE;
}

#define ANY_CLIENT "CLIENT", "only this client; default: all", ARGUMENT_TEXT, 1

const struct command command_notify_list = {
    .words = "notify list",
    .purpose = "list the notices that wait, and those that could not be sent, with the reason",
    .arguments = {{ANY_CLIENT}},
    .run = run_list,
};

const struct command command_notify_retry = {
    .words = "notify retry",
    .purpose = "try again what could not be sent",
    .arguments = {{ANY_CLIENT}},
    .run = run_retry,
    .flags = COMMAND_CHANGES,
};

const struct command command_notify_send = {
    .words = "notify send",
    .purpose = "send the notices that are due",
    .options = {{"limit", "DURATION", "stop after this time; default: 30s", OPTION_INTERVAL}},
    .notes =
        "sealring run does the same with each turn. Derives from the audit log and from the times in the registry "
        "what clients are to be notified of. A receiver that fails is asked again after 1 minute, then after twice "
        "that time, up to 6 hours; after 3 days the message is a dead letter.",
    .run = run_send,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};

const struct command command_notify_test = {
    .words = "notify test",
    .purpose = "send a test message to a client by each of its channels",
    .arguments = {{"CLIENT", "the client's name", ARGUMENT_TEXT, 0}},
    .run = run_test,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};
