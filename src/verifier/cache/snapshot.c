/* SPDX-License-Identifier: Apache-2.0 */
/* The rings and versions as of the applied epoch: fields that never change, and states that change while threads read them. */
#include "verifier/cache/snapshot.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "lifecycle/transition_table.h"

/* Sorted arrays: of versions by ring and number, of rings by their row. The mutex guards the array of versions. Threads that have just
 * asked the registry hold it for a lookup (some nanoseconds), and polls hold it to add an object. Rings, and the walk over all versions,
 * need no mutex, as only polls use them. It is no read-write lock, because a steady flow of readers could delay a poll, and with it a
 * revocation. */
struct snapshot {
    pthread_mutex_t mutex;
    struct known_version **versions;
    size_t version_count;
    struct known_version *former; /* replaced by a reinstated one's object; entries may still point here */
    struct registry_ring **rings;
    size_t ring_count;
};

struct version_key {
    int64_t ring;
    uint32_t number;
};

static int ring_order(const void *key, const void *item)
{
    const int64_t *id = key;
    const struct registry_ring *const *ring = item;
    return *id < (*ring)->id ? -1 : *id > (*ring)->id;
}

static int version_order(const void *key, const void *item)
{
    const struct version_key *wanted = key;
    const struct known_version *const *version = item;
    int order = wanted->ring < (*version)->ring->id ? -1 : wanted->ring > (*version)->ring->id;
    return order != 0 ? order : wanted->number < (*version)->number ? -1 : wanted->number > (*version)->number;
}

sealring_status snapshot_new(struct snapshot **made, sealring_error *error)
{
    *made = calloc(1, sizeof **made);
    if (*made == NULL)
        return error_no_memory(error);
    pthread_mutex_init(&(*made)->mutex, NULL);
    return SEALRING_OK;
}

/* Takes no lock: in a forked child, a thread that does not exist there may hold it. */
void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    for (size_t i = 0; i < snapshot->version_count; i++)
        free(snapshot->versions[i]);
    for (size_t i = 0; i < snapshot->ring_count; i++)
        free(snapshot->rings[i]);
    for (struct known_version *version = snapshot->former, *next; version != NULL; version = next) {
        next = version->next;
        free(version);
    }
    free(snapshot->versions);
    free(snapshot->rings);
    pthread_mutex_destroy(&snapshot->mutex);
    free(snapshot);
}

/* ---- Rings: only for the polling thread ---- */

/* Returns NULL if there is none; *place is where it would be. */
static struct registry_ring *find_ring(const struct snapshot *snapshot, int64_t id, size_t *place)
{
    *place = array_place(snapshot->rings, snapshot->ring_count, sizeof *snapshot->rings, &id, ring_order);
    bool found = *place < snapshot->ring_count && snapshot->rings[*place]->id == id;
    return found ? snapshot->rings[*place] : NULL;
}

const struct registry_ring *snapshot_ring(const struct snapshot *snapshot, int64_t id)
{
    size_t place;
    return find_ring(snapshot, id, &place);
}

static enum snapshot_change add_ring(struct snapshot *snapshot, const struct registry_ring *row, size_t place)
{
    struct registry_ring *ring = malloc(sizeof *ring);
    if (ring == NULL || !array_insert(&snapshot->rings, snapshot->ring_count, place)) {
        free(ring);
        return SNAPSHOT_NO_MEMORY;
    }
    *ring = *row;
    snapshot->rings[place] = ring;
    snapshot->ring_count++;
    return SNAPSHOT_UPDATED;
}

enum snapshot_change snapshot_put_ring(struct snapshot *snapshot, const struct registry_ring *row)
{
    size_t place;
    const struct registry_ring *ring = find_ring(snapshot, row->id, &place);
    if (ring == NULL)
        return add_ring(snapshot, row, place);
    bool same = memcmp(ring->ring_id, row->ring_id, sizeof ring->ring_id) == 0 && strcmp(ring->name, row->name) == 0 &&
                strcmp(ring->prefix, row->prefix) == 0;
    return same ? SNAPSHOT_SAME : SNAPSHOT_ALTERED;
}

/* ---- Versions ---- */

