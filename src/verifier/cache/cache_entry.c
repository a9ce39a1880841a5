/* SPDX-License-Identifier: Apache-2.0 */
/* One cached credential: made from a row that the token confirmed, compared with later rows, and bounded by them. */
#include "verifier/cache/cache_entry.h"

#include <malloc.h>
#include <stdlib.h>

#include "credential/scope.h"

_Static_assert(REGISTRY_DIGEST_SIZE == TEXT_DIGEST_SIZE, "one size of digest everywhere");

static struct entry *unbounded(const struct cache_candidate *candidate)
{
    const struct registry_holder *holder = candidate->holder;
    size_t client_length = strlen(holder->client.name);
    size_t scopes_length = strlen(holder->credential.scopes);
    struct entry *entry = malloc(offsetof(struct entry, strings) + client_length + 1 + scopes_length + 1);
    if (entry == NULL)
        return NULL;
    atomic_init(&entry->next, NULL);
    memcpy(entry->digest, candidate->digest, sizeof entry->digest);
    memcpy(entry->key_id, holder->key.key_id, sizeof entry->key_id);
    entry->key = holder->key.id;
    entry->not_before = holder->credential.not_before;
    entry->expires = holder->credential.expires;
    entry->version = candidate->version;
    atomic_init(&entry->bounds, NULL);
    atomic_init(&entry->usage, NULL);
    entry->serial = holder->credential.serial;
    atomic_init(&entry->recent, true); /* it is being presented, or is expected to be */
    entry->imported = holder->credential.imported;
    entry->client_length = (uint16_t)client_length;
    entry->scopes_length = (uint16_t)scopes_length;
    memcpy(entry->strings, holder->client.name, client_length + 1);
    memcpy(entry->strings + client_length + 1, holder->credential.scopes, scopes_length + 1);
    return entry;
}

/* The key's column identifies the ring: for a changed row, neither the ring's row nor the version's row is read. */
bool entry_confirms(const struct entry *entry, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE])
{
    const struct registry_credential *row = &holder->credential;
    return entry_has_digest(entry, digest) && entry_has_key_id(entry, holder->key.key_id) &&
           entry->key == holder->key.id && entry->key == row->key && entry->serial == row->serial &&
           entry->version->number == row->version && entry->version->ring->id == holder->key.ring &&
           entry->not_before == row->not_before && entry->expires == row->expires && entry->imported == row->imported &&
           strcmp(entry_client(entry), holder->client.name) == 0 && strcmp(entry_scopes(entry), row->scopes) == 0;
}

bool entry_bounds_new(const struct entry *entry, const struct registry_holder *holder, bool suspended,
                      const struct entry_bounds **bounds)
{
    const struct registry_credential *row = &holder->credential;
    *bounds = NULL;
    if (!suspended && !row->replaced && !holder->key.narrowed)
        return true;
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1] = "";
    if (holder->key.narrowed)
        scope_intersect(entry_scopes(entry), holder->key.narrowed_scopes, scopes);
    size_t length = strlen(scopes);
    struct entry_bounds *made = malloc(sizeof *made + length + 1);
    if (made == NULL)
        return false;
    made->suspended = suspended;
    made->replaced = row->replaced;
    made->retire_at = row->replaced ? row->retire_at : 0;
    made->narrowed = holder->key.narrowed;
    memcpy(made->scopes, scopes, length + 1);
    *bounds = made;
    return true;
}

bool entry_bounds_equal(const struct entry_bounds *a, const struct entry_bounds *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->suspended == b->suspended && a->replaced == b->replaced && a->retire_at == b->retire_at &&
           a->narrowed == b->narrowed && strcmp(a->scopes, b->scopes) == 0;
}

struct entry *entry_new(const struct cache_candidate *candidate, bool suspended)
{
    struct entry *entry = unbounded(candidate);
    const struct entry_bounds *bounds = NULL;
    if (entry == NULL)
        return NULL;
    if (!entry_bounds_new(entry, candidate->holder, suspended, &bounds)) {
        free(entry);
        return NULL;
    }
    atomic_init(&entry->bounds, bounds);
    return entry;
}

void entry_free(struct entry *entry)
{
    free((void *)(uintptr_t)atomic_load_explicit(&entry->bounds, memory_order_relaxed));
    free(entry);
}

size_t entry_memory(const void *memory)
{
    /* glibc's malloc stores one word before each block */
    return memory == NULL ? 0 : malloc_usable_size((void *)(uintptr_t)memory) + sizeof(size_t);
}
