/* SPDX-License-Identifier: Apache-2.0 */
/* The next credential of existing API keys: read and sealed without a lock, written if nothing has changed, handed over. */
#include "manage/keys/renewal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/transition_table.h"
#include "manage/act/act.h"
#include "manage/fleet/filters.h"
#include "manage/keys/keys.h"
#include "registry/rows/closed_facts.h"

#define TRIES_MOST 20 /* of one batch that others' changes make stale */

/* ---- reading */

static sealring_status read_one(struct registry *registry, struct renewal *renewal, sealring_error *error)
{
    struct registry_holder *older = &renewal->items[0].older;
    sealring_status status = key_get(registry, renewal->key_id, older, error);
    if (status == SEALRING_OK)
        status = renewal->kind->check(older, error);
    if (status == SEALRING_OK)
        status = sealed_delivery_check(renewal->manager, older->client.name, error);
    if (status != SEALRING_OK)
        return status;
    renewal->ring = older->ring;
    renewal->count = 1;
    return seal_active_version(renewal->manager, &renewal->ring, &renewal->active, error);
}

/* False: nothing can be encrypted for its client. A successor that nobody delivers would count for the guard *succession*, so there is none. */
static bool is_deliverable(struct renewal *renewal, const struct registry_holder *older)
{
    sealring_error inner;
    if (sealed_delivery_check(renewal->manager, older->client.name, &inner) == SEALRING_OK)
        return true;
    if (renewal->unconfirmed + renewal->undeliverable == 0)
        memcpy(renewal->first_problem, inner.message, sizeof renewal->first_problem);
    renewal->undeliverable++;
    return false;
}

/* Labels, states and the ring's policy are those of the facts. */
static sealring_status follow_facts(struct registry *registry, struct renewal *renewal, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    size_t kept = 0;
    bool differs;
    for (size_t i = 0; i < renewal->count && status == SEALRING_OK; i++) {
        struct registry_holder *older = &renewal->items[i].older;
        older->ring = renewal->ring; /* of which they all are */
        status = registry_key_follow(registry, &older->key, &differs, error);
        (void)registry_credential_end(&older->credential, &older->key.ends);
        if (status != SEALRING_OK || older->key.state != SEALRING_KEY_ACTIVE || !is_deliverable(renewal, older))
            continue;
        if (i != kept)
            renewal->items[kept].older = *older;
        kept++;
    }
    renewal->count = kept;
    return status;
}

