/* SPDX-License-Identifier: Apache-2.0 */
/* The soak's checker is fed made-up histories: wrong ones, each of which it has to find, and right ones, which it must let pass. */
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "soak/checker.h"
#include "soak/counts.h"
#include "soak/turns.h"

#define MILLISECOND INT64_C(1000000)
#define AT(ms)      ((ms)*MILLISECOND)
#define LEASE_MS    1500
#define SURELY_MS   (LEASE_MS + 5)
#define SLACK_MS    100

static struct history *history;
static struct checker *checker;
static uint32_t credential; /* of version 1, serial 1 of key 0 */
static uint32_t server;
static uint32_t worker;

static const char *const ring_names[HISTORY_RINGS] = {"billing", "search"};

static uint32_t hand_out(uint32_t serial, uint32_t version, int64_t expires_wall_ms)
{
    const sealring_issued issued = {
        .serial = serial, .version = version, .expires = expires_wall_ms, .credential = "soak_x"};
    return history_add_credential(history, 0, 0, &issued, AT(1));
}

static void setup(void)
{
    const struct history_limits limits = {
        .keys = 4, .credentials = 16, .acts = 16, .lives = 4, .moments = 8, .findings = 16};
    history = history_new(&limits);
    ck_assert_ptr_nonnull(history);
    history->lease = AT(LEASE_MS);
    history->quiet = AT(1000);
    history->clock_slack = AT(SLACK_MS);
    for (int i = 0; i < HISTORY_RINGS; i++)
        history->ring_names[i] = ring_names[i];
    ck_assert_uint_eq(history_add_key(history, 0, "0123456789abcdef"), 0);
    credential = hand_out(1, 1, 0);
    server = history_add_life(history, LIFE_SERVER, 0, 1);
    worker = history_add_life(history, LIFE_WORKER, 3, 1);
}

static void teardown(void)
{
    checker_free(checker);
    checker = NULL;
    history_free(history);
}

/* ---- making up what happened, in milliseconds ---- */

static struct history_act *add(enum history_kind kind, int64_t begun, int64_t committed, int64_t effective)
{
    const uint32_t version = kind == ACT_RETIRE || kind == ACT_REINSTATE || kind == ACT_COMPROMISE;
    struct history_act act = {
        .kind = kind,
        .version = version,
        .key = version ? HISTORY_NONE : 0,
        .epoch = 10 + atomic_load(&history->act_count),
        .begun = AT(begun),
        .committed = AT(committed),
        .effective = AT(effective),
        .waited = effective != 0,
    };
    return &history->acts[history_add_act(history, &act)];
}

static void ask_as(uint32_t life, uint32_t index, int64_t before, int64_t after, sealring_verdict verdict,
                   uint8_t scope, enum cause cause)
{
    struct answer answer = {.after = AT(after),
                            .credential = index,
                            .life = life,
                            .scope = scope,
                            .cause = (uint8_t)cause,
                            .verdict = (uint8_t)verdict};
    atomic_store(&answer.before, AT(before));
    if (checker == NULL)
        checker = checker_new(history);
    ck_assert_ptr_nonnull(checker);
    checker_take(checker, &answer);
}

static void ask(int64_t before, int64_t after, sealring_verdict verdict)
{
    ask_as(server, credential, before, after, verdict, SCOPE_WRITE, CAUSE_NONE);
}

/* How often a rule was broken; nothing else may have been. */
static void expect(enum rule rule, uint32_t times)
{
    for (enum rule each = 0; each < RULES; each++)
        ck_assert_msg(atomic_load(&history->finding_total[each]) == (each == rule ? times : 0),
                      "\"%s\" is broken %u times", rule_name(each), atomic_load(&history->finding_total[each]));
}

static void expect_nothing(void)
{
    expect(RULES, 0);
}

/* ---- closing ---- */

static const struct closing {
    enum history_kind kind;
    sealring_verdict verdict;
} closings[] = {
    {ACT_REVOKE, SEALRING_REJECTED_REVOKED},
    {ACT_SUSPEND, SEALRING_REJECTED_SUSPENDED},
    {ACT_NARROW, SEALRING_REJECTED_SCOPE},
    {ACT_RETIRE, SEALRING_REJECTED_VERSION_RETIRED},
    {ACT_COMPROMISE, SEALRING_REJECTED_VERSION_COMPROMISED},
    {ACT_REKEY, SEALRING_REJECTED_REVOKED},
};
enum { CLOSINGS = sizeof closings / sizeof *closings };

