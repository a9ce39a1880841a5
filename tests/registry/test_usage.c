/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of usage: put and replaced, rolled up and pruned exactly once, and the names of who used a version and who never called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/runner.h"
#include "registry/fixture.h"
#include "registry/usage/usage_rows.h"

#define SEAT "a report's own ID"

static struct fixture fixture;
static struct fixture_rows rows;

static void setup(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
}

static void teardown(void)
{
    fixture_close(&fixture);
}

static struct registry_usage row(uint32_t serial, uint32_t hour, uint64_t accepted)
{
    struct registry_usage usage = {.key = rows.key.id,
                                   .serial = serial,
                                   .version = 1,
                                   .ring = rows.ring.id,
                                   .period = hour,
                                   .accepted = accepted,
                                   .rejected = {1, 2, 3, 4, 5},
                                   .last_use = hour * USAGE_HOUR_MS + 1000};
    memcpy(usage.seat, SEAT, sizeof usage.seat);
    return usage;
}

static sealring_status put(struct registry *registry, void *context, sealring_error *error)
{
    return registry_usage_put(registry, context, error);
}

static void put_row(struct registry_usage usage)
{
    sealring_status status = fixture_write(&fixture, false, put, &usage);
    ck_assert_msg(status == SEALRING_OK, "%s", fixture.error.message);
}

static sealring_status settle(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_usage_seat seat = {.settled_hour = *(uint32_t *)context};
    memcpy(seat.seat, SEAT, sizeof seat.seat);
    return registry_usage_seat_put(registry, &seat, error);
}

static void settle_until(uint32_t hour)
{
    ck_assert_int_eq(fixture_write(&fixture, false, settle, &hour), SEALRING_OK);
}

struct age {
    uint32_t before;
    unsigned taken;
    enum usage_ageing ageing;
};

static sealring_status grow_old(struct registry *registry, void *context, sealring_error *error)
{
    struct age *age = context;
    return registry_usage_age(registry, age->ageing, rows.ring.id, 1, age->before, &age->taken, error);
}

static unsigned roll(uint32_t before)
{
    struct age age = {.before = before * 24, .ageing = USAGE_ROLL};
    ck_assert_int_eq(fixture_write(&fixture, false, grow_old, &age), SEALRING_OK);
    return age.taken;
}

static unsigned prune(uint32_t before)
{
    struct age age = {.before = before, .ageing = USAGE_PRUNE};
    ck_assert_int_eq(fixture_write(&fixture, false, grow_old, &age), SEALRING_OK);
    return age.taken;
}

START_TEST(a_row_replaces_its_former_self)
{
    long long epoch = fixture_number(&fixture, "SELECT epoch FROM vault");
    put_row(row(1, 100, 7));
    put_row(row(1, 100, 9));
    put_row(row(1, 101, 1));
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM usage_hour"), 2);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT accepted FROM usage_hour WHERE hour = 100"), 9);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT used FROM api_key"), 100 * USAGE_HOUR_MS + 1000);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT epoch FROM vault"), epoch);
}
END_TEST

START_TEST(settled_hours_become_days_once)
{
    for (uint32_t hour = 48; hour < 96; hour++)
        put_row(row(1, hour, hour));
    ck_assert_uint_eq(roll(4), 0); /* of a file that nothing is known of */
    settle_until(60);
    ck_assert_uint_eq(roll(4), 13);
    ck_assert_uint_eq(roll(4), 0);
    settle_until(200);
    ck_assert_uint_eq(roll(3), 11);
    ck_assert_uint_eq(roll(4), 24);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM usage_hour"), 0);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM usage_day"), 2);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT sum(accepted) FROM usage_day"), (48 + 95) * 24);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT accepted FROM usage_day WHERE day = 2"), (48 + 71) * 12);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT sum(closed) FROM usage_day"), 5 * 48);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT max(last_use) FROM usage_day"), 95 * USAGE_HOUR_MS + 1000);
    ck_assert_uint_eq(prune(3), 1);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT used FROM api_key"), 71 * USAGE_HOUR_MS + 1000);
    ck_assert_uint_eq(prune(4), 1);
    ck_assert_uint_eq(prune(4), 0);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT used FROM api_key"), 95 * USAGE_HOUR_MS + 1000);
}
END_TEST

static unsigned fold_most = USAGE_ROLL_MOST;

