/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's policy: defaults, which fields are applied, and every bound from both sides. */
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/policy.h"

#define DAY INT64_C(86400000)

#define LEASE      INT64_C(60000)
#define PUBLISHING INT64_C(61600) /* its x 1.01 + 1 s */

static char problem[POLICY_PROBLEM_SIZE];

static const char *problem_of(const sealring_policy *policy)
{
    memset(problem, 'x', sizeof(problem));
    const char *wrong = policy_problem(policy, LEASE, problem);
    ck_assert(wrong == NULL || (wrong == problem && strnlen(problem, sizeof(problem)) < sizeof(problem)));
    return wrong;
}

static sealring_policy default_policy(void)
{
    sealring_policy policy;

    policy_defaults(&policy);
    return policy;
}

START_TEST(defaults_are_as_documented)
{
    sealring_policy policy;

    memset(&policy, 0xA5, sizeof(policy));
    policy_defaults(&policy);
    ck_assert_int_eq(policy.overlap, 7 * DAY);
    ck_assert_int_eq(policy.purge_delay, 30 * DAY);
    ck_assert_uint_eq(policy.keep, 3);
    ck_assert_int_eq(policy.rotate_every, 0);
    ck_assert_int_eq(policy.quiet_period, DAY);
    ck_assert(!policy.standby);
    ck_assert(!policy.idle_blocks);
    ck_assert_int_eq(policy.usage_hourly, 7 * DAY);
    ck_assert_int_eq(policy.usage_daily, 400 * DAY);
    ck_assert_int_eq(policy.succession, 400 * DAY);
    ck_assert_int_eq(policy.renew, SEALRING_RENEW_OFF);
    ck_assert_int_eq(policy.renew_life, 0);
    ck_assert_int_eq(policy.renew_age, 400 * DAY);
    ck_assert_ptr_null(problem_of(&policy));
}
END_TEST

/* ---- Each member by itself -------------------------------------------------------------------------------------------- */

enum member {
    OVERLAP,
    PURGE_DELAY,
    KEEP,
    ROTATE_EVERY,
    QUIET_PERIOD,
    USAGE_HOURLY,
    USAGE_DAILY,
    SUCCESSION,
    RENEW_LIFE,
    RENEW_AGE,
    MEMBERS
};

static void set_member(sealring_policy *policy, enum member member, int64_t value)
{
    switch (member) {
    case OVERLAP:
        policy->overlap = value;
        break;
    case PURGE_DELAY:
        policy->purge_delay = value;
        break;
    case KEEP:
        policy->keep = (uint32_t)value;
        break;
    case ROTATE_EVERY:
        policy->rotate_every = value;
        break;
    case QUIET_PERIOD:
        policy->quiet_period = value;
        break;
    case USAGE_HOURLY:
        policy->usage_hourly = value;
        break;
    case USAGE_DAILY:
        policy->usage_daily = value;
        break;
    case SUCCESSION:
        policy->succession = value;
        break;
    case RENEW_LIFE:
        policy->renew_life = value;
        break;
    default:
        policy->renew_age = value;
    }
}

/* The least and the most of each that a policy may hold whose other members are the defaults, and the words that a problem names it
 * by. */
static const struct {
    enum member member;
    int64_t least;
    int64_t most;
    const char *names;
} bounds[] = {
    {OVERLAP, 1000, 3650 * DAY, "the overlap must be 1s to 3650d"},
    {PURGE_DELAY, 0, 3650 * DAY, "the purge delay must be 0s to 3650d"},
    {KEEP, 1, 100, "keep must be 1 to 100"},
    {ROTATE_EVERY, 0, 3650 * DAY, "rotate-every must be at most 3650d, or 0s"},
    {QUIET_PERIOD, 1000, 3650 * DAY, "the quiet period must be 1s to 3650d"},
    {USAGE_HOURLY, DAY, 400 * DAY, "usage by the hour is kept for 1d to 400d"},
    {USAGE_DAILY, 7 * DAY, 3650 * DAY,
     "usage by the day is kept at least as long as usage by the hour, and at most 3650d"},
    {SUCCESSION, DAY, 3650 * DAY, "succession must be 1d to 3650d, or off"},
    {RENEW_LIFE, 60000, 3650 * DAY, "renew-life must be 1m to 3650d, or 0s"},
    {RENEW_AGE, 60000, 3650 * DAY, "renew-age must be 1m to 3650d, or off"},
};

START_TEST(bounds_are_inclusive)
{
    sealring_policy policy = default_policy();

    set_member(&policy, bounds[_i].member, bounds[_i].least);
    ck_assert_ptr_null(problem_of(&policy));
    set_member(&policy, bounds[_i].member, bounds[_i].most);
    ck_assert_ptr_null(problem_of(&policy));
}
END_TEST

