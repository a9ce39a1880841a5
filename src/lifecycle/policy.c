/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's policy: its defaults and bounds, and what is wrong with one outside them. */
#include "lifecycle/policy.h"

#include <stdio.h>

#define POLICY_PROBLEM_SIZE 160

#define SECOND INT64_C(1000)
#define DAY    (INT64_C(86400) * SECOND)

static const sealring_policy defaults = {.overlap = 7 * DAY, .purge_delay = 30 * DAY, .keep = 3};

/* The bounds keep every sum of a time and a duration far from the end of 64 bits, and a typo from becoming a promise. */
#define OVERLAP_MIN     SECOND
#define OVERLAP_MAX     (3650 * DAY)
#define PURGE_DELAY_MAX (3650 * DAY)
#define KEEP_MIN        1
#define KEEP_MAX        100

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
}

const char *policy_problem(const sealring_policy *policy, char problem[160])
{
    const char *wrong = NULL;

    if (policy->overlap < OVERLAP_MIN || policy->overlap > OVERLAP_MAX)
        wrong = "the overlap must be 1s to 3650d: for so long clients can move after a rotation";
    else if (policy->purge_delay < 0 || policy->purge_delay > PURGE_DELAY_MAX)
        wrong = "the purge delay must be 0s to 3650d: for so long a closed version can still be examined or reinstated";
    else if (policy->keep < KEEP_MIN || policy->keep > KEEP_MAX)
        wrong = "keep must be 1 to 100: so many predecessors may be retiring at the same time";
    if (wrong == NULL)
        return NULL;
    snprintf(problem, POLICY_PROBLEM_SIZE, "%s", wrong);
    return problem;
}