/* Returns NULL if there is none; *place is where it would be. */
static struct known_version *find_version(const struct snapshot *snapshot, int64_t ring, uint32_t number, size_t *place)
{
    const struct version_key key = {ring, number};
    *place = array_place(snapshot->versions, snapshot->version_count, sizeof *snapshot->versions, &key, version_order);
    bool found = *place < snapshot->version_count && version_order(&key, &snapshot->versions[*place]) == 0;
    return found ? snapshot->versions[*place] : NULL;
}

struct known_version *snapshot_find(struct snapshot *snapshot, int64_t ring, uint32_t number)
{
    size_t place;
    pthread_mutex_lock(&snapshot->mutex);
    struct known_version *version = find_version(snapshot, ring, number, &place);
    pthread_mutex_unlock(&snapshot->mutex);
    return version;
}

void snapshot_each(struct snapshot *snapshot, snapshot_callback each, void *context)
{
    for (size_t i = 0; i < snapshot->version_count; i++)
        each(snapshot->versions[i], context);
}

/* Stores the state last: a reader that sees the version closed also sees when and why. */
static void bring_up_to_date(struct known_version *version, const struct registry_version *row)
{
    atomic_store(&version->was_compromised, row->was_compromised);
    atomic_store(&version->retire_at, row->retire_at);
    atomic_store(&version->closed, row->closed);
    atomic_store(&version->state, (int)row->state);
}

static struct known_version *version_new(const struct registry_ring *ring, const struct registry_version *row)
{
    struct known_version *version = calloc(1, sizeof *version);
    if (version == NULL)
        return NULL;
    version->ring = ring;
    version->number = row->number;
    memcpy(version->object_id, row->object_id, sizeof version->object_id);
    version->object_id_length = row->object_id_length;
    memcpy(version->check_value, row->check_value, sizeof version->check_value);
    memcpy(version->prf, row->prf, sizeof version->prf);
    memcpy(version->public_key, row->public_key, sizeof version->public_key);
    bring_up_to_date(version, row);
    return version;
}

/* Makes an object for a version that is new (old NULL) or reinstated: the old object stays closed for all that point to it. */
static enum snapshot_change put_new(struct snapshot *snapshot, const struct registry_ring *ring,
                                    const struct registry_version *row, size_t place, struct known_version *old,
                                    struct known_version **version)
{
    struct known_version *made = version_new(ring, row);
    if (made == NULL)
        return SNAPSHOT_NO_MEMORY;
    pthread_mutex_lock(&snapshot->mutex);
    bool room = old != NULL || array_insert(&snapshot->versions, snapshot->version_count, place);
    if (room)
        snapshot->versions[place] = made;
    if (room && old == NULL)
        snapshot->version_count++;
    pthread_mutex_unlock(&snapshot->mutex);
    if (!room) {
        free(made);
        return SNAPSHOT_NO_MEMORY;
    }
    if (old != NULL) {
        old->next = snapshot->former;
        snapshot->former = old;
    }
    *version = made;
    return SNAPSHOT_UPDATED;
}

static bool is_same_key(const struct known_version *version, const struct registry_version *row)
{
    return version->object_id_length == row->object_id_length &&
           memcmp(version->object_id, row->object_id, row->object_id_length) == 0 &&
           memcmp(version->check_value, row->check_value, sizeof version->check_value) == 0 &&
           strcmp(version->prf, row->prf) == 0 &&
           memcmp(version->public_key, row->public_key, sizeof version->public_key) == 0;
}

static bool is_up_to_date(struct known_version *version, const struct registry_version *row)
{
    return atomic_load(&version->state) == (int)row->state &&
           atomic_load(&version->was_compromised) == row->was_compromised &&
           atomic_load(&version->retire_at) == row->retire_at && atomic_load(&version->closed) == row->closed;
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
    size_t place, ring_place;
    struct known_version *known = find_version(snapshot, row->ring, row->number, &place);
    if (known == NULL) {
        const struct registry_ring *ring = find_ring(snapshot, row->ring, &ring_place);
        return ring == NULL ? SNAPSHOT_ALTERED : put_new(snapshot, ring, row, place, NULL, version);
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
        return may_reopen(known) ? put_new(snapshot, known->ring, row, place, known, version) : SNAPSHOT_ALTERED;
    }
    bring_up_to_date(known, row);
    return was_open && !is_open ? SNAPSHOT_CLOSED : SNAPSHOT_UPDATED;
}
