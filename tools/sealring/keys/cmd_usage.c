/* SPDX-License-Identifier: Apache-2.0 */
/* sealring usage: who calls, how often, with which version, and who never did. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/keys/show_lagging.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/views/listing.h"

#define HOUR         INT64_C(3600000)
#define DAY          (24 * HOUR)
#define WEEK         (7 * DAY)
#define COLUMNS_MOST 10
#define LOCK_MS      1 /* if somebody is at work, the figures come from the files */

/* One credential, its texts copied. */
struct usage_line {
    sealring_usage_info info;
    char *texts[4];
    uint64_t hour, day, week; /* calls */
};

struct usage {
    struct session *session;
    sealring_usage_filter filter;
    struct usage_line *lines; /* by key: owned */
    size_t count;
    size_t at; /* where the present key begins */
    struct shown_rows rows;
    struct table_column columns[COLUMNS_MOST + 1];
};

static uint64_t rejected(const sealring_usage_info *info)
{
    uint64_t sum = moment_sum(info->not_yet_valid, info->expired);
    return moment_sum(moment_sum(sum, info->suspended), moment_sum(info->scope, info->closed));
}

/* "3 scope, 1 expired". */
static void reasons(const sealring_usage_info *info, char text[160])
{
    const struct {
        uint64_t count;
        const char *name;
    } kinds[] = {
        {info->scope, "scope"},         {info->expired, "expired"}, {info->not_yet_valid, "not yet valid"},
        {info->suspended, "suspended"}, {info->closed, "closed"},
    };
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].count == 0)
            continue;
        int length = snprintf(text + used, 160 - used, "%s%.24s %s", used > 0 ? ", " : "",
                              moment_number(kinds[i].count).text, kinds[i].name);
        used += length > 0 && (size_t)length < 160 - used ? (size_t)length : 0;
    }
}

static json_t *json_of(const sealring_usage_info *info)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:o, s:I, s:{s:I, s:I, s:I, s:I, s:I}, s:o}",
                     "key_id", info->key_id, "ring", info->ring, "client", info->client, "label", info->label, "state",
                     sealring_key_state_name(info->state), "serial", (json_int_t)info->serial, "version",
                     (json_int_t)info->version, "newest", info->newest, "from", jsontext_time(info->from), "to",
                     jsontext_time(info->from + info->span), "accepted", (json_int_t)info->accepted, "rejected",
                     "not_yet_valid", (json_int_t)info->not_yet_valid, "expired", (json_int_t)info->expired,
                     "suspended", (json_int_t)info->suspended, "scope", (json_int_t)info->scope, "closed",
                     (json_int_t)info->closed, "last_use", jsontext_time(info->last_use));
}

/* ---- By key --------------------------------------------------------------------------------------------------------- */

static int take_line(const sealring_usage_info *info, void *context)
{
    struct usage *usage = context;
    usage->lines = memory_room(usage->lines, usage->count, sizeof *usage->lines);
    struct usage_line *line = &usage->lines[usage->count++];
    *line = (struct usage_line){.info = *info,
                                .texts = {memory_copy(info->key_id), memory_copy(info->ring), memory_copy(info->client),
                                          memory_copy(info->label)}};
    line->info.key_id = line->texts[0];
    line->info.ring = line->texts[1];
    line->info.client = line->texts[2];
    line->info.label = line->texts[3];
    return 0;
}

/* Both lists have the keys in one order. */
static int add_recent(const sealring_usage_info *info, void *context)
{
    struct usage *usage = context;
    int64_t now = usage->session->now;
    uint64_t calls = moment_sum(info->accepted, rejected(info));
    int64_t end = info->from + info->span;
    size_t at = usage->at;
    while (at < usage->count && strcmp(usage->lines[at].info.key_id, info->key_id) != 0)
        at++;
    if (at == usage->count)
        return 0; /* made between the two lists */
    usage->at = at;
    for (; at < usage->count && strcmp(usage->lines[at].info.key_id, info->key_id) == 0; at++) {
        struct usage_line *line = &usage->lines[at];
        if (line->info.serial != info->serial)
            continue;
        line->hour = moment_sum(line->hour, end > now ? calls : 0);
        line->day = moment_sum(line->day, end > now - DAY && info->span == HOUR ? calls : 0);
        line->week = moment_sum(line->week, calls);
    }
    return 0;
}

static void add_number(struct table *table, uint64_t number)
{
    table_add(table, number == 0 ? TONE_DIM : TONE_PLAIN, "%s", number == 0 ? "0" : moment_number(number).text);
}

