/* SPDX-License-Identifier: Apache-2.0 */
/* What reports and silence say about verifiers: both sides of each boundary, and numbers that nobody can mean. */
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/verifier_liveness.h"

#define LEASE   60000
#define SILENCE 61600
#define BOOT    INT64_C(1000000)
#define NOW     INT64_C(1795292100000)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t era_a[WATCH_ID_SIZE] = "the first era..";
static const uint8_t era_b[WATCH_ID_SIZE] = "the second era.";

/* One that reported number 5 at epoch 7, which this process saw first `ago` milliseconds before BOOT. */
static struct watched serving(int64_t ago)
{
    struct watched watched = {
        .file_there = true,
        .held = true,
        .epoch = 7,
        .facts = 5,
        .number = 5,
        .own = {.seen = true, .alive = true, .number = 5, .since_boot_ms = BOOT - ago},
    };
    memcpy(watched.era, era_a, sizeof watched.era);
    return watched;
}

/* ---- silence ---- */

static const struct {
    int64_t lease, silence;
} silences[] = {
    {0, 1000},
    {1, 1002},
    {99, 1100},
    {100, 1101},
    {101, 1103},
    {60000, SILENCE},
    {-1, 1000},
    {INT64_MIN, 1000},
    {3600000, 3637000},
    {INT64_MAX, INT64_MAX},
    {INT64_MAX - 1000, INT64_MAX},
};

START_TEST(silence_is_the_lease_and_its_margin)
{
    ck_assert_int_eq(watch_silence(silences[_i].lease), silences[_i].silence);
}
END_TEST

/* ---- who is over ---- */

START_TEST(a_lease_is_over_at_the_end_of_the_silence)
{
    struct watched watched = serving(SILENCE - 1);
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_serves_until(&watched, BOOT, LEASE), BOOT + 1);
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_SERVING);
    watched = serving(SILENCE);
    ck_assert(watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_serves_until(&watched, BOOT, LEASE), BOOT);
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_SILENT);
}
END_TEST

/* Its file was removed, and this process sees it for the first time. */
static struct watched without_file(void)
{
    struct watched watched = serving(0);
    watched.file_there = false;
    watched.held = false;
    watched.own = (struct watch_memory){.seen = false};
    return watched;
}

/* An operator forgot it, or a process that waited concluded it: that counts of one that nobody holds and this process never saw. */
START_TEST(a_row_ends_only_what_is_without_a_file)
{
    struct watched watched = serving(0);
    watched.concluded = watched.forgotten = true;
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_SERVING);
    watched.own = (struct watch_memory){.seen = false}; /* nor for who comes anew */
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    watched = without_file();
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    watched.concluded = true;
    ck_assert(watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_serves_until(&watched, BOOT, LEASE), BOOT);
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_DEAD);
    watched.forgotten = true;
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_FORGOTTEN);
    watched.own.seen = watched.own.alive = true; /* a moment ago */
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_LOST);
}
END_TEST

START_TEST(a_number_that_moved_is_seen_now)
{
    struct watched watched = serving(10 * SILENCE);
    watched.number = 6;
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_serves_until(&watched, BOOT, LEASE), BOOT + SILENCE);
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_SERVING);
    watched.number = 4; /* back, as after a restart that was missed: another is another */
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    watched.file_there = watched.held = false; /* nothing was read: no number moved */
    watched.own.without_file = true;
    ck_assert(watch_is_over(&watched, BOOT, LEASE));
}
END_TEST

START_TEST(a_joining_verifier_counts_as_one_that_may_serve)
{
    struct watched watched = serving(SILENCE - 1);
    watched.joining = true;
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_JOINING);
    watched = serving(SILENCE);
    watched.joining = true;
    ck_assert(watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_SILENT);
}
END_TEST

START_TEST(a_file_that_is_gone_is_waited_for_since_that_was_noticed)
{
    struct watched watched = serving(10 * SILENCE);
    watched.file_there = watched.held = false;
    ck_assert(!watch_is_over(&watched, BOOT, LEASE)); /* it is noticed now */
    ck_assert_int_eq(watch_serves_until(&watched, BOOT, LEASE), BOOT + SILENCE);
    watched.own.without_file = true;
    watched.own.since_boot_ms = BOOT - SILENCE + 1;
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_LOST);
    watched.own.since_boot_ms = BOOT - SILENCE;
    ck_assert(watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), SEALRING_VERIFIER_LOST);
    watched.left = true; /* what a file says that is not there says nothing */
    watched.own.since_boot_ms = BOOT;
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
}
END_TEST

