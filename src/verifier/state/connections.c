/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of read-only registry connections, each lent to one thread at a time. */
#include "verifier/state/connections.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"

#define CONNECTIONS_MAX     16
#define CONNECTIONS_WAIT_MS 5000

struct lent {
    _Atomic(struct registry *) registry;
    unsigned generation;
    bool busy;
};

struct connections {
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    const char *path;
    const char *audit_key;
    unsigned generation;                 /* of the file at the path */
    struct lent places[CONNECTIONS_MAX]; /* registry NULL: not opened yet, or opened in a former generation */
};

sealring_status connections_new(const char *registry_path, const char *audit_key, struct connections **made,
                                sealring_error *error)
{
    *made = calloc(1, sizeof **made);
    if (*made == NULL)
        return error_no_memory(error);
    (*made)->path = registry_path;
    (*made)->audit_key = audit_key;
    pthread_mutex_init(&(*made)->mutex, NULL);
    clock_condition_init(&(*made)->returned);
    return SEALRING_OK;
}

/* The place is the caller's alone. Call without the mutex: it takes long to open and to close a connection. */
static void close_place(struct lent *place)
{
    struct registry *registry = atomic_load(&place->registry);
    if (registry == NULL)
        return;
    fork_guard_enter();
    registry_close(registry);
    atomic_store(&place->registry, NULL);
    fork_guard_leave();
}

static sealring_status open_place(const struct connections *connections, struct lent *place, sealring_error *error)
{
    struct registry *opened = NULL;
    fork_guard_enter();
    sealring_status status = registry_open(connections->path, NULL, REGISTRY_READ_ONLY, &opened, error);
    if (status == SEALRING_OK)
        registry_trust_key(opened, connections->audit_key);
    atomic_store(&place->registry, opened);
    fork_guard_leave();
    return status;
}

void connections_close(struct connections *connections)
{
    if (connections == NULL)
        return;
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        close_place(&connections->places[i]);
    pthread_cond_destroy(&connections->returned);
    pthread_mutex_destroy(&connections->mutex);
    free(connections);
}

/* With the mutex held: finds a free place, if possible one with a connection. NULL: all are busy. */
static struct lent *find_place(struct connections *connections)
{
    struct lent *empty = NULL;
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        struct lent *place = &connections->places[i];
        if (!place->busy && atomic_load(&place->registry) != NULL)
            return place;
        if (!place->busy && empty == NULL)
            empty = place;
    }
    return empty;
}

/* The caller gets the place. *generation: the generation of the file that the path leads to now. */
static struct lent *wait_for_place(struct connections *connections, unsigned *generation, sealring_error *error)
{
    struct timespec until = clock_deadline(CONNECTIONS_WAIT_MS);
    pthread_mutex_lock(&connections->mutex);
    struct lent *place;
    int waited = 0;
    while ((place = find_place(connections)) == NULL && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&connections->returned, &connections->mutex, &until);
    *generation = connections->generation;
    if (place != NULL)
        place->busy = true;
    pthread_mutex_unlock(&connections->mutex);
    if (place == NULL)
        error_set(error, SEALRING_REGISTRY, "all %d connections to the registry %s are busy", CONNECTIONS_MAX,
                  connections->path);
    return place;
}

static void release(struct connections *connections, struct lent *place)
{
    pthread_mutex_lock(&connections->mutex);
    place->busy = false;
    pthread_cond_signal(&connections->returned);
    pthread_mutex_unlock(&connections->mutex);
}

sealring_status connections_take(struct connections *connections, struct registry **registry, sealring_error *error)
{
    unsigned generation;
    sealring_status status = SEALRING_OK;
    *registry = NULL;
    struct lent *place = wait_for_place(connections, &generation, error);
    if (place == NULL)
        return SEALRING_REGISTRY;
    if (place->generation != generation)
        close_place(place);
    if (atomic_load(&place->registry) == NULL) {
        status = open_place(connections, place, error);
        place->generation = generation;
    }
    *registry = atomic_load(&place->registry);
    if (status != SEALRING_OK)
        release(connections, place);
    return status;
}

void connections_give(struct connections *connections, struct registry *registry)
{
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        if (atomic_load(&connections->places[i].registry) == registry)
            release(connections, &connections->places[i]);
}

void connections_renew(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    connections->generation++;
    pthread_mutex_unlock(&connections->mutex);
}
