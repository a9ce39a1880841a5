/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: credentials that the token confirmed. Readers take no lock; one writer at a time changes it. */
#include "verifier/cache/cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "verifier/cache/cache_entry.h"
#include "verifier/cache/deferred_free.h"
#include "verifier/cache/hash_table.h"
#include "verifier/cache/imports.h"

#define CACHE_CAPACITY_MAX (UINT32_C(1) << 24)
#define BUCKETS_PER_ENTRY  2    /* most key IDs of strangers find an empty one, and wait for no entry */
#define WALK_BUCKETS_MAX   4096 /* between two releases of the lock */
#define LIMBO_ENOUGH       512  /* from this number of blocks on, insertions reclaim, too */

/* All threads read the first line, which changes only when the table grows; what writers change is on other cache lines. */
struct cache {
    struct hash_table table;
    _Alignas(128) pthread_mutex_t writing;
    struct limbo limbo;
    struct imports imports;
    uint32_t capacity;
    _Atomic(uint32_t) count;
    _Atomic(uint64_t) bytes; /* of entries, including those in limbo, and of the index of imports */
};

sealring_status cache_new(struct lanes *lanes, uint32_t capacity, struct cache **made, sealring_error *error)
{
    *made = NULL;
    if (capacity == 0 || capacity > CACHE_CAPACITY_MAX)
        return error_set(error, SEALRING_INVALID, "a cache of %u credentials: choose from 1 to %u", capacity,
                         CACHE_CAPACITY_MAX);
    struct cache *cache = aligned_alloc(128, sizeof *cache);
    if (cache == NULL)
        return error_no_memory(error);
    memset(cache, 0, sizeof *cache);
    if (!table_open(&cache->table, BUCKETS_PER_ENTRY * capacity)) {
        free(cache);
        return error_no_memory(error);
    }
    pthread_mutex_init(&cache->writing, NULL);
    cache->limbo.lanes = lanes;
    cache->capacity = capacity;
    *made = cache;
    return SEALRING_OK;
}

/* Takes no lock: in a forked child, a thread that does not exist there may hold it. */
void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (uint32_t i = 0; i < table_buckets(&cache->table); i++) {
        struct cache_entry *entry = atomic_load(&cache->table.buckets[i]);
        while (entry != NULL) {
            struct cache_entry *next = atomic_load(&entry->next);
            free(entry);
            entry = next;
        }
    }
    limbo_close(&cache->limbo);
    imports_close(&cache->imports);
    table_close(&cache->table);
    pthread_mutex_destroy(&cache->writing);
    free(cache);
}

/* ---- Readers ---- */

struct wanted_credential {
    const char *key_id;
    const uint8_t *digest;
    uint32_t version;
};

static inline bool is_of_key(const struct cache_entry *entry, const void *key_id)
{
    return entry_has_key_id(entry, key_id) && !entry->imported;
}

static inline bool is_known(const struct cache_entry *entry, const void *context)
{
    const struct wanted_credential *wanted = context;
    return is_of_key(entry, wanted->key_id) && entry->version->number == wanted->version;
}

static inline bool is_wanted(const struct cache_entry *entry, const void *context)
{
    const struct wanted_credential *wanted = context;
    return is_known(entry, context) && entry_has_digest(entry, wanted->digest);
}

static inline bool is_wanted_import(const struct cache_entry *entry, const void *context)
{
    const struct wanted_credential *wanted = context;
    return entry->imported && entry_has_digest(entry, wanted->digest);
}

/* Written only if it changes, so that the processors' caches can share the entry's memory. */
static struct cache_entry *presented(struct cache_entry *entry)
{
    if (entry != NULL && !atomic_load_explicit(&entry->recent, memory_order_relaxed))
        atomic_store_explicit(&entry->recent, true, memory_order_relaxed);
    return entry;
}

void cache_fetch_bucket(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    __builtin_prefetch(table_bucket_now(&cache->table, entry_hash_key_id(key_id)));
}

void cache_fetch_entry(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    const struct cache_entry *entry = atomic_load(table_bucket_now(&cache->table, entry_hash_key_id(key_id)));
    __builtin_prefetch(entry); /* no effect for NULL */
    __builtin_prefetch((const char *)entry + 64);
    __builtin_prefetch((const char *)entry + 128);
}

struct cache_entry *cache_likely(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], uint32_t version)
{
    struct wanted_credential wanted = {key_id, NULL, version};
    return table_find(&cache->table, entry_hash_key_id(key_id), is_known, &wanted);
}

struct cache_entry *cache_find(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], uint32_t version,
                               const uint8_t digest[TEXT_DIGEST_SIZE])
{
    struct wanted_credential wanted = {key_id, digest, version};
    return presented(table_find(&cache->table, entry_hash_key_id(key_id), is_wanted, &wanted));
}

struct cache_entry *cache_find_imported(const struct cache *cache, const uint8_t digest[TEXT_DIGEST_SIZE])
{
    struct wanted_credential wanted = {NULL, digest, 0};
    return presented(table_find(&cache->table, entry_hash_digest(digest), is_wanted_import, &wanted));
}

