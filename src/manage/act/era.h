/* SPDX-License-Identifier: Apache-2.0 */
/* The era of the registry: whether every verifier has applied it after a restore or a take-over. */
#ifndef MANAGE_ACT_ERA_H
#define MANAGE_ACT_ERA_H

#include "manage/session/manager.h"

/* Within a transaction; context: the manager. Whether no verifier goes by another era than the registry's, so that whatever is issued by this
 * one is known to all. SEALRING_WAITING, naming them, after a restore or a take-over until they looked or their leases are over. */
sealring_status era_check(struct registry *registry, void *context, sealring_error *error);

/* As soon as every verifier has applied the present era this is recorded, so that it is not asked for again. A failure is reported by the act
 * itself, when it writes. */
void era_follow(sealring_manager *manager);

#endif
