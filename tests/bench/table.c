/* SPDX-License-Identifier: Apache-2.0 */
/* The table that is published: what is measured, what is aimed at, and how it is shown to people and machines. */
#include "bench/table.h"

#include <stdarg.h>
#include <string.h>

#include <jansson.h>

#include "bench/machine.h"

/* All rows and their aims. What each word means stands in docs/benchmarks.md. */
struct row table[ROWS] = {
    [ROW_FLOOR] = {.name = "floor",
                   .words = "the floor: SHA-256 of a credential's text (EVP, context reused)",
                   .unit = "ns"},
    [ROW_CACHED] = {.name = "cached",
                    .words = "cached verify, 1 thread, no grant asked for",
                    .unit = "ns",
                    .measure = "x the floor",
                    .kind = AIM_AT_MOST,
                    .aim = 2},
    [ROW_CACHED_GRANT] = {.name = "cached_grant",
                          .words = "cached verify, 1 thread, with a grant",
                          .unit = "ns",
                          .measure = "x the floor",
                          .kind = AIM_AT_MOST,
                          .aim = 1.8},
    [ROW_CACHED_MANY] = {.name = "cached_many",
                         .words = "cached verify, 1 thread, a different one of many each time",
                         .unit = "ns",
                         .measure = "x the floor"},
    [ROW_CACHED_BOUND] = {.name = "cached_bound",
                          .words = "cached verify, 1 thread, API keys bound to networks",
                          .unit = "ns",
                          .measure = "x not bound"},
    [ROW_TWO_SAME] = {.name = "two_same",
                      .words = "cached verify, 2 threads, the same key",
                      .unit = "per second",
                      .measure = "x one thread",
                      .kind = AIM_AT_LEAST,
                      .aim = 1.6},
    [ROW_TWO_DIFFERENT] = {.name = "two_different",
                           .words = "cached verify, 2 threads, different keys",
                           .unit = "per second",
                           .measure = "x one thread",
                           .kind = AIM_AT_LEAST,
                           .aim = 1.9},
    [ROW_TWO_FLOOR] = {.name = "two_floor",
                       .words = "the floor on 2 threads (what the machine gives)",
                       .unit = "per second",
                       .measure = "x one thread"},
    [ROW_JWT] = {.name = "jwt",
                 .words = "instead: libjwt, HS256 decode",
                 .unit = "ns",
                 .measure = "x cached verify",
                 .kind = AIM_AT_LEAST,
                 .aim = 15},
    [ROW_SQLITE] = {.name = "sqlite",
                    .words = "instead: SHA-256 + SQLite lookup",
                    .unit = "ns",
                    .measure = "x cached verify",
                    .kind = AIM_AT_LEAST,
                    .aim = 15},
    [ROW_REDIS] = {.name = "redis",
                   .words = "instead: SHA-256 + Redis GET, Unix socket",
                   .unit = "ns",
                   .measure = "x cached verify",
                   .kind = AIM_AT_LEAST,
                   .aim = 150},
    [ROW_BARE] = {.name = "bare",
                  .words = "the token alone: C_SignInit + C_Sign of a credential's claims",
                  .unit = "per second"},
    [ROW_FIRST_SIGHT] = {.name = "first_sight",
                         .words = "verify on a cache miss",
                         .unit = "per second",
                         .measure = "x the token alone",
                         .kind = AIM_AT_LEAST,
                         .aim = 0.6},
    [ROW_FIRST_SIGHT_SOME] = {.name = "first_sight_some",
                              .words = "the same with 20,000 keys in the registry",
                              .unit = "per second",
                              .measure = "x the token alone",
                              .kind = AIM_AT_LEAST,
                              .aim = 0.8},
    [ROW_MALFORMED] = {.name = "malformed",
                       .words = "malformed text (the slowest kind)",
                       .unit = "ns",
                       .measure = "x the floor",
                       .kind = AIM_AT_MOST,
                       .aim = 1},
    [ROW_CRAFTED] = {.name = "crafted",
                     .words = "malformed, but with right check digits and a known key ID",
                     .unit = "ns",
                     .measure = "x the floor"},
    [ROW_UNKNOWN] = {.name = "unknown",
                     .words = "unknown key ID, a new one each time",
                     .unit = "ns",
                     .measure = "x the floor",
                     .kind = AIM_AT_MOST,
                     .aim = 4},
    [ROW_WRONG_SECRET] = {.name = "wrong_secret",
                          .words = "right key ID, wrong secret, a new one each time",
                          .unit = "ns",
                          .measure = "x the floor",
                          .kind = AIM_AT_MOST,
                          .aim = 40},
    [ROW_STRANGERS_TOKEN] = {.name = "strangers_token",
                             .words = "token operations that these three caused",
                             .unit = "operations",
                             .measure = "operations",
                             .kind = AIM_AT_MOST,
                             .aim = 0},
    [ROW_TAIL_REST] = {.name = "tail_rest", .words = "p99.9 of cached verify, at rest", .unit = "ns"},
    [ROW_TAIL_CHURN] = {.name = "tail_churn",
                        .words = "p99.9 while another process rotates, revokes, issues",
                        .unit = "ns",
                        .measure = "x at rest",
                        .kind = AIM_AT_MOST,
                        .aim = 3},
    [ROW_OPEN] = {.name = "open",
                  .words = "open a large registry",
                  .unit = "ms",
                  .measure = "x with 10 keys",
                  .kind = AIM_AT_MOST,
                  .aim = 1.5},
    [ROW_OPEN_CLOSED] = {.name = "open_closed",
                         .words = "open it until the first verdict, with a tenth more keys, all revoked",
                         .unit = "ms",
                         .measure = "x with 10 keys",
                         .kind = AIM_AT_MOST,
                         .aim = 3},
    [ROW_ACT] = {.name = "act",
                 .words = "an act by a command of its own, with these facts",
                 .unit = "ms",
                 .measure = "ms more than with 10 keys",
                 .kind = AIM_AT_MOST,
                 .aim = 60},
    [ROW_ROTATE] = {.name = "rotate",
                    .words = "rotate in a large registry",
                    .unit = "ms",
                    .measure = "x with 10 keys",
                    .kind = AIM_AT_MOST,
                    .aim = 1.5},
    [ROW_ISSUE_GROWING] = {.name = "issue_growing",
                           .words = "issue in bulk, while the registry grows large",
                           .unit = "per second",
                           .measure = "x two token operations",
                           .kind = AIM_AT_LEAST,
                           .aim = 0.6},
    [ROW_ISSUE_MANY] = {.name = "issue_many",
                        .words = "issue in bulk into a large registry",
                        .unit = "per second",
                        .measure = "x two token operations",
                        .kind = AIM_AT_LEAST,
                        .aim = 0.6},
    [ROW_ISSUE_BYTES] = {.name = "issue_bytes",
                         .words = "bytes per key issued (registry with log)",
                         .unit = "bytes",
                         .measure = "bytes",
                         .kind = AIM_AT_MOST,
                         .aim = 500},
    [ROW_MEMORY] = {.name = "memory",
                    .words = "memory for each cached credential",
                    .unit = "bytes",
                    .measure = "bytes",
                    .kind = AIM_AT_MOST,
                    .aim = 320},
    [ROW_MEMORY_RESIDENT] = {.name = "memory_resident",
                             .words = "the same by the growth of the process",
                             .unit = "bytes"},
    [ROW_REVOCATION] = {.name = "revocation",
                        .words = "a revocation seen by all of 4 other processes, p99",
                        .unit = "ms",
                        .measure = "ms",
                        .kind = AIM_AT_MOST,
                        .aim = 5,
                        .percentile = true},
    [ROW_EFFECTIVE] = {.name = "effective",
                       .words = "a revocation effective beside 4 idle verifiers, beyond the act, p99",
                       .unit = "ms",
                       .measure = "ms",
                       .kind = AIM_AT_MOST,
                       .aim = 15,
                       .percentile = true},
    [ROW_IDLE_CPU] = {.name = "idle_cpu",
                      .words = "an idle verifier",
                      .unit = "% of a processor",
                      .measure = "%",
                      .kind = AIM_AT_MOST,
                      .aim = 0.03},
    [ROW_IDLE_WAKES] = {.name = "idle_wakes",
                        .words = "an idle verifier wakes",
                        .unit = "per second",
                        .measure = "per second",
                        .kind = AIM_AT_MOST,
                        .aim = 3},
    [ROW_RENEW_1] = {.name = "renew_1",
                     .words = "renew credentials, one in each act",
                     .unit = "per second",
                     .measure = "x acts that write one row"},
    [ROW_RENEW_16] = {.name = "renew_16",
                      .words = "the same, 16 in each act",
                      .unit = "per second",
                      .measure = "x acts that write one row"},
    [ROW_RENEW_64] = {.name = "renew_64",
                      .words = "the same, 64 in each act",
                      .unit = "per second",
                      .measure = "x acts that write one row"},
    [ROW_RENEWING] = {.name = "renewing",
                      .words = "cached verify while 10,000 an hour renew, median",
                      .unit = "ns",
                      .measure = "x at rest",
                      .kind = AIM_AT_MOST,
                      .aim = 1.02},
    [ROW_RENEWING_P99] = {.name = "renewing_p99",
                          .words = "the same, p99",
                          .unit = "ns",
                          .measure = "x at rest",
                          .kind = AIM_AT_MOST,
                          .aim = 1.05},
    [ROW_RENEWING_TENFOLD] = {.name = "renewing_tenfold",
                              .words = "while 100,000 an hour renew, median",
                              .unit = "ns",
                              .measure = "x at rest"},
    [ROW_RENEWING_TENFOLD_P99] = {.name = "renewing_tenfold_p99",
                                  .words = "the same, p99",
                                  .unit = "ns",
                                  .measure = "x at rest"},
    [ROW_REVOKE_HARVEST] = {.name = "revoke_harvest",
                            .words = "revoke, while another process harvests without a pause, p99",
                            .unit = "ms",
                            .measure = "x with nobody at work",
                            .percentile = true},
    [ROW_LOCK_COMMIT] = {.name = "lock_commit", .words = "vault.lock is held meanwhile", .unit = "% of the time"},
    [ROW_LOCK_WORK] = {.name = "lock_work", .words = "vault.work is held meanwhile", .unit = "% of the time"},
    [ROW_CLIENT_TEXT] = {.name = "client_text",
                         .words = "a client's credential from libsealring-client",
                         .unit = "ns",
                         .measure = "ns more than getenv",
                         .kind = AIM_AT_MOST,
                         .aim = 100},
    [ROW_WEBHOOK_SIGNING] = {.name = "webhook_signing",
                             .words = "webhooks signed on one core, 400 bytes each",
                             .unit = "per second",
                             .measure = "x bare HMAC of OpenSSL",
                             .kind = AIM_AT_LEAST,
                             .aim = 0.7},
};