bool cache_confirms(const struct cache *cache, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE])
{
    const struct cache_entry *entry = holder->credential.imported
                                          ? cache_find_imported(cache, digest)
                                          : cache_find(cache, holder->key.key_id, holder->credential.version, digest);
    return entry != NULL && entry_confirms(entry, holder, digest);
}

uint64_t cache_count(const struct cache *cache)
{
    return atomic_load_explicit(&cache->count, memory_order_relaxed);
}

uint64_t cache_bytes(const struct cache *cache)
{
    return atomic_load_explicit(&cache->bytes, memory_order_relaxed) +
           table_buckets(&cache->table) * sizeof cache->table.buckets[0];
}

/* ---- Writers, with the lock held ---- */

static void count_bytes(struct cache *cache, size_t bytes)
{
    atomic_fetch_add_explicit(&cache->bytes, bytes, memory_order_relaxed);
}

static void forget_bytes(struct cache *cache, size_t bytes)
{
    atomic_fetch_sub_explicit(&cache->bytes, bytes, memory_order_relaxed);
}

static void drop(struct cache *cache, _Atomic(struct cache_entry *) *link, struct cache_entry *entry)
{
    table_unlink(link, entry);
    if (entry->imported) {
        imports_remove(&cache->imports, entry);
        forget_bytes(cache, IMPORTS_NODE_SIZE);
    }
    atomic_fetch_sub_explicit(&cache->count, 1, memory_order_relaxed);
    forget_bytes(cache, limbo_put(&cache->limbo, entry));
}

/* Returns whether an entry may stay, or the one that the function has put in its place. */
typedef bool (*judge_function)(struct cache *cache, _Atomic(struct cache_entry *) *link, void *context);

static void sift_chain(struct cache *cache, _Atomic(struct cache_entry *) *link, const char *key_id,
                       judge_function stays, void *context)
{
    for (struct cache_entry *entry = atomic_load(link); entry != NULL; entry = atomic_load(link))
        if ((key_id == NULL || is_of_key(entry, key_id)) && !stays(cache, link, context))
            drop(cache, link, entry);
        else
            link = &atomic_load(link)->next;
}

static void sift_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], judge_function stays,
                     void *context)
{
    sift_chain(cache, table_bucket_now(&cache->table, entry_hash_key_id(key_id)), key_id, stays, context);
    uint8_t after[TEXT_DIGEST_SIZE] = {0};
    struct cache_entry *entry;
    while ((entry = imports_next(&cache->imports, key_id, after)) != NULL) {
        _Atomic(struct cache_entry *) *link = table_link(&cache->table, entry);
        if (!stays(cache, link, context))
            drop(cache, link, entry);
    }
}

/* Visits all entries and takes the lock itself. If a bucket is split meanwhile, the new bucket is behind those still to be visited. */
static void sift_all(struct cache *cache, judge_function stays, void *context)
{
    pthread_mutex_lock(&cache->writing);
    for (uint32_t i = 0; i < table_buckets(&cache->table); i++) {
        if (i % WALK_BUCKETS_MAX == WALK_BUCKETS_MAX - 1) {
            pthread_mutex_unlock(&cache->writing);
            pthread_mutex_lock(&cache->writing);
        }
        sift_chain(cache, &cache->table.buckets[i], NULL, stays, context);
    }
    pthread_mutex_unlock(&cache->writing);
}

/* ---- Rows taken over ---- */

struct row {
    const struct registry_holder *holder;
    const uint8_t *digest;
    struct known_version *version; /* NULL: the version that the entry has */
    bool found;                    /* an entry has the digest, with the bounds of the row */
    bool altered;                  /* an entry had it with other claims */
};

static bool is_revoked(const struct registry_holder *holder)
{
    return holder->key.state != SEALRING_KEY_ACTIVE && holder->key.state != SEALRING_KEY_SUSPENDED;
}

/* Puts an entry with the row's bounds in the place of one with the same claims, unless they are equal. */
static bool renew(struct cache *cache, _Atomic(struct cache_entry *) *link, const struct row *row)
{
    struct cache_entry *former = atomic_load(link);
    struct cache_entry *renewed = entry_new(row->holder, former->version, row->digest);
    if (renewed == NULL)
        return false;
    if (entry_bounds_equal(renewed, former)) {
        free(renewed);
        return true;
    }
    atomic_init(&renewed->usage, atomic_load(&former->usage));
    atomic_init(&renewed->recent, atomic_load(&former->recent));
    count_bytes(cache, entry_memory(renewed));
    table_replace(link, former, renewed);
    if (renewed->imported)
        imports_replace(&cache->imports, renewed);
    forget_bytes(cache, limbo_put(&cache->limbo, former));
    return true;
}

/* A credential is identified by its digest, and by key and serial: if only one of them matches, the row was altered. If there is no
 * memory for a new entry, the old one is dropped, because its bounds may be too wide. */
