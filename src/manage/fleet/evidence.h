/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence for a decision about a version: what the roster and the registry contain, in the form that the guards need. */
#ifndef MANAGE_FLEET_EVIDENCE_H
#define MANAGE_FLEET_EVIDENCE_H

#include "manage/session/manager.h"
#include "manage/session/ring_state.h"

struct evidence {
    struct lifecycle_evidence view;
    struct lifecycle_verifier *verifiers; /* owned, as all below */
    uint32_t *proved;
    struct evidence_users *users;
};

/* Within a transaction. version 0: for decisions that do not depend on a version's uses (barriers, prepare). Its names point into the manager's
 * roster and gap, which must stay. An evidence that was filled before (or is zeroed) is replaced. */
sealring_status evidence_read(struct registry *registry, const sealring_manager *manager,
                              const struct ring_state *state, uint32_t version, struct evidence *evidence,
                              sealring_error *error);

/* For when the evidence cannot be read: nothing is proved of any version, and some verifier may serve. False: no memory. */
bool evidence_unknown(struct evidence *evidence);
void evidence_release(struct evidence *evidence);

#endif