START_TEST(out_of_bounds_is_named)
{
    const int64_t absurd[] = {bounds[_i].least - 1, bounds[_i].most + 1, -1, INT64_MIN, INT64_MAX};
    sealring_policy policy = default_policy();

    for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
        if (bounds[_i].member == KEEP && absurd[i] == INT64_MIN)
            continue; /* not its type */
        set_member(&policy, bounds[_i].member, absurd[i]);
        ck_assert_ptr_nonnull(problem_of(&policy));
        ck_assert_msg(strstr(problem, bounds[_i].names) == problem, "%s", problem);
    }
}
END_TEST

/* Rotating by hand is 0, and so is the succession of a ring that was made before there was one; everything else that is zero is an error. */
START_TEST(zero)
{
    static const bool may_be_zero[MEMBERS] = {
        [PURGE_DELAY] = true, [ROTATE_EVERY] = true, [SUCCESSION] = true, [RENEW_LIFE] = true, [RENEW_AGE] = true};
    sealring_policy policy = default_policy();

    set_member(&policy, (enum member)_i, 0);
    ck_assert_int_eq(problem_of(&policy) == NULL, may_be_zero[_i]);
}
END_TEST

START_TEST(usage_by_the_day_outlasts_the_hours)
{
    sealring_policy policy = default_policy();

    policy.usage_hourly = policy.usage_daily = 30 * DAY;
    ck_assert_ptr_null(problem_of(&policy));
    policy.usage_hourly++;
    ck_assert_ptr_nonnull(problem_of(&policy));
}
END_TEST

/* ---- What a version can live through ------------------------------------------------------------------------------------ */

START_TEST(rotation_is_slower_than_publishing)
{
    sealring_policy policy = default_policy();

    policy.overlap = policy.quiet_period = 1000; /* so that nothing else is in the way */
    policy.rotate_every = PUBLISHING + 1;
    ck_assert_ptr_null(problem_of(&policy));
    policy.rotate_every = PUBLISHING;
    ck_assert_str_eq(
        problem_of(&policy),
        "publishing a version may take up to 1m2s (the lease of a silent verifier, x 1.01 + 1 s), so rotating "
        "every 1m1600ms would want the next one before that: rotate every 1m2s or less often");
    policy.rotate_every = 62000;
    ck_assert_ptr_null(problem_of(&policy));
    policy.rotate_every = 1;
    ck_assert_ptr_nonnull(problem_of(&policy));
    /* another lease, another bound */
    policy.rotate_every = 2011;
    ck_assert_ptr_null(policy_problem(&policy, 1000, problem));
    policy.rotate_every = 2010;
    ck_assert_ptr_nonnull(policy_problem(&policy, 1000, problem));
    ck_assert_ptr_nonnull(strstr(problem, "rotate every 3s or less often"));
    policy.rotate_every = 3650 * DAY;
    ck_assert_ptr_nonnull(policy_problem(&policy, INT64_MAX, problem)); /* a damaged vault row */
    policy.rotate_every = 1001;
    ck_assert_ptr_null(policy_problem(&policy, INT64_MIN, problem));
}
END_TEST

START_TEST(predecessors_alive_are_kept)
{
    sealring_policy policy = default_policy();

    /* 7d / 3d + 1 = 3 */
    policy.rotate_every = 3 * DAY;
    ck_assert_ptr_null(problem_of(&policy));
    policy.keep = 2;
    ck_assert_str_eq(
        problem_of(&policy),
        "a predecessor lives 7d (the longer of overlap and quiet period), so rotating every 3d has 3 of them "
        "alive at once (7d / 3d + 1), and keep is 2: rotate every 3d12h1s or less often, or keep 3");
    /* what it says does help, and a second less does not */
    policy.rotate_every = 7 * DAY / 2 + 1000;
    ck_assert_ptr_null(problem_of(&policy));
    policy.rotate_every = 7 * DAY / 2;
    ck_assert_ptr_nonnull(problem_of(&policy));
    policy.keep = 3;
    ck_assert_ptr_null(problem_of(&policy));
    /* rotating as often as the overlap is long: the old one's end and the next one's beginning meet */
    policy.rotate_every = 7 * DAY;
    policy.keep = 1;
    ck_assert_ptr_nonnull(problem_of(&policy));
    policy.rotate_every = 7 * DAY + 1;
    ck_assert_ptr_null(problem_of(&policy));
}
END_TEST

