/* SPDX-License-Identifier: Apache-2.0 */
/* manage/notices, the pure parts: which events follow from acts and times, settings, when a message is sent, and its text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/runner.h"
#include "log/merkle.h"
#include "manage/delivery/notice_settings.h"
#include "manage/notices/notice_events.h"
#include "manage/notices/notice_schedule.h"
#include "manage/notices/notice_text.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define MINUTE       INT64_C(60000)
#define HOUR         (60 * MINUTE)
#define DAY          (24 * HOUR)

/* ---- Events -------------------------------------------------------------------------------------------------------------- */

START_TEST(acts_that_concern_clients)
{
    static const struct {
        const char *act;
        int event;
    } acts[] = {{"version.activate", SEALRING_NOTICE_SUCCESSOR},
                {"version.rollback", SEALRING_NOTICE_ROLLED_BACK},
                {"version.compromise", SEALRING_NOTICE_EMERGENCY},
                {"key.revoke", SEALRING_NOTICE_REVOKED},
                {"key.contested", SEALRING_NOTICE_CONTESTED},
                {"key.issue", 0},
                {"version.prepare", 0},
                {"refused", 0},
                {"alarm", 0},
                {"", 0}};
    for (int i = 0; i < COUNT(acts); i++) {
        const struct notice_rule *rule = notice_rule_of_act(acts[i].act);
        ck_assert_int_eq(rule != NULL ? (int)rule->event : 0, acts[i].event);
    }
    ck_assert(notice_is_urgent(SEALRING_NOTICE_EMERGENCY) && notice_is_urgent(SEALRING_NOTICE_CONTESTED));
    ck_assert(!notice_is_urgent(SEALRING_NOTICE_REVOKED));
}
END_TEST

/* The reminders of an end at `end`, if the turns are at these times. */
static int reminders_of(sealring_notice_event event, int64_t end, const int64_t *turns, int count, int64_t *thresholds)
{
    int found = 0;
    for (int turn = 1; turn < count; turn++)
        for (size_t i = 0; i < notice_reminder_count; i++) {
            int64_t from, to;
            if (notice_reminders[i].event != event)
                continue;
            notice_reminder_span(&notice_reminders[i], turns[turn - 1], turns[turn], &from, &to);
            if (end > from && end <= to)
                thresholds[found++] = notice_reminders[i].threshold;
        }
    return found;
}

START_TEST(each_end_is_reminded_of_three_times_whatever_the_turns)
{
    const int64_t end = 1000 * DAY;
    static const int64_t steps[] = {MINUTE, 7 * MINUTE, HOUR - 1, HOUR};
    for (int step = 0; step < COUNT(steps); step++)
        for (int64_t offset = 0; offset < 5 * MINUTE; offset += MINUTE / 2 + 1) {
            int64_t turns[2] = {end - 9 * DAY + offset, 0}, thresholds[8];
            int count = 0;
            for (; turns[0] < end + DAY; turns[0] = turns[1]) {
                turns[1] = turns[0] + steps[step];
                count += reminders_of(SEALRING_NOTICE_CLOSING, end, turns, 2, thresholds + count);
            }
            ck_assert_int_eq(count, 3);
            ck_assert(thresholds[0] == 7 * DAY && thresholds[1] == DAY && thresholds[2] == HOUR);
        }
}
END_TEST

