/* SPDX-License-Identifier: Apache-2.0 */
/* Renews credentials in batches: read and sealed without a lock, written if nothing has changed, answered one by one. */
#include "manage/renew/renew_batch.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "manage/act/act.h"
#include "manage/keys/keys.h"
#include "manage/session/parallel_work.h"

#define TRIES_MOST 20 /* of one batch that others' changes make stale */

/* ---- reading and sealing */

/* One request of an API key at a time: the next one of another credential of the key sees what this one leaves. The same credential has the
 * same answer. */
static void take_turns(struct renew_batch *batch, struct renew_item *item)
{
    for (struct renew_item *other = batch->items; other < item && item->stage == RENEW_READ; other++) {
        const bool same = memcmp(other->digest, item->digest, sizeof item->digest) == 0;
        if ((other->stage != RENEW_READ && other->stage != RENEW_FOLLOWS) ||
            other->newest.key.id != item->newest.key.id)
            continue;
        item->stage = same && other->stage == RENEW_READ ? RENEW_FOLLOWS : RENEW_WAITS;
        item->leader = (size_t)(other - batch->items);
        if (same && other->stage == RENEW_READ)
            break;
    }
}

static void begin_item(struct renew_item *item)
{
    renew_clear(item->request);
    renew_forget_sealed(item);
    item->stage = RENEW_WAITS;
    item->is_known = item->was_renewed = item->contests = false;
    item->doubt = SEAL_CERTAIN;
}

/* turn: the items of this turn, whose former answers do not count. */
static sealring_status read_items(struct renew_batch *batch, sealring_error *error)
{
    sealring_status status;
    struct registry *registry = batch->manager->registry;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        batch->vault = *registry_vault_row(registry);
        batch->now = clock_wall_ms();
        status = registry_facts_begun(registry, &batch->vault, error);
        for (struct renew_item *item = batch->items; status == SEALRING_OK && item < batch->items + batch->count;
             item++) {
            if (item->turn)
                begin_item(item);
            if (item->turn)
                status = renew_read(batch, item, error);
            if (item->turn && status == SEALRING_OK)
                take_turns(batch, item);
        }
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- writing */

static bool makes_something(const struct renew_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].turn && batch->items[i].request->result == SEALRING_RENEWAL_ISSUED)
            return true;
    return false;
}

static bool is_same_version(struct registry *registry, const struct registry_version *before)
{
    struct registry_version now;
    bool found = false;
    return registry_version_find(registry, before->ring, before->number, &now, &found, NULL) == SEALRING_OK && found &&
           now.state == before->state && !now.unfounded;
}

/* Whether key, ring and versions are as they were when they were read. Sealing holds no lock: meanwhile keys may have been revoked, and versions
 * compromised. */
static bool is_unchanged(struct renew_batch *batch, const struct renew_item *item)
{
    struct registry *registry = batch->manager->registry;
    const struct registry_ring *before = &item->newest.ring;
    struct registry_ring ring;
    struct registry_version active;
    struct registry_holder now;
    return manager_get_ring(registry, before->name, &ring, NULL) == SEALRING_OK && ring.id == before->id &&
           ring.fact == before->fact && seal_active_version(batch->manager, &ring, &active, NULL) == SEALRING_OK &&
           active.number == item->active.number && active.fact == item->active.fact &&
           key_get(registry, item->newest.key.key_id, &now, NULL) == SEALRING_OK &&
           key_is_unchanged(&item->newest, &now) && is_same_version(registry, &item->older.version) &&
           is_same_version(registry, &item->successor.version);
}

static bool are_unchanged(struct renew_batch *batch)
{
    const struct registry_vault *vault = registry_vault_row(batch->manager->registry);
    if (memcmp(vault->era, batch->vault.era, sizeof vault->era) != 0)
        return false;
    if (vault->epoch == batch->vault.epoch + (makes_something(batch) ? 1 : 0)) /* moved by this transaction alone */
        return true;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].turn && batch->items[i].stage == RENEW_HANDS_OUT && !is_unchanged(batch, &batch->items[i]))
            return false;
    return true;
}

