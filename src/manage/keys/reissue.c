/* SPDX-License-Identifier: Apache-2.0 */
/* Reissuing: prints an API key's credential under its ring's active version again, or makes it as a successor. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "manage/keys/claim_offer.h"
#include "manage/keys/keys.h"
#include "manage/keys/renewal.h"

#define REISSUE_BATCH 250 /* successors per transaction: two rows changed and one made for each */

static sealring_status reissue_check(const struct registry_holder *older, sealring_error *error)
{
    const char *key_id = older->key.key_id;
    if (older->key.state != SEALRING_KEY_ACTIVE)
        return error_set(error, SEALRING_REFUSED, "API key %s is %s and cannot be reissued", key_id,
                         sealring_key_state_name(older->key.state));
    if (older->credential.expires != 0 && older->credential.expires <= clock_wall_ms())
        return error_set(error, SEALRING_REFUSED, "API key %s has expired: sealring key rekey %s --expires T", key_id,
                         key_id);
    return SEALRING_OK;
}

static sealring_status reissue_seal(struct renewal *renewal, struct renewal_item *item, char text[SEAL_TEXT_SIZE],
                                    sealring_error *error)
{
    item->doubt = SEAL_CERTAIN;
    item->existed = item->older.version.number == renewal->active.number && !item->older.credential.imported;
    /* claims are copied only from a row that the token confirms */
    sealring_status status = seal_again(renewal->manager, &renewal->vault, &item->older, text, &item->doubt, error);
    if (status == SEALRING_OK && item->existed)
        return claim_offer(renewal->manager, &renewal->vault, &item->older, text, &item->doubt, error);
    if (status != SEALRING_OK)
        return status;
    secret_wipe(text, SEAL_TEXT_SIZE);
    status = seal_successor(renewal->manager, &renewal->vault, &item->older, &renewal->active, &item->successor, error);
    if (status == SEALRING_OK)
        status = seal_new(renewal->manager, &renewal->vault, &item->successor, text, &item->doubt, error);
    return status == SEALRING_OK
               ? claim_offer(renewal->manager, &renewal->vault, &item->successor, text, &item->doubt, error)
               : status;
}

static sealring_status reissue_write(struct renewal *renewal, const struct renewal_item *item, sealring_error *error)
{
    return seal_insert_successor(renewal->manager, &item->older, &item->successor, error);
}

static void reissue_record(struct renewal *renewal)
{
    struct audit_act *act = &renewal->act;
    memcpy(act->ring, renewal->ring.name, sizeof act->ring);
    act->version = renewal->active.number;
    if (renewal->key_id != NULL)
        key_record(act, &renewal->items[0].older);
    json_t *keys = json_array();
    for (size_t i = 0; i < renewal->count; i++) {
        const struct renewal_item *item = &renewal->items[i];
        const struct registry_holder *holder = item->existed ? &item->older : &item->successor;
        keys = audit_list_add(
            keys, json_pack("[s, I, b]", holder->key.key_id, (json_int_t)holder->credential.serial, item->existed));
    }
    audit_detail(act, "{s:I}", "count", (json_int_t)renewal->count);
    audit_detail_add(act, "handed_over", keys); /* key ID, serial, whether it existed, of each */
    seal_record(renewal->manager, act);
}

const struct renewal_kind reissue_kind = {
    .purpose = "reissue",
    .act = "key.reissue",
    .check = reissue_check,
    .seal = reissue_seal,
    .write = reissue_write,
    .record = reissue_record,
};

sealring_status sealring_reissue(sealring_manager *manager, const char *key_id, sealring_issued_callback each,
                                 void *context, sealring_error *error)
{
    struct renewal reissue = {.manager = manager, .kind = &reissue_kind, .key_id = key_id, .room = 1};
    sealring_status status = renewal_make(&reissue, error);
    if (status == SEALRING_OK)
        status = renewal_run(&reissue, each, context, error);
    renewal_release(&reissue);
    return status;
}

/* The number of API keys in the ring that are not revoked. */
static sealring_status count_keys(sealring_manager *manager, const char *name, uint64_t *keys, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = manager_get_ring(manager->registry, name, &ring, error);
        if (status == SEALRING_OK)
            status = registry_key_count(manager->registry, ring.id, keys, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status sealring_reissue_ring(sealring_manager *manager, const char *ring, uint64_t *total,
                                      sealring_issued_callback each, void *context, sealring_error *error)
{
    char after_client[SEALRING_NAME_LENGTH_MAX + 1];
    char after_label[SEALRING_NAME_LENGTH_MAX + 1];
    uint64_t keys = 0;
    struct renewal reissue = {
        .manager = manager,
        .kind = &reissue_kind,
        .room = REISSUE_BATCH,
        .filter = {.ring = ring, .only_active = true, .limit = REISSUE_BATCH},
    };
    sealring_status status = renewal_make(&reissue, error);
    if (status == SEALRING_OK)
        status = count_keys(manager, ring, &keys, error);
    if (status == SEALRING_OK && total != NULL)
        *total = keys;
    reissue.full = true;
    while (status == SEALRING_OK && reissue.full) {
        status = renewal_run(&reissue, each, context, error);
        memcpy(after_client, reissue.next_client, sizeof after_client);
        memcpy(after_label, reissue.next_label, sizeof after_label);
        reissue.filter.after_ring = ring;
        reissue.filter.after_client = after_client;
        reissue.filter.after_label = after_label;
    }
    if (status == SEALRING_OK && reissue.unconfirmed > 0)
        status = error_set(error, SEALRING_REFUSED, "%llu API key%s of ring %s %s left out, the others are done: %s",
                           (unsigned long long)reissue.unconfirmed, reissue.unconfirmed == 1 ? "" : "s", ring,
                           reissue.unconfirmed == 1 ? "was" : "were", reissue.first_problem);
    renewal_release(&reissue);
    return status;
}