void table_add(enum row_name name, double value, double compared)
{
    series_add(&table[name].value, value);
    if (table[name].measure != NULL)
        series_add(&table[name].compared, compared);
}

void table_note(enum row_name name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(table[name].note, sizeof(table[name].note), format, arguments);
    va_end(arguments);
}

/* ---- What is told of a row ---- */

static double told(const struct row *row, const struct series *series)
{
    return row->percentile ? series_percentile(series, 0.99) : series_summarise(series).median;
}

static bool is_met(const struct row *row)
{
    double compared = told(row, &row->compared);
    return row->kind == AIM_AT_MOST ? compared <= row->aim : compared >= row->aim;
}

/* "1,234" or "12.3": three digits at least. */
static void write_number(double number, char text[32])
{
    if (number < 100) {
        snprintf(text, 32, number == 0 ? "%.0f" : number < 10 ? "%.2f" : "%.1f", number);
        return;
    }
    char digits[32];
    int length = snprintf(digits, sizeof(digits), "%.0f", number), written = 0;
    for (int i = 0; i < length && written < 30; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[written++] = ',';
        text[written++] = digits[i];
    }
    text[written] = '\0';
}

/* Cells that text and Markdown share. */
struct cells {
    char value[64];
    char compared[64];
    char aim[64];
    const char *met;
};

