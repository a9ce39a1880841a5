/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of requests to issue or import, after its planning: sealed in the token, written, handed over. */
#include "manage/keys/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/secret.h"
#include "manage/keys/claim_offer.h"
#include "manage/keys/clients.h"
#include "manage/keys/keys.h"
#include "manage/session/parallel_work.h"
#include "registry/rows/closed_facts.h"

static bool is_made(const struct item *item)
{
    return item->kind == ITEM_NEW || item->kind == ITEM_SUCCESSOR;
}

/* The credential exists, and its key gets another claim. */
static bool is_offered_again(const struct batch *batch, const struct item *item)
{
    return batch->call->manager->claims && item->kind == ITEM_EXISTING && !item->holder.credential.imported;
}

/* ---- sealing */

/* Key IDs and nonces for a batch from one answer of the token: 16 digits take 17 bytes on average, and 32 are drawn. */
static sealring_status draw(struct batch *batch, sealring_error *error)
{
    enum { KEY_ID_BYTES = 64, PER_ITEM = KEY_ID_BYTES + REGISTRY_NONCE_SIZE };
    uint8_t random[BATCH_MAX * PER_ITEM];
    sealring_status status = token_random(batch->call->manager->token, random, batch->count * PER_ITEM, error);
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
        struct item *item = &batch->items[i];
        const uint8_t *mine = random + i * PER_ITEM;
        if (item->kind == ITEM_EXISTING)
            continue;
        memcpy(item->holder.credential.nonce, mine + KEY_ID_BYTES, REGISTRY_NONCE_SIZE);
        if (item->kind == ITEM_NEW && base62_from_random(mine, KEY_ID_BYTES, item->holder.key.key_id,
                                                         SEALRING_KEY_ID_LENGTH) < SEALRING_KEY_ID_LENGTH)
            status = error_set(error, SEALRING_TOKEN, "the token's random generator gives no random bytes");
    }
    return status;
}

static sealring_status ask_token(struct batch *batch, struct item *item, char text[SEAL_TEXT_SIZE],
                                 sealring_error *error)
{
    sealring_manager *manager = batch->call->manager;
    sealring_status status = item->kind == ITEM_EXISTING
                                 ? seal_again(manager, &batch->vault, &item->holder, text, &item->doubt, error)
                                 : seal_new(manager, &batch->vault, &item->holder, text, &item->doubt, error);
    return status == SEALRING_OK ? claim_offer(manager, &batch->vault, &item->holder, text, &item->doubt, error)
                                 : status;
}

static sealring_status seal_item(size_t index, void *context, sealring_error *error)
{
    struct batch *batch = context;
    struct item *item = &batch->items[index];
    item->doubt = SEAL_CERTAIN;
    sealring_status status = ask_token(batch, item, batch->texts[index], &item->problem);
    if (status != SEALRING_OK && batch_is_repeatable(batch->call) && item->doubt != SEAL_CERTAIN) {
        item->kind = ITEM_LEFT_OUT;
        return SEALRING_OK;
    }
    if (status != SEALRING_OK && error != NULL)
        *error = item->problem;
    return status;
}

static void count_doubts(struct batch *batch)
{
    sealring_error inner;
    batch->doubts = (struct doubts){.count = 0};
    for (size_t i = 0; i < batch->count; i++) {
        const struct item *item = &batch->items[i];
        if (item->kind != ITEM_LEFT_OUT)
            continue;
        batch->doubts.contradicted = batch->doubts.contradicted || item->doubt == SEAL_CONTRADICTED;
        inner = item->problem;
        if (batch->doubts.count++ == 0)
            (void)batch_refuse(batch, batch->first + i, inner.status, &inner, &batch->doubts.first);
    }
}

sealring_status batch_seal(struct batch *batch, sealring_error *error)
{
    sealring_error inner;
    size_t failed = 0;
    sealring_status status = draw(batch, error);
    if (status != SEALRING_OK)
        return status;
    status = parallel_each(batch->count, seal_item, batch, &failed, &inner);
    count_doubts(batch);
    if (status == SEALRING_OK)
        return status;
    batch->bad = batch->first + failed;
    status = batch_refuse(batch, batch->bad, status, &inner, error);
    if (error != NULL)
        error->token_code = inner.token_code;
    return status;
}

/* ---- writing */

