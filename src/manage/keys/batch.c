/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of requests to issue or import: planned on the registry as it is, sealed in the token, written, handed over. */
#include "manage/keys/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "credential/scope.h"
#include "lifecycle/transition_table.h"
#include "manage/keys/clients.h"
#include "manage/keys/issue_request.h"
#include "manage/keys/keys.h"
#include "manage/session/parallel_work.h"

enum item_kind {
    ITEM_NEW,       /* a new API key */
    ITEM_EXISTING,  /* handed over again */
    ITEM_SUCCESSOR, /* the key exists, its newest credential is under a closed version: the next serial */
    ITEM_LEFT_OUT,  /* the token's answer is in doubt: this item is not carried out */
};

struct item {
    enum item_kind kind;
    bool adds_client;
    enum seal_doubt doubt;
    sealring_error problem;       /* if there is a doubt */
    struct registry_holder older; /* ITEM_SUCCESSOR */
    struct registry_holder holder;
};

static bool is_made(const struct item *item)
{
    return item->kind == ITEM_NEW || item->kind == ITEM_SUCCESSOR;
}

/* Existing keys are handed over again. */
static bool is_repeatable(const struct batch_call *call)
{
    return call->count > 1 || (call->flags & SEALRING_ISSUE_ADD_CLIENTS) != 0;
}

static sealring_status refuse(const struct batch *batch, size_t index, sealring_status status,
                              const sealring_error *inner, sealring_error *error)
{
    return request_refuse(batch->call->requests, batch->call->count, index, status, inner, error);
}

/* ---- planning: what a request means for the registry as it is */

static sealring_status plan_client(struct registry *registry, const struct batch *batch,
                                   const sealring_issue_request *request, struct item *item, sealring_error *error)
{
    bool found;
    sealring_status status = registry_client_find(registry, request->client, &item->holder.client, &found, error);
    item->adds_client = status == SEALRING_OK && !found;
    if (item->adds_client) {
        if ((batch->call->flags & SEALRING_ISSUE_ADD_CLIENTS) == 0)
            return error_set(error, SEALRING_NOT_FOUND, "there is no client %s: sealring client add %s",
                             request->client, request->client);
        memcpy(item->holder.client.name, request->client, strlen(request->client) + 1);
        return SEALRING_OK;
    }
    if (status == SEALRING_OK && item->holder.client.forgotten != 0)
        return error_set(error, SEALRING_REFUSED, "client %s was forgotten and gets no new API keys", request->client);
    return status;
}

/* Whether the key's newest credential is what the request asks for. */
static bool is_same(const struct registry_credential *existing, const sealring_issue_request *request,
                    const char *scopes)
{
    bool imports = request->sha256 != NULL;
    if (existing->imported != imports ||
        (imports && memcmp(existing->digest, request->sha256, sizeof existing->digest) != 0))
        return false;
    return strcmp(existing->scopes, scopes) == 0 && existing->not_before == request->not_before &&
           (existing->expires == request->expires || (request->expires_is_relative && existing->expires != 0));
}

static sealring_status plan_existing(struct registry *registry, const struct batch *batch,
                                     const sealring_issue_request *request, const char *scopes,
                                     const struct registry_key *key, struct item *item, sealring_error *error)
{
    struct registry_holder existing;
    sealring_status status = key_get(registry, key->key_id, &existing, error);
    if (status != SEALRING_OK)
        return status;
    bool closed = !lifecycle_accepts(existing.version.state);
    if (key->state != SEALRING_KEY_ACTIVE)
        return error_set(error, SEALRING_REFUSED, "API key %s of client %s is suspended", key->key_id, request->client);
    if (closed && (request->key_id == NULL || strcmp(request->key_id, key->key_id) != 0))
        return error_set(
            error, SEALRING_REFUSED,
            "the newest credential of client %s's API key %s is under version %u, which is %s: to go on with this key "
            "name its ID in a CSV list (column key_id; sealring issue %s --from LIST), or choose another label",
            request->client, key->key_id, existing.version.number, sealring_version_state_name(existing.version.state),
            batch->call->ring_name);
    if (closed) {
        item->kind = ITEM_SUCCESSOR;
        item->older = existing;
        return SEALRING_OK;
    }
    if (!is_repeatable(batch->call))
        return error_set(
            error, SEALRING_REFUSED,
            "client %s has an API key labelled %s in ring %s already: %s; choose another --label, or `sealring "
            "reissue %s`",
            request->client, key->label, batch->call->ring_name, key->key_id, key->key_id);
    if (existing.credential.expires != 0 && existing.credential.expires <= clock_wall_ms())
        return error_set(error, SEALRING_REFUSED,
                         "the credential of client %s's API key %s has expired: sealring key rekey %s --expires T",
                         request->client, key->key_id, key->key_id);
    if (!is_same(&existing.credential, request, scopes))
        return error_set(error, SEALRING_REFUSED,
                         "client %s has the API key %s labelled %s already, %s: sealring %s %s", request->client,
                         key->key_id, key->label,
                         existing.credential.imported ? "imported" : "with other scopes or times",
                         existing.credential.imported ? "reissue" : "key rekey", key->key_id);
    item->kind = ITEM_EXISTING;
    item->holder = existing;
    return SEALRING_OK;
}

