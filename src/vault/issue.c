/* SPDX-License-Identifier: Apache-2.0 */
/* Issuing: one API key or many, everything checked first, committed in batches, safe to repeat. */
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "credential/scope.h"
#include "lifecycle/table.h"
#include "vault/client.h"
#include "vault/key.h"
#include "vault/manager.h"
#include "vault/parallel.h"
#include "vault/request.h"
#include "vault/seal.h"

/* Credentials per transaction: with a key and a credential each, no transaction holds more than 500 rows and some. */
#define ISSUE_BATCH 250

enum item_kind {
    ITEM_NEW,       /* a new API key */
    ITEM_EXISTING,  /* handed over again */
    ITEM_SUCCESSOR, /* the key exists, its newest credential is under a closed version: the next serial */
};

struct item {
    enum item_kind kind;
    bool adds_client;
    struct registry_holder older; /* ITEM_SUCCESSOR */
    struct registry_holder holder;
};

struct issue {
    sealring_manager *manager;
    const char *ring_name;
    const sealring_issue_request *requests;
    size_t count;
    unsigned flags;
    bool imports;    /* digests of keys that clients have, instead of credentials */
    bool repeatable; /* existing keys are handed over again */
    size_t bad;
    struct registry_vault vault;
    struct registry_ring ring;
    struct registry_version active;
    size_t first; /* the batch: requests first … first + batch - 1 */
    size_t batch;
    struct item *items;
    char (*texts)[SEAL_TEXT_SIZE];
    struct audit_act act;
};

static sealring_status refuse(const struct issue *issue, size_t index, sealring_status status,
                              const sealring_error *inner, sealring_error *error)
{
    if (issue->count == 1)
        return error_set(error, status, "%s", inner->message);
    return error_set(error, status, "request %zu: %s", index + 1, inner->message);
}

/* ---- planning: what a request means for the registry as it is */

static sealring_status plan_client(struct registry *registry, const struct issue *issue,
                                   const sealring_issue_request *request, struct item *item, sealring_error *error)
{
    sealring_status status = registry_client_get(registry, request->client, &item->holder.client, error);
    item->adds_client = status == SEALRING_NOT_FOUND;
    if (status == SEALRING_NOT_FOUND) {
        if ((issue->flags & SEALRING_ISSUE_ADD_CLIENTS) == 0)
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

static sealring_status plan_existing(struct registry *registry, const struct issue *issue,
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
            issue->ring_name);
    if (closed) {
        item->kind = ITEM_SUCCESSOR;
        item->older = existing;
        return SEALRING_OK;
    }
    if (!issue->repeatable)
        return error_set(
            error, SEALRING_REFUSED,
            "client %s has an API key labelled %s in ring %s already: %s; choose another --label, or `sealring "
            "reissue %s`",
            request->client, key->label, issue->ring_name, key->key_id, key->key_id);
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
    sealring_status status = registry_credential_get_imported(registry, request->sha256, &known, error);
    if (status == SEALRING_NOT_FOUND)
        return SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    return error_set(error, SEALRING_REFUSED, "the key of client %s was imported before, for another client or label",
                     request->client);
}

static sealring_status plan_item(struct registry *registry, const struct issue *issue,
                                 const sealring_issue_request *request, struct item *item, sealring_error *error)
{
    char problem[128];
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1];
    struct registry_key key;
    memset(&item->holder.client, 0, sizeof item->holder.client);
    item->kind = ITEM_NEW;
    sealring_status status = plan_client(registry, issue, request, item, error);
    if (status != SEALRING_OK)
        return status;
    (void)scope_normalise(request->scopes, scopes, problem); /* checked with all requests before */
    if (!item->adds_client) {
        status = registry_key_get_by_label(registry, issue->ring.id, item->holder.client.id, request_label(request),
                                           &key, error);
        if (status == SEALRING_OK)
            status = plan_existing(registry, issue, request, scopes, &key, item, error);
        else if (status == SEALRING_NOT_FOUND)
            status = SEALRING_OK;
        if (status != SEALRING_OK || item->kind == ITEM_EXISTING)
            return status;
    }
    if (issue->imports) {
        status = refuse_known_digest(registry, request, error);
        if (status != SEALRING_OK)
            return status;
    }
    struct registry_holder *holder = &item->holder;
    holder->ring = issue->ring;
    holder->version = issue->active;
    holder->key = (struct registry_key){
        .ring = issue->ring.id, .state = SEALRING_KEY_ACTIVE, .last_serial = 1, .created = clock_wall_ms()};
    memcpy(holder->key.label, request_label(request), strlen(request_label(request)) + 1);
    if (item->kind == ITEM_SUCCESSOR) {
        holder->key = item->older.key;
        holder->key.last_serial++;
        holder->credential.key = item->older.key.id;
    }
    holder->credential.serial = holder->key.last_serial;
    holder->credential.version = issue->active.number;
    memcpy(holder->credential.scopes, scopes, strlen(scopes) + 1);
    holder->credential.not_before = request->not_before;
    holder->credential.expires = request->expires;
    holder->credential.state = SEALRING_CREDENTIAL_CURRENT;
    holder->credential.replaced = false;
    holder->credential.retire_at = 0;
    holder->credential.issued = clock_wall_ms();
    holder->credential.imported = issue->imports;
    if (issue->imports)
        memcpy(holder->credential.digest, request->sha256, sizeof holder->credential.digest);
    return SEALRING_OK;
}

