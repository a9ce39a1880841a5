/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is notified of, how and when: the text that its row and its facts are about. Pure. */
#include "manage/delivery/notice_settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/name_table.h"
#include "base/timetext.h"

#define CHANNEL_LETTERS " ewh" /* by sealring_notice_channel; registry/notices/outbox_rows.c reads them in SQL */

static const struct value_name channel_names[] = {
    {SEALRING_CHANNEL_EMAIL, "email"}, {SEALRING_CHANNEL_WEBHOOK, "webhook"}, {SEALRING_CHANNEL_HOOK, "hook"}};

const char *sealring_notice_channel_name(sealring_notice_channel channel)
{
    return FIND(channel_names, channel, "none");
}

/* ---- As it is stored: channels, quiet hours, digest and URL, on a line each ------------------------------------------- */

static bool read_quiet(const char *text, size_t length, struct notice_settings *settings)
{
    int place[4];
    settings->quiet = false;
    if (length == 1 && text[0] == '-')
        return true;
    if (length != NOTICE_QUIET_SIZE - 1 || text[2] != ':' || text[5] != '-' || text[8] != ':')
        return false;
    for (int i = 0; i < 4; i++) {
        const char *digits = text + 3 * i;
        if (digits[0] < '0' || digits[0] > '9' || digits[1] < '0' || digits[1] > '9')
            return false;
        place[i] = (digits[0] - '0') * 10 + digits[1] - '0';
    }
    settings->quiet = true;
    settings->quiet_from = place[0] * 60 + place[1];
    settings->quiet_to = place[2] * 60 + place[3];
    return place[0] < 24 && place[1] < 60 && place[2] < 24 && place[3] < 60 &&
           settings->quiet_from != settings->quiet_to;
}

/* NULL: a URL can have this form. What it may be connected to is checked when it is used. */
static const char *url_problem(const char *url)
{
    size_t length = strlen(url);
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
        return "is not https://HOST/PATH";
    if (length > NOTICE_URL_MAX)
        return "is longer than 2048 bytes";
    for (size_t i = 0; i < length; i++)
        if (url[i] <= ' ' || url[i] > '~' || strchr("\"'<>\\^`{|}", url[i]) != NULL)
            return "has a character that a URL may not have";
    return NULL;
}

bool notice_settings_read(const char *text, struct notice_settings *settings)
{
    char again[NOTICE_TEXT_SIZE];
    *settings = (struct notice_settings){.quiet = false};
    if (text[0] == '\0')
        return true;
    const char *quiet = strchr(text, '\n');
    const char *digest = quiet != NULL ? strchr(quiet + 1, '\n') : NULL;
    const char *url = digest != NULL ? strchr(digest + 1, '\n') : NULL;
    if (url == NULL || quiet - text != SEALRING_CHANNEL_HOOK || strlen(url + 1) > NOTICE_URL_MAX)
        return false;
    for (int i = 1; i <= SEALRING_CHANNEL_HOOK; i++)
        settings->channels[i] = text[i - 1] == CHANNEL_LETTERS[i];
    if (!read_quiet(quiet + 1, (size_t)(digest - quiet - 1), settings))
        return false;
    settings->digest = strtoll(digest + 1, NULL, 10);
    memcpy(settings->webhook, url + 1, strlen(url + 1) + 1);
    if (settings->webhook[0] != '\0' && url_problem(settings->webhook) != NULL)
        return false;
    notice_settings_write(settings, again); /* one form only */
    return strcmp(again, text) == 0;
}

void notice_settings_write(const struct notice_settings *settings, char text[NOTICE_TEXT_SIZE])
{
    static const struct notice_settings none;
    char quiet[NOTICE_QUIET_SIZE], letters[SEALRING_CHANNEL_HOOK + 1] = "";
    for (int i = 1; i <= SEALRING_CHANNEL_HOOK; i++)
        letters[i - 1] = settings->channels[i] ? CHANNEL_LETTERS[i] : '-';
    notice_quiet_write(settings, quiet);
    text[0] = '\0';
    if (settings->quiet || settings->digest != 0 || settings->webhook[0] != '\0' ||
        memcmp(settings->channels, none.channels, sizeof none.channels) != 0)
        snprintf(text, NOTICE_TEXT_SIZE, "%s\n%s\n%" PRId64 "\n%s", letters, settings->quiet ? quiet : "-",
                 settings->digest, settings->webhook);
}

/* ---- As an operator writes it ------------------------------------------------------------------------------------------ */

