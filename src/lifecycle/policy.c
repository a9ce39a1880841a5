/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's policy: its defaults and bounds, and what is wrong with one outside them. */
#include "lifecycle/policy.h"

#include <stdio.h>

#include "base/timetext.h"
#include "lifecycle/verifier_liveness.h"

#define SECOND INT64_C(1000)
#define MINUTE (INT64_C(60) * SECOND)
#define DAY    (INT64_C(86400) * SECOND)

static const sealring_policy defaults = {
    .overlap = 7 * DAY,
    .purge_delay = 30 * DAY,
    .keep = 3,
    .quiet_period = DAY,
    .usage_hourly = 7 * DAY,
    .usage_daily = 400 * DAY,
    .succession = 400 * DAY,
    .renew_age = 400 * DAY,
};

/* The bounds keep every sum of a time and a duration far below 64 bits, and keep a typo from becoming a promise. */
#define LONGEST          (3650 * DAY)
#define USAGE_HOURLY_MAX (400 * DAY)
#define KEEP_MIN         1
#define KEEP_MAX         100

void policy_defaults(sealring_policy *policy)
{
    *policy = defaults;
}

void policy_apply(sealring_policy *policy, const sealring_policy *from, unsigned fields)
{
    if (fields & SEALRING_POLICY_OVERLAP)
        policy->overlap = from->overlap;
    if (fields & SEALRING_POLICY_PURGE_DELAY)
        policy->purge_delay = from->purge_delay;
    if (fields & SEALRING_POLICY_KEEP)
        policy->keep = from->keep;
    if (fields & SEALRING_POLICY_ROTATE_EVERY)
        policy->rotate_every = from->rotate_every;
    if (fields & SEALRING_POLICY_QUIET_PERIOD)
        policy->quiet_period = from->quiet_period;
    if (fields & SEALRING_POLICY_STANDBY)
        policy->standby = from->standby;
    if (fields & SEALRING_POLICY_IDLE_BLOCKS)
        policy->idle_blocks = from->idle_blocks;
    if (fields & SEALRING_POLICY_USAGE_HOURLY)
        policy->usage_hourly = from->usage_hourly;
    if (fields & SEALRING_POLICY_USAGE_DAILY)
        policy->usage_daily = from->usage_daily;
    if (fields & SEALRING_POLICY_SUCCESSION)
        policy->succession = from->succession == 0 ? defaults.succession : from->succession;
    if (fields & SEALRING_POLICY_RENEW)
        policy->renew = from->renew;
    if (fields & SEALRING_POLICY_RENEW_LIFE)
        policy->renew_life = from->renew_life;
    if (fields & SEALRING_POLICY_RENEW_AGE)
        policy->renew_age = from->renew_age == 0 ? defaults.renew_age : from->renew_age;
    if (fields & SEALRING_POLICY_DELIVER)
        policy->deliver = from->deliver;
    if (fields & SEALRING_POLICY_LEAKS)
        policy->leaks = from->leaks;
}

