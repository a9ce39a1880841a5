/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about rings: which changes add one, what is read of a ring whose row was edited, and what corrects the row. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/connection/registry.h"
#include "registry/fixture.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/current_rows.h"
#include "registry/rows/ring_facts.h"

static struct fixture fixture;
static struct fixture_rows rows;

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static sealring_status find(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_ring_find(registry, "ring-1", context, &found, error), &found);
}

static struct registry_ring ring_now(void)
{
    struct registry_ring ring;
    ck_assert_int_eq(fixture_read(fixture.registry, find, &ring, &fixture.error), SEALRING_OK);
    return ring;
}

static sealring_status update(struct registry *registry, void *context, sealring_error *error)
{
    return registry_ring_update(registry, context, error);
}

static void write_ring(struct registry_ring ring)
{
    ck_assert_int_eq(fixture_write(&fixture, false, update, &ring), SEALRING_OK);
}

static int64_t facts(void)
{
    return fixture_number(
        &fixture, "SELECT count(*) FROM closed_fact WHERE kind = 2 AND version = 0 AND ring_id <> zeroblob(16)");
}

static sealring_status count_contradictions(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_contradiction found;
    struct registry_cursor cursor = registry_contradictions(registry, CONTRADICTION_RINGS, error);
    while (registry_contradiction_next(&cursor, &found))
        *(int *)context += found.of_ring && strcmp(found.name, "ring-1") == 0 ? 1 : 100;
    return registry_close_cursor(&cursor, SEALRING_OK);
}

static int contradictions(void)
{
    int count = 0;
    ck_assert_int_eq(fixture_read(fixture.registry, count_contradictions, &count, &fixture.error), SEALRING_OK);
    return count;
}

/* Each member that acts read, with its place among the lines of the value. */
static const struct {
    const char *column;
    int line;
} members[] = {
    {"overlap", 1},        {"purge_delay", 2},   {"keep", 3},         {"rotate_every", 4}, {"quiet_period", 5},
    {"standby", 6},        {"idle_blocks", 7},   {"usage_hourly", 8}, {"usage_daily", 9},  {"succession", 10},
    {"rotation_held", 11}, {"last_version", 12}, {"renew", 13},       {"renew_life", 14},  {"renew_age", 15},
    {"deliver", 16},       {"leaks", 17},
};

static int64_t member(const struct registry_ring *ring, int line)
{
    const sealring_policy *policy = &ring->policy;
    const int64_t values[] = {0,
                              policy->overlap,
                              policy->purge_delay,
                              policy->keep,
                              policy->rotate_every,
                              policy->quiet_period,
                              policy->standby,
                              policy->idle_blocks,
                              policy->usage_hourly,
                              policy->usage_daily,
                              policy->succession,
                              ring->rotation_held,
                              ring->last_version,
                              policy->renew,
                              policy->renew_life,
                              policy->renew_age,
                              policy->deliver,
                              policy->leaks};
    return values[line];
}

static void change(struct registry_ring *ring, int line)
{
    sealring_policy *policy = &ring->policy;
    int64_t *const times[] = {NULL,
                              &policy->overlap,
                              &policy->purge_delay,
                              NULL,
                              &policy->rotate_every,
                              &policy->quiet_period,
                              NULL,
                              NULL,
                              &policy->usage_hourly,
                              &policy->usage_daily,
                              &policy->succession,
                              NULL,
                              NULL,
                              NULL,
                              &policy->renew_life,
                              &policy->renew_age};
    bool *const flags[] = {[6] = &policy->standby, [7] = &policy->idle_blocks, [11] = &ring->rotation_held};
    if (line == 3)
        policy->keep++;
    else if (line == 12)
        ring->last_version++;
    else if (line == 13)
        policy->renew = SEALRING_RENEW_BEARER;
    else if (line == 16)
        policy->deliver = SEALRING_DELIVER_HOOK;
    else if (line == 17)
        policy->leaks = SEALRING_LEAKS_SUSPEND;
    else if (line == 6 || line == 7 || line == 11)
        *flags[line] = !*flags[line];
    else
        ++*times[line];
}

START_TEST(each_change_adds_a_fact)
{
    struct registry_ring ring = ring_now();
    ck_assert_int_eq(facts(), 1); /* of the insertion */
    write_ring(ring);
    ck_assert_int_eq(facts(), 1);
    ring.created++;
    write_ring(ring);
    ck_assert_int_eq(facts(), 1);
    change(&ring, members[_i].line);
    write_ring(ring);
    ck_assert_int_eq(facts(), 2);
    ck_assert_int_eq(fixture_number(&fixture,
                                    "SELECT count(*) FROM closed_fact f WHERE f.sequence ="
                                    " (SELECT max(sequence) FROM closed_fact) AND f.kind = 2 AND f.version = 0"
                                    " AND f.state = 1 AND f.ring_id = (SELECT ring_id FROM ring)"),
                     1);
    ck_assert_int_eq(contradictions(), 0);
}
END_TEST

