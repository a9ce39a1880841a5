/* SPDX-License-Identifier: Apache-2.0 */
/* What one turn of the scheduler starts from: the rings, the verifiers, the clocks; and writes down what is new about them. */
#include "manage/versions/run_stock.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "log/signed_time.h"
#include "manage/act/act.h"
#include "manage/fleet/usage_files.h"
#include "manage/usage/harvest.h"
#include "manage/versions/policy_plan.h"

#define CLOCK_TRIES 3
#define SETTLE_MS   60000

static sealring_status list_rings(sealring_manager *manager, struct stock *stock, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    stock->ring_count = 0;
    struct registry_cursor rings = registry_rings(manager->registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        if (array_grow(&stock->rings, stock->ring_count))
            memcpy(stock->rings[stock->ring_count++], ring.name, sizeof ring.name);
        else
            status = error_no_memory(error);
    return registry_close_cursor(&rings, status);
}

/* The log exceeds the newest signed checkpoint if an act was interrupted before the checkpoint, or the audit token was missing. An interruption after the
 * checkpoint and before the anchor is found with the clocks, once a minute. */
static sealring_status read_behind(sealring_manager *manager, struct stock *stock, sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct checkpoint newest;
    uint64_t entries = 0;
    bool forged;
    stock->behind = false;
    if (!witness_configured(manager->config))
        return SEALRING_OK;
    sealring_status status = signed_newest(registry, witness_counts, &newest, &forged, error);
    if (status == SEALRING_OK)
        status = registry_audit_size(registry, &entries, error);
    stock->behind = status == SEALRING_OK && entries > newest.size;
    return status;
}

/* Within a transaction: judges the clocks with what is remembered now. */
static sealring_status judge_clocks(sealring_manager *manager, struct stock *stock, sealring_error *error)
{
    struct registry *registry = manager->registry;
    sealring_status status = manager_read_roster(manager, registry, error);
    return status != SEALRING_OK ? status : plan_judge_clocks(manager, registry, &stock->clock, error);
}

static sealring_status read_stock(sealring_manager *manager, struct stock *stock, sealring_error *error)
{
    sealring_status status;
    struct registry *registry = manager->registry;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = list_rings(manager, stock, error);
        if (status == SEALRING_OK)
            status = judge_clocks(manager, stock, error);
        if (status == SEALRING_OK)
            status = read_behind(manager, stock, error);
        if (status == SEALRING_OK)
            status = contested_read(registry, 0, &stock->contested, error);
    } while (registry_again(&reading, &status));
    return status;
}

bool stock_is_alarm(const struct clock_judgement *judgement)
{
    return judgement->stepped || judgement->released;
}

/* Judges again, and writes the judgement down. *overtaken: another scheduler meanwhile found what this one was to record in `act`. */
static sealring_status remember_clocks(sealring_manager *manager, struct stock *stock, struct audit_act *act,
                                       bool *overtaken, sealring_error *error)
{
    sealring_status status;
    struct commit commit = manager_commit(manager, false, act, error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = judge_clocks(manager, stock, error);
        *overtaken = status == SEALRING_OK && stock_is_alarm(&stock->clock) != (act != NULL);
        if (*overtaken)
            status = SEALRING_WAITING; /* rolls back */
        if (status == SEALRING_OK)
            status = plan_remember_clocks(manager->registry, &stock->clock, error);
    } while (commit_again(&commit, &status));
    return status;
}

/* Under the lock. */
static sealring_status write_clocks(sealring_manager *manager, struct stock *stock, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    bool overtaken = true;
    for (int i = 0; i < CLOCK_TRIES && overtaken; i++) {
        struct audit_act act = {.name = stock->clock.released ? "clock.trusted" : "clock.stepped"};
        audit_detail(&act, "{s:s, s:b}", "text", stock->clock.text, "held", stock->clock.memory.held);
        overtaken = false;
        status = remember_clocks(manager, stock, stock_is_alarm(&stock->clock) ? &act : NULL, &overtaken, error);
        audit_release(&act);
    }
    return overtaken ? SEALRING_OK : status; /* another scheduler does it: the next turn checks */
}

sealring_status stock_foresee(sealring_manager *manager, const struct lifecycle_action *action, sealring_error *error)
{
    sealring_status status = action->event == SEALRING_EVENT_RETIRE ? SEALRING_OK : manager_token(manager, error);
    return status != SEALRING_OK ? status : witness_foresee(&manager->witness, manager->config, error);
}

sealring_status stock_take(sealring_manager *manager, struct stock *stock, sealring_error *error)
{
    sealring_status status = manager->dry_run ? manager_begin(manager, "run", false, error) : SEALRING_OK;
    if (status == SEALRING_OK && manager->dry_run) /* a registry that refuses every act is reported, not planned for */
        manager_end(manager);
    if (status == SEALRING_OK)
        status = read_stock(manager, stock, error);
    stock->late.status = SEALRING_OK;
    if (status == SEALRING_OK)
        (void)manager_check_clock(manager, &stock->late);
    bool settles = stock->behind && manager->roster.boot_ms >= manager->settle_again_at;
    bool writes = !manager->dry_run && (stock->clock.worth_writing || roster_is_news(&manager->roster) || settles);
    if (status == SEALRING_OK && writes) {
        status = manager_begin(manager, "run", false, error);
        if (status != SEALRING_OK)
            return status;
        if (stock->clock.worth_writing) {
            /* about once a minute: only a retirement waits for these statistics, so a failure in them blocks nothing else */
            sealring_harvest_result harvested = {.size = sizeof harvested};
            if (stock->late.status == SEALRING_OK)
                status = harvest_all(manager, manager->roster.now, &harvested, error);
            if (manager_holds_work(manager))
                status = write_clocks(manager, stock, error);
        }
        if (stock->clock.worth_writing || settles) {
            manager->unsettled = true;
            manager->settle_again_at =
                manager->roster.boot_ms + SETTLE_MS; /* do not ask a missing audit token all the time */
        }
        manager_end(manager); /* remembers the roster; writes a missing checkpoint or anchor */
    }
    if (status == SEALRING_OK && manager->dry_run) /* a dry run harvests nothing */
        status = usage_foresee(manager, manager->roster.now, error);
    return status;
}

void stock_release(struct stock *stock)
{
    free(stock->rings);
    contested_free(&stock->contested);
}