static bool take_over(struct cache *cache, _Atomic(struct cache_entry *) *link, void *context)
{
    const struct cache_entry *entry = atomic_load(link);
    struct row *row = context;
    if (is_revoked(row->holder))
        return false;
    if (!entry_has_digest(entry, row->digest) && entry->serial != row->holder->credential.serial)
        return true;
    if (!entry_confirms(entry, row->holder, row->digest)) {
        row->altered = true;
        return false;
    }
    if (row->version != NULL && row->version != entry->version)
        return false;
    bool renewed = renew(cache, link, row);
    row->found = row->found || renewed;
    return renewed;
}

/* With the lock held. */
static bool insert_new(struct cache *cache, struct cache_entry *entry)
{
    if (entry->imported && !imports_add(&cache->imports, entry))
        return false;
    if (cache_count(cache) >= cache->capacity) {
        _Atomic(struct cache_entry *) *victim = table_victim(&cache->table);
        drop(cache, victim, atomic_load(victim));
    }
    count_bytes(cache, entry_memory(entry) + (entry->imported ? IMPORTS_NODE_SIZE : 0));
    table_insert(&cache->table, entry);
    uint32_t count = atomic_fetch_add_explicit(&cache->count, 1, memory_order_relaxed) + 1;
    for (unsigned i = 0; i < BUCKETS_PER_ENTRY; i++)
        table_grow(&cache->table, BUCKETS_PER_ENTRY * count);
    return true;
}

bool cache_insert(struct cache *cache, const struct registry_holder *holder, struct known_version *version,
                  const uint8_t digest[TEXT_DIGEST_SIZE])
{
    struct row row = {.holder = holder, .digest = digest, .version = version};
    struct cache_entry *entry = entry_new(holder, version, digest);
    if (entry == NULL)
        return false;
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, holder->key.key_id, take_over, &row);
    bool inserted = !row.found && !is_revoked(holder) && insert_new(cache, entry);
    bool crowded = cache->limbo.fresh.count >= LIMBO_ENOUGH;
    pthread_mutex_unlock(&cache->writing);
    if (!inserted)
        free(entry);
    if (crowded)
        cache_reclaim(cache);
    return inserted || row.found;
}

bool cache_update(struct cache *cache, const struct registry_holder *holder)
{
    struct row row = {.holder = holder, .digest = holder->credential.digest};
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, holder->key.key_id, take_over, &row);
    pthread_mutex_unlock(&cache->writing);
    return !row.altered;
}

/* The context is an API key with the bounds that facts give it. */
static bool bound_by_facts(struct cache *cache, _Atomic(struct cache_entry *) *link, void *context)
{
    struct registry_holder holder;
    entry_read_holder(atomic_load(link), context, &holder);
    struct row row = {.holder = &holder, .digest = atomic_load(link)->digest};
    return renew(cache, link, &row);
}

void cache_bound_key(struct cache *cache, const struct registry_key *key)
{
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, key->key_id, bound_by_facts, (void *)(uintptr_t)key);
    pthread_mutex_unlock(&cache->writing);
}

/* ---- For polls ---- */

/* The context is a version, or NULL: none. */
static bool other_versions_stay(struct cache *cache, _Atomic(struct cache_entry *) *link, void *context)
{
    (void)cache;
    return context != NULL && atomic_load(link)->version != context;
}

static bool forget_hours_and_stay(struct cache *cache, _Atomic(struct cache_entry *) *link, void *context)
{
    const uint32_t *hour = context;
    struct cache_entry *entry = atomic_load(link);
    struct report_credential *record = atomic_load(&entry->usage);
    (void)cache;
    /* compare-and-exchange, because a reader may be storing the record of a later hour */
    if (record != NULL && record->hour <= *hour)
        atomic_compare_exchange_strong(&entry->usage, &record, NULL);
    return true;
}

void cache_forget_hours(struct cache *cache, uint32_t hour)
{
    sift_all(cache, forget_hours_and_stay, &hour);
}

void cache_drop_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, key_id, other_versions_stay, NULL);
    pthread_mutex_unlock(&cache->writing);
}

void cache_drop_version(struct cache *cache, const struct known_version *version)
{
    sift_all(cache, other_versions_stay, (void *)(uintptr_t)version);
}

bool cache_has_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    uint8_t after[TEXT_DIGEST_SIZE] = {0};
    pthread_mutex_lock(&cache->writing);
    bool has = table_find(&cache->table, entry_hash_key_id(key_id), is_of_key, key_id) != NULL ||
               imports_next(&cache->imports, key_id, after) != NULL;
    pthread_mutex_unlock(&cache->writing);
    return has;
}

void cache_reclaim(struct cache *cache)
{
    struct limbo_entries ready = {NULL, 0};
    pthread_mutex_lock(&cache->writing);
    limbo_take(&cache->limbo, &ready);
    pthread_mutex_unlock(&cache->writing);
    forget_bytes(cache, limbo_free(&ready));
}