static sealring_status plan_ring(struct registry *registry, struct issue *issue, sealring_error *error)
{
    issue->vault = *registry_vault_row(registry);
    sealring_status status = manager_get_ring(registry, issue->ring_name, &issue->ring, error);
    return status != SEALRING_OK ? status : seal_active_version(registry, &issue->ring, &issue->active, error);
}

/* The requests of the batch; items[0] alone serves all of them where only the check counts. */
static sealring_status plan(struct registry *registry, struct issue *issue, bool keep, sealring_error *error)
{
    sealring_error inner;
    sealring_status status = plan_ring(registry, issue, error);
    for (size_t i = 0; status == SEALRING_OK && i < issue->batch; i++) {
        status = plan_item(registry, issue, &issue->requests[issue->first + i], &issue->items[keep ? i : 0], &inner);
        if (status != SEALRING_OK) {
            issue->bad = issue->first + i;
            status = refuse(issue, issue->bad, status, &inner, error);
        }
    }
    return status;
}

static sealring_status plan_to_check(struct registry *registry, void *context, sealring_error *error)
{
    return plan(registry, context, false, error);
}

static sealring_status plan_to_issue(struct registry *registry, void *context, sealring_error *error)
{
    return plan(registry, context, true, error);
}

/* ---- sealing */

/* Key IDs and nonces for a batch out of one answer of the token: 16 digits take 17 bytes on average, and 32 are drawn. */
static sealring_status draw(struct issue *issue, sealring_error *error)
{
    enum { KEY_ID_BYTES = 64, PER_ITEM = KEY_ID_BYTES + REGISTRY_NONCE_SIZE };
    uint8_t random[ISSUE_BATCH * PER_ITEM];
    sealring_status status = token_random(issue->manager->token, random, issue->batch * PER_ITEM, error);
    for (size_t i = 0; status == SEALRING_OK && i < issue->batch; i++) {
        struct item *item = &issue->items[i];
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

static sealring_status seal_item(size_t index, void *context, sealring_error *error)
{
    struct issue *issue = context;
    struct item *item = &issue->items[index];
    if (item->kind == ITEM_EXISTING)
        return seal_again(issue->manager, &issue->vault, &item->holder, issue->texts[index], error);
    if (issue->imports)
        return seal_import(issue->manager, &issue->vault, &item->holder, error);
    return seal_new(issue->manager, &issue->vault, &item->holder, issue->texts[index], error);
}

static sealring_status seal_batch(struct issue *issue, sealring_error *error)
{
    sealring_error inner;
    size_t failed = 0;
    sealring_status status = draw(issue, error);
    if (status != SEALRING_OK)
        return status;
    status = parallel_each(issue->batch, seal_item, issue, &failed, &inner);
    if (status == SEALRING_OK)
        return status;
    issue->bad = issue->first + failed;
    status = refuse(issue, issue->bad, status, &inner, error);
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
        /* an earlier request of the batch may have made it */
        status = registry_client_get(registry, request->client, &holder->client, error);
        if (status == SEALRING_NOT_FOUND)
            status = client_insert(registry, request->client, request->contact, &holder->client, error);
    }
    holder->key.client = holder->client.id;
    if (status == SEALRING_OK)
        status = registry_key_insert(registry, &holder->key, error);
    holder->credential.key = holder->key.id;
    return status != SEALRING_OK ? status : registry_credential_insert(registry, &holder->credential, error);
}

static void record(struct issue *issue, size_t written)
{
    struct audit_act *act = &issue->act;
    memcpy(act->ring, issue->ring.name, sizeof act->ring);
    act->version = issue->active.number;
    if (written == 1 && issue->batch == 1)
        key_record(act, &issue->items[0].holder);
    json_t *keys = json_array();
    for (size_t i = 0; i < issue->batch; i++) {
        const struct registry_holder *holder = &issue->items[i].holder;
        if (issue->items[i].kind != ITEM_EXISTING)
            json_array_append_new(keys,
                                  json_pack("[s, I, s, s]", holder->key.key_id, (json_int_t)holder->credential.serial,
                                            holder->client.name, holder->credential.scopes));
    }
    audit_detail(act, "{s:I}", "count", (json_int_t)written);
    audit_detail_add(act, "issued", keys); /* key ID, serial, client, scopes of each */
}

static sealring_status write_batch(struct registry *registry, void *context, sealring_error *error)
{
    struct issue *issue = context;
    size_t written = 0;
    sealring_status status = SEALRING_OK;
    /* the lock has been held since the plan; whoever changed the registry without it is noticed here */
    if (registry_vault_row(registry)->epoch != issue->vault.epoch + 1)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry was changed while ring %s was issuing: repeat the command", issue->ring_name);
    for (size_t i = 0; status == SEALRING_OK && i < issue->batch; i++) {
        if (issue->items[i].kind == ITEM_EXISTING)
            continue;
        status = write_item(registry, &issue->requests[issue->first + i], &issue->items[i], error);
        written++;
    }
    record(issue, written);
    return status;
}

/* A batch that was issued before: only the record changes. */
static sealring_status record_again(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)error;
    struct issue *issue = context;
    memcpy(issue->act.ring, issue->ring.name, sizeof issue->act.ring);
    audit_detail(&issue->act, "{s:I}", "count", (json_int_t)issue->batch);
    return SEALRING_OK;
}