/* The formats page promises this order. */
START_TEST(the_value_is_documented)
{
    struct registry_ring ring = ring_now();
    char wanted[256], sql[512];
    ring.policy = (sealring_policy){1,
                                    2,
                                    3,
                                    4,
                                    5,
                                    true,
                                    false,
                                    8,
                                    9,
                                    10,
                                    SEALRING_RENEW_SEALED,
                                    14,
                                    15,
                                    SEALRING_DELIVER_HOOK,
                                    SEALRING_LEAKS_REKEY};
    ring.rotation_held = true;
    ring.last_version = 12;
    write_ring(ring);
    snprintf(wanted, sizeof wanted, "%s|%s|%lld|%lld|%u|%lld|%lld|%d|%d|%lld|%lld|%lld|1|12|2|14|15|3|2", ring.name,
             ring.prefix, (long long)ring.policy.overlap, (long long)ring.policy.purge_delay, ring.policy.keep,
             (long long)ring.policy.rotate_every, (long long)ring.policy.quiet_period, ring.policy.standby,
             ring.policy.idle_blocks, (long long)ring.policy.usage_hourly, (long long)ring.policy.usage_daily,
             (long long)ring.policy.succession);
    snprintf(sql, sizeof sql,
             "SELECT replace(value, char(10), '|') = '%s' FROM closed_fact ORDER BY sequence DESC LIMIT 1", wanted);
    ck_assert_int_eq(fixture_number(&fixture, sql), 1);
}
END_TEST

/* What is read of the ring is the fact; the next update corrects the row, reports that, and adds no fact. */
START_TEST(an_edited_row_decides_nothing)
{
    char sql[128];
    struct registry_ring before = ring_now();
    ck_assert(!before.edited);
    snprintf(sql, sizeof sql, "UPDATE ring SET %s = 1 - (%s > 0)", members[_i].column, members[_i].column);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    struct registry_ring ring = ring_now();
    ck_assert(ring.edited);
    ck_assert_int_eq(contradictions(), 1);
    ring.edited = false;
    ck_assert_int_eq(member(&ring, members[_i].line), member(&before, members[_i].line));
    write_ring(ring);
    ck_assert_ptr_nonnull(strstr(registry_corrected(fixture.registry), "the row of ring ring-1"));
    ck_assert_int_eq(facts(), 1);
    ck_assert_int_eq(contradictions(), 0);
    ck_assert(!ring_now().edited);
    write_ring(ring);
    ck_assert_str_eq(registry_corrected(fixture.registry), "");
}
END_TEST

START_TEST(an_edited_prefix_is_corrected_with_another_change)
{
    struct registry_ring before = ring_now();
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE ring SET prefix = 'evil'"), SQLITE_OK);
    struct registry_ring ring = ring_now();
    ck_assert(ring.edited);
    ck_assert_str_eq(ring.prefix, before.prefix);
    ring.policy.keep++;
    write_ring(ring);
    ck_assert_int_eq(facts(), 2);
    ck_assert_int_eq(contradictions(), 0);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM ring WHERE prefix = 'evil'"), 0);
}
END_TEST

static sealring_status follow(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring *ring = context;
    bool differs;
    sealring_status status = registry_ring_follow(registry, ring, &differs, error);
    ck_assert(status != SEALRING_OK || differs == ring->edited);
    return status;
}

START_TEST(a_ring_follows_its_last_fact)
{
    struct registry_ring ring = ring_now(), other = ring;
    other.policy.overlap += 7;
    other.last_version = 99;
    ck_assert_int_eq(fixture_read(fixture.registry, follow, &other, &fixture.error), SEALRING_OK);
    ck_assert(other.edited);
    ck_assert_int_eq(other.policy.overlap, ring.policy.overlap);
    ck_assert_uint_eq(other.last_version, ring.last_version);
    ck_assert_int_eq(fixture_read(fixture.registry, follow, &other, &fixture.error), SEALRING_OK);
    ck_assert(!other.edited);
    memset(other.ring_id, 7, sizeof other.ring_id);
    other.policy.overlap = 5;
    ck_assert_int_eq(fixture_read(fixture.registry, follow, &other, &fixture.error), SEALRING_OK);
    ck_assert(other.unfounded); /* there is no fact about it */
    ck_assert_int_eq(other.policy.overlap, 5);
}
END_TEST

/* As replace() of SQLite makes them of a good value, whose parts are on a line each. */
#define BEFORE_PREFIX(text) \
    "substr(value, 1, instr(value, char(10))) || " text " || substr(value, instr(value, char(10)) + 1)"
