/* SPDX-License-Identifier: Apache-2.0 */
/* sealring usage --lagging: who still calls with a version that ends, as a table, JSON or CSV. */
#include "tools/sealring/keys/show_lagging.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sealring/lagging.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"

#define SHARES_SIZE 160

static const struct table_column columns[] = {{"KEY ID", 0}, {"RING", 0},  {"CLIENT", 0},   {"LABEL", 0},
                                              {"CALLS", 1},  {"SHARE", 0}, {"NEWEST", 0},   {"RENEWED", 0},
                                              {"ERRORS", 0}, {"ENDS", 0},  {"LAST USE", 0}, {NULL, 0}};

static double share(const sealring_lagging_info *info, uint64_t calls)
{
    return info->calls == 0 ? 0 : (double)calls / (double)info->calls;
}

/* "75 % version 1, 25 % version 2"; what does not fit is left out. */
static void write_shares(const sealring_lagging_info *info, char text[SHARES_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < info->share_count && used < SHARES_SIZE; i++) {
        const sealring_version_share *one = &info->shares[i];
        int length = snprintf(text + used, SHARES_SIZE - used, "%s%.0f %% version %" PRIu32, used > 0 ? ", " : "",
                              100 * share(info, one->calls), one->version);
        used += length > 0 ? (size_t)length : 0;
    }
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static json_t *json_of_share(const sealring_lagging_info *info, const sealring_version_share *one)
{
    return json_pack("{s:I, s:s, s:o, s:I, s:f}", "version", (json_int_t)one->version, "state",
                     sealring_version_state_name(one->state), "ends", jsontext_time(one->ends), "calls",
                     (json_int_t)one->calls, "share", share(info, one->calls));
}

static json_t *json_of(const sealring_lagging_info *info)
{
    json_t *versions = json_array();
    for (size_t i = 0; i < info->share_count; i++)
        json_array_append_new(versions, json_of_share(info, &info->shares[i]));
    json_t *errors = json_array();
    for (size_t i = 0; i < info->error_count; i++)
        json_array_append_new(
            errors, json_pack("{s:s, s:I, s:o}", "error", sealring_renewal_result_name(info->errors[i].result), "count",
                              (json_int_t)info->errors[i].count, "latest", jsontext_time(info->errors[i].latest)));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:I, s:I, s:b, s:o}, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "key_id",
                     info->key_id, "ring", info->ring, "client", info->client, "label", info->label, "state",
                     sealring_key_state_name(info->state), "newest", "serial", (json_int_t)info->serial, "version",
                     (json_int_t)info->version, "used", info->newest_used, "renewed", jsontext_time(info->renewed),
                     "renewal_errors", errors, "calls", (json_int_t)info->calls, "behind", (json_int_t)info->behind,
                     "versions", versions, "ends", jsontext_time(info->ends), "last_use", jsontext_time(info->last_use),
                     "last_version",
                     info->last_version != 0 ? json_integer((json_int_t)info->last_version) : json_null());
}

/* ---- The table ------------------------------------------------------------------------------------------------------ */

static void add_last_use(struct table *table, const sealring_lagging_info *info)
{
    if (info->last_use == 0)
        table_add(table, TONE_WARN, "never called");
    else if (info->last_version == 0)
        table_add(table, TONE_PLAIN, "%s", moment_relative(info->last_use, table->now).text);
    else
        table_add(table, TONE_PLAIN, "%s, version %" PRIu32, moment_relative(info->last_use, table->now).text,
                  info->last_version);
}

static uint64_t error_sum(const sealring_lagging_info *info)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < info->error_count; i++)
        sum += info->errors[i].count;
    return sum;
}

/* "3, contested 2h ago": all of them, and the latest. */
static void add_errors(struct table *table, const sealring_lagging_info *info)
{
    if (info->error_count == 0)
        table_add(table, TONE_PLAIN, "%s", "");
    else
        table_add(table, TONE_WARN, "%" PRIu64 ", %s %s", error_sum(info),
                  sealring_renewal_result_name(info->errors[0].result),
                  moment_relative(info->errors[0].latest, table->now).text);
}

