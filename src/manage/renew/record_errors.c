/* SPDX-License-Identifier: Apache-2.0 */
/* Records why renewals failed, for `sealring usage --lagging`. */
#include "manage/renew/renew_batch.h"

#include "manage/act/act.h"
#include "registry/usage/renewal_errors.h"

#define RECORD_WAIT_MS 100 /* for the locks: the answers wait for this, and decide nothing by it */

static bool failed(const struct renew_item *item)
{
    const sealring_renewal_result result = item->request->result;
    return item->is_known && result != SEALRING_RENEWAL_ISSUED && result != SEALRING_RENEWAL_AGAIN &&
           result != SEALRING_RENEWAL_CURRENT;
}

/* What was before a successor counts no more. */
static bool was_limited(const struct renew_item *item)
{
    return item->is_known && item->request->limited > 0 && item->request->result != SEALRING_RENEWAL_ISSUED;
}

static sealring_status record(struct renew_batch *batch, const struct renew_item *item, sealring_renewal_result result,
                              uint64_t count, sealring_error *error)
{
    const struct registry_renewal_error one = {
        .key = item->newest.key.id, .result = result, .count = count, .latest = manager_now(batch->manager)};
    return registry_renewal_error_add(batch->manager->registry, &one, item->newest.credential.issued, error);
}

static sealring_status write_errors(struct renew_batch *batch, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
        const struct renew_item *item = &batch->items[i];
        if (was_limited(item))
            status = record(batch, item, SEALRING_RENEWAL_LIMITED, item->request->limited, error);
        if (failed(item) && status == SEALRING_OK)
            status = record(batch, item, item->request->result, 1, error);
    }
    return status;
}

/* What cannot be written now is not recorded. */
void renew_record_errors(struct renew_batch *batch)
{
    sealring_manager *manager = batch->manager;
    const int64_t lock_wait = manager->lock_wait;
    sealring_error error = {.message = ""};
    bool any = false;
    for (size_t i = 0; i < batch->count; i++)
        any = any || failed(&batch->items[i]) || was_limited(&batch->items[i]);
    if (!any || manager->dry_run || !batch->vault.facts_begun)
        return;
    manager->lock_wait = lock_wait < RECORD_WAIT_MS ? lock_wait : RECORD_WAIT_MS;
    sealring_status status = manager_begin_dated(manager, "renew", false, &error);
    if (status == SEALRING_OK) {
        struct commit commit = manager_commit(manager, false, NULL, &error);
        do {
            if (commit_begin(&commit, &status))
                status = write_errors(batch, &error);
        } while (commit_again(&commit, &status));
        manager_end(manager);
    }
    manager->lock_wait = lock_wait;
}