static sealring_status write_item(sealring_manager *manager, const sealring_issue_request *request, struct item *item,
                                  sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_holder *holder = &item->holder;
    sealring_status status = SEALRING_OK;
    if (item->kind == ITEM_SUCCESSOR)
        return seal_insert_successor(manager, &item->older, holder, error);
    if (item->adds_client) {
        bool made; /* by an earlier request of the batch */
        status = registry_client_find(registry, request->client, &holder->client, &made, error);
        if (status == SEALRING_OK && !made)
            status = client_insert(manager, request->client, request->contact, &holder->client, error);
    }
    holder->key.client = holder->client.id;
    if (status == SEALRING_OK)
        status = registry_key_insert(registry, &holder->key, error);
    holder->credential.key = holder->key.id;
    return status != SEALRING_OK ? status : registry_credential_insert(registry, &holder->credential, error);
}

static void record(struct batch *batch, size_t written)
{
    struct audit_act *act = &batch->act;
    memcpy(act->ring, batch->ring.name, sizeof act->ring);
    if (!batch->wrote) {
        audit_detail(act, "{s:I}", "count", (json_int_t)(batch->count - batch->doubts.count));
        seal_record(batch->call->manager, act);
        return;
    }
    act->version = batch->active.number;
    if (written == 1 && batch->count == 1)
        key_record(act, &batch->items[0].holder);
    json_t *keys = json_array();
    for (size_t i = 0; i < batch->count; i++) {
        const struct registry_holder *holder = &batch->items[i].holder;
        if (is_made(&batch->items[i]))
            keys = audit_list_add(keys,
                                  json_pack("[s, I, s, s]", holder->key.key_id, (json_int_t)holder->credential.serial,
                                            holder->client.name, holder->credential.scopes));
    }
    audit_detail(act, "{s:I}", "count", (json_int_t)written);
    audit_detail_add(act, "issued", keys); /* key ID, serial, client, scopes of each */
    seal_record(batch->call->manager, act);
}

static sealring_status write_items(struct registry *registry, struct batch *batch, sealring_error *error)
{
    size_t written = 0;
    sealring_status status = SEALRING_OK;
    batch->stale = !batch_is_unchanged(registry, batch);
    if (batch->stale)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry was changed again and again while ring %s was issuing: repeat the command",
                         batch->call->ring_name);
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
        if (is_offered_again(batch, &batch->items[i]))
            status = registry_key_set_claim(registry, &batch->items[i].holder.key, error);
        if (!is_made(&batch->items[i]))
            continue;
        status = write_item(batch->call->manager, &batch->call->requests[batch->first + i], &batch->items[i], error);
        written++;
    }
    record(batch, written);
    return status;
}

static bool writes_something(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (is_made(&batch->items[i]) || is_offered_again(batch, &batch->items[i]))
            return true;
    return false;
}

sealring_status batch_write(struct batch *batch, sealring_error *error)
{
    sealring_status status;
    batch->stale = false;
    batch->wrote = writes_something(batch);
    const char *act = batch->call->imports ? "key.import" : "key.issue";
    batch->act = (struct audit_act){.name = batch->wrote ? act : "key.hand-over"};
    struct commit commit = manager_commit(batch->call->manager, batch->wrote, &batch->act, error);
    do {
        if (commit_begin(&commit, &status))
            status = write_items(batch->call->manager->registry, batch, error);
    } while (commit_again(&commit, &status));
    audit_release(&batch->act);
    return status;
}

sealring_status batch_hand_over(struct batch *batch, sealring_issued_callback each, void *context,
                                sealring_error *error)
{
    struct seal_receiver receiver = {.manager = batch->call->manager, .each = each, .context = context};
    sealring_status status = seal_open(&receiver, batch->count, error);
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++)
        if (batch->items[i].kind != ITEM_LEFT_OUT)
            status = seal_announce(&receiver, &batch->items[i].holder, batch->texts[i], error);
    if (status == SEALRING_OK)
        status = seal_sign(&receiver, error);
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++)
        if (batch->items[i].kind != ITEM_LEFT_OUT)
            status = seal_hand_over(&receiver, &batch->items[i].holder, batch->texts[i], batch->first + i,
                                    batch->items[i].kind == ITEM_EXISTING, error);
    sealed_delivery_close(receiver.delivery);
    return status;
}

sealring_status batch_make(struct batch *batch, const struct batch_call *call, sealring_error *error)
{
    *batch = (struct batch){.call = call, .room = call->count < BATCH_MAX ? call->count : BATCH_MAX, .bad = SIZE_MAX};
    batch->items = calloc(batch->room, sizeof *batch->items);
    batch->texts = secret_allocate(batch->room * sizeof *batch->texts);
    return batch->items == NULL || batch->texts == NULL ? error_no_memory(error) : SEALRING_OK;
}

void batch_release(struct batch *batch)
{
    secret_free(batch->texts, batch->room * sizeof *batch->texts);
    free(batch->items);
}
