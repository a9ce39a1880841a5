/* SPDX-License-Identifier: Apache-2.0 */
/* A ring with all its versions, as rows and as the life cycle's view of them. */
#ifndef MANAGE_SESSION_RING_STATE_H
#define MANAGE_SESSION_RING_STATE_H

#include "lifecycle/decide.h"
#include "registry/rows/rows.h"

struct ring_state {
    struct registry_ring ring;
    struct registry_version *rows;      /* ascending by number */
    struct lifecycle_version *versions; /* the same, for lifecycle/ */
    size_t count;
    struct lifecycle_ring view;
};

/* Inside a transaction. Replaces a state that was loaded before, or a zeroed one. SEALRING_NOT_FOUND names the ring. */
sealring_status state_load(struct registry *registry, const char *ring, struct ring_state *state,
                           sealring_error *error);
void state_release(struct ring_state *state);

/* Refuses if a version has a fact and no row in the ring: it is not seen, and another one would take its place. */
sealring_status state_check_missing(struct registry *registry, const struct ring_state *state, sealring_error *error);

/* Whether a row of the ring or of its versions was edited: the state is what their facts contain. */
bool state_is_edited(const struct ring_state *state);

/* In a writing transaction: corrects the edited rows of versions; those that triggers keep only if `repairs`, which runs without them. */
sealring_status state_correct(struct registry *registry, const struct ring_state *state, bool repairs,
                              sealring_error *error);

/* Makes `copy` (zeroed) the same state. False: no memory. */
bool state_copy(const struct ring_state *state, struct ring_state *copy);

/* Room for one more version, zeroed, at the end; NULL without memory. The caller fills it in and calls state_refresh. */
struct registry_version *state_add(struct ring_state *state);

/* Makes the life cycle's view agree with the rows. */
void state_refresh(struct ring_state *state);

/* Applies a decision's steps to rows that exist, in memory. */
void state_apply(struct ring_state *state, const struct lifecycle_decision *decision);

/* The row with that number, NULL if there is none. */
struct registry_version *state_find(const struct ring_state *state, uint32_t number);

#endif