START_TEST(of_several_that_passed_the_latest_counts)
{
    const int64_t end = 1000 * DAY;
    static const struct {
        int64_t before, now; /* before the end */
        int64_t threshold;   /* 0: none */
    } cases[] = {{9 * DAY, 8 * DAY, -1}, {9 * DAY, 7 * DAY, 7 * DAY},
                 {7 * DAY, 6 * DAY, -1}, {9 * DAY, DAY, DAY},
                 {9 * DAY, HOUR, HOUR},  {9 * DAY, 1, HOUR},
                 {9 * DAY, 0, -1},       {DAY, HOUR + 1, -1},
                 {DAY + 1, HOUR, HOUR},  {7 * DAY + 1, DAY + 1, 7 * DAY}};
    for (int i = 0; i < COUNT(cases); i++) {
        int64_t turns[2] = {end - cases[i].before, end - cases[i].now}, thresholds[8] = {0};
        int count = reminders_of(SEALRING_NOTICE_EXPIRING, end, turns, 2, thresholds);
        ck_assert_int_eq(count, cases[i].threshold >= 0);
        ck_assert(count == 0 || thresholds[0] == cases[i].threshold);
    }
    int64_t turns[2] = {end - 1, end}, thresholds[8] = {1};
    ck_assert_int_eq(reminders_of(SEALRING_NOTICE_EXPIRED, end, turns, 2, thresholds), 1);
    ck_assert_int_eq(thresholds[0], 0);
    ck_assert(notice_is_reminder(SEALRING_NOTICE_EXPIRED, 0) && notice_is_reminder(SEALRING_NOTICE_OLD, DAY));
    ck_assert(!notice_is_reminder(SEALRING_NOTICE_OLD, 0) && !notice_is_reminder(SEALRING_NOTICE_EMERGENCY, 0));
}
END_TEST

/* ---- Settings ------------------------------------------------------------------------------------------------------------ */

static struct notice_settings settings_of(const char *channels, const char *webhook, const char *quiet,
                                          const char *digest)
{
    const sealring_notice_settings changes = {
        .size = sizeof changes, .channels = channels, .webhook = webhook, .quiet = quiet, .digest = digest};
    struct notice_settings settings = {.digest = 0};
    ck_assert_int_eq(notice_settings_change(&settings, &changes, true, NULL), SEALRING_OK);
    return settings;
}

START_TEST(settings_are_written_in_one_form)
{
    struct notice_settings read,
        settings = settings_of("webhook,email", "https://x.example/a?b=c", "22:00-07:00", "1d");
    char text[NOTICE_TEXT_SIZE], again[NOTICE_TEXT_SIZE], channels[NOTICE_CHANNELS_SIZE], quiet[NOTICE_QUIET_SIZE];
    notice_settings_write(&settings, text);
    ck_assert_str_eq(text, "ew-\n22:00-07:00\n86400000\nhttps://x.example/a?b=c");
    ck_assert(notice_settings_read(text, &read));
    notice_settings_write(&read, again);
    ck_assert_str_eq(again, text);
    notice_channels_write(&read, channels);
    notice_quiet_write(&read, quiet);
    ck_assert_str_eq(channels, "email,webhook");
    ck_assert_str_eq(quiet, "22:00-07:00");
    settings = settings_of("none", "", "none", "none");
    notice_settings_write(&settings, text);
    ck_assert_str_eq(text, "");
    ck_assert(notice_settings_read("", &read));
    notice_channels_write(&read, channels);
    ck_assert_str_eq(channels, "none");
}
END_TEST

static const char *const other_forms[] = {"x",
                                          "e--",
                                          "e--\n-\n0",
                                          "e-\n-\n0\n",
                                          "E--\n-\n0\n",
                                          "we-\n-\n0\n",
                                          "e--\n-\n00\n",
                                          "e--\n-\n-1\n",
                                          "e--\n\n0\n",
                                          "e--\n24:00-07:00\n0\n",
                                          "e--\n22:60-07:00\n0\n",
                                          "e--\n07:00-07:00\n0\n",
                                          "e--\n7:00-08:00\n0\n",
                                          "---\n-\n0\n",
                                          "e--\n-\n0\nftp://x.example",
                                          "e--\n-\n0\nhttps://x.example/\n",
                                          "e--\n-\n0\nhttps://x.example/\r",
                                          "e--\n-\n0\nhttps://x.example/ a",
                                          "e--\n-\n0\nhttps://x.ex\xc3\xa4mple/",
                                          "e--\n-\n0 \n",
                                          "e---\n-\n0\n"};