/* Key ID, serial, predecessor, the client's address or "", whether it existed, of each. */
static json_t *list_renewed(const struct renew_batch *batch, json_int_t *count)
{
    json_t *list = json_array();
    *count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct renew_item *item = &batch->items[i];
        const struct renew_item *leader = item->stage == RENEW_FOLLOWS ? &batch->items[item->leader] : item;
        if (!item->turn || leader->stage != RENEW_HANDS_OUT)
            continue;
        ++*count;
        list = audit_list_add(list, json_pack("[s, I, I, s, b]", leader->newest.key.key_id,
                                              (json_int_t)leader->successor.credential.serial,
                                              (json_int_t)leader->older.credential.serial, item->peer,
                                              leader != item || leader->request->result == SEALRING_RENEWAL_AGAIN));
    }
    return list;
}

static sealring_status write_items(struct renew_batch *batch, sealring_error *error)
{
    sealring_manager *manager = batch->manager;
    sealring_status status = SEALRING_OK;
    json_int_t count;
    batch->stale = !are_unchanged(batch);
    if (batch->stale)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry was changed again and again during this renewal: try again");
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
        const struct renew_item *item = &batch->items[i];
        if (item->turn && item->stage == RENEW_HANDS_OUT && item->request->result == SEALRING_RENEWAL_ISSUED)
            status = seal_insert_successor(manager, &item->newest, &item->successor, error);
    }
    json_t *renewed = list_renewed(batch, &count);
    audit_detail(&batch->act, "{s:I}", "count", count);
    audit_detail_add(&batch->act, "renewed", renewed);
    return status;
}

static bool hands_out(const struct renew_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].turn && batch->items[i].stage == RENEW_HANDS_OUT)
            return true;
    return false;
}

/* Names the one key of a batch of one. */
static void record_key(struct renew_batch *batch)
{
    const struct renew_item *only = NULL;
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].turn && batch->items[i].stage == RENEW_HANDS_OUT && count++ == 0)
            only = &batch->items[i];
    if (count == 1)
        key_record(&batch->act, &only->newest);
}

static sealring_status write_batch(struct renew_batch *batch, sealring_error *error)
{
    sealring_manager *manager = batch->manager;
    const bool writes = hands_out(batch);
    if (!writes && !atomic_load(&manager->alarmed))
        return SEALRING_OK;
    sealring_status status = manager_begin_dated(manager, "renew", true, error);
    if (status != SEALRING_OK)
        return status;
    batch->act = (struct audit_act){.name = "key.renew"};
    record_key(batch);
    struct commit commit = manager_commit(manager, makes_something(batch), &batch->act, error);
    do {
        if (writes && commit_begin(&commit, &status))
            status = write_items(batch, error);
    } while (writes && commit_again(&commit, &status));
    manager_end_act(manager, &batch->act, batch->stale ? SEALRING_OK : status, error);
    audit_release(&batch->act);
    return status;
}

/* ---- one turn */

static sealring_status run_turn(struct renew_batch *batch, sealring_error *error)
{
    size_t failed;
    sealring_status status = SEALRING_OK;
    for (int tries = 0; tries < TRIES_MOST; tries++) {
        batch->stale = false;
        status = read_items(batch, error);
        if (status == SEALRING_OK)
            status = parallel_each(batch->count, renew_seal, batch, &failed, error);
        if (status == SEALRING_OK)
            status = renew_find_used(batch, error);
        if (status == SEALRING_OK)
            renew_encrypt(batch);
        if (status == SEALRING_OK)
            status = write_batch(batch, error);
        if (!batch->stale)
            break;
    }
    return status;
}

/* Until when the presented credential is promised. */
static int64_t promised(const struct renew_item *item)
{
    const int64_t expires = item->older.credential.expires;
    const int64_t end = item->older.version.state == SEALRING_VERSION_RETIRING ? item->older.version.retire_at : 0;
    return end != 0 && (expires == 0 || end < expires) ? end : expires;
}

static void describe(const struct renew_item *item)
{
    const struct registry_credential *successor = &item->successor.credential;
    sealring_renewal *request = item->request;
    request->version = successor->version;
    request->serial = successor->serial;
    request->expires = successor->expires;
    request->predecessor_until = promised(item);
}