static void close_by(const struct closing *closing, int64_t begun, int64_t committed, int64_t effective)
{
    struct history_act *act = add(closing->kind, begun, committed, effective);
    act->serial = 2;
    act->overruled = true; /* the gate's rule is another test's */
}

START_TEST(accepted_by_a_call_that_began_after_effective)
{
    close_by(&closings[_i], 5000, 5010, 5050);
    ask(5051, 5052, SEALRING_ACCEPTED);
    expect(RULE_ACCEPTANCE, 1);
}
END_TEST

START_TEST(accepted_a_lease_after_a_commit_that_nobody_waited_for)
{
    close_by(&closings[_i], 5000, 5010, 0);
    ask(5010 + SURELY_MS + 1, 9000, SEALRING_ACCEPTED);
    expect(RULE_ACCEPTANCE, 1);
}
END_TEST

START_TEST(accepted_a_lease_after_a_commit_though_effective_was_told_later)
{
    close_by(&closings[_i], 5000, 5010, 20000);
    ask(5010 + SURELY_MS + 1, 9000, SEALRING_ACCEPTED);
    expect(RULE_ACCEPTANCE, 1);
}
END_TEST

START_TEST(rejected_before_its_closing_began)
{
    close_by(&closings[_i], 5000, 5010, 5050);
    ask(4990, 4999, closings[_i].verdict);
    expect(RULE_REJECTION, 1);
}
END_TEST

START_TEST(either_is_right_while_a_closing_goes_on)
{
    close_by(&closings[_i], 5000, 5010, 5050);
    ask(4990, 5001, closings[_i].verdict);
    ask(4990, 4999, SEALRING_ACCEPTED);
    ask(5049, 9000, SEALRING_ACCEPTED);
    ask(5051, 5052, closings[_i].verdict);
    expect_nothing();
}
END_TEST

START_TEST(rejected_for_another_reason_than_there_is)
{
    const sealring_verdict wrong[] = {SEALRING_REJECTED_UNKNOWN, SEALRING_REJECTED_BAD_SECRET,
                                      SEALRING_REJECTED_MALFORMED, SEALRING_REJECTED_EXPIRED,
                                      SEALRING_REJECTED_NOT_YET_VALID};
    close_by(&closings[_i], 5000, 5010, 5050);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ask(5051, 5052, wrong[i]);
    expect(RULE_REJECTION, sizeof wrong / sizeof *wrong);
}
END_TEST

START_TEST(what_was_refused_changes_nothing)
{
    close_by(&closings[_i], 5000, 5010, 0);
    history->acts[0].epoch = 0;
    ask(9000, 9001, SEALRING_ACCEPTED);
    ask(9002, 9003, closings[_i].verdict);
    expect(RULE_REJECTION, 1);
}
END_TEST

/* ---- opening again ---- */

static const struct opening {
    enum history_kind closing;
    enum history_kind opening;
    sealring_verdict verdict;
} openings[] = {
    {ACT_SUSPEND, ACT_RESUME, SEALRING_REJECTED_SUSPENDED},
    {ACT_RETIRE, ACT_REINSTATE, SEALRING_REJECTED_VERSION_RETIRED},
};

START_TEST(rejected_after_it_was_opened_again)
{
    add(openings[_i].closing, 5000, 5010, 5050)->overruled = true;
    add(openings[_i].opening, 6000, 6010, 6050);
    ask(6051, 6052, openings[_i].verdict);
    expect(RULE_REJECTION, 1);
}
END_TEST

START_TEST(accepted_before_it_was_opened_again)
{
    add(openings[_i].closing, 5000, 5010, 5050)->overruled = true;
    add(openings[_i].opening, 6000, 6010, 6050);
    ask(5900, 5999, SEALRING_ACCEPTED);
    ask(5900, 6001, SEALRING_ACCEPTED); /* the opening was on its way */
    expect(RULE_ACCEPTANCE, 1);
}
END_TEST

START_TEST(commits_count_in_the_order_of_their_epochs)
{
    struct history_act *resumed =
        add(ACT_RESUME, 5000, 5100, 5200); /* begun first, waited for the lock, committed last */
    struct history_act *suspended = add(ACT_SUSPEND, 5001, 5050, 0);
    resumed->epoch = 11;
    suspended->epoch = 10;
    ask(5201, 5202, SEALRING_ACCEPTED);
    ask(5203, 5204, SEALRING_REJECTED_SUSPENDED);
    expect(RULE_REJECTION, 1);
}
END_TEST