START_TEST(another_form_is_not_read)
{
    struct notice_settings settings;
    ck_assert(!notice_settings_read(other_forms[_i], &settings));
}
END_TEST

static const struct {
    const char *channels, *webhook, *quiet, *digest;
} refused[] = {
    {.channels = "pigeon"},
    {.channels = "email,email"},
    {.channels = "email,"},
    {.channels = ",email"},
    {.channels = "webhook"},
    {.channels = "email"},
    {.webhook = "x.example"},
    {.webhook = "https://x\n.example/"},
    {.webhook = "https://x.example/\""},
    {.quiet = "-"},
    {.quiet = "22:00"},
    {.quiet = "22:00-22:00"},
    {.quiet = "22:00-07:00 UTC"},
    {.quiet = "24:00-01:00"},
    {.digest = "59m"},
    {.digest = "7d1h"},
    {.digest = "daily"},
    {.digest = "-1d"},
};

START_TEST(what_is_refused)
{
    const sealring_notice_settings changes = {.size = sizeof changes,
                                              .channels = refused[_i].channels,
                                              .webhook = refused[_i].webhook,
                                              .quiet = refused[_i].quiet,
                                              .digest = refused[_i].digest};
    struct notice_settings settings = {.digest = 0};
    sealring_error error = {.message = ""};
    ck_assert_int_eq(notice_settings_change(&settings, &changes, false, &error), SEALRING_INVALID);
    ck_assert(error.message[0] != '\0' && strchr(error.message, '\n') == NULL);
}
END_TEST

START_TEST(the_longest_settings_fit)
{
    char url[NOTICE_URL_MAX + 2], text[NOTICE_TEXT_SIZE];
    struct notice_settings read;
    memset(url, 'a', sizeof url);
    memcpy(url, "https://", 8);
    url[NOTICE_URL_MAX] = '\0';
    struct notice_settings settings = settings_of("email,webhook,hook", url, "22:00-07:00", "7d");
    notice_settings_write(&settings, text);
    ck_assert(notice_settings_read(text, &read));
    ck_assert_str_eq(read.webhook, url);
    url[NOTICE_URL_MAX] = 'a';
    url[NOTICE_URL_MAX + 1] = '\0';
    const sealring_notice_settings longer = {.size = sizeof longer, .webhook = url};
    ck_assert_int_eq(notice_settings_change(&settings, &longer, true, NULL), SEALRING_INVALID);
}
END_TEST

/* ---- When ------------------------------------------------------------------------------------------------------------------ */

#define AT(days, hours, minutes) (1000 * DAY + (days)*DAY + (hours)*HOUR + (minutes)*MINUTE)

static const struct {
    const char *quiet, *digest;
    bool urgent;
    int64_t at, now, wanted;
} times[] = {
    {"none", "none", false, AT(0, 3, 0), AT(0, 3, 0), AT(0, 3, 0)},
    {"22:00-07:00", "none", false, AT(0, 21, 59), AT(0, 21, 59), AT(0, 21, 59)},
    {"22:00-07:00", "none", false, AT(0, 22, 0), AT(0, 22, 0), AT(1, 7, 0)},
    {"22:00-07:00", "none", false, AT(0, 3, 0), AT(0, 3, 0), AT(0, 7, 0)},
    {"22:00-07:00", "none", false, AT(0, 3, 0), AT(0, 7, 0), AT(0, 7, 0)},
    {"22:00-07:00", "none", true, AT(0, 3, 0), AT(0, 3, 0), AT(0, 3, 0)},
    {"12:00-13:00", "none", false, AT(0, 12, 30), AT(0, 12, 30), AT(0, 13, 0)},
    {"12:00-13:00", "none", false, AT(0, 13, 0), AT(0, 13, 0), AT(0, 13, 0)},
    {"22:00-00:00", "none", false, AT(0, 23, 0), AT(0, 23, 0), AT(1, 0, 0)},
    {"none", "1d", false, AT(0, 3, 0), AT(0, 3, 0), AT(1, 0, 0)},
    {"none", "1d", false, AT(0, 3, 0), AT(1, 0, 0), AT(1, 0, 0)},
    {"none", "1d", false, AT(0, 3, 0), AT(5, 4, 0), AT(5, 4, 0)},
    {"none", "1d", true, AT(0, 3, 0), AT(0, 3, 0), AT(0, 3, 0)},
    {"22:00-07:00", "1d", false, AT(0, 3, 0), AT(0, 3, 0), AT(1, 7, 0)},
    {"none", "1h", false, AT(0, 3, 59), AT(0, 3, 59), AT(0, 4, 0)},
    /* a clock that was ahead delays nothing for long */
    {"none", "1h", false, AT(900, 0, 0), AT(0, 3, 0), AT(0, 3, 0)},
};