static bool writes_something(const struct issue *issue)
{
    for (size_t i = 0; i < issue->batch; i++)
        if (issue->items[i].kind != ITEM_EXISTING)
            return true;
    return false;
}

static sealring_status issue_batch(struct issue *issue, sealring_error *error)
{
    sealring_manager *manager = issue->manager;
    sealring_status status = manager_begin(manager, "issue", true, error);
    if (status != SEALRING_OK)
        return status;
    status = manager_read(manager, plan_to_issue, issue, error);
    if (status == SEALRING_OK)
        status = seal_batch(issue, error);
    if (status == SEALRING_OK) {
        bool writes = writes_something(issue);
        const char *act = issue->imports ? "key.import" : "key.issue";
        issue->act = (struct audit_act){.name = writes ? act : "key.hand-over"};
        status = manager_write(manager, writes, &issue->act, writes ? write_batch : record_again, issue, error);
        audit_release(&issue->act);
    }
    manager_end(manager);
    return status;
}

static sealring_status hand_over_batch(struct issue *issue, sealring_issued_callback each, void *context,
                                       sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < issue->batch; i++)
        status = seal_hand_over(&issue->items[i].holder, issue->texts[i], issue->first + i,
                                issue->items[i].kind == ITEM_EXISTING, each, context, error);
    return status;
}

/* Checks every request against the registry, without the lock: the batches ask again. */
static sealring_status check(struct issue *issue, sealring_error *error)
{
    sealring_status status =
        request_check_all(issue->requests, issue->count, issue->imports, clock_wall_ms(), &issue->bad, error);
    if (status == SEALRING_OK)
        status = manager_token(issue->manager, error);
    issue->first = 0;
    issue->batch = issue->count;
    return status != SEALRING_OK ? status : manager_read(issue->manager, plan_to_check, issue, error);
}

static sealring_status run(sealring_manager *manager, bool imports, const char *ring,
                           const sealring_issue_request *requests, size_t count, unsigned flags,
                           sealring_issued_callback each, void *context, size_t *bad_request, sealring_error *error)
{
    size_t room = count < ISSUE_BATCH ? count : ISSUE_BATCH;
    struct issue issue = {
        .manager = manager,
        .ring_name = ring,
        .requests = requests,
        .count = count,
        .flags = flags,
        .imports = imports,
        .repeatable = count > 1 || (flags & SEALRING_ISSUE_ADD_CLIENTS) != 0,
    };
    if (count == 0)
        return error_set(error, SEALRING_INVALID, "there is nothing to issue");
    issue.items = calloc(room, sizeof *issue.items);
    issue.texts = secret_allocate(room * sizeof *issue.texts);
    sealring_status status = issue.items == NULL || issue.texts == NULL ? error_no_memory(error) : check(&issue, error);
    if (manager->dry_run)
        goto cleanup;
    for (issue.first = 0; status == SEALRING_OK && issue.first < count; issue.first += issue.batch) {
        issue.batch = count - issue.first < room ? count - issue.first : room;
        status = issue_batch(&issue, error);
        if (status == SEALRING_OK)
            status = hand_over_batch(&issue, each, context, error);
    }
cleanup:
    if (status != SEALRING_OK && bad_request != NULL)
        *bad_request = issue.bad;
    secret_free(issue.texts, room * sizeof *issue.texts);
    free(issue.items);
    return status;
}

sealring_status sealring_issue(sealring_manager *manager, const char *ring, const sealring_issue_request *requests,
                               size_t count, unsigned flags, sealring_issued_callback each, void *context,
                               size_t *bad_request, sealring_error *error)
{
    return run(manager, false, ring, requests, count, flags, each, context, bad_request, error);
}

sealring_status sealring_import(sealring_manager *manager, const char *ring, const sealring_issue_request *requests,
                                size_t count, unsigned flags, sealring_issued_callback each, void *context,
                                size_t *bad_request, sealring_error *error)
{
    return run(manager, true, ring, requests, count, flags, each, context, bad_request, error);
}