/* ---- rekey and expiry: ends that a clock brings ---- */

START_TEST(a_rekey_with_overlap_ends_the_older_one_after_it)
{
    struct history_act *act = add(ACT_REKEY, 5000, 5010, 5050);
    act->serial = 2;
    act->overlap_ms = 2000;
    ask(7000 + SLACK_MS + 11, 7200, SEALRING_ACCEPTED);
    expect(RULE_ACCEPTANCE, 1);
    ask(6000, 7000 + SLACK_MS, SEALRING_ACCEPTED);
    ask(7000 - SLACK_MS, 7200, SEALRING_REJECTED_REVOKED);
    expect(RULE_ACCEPTANCE, 1);
}
END_TEST

START_TEST(a_rekey_with_overlap_does_not_end_it_before)
{
    struct history_act *act = add(ACT_REKEY, 5000, 5010, 5050);
    act->serial = 2;
    act->overlap_ms = 2000;
    ask(6000, 7000 - SLACK_MS - 1, SEALRING_REJECTED_REVOKED);
    expect(RULE_REJECTION, 1);
}
END_TEST

START_TEST(a_rekey_ends_the_older_ones_only)
{
    struct history_act *act = add(ACT_REKEY, 5000, 5010, 5050);
    uint32_t successor = hand_out(2, 1, 0);
    act->serial = 2;
    ask_as(server, successor, 6000, 6001, SEALRING_ACCEPTED, SCOPE_NONE, CAUSE_NONE);
    expect_nothing();
    ask_as(server, successor, 6000, 6001, SEALRING_REJECTED_REVOKED, SCOPE_NONE, CAUSE_NONE);
    expect(RULE_REJECTION, 1);
}
END_TEST

START_TEST(an_expiry_is_kept_to)
{
    uint32_t short_lived = hand_out(2, 1, 5000);
    ask_as(server, short_lived, 5000 - SLACK_MS - 10, 5000 - SLACK_MS - 1, SEALRING_ACCEPTED, SCOPE_NONE, CAUSE_NONE);
    ask_as(server, short_lived, 5000 + SLACK_MS, 9000, SEALRING_REJECTED_EXPIRED, SCOPE_NONE, CAUSE_NONE);
    expect_nothing();
    ask_as(server, short_lived, 5000 + SLACK_MS, 9000, SEALRING_ACCEPTED, SCOPE_NONE, CAUSE_NONE);
    expect(RULE_ACCEPTANCE, 1);
}
END_TEST

START_TEST(expired_before_its_expiry)
{
    uint32_t short_lived = hand_out(2, 1, 5000);
    ask_as(server, short_lived, 4000, 5000 - SLACK_MS - 1, SEALRING_REJECTED_EXPIRED, SCOPE_NONE, CAUSE_NONE);
    expect(RULE_REJECTION, 1);
}
END_TEST

START_TEST(a_narrowed_key_keeps_the_scope_that_was_left)
{
    add(ACT_NARROW, 5000, 5010, 5050);
    ask_as(server, credential, 6000, 6001, SEALRING_ACCEPTED, SCOPE_READ, CAUSE_NONE);
    expect_nothing();
    ask_as(server, credential, 6000, 6001, SEALRING_REJECTED_SCOPE, SCOPE_READ, CAUSE_NONE);
    expect(RULE_REJECTION, 1);
}
END_TEST

/* ---- no verdict ---- */

static void miss(uint32_t life, int64_t before, int64_t after, enum cause cause)
{
    ask_as(life, credential, before, after, SEALRING_UNAVAILABLE, SCOPE_NONE, cause);
}

static void add_moment(enum moment_kind kind, uint32_t life, int64_t before, int64_t after)
{
    history_add_moment(history, kind, life, AT(before));
    history->moments[atomic_load(&history->moment_count) - 1].after = AT(after);
}

START_TEST(no_verdict_for_no_reason)
{
    miss(server, 5000, 5001, CAUSE_OTHER);
    miss(server, 5002, 5003, CAUSE_REFUSED);
    miss(server, 5004, 5005, CAUSE_JOINING);
    expect(RULE_UNAVAILABLE, 3);
}
END_TEST

