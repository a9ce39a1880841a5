/* SPDX-License-Identifier: Apache-2.0 */
/* What a message contains: JSON for webhooks and hooks, subject and text for mail. Pure. */
#include "manage/notices/notice_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/timetext.h"

/* By event. type: the last part of that of the webhook. */
static const struct {
    const char *type, *subject, *advice;
} templates[] = {
    [0] = {"test", "a test of notices", "This is a test. There is nothing to do."},
    [SEALRING_NOTICE_SUCCESSOR] = {"successor_available", "a new version is active",
                                   "A new version is active. Get the successor of each credential, and use it before "
                                   "the present one ends."},
    [SEALRING_NOTICE_CLOSING] = {"window_closing", "credentials end soon",
                                 "The version of these credentials retires soon: they are rejected from then on. Get "
                                 "their successors now."},
    [SEALRING_NOTICE_OLD] = {"still_on_old_version", "an old credential is in use",
                             "These API keys have newer credentials, and an older one is still in use. It is rejected "
                             "from its end on. Change to the newer one."},
    [SEALRING_NOTICE_EXPIRING] = {"expiring", "credentials expire soon",
                                  "These credentials expire soon. Renew them, or ask for new ones."},
    [SEALRING_NOTICE_EXPIRED] = {"expired", "credentials have expired",
                                 "These credentials have expired, and are rejected. Ask for new ones."},
    [SEALRING_NOTICE_REVOKED] = {"revoked", "an API key was revoked",
                                 "These API keys were revoked: all their credentials are rejected. Remove them."},
    [SEALRING_NOTICE_ROLLED_BACK] = {"rolled_back", "an older version is active again",
                                     "An older version is active again. Credentials of the version that was active "
                                     "before are accepted until their version ends. Get the successor of each."},
    [SEALRING_NOTICE_CONTESTED] = {"contested", "a credential was renewed twice",
                                   "A credential of these API keys was renewed from two places: a copy of it may be "
                                   "in the wrong hands. No further one is handed out. Contact the service."},
    [SEALRING_NOTICE_EMERGENCY] = {"emergency", "credentials are rejected",
                                   "This version was compromised: all its credentials are rejected at once. Get new "
                                   "ones now."},
};

#define SEVERAL (-1)

/* The event of all notices; 0: there is none, as in a test. */
static int common_event(const struct notice_message *message)
{
    for (size_t i = 1; i < message->count; i++)
        if (message->notices[i].event != message->notices[0].event)
            return SEVERAL;
    return message->count > 0 ? (int)message->notices[0].event : 0;
}

static json_t *time_json(int64_t time)
{
    char text[TIMETEXT_SIZE];
    if (time == 0)
        return json_null();
    timetext_format(time, text);
    return json_string(text);
}

static json_t *notice_json(const struct notice *notice)
{
    char type[64];
    snprintf(type, sizeof type, "credential.%s", templates[notice->event].type);
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:o}", "type", type, "ring", notice->ring, "version",
                     (json_int_t)notice->version, "key_id", notice->key_id, "label", notice->label, "at",
                     time_json(notice->at), "until", time_json(notice->until));
}

static char *make_json(const struct notice_message *message)
{
    char type[64];
    int event = common_event(message);
    snprintf(type, sizeof type, "credential.%s", event != SEVERAL ? templates[event].type : "digest");
    json_t *list = json_array();
    for (size_t i = 0; i < message->count; i++)
        if (json_array_append_new(list, notice_json(&message->notices[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    json_t *root = json_pack("{s:s, s:o, s:{s:s, s:I, s:o}}", "type", type, "timestamp", time_json(message->now),
                             "data", "client", message->client, "count", (json_int_t)message->total, "notices", list);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static char *make_subject(const struct notice_message *message)
{
    int event = common_event(message);
    char *subject = NULL;
    int length = event != SEVERAL
                     ? asprintf(&subject, "API keys of %s: %s", message->client, templates[event].subject)
                     : asprintf(&subject, "API keys of %s: %" PRIu64 " notices", message->client, message->total);
    return length < 0 ? NULL : subject;
}

static bool is_same_group(const struct notice *one, const struct notice *other)
{
    return one->event == other->event && one->version == other->version && strcmp(one->ring, other->ring) == 0;
}

static void write_notice(FILE *out, const struct notice *notice)
{
    char text[TIMETEXT_SIZE];
    if (notice->key_id[0] == '\0')
        return;
    fprintf(out, "  %s %s", notice->key_id, notice->label);
    timetext_format(notice->until, text);
    if (notice->until != 0)
        fprintf(out, ", accepted until %s", text);
    fputc('\n', out);
}

static char *make_text(const struct notice_message *message)
{
    char *text = NULL, at[TIMETEXT_SIZE];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fprintf(out, "Client %s\n", message->client);
    if (message->count == 0)
        fprintf(out, "\n%s\n", templates[0].advice);
    for (size_t i = 0; i < message->count; i++) {
        const struct notice *notice = &message->notices[i];
        if (i == 0 || !is_same_group(notice, notice - 1)) {
            timetext_format(notice->at, at);
            fprintf(out, "\nRing %s, version %" PRIu32 " (%s, %s)\n%s\n", notice->ring, notice->version,
                    sealring_notice_event_name(notice->event), at, templates[notice->event].advice);
        }
        write_notice(out, notice);
    }
    if (message->total > message->count)
        fprintf(out, "\nand %" PRIu64 " more API keys\n", message->total - message->count);
    fprintf(out, "\nMessage %s\n", message->id);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

bool notice_text_make(struct notice_message *message)
{
    message->json = make_json(message);
    message->subject = make_subject(message);
    message->text = make_text(message);
    return message->json != NULL && message->subject != NULL && message->text != NULL;
}

void notice_text_release(struct notice_message *message)
{
    free(message->json);
    free(message->subject);
    free(message->text);
    message->json = message->subject = message->text = NULL;
}
