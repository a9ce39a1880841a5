/* SPDX-License-Identifier: Apache-2.0 */
/* API keys for one holder whose credential was renewed twice: found, recorded, listed. */
#include "manage/renew/renew_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "manage/act/act.h"
#include "manage/fleet/contested_holders.h"
#include "manage/fleet/usage_files.h"
#include "manage/keys/keys.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"

/* ---- finding: whether a successor was used */

/* Whether the item's successor has to be unused. */
static bool is_asked(const struct renew_item *item)
{
    return item->turn && item->stage == RENEW_HANDS_OUT && item->request->result == SEALRING_RENEWAL_AGAIN &&
           item->older.key.holders.one;
}

static bool counts(const struct registry_usage *use, uint32_t serial)
{
    return use->serial == serial && use->accepted > 0;
}

static bool was_reported(const struct usage_pending *pending, int64_t key, uint32_t serial)
{
    size_t count;
    const struct usage_record *records = usage_pending_of_key(pending, key, &count);
    for (size_t i = 0; i < count; i++)
        if (counts(&records[i].use, serial))
            return true;
    return false;
}

static sealring_status was_harvested(struct registry *registry, int64_t key, uint32_t serial, bool *used,
                                     sealring_error *error)
{
    struct registry_usage use;
    sealring_status status = SEALRING_OK;
    for (int daily = 0; daily < 2 && status == SEALRING_OK; daily++) {
        struct registry_cursor periods = registry_usage_of_key(registry, key, daily != 0, 0, INT64_MAX, error);
        while (registry_usage_next(&periods, &use))
            *used = *used || counts(&use, serial);
        status = registry_close_cursor(&periods, SEALRING_OK);
    }
    return status;
}

static sealring_status judge_use(struct renew_batch *batch, const struct usage_pending *pending,
                                 struct renew_item *item, sealring_error *error)
{
    const int64_t key = item->older.key.id;
    const uint32_t serial = item->successor.credential.serial;
    bool used = item->was_renewed || was_reported(pending, key, serial);
    sealring_status status = used ? SEALRING_OK : was_harvested(batch->manager->registry, key, serial, &used, error);
    if (status == SEALRING_OK && used) {
        memset(item->request->successor, 0, sizeof item->request->successor);
        renew_answer(item, SEALRING_RENEWAL_CONTESTED,
                     "the API key is for one holder, and the successor of credential %u is in use: the key is "
                     "contested: sealring key rekey %s",
                     item->older.credential.serial, item->older.key.key_id);
        item->contests = true;
    }
    return status;
}

sealring_status renew_find_used(struct renew_batch *batch, sealring_error *error)
{
    struct usage_pending pending = {.file_count = 0};
    sealring_status status = SEALRING_OK;
    bool asked = false;
    for (size_t i = 0; i < batch->count; i++)
        asked = asked || is_asked(&batch->items[i]);
    if (!asked)
        return SEALRING_OK;
    status = usage_pending_read(batch->manager, batch->now, &pending, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(batch->manager->registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++)
            if (is_asked(&batch->items[i]))
                status = judge_use(batch, &pending, &batch->items[i], error);
    } while (registry_again(&reading, &status));
    usage_pending_free(&pending);
    return status;
}

/* ---- recording */

/* The address that got the first successor, from the log; "": it is not in there. */
static void find_first_peer(struct registry *registry, const struct renew_item *item, char peer[HOLDERS_PEER_SIZE])
{
    const int64_t issued = item->successor.credential.issued;
    const sealring_audit_filter filter = {.size = sizeof filter, .act = "key.renew", .since = issued - 60000};
    struct registry_audit entry;
    struct registry_cursor entries = registry_audit_entries(registry, &filter, NULL);
    bool found = false;
    while (!found && registry_audit_next(&entries, &entry)) {
        json_t *detail = json_loads(entry.detail != NULL ? entry.detail : "", 0, NULL), *one;
        size_t index;
        json_array_foreach(json_object_get(detail, "renewed"), index, one)
        {
            const char *key_id = json_string_value(json_array_get(one, 0));
            const char *address = json_string_value(json_array_get(one, 3));
            if (found || key_id == NULL || address == NULL || strcmp(key_id, item->older.key.key_id) != 0 ||
                json_integer_value(json_array_get(one, 1)) != item->successor.credential.serial)
                continue;
            found = true;
            if (holders_is_peer(address))
                memcpy(peer, address, strlen(address) + 1);
        }
        json_decref(detail);
    }
    (void)registry_close_cursor(&entries, SEALRING_OK);
}

