/* SPDX-License-Identifier: Apache-2.0 */
/* The rings and versions as of the applied epoch: fields that never change, and states that change while threads read them. */
#include "verifier/cache/snapshot.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lifecycle/transition_table.h"

#define BUCKETS_FIRST 64

/* Two hash tables with chains, each with at least as many buckets as objects. The mutex guards the versions' chains and buckets.
 * Threads that have just asked the registry hold it for a lookup (some nanoseconds), and polls hold it to add an object. Rings, and the
 * walk over all versions, need no mutex, as only polls use them. It is no read-write lock, because a steady flow of readers could delay
 * a poll, and with it a revocation. */
struct snapshot {
    pthread_mutex_t mutex;
    struct known_version **versions;
    size_t version_buckets;
    size_t version_count;
    struct known_version *former; /* replaced by a reinstated one's object; entries may still point here */
    struct known_ring **rings;
    size_t ring_buckets;
    size_t ring_count;
};

static size_t place_of(int64_t ring, uint32_t number, size_t buckets)
{
    uint64_t hash = ((uint64_t)ring * UINT64_C(0x9e3779b97f4a7c15)) ^ ((uint64_t)number * UINT64_C(0xbf58476d1ce4e5b9));
    return (size_t)(hash ^ hash >> 32) & (buckets - 1);
}

sealring_status snapshot_new(struct snapshot **made, sealring_error *error)
{
    *made = NULL;
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        return error_no_memory(error);
    pthread_mutex_init(&snapshot->mutex, NULL);
    snapshot->versions = calloc(BUCKETS_FIRST, sizeof snapshot->versions[0]);
    snapshot->rings = calloc(BUCKETS_FIRST, sizeof snapshot->rings[0]);
    if (snapshot->versions == NULL || snapshot->rings == NULL) {
        snapshot_free(snapshot);
        return error_no_memory(error);
    }
    snapshot->version_buckets = BUCKETS_FIRST;
    snapshot->ring_buckets = BUCKETS_FIRST;
    *made = snapshot;
    return SEALRING_OK;
}

static void free_versions(struct known_version *version)
{
    while (version != NULL) {
        struct known_version *next = version->next;
        free(version);
        version = next;
    }
}

static void free_rings(struct known_ring *ring)
{
    while (ring != NULL) {
        struct known_ring *next = ring->next;
        free(ring);
        ring = next;
    }
}

/* Takes no lock: in a forked child, a thread that does not exist there may hold it. */
void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    for (size_t i = 0; i < snapshot->version_buckets; i++)
        free_versions(snapshot->versions[i]);
    for (size_t i = 0; i < snapshot->ring_buckets; i++)
        free_rings(snapshot->rings[i]);
    free_versions(snapshot->former);
    free(snapshot->versions);
    free(snapshot->rings);
    pthread_mutex_destroy(&snapshot->mutex);
    free(snapshot);
}

/* ---- Rings: only for the polling thread ---- */

static struct known_ring *find_ring(const struct snapshot *snapshot, int64_t id)
{
    struct known_ring *ring = snapshot->rings[place_of(id, 0, snapshot->ring_buckets)];
    while (ring != NULL && ring->id != id)
        ring = ring->next;
    return ring;
}

const struct known_ring *snapshot_ring(const struct snapshot *snapshot, int64_t id)
{
    return find_ring(snapshot, id);
}

static bool grow_rings(struct snapshot *snapshot)
{
    size_t buckets = 2 * snapshot->ring_buckets;
    struct known_ring **grown = calloc(buckets, sizeof grown[0]);
    if (grown == NULL)
        return false;
    for (size_t i = 0; i < snapshot->ring_buckets; i++) {
        for (struct known_ring *ring = snapshot->rings[i], *next; ring != NULL; ring = next) {
            struct known_ring **bucket = &grown[place_of(ring->id, 0, buckets)];
            next = ring->next;
            ring->next = *bucket;
            *bucket = ring;
        }
    }
    free(snapshot->rings);
    snapshot->rings = grown;
    snapshot->ring_buckets = buckets;
    return true;
}

