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
#define SWEEP_BUCKETS_MAX \
    1024 /* buckets examined per eviction: bounds the time that the lock is held, even if all were presented lately */
#define WALK_BUCKETS_MAX 4096 /* between two releases of the lock */
#define LIMBO_ENOUGH     512  /* from this number of blocks on, insertions reclaim, too */

/* All threads read the first line, which changes only when the table grows; what writers change is on other cache lines. */
struct cache {
    struct hash_table table;
    _Alignas(128) pthread_mutex_t writing;
    struct limbo limbo;
    struct imports imports;
    uint32_t capacity;
    uint32_t hand; /* bucket where the search for victims continues */
    _Atomic(uint32_t) count;
    _Atomic(uint64_t) bytes; /* of entries and bounds, including those in limbo */
    _Atomic(uint64_t) import_bytes;
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
    if (!table_open(&cache->table, capacity)) {
        free(cache);
        return error_no_memory(error);
    }
    pthread_mutex_init(&cache->writing, NULL);
    limbo_open(&cache->limbo, lanes);
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
        struct entry *entry = atomic_load(&cache->table.buckets[i]);
        while (entry != NULL) {
            struct entry *next = atomic_load(&entry->next);
            entry_free(entry);
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

static inline bool is_known(const struct entry *entry, const void *context)
{
    const struct wanted_credential *wanted = context;
    return entry_has_key_id(entry, wanted->key_id) && entry->version->number == wanted->version && !entry->imported;
}

static inline bool is_wanted(const struct entry *entry, const void *context)
{
    const struct wanted_credential *wanted = context;
    return is_known(entry, context) && entry_has_digest(entry, wanted->digest);
}

static inline bool is_wanted_import(const struct entry *entry, const void *context)
{
    const struct wanted_credential *wanted = context;
    return entry->imported && entry_has_digest(entry, wanted->digest);
}

/* Written only if it changes, so that the processors' caches can share the entry's memory. */
static struct entry *presented(struct entry *entry)
{
    if (entry != NULL && !atomic_load_explicit(&entry->recent, memory_order_relaxed))
        atomic_store_explicit(&entry->recent, true, memory_order_relaxed);
    return entry;
}

void cache_fetch_bucket(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    uint32_t shape = atomic_load_explicit(&cache->table.shape, memory_order_relaxed);
    __builtin_prefetch(table_bucket(&cache->table, shape, entry_hash_key_id(key_id)));
}

void cache_fetch_entry(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    uint32_t shape = atomic_load_explicit(&cache->table.shape, memory_order_relaxed);
    const struct entry *entry = atomic_load(table_bucket(&cache->table, shape, entry_hash_key_id(key_id)));
    __builtin_prefetch(entry); /* no effect for NULL */
    __builtin_prefetch((const char *)entry + 64);
    __builtin_prefetch((const char *)entry + 128);
}

struct entry *cache_likely(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], uint32_t version)
{
    struct wanted_credential wanted = {key_id, NULL, version};
    return table_find(&cache->table, entry_hash_key_id(key_id), is_known, &wanted);
}

bool cache_is(const struct entry *entry, const uint8_t digest[TEXT_DIGEST_SIZE])
{
    return entry_has_digest(entry, digest);
}

struct entry *cache_find(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], uint32_t version,
                         const uint8_t digest[TEXT_DIGEST_SIZE])
{
    struct wanted_credential wanted = {key_id, digest, version};
    return presented(table_find(&cache->table, entry_hash_key_id(key_id), is_wanted, &wanted));
}

struct entry *cache_find_imported(const struct cache *cache, const uint8_t digest[TEXT_DIGEST_SIZE])
{
    struct wanted_credential wanted = {NULL, digest, 0};
    return presented(table_find(&cache->table, entry_hash_digest(digest), is_wanted_import, &wanted));
}

bool cache_confirms(const struct cache *cache, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE])
{
    const struct entry *entry = holder->credential.imported
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
           atomic_load_explicit(&cache->import_bytes, memory_order_relaxed) +
           table_buckets(&cache->table) * sizeof cache->table.buckets[0];
}

/* ---- Writers, with the lock held ---- */

static void count_bytes(struct cache *cache, const void *memory)
{
    atomic_fetch_add_explicit(&cache->bytes, entry_memory(memory), memory_order_relaxed);
}

static void forget_bytes(struct cache *cache, size_t bytes)
{
    atomic_fetch_sub_explicit(&cache->bytes, bytes, memory_order_relaxed);
}