/* A request with the same credential gets the same answer, unless its address is another one. If that of the first was refused, it has a turn of its
 * own. */
static void follow(const struct renew_item *leader, struct renew_item *item)
{
    const sealring_renewal *from = leader->request;
    sealring_renewal *to = item->request;
    item->stage = from->result == SEALRING_RENEWAL_ADDRESS ? RENEW_WAITS : item->stage;
    if (item->stage == RENEW_WAITS)
        return;
    renew_judge_address(item, &leader->newest.key);
    if (item->stage == RENEW_ANSWERED)
        return;
    renew_answer(item, from->result == SEALRING_RENEWAL_ISSUED ? SEALRING_RENEWAL_AGAIN : from->result, "%s",
                 from->reason);
    to->version = from->version;
    to->serial = from->serial;
    to->expires = from->expires;
    to->predecessor_until = from->predecessor_until;
    memcpy(to->successor, from->successor, sizeof to->successor);
    renew_copy_sealed(from, item);
}

static void end_turn(struct renew_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct renew_item *item = &batch->items[i];
        if (!item->turn)
            continue;
        if (item->stage == RENEW_HANDS_OUT)
            describe(item);
        if (item->stage == RENEW_HANDS_OUT)
            renew_pass_sealed(item);
        if (item->stage == RENEW_FOLLOWS)
            follow(&batch->items[item->leader], item);
        if (item->contests)
            renew_contest(batch, item);
        if (batch->manager->dry_run)
            secret_wipe(item->request->successor, sizeof item->request->successor);
    }
    for (size_t i = 0; i < batch->count; i++)
        batch->items[i].turn = batch->items[i].turn && batch->items[i].stage == RENEW_WAITS;
}

static bool has_turns(const struct renew_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].turn)
            return true;
    return false;
}

/* What earlier turns handed out is committed, and stays answered. */
static void fail_turn(struct renew_batch *batch, const sealring_error *error)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].turn) {
            renew_clear(batch->items[i].request);
            renew_answer(&batch->items[i], SEALRING_RENEWAL_UNAVAILABLE, "%s", error->message);
        }
}

/* ---- the call */

static void read_peer(struct renew_item *item)
{
    const char *peer = item->request->peer;
    item->peer = "";
    if (peer == NULL || !holders_is_peer(peer))
        return;
    item->peer = peer;
    item->address_length = inet_pton(AF_INET, peer, item->address) == 1 ? 4 : 16;
    if (item->address_length == 16)
        (void)inet_pton(AF_INET6, peer, item->address);
}

static sealring_status check_requests(const sealring_renewal *requests, size_t count, sealring_error *error)
{
    if (count == 0 || count > SEALRING_RENEWAL_BATCH_MAX)
        return error_set(error, SEALRING_INVALID, "a batch has 1 to %d renewals", SEALRING_RENEWAL_BATCH_MAX);
    for (size_t i = 0; i < count; i++)
        if (requests[i].size != sizeof requests[i])
            return error_set(error, SEALRING_INVALID, "renewal %zu has another size than this library's", i + 1);
    return SEALRING_OK;
}

sealring_status sealring_renew(sealring_manager *manager, sealring_renewal *requests, size_t count,
                               sealring_error *error)
{
    sealring_error inner = {.message = ""};
    sealring_status status = check_requests(requests, count, error);
    if (status != SEALRING_OK)
        return status;
    struct renew_batch batch = {.manager = manager, .items = calloc(count, sizeof *batch.items), .count = count};
    if (batch.items == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++) {
        batch.items[i].request = &requests[i];
        batch.items[i].turn = true;
        read_peer(&batch.items[i]);
    }
    status = manager_ready(manager, "renew", &inner);
    while (status == SEALRING_OK && has_turns(&batch)) {
        status = run_turn(&batch, &inner);
        if (status == SEALRING_OK)
            end_turn(&batch);
    }
    if (status != SEALRING_OK) {
        fail_turn(&batch, &inner);
        if (error != NULL)
            *error = inner;
    }
    renew_record_errors(&batch);
    for (size_t i = 0; i < count; i++) {
        renew_forget_sealed(&batch.items[i]);
        free(batch.items[i].later);
    }
    free(batch.items);
    return status;
}