static enum snapshot_change add_ring(struct snapshot *snapshot, const struct registry_ring *row)
{
    if (snapshot->ring_count == snapshot->ring_buckets && !grow_rings(snapshot))
        return SNAPSHOT_NO_MEMORY;
    struct known_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return SNAPSHOT_NO_MEMORY;
    ring->id = row->id;
    memcpy(ring->ring_id, row->ring_id, sizeof ring->ring_id);
    memcpy(ring->name, row->name, sizeof ring->name);
    memcpy(ring->prefix, row->prefix, sizeof ring->prefix);
    struct known_ring **bucket = &snapshot->rings[place_of(row->id, 0, snapshot->ring_buckets)];
    ring->next = *bucket;
    *bucket = ring;
    snapshot->ring_count++;
    return SNAPSHOT_UPDATED;
}

enum snapshot_change snapshot_put_ring(struct snapshot *snapshot, const struct registry_ring *row)
{
    const struct known_ring *ring = find_ring(snapshot, row->id);
    if (ring == NULL)
        return add_ring(snapshot, row);
    bool same = memcmp(ring->ring_id, row->ring_id, sizeof ring->ring_id) == 0 && strcmp(ring->name, row->name) == 0 &&
                strcmp(ring->prefix, row->prefix) == 0;
    return same ? SNAPSHOT_SAME : SNAPSHOT_ALTERED;
}

/* ---- Versions ---- */

/* The link that points to the version, or to NULL at the end of its chain. */
static struct known_version **version_link(struct snapshot *snapshot, int64_t ring, uint32_t number)
{
    struct known_version **link = &snapshot->versions[place_of(ring, number, snapshot->version_buckets)];
    while (*link != NULL && ((*link)->number != number || (*link)->ring->id != ring))
        link = &(*link)->next;
    return link;
}

struct known_version *snapshot_find(struct snapshot *snapshot, int64_t ring, uint32_t number)
{
    pthread_mutex_lock(&snapshot->mutex);
    struct known_version *version = *version_link(snapshot, ring, number);
    pthread_mutex_unlock(&snapshot->mutex);
    return version;
}

void snapshot_each(struct snapshot *snapshot, snapshot_callback each, void *context)
{
    for (size_t i = 0; i < snapshot->version_buckets; i++)
        for (struct known_version *version = snapshot->versions[i]; version != NULL; version = version->next)
            each(version, context);
}

/* With the mutex held. */
static bool grow_versions(struct snapshot *snapshot)
{
    size_t buckets = 2 * snapshot->version_buckets;
    struct known_version **grown = calloc(buckets, sizeof grown[0]);
    if (grown == NULL)
        return false;
    for (size_t i = 0; i < snapshot->version_buckets; i++) {
        for (struct known_version *version = snapshot->versions[i], *next; version != NULL; version = next) {
            struct known_version **bucket = &grown[place_of(version->ring->id, version->number, buckets)];
            next = version->next;
            version->next = *bucket;
            *bucket = version;
        }
    }
    free(snapshot->versions);
    snapshot->versions = grown;
    snapshot->version_buckets = buckets;
    return true;
}

static struct known_version *version_new(const struct known_ring *ring, const struct registry_version *row)
{
    struct known_version *version = calloc(1, sizeof *version);
    if (version == NULL)
        return NULL;
    version->ring = ring;
    version->number = row->number;
    memcpy(version->object_id, row->object_id, sizeof version->object_id);
    version->object_id_length = row->object_id_length;
    memcpy(version->check_value, row->check_value, sizeof version->check_value);
    atomic_init(&version->usage, NULL);
    atomic_init(&version->state, (int)row->state);
    atomic_init(&version->was_compromised, row->was_compromised);
    atomic_init(&version->retire_at, row->retire_at);
    atomic_init(&version->closed, row->closed);
    atomic_init(&version->proved, false);
    atomic_init(&version->refused_until, 0);
    return version;
}

static enum snapshot_change add_version(struct snapshot *snapshot, const struct known_ring *ring,
                                        const struct registry_version *row, struct known_version **version)
{
    struct known_version *made = version_new(ring, row);
    if (made == NULL)
        return SNAPSHOT_NO_MEMORY;
    pthread_mutex_lock(&snapshot->mutex);
    bool room = snapshot->version_count < snapshot->version_buckets || grow_versions(snapshot);
    if (room) {
        struct known_version **bucket =
            &snapshot->versions[place_of(row->ring, row->number, snapshot->version_buckets)];
        made->next = *bucket;
        *bucket = made;
        snapshot->version_count++;
    }
    pthread_mutex_unlock(&snapshot->mutex);
    if (!room) {
        free(made);
        return SNAPSHOT_NO_MEMORY;
    }
    *version = made;
    return SNAPSHOT_UPDATED;
}

