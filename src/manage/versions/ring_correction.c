/* SPDX-License-Identifier: Apache-2.0 */
/* Corrects rows of a ring and of its versions that somebody edited. */
#include "manage/versions/ring_correction.h"

#include <stdio.h>
#include <string.h>

#include "manage/act/act.h"
#include "manage/session/ring_state.h"

sealring_status ring_write_facts(struct registry *registry, const char *ring, sealring_error *error)
{
    struct ring_state state = {0};
    sealring_status status = state_load(registry, ring, &state, error);
    if (status == SEALRING_OK)
        status = state_correct(registry, &state, true, error);
    if (status == SEALRING_OK && state.ring.edited)
        status = registry_ring_update(registry, &state.ring, error);
    state_release(&state);
    return status;
}

sealring_status ring_correct_rows(sealring_manager *manager, const char *ring, char alarm[SEALRING_MESSAGE_SIZE],
                                  sealring_error *error)
{
    struct audit_act act = {.name = "run"};
    alarm[0] = '\0';
    memcpy(act.ring, ring, strlen(ring) + 1);
    sealring_status status = manager_begin(manager, "run", false, error);
    if (status != SEALRING_OK)
        return status;
    /* without an entry of its own: the rows become what the log has already */
    struct commit commit = manager_commit(manager, true, NULL, error);
    commit.corrects = true;
    do {
        if (commit_begin(&commit, &status))
            status = ring_write_facts(manager->registry, ring, error);
    } while (commit_again(&commit, &status));
    snprintf(alarm, SEALRING_MESSAGE_SIZE, "%s", manager->correction);
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}