/* No new reader can reach the block. If there is no memory to record it, waits for its last reader. The wait is short, as no reader
 * blocks inside a lane. */
static void give_up(struct cache *cache, const void *block)
{
    if (limbo_put(&cache->limbo, (void *)(uintptr_t)block))
        return;
    lanes_wait(cache->limbo.lanes);
    forget_bytes(cache, entry_memory(block));
    free((void *)(uintptr_t)block);
}

static void drop(struct cache *cache, _Atomic(struct entry *) *link, struct entry *entry)
{
    table_unlink(link, entry);
    if (entry->imported)
        imports_remove(&cache->imports, entry);
    atomic_fetch_sub_explicit(&cache->count, 1, memory_order_relaxed);
    give_up(cache, atomic_load_explicit(&entry->bounds, memory_order_relaxed));
    give_up(cache, entry);
}

/* Returns whether an entry may stay. */
typedef bool (*judge_function)(struct cache *cache, struct entry *entry, void *context);

static void sift_chain(struct cache *cache, _Atomic(struct entry *) *link, const char *key_id, judge_function stays,
                       void *context)
{
    for (struct entry *entry = atomic_load(link); entry != NULL; entry = atomic_load(link))
        if ((key_id == NULL || (entry_has_key_id(entry, key_id) && !entry->imported)) && !stays(cache, entry, context))
            drop(cache, link, entry);
        else
            link = &entry->next;
}

static void sift_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], judge_function stays,
                     void *context)
{
    uint32_t shape = atomic_load_explicit(&cache->table.shape, memory_order_relaxed);
    sift_chain(cache, table_bucket(&cache->table, shape, entry_hash_key_id(key_id)), key_id, stays, context);
    size_t cursor = 0;
    struct entry *entry = imports_next(&cache->imports, key_id, &cursor);
    while (entry != NULL) {
        if (!stays(cache, entry, context)) {
            drop(cache, table_link(&cache->table, entry), entry);
            cursor = 0;
        }
        entry = imports_next(&cache->imports, key_id, &cursor);
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

/* Second chance: skips an entry once if it was presented since the hand last passed it. The hand leaves a bucket when it has examined
 * all its entries. */
static bool drop_unused(struct cache *cache, _Atomic(struct entry *) *bucket)
{
    _Atomic(struct entry *) *link = bucket;
    for (struct entry *entry = atomic_load(link); entry != NULL; entry = atomic_load(link)) {
        if (!atomic_load_explicit(&entry->recent, memory_order_relaxed)) {
            drop(cache, link, entry);
            return true;
        }
        link = &entry->next;
    }
    for (struct entry *entry = atomic_load(bucket); entry != NULL; entry = atomic_load(&entry->next))
        atomic_store_explicit(&entry->recent, false, memory_order_relaxed);
    return false;
}

static void make_room(struct cache *cache)
{
    uint32_t buckets = table_buckets(&cache->table);
    for (unsigned looked = 0; looked < SWEEP_BUCKETS_MAX; looked++) {
        if (drop_unused(cache, &cache->table.buckets[cache->hand]))
            return;
        cache->hand = (cache->hand + 1) % buckets;
    }
    struct entry *entry;
    while ((entry = atomic_load(&cache->table.buckets[cache->hand])) == NULL)
        cache->hand = (cache->hand + 1) % buckets;
    drop(cache, &cache->table.buckets[cache->hand], entry);
}

/* ---- Rows taken over ---- */

struct row {
    const struct registry_holder *holder;
    const uint8_t *digest;
    const struct known_version *version; /* NULL: the version that the entry has */
    bool suspended;
    bool found;   /* an entry has the digest, with the bounds of the row */
    bool altered; /* an entry had it with other claims */
};

static bool is_revoked(const struct registry_holder *holder)
{
    return holder->key.state != SEALRING_KEY_ACTIVE && holder->key.state != SEALRING_KEY_SUSPENDED;
}

static bool renew_bounds(struct cache *cache, struct entry *entry, const struct row *row)
{
    const struct entry_bounds *bounds = NULL;
    if (!entry_bounds_new(entry, row->holder, row->suspended, &bounds))
        return false;
    if (entry_bounds_equal(bounds, atomic_load_explicit(&entry->bounds, memory_order_relaxed))) {
        free((void *)(uintptr_t)bounds);
        return true;
    }
    count_bytes(cache, bounds);
    give_up(cache, atomic_exchange(&entry->bounds, bounds));
    return true;
}

/* A credential is identified by its digest, and by key and serial: if only one of them matches, the row was altered. If there is no
 * memory for new bounds, the entry is dropped, because the old bounds may be too wide. */
static bool take_over(struct cache *cache, struct entry *entry, void *context)
{
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
    bool renewed = renew_bounds(cache, entry, row);
    row->found = row->found || renewed;
    return renewed;
}

/* With the lock held. */
static bool insert_new(struct cache *cache, struct entry *entry)
{
    if (entry->imported && !imports_reserve(&cache->imports))
        return false;
    if (cache_count(cache) >= cache->capacity)
        make_room(cache);
    if (entry->imported) {
        imports_add(&cache->imports, entry);
        atomic_store_explicit(&cache->import_bytes, imports_memory(&cache->imports), memory_order_relaxed);
    }
    count_bytes(cache, entry);
    count_bytes(cache, atomic_load_explicit(&entry->bounds, memory_order_relaxed));
    table_insert(&cache->table, entry);
    uint32_t count = atomic_fetch_add_explicit(&cache->count, 1, memory_order_relaxed) + 1;
    table_grow(&cache->table, count);
    return true;
}

bool cache_insert(struct cache *cache, const struct cache_candidate *candidate)
{
    bool suspended = candidate->suspended || candidate->holder->key.state == SEALRING_KEY_SUSPENDED;
    struct row row = {candidate->holder, candidate->digest, candidate->version, suspended, false, false};
    struct entry *entry = entry_new(candidate, suspended);
    if (entry == NULL)
        return false;
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, candidate->holder->key.key_id, take_over, &row);
    bool inserted = !row.found && !is_revoked(candidate->holder) && insert_new(cache, entry);
    bool crowded = cache->limbo.fresh.count >= LIMBO_ENOUGH;
    pthread_mutex_unlock(&cache->writing);
    if (!inserted)
        entry_free(entry);
    if (crowded)
        cache_reclaim(cache);
    return inserted || row.found;
}

bool cache_update(struct cache *cache, const struct registry_holder *holder)
{
    struct row row = {holder, holder->credential.digest, NULL, holder->key.state == SEALRING_KEY_SUSPENDED, false,
                      false};
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, holder->key.key_id, take_over, &row);
    pthread_mutex_unlock(&cache->writing);
    return !row.altered;
}

