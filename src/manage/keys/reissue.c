/* SPDX-License-Identifier: Apache-2.0 */
/* Reissuing: prints an API key's credential under its ring's active version again, or makes it as a successor. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/transition_table.h"
#include "manage/act/act.h"
#include "manage/keys/keys.h"
#include "manage/keys/seal.h"
#include "manage/session/manager.h"

#define REISSUE_BATCH 250 /* successors per transaction: two rows changed and one made for each */

#define TRIES_MOST 20 /* of one batch that others' changes make stale */

struct reissue_item {
    struct registry_holder older;
    struct registry_holder successor;
    bool existed; /* the newest credential is under the active version: it is handed over again */
    enum seal_doubt doubt;
};

/* A batch: one key, or a page of a ring's keys. */
struct reissue {
    sealring_manager *manager;
    const char *key_id; /* one key, or: */
    struct registry_holder_filter filter;
    struct registry_vault vault;
    struct registry_ring ring;
    struct registry_version active;
    struct reissue_item *items;
    char (*texts)[SEAL_TEXT_SIZE];
    size_t room;
    size_t count;
    size_t done; /* handed over in earlier batches */
    bool full;   /* the page was full: there may be more keys after its last one */
    bool stale;  /* what was sealed has changed meanwhile: read and seal it again */
    char next_client[SEALRING_NAME_LENGTH_MAX + 1];
    char next_label[SEALRING_NAME_LENGTH_MAX + 1];
    struct audit_act act;
    /* keys of the ring that cannot be confirmed, and the reason for the first of them */
    uint64_t unconfirmed;
    char first_problem[SEALRING_MESSAGE_SIZE];
    sealring_error doubt; /* about the token's answers in this batch; status SEALRING_OK: none */
};

/* ---- reading */

static sealring_status read_one(struct registry *registry, struct reissue *reissue, sealring_error *error)
{
    struct registry_holder *older = &reissue->items[0].older;
    sealring_status status = key_get(registry, reissue->key_id, older, error);
    if (status != SEALRING_OK)
        return status;
    if (older->key.state != SEALRING_KEY_ACTIVE)
        return error_set(error, SEALRING_REFUSED, "API key %s is %s and cannot be reissued", reissue->key_id,
                         sealring_key_state_name(older->key.state));
    if (older->credential.expires != 0 && older->credential.expires <= clock_wall_ms())
        return error_set(error, SEALRING_REFUSED, "API key %s has expired: sealring key rekey %s --expires T",
                         reissue->key_id, reissue->key_id);
    reissue->ring = older->ring;
    reissue->count = 1;
    return seal_active_version(reissue->manager, &reissue->ring, &reissue->active, error);
}

