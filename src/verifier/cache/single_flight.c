/* SPDX-License-Identifier: Apache-2.0 */
/* Single-flight: one token operation per credential. The first thread that asks performs it; the others wait for its result. */
#include "verifier/cache/single_flight.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

/* The mutex of the flights guards it, except `error`, which the leader writes before `landed`. */
struct flight {
    struct flight *next; /* in the list of flights under way */
    pthread_cond_t done;
    unsigned askers; /* the leader and the waiting threads; the last of them frees the flight */
    bool landed;
    int outcome;
    sealring_error error;
    size_t length;
    const uint8_t *name; /* the leader's, valid until it lands: afterwards nobody searches for it */
};

struct flights {
    pthread_mutex_t mutex;
    unsigned waiting_max;
    unsigned waiting;
    unsigned count; /* number under way */
    struct flight *under_way;
};

sealring_status flights_new(unsigned waiting_max, struct flights **made, sealring_error *error)
{
    *made = calloc(1, sizeof **made);
    if (*made == NULL)
        return error_no_memory(error);
    pthread_mutex_init(&(*made)->mutex, NULL);
    (*made)->waiting_max = waiting_max;
    return SEALRING_OK;
}

/* Mutex and condition variables are not destroyed. In a forked child, threads of the parent seem to wait on them for ever, and
 * pthread_cond_destroy would wait for those threads. With glibc and musl they own no resources. */
void flights_free(struct flights *flights)
{
    free(flights);
}

/* ---- with the mutex held ---- */

static struct flight *find(const struct flights *flights, const uint8_t *name, size_t length)
{
    for (struct flight *flight = flights->under_way; flight != NULL; flight = flight->next)
        if (flight->length == length && secret_equal(flight->name, name, length))
            return flight;
    return NULL;
}

static struct flight *start(struct flights *flights, const uint8_t *name, size_t length)
{
    struct flight *flight = malloc(sizeof *flight);
    if (flight == NULL)
        return NULL;
    *flight = (struct flight){.next = flights->under_way, .askers = 1, .length = length, .name = name};
    clock_condition_init(&flight->done);
    flights->under_way = flight;
    flights->count++;
    return flight;
}

/* A thread that asks after this starts a new flight. */
static void land(struct flights *flights, struct flight *flight, int outcome)
{
    struct flight **link = &flights->under_way;
    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    flights->count--;
    flight->outcome = outcome;
    flight->landed = true;
    pthread_cond_broadcast(&flight->done);
}

static int take(const struct flight *flight, sealring_error *error)
{
    if (flight->error.status != SEALRING_OK && error != NULL)
        *error = flight->error;
    return flight->outcome;
}

static void leave(struct flight *flight)
{
    if (--flight->askers == 0)
        free(flight);
}

static int wait_for(struct flights *flights, struct flight *flight, int64_t wait_ms, sealring_error *error)
{
    if (flights->waiting >= flights->waiting_max) {
        error_set(error, SEALRING_SYSTEM,
                  "%u threads wait for the token already, more may not (waiting_max): try again", flights->waiting);
        return FLIGHT_CROWDED;
    }
    struct timespec deadline = clock_deadline(wait_ms);
    int waited = 0, outcome = FLIGHT_CROWDED;
    flights->waiting++;
    flight->askers++;
    while (!flight->landed && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&flight->done, &flights->mutex, &deadline);
    if (flight->landed)
        outcome = take(flight, error);
    else
        error_set(error, SEALRING_SYSTEM,
                  "the token was asked by another thread and did not answer within %lld ms: try again",
                  (long long)wait_ms);
    leave(flight);
    flights->waiting--;
    return outcome;
}

/* ---- asking ---- */

int flights_ask(struct flights *flights, const uint8_t *name, size_t length, flight_function fly, void *context,
                int64_t wait_ms, sealring_error *error)
{
    int outcome = FLIGHT_FAILED;
    pthread_mutex_lock(&flights->mutex);
    struct flight *flight = find(flights, name, length);
    if (flight != NULL) {
        outcome = wait_for(flights, flight, wait_ms, error);
    } else if ((flight = start(flights, name, length)) == NULL) {
        error_no_memory(error);
    } else {
        pthread_mutex_unlock(&flights->mutex);
        outcome = fly(context, &flight->error);
        pthread_mutex_lock(&flights->mutex);
        land(flights, flight, outcome);
        take(flight, error);
        leave(flight);
    }
    pthread_mutex_unlock(&flights->mutex);
    return outcome;
}

unsigned flights_under_way(struct flights *flights)
{
    pthread_mutex_lock(&flights->mutex);
    unsigned count = flights->count;
    pthread_mutex_unlock(&flights->mutex);
    return count;
}