static bool within(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

/* Returns whether a member is out of its bounds, as a text with its purpose. */
static const char *out_of_bounds(const sealring_policy *policy)
{
    if (!within(policy->overlap, SECOND, LONGEST))
        return "the overlap must be 1s to 3650d: within this time clients can move after a rotation";
    if (!within(policy->purge_delay, 0, LONGEST))
        return "the purge delay must be 0s to 3650d: within this time a closed version can still be examined or reinstated";
    if (policy->keep < KEEP_MIN || policy->keep > KEEP_MAX)
        return "keep must be 1 to 100: this number of predecessors may be retiring at the same time";
    if (!within(policy->rotate_every, 0, LONGEST))
        return "rotate-every must be at most 3650d, or 0s for rotating by hand only";
    if (!within(policy->quiet_period, SECOND, LONGEST))
        return "the quiet period must be 1s to 3650d: a version must not have been used for this time when it retires";
    if (!within(policy->usage_hourly, DAY, USAGE_HOURLY_MAX))
        return "usage by the hour is kept for 1d to 400d";
    if (!within(policy->usage_daily, policy->usage_hourly, LONGEST))
        return "usage by the day is kept at least as long as usage by the hour, and at most 3650d";
    if (policy_succession(policy) != 0 && !within(policy_succession(policy), DAY, LONGEST))
        return "succession must be 1d to 3650d, or off: API keys used within this time need a successor before their "
               "version retires";
    if ((unsigned)policy->renew > SEALRING_RENEW_SEALED)
        return "renew must be off, bearer or sealed";
    if (policy->renew_life != 0 && !within(policy->renew_life, MINUTE, LONGEST))
        return "renew-life must be 1m to 3650d, or 0s: a renewed credential expires with its predecessor";
    if (policy_renew_age(policy) != 0 && !within(policy_renew_age(policy), MINUTE, LONGEST))
        return "renew-age must be 1m to 3650d, or off: no renewed credential lives longer than this after the operator's "
               "issue";
    if ((unsigned)policy->deliver > SEALRING_DELIVER_HOOK)
        return "deliver must be none, notify, sealed or hook";
    if ((unsigned)policy->leaks > SEALRING_LEAKS_REKEY)
        return "leaks must be alarm, suspend or rekey";
    return NULL;
}

int64_t policy_succession(const sealring_policy *policy)
{
    if (policy->succession == SEALRING_SUCCESSION_OFF)
        return 0;
    return policy->succession == 0 ? defaults.succession : policy->succession;
}

int64_t policy_renew_age(const sealring_policy *policy)
{
    if (policy->renew_age == SEALRING_RENEW_AGE_OFF)
        return 0;
    return policy->renew_age == 0 ? defaults.renew_age : policy->renew_age;
}

int64_t policy_predecessor_life(const sealring_policy *policy)
{
    return policy->overlap > policy->quiet_period ? policy->overlap : policy->quiet_period;
}

/* The next whole second: the first value beyond a bound that can be typed. */
static int64_t seconds_beyond(int64_t duration)
{
    return duration > INT64_MAX - SECOND ? duration : (duration / SECOND + 1) * SECOND;
}

/* Returns whether there is time to publish a version and for its overlap before the policy requires more versions than it keeps. */
static const char *not_livable(const sealring_policy *policy, int64_t lease_ms, char problem[POLICY_PROBLEM_SIZE])
{
    int64_t publishing = watch_silence(lease_ms);
    int64_t life = policy_predecessor_life(policy);
    int64_t every = policy->rotate_every;
    char every_text[TIMETEXT_SIZE], other[TIMETEXT_SIZE], least[TIMETEXT_SIZE];

    if (every == 0)
        return NULL;
    timetext_duration_format(every, every_text);
    if (every <= publishing) {
        /* in whole seconds, so that the proposed value is sufficient */
        timetext_duration_format(seconds_beyond(publishing), other);
        snprintf(
            problem, POLICY_PROBLEM_SIZE,
            "publishing a version may take up to %s (the lease of a silent verifier, x 1.01 + 1 s), so rotating every "
            "%s would want the next one before that: rotate every %s or less often",
            other, every_text, other);
        return problem;
    }
    /* when it is made, a predecessor meets those that were made within the last `life` */
    unsigned alive = (unsigned)(life / every) + 1; /* the bounds were checked: at most some 52 million */
    if (alive <= policy->keep)
        return NULL;
    timetext_duration_format(life, other);
    int length = snprintf(
        problem, POLICY_PROBLEM_SIZE,
        "a predecessor lives %s (the longer of overlap and quiet period), so rotating every %s has %u of them alive at "
        "once (%s / %s + 1), and keep is %lu: ",
        other, every_text, alive, other, every_text, (unsigned long)policy->keep);
    int64_t longer = seconds_beyond(life / policy->keep);
    timetext_duration_format(longer, least);
    /* at least one of the two remedies is within the bounds: an interval beyond 3650d means a life of 3650d, for which keep 2 is enough */
    if (longer <= LONGEST)
        length += snprintf(problem + length, POLICY_PROBLEM_SIZE - (size_t)length, "rotate every %s or less often%s",
                           least, alive <= KEEP_MAX ? ", or " : "");
    if (alive <= KEEP_MAX)
        snprintf(problem + length, POLICY_PROBLEM_SIZE - (size_t)length, "keep %u", alive);
    return problem;
}

const char *policy_problem(const sealring_policy *policy, int64_t lease_ms, char problem[POLICY_PROBLEM_SIZE])
{
    const char *wrong = out_of_bounds(policy);

    if (wrong == NULL)
        return not_livable(policy, lease_ms, problem);
    snprintf(problem, POLICY_PROBLEM_SIZE, "%s", wrong);
    return problem;
}