START_TEST(no_verdict_as_is_allowed)
{
    add(ACT_COMPROMISE, 6000, 6010, 6050);
    add_moment(MOMENT_STOP, server, 5000, 5010);
    add_moment(MOMENT_CONTINUE, server, 8000, 8010);
    miss(server, 8011, 8012, CAUSE_LEASE);
    miss(worker, 5000, 5001, CAUSE_JOINING);
    miss(worker, 6001, 6002, CAUSE_REFUSED);
    miss(worker, 8011, 8012, CAUSE_LEASE); /* it was not stopped: only counted */
    checker_finish(checker);
    expect_nothing();
    const struct checker_totals *totals = checker_totals(checker);
    ck_assert_uint_eq(totals->unavailable, 4);
    ck_assert_uint_eq(totals->stopped, 1);
    ck_assert_uint_eq(totals->joining, 1);
    ck_assert_uint_eq(totals->closing, 1);
    ck_assert_uint_eq(totals->late, 1);
}
END_TEST

START_TEST(leases_run_out_too_often)
{
    for (int i = 0; i < 900; i++)
        ask(5000 + i, 5000 + i, SEALRING_ACCEPTED);
    for (int i = 0; i < 200; i++)
        miss(server, 6000, 6001, CAUSE_LEASE);
    checker_finish(checker);
    expect(RULE_UNAVAILABLE, 1);
}
END_TEST

/* ---- the gate ---- */

START_TEST(retired_with_a_use_in_the_quiet_period)
{
    add(ACT_RETIRE, 5000, 5010, 5050);
    ask(4900, 4901, SEALRING_ACCEPTED);
    expect(RULE_QUIET, 1);
}
END_TEST

START_TEST(retired_with_a_rejected_use_in_the_quiet_period)
{
    add(ACT_NARROW, 1000, 1001, 1002);
    add(ACT_RETIRE, 5000, 5010, 5050);
    ask(4900, 4901, SEALRING_REJECTED_SCOPE);
    expect(RULE_QUIET, 1);
}
END_TEST

START_TEST(retired_as_it_should_be)
{
    add(ACT_RETIRE, 5000, 5010, 5050);
    ask(3000, 5010 - 1000 + SLACK_MS - 1, SEALRING_ACCEPTED);
    ask(4999, 5001, SEALRING_ACCEPTED); /* may have come after the gate was asked */
    miss(server, 4900, 4901, CAUSE_LEASE);
    expect_nothing();
}
END_TEST

START_TEST(a_human_may_retire_what_is_in_use)
{
    add(ACT_RETIRE, 5000, 5010, 5050)->overruled = true;
    ask(4900, 4901, SEALRING_ACCEPTED);
    expect_nothing();
}
END_TEST

/* ---- counts ---- */

static struct counts answered;
static struct counts reported;

static void answer_times(unsigned times, sealring_verdict verdict)
{
    struct answer answer = {.credential = credential, .verdict = (uint8_t)verdict};
    for (unsigned i = 0; i < times; i++)
        counts_answer(&answered, &answer);
}

/* What is right: 5 accepted, 3 rejected as closed of which the version has 2, one call cut. */
static void count_rightly(void)
{
    ck_assert(counts_new(history, &answered) && counts_new(history, &reported));
    answer_times(5, SEALRING_ACCEPTED);
    answer_times(3, SEALRING_REJECTED_REVOKED);
    answer_times(2, SEALRING_UNAVAILABLE);
    reported.credentials[credential][USE_ACCEPTED] = 5;
    reported.credentials[credential][USE_CLOSED] = 1;
    reported.versions[0][1][USE_CLOSED] = 2;
    reported.verdicts[SEALRING_ACCEPTED] = 5;
    reported.verdicts[SEALRING_REJECTED_REVOKED] = 3;
}

static uint32_t compare_counts(void)
{
    counts_compare(history, &answered, &reported);
    counts_free(&answered);
    counts_free(&reported);
    uint32_t found = atomic_load(&history->finding_total[RULE_COUNTS]);
    expect(RULE_COUNTS, found);
    return found;
}

START_TEST(counts_that_agree)
{
    count_rightly();
    ck_assert_uint_eq(compare_counts(), 0);
}
END_TEST

START_TEST(a_cut_call_is_counted_or_not)
{
    count_rightly();
    answer_times(1, SEALRING_UNDECIDED);
    reported.credentials[credential][USE_ACCEPTED] += (unsigned)_i;
    reported.verdicts[SEALRING_ACCEPTED] += (unsigned)_i;
    ck_assert_uint_eq(compare_counts(), _i < 2 ? 0 : 3);
}
END_TEST

