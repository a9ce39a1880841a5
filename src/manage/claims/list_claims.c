/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: listed, and ended by the operator. */
#include <sealring/claim.h>

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "manage/fleet/contested_holders.h"
#include "manage/keys/keys.h"
#include "registry/rows/closed_facts.h"

const char *sealring_claim_result_name(sealring_claim_result result)
{
    static const char *const names[] = {
        [SEALRING_CLAIM_UNAVAILABLE] = "unavailable",
        [SEALRING_CLAIM_TAKEN] = "taken",
        [SEALRING_CLAIM_AGAIN] = "again",
        [SEALRING_CLAIM_UNKNOWN] = "unknown",
        [SEALRING_CLAIM_ADDRESS] = "address",
        [SEALRING_CLAIM_CLOSED] = "closed",
        [SEALRING_CLAIM_CERTIFICATE] = "certificate",
        [SEALRING_CLAIM_CONTESTED] = "contested",
    };
    const size_t index = (size_t)result;
    return index < sizeof names / sizeof *names && names[index] != NULL ? names[index] : "none";
}

/* ---- listing */

static sealring_status read_list(struct registry *registry, const char *key_id, const char *ring,
                                 struct contested_holders *list, sealring_error *error)
{
    struct registry_ring row = {.id = 0};
    struct registry_holder holder;
    sealring_status status = ring != NULL ? manager_get_ring(registry, ring, &row, error) : SEALRING_OK;
    if (status == SEALRING_OK && key_id != NULL)
        status = key_get(registry, key_id, &holder, error);
    return status == SEALRING_OK ? claimed_read(registry, row.id, list, error) : status;
}

static int report(const struct registry_holder *holder, sealring_claim_callback each, void *context)
{
    const struct key_claim *claim = &holder->key.claim;
    const sealring_claim_info info = {
        .key_id = holder->key.key_id,
        .ring = holder->ring.name,
        .client = holder->client.name,
        .label = holder->key.label,
        .state = claim->contested != 0               ? "contested"
                 : claim->taken                      ? "taken"
                 : claim->expires <= clock_wall_ms() ? "expired"
                                                     : "open",
        .serial = claim->serial,
        .expires = claim->expires,
        .first_peer = claim->first,
        .second_peer = claim->second,
        .contested = claim->contested,
    };
    return each(&info, context);
}

sealring_status sealring_claim_list(sealring_manager *manager, const char *key_id, const char *ring,
                                    sealring_claim_callback each, void *context, sealring_error *error)
{
    struct contested_holders list = {.count = 0};
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_list(manager->registry, key_id, ring, &list, error);
    } while (registry_again(&reading, &status));
    for (size_t i = 0; status == SEALRING_OK && i < list.count; i++) {
        const bool wanted = key_id == NULL || strcmp(list.items[i].key.key_id, key_id) == 0;
        if (wanted && report(&list.items[i], each, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    contested_free(&list);
    return status;
}

/* ---- ending */

static sealring_status end_claim(sealring_manager *manager, const char *key_id, struct audit_act *act,
                                 sealring_error *error)
{
    struct registry_holder holder;
    sealring_status status = key_get(manager->registry, key_id, &holder, error);
    if (status == SEALRING_OK)
        status = key_check_alive(&holder.key, error);
    if (status != SEALRING_OK)
        return status;
    key_record(act, &holder);
    if (!holder.key.claim.offered)
        return error_set(error, SEALRING_REFUSED, "API key %s has no claim: see `sealring claim list`", key_id);
    audit_detail(act, "{s:I, s:b}", "serial", (json_int_t)holder.key.claim.serial, "taken", holder.key.claim.taken);
    holder.key.claim = (struct key_claim){.offered = false};
    return registry_key_set_claim(manager->registry, &holder.key, error);
}

sealring_status sealring_claim_cancel(sealring_manager *manager, const char *key_id, sealring_error *error)
{
    struct audit_act act = {.name = "key.claim-cancel"};
    sealring_status status = manager_begin_restriction(manager, "claim cancel", error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, true, &act, error);
    commit.restricts = true;
    do {
        if (commit_begin(&commit, &status))
            status = end_claim(manager, key_id, &act, error);
    } while (commit_again(&commit, &status));
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}
