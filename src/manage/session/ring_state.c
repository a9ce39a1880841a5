/* SPDX-License-Identifier: Apache-2.0 */
/* A ring with all its versions, as rows and as the life cycle's view of them. */
#include "manage/session/ring_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "manage/session/manager.h"
#include "registry/rows/version_facts.h"

struct registry_version *state_add(struct ring_state *state)
{
    if (!array_grow(&state->rows, state->count) || !array_grow(&state->versions, state->count))
        return NULL;
    struct registry_version *row = &state->rows[state->count];
    memset(row, 0, sizeof *row);
    memset(&state->versions[state->count], 0, sizeof state->versions[0]);
    state->count++;
    return row;
}

void state_refresh(struct ring_state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        const struct registry_version *row = &state->rows[i];
        bool held = state->versions[i].held;
        state->versions[i] = (struct lifecycle_version){
            .number = row->number,
            .state = row->state,
            .activated = row->activated,
            .retire_at = row->retire_at,
            .closed = row->closed,
            .purge_at = row->purge_at,
            .destroyed = row->destroyed,
            .fact = row->fact,
            .was_compromised = row->was_compromised,
            .unconfirmed = row->unconfirmed,
            .held = held,
        };
    }
    state->view = (struct lifecycle_ring){
        .name = state->ring.name,
        .policy = state->ring.policy,
        .rotation_held = state->ring.rotation_held,
        .last_number = state->ring.last_version,
        .versions = state->versions,
        .count = state->count,
    };
}

sealring_status state_load(struct registry *registry, const char *ring, struct ring_state *state, sealring_error *error)
{
    struct registry_version version;
    state->count = 0;
    sealring_status status = manager_get_ring(registry, ring, &state->ring, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor versions = registry_versions(registry, state->ring.id, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version)) {
        struct registry_version *row = state_add(state);
        if (row == NULL)
            status = error_no_memory(error);
        else
            *row = version;
        if (status == SEALRING_OK && version.unfounded)
            status = error_set(error, SEALRING_REFUSED,
                               "ALARM: there is no fact about version %" PRIu32
                               " of ring %s: the registry was altered; nothing was changed: restore the newest backup",
                               version.number, ring);
    }
    status = registry_close_cursor(&versions, status);
    for (size_t i = 0; status == SEALRING_OK && i < state->count; i++)
        status =
            registry_version_held(registry, state->ring.id, state->rows[i].number, &state->versions[i].held, error);
    state_refresh(state);
    return status;
}

sealring_status state_check_missing(struct registry *registry, const struct ring_state *state, sealring_error *error)
{
    uint64_t missing = 0;
    sealring_status status = registry_version_missing(registry, &state->ring, &missing, error);
    if (status == SEALRING_OK && missing != 0)
        status = error_set(error, SEALRING_REFUSED,
                           "ALARM: version %" PRIu64 " of ring %s has no row: the registry was altered; nothing was "
                           "changed: restore the newest backup",
                           missing, state->ring.name);
    return status;
}

bool state_is_edited(const struct ring_state *state)
{
    bool edited = state->ring.edited;
    for (size_t i = 0; i < state->count; i++)
        edited = edited || state->rows[i].edited;
    return edited;
}

sealring_status state_correct(struct registry *registry, const struct ring_state *state, bool repairs,
                              sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    /* the row of the active version is last: at most one may be active at any time */
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; status == SEALRING_OK && i < state->count; i++)
            if (state->rows[i].edited && (repairs || !state->rows[i].stuck) &&
                (state->rows[i].state == SEALRING_VERSION_ACTIVE) == (pass == 1))
                status = registry_version_update(registry, &state->rows[i], error);
    return status;
}

bool state_copy(const struct ring_state *state, struct ring_state *copy)
{
    copy->ring = state->ring;
    for (size_t i = 0; i < state->count; i++) {
        struct registry_version *row = state_add(copy);
        if (row == NULL)
            return false;
        *row = state->rows[i];
        copy->versions[i] = state->versions[i];
    }
    state_refresh(copy);
    return true;
}

void state_release(struct ring_state *state)
{
    free(state->rows);
    free(state->versions);
    memset(state, 0, sizeof *state);
}

struct registry_version *state_find(const struct ring_state *state, uint32_t number)
{
    for (size_t i = 0; i < state->count; i++)
        if (state->rows[i].number == number)
            return &state->rows[i];
    return NULL;
}

static void apply_step(struct registry_version *row, const struct lifecycle_step *step)
{
    row->state = step->to;
    row->activated = step->activated;
    row->retire_at = step->retire_at;
    row->closed = step->closed;
    row->purge_at = step->purge_at;
    row->destroyed = step->destroyed;
    if (step->to == SEALRING_VERSION_COMPROMISED)
        row->was_compromised = true;
}

void state_apply(struct ring_state *state, const struct lifecycle_decision *decision)
{
    for (size_t i = 0; i < decision->count; i++) {
        struct registry_version *row = state_find(state, decision->steps[i].number);
        if (row != NULL)
            apply_step(row, &decision->steps[i]);
    }
    if (decision->set_hold)
        state->ring.rotation_held = decision->hold;
    state_refresh(state);
}