static const char *const malformed[] = {
    "value || char(10) || '1'",
    "value || ' '",
    "replace(value, char(10) || '0' || char(10), ' 0 ')",
    BEFORE_PREFIX("'_'"),
    BEFORE_PREFIX("'UPPER'"),
    BEFORE_PREFIX("hex(zeroblob(20))"),
    "substr(value, 1, length(value) - 1)",
    "replace(value, char(10) || '0' || char(10), char(10) || '-1' || char(10))",
    "replace(value, char(10) || '0' || char(10), char(10) || '00' || char(10))",
    "replace(value, char(10) || '0' || char(10), char(10) || '2' || char(10))",
    "replace(value, char(10) || '0' || char(10), char(10) || '99999999999999999999' || char(10))",
    "value || '99999999999'",
};

/* So its row decides nothing. */
static const char *const of_others[] = {"'x'", "replace(value, char(10), ' ')", "'x' || value", "substr(value, 2)",
                                        "substr(value, instr(value, char(10)) + 1)"};

START_TEST(a_fact_with_another_name_is_another_rings)
{
    char sql[512];
    struct registry_ring ring = ring_now();
    ck_assert(!ring.unfounded);
    snprintf(sql, sizeof sql,
             "DROP TRIGGER closed_fact_fixed; UPDATE closed_fact SET value = %s WHERE kind = 2 AND version = 0"
             " AND ring_id <> zeroblob(16)",
             of_others[_i]);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    ck_assert_int_eq(fixture_read(fixture.registry, find, &ring, &fixture.error), SEALRING_OK);
    ck_assert(ring.unfounded);
    ck_assert(!ring.edited);
}
END_TEST

START_TEST(a_malformed_fact_is_none)
{
    char sql[512];
    struct registry_ring ring = ring_now();
    snprintf(sql, sizeof sql,
             "DROP TRIGGER closed_fact_fixed; UPDATE closed_fact SET value = %s WHERE kind = 2 AND version = 0"
             " AND ring_id <> zeroblob(16)",
             malformed[_i]);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    ck_assert_int_eq(fixture_read(fixture.registry, find, &ring, &fixture.error), SEALRING_OK);
    ck_assert(ring.unfounded);
    ck_assert_int_eq(fixture_read(fixture.registry, follow, &ring, &fixture.error), SEALRING_REGISTRY);
}
END_TEST

static sealring_status insert(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring;
    (void)context;
    fixture_ring(&ring, 2);
    return registry_ring_insert(registry, &ring, error);
}

/* Before a vault is upgraded as a whole, older programs write its rings. */
START_TEST(no_fact_before_facts_have_begun)
{
    struct registry_ring ring = ring_now();
    ck_assert_int_eq(fixture_sql(&fixture, "DROP TRIGGER closed_fact_stays; DELETE FROM closed_fact;"
                                           "CREATE TRIGGER closed_fact_stays BEFORE DELETE ON closed_fact"
                                           " BEGIN SELECT RAISE(ABORT, 'closed_fact rows are kept'); END"),
                     SQLITE_OK);
    ck_assert_int_eq(fixture_write(&fixture, false, insert, NULL), SEALRING_OK);
    ring.policy.overlap++;
    write_ring(ring);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM closed_fact"), 0);
    ck_assert_int_eq(contradictions(), 0);
    ck_assert_int_eq(ring_now().policy.overlap, ring.policy.overlap);
}
END_TEST

/* One that has no fact, although facts have begun, was inserted by somebody else. */
START_TEST(a_ring_without_a_fact_contradicts)
{
    ck_assert_int_eq(
        fixture_sql(&fixture, "DROP TRIGGER closed_fact_stays; DELETE FROM closed_fact WHERE ring_id <> zeroblob(16);"
                              "CREATE TRIGGER closed_fact_stays BEFORE DELETE ON closed_fact"
                              " BEGIN SELECT RAISE(ABORT, 'closed_fact rows are kept'); END"),
        SQLITE_OK);
    ck_assert_int_eq(contradictions(), 1);
    write_ring(ring_now());
    ck_assert_int_eq(facts(), 1);
    ck_assert_int_eq(contradictions(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry/ring_facts");
    TCase *cases = tcase_create("ring_facts");
    const int count = sizeof members / sizeof *members;
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, each_change_adds_a_fact, 0, count);
    tcase_add_test(cases, the_value_is_documented);
    tcase_add_loop_test(cases, an_edited_row_decides_nothing, 0, count);
    tcase_add_test(cases, an_edited_prefix_is_corrected_with_another_change);
    tcase_add_test(cases, a_ring_follows_its_last_fact);
    tcase_add_loop_test(cases, a_fact_with_another_name_is_another_rings, 0, sizeof of_others / sizeof *of_others);
    tcase_add_loop_test(cases, a_malformed_fact_is_none, 0, sizeof malformed / sizeof *malformed);
    tcase_add_test(cases, no_fact_before_facts_have_begun);
    tcase_add_test(cases, a_ring_without_a_fact_contradicts);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