static void add_last_use(struct usage *usage, const struct usage_line *line)
{
    int64_t now = usage->session->now;
    int64_t last = line->info.last_use;
    if (last > now && last <= now + 1000) /* rounded up to the second */
        last = now;
    if (last != 0)
        table_add(&usage->rows.table, TONE_PLAIN, "%s", moment_relative(last, now).text);
    else if (line->info.key_used == 0)
        table_add(&usage->rows.table, TONE_WARN, "never called");
    else
        table_add(&usage->rows.table, TONE_DIM, "not this credential");
}

static void add_credential(struct usage *usage, const sealring_usage_info *info)
{
    table_add(&usage->rows.table, TONE_PLAIN, "%s", info->key_id);
    if (usage->filter.ring == NULL)
        table_add(&usage->rows.table, TONE_PLAIN, "%s", info->ring);
    table_add(&usage->rows.table, TONE_PLAIN, "%s", info->client);
    table_add(&usage->rows.table, TONE_PLAIN, "%s", info->label);
    table_add(&usage->rows.table, TONE_PLAIN, "%" PRIu32, info->version);
}

static void print_line(struct usage *usage, const struct usage_line *line)
{
    char text[160];
    if (usage->rows.array != NULL) {
        json_t *object = json_of(&line->info);
        json_object_set_new(object, "this_hour", json_integer((json_int_t)line->hour));
        json_object_set_new(object, "last_24h", json_integer((json_int_t)line->day));
        json_object_set_new(object, "last_7d", json_integer((json_int_t)line->week));
        json_object_set_new(object, "idle", json_boolean(line->info.key_used == 0));
        json_array_append_new(usage->rows.array, object);
        return;
    }
    reasons(&line->info, text);
    add_credential(usage, &line->info);
    add_number(&usage->rows.table, line->hour);
    add_number(&usage->rows.table, line->day);
    add_number(&usage->rows.table, line->week);
    table_add(&usage->rows.table, text[0] != '\0' ? TONE_WARN : TONE_DIM, "%s", text);
    add_last_use(usage, line);
}

static sealring_status list_keys(struct usage *usage)
{
    struct session *session = usage->session;
    sealring_usage_filter recent = usage->filter;
    int64_t week = session->now - WEEK;
    recent.by = SEALRING_USAGE_HOUR;
    recent.since = usage->filter.since > week ? usage->filter.since : week;
    sealring_status status = sealring_usage_list(session->manager, &usage->filter, take_line, usage, &session->error);
    if (status == SEALRING_OK)
        status = sealring_usage_list(session->manager, &recent, add_recent, usage, &session->error);
    for (size_t i = 0; i < usage->count && status == SEALRING_OK; i++)
        print_line(usage, &usage->lines[i]);
    for (size_t i = 0; i < usage->count; i++)
        for (size_t text = 0; text < sizeof usage->lines->texts / sizeof *usage->lines->texts; text++)
            free(usage->lines[i].texts[text]);
    free(usage->lines);
    return status;
}

/* ---- By hour and day ------------------------------------------------------------------------------------------------ */

static int print_period(const sealring_usage_info *info, void *context)
{
    struct usage *usage = context;
    char text[160];
    if (usage->rows.array != NULL)
        return json_array_append_new(usage->rows.array, json_of(info));
    struct moment from = moment_absolute(info->from);
    from.text[info->span == HOUR ? sizeof "2026-11-28T20" - 1 : sizeof "2026-11-28" - 1] = '\0';
    table_add(&usage->rows.table, TONE_PLAIN, info->span == HOUR ? "%sh" : "%s", from.text);
    add_credential(usage, info);
    add_number(&usage->rows.table, info->accepted);
    reasons(info, text);
    table_add(&usage->rows.table, text[0] != '\0' ? TONE_WARN : TONE_DIM, "%s", text);
    return 0;
}

static void start_table(struct usage *usage)
{
    static const struct table_column keys[] = {{"KEY ID", 0},   {"RING", 0},      {"CLIENT", 0}, {"LABEL", 0},
                                               {"VERSION", 0},  {"THIS HOUR", 1}, {"24H", 1},    {"7D", 1},
                                               {"REJECTED", 0}, {"LAST USE", 0},  {NULL, 0}};
    static const struct table_column periods[] = {{"FROM (UTC)", 0}, {"KEY ID", 0},   {"RING", 0},
                                                  {"CLIENT", 0},     {"LABEL", 0},    {"VERSION", 0},
                                                  {"ACCEPTED", 1},   {"REJECTED", 0}, {NULL, 0}};
    const struct table_column *from = usage->filter.by == SEALRING_USAGE_TOTAL ? keys : periods;
    struct table_column *to = usage->columns;
    for (; from->title != NULL; from++)
        if (usage->filter.ring == NULL || strcmp(from->title, "RING") != 0)
            *to++ = *from;
    listing_start(&usage->rows, usage->session, usage->columns);
    if (usage->session->json)
        usage->rows.object = json_pack("{s:o}", "as_of", jsontext_time(usage->session->now));
}