void notice_channels_write(const struct notice_settings *settings, char text[NOTICE_CHANNELS_SIZE])
{
    size_t length = 0;
    memcpy(text, "none", 5);
    for (int i = 1; i <= SEALRING_CHANNEL_HOOK; i++)
        if (settings->channels[i])
            length += (size_t)snprintf(text + length, NOTICE_CHANNELS_SIZE - length, "%s%s", length > 0 ? "," : "",
                                       sealring_notice_channel_name((sealring_notice_channel)i));
}

void notice_quiet_write(const struct notice_settings *settings, char text[NOTICE_QUIET_SIZE])
{
    int from = settings->quiet_from, to = settings->quiet_to;
    memcpy(text, "none", 5);
    if (settings->quiet)
        snprintf(text, NOTICE_QUIET_SIZE, "%c%c:%c%c-%c%c:%c%c", '0' + from / 600, '0' + from / 60 % 10,
                 '0' + from % 60 / 10, '0' + from % 10, '0' + to / 600, '0' + to / 60 % 10, '0' + to % 60 / 10,
                 '0' + to % 10);
}

static bool is_none(const char *text)
{
    return text[0] == '\0' || strcmp(text, "none") == 0;
}

static sealring_status change_channels(struct notice_settings *settings, const char *text, sealring_error *error)
{
    memset(settings->channels, 0, sizeof settings->channels);
    if (is_none(text))
        return SEALRING_OK;
    for (;;) {
        size_t length = strcspn(text, ",");
        int channel = 0;
        for (int i = 1; i <= SEALRING_CHANNEL_HOOK; i++) {
            const char *name = sealring_notice_channel_name((sealring_notice_channel)i);
            if (strlen(name) == length && memcmp(name, text, length) == 0)
                channel = i;
        }
        if (channel == 0 || settings->channels[channel])
            return error_set(error, SEALRING_INVALID,
                             "notices are sent by email, webhook, hook, or several of these separated by commas, or "
                             "none");
        settings->channels[channel] = true;
        if (text[length] == '\0')
            return SEALRING_OK;
        text += length + 1;
    }
}

static sealring_status change_webhook(struct notice_settings *settings, const char *text, sealring_error *error)
{
    settings->webhook[0] = '\0';
    if (is_none(text))
        return SEALRING_OK;
    const char *problem = url_problem(text);
    if (problem != NULL)
        return error_set(error, SEALRING_INVALID, "the webhook %s", problem);
    memcpy(settings->webhook, text, strlen(text) + 1);
    return SEALRING_OK;
}

static sealring_status change_quiet(struct notice_settings *settings, const char *text, sealring_error *error)
{
    if (is_none(text)) {
        settings->quiet = false;
        return SEALRING_OK;
    }
    if (strcmp(text, "-") != 0 && read_quiet(text, strlen(text), settings))
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID,
                     "quiet hours are written like 22:00-07:00, in UTC, with another end than beginning; or none");
}

static sealring_status change_digest(struct notice_settings *settings, const char *text, sealring_error *error)
{
    settings->digest = 0;
    if (is_none(text) || (timetext_duration_parse(text, &settings->digest) && settings->digest >= NOTICE_DIGEST_MIN &&
                          settings->digest <= NOTICE_DIGEST_MAX))
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID, "a digest is sent every 1h to 7d, such as 1d, or none");
}

sealring_status notice_settings_change(struct notice_settings *settings, const sealring_notice_settings *changes,
                                       bool has_contact, sealring_error *error)
{
    const struct {
        const char *text;
        sealring_status (*change)(struct notice_settings *settings, const char *text, sealring_error *error);
    } parts[] = {{changes->channels, change_channels},
                 {changes->webhook, change_webhook},
                 {changes->quiet, change_quiet},
                 {changes->digest, change_digest}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        sealring_status status = parts[i].text != NULL ? parts[i].change(settings, parts[i].text, error) : SEALRING_OK;
        if (status != SEALRING_OK)
            return status;
    }
    if (settings->channels[SEALRING_CHANNEL_WEBHOOK] && settings->webhook[0] == '\0')
        return error_set(error, SEALRING_INVALID, "notices by webhook need a URL: --webhook URL");
    if (settings->channels[SEALRING_CHANNEL_EMAIL] && !has_contact)
        return error_set(error, SEALRING_INVALID, "notices by email need a contact: --contact ADDRESS");
    return SEALRING_OK;
}