static sealring_status read_page(struct registry *registry, struct reissue *reissue, sealring_error *error)
{
    reissue->count = 0;
    sealring_status status = manager_get_ring(registry, reissue->filter.ring, &reissue->ring, error);
    if (status == SEALRING_OK)
        status = seal_active_version(reissue->manager, &reissue->ring, &reissue->active, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor holders = registry_holders(registry, &reissue->filter, error);
    while (reissue->count < reissue->room && registry_holder_next(&holders, &reissue->items[reissue->count].older))
        reissue->count++;
    status = registry_close_cursor(&holders, SEALRING_OK);
    reissue->full = reissue->count == reissue->room;
    if (reissue->full) {
        const struct registry_holder *last = &reissue->items[reissue->count - 1].older;
        memcpy(reissue->next_client, last->client.name, sizeof reissue->next_client);
        memcpy(reissue->next_label, last->key.label, sizeof reissue->next_label);
    }
    return status;
}

static sealring_status read_batch(struct reissue *reissue, sealring_error *error)
{
    sealring_status status;
    struct registry *registry = reissue->manager->registry;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        reissue->vault = *registry_vault_row(registry);
        status = reissue->key_id != NULL ? read_one(registry, reissue, error) : read_page(registry, reissue, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- sealing */

static sealring_status seal_item(struct reissue *reissue, struct reissue_item *item, char text[SEAL_TEXT_SIZE],
                                 sealring_error *error)
{
    item->doubt = SEAL_CERTAIN;
    item->existed = item->older.version.number == reissue->active.number && !item->older.credential.imported;
    /* claims are copied only from a row that the token confirms */
    sealring_status status = seal_again(reissue->manager, &reissue->vault, &item->older, text, &item->doubt, error);
    if (status != SEALRING_OK || item->existed)
        return status;
    secret_wipe(text, SEAL_TEXT_SIZE);
    status = seal_successor(reissue->manager, &item->older, &reissue->active, &item->successor, error);
    return status != SEALRING_OK
               ? status
               : seal_new(reissue->manager, &reissue->vault, &item->successor, text, &item->doubt, error);
}

/* Whether only this key is left out, while the others continue: its version is closed, so its key no longer signs, or the token's answer about it
 * is in doubt. */
static bool is_passed_over(struct reissue *reissue, const struct reissue_item *item, sealring_status status,
                           const sealring_error *inner)
{
    bool closed = !lifecycle_accepts(item->older.version.state); /* seal_again has refused it without the token */
    if (status == SEALRING_OK || (!closed && item->doubt == SEAL_CERTAIN))
        return false;
    if (item->doubt != SEAL_CERTAIN)
        reissue->doubt = *inner;
    if (reissue->unconfirmed++ == 0)
        memcpy(reissue->first_problem, inner->message, sizeof reissue->first_problem);
    return true;
}

static sealring_status seal_items(struct reissue *reissue, sealring_error *error)
{
    int64_t now = clock_wall_ms();
    size_t kept = 0;
    for (size_t i = 0; i < reissue->count; i++) {
        struct reissue_item *item = &reissue->items[i];
        sealring_error inner;
        if (item->older.credential.expires != 0 && item->older.credential.expires <= now)
            continue;
        sealring_status status = seal_item(reissue, item, reissue->texts[kept], &inner);
        if (reissue->key_id == NULL && is_passed_over(reissue, item, status, &inner))
            continue;
        if (status != SEALRING_OK) {
            if (error != NULL)
                *error = inner;
            return status;
        }
        if (kept != i)
            reissue->items[kept] = *item;
        kept++;
    }
    reissue->count = kept;
    return SEALRING_OK;
}

/* ---- writing */

/* Handing over an existing credential again changes no verdict. */
static bool makes_something(const struct reissue *reissue)
{
    for (size_t i = 0; i < reissue->count; i++)
        if (!reissue->items[i].existed)
            return true;
    return false;
}

static void record(struct reissue *reissue)
{
    struct audit_act *act = &reissue->act;
    memcpy(act->ring, reissue->ring.name, sizeof act->ring);
    act->version = reissue->active.number;
    if (reissue->key_id != NULL)
        key_record(act, &reissue->items[0].older);
    json_t *keys = json_array();
    for (size_t i = 0; i < reissue->count; i++) {
        const struct reissue_item *item = &reissue->items[i];
        const struct registry_holder *holder = item->existed ? &item->older : &item->successor;
        keys = audit_list_add(
            keys, json_pack("[s, I, b]", holder->key.key_id, (json_int_t)holder->credential.serial, item->existed));
    }
    audit_detail(act, "{s:I}", "count", (json_int_t)reissue->count);
    audit_detail_add(act, "handed_over", keys); /* key ID, serial, whether it existed, of each */
}

/* Whether the ring and each key are as they were when they were read. Sealing takes long and holds no lock: meanwhile keys may have been revoked,
 * and versions compromised. */
static bool is_unchanged(struct registry *registry, const struct reissue *reissue)
{
    const struct registry_vault *vault = registry_vault_row(registry);
    struct registry_ring ring;
    struct registry_version active;
    struct registry_holder now;
    bool same;
    if (memcmp(vault->era, reissue->vault.era, sizeof vault->era) != 0)
        return false;
    if (vault->epoch == reissue->vault.epoch + (makes_something(reissue) ? 1 : 0)) /* moved by this transaction alone */
        return true;
    same = manager_get_ring(registry, reissue->ring.name, &ring, NULL) == SEALRING_OK && ring.id == reissue->ring.id &&
           ring.changed_epoch == reissue->ring.changed_epoch &&
           seal_active_version(reissue->manager, &ring, &active, NULL) == SEALRING_OK &&
           active.number == reissue->active.number && active.changed_epoch == reissue->active.changed_epoch;
    for (size_t i = 0; same && i < reissue->count; i++) {
        const struct registry_holder *older = &reissue->items[i].older;
        same = key_get(registry, older->key.key_id, &now, NULL) == SEALRING_OK && now.key.id == older->key.id &&
               now.key.changed_epoch == older->key.changed_epoch &&
               now.version.changed_epoch == older->version.changed_epoch;
    }
    return same;
}

static sealring_status write_items(struct registry *registry, struct reissue *reissue, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    reissue->stale = !is_unchanged(registry, reissue);
    if (reissue->stale)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry was changed again and again while ring %s was being reissued: repeat the "
                         "command",
                         reissue->ring.name);
    for (size_t i = 0; status == SEALRING_OK && i < reissue->count; i++)
        if (!reissue->items[i].existed)
            status = seal_insert_successor(registry, &reissue->items[i].older, &reissue->items[i].successor, error);
    record(reissue);
    return status;
}

/* Writes what was read and sealed, or records why that was refused. */
static sealring_status write_batch(struct reissue *reissue, sealring_status status, sealring_error *error)
{
    sealring_manager *manager = reissue->manager;
    sealring_error inner = {.message = ""};
    sealring_status begun = manager_begin_dated(manager, "reissue", true, &inner);
    if (begun != SEALRING_OK) {
        if (status == SEALRING_OK && error != NULL)
            *error = inner;
        return status == SEALRING_OK ? begun : status;
    }
    reissue->act = (struct audit_act){.name = "key.reissue"};
    if (status == SEALRING_OK && reissue->count > 0) {
        struct commit commit = manager_commit(manager, makes_something(reissue), &reissue->act, error);
        do {
            if (commit_begin(&commit, &status))
                status = write_items(manager->registry, reissue, error);
        } while (commit_again(&commit, &status));
    }
    memcpy(reissue->act.ring, reissue->ring.name, sizeof reissue->act.ring);
    if (reissue->key_id != NULL && key_id_is_well_formed(reissue->key_id))
        memcpy(reissue->act.key_id, reissue->key_id, sizeof reissue->act.key_id);
    if (status == SEALRING_OK && reissue->doubt.status != SEALRING_OK)
        manager_end_act(manager, &reissue->act, reissue->doubt.status, &reissue->doubt);
    else
        manager_end_act(manager, &reissue->act, reissue->stale ? SEALRING_OK : status, error);
    audit_release(&reissue->act);
    return status;
}

/* Read and sealed without any lock, because the token is slow; written if nothing has changed. */
static sealring_status run_batch(struct reissue *reissue, sealring_error *error)
{
    sealring_status status = manager_ready(reissue->manager, "reissue", error);
    uint64_t unconfirmed = reissue->unconfirmed;
    if (status != SEALRING_OK)
        return status;
    for (int tries = 0; tries < TRIES_MOST; tries++) {
        reissue->stale = false;
        reissue->unconfirmed = unconfirmed;
        reissue->doubt = (sealring_error){.status = SEALRING_OK};
        status = read_batch(reissue, error);
        if (status == SEALRING_OK)
            status = seal_items(reissue, error);
        status = write_batch(reissue, status, error);
        if (!reissue->stale)
            return status;
    }
    return status;
}

static sealring_status hand_over(struct reissue *reissue, sealring_issued_callback each, void *context,
                                 sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < reissue->count && !reissue->manager->dry_run; i++) {
        const struct reissue_item *item = &reissue->items[i];
        status = seal_hand_over(item->existed ? &item->older : &item->successor, reissue->texts[i], reissue->done + i,
                                item->existed, each, context, error);
    }
    reissue->done += reissue->count;
    return status;
}

static sealring_status prepare(struct reissue *reissue, sealring_error *error)
{
    reissue->items = calloc(reissue->room, sizeof *reissue->items);
    reissue->texts = secret_allocate(reissue->room * sizeof *reissue->texts);
    return reissue->items == NULL || reissue->texts == NULL ? error_no_memory(error) : SEALRING_OK;
}

static void release(struct reissue *reissue)
{
    secret_free(reissue->texts, reissue->room * sizeof *reissue->texts);
    free(reissue->items);
}

sealring_status sealring_reissue(sealring_manager *manager, const char *key_id, sealring_issued_callback each,
                                 void *context, sealring_error *error)
{
    struct reissue reissue = {.manager = manager, .key_id = key_id, .room = 1};
    sealring_status status = prepare(&reissue, error);
    if (status == SEALRING_OK)
        status = run_batch(&reissue, error);
    if (status == SEALRING_OK)
        status = hand_over(&reissue, each, context, error);
    release(&reissue);
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
    struct reissue reissue = {
        .manager = manager,
        .room = REISSUE_BATCH,
        .filter = {.ring = ring, .only_active = true, .limit = REISSUE_BATCH},
    };
    sealring_status status = prepare(&reissue, error);
    if (status == SEALRING_OK)
        status = count_keys(manager, ring, &keys, error);
    if (status == SEALRING_OK && total != NULL)
        *total = keys;
    reissue.full = true;
    while (status == SEALRING_OK && reissue.full) {
        status = run_batch(&reissue, error);
        if (status == SEALRING_OK)
            status = hand_over(&reissue, each, context, error);
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
    release(&reissue);
    return status;
}