static void fill_cells(const struct row *row, struct cells *cells)
{
    char number[32];
    memset(cells, 0, sizeof(*cells));
    cells->met = "";
    if (row->kind != AIM_NONE) {
        write_number(row->aim, number);
        snprintf(cells->aim, sizeof(cells->aim), "%s %s", row->kind == AIM_AT_LEAST ? "at least" : "at most", number);
    }
    if (row->value.count == 0) {
        snprintf(cells->value, sizeof(cells->value), "not measured");
        return;
    }
    write_number(told(row, &row->value), number);
    snprintf(cells->value, sizeof(cells->value), "%s %s", number, row->unit);
    if (row->measure == NULL)
        return;
    if (strcmp(row->measure, row->unit) != 0) {
        write_number(told(row, &row->compared), number);
        snprintf(cells->compared, sizeof(cells->compared), "%s %s", number, row->measure);
    }
    if (row->kind != AIM_NONE)
        cells->met = is_met(row) ? "met" : "NOT MET";
}

static const char *remark(const struct row *row)
{
    return row->value.count == 0 && row->missing != NULL ? row->missing : row->note;
}

void table_print_text(FILE *out, const struct table_circumstances *circumstances)
{
    struct machine_fact facts[MACHINE_FACTS];
    char keys[32];
    size_t count = machine_describe(facts);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s %s", i == 0 ? "" : ", ", facts[i].name, facts[i].value[0] != '\0' ? facts[i].value : "?");
    write_number((double)circumstances->keys, keys);
    fprintf(out, "\n%s, load %s; large registry: %s keys; medians of %zu rounds\n", circumstances->when,
            circumstances->load, keys, circumstances->rounds);
    if (circumstances->quick)
        fputs("QUICK: a short run with a smaller registry; its numbers are rough and not to be published\n", out);
    fprintf(out, "\n%-64s %18s %24s %14s\n", "", "measured", "which is", "aim");
    for (size_t i = 0; i < ROWS; i++) {
        struct cells cells;
        fill_cells(&table[i], &cells);
        fprintf(out, "%-64s %18s %24s %14s %s\n", table[i].words, cells.value, cells.compared, cells.aim, cells.met);
        if (remark(&table[i])[0] != '\0')
            fprintf(out, "    %s\n", remark(&table[i]));
    }
}

