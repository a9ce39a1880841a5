/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the facts that an act starts from: their chain, and that a signature covers what they permit. */
#include "manage/session/manager.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/signed_time.h"
#include "manage/session/unsigned_facts.h"
#include "registry/rows/closed_facts.h"

static sealring_status refuse(const sealring_manager *manager, sealring_error *error)
{
    const struct fact_tail *facts = &manager->facts;
    const char *registry = manager->config->registry;
    if (facts->broken != 0 || facts->lacks_signed)
        return error_set(
            error, SEALRING_REFUSED,
            "ALARM: the registry %s was altered: its facts are not those that were recorded, from fact %" PRIu64
            " on; nothing was changed: see `sealring audit verify`, and restore the newest backup",
            registry, facts->broken != 0 ? facts->broken : facts->count);
    char more[48] = "";
    if (facts->others > 1)
        snprintf(more, sizeof more, " and %" PRIu64 " facts more", facts->others - 1);
    return error_set(error, SEALRING_REFUSED,
                     "ALARM: no signature covers %s%s: somebody may have written it to the registry %s; nothing was "
                     "changed: see `sealring audit show`; if it is right, repeat the command with --take-over REASON, "
                     "otherwise restore the newest backup",
                     facts->other, more, registry);
}

/* What others added is compared with the facts before it, which somebody may have edited since they were read: then all are read again. */
static sealring_status follow(sealring_manager *manager, bool signs, const struct checkpoint *newest,
                              sealring_error *error)
{
    struct fact_tail *facts = &manager->facts;
    const struct fact_tail before = *facts;
    sealring_status status = own_facts_keep(manager->registry, &manager->own, error);
    if (status == SEALRING_OK)
        status = fact_tail_follow(manager->registry, facts, signs, newest->closed_count, newest->closed.bytes,
                                  &manager->own, error);
    if (status != SEALRING_OK || before.count == 0 || facts->restrictions == before.restrictions)
        return status;
    *facts = (struct fact_tail){.count = 0};
    return fact_tail_follow(manager->registry, facts, signs, newest->closed_count, newest->closed.bytes, &manager->own,
                            error);
}

/* A restore that was interrupted before its signature leaves no checkpoint, and somebody may have removed them all. What the registry continues from
 * covers facts as well: the announcement of its restore in the audit token, or else the anchor. */
static sealring_status take_anchor(const sealring_manager *manager, struct checkpoint *covered, sealring_error *error)
{
    bool found;
    const struct audit_witness *witness = &manager->witness;
    const struct registry_vault *vault = registry_vault_row(manager->registry);
    const bool announced = witness->announced && memcmp(witness->take_over.era, vault->era, sizeof vault->era) == 0;
    if (covered->size != 0 || !witness->anchored)
        return SEALRING_OK;
    covered->closed_count = announced ? witness->take_over.closed_count : witness->anchor.closed_count;
    return registry_closed_find(manager->registry, covered->closed_count, covered->closed.bytes, &found, error);
}

sealring_status manager_follow_facts(sealring_manager *manager, sealring_error *error)
{
    struct checkpoint newest = {.size = 0};
    struct fact_tail *facts = &manager->facts;
    const bool signs = witness_configured(manager->config);
    bool forged = false;
    unsigned_read(manager->config, &manager->own);
    sealring_status status =
        signs ? signed_newest(manager->registry, witness_counts, &newest, &forged, error) : SEALRING_OK;
    if (status == SEALRING_OK && signs)
        status = take_anchor(manager, &newest, error);
    if (status == SEALRING_OK)
        status = follow(manager, signs, &newest, error);
    manager->facts_signed = signs ? newest.closed_count : UINT64_MAX;
    if (status != SEALRING_OK)
        return status;
    unsigned_clear(manager->config, &manager->own, newest.closed_count);
    bool good = facts->broken == 0 && !facts->lacks_signed && facts->others == 0;
    return good ? SEALRING_OK : refuse(manager, error);
}

/* Somebody may have edited facts that were checked: the whole chain is read again. */
static sealring_status check_again(void *context, sealring_error *error)
{
    sealring_manager *manager = context;
    manager->facts = (struct fact_tail){.count = 0};
    return manager_follow_facts(manager, error);
}

sealring_status manager_check_facts(sealring_manager *manager, bool whole, sealring_error *error)
{
    static const struct fact_tail none;
    const struct fact_tail before = whole ? none : manager->facts;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    if (whole)
        (void)registry_watch_changes(manager->registry, NULL, NULL, NULL);
    do {
        manager->facts = before;
        if (registry_begin(&reading, &status))
            status = manager_follow_facts(manager, error);
        if (whole && status == SEALRING_OK)
            status = registry_watch_changes(manager->registry, check_again, manager, error);
    } while (registry_again(&reading, &status));
    return status;
}