START_TEST(quiet_hours_and_digests)
{
    const struct notice_settings settings = settings_of(NULL, NULL, times[_i].quiet, times[_i].digest);
    ck_assert_int_eq(notice_not_before(&settings, times[_i].urgent, times[_i].at, times[_i].now), times[_i].wanted);
}
END_TEST

START_TEST(back_off)
{
    ck_assert_int_eq(notice_back_off(1, 0), MINUTE);
    ck_assert_int_eq(notice_back_off(2, 0), 2 * MINUTE);
    ck_assert_int_eq(notice_back_off(9, 0), 256 * MINUTE);
    ck_assert_int_eq(notice_back_off(10, 0), 6 * HOUR);
    ck_assert_int_eq(notice_back_off(UINT32_MAX, 0), 6 * HOUR);
    ck_assert_int_eq(notice_back_off(1, HOUR), HOUR);
    ck_assert_int_eq(notice_back_off(1, 1000 * HOUR), 6 * HOUR);
}
END_TEST

/* ---- Texts ------------------------------------------------------------------------------------------------------------------ */

static struct notice_message message_of(const struct notice *notices, size_t count)
{
    struct notice_message message = {.id = "00112233445566778899aabbccddeeff",
                                     .notices = notices,
                                     .count = count,
                                     .total = count,
                                     .client = "shop",
                                     .contact = "",
                                     .webhook = "",
                                     .now = 1764579600000};
    ck_assert(notice_text_make(&message));
    ck_assert(strchr(message.subject, '\n') == NULL && strchr(message.json, '\n') == NULL);
    return message;
}

START_TEST(every_event_has_its_text)
{
    for (int event = 0; event <= SEALRING_NOTICE_EMERGENCY; event++) {
        const struct notice notice = {.event = (sealring_notice_event)event,
                                      .ring = "payments",
                                      .version = 3,
                                      .key_id = "Sh2mVn3Wq8Lk0PzA",
                                      .label = "web",
                                      .at = 1764579600000,
                                      .until = 1764583200000};
        struct notice_message message = message_of(&notice, event != 0);
        json_t *root = json_loads(message.json, 0, NULL);
        const char *type = json_string_value(json_object_get(root, "type"));
        ck_assert(type != NULL && strncmp(type, "credential.", 11) == 0);
        ck_assert_int_eq((int)json_array_size(json_object_get(json_object_get(root, "data"), "notices")), event != 0);
        ck_assert(strstr(message.text, message.id) != NULL);
        ck_assert(event == 0 ||
                  strstr(message.text, "Sh2mVn3Wq8Lk0PzA web, accepted until 2025-12-01T10:00:00") != NULL);
        ck_assert(event == 0 || strcmp(sealring_notice_event_name((sealring_notice_event)event), "none") != 0);
        json_decref(root);
        notice_text_release(&message);
    }
}
END_TEST