START_TEST(counts_that_are_off_by_one)
{
    count_rightly();
    uint64_t *counters[] = {&reported.credentials[credential][USE_ACCEPTED],
                            &reported.credentials[credential][USE_CLOSED],
                            &reported.credentials[credential][USE_EXPIRED],
                            &reported.versions[0][1][USE_CLOSED],
                            &reported.versions[1][1][USE_CLOSED],
                            &reported.verdicts[SEALRING_ACCEPTED],
                            &reported.verdicts[SEALRING_REJECTED_EXPIRED]};
    ++*counters[_i];
    ck_assert_uint_gt(compare_counts(), 0);
}
END_TEST

START_TEST(counts_that_are_one_short)
{
    count_rightly();
    uint64_t *counters[] = {&reported.credentials[credential][USE_ACCEPTED],
                            &reported.credentials[credential][USE_CLOSED], &reported.versions[0][1][USE_CLOSED],
                            &reported.verdicts[SEALRING_ACCEPTED], &reported.verdicts[SEALRING_REJECTED_REVOKED]};
    --*counters[_i];
    ck_assert_uint_gt(compare_counts(), 0);
}
END_TEST

START_TEST(uses_without_a_record)
{
    count_rightly();
    if (_i == 0)
        reported.without_detail = 1;
    else
        reported.strange = 1;
    ck_assert_uint_eq(compare_counts(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("soak_checker");
    TCase *history_case = tcase_create("history");
    TCase *counts_case = tcase_create("counts");
    tcase_add_checked_fixture(history_case, setup, teardown);
    tcase_add_checked_fixture(counts_case, setup, teardown);
    tcase_add_loop_test(history_case, accepted_by_a_call_that_began_after_effective, 0, CLOSINGS);
    tcase_add_loop_test(history_case, accepted_a_lease_after_a_commit_that_nobody_waited_for, 0, CLOSINGS);
    tcase_add_loop_test(history_case, accepted_a_lease_after_a_commit_though_effective_was_told_later, 0, CLOSINGS);
    tcase_add_loop_test(history_case, rejected_before_its_closing_began, 0, CLOSINGS);
    tcase_add_loop_test(history_case, either_is_right_while_a_closing_goes_on, 0, CLOSINGS);
    tcase_add_loop_test(history_case, rejected_for_another_reason_than_there_is, 0, CLOSINGS);
    tcase_add_loop_test(history_case, what_was_refused_changes_nothing, 0, CLOSINGS);
    tcase_add_loop_test(history_case, rejected_after_it_was_opened_again, 0, 2);
    tcase_add_loop_test(history_case, accepted_before_it_was_opened_again, 0, 2);
    tcase_add_test(history_case, commits_count_in_the_order_of_their_epochs);
    tcase_add_test(history_case, a_rekey_with_overlap_ends_the_older_one_after_it);
    tcase_add_test(history_case, a_rekey_with_overlap_does_not_end_it_before);
    tcase_add_test(history_case, a_rekey_ends_the_older_ones_only);
    tcase_add_test(history_case, an_expiry_is_kept_to);
    tcase_add_test(history_case, expired_before_its_expiry);
    tcase_add_test(history_case, a_narrowed_key_keeps_the_scope_that_was_left);
    tcase_add_test(history_case, no_verdict_for_no_reason);
    tcase_add_test(history_case, no_verdict_as_is_allowed);
    tcase_add_test(history_case, leases_run_out_too_often);
    tcase_add_test(history_case, retired_with_a_use_in_the_quiet_period);
    tcase_add_test(history_case, retired_with_a_rejected_use_in_the_quiet_period);
    tcase_add_test(history_case, retired_as_it_should_be);
    tcase_add_test(history_case, a_human_may_retire_what_is_in_use);
    tcase_add_test(counts_case, counts_that_agree);
    tcase_add_loop_test(counts_case, a_cut_call_is_counted_or_not, 0, 3);
    tcase_add_loop_test(counts_case, counts_that_are_off_by_one, 0, 7);
    tcase_add_loop_test(counts_case, counts_that_are_one_short, 0, 5);
    tcase_add_loop_test(counts_case, uses_without_a_record, 0, 2);
    suite_add_tcase(suite, history_case);
    suite_add_tcase(suite, counts_case);
    return run_suite(suite);
}
