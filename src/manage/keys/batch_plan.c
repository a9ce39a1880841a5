/* SPDX-License-Identifier: Apache-2.0 */
/* What each request of a batch means for the registry as it is, and whether it still means the same when it is written. */
#include "manage/keys/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "credential/scope.h"
#include "lifecycle/transition_table.h"
#include "manage/keys/issue_request.h"
#include "manage/keys/keys.h"
#include "registry/rows/closed_facts.h"

bool batch_is_repeatable(const struct batch_call *call)
{
    return call->count > 1 || (call->flags & SEALRING_ISSUE_ADD_CLIENTS) != 0;
}

sealring_status batch_refuse(const struct batch *batch, size_t index, sealring_status status,
                             const sealring_error *inner, sealring_error *error)
{
    return request_refuse(batch->call->requests, batch->call->count, index, status, inner, error);
}

static sealring_status plan_client(struct registry *registry, const struct batch *batch,
                                   const sealring_issue_request *request, struct item *item, sealring_error *error)
{
    struct registry_client_proof proof;
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
    if (status == SEALRING_OK)
        status = registry_client_prove(registry, &item->holder.client, &proof, error);
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

/* A request without addresses leaves those of an existing key. */
static bool has_other_addresses(const struct registry_key *key, const sealring_issue_request *request)
{
    struct registry_key asked;
    char problem[128];
    if (request->from_addresses == NULL)
        return false;
    (void)key_read_networks(request->from_addresses, &asked, problem);
    return !registry_key_has_networks_of(key, &asked);
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
    if (has_other_addresses(&existing.key, request))
        return error_set(error, SEALRING_REFUSED,
                         "client %s has the API key %s labelled %s already, with other addresses: sealring key set %s "
                         "--from-addresses",
                         request->client, key->key_id, key->label, key->key_id);
    if (closed) {
        item->kind = ITEM_SUCCESSOR;
        item->older = existing;
        return SEALRING_OK;
    }
    if (!batch_is_repeatable(batch->call))
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

static sealring_status plan_key(const struct batch *batch, const sealring_issue_request *request, struct item *item,
                                sealring_error *error)
{
    struct registry_key *key = &item->holder.key;
    char problem[128];
    if (item->kind == ITEM_SUCCESSOR) {
        *key = item->older.key;
        return seal_next_serial(key, error);
    }
    *key = (struct registry_key){
        .ring = batch->ring.id, .state = SEALRING_KEY_ACTIVE, .last_serial = 1, .created = clock_wall_ms()};
    memcpy(key->label, request_label(request), strlen(request_label(request)) + 1);
    (void)key_read_networks(request->from_addresses, key, problem);
    key->holders.one = request->one_holder;
    return (key->bound || key->holders.one) && !batch->vault.facts_begun ? key_refuse_networks(error) : SEALRING_OK;
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
    if (status == SEALRING_OK && !batch->call->imports)
        status = sealed_delivery_check(batch->call->manager, request->client, error);
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
    status = plan_key(batch, request, item, error);
    if (status != SEALRING_OK)
        return status;
    holder->credential = (struct registry_credential){.key = holder->key.id,
                                                      .serial = holder->key.last_serial,
                                                      .version = batch->active.number,
                                                      .not_before = request->not_before,
                                                      .expires = request->expires,
                                                      .state = SEALRING_CREDENTIAL_CURRENT,
                                                      .issued = clock_wall_ms(),
                                                      .imported = batch->call->imports};
    memcpy(holder->credential.scopes, scopes, strlen(scopes) + 1);
    if (batch->vault.facts_begun) {
        memcpy(holder->credential.label, holder->key.label, sizeof holder->credential.label);
        holder->credential.origin = holder->credential.issued;
    }
    if (batch->call->imports)
        memcpy(holder->credential.digest, request->sha256, sizeof holder->credential.digest);
    return SEALRING_OK;
}

static sealring_status plan_ring(struct registry *registry, struct batch *batch, sealring_error *error)
{
    batch->vault = *registry_vault_row(registry);
    sealring_status status = registry_facts_begun(registry, &batch->vault, error);
    if (status == SEALRING_OK)
        status = manager_get_ring(registry, batch->call->ring_name, &batch->ring, error);
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
            status = batch_refuse(batch, batch->bad, status, &inner, error);
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

static bool means_the_same(const struct item *item, const struct item *now)
{
    if (item->kind == ITEM_LEFT_OUT)
        return true;
    return item->kind == now->kind && item->adds_client == now->adds_client &&
           item->holder.client.id == now->holder.client.id &&
           (item->kind != ITEM_EXISTING || key_is_unchanged(&item->holder, &now->holder)) &&
           (item->kind != ITEM_SUCCESSOR || key_is_unchanged(&item->older, &now->older));
}

bool batch_is_unchanged(struct registry *registry, const struct batch *batch)
{
    struct batch now = {.call = batch->call, .first = batch->first, .count = batch->count};
    const struct registry_vault *vault = registry_vault_row(registry);
    if (memcmp(vault->era, batch->vault.era, sizeof vault->era) != 0)
        return false;
    if (vault->epoch == batch->vault.epoch + (batch->wrote ? 1 : 0)) /* moved only by this transaction */
        return true;
    if (plan_ring(registry, &now, NULL) != SEALRING_OK || now.ring.id != batch->ring.id ||
        now.ring.fact != batch->ring.fact || now.active.number != batch->active.number ||
        now.active.fact != batch->active.fact)
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