/* ---- For polls ---- */

static bool none_stays(struct cache *cache, struct entry *entry, void *context)
{
    (void)cache;
    (void)entry;
    (void)context;
    return false;
}

static bool other_versions_stay(struct cache *cache, struct entry *entry, void *context)
{
    const struct known_version *version = context;
    (void)cache;
    return entry->version != version;
}

static bool note_and_stay(struct cache *cache, struct entry *entry, void *context)
{
    bool *noted = context;
    (void)cache;
    (void)entry;
    *noted = true;
    return true;
}

static bool forget_and_stay(struct cache *cache, struct entry *entry, void *context)
{
    (void)cache;
    (void)context;
    atomic_store(&entry->usage, NULL);
    return true;
}

void cache_forget_usage(struct cache *cache)
{
    sift_all(cache, forget_and_stay, NULL);
}

static bool forget_hour_and_stay(struct cache *cache, struct entry *entry, void *context)
{
    const uint32_t *hour = context;
    struct report_credential *record = atomic_load(&entry->usage);
    (void)cache;
    /* compare-and-exchange, because a reader may be storing the record of a later hour */
    if (record != NULL && record->hour <= *hour)
        atomic_compare_exchange_strong(&entry->usage, &record, NULL);
    return true;
}

void cache_forget_hours(struct cache *cache, uint32_t hour)
{
    sift_all(cache, forget_hour_and_stay, &hour);
}

void cache_drop_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, key_id, none_stays, NULL);
    pthread_mutex_unlock(&cache->writing);
}

void cache_drop_version(struct cache *cache, const struct known_version *version)
{
    sift_all(cache, other_versions_stay, (void *)(uintptr_t)version);
}

void cache_drop_all(struct cache *cache)
{
    sift_all(cache, none_stays, NULL);
}

bool cache_has_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    bool has = false;
    pthread_mutex_lock(&cache->writing);
    sift_key(cache, key_id, note_and_stay, &has);
    pthread_mutex_unlock(&cache->writing);
    return has;
}

void cache_reclaim(struct cache *cache)
{
    struct limbo_blocks ready = {NULL, 0};
    pthread_mutex_lock(&cache->writing);
    limbo_take(&cache->limbo, &ready);
    pthread_mutex_unlock(&cache->writing);
    forget_bytes(cache, limbo_free(&ready));
}
