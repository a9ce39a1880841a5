/* SPDX-License-Identifier: Apache-2.0 */
/* The API keys for one holder whose credential was renewed twice, and those whose claim was tried by two. */
#include "manage/fleet/contested_holders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "registry/rows/closed_facts.h"

static bool is_contested(const struct registry_key *key)
{
    return registry_key_is_contested(key) || registry_claim_is_contested(key);
}

static bool is_claimed(const struct registry_key *key)
{
    return key->claim.offered && key->state != SEALRING_KEY_REVOKED && ends_of(&key->ends, key->claim.serial) == 0;
}

/* What is listed. */
struct list_rule {
    struct registry_cursor (*ids)(struct registry *, sealring_error *); /* of all that could be */
    bool (*is)(const struct registry_key *);
};
static const struct list_rule listed_contested = {registry_key_ids_contested, is_contested};
static const struct list_rule listed_claimed = {registry_key_ids_claimed, is_claimed};

static sealring_status read_ids(struct registry *registry, const struct list_rule *listed, struct registry_key_id **ids,
                                size_t *count, sealring_error *error)
{
    struct registry_key_id id;
    sealring_status status = SEALRING_OK;
    struct registry_cursor keys = listed->ids(registry, error);
    while (status == SEALRING_OK && registry_key_id_next(&keys, &id))
        if (array_grow(ids, *count))
            (*ids)[(*count)++] = id;
        else
            status = error_no_memory(error);
    return registry_close_cursor(&keys, status);
}

static sealring_status read_holder(struct registry *registry, const struct list_rule *listed, const char *key_id,
                                   struct registry_holder *holder, bool *is, sealring_error *error)
{
    const struct registry_holder_filter filter = {.key_id = key_id};
    bool differs;
    struct registry_cursor holders = registry_holders(registry, &filter, error);
    *is = registry_holder_next(&holders, holder);
    sealring_status status = registry_close_cursor(&holders, SEALRING_OK);
    if (status == SEALRING_OK && *is)
        status = registry_key_follow(registry, &holder->key, &differs, error);
    *is = *is && listed->is(&holder->key);
    return status;
}

static int by_place(const void *a, const void *b)
{
    return registry_holder_follows(a, b) ? 1 : registry_holder_follows(b, a) ? -1 : 0;
}

static sealring_status read_list(struct registry *registry, const struct list_rule *listed, int64_t ring,
                                 struct contested_holders *list, sealring_error *error)
{
    struct registry_key_id *ids = NULL;
    struct registry_holder holder;
    size_t count = 0;
    bool is = false;
    list->count = 0;
    sealring_status status = read_ids(registry, listed, &ids, &count, error);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++) {
        status = read_holder(registry, listed, ids[i].key_id, &holder, &is, error);
        if (status != SEALRING_OK || !is || (ring != 0 && holder.ring.id != ring))
            continue;
        if (array_grow(&list->items, list->count))
            list->items[list->count++] = holder;
        else
            status = error_no_memory(error);
    }
    free(ids);
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, by_place);
    return status;
}

sealring_status contested_read(struct registry *registry, int64_t ring, struct contested_holders *list,
                               sealring_error *error)
{
    return read_list(registry, &listed_contested, ring, list, error);
}

sealring_status claimed_read(struct registry *registry, int64_t ring, struct contested_holders *list,
                             sealring_error *error)
{
    return read_list(registry, &listed_claimed, ring, list, error);
}

int64_t contested_since(const struct registry_key *key)
{
    return registry_claim_is_contested(key) ? key->claim.contested : key->holders.since;
}

void contested_free(struct contested_holders *list)
{
    free(list->items);
    *list = (struct contested_holders){.count = 0};
}

static const char *known(const char *peer)
{
    return peer[0] != '\0' ? peer : "an unknown address";
}

void contested_describe(const struct registry_holder *holder, char text[CONTESTED_TEXT_SIZE])
{
    const struct holders *holders = &holder->key.holders;
    const struct key_claim *claim = &holder->key.claim;
    if (registry_claim_is_contested(&holder->key)) {
        (void)snprintf(text, CONTESTED_TEXT_SIZE,
                       "the claim of API key %s of client %s is contested: it was taken from %s, and then its code "
                       "came with another public key from %s: sealring key rekey %s --claim",
                       holder->key.key_id, holder->client.name, known(claim->first), known(claim->second),
                       holder->key.key_id);
        return;
    }
    (void)snprintf(text, CONTESTED_TEXT_SIZE,
                   "API key %s of client %s is contested: credential %u was renewed from %s, and, after the "
                   "successor was used, again from %s: sealring key rekey %s",
                   holder->key.key_id, holder->client.name, holders->serial, known(holders->first),
                   known(holders->second), holder->key.key_id);
}
