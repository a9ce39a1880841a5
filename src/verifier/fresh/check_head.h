/* SPDX-License-Identifier: Apache-2.0 */
/* Before a verifier joins: whether the registry still has the facts that verifiers applied and checkpoints cover. */
#ifndef VERIFIER_FRESH_CHECK_HEAD_H
#define VERIFIER_FRESH_CHECK_HEAD_H

#include "registry/rows/rows.h"
#include "verifier/state/verifier_setup.h"

/* Before a report file is taken over, whose head is lost then. SEALRING_REGISTRY, with an alarm, if the
 * registry lacks facts, or has others, that a verifier of its era reported or a signed checkpoint covers; or if reports are of another era, and no
 * signed checkpoint is of the registry's. A registry that was rolled back together with all reports is not noticed here, but by the anchor at the next
 * act. */
sealring_status head_check(struct registry *registry, const struct verifier_setup *setup, sealring_error *error);

#endif