/* It may go on reporting where nobody can read it. */
START_TEST(a_file_that_is_held_and_unreadable_is_never_over)
{
    struct watched watched = serving(10 * SILENCE);
    struct watch_end end = {.ended = 0};
    watched.file_there = false;
    for (int64_t later = 0; later < 5 * SILENCE; later += SILENCE) {
        ck_assert_int_eq(watch_look(&watched, BOOT + later, NOW + later, LEASE, &end), SEALRING_VERIFIER_LOST);
        ck_assert(!watch_is_over(&watched, BOOT + later, LEASE));
        ck_assert_int_eq(end.ended, 0);
    }
    watched.held = false; /* its silence begins now */
    watch_look(&watched, BOOT + 5 * SILENCE, NOW, LEASE, &end);
    ck_assert(!watch_is_over(&watched, BOOT + 5 * SILENCE - 1, LEASE));
}
END_TEST

/* Each way to end for good, whatever the times are. */
#define WAYS 4
static void end(struct watched *watched, int how)
{
    watched->held = false;
    watched->left = how == 0;
    watched->file_there = how < 2;
    watched->taken_over = how == 2;
    watched->own.ended = how == 3 ? NOW - 9000 : 0;
}

START_TEST(who_ended_is_over_at_once)
{
    struct watched watched = serving(0);
    watched.number = 6;
    end(&watched, _i);
    ck_assert(watch_is_over(&watched, BOOT, LEASE));
    ck_assert_int_eq(watch_serves_until(&watched, BOOT, LEASE), BOOT);
    ck_assert_int_eq(watch_state(&watched, BOOT, LEASE), _i == 0 ? SEALRING_VERIFIER_LEFT : SEALRING_VERIFIER_DEAD);
    ck_assert(watch_goes_by(&watched, era_b, UINT64_MAX, 0, BOOT, LEASE));
    watched.held = true; /* but whoever holds the file lives */
    ck_assert(!watch_is_over(&watched, BOOT, LEASE));
}
END_TEST

/* ---- what is in force ---- */

START_TEST(a_change_is_in_force_when_its_epoch_is_reported)
{
    struct watched watched = serving(1);
    ck_assert(watch_goes_by(&watched, era_a, 7, 0, BOOT, LEASE));
    ck_assert(watch_goes_by(&watched, era_a, 6, 0, BOOT, LEASE));
    ck_assert(watch_goes_by(&watched, era_a, 0, 0, BOOT, LEASE));
    ck_assert(!watch_goes_by(&watched, era_a, 8, 0, BOOT, LEASE));
    ck_assert(!watch_goes_by(&watched, era_a, UINT64_MAX, 0, BOOT, LEASE));
    ck_assert(!watch_goes_by(&watched, era_b, 7, 0, BOOT, LEASE));
    ck_assert(!watch_goes_by(&watched, era_b, 1, 0, BOOT, LEASE));
    watched.era[WATCH_ID_SIZE - 1] ^= 1;
    ck_assert(!watch_goes_by(&watched, era_a, 7, 0, BOOT, LEASE));
}
END_TEST

START_TEST(a_report_of_a_joining_or_lost_verifier_puts_nothing_in_force)
{
    struct watched watched = serving(1);
    watched.joining = true;
    ck_assert(!watch_goes_by(&watched, era_a, 7, 0, BOOT, LEASE));
    watched = serving(1);
    watched.file_there = false;
    ck_assert(!watch_goes_by(&watched, era_a, 7, 0, BOOT, LEASE));
    watched = serving(SILENCE);
    ck_assert(watch_goes_by(&watched, era_b, 8, 0, BOOT, LEASE));
}
END_TEST

START_TEST(what_was_looked_at_before_the_commit_ends_with_the_lease)
{
    for (int joining = 0; joining < 2; joining++) {
        struct watched watched = serving(1); /* it goes on reporting, and never the change */
        watched.joining = joining == 1;
        ck_assert(!watch_goes_by(&watched, era_a, 8, BOOT - SILENCE + 1, BOOT, LEASE));
        ck_assert(watch_goes_by(&watched, era_a, 8, BOOT - SILENCE, BOOT, LEASE));
        ck_assert(!watch_goes_by(&watched, era_a, 8, BOOT, BOOT, LEASE));
        ck_assert(!watch_goes_by(&watched, era_a, 8, BOOT + 1, BOOT, LEASE)); /* of another boot's clock */
        ck_assert(!watch_goes_by(&watched, era_a, 8, 0, BOOT, LEASE));        /* not known */
        ck_assert(!watch_goes_by(&watched, era_a, 8, -1, BOOT, LEASE));
        ck_assert(!watch_goes_by(&watched, era_a, 8, INT64_MAX, BOOT, LEASE));
    }
}
END_TEST

