/* SPDX-License-Identifier: Apache-2.0 */
/* Corrects a ring's row that somebody edited. */
#include "manage/versions/ring_correction.h"

#include <stdio.h>
#include <string.h>

#include "manage/act/act.h"

static sealring_status write_row(struct registry *registry, const char *name, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = manager_get_ring(registry, name, &ring, error);
    return status == SEALRING_OK && ring.edited ? registry_ring_update(registry, &ring, error) : status;
}

sealring_status ring_correct_row(sealring_manager *manager, const char *ring, char alarm[SEALRING_MESSAGE_SIZE],
                                 sealring_error *error)
{
    struct audit_act act = {.name = "run"};
    alarm[0] = '\0';
    memcpy(act.ring, ring, strlen(ring) + 1);
    sealring_status status = manager_begin(manager, "run", false, error);
    if (status != SEALRING_OK)
        return status;
    /* without an entry of its own: the row becomes what the log has already */
    struct commit commit = manager_commit(manager, true, NULL, error);
    do {
        if (commit_begin(&commit, &status))
            status = write_row(manager->registry, ring, error);
    } while (commit_again(&commit, &status));
    snprintf(alarm, SEALRING_MESSAGE_SIZE, "%s", manager->correction);
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}
