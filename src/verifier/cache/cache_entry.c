/* SPDX-License-Identifier: Apache-2.0 */
/* One cached credential: made from a row that the token confirmed, compared with later rows. */
#include "verifier/cache/cache_entry.h"

#include <malloc.h>
#include <stdlib.h>

#include "credential/scope.h"

_Static_assert(REGISTRY_DIGEST_SIZE == TEXT_DIGEST_SIZE, "one size of digest everywhere");

struct cache_entry *entry_new(const struct registry_holder *holder, struct known_version *version,
                              const uint8_t digest[TEXT_DIGEST_SIZE])
{
    const struct registry_credential *row = &holder->credential;
    char left[SEALRING_SCOPES_LENGTH_MAX + 1] = "";
    size_t client_size = strlen(holder->client.name) + 1, scopes_size = strlen(row->scopes) + 1;
    if (holder->key.narrowed)
        scope_intersect(row->scopes, holder->key.narrowed_scopes, left);
    size_t left_size = holder->key.narrowed ? strlen(left) + 1 : 0;
    size_t texts_size = client_size + scopes_size + left_size;
    const struct networks *networks = &holder->key.networks;
    size_t networks_size = holder->key.bound ? networks->count * sizeof networks->items[0] : 0;
    struct cache_entry *entry = malloc(offsetof(struct cache_entry, strings) + texts_size + networks_size);
    if (entry == NULL)
        return NULL;
    atomic_init(&entry->next, NULL);
    memcpy(entry->digest, digest, sizeof entry->digest);
    memcpy(entry->key_id, holder->key.key_id, sizeof entry->key_id);
    entry->key = holder->key.id;
    entry->not_before = row->not_before;
    entry->expires = row->expires;
    entry->retire_at = row->replaced ? row->retire_at : 0;
    entry->version = version;
    atomic_init(&entry->usage, NULL);
    entry->serial = row->serial;
    atomic_init(&entry->recent, true); /* it is being presented, or is expected to be */
    entry->imported = row->imported;
    entry->suspended = holder->key.state == SEALRING_KEY_SUSPENDED;
    entry->replaced = row->replaced;
    entry->scopes_at = (uint16_t)client_size;
    entry->left_at = (uint16_t)(client_size + (holder->key.narrowed ? scopes_size : 0));
    entry->networks_at = holder->key.bound ? (uint16_t)texts_size : 0;
    entry->network_count = holder->key.bound ? (uint8_t)networks->count : 0;
    memcpy(entry->strings + texts_size, networks->items, networks_size);
    memcpy(entry->strings, holder->client.name, client_size);
    memcpy(entry->strings + client_size, row->scopes, scopes_size);
    memcpy(entry->strings + client_size + scopes_size, left, left_size);
    return entry;
}

void entry_read_holder(const struct cache_entry *entry, const struct registry_key *key, struct registry_holder *holder)
{
    memset(holder, 0, sizeof *holder);
    memcpy(holder->key.key_id, entry->key_id, sizeof entry->key_id);
    strcpy(holder->client.name, entry_client(entry));
    strcpy(holder->credential.scopes, entry_scopes(entry));
    holder->key.id = entry->key;
    holder->credential.serial = entry->serial;
    holder->credential.not_before = entry->not_before;
    holder->credential.expires = entry->expires;
    holder->credential.imported = entry->imported;
    holder->credential.replaced = entry->replaced;
    holder->credential.retire_at = entry->retire_at;
    holder->key.state = key->state;
    holder->key.narrowed = key->narrowed;
    memcpy(holder->key.narrowed_scopes, key->narrowed_scopes, sizeof holder->key.narrowed_scopes);
    holder->key.bound = key->bound;
    holder->key.networks = key->networks;
    (void)registry_credential_end(&holder->credential, &key->ends);
}

/* The key's column identifies the ring: for a changed row, neither the ring's row nor the version's row is read. */
bool entry_confirms(const struct cache_entry *entry, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE])
{
    const struct registry_credential *row = &holder->credential;
    return entry_has_digest(entry, digest) && entry_has_key_id(entry, holder->key.key_id) &&
           entry->key == holder->key.id && entry->key == row->key && entry->serial == row->serial &&
           entry->version->number == row->version && entry->version->ring->id == holder->key.ring &&
           entry->not_before == row->not_before && entry->expires == row->expires && entry->imported == row->imported &&
           strcmp(entry_client(entry), holder->client.name) == 0 && strcmp(entry_scopes(entry), row->scopes) == 0;
}

/* If the scopes are equal, so are the places of the networks. */
bool entry_bounds_equal(const struct cache_entry *a, const struct cache_entry *b)
{
    return a->suspended == b->suspended && a->replaced == b->replaced && a->retire_at == b->retire_at &&
           a->left_at == b->left_at && strcmp(entry_left_scopes(a), entry_left_scopes(b)) == 0 &&
           a->networks_at == b->networks_at && a->network_count == b->network_count &&
           memcmp(a->strings + a->networks_at, b->strings + b->networks_at,
                  a->network_count * sizeof(struct network)) == 0;
}

size_t entry_memory(const struct cache_entry *entry)
{
    /* glibc's malloc stores one word before each block */
    return malloc_usable_size((void *)(uintptr_t)entry) + sizeof(size_t);
}
