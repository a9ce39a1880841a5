/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log replayed: what its entries say was done to keys, versions, rings and the vault, held against the rows. */
#ifndef VAULT_REPLAY_H
#define VAULT_REPLAY_H

#include "registry/audit.h"

/* Suspensions, narrowing, the ends that rekeying set, versions' states and policies live in the registry alone: the token does not
 * confirm them. But each came about by an act that is in the log. */
struct replay;

typedef void (*replay_problem)(const char *text, void *context);

sealring_status replay_new(struct replay **made, sealring_error *error);
void replay_free(struct replay *replay);

/* The next entry of the log. One that is not well formed is passed over: that is the log's examination's to say. */
sealring_status replay_entry(struct replay *replay, const struct registry_audit *entry, sealring_error *error);

/* In the same snapshot: tells of each row that is not what the acts made of it. */
sealring_status replay_compare(struct replay *replay, struct registry *registry, replay_problem problem, void *context,
                               sealring_error *error);

#endif