static sealring_status fold_some(struct registry *registry, void *context, sealring_error *error)
{
    return registry_usage_fold(registry, fold_most, context, error);
}

static unsigned fold(void)
{
    unsigned taken = 0;
    ck_assert_int_eq(fixture_write(&fixture, false, fold_some, &taken), SEALRING_OK);
    return taken;
}

/* Of two files about one credential in one hour. */
START_TEST(settled_hours_are_folded)
{
    struct registry_usage other = row(1, 100, 5);
    memset(other.seat, 9, sizeof other.seat);
    other.last_use += 5;
    put_row(row(1, 100, 7));
    put_row(row(1, 101, 1));
    put_row(other);
    ck_assert_uint_eq(fold(), 0); /* no file has settled it */
    settle_until(100);
    ck_assert_uint_eq(fold(), 1);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM usage_hour"), 3);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT sum(accepted) FROM usage_hour"), 13);
    ck_assert_int_eq(
        fixture_sql(&fixture, "INSERT INTO usage_seat SELECT seat, 100, x'' FROM usage_hour WHERE accepted = 5"),
        SQLITE_OK);
    ck_assert_uint_eq(fold(), 1);
    ck_assert_uint_eq(fold(), 0);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM usage_hour"), 2);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT accepted FROM usage_hour WHERE hour = 100"), 12);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT closed FROM usage_hour WHERE hour = 100"), 10);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT last_use FROM usage_hour WHERE hour = 100"), other.last_use);
    ck_assert_uint_eq(roll(5), 1); /* what is folded becomes a day */
    ck_assert_int_eq(fixture_number(&fixture, "SELECT accepted FROM usage_day"), 12);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM usage_hour"), 1);
}
END_TEST

/* Interrupted after each commit, the sums are the same. */
START_TEST(folding_stops_anywhere)
{
    for (uint32_t hour = 100; hour < 110; hour++)
        put_row(row(1, hour, hour));
    settle_until(200);
    fold_most = 3;
    for (unsigned left = 10; left > 0; left -= left < 3 ? left : 3) {
        ck_assert_uint_eq(fold(), left < 3 ? left : 3);
        ck_assert_int_eq(fixture_number(&fixture, "SELECT sum(accepted) FROM usage_hour"), 1045);
    }
    fold_most = USAGE_ROLL_MOST;
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM usage_hour WHERE seat = zeroblob(16)"), 10);
}
END_TEST

START_TEST(what_is_settled_stays_so)
{
    uint32_t hour = 5;
    settle_until(6);
    ck_assert_int_eq(fixture_write(&fixture, false, settle, &hour), SEALRING_REGISTRY);
}
END_TEST

/* ---- Names, in a registry of a million keys */

struct question {
    int64_t since;
    unsigned most;
    uint32_t version;
    struct registry_usage_names names;
};

static sealring_status ask_users(struct registry *registry, void *context, sealring_error *error)
{
    struct question *question = context;
    return usage_users(registry, rows.ring.id, question->version, question->since, question->most, &question->names,
                       error);
}

static sealring_status ask_idle(struct registry *registry, void *context, sealring_error *error)
{
    struct question *question = context;
    return usage_idle(registry, rows.ring.id, question->version, question->most, &question->names, error);
}

static double ask(fixture_body body, struct question *question)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    sealring_status status = fixture_read(fixture.registry, body, question, &fixture.error);
    clock_gettime(CLOCK_MONOTONIC, &to);
    ck_assert_msg(status == SEALRING_OK, "%s", fixture.error.message);
    return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