static sealring_status refuse_known_digest(struct registry *registry, const sealring_issue_request *request,
                                           sealring_error *error)
{
    struct registry_credential known;
    bool found;
    sealring_status status = registry_credential_find_imported(registry, request->sha256, &known, &found, error);
    if (status != SEALRING_OK || !found)
        return status;
    return error_set(error, SEALRING_REFUSED, "the key of client %s was imported before, for another client or label",
                     request->client);
}

static sealring_status plan_item(struct registry *registry, const struct batch *batch,
                                 const sealring_issue_request *request, struct item *item, sealring_error *error)
{
    char problem[128];
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1];
    struct registry_key key;
    bool found = false;
    memset(&item->holder.client, 0, sizeof item->holder.client);
    item->kind = ITEM_NEW;
    sealring_status status = plan_client(registry, batch, request, item, error);
    if (status != SEALRING_OK)
        return status;
    (void)scope_normalise(request->scopes, scopes, problem); /* checked before, with all requests */
    if (!item->adds_client) {
        status = registry_key_find_by_label(registry, batch->ring.id, item->holder.client.id, request_label(request),
                                            &key, &found, error);
        if (status == SEALRING_OK && found)
            status = plan_existing(registry, batch, request, scopes, &key, item, error);
        if (status != SEALRING_OK || item->kind == ITEM_EXISTING)
            return status;
    }
    if (batch->call->imports) {
        status = refuse_known_digest(registry, request, error);
        if (status != SEALRING_OK)
            return status;
    }
    struct registry_holder *holder = &item->holder;
    holder->ring = batch->ring;
    holder->version = batch->active;
    holder->key = (struct registry_key){
        .ring = batch->ring.id, .state = SEALRING_KEY_ACTIVE, .last_serial = 1, .created = clock_wall_ms()};
    memcpy(holder->key.label, request_label(request), strlen(request_label(request)) + 1);
    if (item->kind == ITEM_SUCCESSOR) {
        holder->key = item->older.key;
        holder->key.last_serial++;
        holder->credential.key = item->older.key.id;
    }
    holder->credential.serial = holder->key.last_serial;
    holder->credential.version = batch->active.number;
    memcpy(holder->credential.scopes, scopes, strlen(scopes) + 1);
    holder->credential.not_before = request->not_before;
    holder->credential.expires = request->expires;
    holder->credential.state = SEALRING_CREDENTIAL_CURRENT;
    holder->credential.replaced = false;
    holder->credential.retire_at = 0;
    holder->credential.issued = clock_wall_ms();
    holder->credential.imported = batch->call->imports;
    if (batch->call->imports)
        memcpy(holder->credential.digest, request->sha256, sizeof holder->credential.digest);
    return SEALRING_OK;
}

static sealring_status plan_ring(struct registry *registry, struct batch *batch, sealring_error *error)
{
    batch->vault = *registry_vault_row(registry);
    sealring_status status = manager_get_ring(registry, batch->call->ring_name, &batch->ring, error);
    return status != SEALRING_OK ? status
                                 : seal_active_version(batch->call->manager, &batch->ring, &batch->active, error);
}

/* keep: every item, otherwise items[0] alone serves all of them, as only the check counts. */
static sealring_status plan_items(struct registry *registry, struct batch *batch, bool keep, sealring_error *error)
{
    sealring_error inner;
    sealring_status status = plan_ring(registry, batch, error);
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
        status =
            plan_item(registry, batch, &batch->call->requests[batch->first + i], &batch->items[keep ? i : 0], &inner);
        if (status != SEALRING_OK) {
            batch->bad = batch->first + i;
            status = refuse(batch, batch->bad, status, &inner, error);
        }
    }
    return status;
}

sealring_status batch_plan(struct batch *batch, bool keep, sealring_error *error)
{
    sealring_status status;
    struct registry *registry = batch->call->manager->registry;
    struct registry_transaction reading = registry_reading(registry, error);
    batch->bad = SIZE_MAX;
    do {
        if (registry_begin(&reading, &status))
            status = plan_items(registry, batch, keep, error);
    } while (registry_again(&reading, &status));
    return status;
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
                                                         SEALRING_KEY_ID_LENGTH, NULL) < SEALRING_KEY_ID_LENGTH)
            status = error_set(error, SEALRING_TOKEN, "the token's random generator gives no random bytes");
    }
    return status;
}