static int show_one(const sealring_lagging_info *info, void *context)
{
    struct shown_rows *rows = context;
    struct table *table = &rows->table;
    char shares[SHARES_SIZE];
    if (rows->array != NULL)
        return json_array_append_new(rows->array, json_of(info));
    write_shares(info, shares);
    table_add(table, TONE_BOLD, "%s", info->key_id);
    table_add(table, TONE_PLAIN, "%s", info->ring);
    table_add(table, TONE_PLAIN, "%s", info->client);
    table_add(table, TONE_PLAIN, "%s", info->label);
    table_add_number(table, info->calls);
    table_add(table, info->behind > 0 ? TONE_WARN : TONE_DIM, "%s", shares);
    table_add(table, info->newest_used ? TONE_PLAIN : TONE_WARN, "version %" PRIu32 "%s", info->version,
              info->newest_used ? "" : ", never used");
    table_add(table, info->renewed != 0 ? TONE_PLAIN : TONE_DIM, "%s",
              info->renewed != 0 ? moment_relative(info->renewed, table->now).text : "no");
    add_errors(table, info);
    table_add(table, info->ends != 0 && info->ends <= table->now ? TONE_BAD : TONE_PLAIN, "%s",
              info->ends != 0 ? moment_relative(info->ends, table->now).text : "");
    add_last_use(table, info);
    return 0;
}

/* ---- CSV: line by line ---------------------------------------------------------------------------------------------- */

struct csv_text {
    char text[SEALRING_TIME_SIZE];
};

static struct csv_text csv_time(int64_t time)
{
    struct csv_text written = {""};
    if (time != 0)
        sealring_time_format(time, written.text);
    return written;
}

static struct csv_text csv_version(uint32_t version)
{
    struct csv_text written = {""};
    if (version != 0)
        snprintf(written.text, sizeof written.text, "%" PRIu32, version);
    return written;
}

static struct csv_text csv_share(double part)
{
    struct csv_text written;
    snprintf(written.text, sizeof written.text, "%.3f", part);
    return written;
}

/* A spreadsheet has no lists: a line for each version; one for a key that did not call. Names need no quotes. */
static int print_csv(const sealring_lagging_info *info, void *context)
{
    static const sealring_version_share none;
    const struct session *session = context;
    for (size_t i = 0; i < info->share_count || i == 0; i++) {
        const sealring_version_share *one = info->share_count > 0 ? &info->shares[i] : &none;
        terminal_print(
            &session->out, "%s,%s,%s,%s,%s,%" PRIu32 ",%s,%s,%s,%" PRIu64 ",%s,%s,%s,%s,%s,%" PRIu64 ",%s,%s\n",
            info->key_id, info->ring, info->client, info->label, sealring_key_state_name(info->state), info->version,
            info->newest_used ? "yes" : "no", csv_version(one->version).text,
            one->version != 0 ? sealring_version_state_name(one->state) : "", one->calls,
            csv_share(share(info, one->calls)).text, csv_time(info->ends).text, csv_time(info->last_use).text,
            csv_version(info->last_version).text, csv_time(info->renewed).text, error_sum(info),
            info->error_count > 0 ? sealring_renewal_result_name(info->errors[0].result) : "",
            csv_time(info->error_count > 0 ? info->errors[0].latest : 0).text);
    }
    return ferror(stdout);
}

int lagging_show(struct session *session)
{
    const struct options *given = &session->options;
    const sealring_usage_filter filter = {.ring = given->arguments[0],
                                          .client = option_text(given, "client"),
                                          .key_id = option_text(given, "key"),
                                          .since = option_number(given, "since")};
    struct shown_rows rows;
    if (option_given(given, "csv")) {
        terminal_print(
            &session->out,
            "key_id,ring,client,label,state,newest_version,newest_used,version,version_state,calls,share,ends,last_"
            "use,last_version,renewed,renewal_errors,last_error,last_error_time\n");
        sealring_status status = sealring_lagging(session->manager, &filter, print_csv, session, &session->error);
        return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
    }
    listing_start(&rows, session, columns);
    if (session->json)
        rows.object = json_pack("{s:o}", "as_of", jsontext_time(session->now));
    sealring_status status = sealring_lagging(session->manager, &filter, show_one, &rows, &session->error);
    return listing_finish(&rows, status, NULL, "lagging", "no API key lags behind the active version");
}