/* ---- The command ---------------------------------------------------------------------------------------------------- */

static bool read_by(const struct options *given, sealring_usage_by *by)
{
    static const struct {
        const char *word;
        sealring_usage_by by;
    } words[] = {{"key", SEALRING_USAGE_TOTAL}, {"hour", SEALRING_USAGE_HOUR}, {"day", SEALRING_USAGE_DAY}};
    const char *text = option_given(given, "by") ? option_text(given, "by") : "key";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].word) == 0) {
            *by = words[i].by;
            return true;
        }
    return false;
}

static int check(struct session *session)
{
    const struct options *given = &session->options;
    sealring_usage_by by = SEALRING_USAGE_TOTAL;
    if (option_given(given, "lagging") && option_given(given, "by"))
        return session_refuse(session, STATUS_USAGE, "--lagging lists API keys: it takes no --by");
    if (option_given(given, "csv") && (session->json || !option_given(given, "lagging")))
        return session_refuse(session, STATUS_USAGE, "--csv is another form of --lagging than --json");
    return read_by(given, &by) ? STATUS_DONE : session_refuse(session, STATUS_USAGE, "--by wants key, hour or day");
}

/* If it can be done at once. If not, the figures are the same: what is not harvested is read from the files. */
static void harvest(struct session *session)
{
    const sealring_manage_options options = {.size = sizeof options, .lock_wait = LOCK_MS};
    sealring_harvest_result result = {.size = sizeof result};
    sealring_manager *manager = NULL;
    if (sealring_manager_open(session->vault, &options, &manager, NULL) == SEALRING_OK &&
        sealring_harvest(manager, &result, NULL) == SEALRING_OK) {
        if (result.skipped > 0)
            session_warn(session, "%" PRIu32 " file%s among the verifiers' reports %s skipped: %s", result.skipped,
                         result.skipped == 1 ? "" : "s", result.skipped == 1 ? "was" : "were", result.remark);
        if (result.without_detail > 0)
            session_warn(session,
                         "%" PRIu64 " uses are not among these: a verifier's report was full; run harvests more often",
                         result.without_detail);
    }
    sealring_manager_close(&manager);
}

static int run(struct session *session)
{
    const struct options *given = &session->options;
    struct usage usage = {
        .session = session,
        .filter = {.ring = given->arguments[0],
                   .client = option_text(given, "client"),
                   .key_id = option_text(given, "key"),
                   .since = option_number(given, "since")},
    };
    (void)read_by(given, &usage.filter.by);
    harvest(session);
    if (option_given(given, "lagging"))
        return lagging_show(session);
    start_table(&usage);
    sealring_status status =
        usage.filter.by == SEALRING_USAGE_TOTAL
            ? list_keys(&usage)
            : sealring_usage_list(session->manager, &usage.filter, print_period, &usage, &session->error);
    return listing_finish(&usage.rows, status, NULL, "usage",
                          usage.filter.by == SEALRING_USAGE_TOTAL ? "no API keys of that kind"
                                                                  : "no uses in that time");
}

const struct command command_usage = {
    .words = "usage",
    .purpose = "show who calls, how often, and with which version",
    .arguments = {{"RING", "only API keys of this ring", ARGUMENT_TEXT, 1}},
    .options = {{"client", "NAME", "only those of this client", OPTION_TEXT},
                {"key", "KEYID", "only this API key", OPTION_KEY_ID},
                {"since", "TIME", "count from this time on: a duration before now (24h, 30d), or an RFC 3339 time",
                 OPTION_PAST},
                {"by", "WHAT", "key (the default), hour or day", OPTION_TEXT},
                {"lagging", NULL, "only API keys that lag behind the active version, the most urgent first",
                 OPTION_FLAG},
                {"csv", NULL, "with --lagging: as CSV, a line for each API key and version", OPTION_FLAG}},
    .notes =
        "Each line is one credential: an API key whose client is changing to another version has two lines. \"this "
        "hour\" counts from the beginning of the hour, \"24h\" and \"7d\" count whole hours; rejections and last use "
        "are counted from --since. API keys that never called are listed, too.\n"
        "\n"
        "The result includes what running verifiers have counted until now. Hours are stored for 7 days, days for "
        "400, unless the ring's policy has other values.\n"
        "\n"
        "--lagging shows who is rejected when a version ends: API keys that called with another version than the active one "
        "(in the last 24 hours, or since --since), whose newest credential is not of the active version, or that "
        "never used it. Those whose version ends first come first.",
    .examples = {"sealring usage payments", "sealring usage --client acme --by day",
                 "sealring usage payments --by hour --since 24h --json", "sealring usage payments --lagging"},
    .check = check,
    .run = run,
};
