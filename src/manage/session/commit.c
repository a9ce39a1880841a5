/* SPDX-License-Identifier: Apache-2.0 */
/* One writing transaction of a manager, with its audit entry. */
#include "manage/session/manager.h"

#include "base/clock.h"
#include "base/error.h"

struct recorded_body {
    sealring_manager *manager;
    const uint8_t *operation_id;
    struct audit_act *act;
    registry_body body;
    void *context;
};

static sealring_status recorded(struct registry *registry, void *context, sealring_error *error)
{
    struct recorded_body *recorded_body = context;
    struct audit_rows rows;
    if (recorded_body->act == NULL)
        return recorded_body->body(registry, recorded_body->context, error);
    audit_rows_begin(&rows, registry);
    sealring_status status = recorded_body->body(registry, recorded_body->context, error);
    audit_rows_end(&rows, registry, recorded_body->act);
    if (status != SEALRING_OK)
        return status;
    return audit_append(registry, recorded_body->operation_id, clock_wall_ms(), recorded_body->manager->actor,
                        recorded_body->act, error);
}

/* Takes the lock for one commit only, so that a restriction waits for at most one commit. */
static sealring_status lock_for_commit(sealring_manager *manager, sealring_error *error)
{
    if (!manager->restricts && !manager_holds_work(manager))
        return error_set(error, SEALRING_REGISTRY,
                         "the lock %s is not held any more: was the file removed? Nothing was changed",
                         manager->config->work);
    return registry_lock(manager->registry, manager->lock_wait, manager->purpose, error);
}

sealring_status manager_write(sealring_manager *manager, bool moves_epoch, struct audit_act *act, registry_body body,
                              void *context, sealring_error *error)
{
    struct registry_write how = {.moves_epoch = moves_epoch, .dry_run = manager->dry_run};
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, error);
    if (status != SEALRING_OK)
        return status;
    struct recorded_body whole = {manager, how.operation_id, act, body, context};
    bool held = registry_is_locked(manager->registry);
    if (!held)
        status = lock_for_commit(manager, error);
    if (status != SEALRING_OK)
        return status;
    status = registry_write(manager->registry, &how, recorded, &whole, error);
    if (!held) {
        registry_unlock(manager->registry);
        registry_copy_log(manager->registry, MANAGER_COPY_PAGES);
    }
    manager->wrote = manager->wrote || status == SEALRING_OK;
    manager->unsettled = manager->unsettled || (status == SEALRING_OK && act != NULL);
    if (status == SEALRING_OK && moves_epoch && !manager->dry_run) {
        manager->committed_epoch = registry_vault_row(manager->registry)->epoch;
        manager->committed_boot_ms = clock_boot_ms();
    }
    return status;
}

sealring_status manager_no_change(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}
