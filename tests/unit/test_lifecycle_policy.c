/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's policy: defaults, which fields are applied, and every bound from both sides. */
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/policy.h"

#define DAY INT64_C(86400000)

static const char *problem_of(int64_t overlap, int64_t purge_delay, uint32_t keep)
{
    static char text[POLICY_PROBLEM_SIZE];
    sealring_policy policy;

    policy_defaults(&policy);
    policy.overlap = overlap;
    policy.purge_delay = purge_delay;
    policy.keep = keep;
    memset(text, 'x', sizeof(text));
    return policy_problem(&policy, 60000, text);
}

START_TEST(defaults_are_as_documented)
{
    sealring_policy policy;
    char problem[POLICY_PROBLEM_SIZE];

    memset(&policy, 0xA5, sizeof(policy));
    policy_defaults(&policy);
    ck_assert_int_eq(policy.overlap, 7 * DAY);
    ck_assert_int_eq(policy.purge_delay, 30 * DAY);
    ck_assert_uint_eq(policy.keep, 3);
    ck_assert_ptr_null(policy_problem(&policy, 60000, problem));
}
END_TEST

START_TEST(bounds_are_inclusive)
{
    ck_assert_ptr_null(problem_of(1000, 0, 1));
    ck_assert_ptr_null(problem_of(3650 * DAY, 3650 * DAY, 100));
}
END_TEST

/* One policy with one wrong member, and the word that the problem must name. */
static const struct {
    int64_t overlap;
    int64_t purge_delay;
    uint32_t keep;
    const char *names;
} wrong[] = {
    {0, DAY, 3, "overlap"},
    {999, DAY, 3, "overlap"},
    {-1, DAY, 3, "overlap"},
    {INT64_MIN, DAY, 3, "overlap"},
    {3650 * DAY + 1, DAY, 3, "overlap"},
    {INT64_MAX, DAY, 3, "overlap"},
    {DAY, -1, 3, "purge delay"},
    {DAY, INT64_MIN, 3, "purge delay"},
    {DAY, 3650 * DAY + 1, 3, "purge delay"},
    {DAY, INT64_MAX, 3, "purge delay"},
    {DAY, DAY, 0, "keep"},
    {DAY, DAY, 101, "keep"},
    {DAY, DAY, UINT32_MAX, "keep"},
};

START_TEST(wrong_is_named)
{
    const char *problem = problem_of(wrong[_i].overlap, wrong[_i].purge_delay, wrong[_i].keep);

    ck_assert_ptr_nonnull(problem);
    ck_assert_ptr_nonnull(strstr(problem, wrong[_i].names));
    ck_assert_uint_lt(strlen(problem), POLICY_PROBLEM_SIZE);
}
END_TEST

START_TEST(only_named_fields_are_applied)
{
    const sealring_policy from = {.overlap = 11, .purge_delay = 12, .keep = 13};

    for (unsigned fields = 0; fields < 8; fields++) {
        sealring_policy policy = {.overlap = 1, .purge_delay = 2, .keep = 3};
        policy_apply(&policy, &from, fields);
        ck_assert_int_eq(policy.overlap, fields & SEALRING_POLICY_OVERLAP ? 11 : 1);
        ck_assert_int_eq(policy.purge_delay, fields & SEALRING_POLICY_PURGE_DELAY ? 12 : 2);
        ck_assert_uint_eq(policy.keep, fields & SEALRING_POLICY_KEEP ? 13 : 3);
    }
}
END_TEST

START_TEST(nothing_to_apply_may_be_null)
{
    sealring_policy policy = {.overlap = 1, .purge_delay = 2, .keep = 3};

    policy_apply(&policy, NULL, 0);
    ck_assert_int_eq(policy.overlap, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/policy");
    TCase *cases = tcase_create("policy");

    tcase_add_test(cases, defaults_are_as_documented);
    tcase_add_test(cases, bounds_are_inclusive);
    tcase_add_loop_test(cases, wrong_is_named, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
    tcase_add_test(cases, only_named_fields_are_applied);
    tcase_add_test(cases, nothing_to_apply_may_be_null);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