static sealring_status ask_token(struct batch *batch, struct item *item, char text[SEAL_TEXT_SIZE],
                                 sealring_error *error)
{
    sealring_manager *manager = batch->call->manager;
    if (item->kind == ITEM_EXISTING)
        return seal_again(manager, &batch->vault, &item->holder, text, &item->doubt, error);
    if (batch->call->imports)
        return seal_import(manager, &batch->vault, &item->holder, &item->doubt, error);
    return seal_new(manager, &batch->vault, &item->holder, text, &item->doubt, error);
}

static sealring_status seal_item(size_t index, void *context, sealring_error *error)
{
    struct batch *batch = context;
    struct item *item = &batch->items[index];
    item->doubt = SEAL_CERTAIN;
    sealring_status status = ask_token(batch, item, batch->texts[index], &item->problem);
    if (status != SEALRING_OK && is_repeatable(batch->call) && item->doubt != SEAL_CERTAIN) {
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
            (void)refuse(batch, batch->first + i, inner.status, &inner, &batch->doubts.first);
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
    status = refuse(batch, batch->bad, status, &inner, error);
    if (error != NULL)
        error->token_code = inner.token_code;
    return status;
}

/* ---- writing */

static sealring_status write_item(struct registry *registry, const sealring_issue_request *request, struct item *item,
                                  sealring_error *error)
{
    struct registry_holder *holder = &item->holder;
    sealring_status status = SEALRING_OK;
    if (item->kind == ITEM_SUCCESSOR)
        return seal_insert_successor(registry, &item->older, holder, error);
    if (item->adds_client) {
        bool made; /* by an earlier request of the batch */
        status = registry_client_find(registry, request->client, &holder->client, &made, error);
        if (status == SEALRING_OK && !made)
            status = client_insert(registry, request->client, request->contact, &holder->client, error);
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
}

static bool means_the_same(const struct item *item, const struct item *now)
{
    if (item->kind == ITEM_LEFT_OUT)
        return true;
    return item->kind == now->kind && item->adds_client == now->adds_client &&
           item->holder.client.id == now->holder.client.id &&
           (item->kind != ITEM_EXISTING || (item->holder.key.id == now->holder.key.id &&
                                            item->holder.key.changed_epoch == now->holder.key.changed_epoch)) &&
           (item->kind != ITEM_SUCCESSOR ||
            (item->older.key.id == now->older.key.id && item->older.key.changed_epoch == now->older.key.changed_epoch));
}

/* Whether each request of a sealed batch still means what it was sealed for, and would not be refused by now. Sealing takes long and holds no lock:
 * meanwhile API keys may have been revoked, clients forgotten, versions compromised. */
static bool is_unchanged(struct registry *registry, const struct batch *batch)
{
    struct batch now = {.call = batch->call, .first = batch->first, .count = batch->count};
    const struct registry_vault *vault = registry_vault_row(registry);
    if (memcmp(vault->era, batch->vault.era, sizeof vault->era) != 0)
        return false;
    if (vault->epoch == batch->vault.epoch + (batch->wrote ? 1 : 0)) /* moved only by this transaction */
        return true;
    if (plan_ring(registry, &now, NULL) != SEALRING_OK || now.ring.id != batch->ring.id ||
        now.ring.changed_epoch != batch->ring.changed_epoch || now.active.number != batch->active.number ||
        now.active.changed_epoch != batch->active.changed_epoch)
        return false;
    struct item *item = malloc(sizeof *item);
    bool same = item != NULL;
    for (size_t i = 0; same && i < batch->count; i++) {
        memset(item, 0, sizeof *item);
        same = plan_item(registry, &now, &batch->call->requests[batch->first + i], item, NULL) == SEALRING_OK &&
               means_the_same(&batch->items[i], item);
    }
    free(item);
    return same;
}

/* Within the transaction. For a batch that was issued before, only its entry in the audit log is new. */
static sealring_status write_items(struct registry *registry, struct batch *batch, sealring_error *error)
{
    size_t written = 0;
    sealring_status status = SEALRING_OK;
    batch->stale = !is_unchanged(registry, batch);
    if (batch->stale)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry was changed again and again while ring %s was issuing: repeat the command",
                         batch->call->ring_name);
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
        if (!is_made(&batch->items[i]))
            continue;
        status = write_item(registry, &batch->call->requests[batch->first + i], &batch->items[i], error);
        written++;
    }
    record(batch, written);
    return status;
}

static bool writes_something(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (is_made(&batch->items[i]))
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
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++)
        if (batch->items[i].kind != ITEM_LEFT_OUT)
            status = seal_hand_over(&batch->items[i].holder, batch->texts[i], batch->first + i,
                                    batch->items[i].kind == ITEM_EXISTING, each, context, error);
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