/* It has fewer closed facts than the change, or others. */
START_TEST(a_change_that_is_hidden_from_a_verifier_is_never_in_force)
{
    struct watched watched = serving(1);
    watched.behind = true;
    ck_assert(!watch_goes_by(&watched, era_a, 7, 0, BOOT, LEASE)); /* whatever epoch it reports */
    ck_assert(!watch_goes_by(&watched, era_a, 7, BOOT - SILENCE, BOOT, LEASE));
    ck_assert(!watch_goes_by(&watched, era_a, 7, BOOT - 10 * SILENCE, BOOT, LEASE));
    ck_assert(watch_is_deceived(&watched, BOOT - SILENCE, BOOT, LEASE));
    ck_assert(!watch_is_deceived(&watched, BOOT - LEASE, BOOT, LEASE)); /* that poll may have begun before the commit */
    ck_assert(!watch_is_deceived(&watched, 0, BOOT, LEASE));
    watched.number++; /* a report that is new just now */
    ck_assert(watch_is_deceived(&watched, BOOT - LEASE, BOOT, LEASE));
    watched.file_there = false;
    ck_assert(!watch_is_deceived(&watched, BOOT - SILENCE, BOOT, LEASE));
    watched = serving(1);
    ck_assert(!watch_is_deceived(&watched, BOOT - SILENCE, BOOT, LEASE));
    /* silent since: its lease ends, as for every other one */
    watched = serving(SILENCE - LEASE + 1);
    watched.behind = true;
    ck_assert(watch_goes_by(&watched, era_a, 8, BOOT - SILENCE, BOOT, LEASE));
}
END_TEST

/* ---- what a filter may exclude ---- */

#define FILTER_SILENCE (WATCH_FILTER_MS + WATCH_FILTER_MS / 100 + 1000)

static struct watched filtering(int64_t ago)
{
    struct watched watched = serving(ago);
    watched.filter = true;
    return watched;
}