START_TEST(a_long_quiet_period_counts_like_an_overlap)
{
    sealring_policy policy = default_policy();

    policy.rotate_every = 10 * DAY;
    policy.quiet_period = 30 * DAY;
    ck_assert_int_eq(policy_predecessor_life(&policy), 30 * DAY);
    ck_assert_ptr_nonnull(problem_of(&policy));
    ck_assert_ptr_nonnull(strstr(problem, "a predecessor lives 30d"));
    ck_assert_ptr_nonnull(strstr(problem, "30d / 10d + 1"));
    policy.keep = 4;
    ck_assert_ptr_null(problem_of(&policy));
    policy.quiet_period = DAY;
    ck_assert_int_eq(policy_predecessor_life(&policy), 7 * DAY);
}
END_TEST

/* Only what the bounds allow is proposed. */
START_TEST(ways_out_are_within_the_bounds)
{
    sealring_policy policy = default_policy();

    policy.rotate_every = PUBLISHING + 1; /* every minute, for a week */
    ck_assert_ptr_nonnull(problem_of(&policy));
    ck_assert_ptr_nonnull(strstr(problem, "keep is 3: rotate every 2d8h1s or less often"));
    ck_assert_ptr_null(strstr(problem, ", or keep"));
    policy.overlap = policy.rotate_every = 3650 * DAY;
    policy.keep = 1;
    ck_assert_ptr_nonnull(problem_of(&policy));
    ck_assert_ptr_nonnull(strstr(problem, "keep is 1: keep 2"));
    policy.keep = 2;
    ck_assert_ptr_null(problem_of(&policy));
}
END_TEST

START_TEST(the_longest_sentence_fits)
{
    sealring_policy policy = default_policy();

    policy.overlap = 3649 * DAY + 86399999;
    policy.rotate_every = 36 * DAY + 86399999;
    policy.keep = 98;
    ck_assert_ptr_nonnull(problem_of(&policy));
    ck_assert_ptr_nonnull(strstr(problem, "or keep 99"));
}
END_TEST

/* ---- Applying ----------------------------------------------------------------------------------------------------------- */

START_TEST(only_named_fields_are_applied)
{
    const sealring_policy from = {.overlap = 11,
                                  .purge_delay = 12,
                                  .keep = 13,
                                  .rotate_every = 14,
                                  .quiet_period = 15,
                                  .standby = true,
                                  .idle_blocks = true,
                                  .usage_hourly = 16,
                                  .usage_daily = 17,
                                  .succession = 18,
                                  .renew = SEALRING_RENEW_SEALED,
                                  .renew_life = 19,
                                  .renew_age = 20,
                                  .deliver = SEALRING_DELIVER_SEALED,
                                  .leaks = SEALRING_LEAKS_REKEY};

    for (unsigned fields = 0; fields < 2 * SEALRING_POLICY_LEAKS; fields++) {
        sealring_policy policy = {.overlap = 1,
                                  .purge_delay = 2,
                                  .keep = 3,
                                  .rotate_every = 4,
                                  .quiet_period = 5,
                                  .usage_hourly = 6,
                                  .usage_daily = 7,
                                  .succession = 8,
                                  .renew = SEALRING_RENEW_BEARER,
                                  .renew_life = 9,
                                  .renew_age = 10,
                                  .deliver = SEALRING_DELIVER_HOOK,
                                  .leaks = SEALRING_LEAKS_SUSPEND};
        policy_apply(&policy, &from, fields);
        ck_assert_int_eq(policy.overlap, fields & SEALRING_POLICY_OVERLAP ? 11 : 1);
        ck_assert_int_eq(policy.purge_delay, fields & SEALRING_POLICY_PURGE_DELAY ? 12 : 2);
        ck_assert_uint_eq(policy.keep, fields & SEALRING_POLICY_KEEP ? 13 : 3);
        ck_assert_int_eq(policy.rotate_every, fields & SEALRING_POLICY_ROTATE_EVERY ? 14 : 4);
        ck_assert_int_eq(policy.quiet_period, fields & SEALRING_POLICY_QUIET_PERIOD ? 15 : 5);
        ck_assert_int_eq(policy.standby, (fields & SEALRING_POLICY_STANDBY) != 0);
        ck_assert_int_eq(policy.idle_blocks, (fields & SEALRING_POLICY_IDLE_BLOCKS) != 0);
        ck_assert_int_eq(policy.usage_hourly, fields & SEALRING_POLICY_USAGE_HOURLY ? 16 : 6);
        ck_assert_int_eq(policy.usage_daily, fields & SEALRING_POLICY_USAGE_DAILY ? 17 : 7);
        ck_assert_int_eq(policy.succession, fields & SEALRING_POLICY_SUCCESSION ? 18 : 8);
        ck_assert_int_eq(policy.renew, fields & SEALRING_POLICY_RENEW ? SEALRING_RENEW_SEALED : SEALRING_RENEW_BEARER);
        ck_assert_int_eq(policy.renew_life, fields & SEALRING_POLICY_RENEW_LIFE ? 19 : 9);
        ck_assert_int_eq(policy.renew_age, fields & SEALRING_POLICY_RENEW_AGE ? 20 : 10);
        ck_assert_int_eq(policy.deliver,
                         fields & SEALRING_POLICY_DELIVER ? SEALRING_DELIVER_SEALED : SEALRING_DELIVER_HOOK);
        ck_assert_int_eq(policy.leaks, fields & SEALRING_POLICY_LEAKS ? SEALRING_LEAKS_REKEY : SEALRING_LEAKS_SUSPEND);
    }
}
END_TEST

