/* SPDX-License-Identifier: Apache-2.0 */
/* Reported leaks: read, proved, acted on. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "manage/leaks/leak_batch.h"
#include "registry/rows/closed_facts.h"

static sealring_status read_leaks(struct leak_batch *batch, sealring_error *error)
{
    struct registry *registry = batch->manager->registry;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status)) {
            batch->vault = *registry_vault_row(registry);
            status = registry_facts_begun(registry, &batch->vault, error);
        }
        for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
            batch->items[i].doubtful = false;
            status = leak_read(batch, &batch->items[i], error);
        }
    } while (registry_again(&reading, &status));
    return status;
}

static bool has_doubts(const struct leak_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].doubtful)
            return true;
    return false;
}

/* One after the other: what is done about the first credential of an API key can end the second, which is read again. */
static sealring_status settle(struct leak_batch *batch, struct leak_item *item, bool act, sealring_error *error)
{
    struct leak_batch one = *batch;
    one.items = item;
    one.count = 1;
    sealring_status status = read_leaks(&one, error);
    if (status != SEALRING_OK || !item->doubtful || !leak_prove(&one, item))
        return status;
    if (act)
        leak_act(&one, item);
    else
        leak_answer(item, SEALRING_LEAK_FOUND, "it is valid");
    return SEALRING_OK;
}

static sealring_status run(struct leak_batch *batch, bool act, sealring_error *error)
{
    sealring_status status = read_leaks(batch, error);
    if (status != SEALRING_OK || !has_doubts(batch))
        return status;
    status = manager_ready_restriction(batch->manager, "leaks", error);
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++)
        if (batch->items[i].doubtful)
            status = settle(batch, &batch->items[i], act, error);
    return status;
}

static sealring_status check(const sealring_leak *leaks, size_t count, sealring_error *error)
{
    if (count == 0 || count > SEALRING_LEAKS_MAX)
        return error_set(error, SEALRING_INVALID, "a report has 1 to %d credentials", SEALRING_LEAKS_MAX);
    for (size_t i = 0; i < count; i++)
        if (leaks[i].size != sizeof leaks[i])
            return error_set(error, SEALRING_INVALID, "leak %zu has another size than this library's", i + 1);
    return SEALRING_OK;
}

sealring_status sealring_report_leaks(sealring_manager *manager, sealring_leak *leaks, size_t count, bool act,
                                      sealring_error *error)
{
    sealring_error inner = {.message = ""};
    sealring_status status = check(leaks, count, error);
    if (status != SEALRING_OK)
        return status;
    struct leak_batch batch = {
        .manager = manager, .items = calloc(count, sizeof *batch.items), .count = count, .now = clock_wall_ms()};
    if (batch.items == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++) {
        leaks[i] = (sealring_leak){.size = leaks[i].size,
                                   .credential = leaks[i].credential,
                                   .credential_length = leaks[i].credential_length,
                                   .url = leaks[i].url,
                                   .source = leaks[i].source};
        batch.items[i].leak = &leaks[i];
    }
    status = run(&batch, act, &inner);
    for (size_t i = 0; status != SEALRING_OK && i < count; i++)
        if (batch.items[i].doubtful || leaks[i].result == SEALRING_LEAK_UNAVAILABLE)
            leak_answer(&batch.items[i], SEALRING_LEAK_UNAVAILABLE, "%s", inner.message);
    free(batch.items);
    if (status != SEALRING_OK && error != NULL)
        *error = inner;
    return status;
}
