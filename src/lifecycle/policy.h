/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's policy: its defaults and bounds. */
#ifndef LIFECYCLE_POLICY_H
#define LIFECYCLE_POLICY_H

#include <stdint.h>

#include <sealring/manage.h>

#define POLICY_PROBLEM_SIZE 400

void policy_defaults(sealring_policy *policy);

/* Copies the members that `fields` (SEALRING_POLICY_…) names from `from` to `policy`. */
void policy_apply(sealring_policy *policy, const sealring_policy *from, unsigned fields);

/* NULL if the policy is workable in a vault with this lease, else what is wrong, as a sentence, with the arithmetic. */
const char *policy_problem(const sealring_policy *policy, int64_t lease_ms, char problem[POLICY_PROBLEM_SIZE]);

/* An API key that was used within this time needs a successor before its version retires; 0: the policy does not require one. */
int64_t policy_succession(const sealring_policy *policy);

/* How long after the operator's issue a renewed credential may live; 0: the policy sets no limit. */
int64_t policy_renew_age(const sealring_policy *policy);

/* How long a version is retiring at least: its window, and a quiet period. */
int64_t policy_predecessor_life(const sealring_policy *policy);

#endif