START_TEST(succession_has_a_default_and_can_be_off)
{
    sealring_policy policy = default_policy();

    ck_assert_int_eq(policy_succession(&policy), 400 * DAY);
    policy.succession = 0;
    ck_assert_int_eq(policy_succession(&policy), 400 * DAY);
    policy.succession = SEALRING_SUCCESSION_OFF;
    ck_assert_int_eq(policy_succession(&policy), 0);
    ck_assert_ptr_null(problem_of(&policy));
    policy_apply(&policy, &(sealring_policy){.succession = 0}, SEALRING_POLICY_SUCCESSION);
    ck_assert_int_eq(policy.succession, 400 * DAY);
}
END_TEST

START_TEST(the_age_of_renewals_has_a_default_and_can_be_off)
{
    sealring_policy policy = default_policy();

    ck_assert_int_eq(policy_renew_age(&policy), 400 * DAY);
    policy.renew_age = 0;
    ck_assert_int_eq(policy_renew_age(&policy), 400 * DAY);
    policy.renew_age = SEALRING_RENEW_AGE_OFF;
    ck_assert_int_eq(policy_renew_age(&policy), 0);
    ck_assert_ptr_null(problem_of(&policy));
    policy_apply(&policy, &(sealring_policy){.renew_age = 0}, SEALRING_POLICY_RENEW_AGE);
    ck_assert_int_eq(policy.renew_age, 400 * DAY);
    policy.renew = (sealring_renew_mode)3;
    ck_assert_str_eq(problem_of(&policy), "renew must be off, bearer or sealed");
}
END_TEST

START_TEST(modes_are_some)
{
    sealring_policy policy = default_policy();

    ck_assert_int_eq(policy.deliver, SEALRING_DELIVER_NONE);
    ck_assert_int_eq(policy.leaks, SEALRING_LEAKS_ALARM);
    policy.deliver = (sealring_deliver_mode)4;
    ck_assert_str_eq(problem_of(&policy), "deliver must be none, notify, sealed or hook");
    policy.deliver = SEALRING_DELIVER_HOOK;
    ck_assert_ptr_null(problem_of(&policy));
    policy.leaks = (sealring_leaks_mode)3;
    ck_assert_str_eq(problem_of(&policy), "leaks must be alarm, suspend or rekey");
    policy.leaks = SEALRING_LEAKS_REKEY;
    ck_assert_ptr_null(problem_of(&policy));
}
END_TEST

START_TEST(a_switch_can_be_turned_off)
{
    const sealring_policy from = {.standby = false, .idle_blocks = false};
    sealring_policy policy = {.standby = true, .idle_blocks = true};

    policy_apply(&policy, &from, SEALRING_POLICY_STANDBY | SEALRING_POLICY_IDLE_BLOCKS);
    ck_assert(!policy.standby && !policy.idle_blocks);
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
    tcase_add_loop_test(cases, bounds_are_inclusive, 0, MEMBERS);
    tcase_add_loop_test(cases, out_of_bounds_is_named, 0, MEMBERS);
    tcase_add_loop_test(cases, zero, 0, MEMBERS);
    tcase_add_test(cases, usage_by_the_day_outlasts_the_hours);
    tcase_add_test(cases, rotation_is_slower_than_publishing);
    tcase_add_test(cases, predecessors_alive_are_kept);
    tcase_add_test(cases, a_long_quiet_period_counts_like_an_overlap);
    tcase_add_test(cases, ways_out_are_within_the_bounds);
    tcase_add_test(cases, the_longest_sentence_fits);
    tcase_add_test(cases, only_named_fields_are_applied);
    tcase_add_test(cases, succession_has_a_default_and_can_be_off);
    tcase_add_test(cases, the_age_of_renewals_has_a_default_and_can_be_off);
    tcase_add_test(cases, modes_are_some);
    tcase_add_test(cases, a_switch_can_be_turned_off);
    tcase_add_test(cases, nothing_to_apply_may_be_null);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
