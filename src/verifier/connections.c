/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded set of read-only registry connections, one lent to each thread at work. */
#include "verifier/connections.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

#define CONNECTIONS_WAIT_SECONDS 5

struct connections {
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    char *path;
    unsigned most;
    unsigned made;
    unsigned idle_count;
    struct registry *idle[];
};

static void init_waiting(struct connections *connections)
{
    /* a wait must not stretch when somebody sets the wall clock */
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&connections->mutex, NULL);
    pthread_cond_init(&connections->returned, &attributes);
    pthread_condattr_destroy(&attributes);
}

sealring_status connections_open(const char *registry_path, unsigned most, struct connections **opened,
                                 sealring_error *error)
{
    *opened = NULL;
    struct connections *connections = calloc(1, sizeof *connections + most * sizeof connections->idle[0]);
    if (connections == NULL)
        return error_no_memory(error);
    connections->path = strdup(registry_path);
    if (connections->path == NULL) {
        free(connections);
        return error_no_memory(error);
    }
    init_waiting(connections);
    connections->most = most;
    struct registry *first = NULL;
    sealring_status status = registry_open(registry_path, NULL, REGISTRY_READ_ONLY, &first, error);
    if (status != SEALRING_OK) {
        connections_close(connections);
        return status;
    }
    connections->made = 1;
    connections->idle[connections->idle_count++] = first;
    *opened = connections;
    return SEALRING_OK;
}

void connections_close(struct connections *connections)
{
    if (connections == NULL)
        return;
    while (connections->idle_count > 0)
        registry_close(connections->idle[--connections->idle_count]);
    pthread_cond_destroy(&connections->returned);
    pthread_mutex_destroy(&connections->mutex);
    free(connections->path);
    free(connections);
}

/* With the mutex held: an idle connection, or the right to make one (NULL and OK), or a time-out. */
static sealring_status wait_for_one(struct connections *connections, struct registry **registry, sealring_error *error)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CONNECTIONS_WAIT_SECONDS;
    *registry = NULL;
    while (connections->idle_count == 0 && connections->made == connections->most)
        if (pthread_cond_timedwait(&connections->returned, &connections->mutex, &until) == ETIMEDOUT)
            return error_set(error, SEALRING_REGISTRY, "all %u connections to the registry %s are busy",
                             connections->most, connections->path);
    if (connections->idle_count > 0)
        *registry = connections->idle[--connections->idle_count];
    else
        connections->made++;
    return SEALRING_OK;
}

sealring_status connections_take(struct connections *connections, struct registry **registry, sealring_error *error)
{
    pthread_mutex_lock(&connections->mutex);
    sealring_status status = wait_for_one(connections, registry, error);
    pthread_mutex_unlock(&connections->mutex);
    if (status != SEALRING_OK || *registry != NULL)
        return status;
    status = registry_open(connections->path, NULL, REGISTRY_READ_ONLY, registry, error);
    if (status != SEALRING_OK) {
        pthread_mutex_lock(&connections->mutex);
        connections->made--;
        pthread_cond_signal(&connections->returned);
        pthread_mutex_unlock(&connections->mutex);
    }
    return status;
}

void connections_give(struct connections *connections, struct registry *registry)
{
    pthread_mutex_lock(&connections->mutex);
    connections->idle[connections->idle_count++] = registry;
    pthread_cond_signal(&connections->returned);
    pthread_mutex_unlock(&connections->mutex);
}
