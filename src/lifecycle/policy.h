/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's policy: its defaults and bounds. */
#ifndef LIFECYCLE_POLICY_H
#define LIFECYCLE_POLICY_H

#include <stdint.h>

#include <sealring/manage.h>

void policy_defaults(sealring_policy *policy);

/* Copies the members that `fields` (SEALRING_POLICY_…) names from `from` to `policy`. */
void policy_apply(sealring_policy *policy, const sealring_policy *from, unsigned fields);

/* NULL if it can be lived with, else what is wrong, as a sentence. */
const char *policy_problem(const sealring_policy *policy, char problem[160]);

#endif