/* A long log is searched without any lock. */
static void read_first_peer(struct registry *registry, const struct renew_item *item, char peer[HOLDERS_PEER_SIZE])
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, NULL);
    do {
        peer[0] = '\0';
        if (registry_begin(&reading, &status))
            find_first_peer(registry, item, peer);
    } while (registry_again(&reading, &status));
}

static sealring_status write_contest(struct renew_batch *batch, const struct renew_item *item,
                                     const char first[HOLDERS_PEER_SIZE], sealring_error *error)
{
    struct registry *registry = batch->manager->registry;
    struct registry_holder now;
    sealring_status status = key_get(registry, item->older.key.key_id, &now, error);
    if (status == SEALRING_OK)
        status = key_check_alive(&now.key, error);
    if (status != SEALRING_OK || registry_key_is_contested(&now.key) || !now.key.holders.one)
        return status;
    key_record(&batch->act, &now);
    struct holders *holders = &now.key.holders;
    *holders =
        (struct holders){.one = true, .serial = item->older.credential.serial, .since = manager_now(batch->manager)};
    memcpy(holders->first, first, sizeof holders->first);
    memcpy(holders->second, item->peer, strlen(item->peer) + 1);
    audit_detail(&batch->act, "{s:I, s:I, s:s, s:s}", "serial", (json_int_t)holders->serial, "successor",
                 (json_int_t)item->successor.credential.serial, "first_peer", holders->first, "second_peer",
                 holders->second);
    return registry_key_set_holders(registry, &now.key, error);
}

/* It takes away only: further renewals. The request is refused in any case; if this cannot be written, the next one tries again. */
void renew_contest(struct renew_batch *batch, struct renew_item *item)
{
    sealring_manager *manager = batch->manager;
    sealring_error error = {.message = ""};
    char first[HOLDERS_PEER_SIZE];
    read_first_peer(manager->registry, item, first);
    sealring_status status = manager_begin_restriction(manager, "renew", &error);
    if (status != SEALRING_OK)
        return;
    batch->act = (struct audit_act){.name = "key.contested"};
    struct commit commit = manager_commit(manager, true, &batch->act, &error);
    commit.restricts = true;
    do {
        if (commit_begin(&commit, &status))
            status = write_contest(batch, item, first, &error);
    } while (commit_again(&commit, &status));
    manager_end_act(manager, &batch->act, status, &error);
    audit_release(&batch->act);
}

/* ---- listing */

static sealring_status read_list(struct registry *registry, const char *ring, struct contested_holders *list,
                                 sealring_error *error)
{
    struct registry_ring row = {.id = 0};
    sealring_status status = ring != NULL ? manager_get_ring(registry, ring, &row, error) : SEALRING_OK;
    return status == SEALRING_OK ? contested_read(registry, row.id, list, error) : status;
}

sealring_status sealring_contested_list(sealring_manager *manager, const char *ring, sealring_contested_callback each,
                                        void *context, sealring_error *error)
{
    struct contested_holders list = {.count = 0};
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_list(manager->registry, ring, &list, error);
    } while (registry_again(&reading, &status));
    for (size_t i = 0; status == SEALRING_OK && i < list.count; i++) {
        const struct registry_holder *holder = &list.items[i];
        const struct holders *holders = &holder->key.holders;
        const struct key_claim *claim = &holder->key.claim;
        const bool of_claim = registry_claim_is_contested(&holder->key);
        const sealring_contested contested = {.key_id = holder->key.key_id,
                                              .ring = holder->ring.name,
                                              .client = holder->client.name,
                                              .label = holder->key.label,
                                              .serial = of_claim ? claim->serial : holders->serial,
                                              .since = contested_since(&holder->key),
                                              .first_peer = of_claim ? claim->first : holders->first,
                                              .second_peer = of_claim ? claim->second : holders->second,
                                              .claim = of_claim};
        if (each(&contested, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    contested_free(&list);
    return status;
}
