/* SPDX-License-Identifier: Apache-2.0 */
/* Notices as they are shown: what became of messages, and what a client's settings are. */
#ifndef TOOL_NOTICES_VIEW_H
#define TOOL_NOTICES_VIEW_H

#include <jansson.h>

#include <sealring/notices.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

/* A sealring_notices_callback: prints a line, with --json an object on one line. context: the session. */
int notices_report(const sealring_notices_report *report, void *context);

/* The settings that the options of `client add` and `client set` give. False: none of them was given. */
bool notices_options(const struct session *session, sealring_notice_settings *settings);
#define NOTICES_OPTIONS                                                                                        \
    {"notify", "CHANNELS", "how it gets notices: email,webhook,hook, or some of these; or none", OPTION_TEXT}, \
        {"webhook", "URL", "where webhooks are sent to, or none", OPTION_TEXT},                                \
        {"quiet", "HH:MM-HH:MM", "quiet hours in UTC, such as 22:00-07:00, or none", OPTION_TEXT},             \
    {                                                                                                          \
        "digest", "DURATION", "send notices at once, at this interval, from 1h to 7d; or none", OPTION_TEXT    \
    }

void notices_show_settings(const struct style *style, const sealring_notices_info *info);
json_t *notices_settings_json(const sealring_notices_info *info);

/* How many wait: a line of `status` if there are any; new reference, NULL after a failure. */
json_t *notices_counts(struct session *session, const struct page *page, sealring_status *status);

#endif
