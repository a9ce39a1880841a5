/* SPDX-License-Identifier: Apache-2.0 */
/* One event in progress: read and decided, decided again inside the changing transaction, written, recorded. */
#ifndef MANAGE_VERSIONS_TRANSITION_H
#define MANAGE_VERSIONS_TRANSITION_H

#include "lifecycle/clockwatch.h"
#include "lifecycle/decide.h"
#include "manage/fleet/evidence.h"
#include "manage/session/manager.h"
#include "manage/session/ring_state.h"
#include "manage/tokens/make_object.h"

struct transition {
    sealring_manager *manager;
    const char *ring;
    sealring_event event;
    uint32_t version; /* 0: the event chooses */
    const char *reason;
    unsigned overrule; /* bits of enum lifecycle_guard */
    /* NULL: an operator's act. An automatic act has to wait unless the policy requires it for the state that was read: the clocks' memory as of the
     * plan. */
    const struct clock_memory *automatic;
    struct make *make;         /* prepare: the object that is being made */
    uint32_t tested;           /* the version whose key was proved in the token, 0: none */
    const char *token_problem; /* retire: why the token is not open, if it is not */
    sealring_change *change;
    /* filled in on the way */
    struct ring_state state;
    struct evidence evidence;
    bool blind; /* compromise: the evidence could not be read, and counts as none */
    struct registry_vault vault;
    struct lifecycle_decision decision;
    bool refused; /* what transition_commit read was against the event, so that it wrote nothing */
    struct audit_act act;
};

void transition_release(struct transition *transition);

/* Reads the ring's present state, the vault's row and the evidence for the guards. */
sealring_status transition_load(struct transition *transition, sealring_error *error);

/* Decides on the state that was read; the guards' line is stored in the change. SEALRING_OK if the event is allowed, else the decision's status and
 * message. */
sealring_status transition_decide(struct transition *transition, sealring_error *error);

/* Proves the version's key in the token: object, attributes, check value. */
sealring_status transition_prove(struct transition *transition, uint32_t number, enum token_answer *answer,
                                 sealring_error *error);

/* Applies the decision to the state in memory. False: no memory. */
bool transition_apply(struct transition *transition);

/* The transaction: reads and decides again, applies, checks the invariants, writes rows and audit entry. */
sealring_status transition_commit(struct transition *transition, sealring_error *error);

/* Adds what was decided to the change that the caller receives. */
void transition_report(struct transition *transition);

#endif
