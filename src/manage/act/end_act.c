/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an act: writes down what the roster learned, signs the checkpoint, releases the locks. */
#include "manage/act/act.h"

#include <stdio.h>
#include <string.h>

#include "manage/fleet/effective.h"
#include "manage/session/unsigned_notes.h"

#define MANAGER_CHECKPOINT_PAGES 4000
#define SETTLE_TRIES             3    /* restrictions by others may be committed meanwhile */
#define MANAGER_FOLLOW_WAIT_MS   2000 /* a restriction's wait for vault.work after its commit */

/* Signs nothing that this manager has neither added nor examined. A restriction signs also beside another act, which moves the anchor then.
 * reported: the error that the act itself returns, or NULL; it is not repeated as a remark. */
static void settle_log(sealring_manager *manager, const sealring_error *reported)
{
    sealring_error error = {.message = ""};
    if (!manager->unsettled || manager->dry_run || !witness_configured(manager->config))
        return;
    bool whole = manager->facts.count == 0;
    for (int tries = 0; tries < SETTLE_TRIES; tries++, whole = false) {
        if (manager_check_facts(manager, whole, &error) != SEALRING_OK) {
            if (reported == NULL || strcmp(reported->message, error.message) != 0)
                snprintf(manager->witness.remark, sizeof manager->witness.remark, "%.*s", WITNESS_REMARK_SIZE - 1,
                         error.message);
            return;
        }
        const bool works = manager_holds_work(manager);
        const uint64_t examined =
            manager->entries.size; /* while the checkpoint is stored, what others added is examined, too */
        if (!witness_settle(&manager->witness, manager->config, manager->registry, &manager->facts,
                            manager->upgrades ? NULL : &manager->entries, works))
            continue;
        if (works && manager->witness.remark[0] == '\0')
            unsigned_clear(manager->config, registry_vault_row(manager->registry)->era, examined);
        return;
    }
}

/* Empties the write-ahead log, unless another process waits for the registry's lock or holds it. */
static void empty_log(sealring_manager *manager)
{
    bool held = registry_is_locked(manager->registry);
    if (!held)
        registry_copy_log(manager->registry, MANAGER_COPY_PAGES);
    if (!held && (lock_is_announced(manager->config->urgent) ||
                  registry_lock(manager->registry, 0, manager->purpose, NULL) != SEALRING_OK))
        return;
    registry_checkpoint(manager->registry, MANAGER_CHECKPOINT_PAGES);
    registry_unlock(manager->registry);
}

bool manager_restricted(sealring_manager *manager)
{
    if (!manager->restricts || manager->followed)
        return manager_holds_work(manager);
    manager->followed = true;
    registry_unlock(manager->registry);
    lock_release(&manager->urgent);
    int64_t most = manager->urgent_wait < MANAGER_FOLLOW_WAIT_MS ? manager->urgent_wait : MANAGER_FOLLOW_WAIT_MS;
    return lock_acquire(&manager->work, most, manager->purpose, NULL) == SEALRING_OK;
}

static void end(sealring_manager *manager, const sealring_error *reported)
{
    (void)manager_restricted(manager);
    effective_remember(manager);
    settle_log(manager, reported);
    (void)registry_watch_changes(manager->registry, NULL, NULL, NULL);
    manager->unsettled = false;
    manager_compose_remark(manager);
    empty_log(manager);
    manager->restricts = manager->followed = false;
    lock_release(&manager->work);
}

void manager_end(sealring_manager *manager)
{
    end(manager, NULL);
}

void manager_end_act(sealring_manager *manager, const struct audit_act *about, sealring_status status,
                     const sealring_error *error)
{
    static const bool recorded[] = {[SEALRING_REFUSED] = true, [SEALRING_WAITING] = true};
    bool alarmed = atomic_exchange(&manager->alarmed, false);
    bool refused = (size_t)status < sizeof recorded / sizeof *recorded && recorded[status];
    if ((alarmed || refused) && !manager->dry_run) {
        struct audit_act act = *about;
        act.name = alarmed ? "alarm" : "refused";
        act.detail = NULL;
        act.failed = false;
        const char *why = status != SEALRING_OK && error != NULL ? error->message : NULL;
        if (why == NULL && manager->correction[0] != '\0')
            why = manager->correction;
        if (why == NULL && atomic_load(&manager->contradicted))
            why = MANAGER_CONTRADICTED;
        audit_detail(&act, "{s:s, s:s?}", "act", about->name, "why", why);
        (void)manager_record(manager, &act, NULL);
        audit_release(&act);
    }
    end(manager, status != SEALRING_OK ? error : NULL);
}
