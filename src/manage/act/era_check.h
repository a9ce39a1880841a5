/* SPDX-License-Identifier: Apache-2.0 */
/* The era of the registry: whether every verifier has applied it after a restore or a take-over. */
#ifndef MANAGE_ACT_ERA_CHECK_H
#define MANAGE_ACT_ERA_CHECK_H

#include "manage/session/manager.h"

/* Within a transaction. Whether every verifier has applied the registry's era, so that all verifiers know what is issued in
 * it. SEALRING_WAITING, with their names, after a restore or a take-over until they have polled or their leases have expired. */
sealring_status era_check(struct registry *registry, sealring_manager *manager, sealring_error *error);

/* Once every verifier has applied the present era, records this, so that it is not checked again. A failure is reported by the act itself, when it
 * writes. */
void era_follow(sealring_manager *manager);

#endif