/* A million where LONG is set; else what takes a second to make. All but three of the keys call, in two hours. */
START_TEST(names_are_found_by_an_index)
{
    char sql[1400];
    const char *wish = getenv("LONG");
    long keys = wish != NULL && wish[0] == '1' ? 1000000 : 50000;
    snprintf(
        sql, sizeof sql,
        "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;"
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %ld)"
        " INSERT INTO api_key SELECT i, substr(hex(randomblob(8)), 1, 16), 1, 1, 'k' || i, 1, 0, '', 1, 1,"
        " CASE WHEN i > %ld THEN 0 ELSE 1 END FROM n;"
        "INSERT INTO credential SELECT id, 1, 1, 1, randomblob(32), randomblob(16), 'a', 0, 0, 1, 0, 0, 1, 0, x'', '', 0, 0"
        " FROM api_key WHERE id > 1;"
        "INSERT INTO usage_hour SELECT k.id, 1, h.column1, zeroblob(16), 1, 1, 1, 0, 0, 0, 0, 0,"
        " h.column1 * 3600000 + k.id FROM api_key k, (VALUES (100), (101)) h WHERE k.used = 1;"
        "COMMIT",
        keys, keys - 3);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    put_row(row(1, 102, 1)); /* the first key, last of all */
    struct question users = {.since = 100 * USAGE_HOUR_MS, .most = 10, .version = 1};
    struct question idle = {.most = USAGE_NAMES_MOST, .version = 1};
    double users_ms = ask(ask_users, &users);
    double idle_ms = ask(ask_idle, &idle);
    ck_assert_uint_eq(users.names.count, 10);
    ck_assert_str_eq(users.names.found[0].key_id, rows.key.key_id);
    for (unsigned i = 1; i < 10; i++)
        ck_assert_int_ge(users.names.found[i - 1].last_use, users.names.found[i].last_use);
    ck_assert_uint_eq(idle.names.count, 3);
    ck_assert_int_eq(idle.names.found[0].last_use, 0);
    idle.most = 2;
    ask(ask_idle, &idle);
    ck_assert_uint_eq(idle.names.count, 2);
    users.since = 103 * USAGE_HOUR_MS;
    ask(ask_users, &users);
    ck_assert_uint_eq(users.names.count, 0);
    users.since = 0;
    users.version = 2;
    ask(ask_users, &users);
    ck_assert_uint_eq(users.names.count, 0);
    idle.version = 2;
    ask(ask_idle, &idle);
    ck_assert_uint_eq(idle.names.count, 0);
    printf("# %ld keys: users in %.2f ms, idle keys in %.2f ms\n", keys, users_ms, idle_ms);
    ck_assert(users_ms < 200 && idle_ms < 200);
}
END_TEST

static void expect_plan(const char *sql, const char *wanted)
{
    sqlite3 *raw = fixture_raw(&fixture);
    sqlite3_stmt *statement = NULL;
    char text[1400], plan[1000] = "";
    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    ck_assert_int_eq(sqlite3_prepare_v2(raw, text, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        strncat(plan, (const char *)sqlite3_column_text(statement, 3), sizeof plan - strlen(plan) - 2);
        strcat(plan, "\n");
    }
    sqlite3_finalize(statement);
    sqlite3_close(raw);
    ck_assert_msg(strstr(plan, wanted) != NULL, "%s", plan);
    ck_assert_msg(strstr(plan, "SCAN") == NULL && strstr(plan, "TEMP B-TREE") == NULL, "%s", plan);
}

START_TEST(plans)
{
    expect_plan("SELECT k.id, u.last_use FROM usage_hour u CROSS JOIN api_key k CROSS JOIN client cl WHERE u.ring = ?1"
                " AND u.version = ?2 AND u.hour >= ?3 AND u.last_use >= ?4 AND k.id = u.api_key AND cl.id = k.client"
                " ORDER BY u.hour DESC",
                "usage_hour_version (ring=? AND version=? AND hour>?)");
    expect_plan(
        "SELECT k.id FROM api_key k CROSS JOIN credential c CROSS JOIN client cl WHERE k.ring = ?1 AND k.used = 0"
        " AND k.state = 1 AND c.api_key = k.id AND c.serial = k.last_serial AND c.version = ?2"
        " AND cl.id = k.client LIMIT ?3",
        "api_key_idle (ring=? AND state=? AND used=?)");
    expect_plan("SELECT u.api_key FROM usage_hour u WHERE u.ring = ?1 AND u.version = ?2 AND u.hour < ?3"
                " AND (u.seat = x'00000000000000000000000000000000' OR EXISTS (SELECT 1 FROM usage_seat s"
                " WHERE s.seat = u.seat AND u.hour <= s.settled_hour)) ORDER BY u.hour LIMIT ?4",
                "usage_hour_version (ring=? AND version=? AND hour<?)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry_usage");
    TCase *cases = tcase_create("registry_usage");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_row_replaces_its_former_self);
    tcase_add_test(cases, settled_hours_become_days_once);
    tcase_add_test(cases, settled_hours_are_folded);
    tcase_add_test(cases, folding_stops_anywhere);
    tcase_add_test(cases, what_is_settled_stays_so);
    tcase_add_test(cases, names_are_found_by_an_index);
    tcase_add_test(cases, plans);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