/* Replaces the object of a reinstated version: the old object stays closed for all that point to it. */
static enum snapshot_change replace_version(struct snapshot *snapshot, struct known_version *old,
                                            const struct registry_version *row, struct known_version **version)
{
    struct known_version *made = version_new(old->ring, row);
    if (made == NULL)
        return SNAPSHOT_NO_MEMORY;
    pthread_mutex_lock(&snapshot->mutex);
    struct known_version **link = version_link(snapshot, row->ring, row->number);
    made->next = old->next;
    *link = made;
    old->next = snapshot->former;
    snapshot->former = old;
    pthread_mutex_unlock(&snapshot->mutex);
    *version = made;
    return SNAPSHOT_UPDATED;
}

static bool is_same_key(const struct known_version *version, const struct registry_version *row)
{
    return version->object_id_length == row->object_id_length &&
           memcmp(version->object_id, row->object_id, row->object_id_length) == 0 &&
           memcmp(version->check_value, row->check_value, sizeof version->check_value) == 0;
}

static bool is_up_to_date(struct known_version *version, const struct registry_version *row)
{
    return atomic_load(&version->state) == (int)row->state &&
           atomic_load(&version->was_compromised) == row->was_compromised &&
           atomic_load(&version->retire_at) == row->retire_at && atomic_load(&version->closed) == row->closed;
}

/* Stores the state last: a reader that sees the version closed also sees when and why. */
static void bring_up_to_date(struct known_version *version, const struct registry_version *row)
{
    atomic_store(&version->was_compromised, row->was_compromised);
    atomic_store(&version->retire_at, row->retire_at);
    atomic_store(&version->closed, row->closed);
    atomic_store(&version->state, (int)row->state);
}

bool snapshot_close_version(struct known_version *version, sealring_version_state state, int64_t wall_ms)
{
    if (!lifecycle_accepts((sealring_version_state)atomic_load(&version->state)))
        return false;
    atomic_store(&version->was_compromised, state == SEALRING_VERSION_COMPROMISED);
    atomic_store(&version->closed, wall_ms);
    atomic_store(&version->state, (int)state);
    return true;
}

/* Compromised and destroyed versions never open again (lifecycle/transition_table.c), so such a row was edited. */
static bool may_reopen(struct known_version *version)
{
    return atomic_load(&version->state) != SEALRING_VERSION_DESTROYED && !atomic_load(&version->was_compromised);
}

/* Only reinstating leads back to pending. A retirement may have begun and ended between two polls. */
static bool is_reinstated(struct known_version *version, const struct registry_version *row)
{
    return row->state == SEALRING_VERSION_PENDING && atomic_load(&version->state) != SEALRING_VERSION_PENDING;
}

enum snapshot_change snapshot_put_version(struct snapshot *snapshot, const struct registry_version *row,
                                          struct known_version **version)
{
    *version = NULL;
    struct known_version *known = *version_link(snapshot, row->ring, row->number);
    if (known == NULL) {
        const struct known_ring *ring = find_ring(snapshot, row->ring);
        return ring == NULL ? SNAPSHOT_ALTERED : add_version(snapshot, ring, row, version);
    }
    *version = known;
    if (!is_same_key(known, row))
        return SNAPSHOT_ALTERED;
    if (is_up_to_date(known, row))
        return SNAPSHOT_SAME;
    bool was_open = lifecycle_accepts((sealring_version_state)atomic_load(&known->state));
    bool is_open = lifecycle_accepts(row->state);
    if ((!was_open && is_open) || is_reinstated(known, row)) {
        *version = NULL;
        return may_reopen(known) ? replace_version(snapshot, known, row, version) : SNAPSHOT_ALTERED;
    }
    bring_up_to_date(known, row);
    return was_open && !is_open ? SNAPSHOT_CLOSED : SNAPSHOT_UPDATED;
}