START_TEST(a_filter_may_exclude_until_its_verifier_rings_back)
{
    struct watched watched = filtering(1);
    ck_assert(watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
    ck_assert(watch_may_exclude(&watched, era_a, UINT64_MAX, BOOT, BOOT));
    ck_assert(!watch_may_exclude(&watched, era_a, 7, BOOT, BOOT));
    ck_assert(!watch_may_exclude(&watched, era_a, 6, BOOT, BOOT));
    ck_assert(watch_may_exclude(&watched, era_b, 7, BOOT, BOOT)); /* what it has is of another registry */
    ck_assert(watch_may_exclude(&watched, era_b, 1, BOOT, BOOT));
}
END_TEST

START_TEST(a_report_without_a_filter_excludes_nothing)
{
    struct watched watched = serving(1);
    ck_assert(!watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
    ck_assert(!watch_may_exclude(&watched, era_b, 8, BOOT, BOOT));
    watched.joining = true;
    ck_assert(!watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
}
END_TEST

/* It may have used one since before its file was lost or damaged; whether the file is held is not known of a lost one. */
START_TEST(without_a_readable_file_a_filter_is_assumed)
{
    struct watched watched = serving(1);
    watched.file_there = false;
    ck_assert(watch_may_exclude(&watched, era_a, 7, BOOT, BOOT));
    watched.held = false;
    ck_assert(watch_may_exclude(&watched, era_a, 7, BOOT, BOOT));
    watched.taken_over = true;
    ck_assert(!watch_may_exclude(&watched, era_a, 7, BOOT, BOOT));
}
END_TEST

START_TEST(one_that_ended_excludes_nothing)
{
    struct watched watched = filtering(0);
    end(&watched, _i);
    ck_assert(!watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
    watched.held = true;
    watched.number = 6;
    ck_assert(watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
}
END_TEST

/* Both sides of both bounds: its silence, and the time since the key was there. Nothing in the report shortens either, and no lease lengthens it. */
START_TEST(a_filter_is_silent_after_its_own_lease)
{
    struct watched watched = filtering(FILTER_SILENCE - 1);
    ck_assert(watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
    watched = filtering(FILTER_SILENCE);
    ck_assert(!watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
    watched.number = 6; /* it has reported since: this moment is the first of its silence */
    ck_assert(watch_may_exclude(&watched, era_a, 8, BOOT, BOOT));
    ck_assert(watch_may_exclude(&watched, era_a, 8, BOOT - FILTER_SILENCE + 1, BOOT));
    ck_assert(!watch_may_exclude(&watched, era_a, 8, BOOT - FILTER_SILENCE, BOOT));
    watched.file_there = false;
    ck_assert(watch_may_exclude(&watched, era_a, 8, BOOT - FILTER_SILENCE + 1, BOOT));
    ck_assert(!watch_may_exclude(&watched, era_a, 8, BOOT - FILTER_SILENCE, BOOT));
    ck_assert(watch_may_exclude(&watched, era_a, 8, INT64_MAX, BOOT)); /* overflows nothing */
}
END_TEST

/* ---- testimony ---- */

static const struct watch_account account = {
    .joined = NOW - 500000, .last_report = NOW - 300, .counted = true, .last_use = NOW - 70000};

static struct lifecycle_verifier testify(const struct watched *watched, const struct watch_account *told)
{
    static const uint32_t proved[] = {3};
    struct lifecycle_verifier verifier = {.name = "v", .proved = proved, .proved_count = 1};
    watch_testify(watched, told, NOW, BOOT, LEASE, &verifier);
    ck_assert_str_eq(verifier.name, "v");
    ck_assert_ptr_eq(verifier.proved, proved);
    ck_assert_uint_eq(verifier.proved_count, 1);
    return verifier;
}

START_TEST(one_that_serves_covers_until_now)
{
    struct watched watched = serving(1);
    struct lifecycle_verifier verifier = testify(&watched, &account);
    ck_assert_uint_eq(verifier.epoch, 7);
    ck_assert_uint_eq(verifier.facts, 5);
    ck_assert(!verifier.lease_over);
    ck_assert_int_eq(verifier.joined, account.joined);
    ck_assert_int_eq(verifier.reports_from, account.joined);
    ck_assert_int_eq(verifier.reports_until, NOW);
    ck_assert_int_eq(verifier.last_use, account.last_use);
    ck_assert_int_eq(verifier.stopped, 0);
    watched.joining = true;
    ck_assert_uint_eq(testify(&watched, &account).epoch, 0);
    ck_assert_uint_eq(testify(&watched, &account).facts, 0);
    watched.joining = false;
    watched.file_there = false;
    ck_assert_uint_eq(testify(&watched, &account).epoch, 0);
    ck_assert_uint_eq(testify(&watched, &account).facts, 0);
}
END_TEST

START_TEST(a_hole_is_a_use)
{
    struct watched watched = serving(1);
    struct watch_account told = account;
    told.hole = told.last_use - 1;
    ck_assert_int_eq(testify(&watched, &told).last_use, told.last_use);
    told.hole = told.last_use + 1;
    ck_assert_int_eq(testify(&watched, &told).last_use, told.last_use + 1);
    told.last_use = 0;
    ck_assert_int_eq(testify(&watched, &told).last_use, told.hole);
    told.hole = 0;
    ck_assert_int_eq(testify(&watched, &told).last_use, 0);
}
END_TEST

START_TEST(without_a_record_nothing_is_covered)
{
    struct watch_account told = account;
    told.counted = false;
    for (int over = 0; over < 2; over++) {
        struct watched watched = serving(over ? SILENCE : 1);
        ck_assert_int_eq(testify(&watched, &told).reports_until, 0);
        watched.held = false;
        ck_assert_int_eq(testify(&watched, &told).reports_until, 0);
    }
}
END_TEST

START_TEST(a_silent_one_may_come_back_and_one_that_ended_stopped)
{
    struct watched watched = serving(SILENCE);
    struct watch_account told = account;
    told.ended = NOW - 9000;
    struct lifecycle_verifier verifier = testify(&watched, &told);
    ck_assert(verifier.lease_over);
    ck_assert_int_eq(verifier.stopped, 0);
    ck_assert_int_eq(verifier.reports_until, NOW); /* its file is read as it is */
    for (int how = 0; how < WAYS; how++) {
        watched = serving(1);
        end(&watched, how);
        verifier = testify(&watched, &told);
        ck_assert(verifier.lease_over);
        ck_assert_int_eq(verifier.stopped, NOW - 9000);
        told.ended = 0;
        ck_assert_int_eq(testify(&watched, &told).stopped, NOW);
        told.ended = NOW - 9000;
    }
    watched = serving(1);
    ck_assert_int_eq(testify(&watched, &told).stopped, 0); /* it may serve: whenever it is said to have ended */
}
END_TEST

START_TEST(a_file_that_is_gone_covers_until_its_last_report)
{
    struct watched watched = without_file();
    struct lifecycle_verifier verifier = testify(&watched, &account);
    ck_assert(!verifier.lease_over);
    ck_assert_int_eq(verifier.reports_until, account.last_report);
    watched.own = (struct watch_memory){.seen = true, .without_file = true, .since_boot_ms = BOOT - SILENCE};
    verifier = testify(&watched, &account);
    ck_assert(verifier.lease_over);
    ck_assert_int_eq(verifier.reports_until, account.last_report);
    ck_assert_int_eq(verifier.stopped, 0);
    watched.taken_over = true;
    verifier = testify(&watched, &account);
    ck_assert_int_eq(verifier.reports_until, NOW);
    ck_assert_int_eq(verifier.stopped, NOW);
}
END_TEST

/* ---- absurd numbers ---- */

START_TEST(absurd_numbers_overflow_nothing)
{
    static const int64_t absurd[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, LEASE, BOOT, INT64_MAX - 1, INT64_MAX};
    for (size_t a = 0; a < COUNT(absurd); a++)
        for (size_t b = 0; b < COUNT(absurd); b++)
            for (size_t c = 0; c < COUNT(absurd); c++) {
                struct watched watched = serving(0);
                struct watch_account told = {absurd[a], absurd[b], absurd[c], absurd[a], true, absurd[b]};
                struct lifecycle_verifier verifier = {.name = "v"};
                watched.own.since_boot_ms = absurd[a];
                bool over = watch_is_over(&watched, absurd[b], absurd[c]);
                ck_assert_int_eq(over, watch_serves_until(&watched, absurd[b], absurd[c]) <= absurd[b]);
                ck_assert(watch_state(&watched, absurd[b], absurd[c]) ==
                          (over ? SEALRING_VERIFIER_SILENT : SEALRING_VERIFIER_SERVING));
                ck_assert(!over || watch_goes_by(&watched, era_b, 9, absurd[a], absurd[b], absurd[c]));
                watch_goes_by(&watched, era_b, 9, absurd[c], absurd[b], absurd[a]);
                watch_testify(&watched, &told, absurd[a], absurd[b], absurd[c], &verifier);
                ck_assert_int_eq(verifier.lease_over, over);
            }
}
END_TEST

START_TEST(a_lease_without_end_never_ends)
{
    struct watched watched = serving(0);
    ck_assert_int_eq(watch_serves_until(&watched, BOOT, INT64_MAX), INT64_MAX);
    ck_assert(!watch_is_over(&watched, INT64_MAX - 1, INT64_MAX));
    ck_assert(!watch_goes_by(&watched, era_a, 8, 1, INT64_MAX - 1, INT64_MAX));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/watch");
    TCase *cases = tcase_create("watch");
    tcase_add_loop_test(cases, silence_is_the_lease_and_its_margin, 0, (int)COUNT(silences));
    tcase_add_test(cases, a_lease_is_over_at_the_end_of_the_silence);
    tcase_add_test(cases, a_row_ends_only_what_is_without_a_file);
    tcase_add_test(cases, a_number_that_moved_is_seen_now);
    tcase_add_test(cases, a_joining_verifier_counts_as_one_that_may_serve);
    tcase_add_test(cases, a_file_that_is_gone_is_waited_for_since_that_was_noticed);
    tcase_add_test(cases, a_file_that_is_held_and_unreadable_is_never_over);
    tcase_add_loop_test(cases, who_ended_is_over_at_once, 0, WAYS);
    tcase_add_test(cases, a_change_is_in_force_when_its_epoch_is_reported);
    tcase_add_test(cases, a_report_of_a_joining_or_lost_verifier_puts_nothing_in_force);
    tcase_add_test(cases, what_was_looked_at_before_the_commit_ends_with_the_lease);
    tcase_add_test(cases, a_change_that_is_hidden_from_a_verifier_is_never_in_force);
    tcase_add_test(cases, a_filter_may_exclude_until_its_verifier_rings_back);
    tcase_add_test(cases, a_report_without_a_filter_excludes_nothing);
    tcase_add_test(cases, without_a_readable_file_a_filter_is_assumed);
    tcase_add_loop_test(cases, one_that_ended_excludes_nothing, 0, WAYS);
    tcase_add_test(cases, a_filter_is_silent_after_its_own_lease);
    tcase_add_test(cases, one_that_serves_covers_until_now);
    tcase_add_test(cases, a_hole_is_a_use);
    tcase_add_test(cases, without_a_record_nothing_is_covered);
    tcase_add_test(cases, a_silent_one_may_come_back_and_one_that_ended_stopped);
    tcase_add_test(cases, a_file_that_is_gone_covers_until_its_last_report);
    tcase_add_test(cases, absurd_numbers_overflow_nothing);
    tcase_add_test(cases, a_lease_without_end_never_ends);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