static sealring_status read_page(struct registry *registry, struct renewal *renewal, sealring_error *error)
{
    renewal->count = 0;
    sealring_status status = manager_get_ring(registry, renewal->filter.ring, &renewal->ring, error);
    if (status == SEALRING_OK)
        status = seal_active_version(renewal->manager, &renewal->ring, &renewal->active, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor holders = registry_holders(registry, &renewal->filter, error);
    while (renewal->count < renewal->room && registry_holder_next(&holders, &renewal->items[renewal->count].older))
        renewal->count++;
    status = registry_close_cursor(&holders, SEALRING_OK);
    renewal->full = renewal->count == renewal->room;
    if (renewal->full) {
        const struct registry_holder *last = &renewal->items[renewal->count - 1].older;
        memcpy(renewal->next_client, last->client.name, sizeof renewal->next_client);
        memcpy(renewal->next_label, last->key.label, sizeof renewal->next_label);
    }
    return status == SEALRING_OK ? follow_facts(registry, renewal, error) : status;
}

static sealring_status read_batch(struct renewal *renewal, sealring_error *error)
{
    sealring_status status;
    struct registry *registry = renewal->manager->registry;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        renewal->undeliverable = 0;
        renewal->vault = *registry_vault_row(registry);
        status = registry_facts_begun(registry, &renewal->vault, error);
        if (status == SEALRING_OK)
            status = renewal->key_id != NULL ? read_one(registry, renewal, error) : read_page(registry, renewal, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- sealing */

/* Whether only this key is left out, while the others continue: its version is closed, so its key no longer signs, or the token's answer about it
 * is in doubt. */
static bool is_passed_over(struct renewal *renewal, const struct renewal_item *item, sealring_status status,
                           const sealring_error *inner)
{
    bool closed = !lifecycle_accepts(item->older.version.state); /* seal_again has refused it without the token */
    if (status == SEALRING_OK || (!closed && item->doubt == SEAL_CERTAIN))
        return false;
    if (item->doubt != SEAL_CERTAIN)
        renewal->doubt = *inner;
    if (renewal->unconfirmed++ == 0)
        memcpy(renewal->first_problem, inner->message, sizeof renewal->first_problem);
    return true;
}

static sealring_status seal_items(struct renewal *renewal, sealring_error *error)
{
    int64_t now = clock_wall_ms();
    size_t kept = 0;
    for (size_t i = 0; i < renewal->count; i++) {
        struct renewal_item *item = &renewal->items[i];
        sealring_error inner;
        if (renewal->key_id == NULL && item->older.credential.expires != 0 && item->older.credential.expires <= now)
            continue;
        sealring_status status = renewal->kind->seal(renewal, item, renewal->texts[kept], &inner);
        if (renewal->key_id == NULL && is_passed_over(renewal, item, status, &inner))
            continue;
        if (status != SEALRING_OK) {
            if (error != NULL)
                *error = inner;
            return status;
        }
        if (kept != i)
            renewal->items[kept] = *item;
        kept++;
    }
    renewal->count = kept;
    return SEALRING_OK;
}

/* ---- writing */

/* Handing over an existing credential again changes no verdict; but another claim is a fact. */
static bool makes_something(const struct renewal *renewal)
{
    for (size_t i = 0; i < renewal->count; i++)
        if (!renewal->items[i].existed || renewal->manager->claims)
            return true;
    return false;
}

/* Whether the ring and each key are as they were when they were read. Sealing takes long and holds no lock: meanwhile keys may have been revoked,
 * and versions compromised. */
static bool is_unchanged(struct registry *registry, const struct renewal *renewal)
{
    const struct registry_vault *vault = registry_vault_row(registry);
    struct registry_ring ring;
    struct registry_version active;
    struct registry_holder now;
    bool same;
    if (memcmp(vault->era, renewal->vault.era, sizeof vault->era) != 0)
        return false;
    if (vault->epoch == renewal->vault.epoch + (makes_something(renewal) ? 1 : 0)) /* moved by this transaction alone */
        return true;
    same = manager_get_ring(registry, renewal->ring.name, &ring, NULL) == SEALRING_OK && ring.id == renewal->ring.id &&
           ring.fact == renewal->ring.fact &&
           seal_active_version(renewal->manager, &ring, &active, NULL) == SEALRING_OK &&
           active.number == renewal->active.number && active.fact == renewal->active.fact;
    for (size_t i = 0; same && i < renewal->count; i++) {
        const struct registry_holder *older = &renewal->items[i].older;
        same = key_get(registry, older->key.key_id, &now, NULL) == SEALRING_OK && key_is_unchanged(older, &now) &&
               now.version.number == older->version.number && now.version.state == older->version.state;
    }
    return same;
}

static sealring_status write_items(struct renewal *renewal, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    renewal->stale = !is_unchanged(renewal->manager->registry, renewal);
    if (renewal->stale)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry was changed again and again during this %s of ring %s: repeat the command",
                         renewal->kind->purpose, renewal->ring.name);
    for (size_t i = 0; status == SEALRING_OK && i < renewal->count; i++)
        if (!renewal->items[i].existed)
            status = renewal->kind->write(renewal, &renewal->items[i], error);
        else if (renewal->manager->claims)
            status = registry_key_set_claim(renewal->manager->registry, &renewal->items[i].older.key, error);
    renewal->kind->record(renewal);
    return status;
}

/* A restriction waits for no other act. The times that it sets are of the clock; if an operator confirms that, the confirmation is written to the
 * audit log first. */
static sealring_status begin(const struct renewal *renewal, sealring_error *error)
{
    sealring_manager *manager = renewal->manager;
    if (!renewal->restricts)
        return manager_begin_dated(manager, renewal->kind->purpose, true, error);
    sealring_status status = manager_begin_restriction(manager, renewal->kind->purpose, error);
    if (status != SEALRING_OK)
        return status;
    status = manager_check_clock(manager, error);
    if (status != SEALRING_OK)
        manager_end(manager);
    return status;
}

/* Writes what was read and sealed, or records why that was refused. */
static sealring_status write_batch(struct renewal *renewal, sealring_status status, sealring_error *error)
{
    sealring_manager *manager = renewal->manager;
    sealring_error inner = {.message = ""};
    sealring_status begun = begin(renewal, &inner);
    if (begun != SEALRING_OK) {
        if (status == SEALRING_OK && error != NULL)
            *error = inner;
        return status == SEALRING_OK ? begun : status;
    }
    renewal->act = (struct audit_act){.name = renewal->kind->act};
    if (status == SEALRING_OK && renewal->count > 0) {
        struct commit commit = manager_commit(manager, makes_something(renewal), &renewal->act, error);
        do {
            if (commit_begin(&commit, &status))
                status = write_items(renewal, error);
        } while (commit_again(&commit, &status));
    }
    memcpy(renewal->act.ring, renewal->ring.name, sizeof renewal->act.ring);
    if (renewal->key_id != NULL && key_id_is_well_formed(renewal->key_id))
        memcpy(renewal->act.key_id, renewal->key_id, sizeof renewal->act.key_id);
    if (status == SEALRING_OK && renewal->doubt.status != SEALRING_OK)
        manager_end_act(manager, &renewal->act, renewal->doubt.status, &renewal->doubt);
    else
        manager_end_act(manager, &renewal->act, renewal->stale ? SEALRING_OK : status, error);
    audit_release(&renewal->act);
    return status;
}

/* Read and sealed without any lock, because the token is slow; written if nothing has changed. */
static sealring_status run_batch(struct renewal *renewal, sealring_error *error)
{
    const char *purpose = renewal->kind->purpose;
    sealring_status status = renewal->restricts ? manager_ready_restriction(renewal->manager, purpose, error)
                                                : manager_ready(renewal->manager, purpose, error);
    uint64_t unconfirmed = renewal->unconfirmed;
    if (status == SEALRING_OK && !renewal->restricts) /* which waits for no audit token */
        status = sealed_delivery_foresee(renewal->manager, error);
    if (status != SEALRING_OK)
        return status;
    for (int tries = 0; tries < TRIES_MOST; tries++) {
        renewal->stale = false;
        renewal->unconfirmed = unconfirmed;
        renewal->doubt = (sealring_error){.status = SEALRING_OK};
        status = read_batch(renewal, error);
        if (status == SEALRING_OK)
            status = seal_items(renewal, error);
        status = write_batch(renewal, status, error);
        if (!renewal->stale)
            return status;
    }
    return status;
}

static const struct registry_holder *handed_over(const struct renewal_item *item)
{
    return item->existed ? &item->older : &item->successor;
}

static sealring_status hand_over(struct renewal *renewal, sealring_issued_callback each, void *context,
                                 sealring_error *error)
{
    struct seal_receiver receiver = {.manager = renewal->manager, .each = each, .context = context};
    size_t count = renewal->manager->dry_run ? 0 : renewal->count;
    if (count > 0)
        filters_wait(renewal->manager, renewal->vault.epoch); /* the key may have been issued a moment ago */
    sealring_status status = seal_open(&receiver, count, error);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        status = seal_announce(&receiver, handed_over(&renewal->items[i]), renewal->texts[i], error);
    if (status == SEALRING_OK)
        status = seal_sign(&receiver, error);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        status = seal_hand_over(&receiver, handed_over(&renewal->items[i]), renewal->texts[i], renewal->done + i,
                                renewal->items[i].existed, error);
    sealed_delivery_close(receiver.delivery);
    renewal->unconfirmed += renewal->undeliverable;
    renewal->done += renewal->count;
    return status;
}

sealring_status renewal_make(struct renewal *renewal, sealring_error *error)
{
    renewal->items = calloc(renewal->room, sizeof *renewal->items);
    renewal->texts = secret_allocate(renewal->room * sizeof *renewal->texts);
    return renewal->items == NULL || renewal->texts == NULL ? error_no_memory(error) : SEALRING_OK;
}

void renewal_release(struct renewal *renewal)
{
    secret_free(renewal->texts, renewal->room * sizeof *renewal->texts);
    free(renewal->items);
}

sealring_status renewal_run(struct renewal *renewal, sealring_issued_callback each, void *context,
                            sealring_error *error)
{
    sealring_status status = run_batch(renewal, error);
    return status != SEALRING_OK ? status : hand_over(renewal, each, context, error);
}