START_TEST(a_digest_lists_each_event_once)
{
    struct notice notices[4] = {{.event = SEALRING_NOTICE_SUCCESSOR, .ring = "payments", .version = 3, .key_id = "k1"},
                                {.event = SEALRING_NOTICE_SUCCESSOR, .ring = "payments", .version = 3, .key_id = "k2"},
                                {.event = SEALRING_NOTICE_REVOKED, .ring = "payments", .version = 3, .key_id = "k3"},
                                {.event = SEALRING_NOTICE_EMERGENCY, .ring = "payments", .version = 2}};
    struct notice_message message = message_of(notices, 4);
    ck_assert(strstr(message.json, "\"type\":\"credential.digest\"") != NULL);
    ck_assert_str_eq(message.subject, "API keys of shop: 4 notices");
    const char *first = strstr(message.text, "(successor-available");
    ck_assert(first != NULL && strstr(first + 1, "(successor-available") == NULL);
    notice_text_release(&message);
    message.total = 9999;
    ck_assert(notice_text_make(&message));
    ck_assert(strstr(message.text, "and 9995 more API keys") != NULL);
    ck_assert(strstr(message.json, "\"count\":9999") != NULL);
    notice_text_release(&message);
}
END_TEST

/* ---- What an entry is proved with ------------------------------------------------------------------------------------------- */

static struct merkle_hash leaves[70];

/* The root of the complete subtree of 2^level leaves. */
static bool subtree(void *context, unsigned level, uint64_t index, struct merkle_hash *root)
{
    struct merkle_hash right;
    (void)context;
    if (level == 0) {
        *root = leaves[index];
        return true;
    }
    subtree(NULL, level - 1, 2 * index, root);
    subtree(NULL, level - 1, 2 * index + 1, &right);
    merkle_node(root, &right, root);
    return true;
}

START_TEST(a_proof_leads_from_its_leaf_only)
{
    for (uint64_t i = 0; i < 70; i++)
        leaves[i].bytes[0] = (uint8_t)(i + 1);
    for (uint64_t size = 1; size <= 70; size++) {
        struct merkle_frontier frontier;
        struct merkle_hash root;
        ck_assert(merkle_frontier_at(subtree, NULL, size, &frontier));
        merkle_root(&frontier, &root);
        for (uint64_t index = 0; index < size; index++) {
            struct merkle_proof proof;
            ck_assert(merkle_inclusion(subtree, NULL, index, size, &proof));
            ck_assert(merkle_is_included(&proof, &leaves[index], index, size, &root));
            ck_assert(!merkle_is_included(&proof, &leaves[(index + 1) % 70], index, size, &root));
            if (size > 1)
                ck_assert(!merkle_is_included(&proof, &leaves[index], (index + 1) % size, size, &root));
            ck_assert(!merkle_is_included(&proof, &leaves[index], index + size, size, &root));
            if (proof.count > 0) {
                proof.hashes[proof.count - 1].bytes[5] ^= 1;
                ck_assert(!merkle_is_included(&proof, &leaves[index], index, size, &root));
                proof.count--;
                ck_assert(!merkle_is_included(&proof, &leaves[index], index, size, &root));
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notices");
    TCase *cases = tcase_create("notices");
    tcase_add_test(cases, acts_that_concern_clients);
    tcase_add_test(cases, each_end_is_reminded_of_three_times_whatever_the_turns);
    tcase_add_test(cases, of_several_that_passed_the_latest_counts);
    tcase_add_test(cases, settings_are_written_in_one_form);
    tcase_add_loop_test(cases, another_form_is_not_read, 0, COUNT(other_forms));
    tcase_add_loop_test(cases, what_is_refused, 0, COUNT(refused));
    tcase_add_test(cases, the_longest_settings_fit);
    tcase_add_loop_test(cases, quiet_hours_and_digests, 0, COUNT(times));
    tcase_add_test(cases, back_off);
    tcase_add_test(cases, every_event_has_its_text);
    tcase_add_test(cases, a_digest_lists_each_event_once);
    tcase_add_test(cases, a_proof_leads_from_its_leaf_only);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
