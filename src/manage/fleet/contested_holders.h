/* SPDX-License-Identifier: Apache-2.0 */
/* The API keys for one holder whose credential was renewed twice, and those whose claim was tried by two. */
#ifndef MANAGE_FLEET_CONTESTED_HOLDERS_H
#define MANAGE_FLEET_CONTESTED_HOLDERS_H

#include "manage/session/manager.h"

struct contested_holders {
    struct registry_holder *items; /* by ring, client, label; the keys as their facts contain them */
    size_t count;
};

/* Within a transaction. ring 0: of all rings. Costs one index lookup if no key was ever contested. A list that was filled before is replaced. */
sealring_status contested_read(struct registry *registry, int64_t ring, struct contested_holders *list,
                               sealring_error *error);
/* Likewise those with a claim of a credential that was not ended. */
sealring_status claimed_read(struct registry *registry, int64_t ring, struct contested_holders *list,
                             sealring_error *error);
/* Of a contested key, in ms since 1970. */
int64_t contested_since(const struct registry_key *key);
void contested_free(struct contested_holders *list);

/* One line: which key of whom, who renewed it, and what to do. */
#define CONTESTED_TEXT_SIZE 384
void contested_describe(const struct registry_holder *holder, char text[CONTESTED_TEXT_SIZE]);

#endif
