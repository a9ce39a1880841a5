/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log replayed: the rows as its acts left them, held against the rows as they are. */
#ifndef VAULT_REPLAY_H
#define VAULT_REPLAY_H

#include "registry/audit.h"

/* Suspensions, narrowing, the ends that rekeying set, versions' states and policies live in the registry alone: the token does not
 * confirm them. But each came about by an act that is in the log, with the row as the act left it (audit/image.h). */
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