void table_print_markdown(FILE *out, const struct table_circumstances *circumstances)
{
    struct machine_fact facts[MACHINE_FACTS];
    char keys[32];
    size_t count = machine_describe(facts);
    write_number((double)circumstances->keys, keys);
    fprintf(out,
            "Measured %s, load of the machine %s as it began; large registry: %s keys; medians of %zu rounds.%s\n\n",
            circumstances->when, circumstances->load, keys, circumstances->rounds,
            circumstances->quick ? " **A quick run: rough numbers.**" : "");
    fputs("| | measured | which is | aim | |\n| --- | ---: | ---: | ---: | --- |\n", out);
    for (size_t i = 0; i < ROWS; i++) {
        struct cells cells;
        fill_cells(&table[i], &cells);
        fprintf(out, "| %s | %s | %s | %s | %s |\n", table[i].words, cells.value, cells.compared, cells.aim, cells.met);
    }
    fputs("\nNotes of the run:\n\n", out);
    for (size_t i = 0; i < ROWS; i++)
        if (remark(&table[i])[0] != '\0')
            fprintf(out, "- %s: %s\n", table[i].words, remark(&table[i]));
    fputs("\nMachine and versions:", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s %s %s", i == 0 ? "" : ",", facts[i].name, facts[i].value[0] != '\0' ? facts[i].value : "?");
    fputs(".\n", out);
}

/* ---- JSON ---- */

static json_t *summary_to_json(const struct row *row, const struct series *series)
{
    struct summary summary = series_summarise(series);
    return json_pack("{s:f, s:f, s:f, s:f}", "told", told(row, series), "median", summary.median, "lowest",
                     summary.lowest, "highest", summary.highest);
}

static json_t *row_to_json(const struct row *row)
{
    static const char *const kinds[] = {[AIM_NONE] = "none", [AIM_AT_MOST] = "at most", [AIM_AT_LEAST] = "at least"};
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:f, s:i}", "name", row->name, "words", row->words, "unit", row->unit,
                  "aim_kind", kinds[row->kind], "aim", row->aim, "rounds", (int)row->value.count);
    bool measured = row->value.count > 0;
    json_object_set_new(object, "value", measured ? summary_to_json(row, &row->value) : json_null());
    if (row->measure != NULL) {
        json_object_set_new(object, "measure", json_string(row->measure));
        json_object_set_new(object, "compared", measured ? summary_to_json(row, &row->compared) : json_null());
    }
    json_object_set_new(object, "met", measured && row->kind != AIM_NONE ? json_boolean(is_met(row)) : json_null());
    json_object_set_new(object, "note", json_string(remark(row)));
    return object;
}

bool table_write_json(const char *path, const struct table_circumstances *circumstances)
{
    struct machine_fact facts[MACHINE_FACTS];
    size_t count = machine_describe(facts);
    json_t *machine = json_object(), *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(machine, facts[i].name, json_string(facts[i].value));
    for (size_t i = 0; i < ROWS; i++)
        json_array_append_new(rows, row_to_json(&table[i]));
    json_t *all = json_pack("{s:b, s:s, s:s, s:I, s:I, s:o, s:o}", "quick", circumstances->quick, "when",
                            circumstances->when, "load", circumstances->load, "keys", (json_int_t)circumstances->keys,
                            "rounds", (json_int_t)circumstances->rounds, "machine", machine, "rows", rows);
    bool written = all != NULL && json_dump_file(all, path, JSON_INDENT(2)) == 0;
    json_decref(all);
    return written;
}
