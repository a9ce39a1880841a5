/* SPDX-License-Identifier: Apache-2.0 */
/* Notices as they are shown: what became of messages, and what a client's settings are. */
#include "tools/sealring/notices/notices_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/table.h"
#include "tools/sealring/terminal/terminal.h"

static const struct {
    const char *name, *text;
    enum tone tone;
} states[] = {
    [SEALRING_SEND_DONE] = {"sent", "sent", TONE_GOOD},
    [SEALRING_SEND_RETRY] = {"retry", "not sent, is tried again", TONE_WARN},
    [SEALRING_SEND_DEAD] = {"dead", "not sent, is not tried again (sealring notify retry)", TONE_BAD},
    [SEALRING_SEND_ALARM] = {"alarm", "", TONE_BAD},
};

static void report_json(const sealring_notices_report *report)
{
    jsontext_print_line(
        json_pack("{s:o, s:s, s:s, s:o, s:s?, s:I, s:o}", "time", jsontext_time(moment_now()), "notices",
                  states[report->state].name, "client", report->client, "channel",
                  report->channel != 0 ? json_string(sealring_notice_channel_name(report->channel)) : json_null(),
                  "message", report->id, "count", (json_int_t)report->count, "text", jsontext_text(report->text)));
}

int notices_report(const sealring_notices_report *report, void *context)
{
    const struct session *session = context;
    const struct style *style = &session->out;
    if (session->json) {
        report_json(report);
    } else if (report->state == SEALRING_SEND_ALARM) {
        session_warn(session, "%s", report->text);
    } else {
        terminal_print(style, DIM "%s" PLAIN " notices to %s by %s: %c%s" PLAIN "%s%s\n",
                       moment_absolute(moment_now()).text, report->client,
                       sealring_notice_channel_name(report->channel), states[report->state].tone,
                       states[report->state].text, report->text[0] != '\0' ? ": " : "", report->text);
    }
    fflush(stdout);
    return 0;
}

bool notices_options(const struct session *session, sealring_notice_settings *settings)
{
    const struct options *options = &session->options;
    *settings = (sealring_notice_settings){.size = sizeof *settings,
                                           .channels = option_text(options, "notify"),
                                           .webhook = option_text(options, "webhook"),
                                           .quiet = option_text(options, "quiet"),
                                           .digest = option_text(options, "digest")};
    return settings->channels != NULL || settings->webhook != NULL || settings->quiet != NULL ||
           settings->digest != NULL;
}

void notices_show_settings(const struct style *style, const sealring_notices_info *info)
{
    if (strcmp(info->state, "confirmed") != 0) {
        table_fact(style, "notices", "%s",
                   strcmp(info->state, "none") == 0 ? "-" : "(altered: see sealring audit verify)");
        return;
    }
    table_fact(style, "notices", "%s", info->channels);
    if (info->webhook[0] != '\0')
        table_fact(style, "webhook", "%s", info->webhook);
    if (strcmp(info->quiet, "none") != 0)
        table_fact(style, "quiet hours", "%s UTC", info->quiet);
    if (info->digest != 0)
        table_fact(style, "digest every", "%s", moment_duration(info->digest).text);
}

json_t *notices_settings_json(const sealring_notices_info *info)
{
    char digest[SEALRING_TIME_SIZE] = "none";
    if (strcmp(info->state, "none") == 0)
        return json_null();
    if (info->digest != 0)
        sealring_duration_format(info->digest, digest);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "state", info->state, "channels", info->channels, "webhook",
                     info->webhook, "quiet", info->quiet, "digest", digest);
}

json_t *notices_counts(struct session *session, const struct page *page, sealring_status *status)
{
    uint64_t waiting = 0, dead = 0;
    *status = sealring_notices_count(session->manager, &waiting, &dead, &session->error);
    if (*status != SEALRING_OK)
        return NULL;
    if (waiting + dead > 0)
        terminal_print(&page->out, "notices    %" PRIu64 " to be sent", waiting);
    if (dead > 0)
        terminal_print(&page->out, ", " BAD "%" PRIu64 " could not be sent" PLAIN ": sealring notify list", dead);
    if (waiting + dead > 0)
        terminal_print(&page->out, "\n");
    return json_pack("{s:I, s:I}", "waiting", (json_int_t)waiting, "dead", (json_int_t)dead);
}
