/* SPDX-License-Identifier: Apache-2.0 */
/* A process's membership: the verifier that belongs to it, made anew in a forked child at its first use. */
#include "verifier/membership.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "verifier/maintenance.h"
#include "verifier/messages.h"

#define JOIN_PATIENCE_MS 10000
#define JOIN_AGAIN_MS    1000
#define WARM_AT_ONCE     64 /* credentials that the proving thread derives ahead before it looks around */
#define MAINTAIN_WARM    16 /* the same for one call of sealring_maintain */

/* A verifier whose report file is gone is replaced, and stays: calls that began before may still be inside. */
struct held {
    struct verifier *verifier;
    struct held *former;
};

/* What belongs to one process: a forked child finds it zero, and a zeroed mutex is an unlocked one (glibc's
 * PTHREAD_MUTEX_INITIALIZER). What the parent's pointed to is left alone: locks in it may be held by threads that the child does
 * not have, and a connection that a child closes would drop the parent's locks on the file. */
struct process_part {
    _Atomic(unsigned) process; /* its ID, from when it begins to join: tells a log callback's child from its parent */
    _Atomic(bool) joined;
    _Atomic(unsigned) joining;
    _Atomic(struct verifier *) verifier;
    pthread_mutex_t replacing;
    struct maintenance *maintenance;
    pthread_mutex_t failing;
    int64_t join_again_at;
    sealring_error failure;
    pthread_mutex_t handing_out;
};

struct membership {
    struct verifier_setup setup;
    bool threads;
    struct process_part *own;
    struct held *verifiers;    /* all of them, the newest first; a child finds its parent's here */
    sealring_log_callback log; /* with handing_out held */
    void *log_context;
};

/* False: this is a child that was forked inside the callback. */
static bool hand_out(void *context)
{
    struct membership *membership = context;
    struct process_part *own = membership->own;
    unsigned process = atomic_load(&own->process);
    pthread_mutex_lock(&own->handing_out);
    if (membership->log != NULL)
        messages_hand_out(verifier_messages(atomic_load(&own->verifier)), &own->process, membership->log,
                          membership->log_context);
    if (atomic_load(&own->process) != process)
        return false; /* its handing_out is another mutex, which it does not hold */
    pthread_mutex_unlock(&own->handing_out);
    return true;
}

static sealring_status join_verifier(struct membership *membership, sealring_error *error)
{
    struct verifier *verifier = NULL;
    struct held *held = malloc(sizeof *held);
    if (held == NULL)
        return error_no_memory(error);
    sealring_status status = verifier_join(&membership->setup, &verifier, error);
    if (status != SEALRING_OK) {
        free(held);
        return status;
    }
    *held = (struct held){verifier, membership->verifiers};
    membership->verifiers = held;
    atomic_store(&membership->own->verifier, verifier);
    return SEALRING_OK;
}

static void leave_all(struct membership *membership)
{
    while (membership->verifiers != NULL) {
        struct held *held = membership->verifiers;
        membership->verifiers = held->former;
        verifier_leave(held->verifier);
        free(held);
    }
}

/* In a child: what is listed was its parent's. */
static void disinherit(struct membership *membership)
{
    for (; membership->verifiers != NULL; membership->verifiers = membership->verifiers->former)
        verifier_disinherit(membership->verifiers->verifier);
}

/* Somebody removed the report file, or put another one in its place: nobody would hear this verifier any more, so its lease is not
 * prolonged. A new one takes its place; the old one stays until the end, as calls may be inside. */
static sealring_status replace(struct membership *membership, struct verifier *lost, sealring_error *error)
{
    struct process_part *own = membership->own;
    sealring_status status = SEALRING_OK;
    pthread_mutex_lock(&own->replacing);
    if (atomic_load(&own->verifier) == lost) {
        status = join_verifier(membership, error);
        if (status == SEALRING_OK) {
            messages_add(verifier_messages(atomic_load(&own->verifier)), SEALRING_LOG_WARNING,
                         "the report file in %s was removed: this verifier joined anew; leave the files there alone",
                         membership->setup.reports);
            verifier_stop(lost);
        }
    }
    pthread_mutex_unlock(&own->replacing);
    return status;
}

static sealring_status look(struct membership *membership, sealring_error *error)
{
    struct verifier *verifier = atomic_load(&membership->own->verifier);
    sealring_status status = verifier_look(verifier, error);
    if (verifier_is_lost(verifier))
        status = replace(membership, verifier, error);
    if (status != SEALRING_OK)
        messages_add(verifier_messages(atomic_load(&membership->own->verifier)), SEALRING_LOG_WARNING, "%s",
                     error->message);
    return status;
}

static int64_t look_turn(void *context)
{
    struct membership *membership = context;
    sealring_error error;
    look(membership, &error);
    return hand_out(membership) ? verifier_refresh_ms(atomic_load(&membership->own->verifier)) : -1;
}

static int64_t prove_turn(void *context)
{
    struct membership *membership = context;
    struct verifier *verifier = atomic_load(&membership->own->verifier);
    bool more = false;
    verifier_prove(verifier, WARM_AT_ONCE, &more, NULL);
    return more ? 0 : verifier_refresh_ms(verifier);
}

static sealring_status join(struct membership *membership, sealring_error *error)
{
    struct process_part *own = membership->own;
    sealring_status status = join_verifier(membership, error);
    if (status != SEALRING_OK)
        return status;
    atomic_store(&own->process, (unsigned)getpid());
    if (membership->threads)
        status = maintenance_start(look_turn, prove_turn, membership, &own->maintenance, error);
    if (status != SEALRING_OK) {
        leave_all(membership);
        return status;
    }
    atomic_store_explicit(&own->joined, true, memory_order_release);
    return SEALRING_OK;
}

sealring_status membership_open(const struct verifier_setup *setup, bool threads, struct membership **opened,
                                sealring_error *error)
{
    *opened = NULL;
    void *page = NULL;
    struct membership *membership = calloc(1, sizeof *membership);
    if (membership == NULL)
        return error_no_memory(error);
    sealring_status status = fork_page_new(sizeof *membership->own, &page, error);
    if (status != SEALRING_OK) {
        free(membership);
        return status;
    }
    membership->own = page;
    membership->setup = *setup;
    membership->threads = threads;
    status = join(membership, error);
    if (status != SEALRING_OK) {
        membership_close(membership);
        return status;
    }
    *opened = membership;
    return SEALRING_OK;
}

void membership_close(struct membership *membership)
{
    if (membership == NULL)
        return;
    struct process_part *own = membership->own;
    if (atomic_load(&own->joined)) {
        maintenance_stop(own->maintenance);
        leave_all(membership);
    } else {
        disinherit(membership);
    }
    fork_page_free(own, sizeof *own);
    free(membership);
}

/* ---- in a child ---- */

/* Which thread joins: the first that comes, unless the last try failed a moment ago. */
static void try_to_join(struct membership *membership)
{
    struct process_part *own = membership->own;
    sealring_error failure = {0};
    if (clock_boot_ms() < own->join_again_at)
        return;
    disinherit(membership);
    sealring_status status = join(membership, &failure);
    if (status == SEALRING_OK)
        return;
    pthread_mutex_lock(&own->failing);
    own->failure = failure;
    pthread_mutex_unlock(&own->failing);
    own->join_again_at = clock_boot_ms() + JOIN_AGAIN_MS;
}

static struct verifier *join_child(struct membership *membership, sealring_error *error)
{
    struct process_part *own = membership->own;
    int64_t patience = clock_boot_ms() + JOIN_PATIENCE_MS;
    unsigned nobody = 0;
    if (atomic_compare_exchange_strong(&own->joining, &nobody, 1)) {
        if (membership_joined(membership) == NULL)
            try_to_join(membership);
        atomic_store(&own->joining, 0);
    }
    while (atomic_load(&own->joining) != 0 && clock_boot_ms() < patience) {
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    struct verifier *verifier = membership_joined(membership);
    if (verifier == NULL && error != NULL) {
        pthread_mutex_lock(&own->failing);
        *error = own->failure;
        pthread_mutex_unlock(&own->failing);
        if (error->status == SEALRING_OK)
            error_set(error, SEALRING_SYSTEM, "this process, a forked child, is joining the vault: try again");
    }
    return verifier;
}

struct verifier *membership_joined(struct membership *membership)
{
    struct process_part *own = membership->own;
    return atomic_load_explicit(&own->joined, memory_order_acquire)
               ? atomic_load_explicit(&own->verifier, memory_order_acquire)
               : NULL;
}

struct verifier *membership_verifier(struct membership *membership, sealring_error *error)
{
    struct verifier *verifier = membership_joined(membership);
    return verifier != NULL ? verifier : join_child(membership, error);
}

/* ---- log and maintenance ---- */

void membership_set_log(struct membership *membership, sealring_log_callback callback, void *context)
{
    pthread_mutex_lock(&membership->own->handing_out);
    membership->log = callback;
    membership->log_context = context;
    pthread_mutex_unlock(&membership->own->handing_out);
}

sealring_status membership_maintain(struct membership *membership, uint32_t *next_ms, sealring_error *error)
{
    bool more = false;
    struct verifier *verifier = membership_verifier(membership, error);
    if (verifier == NULL) {
        if (next_ms != NULL)
            *next_ms = JOIN_AGAIN_MS;
        return error->status;
    }
    sealring_status status = look(membership, error);
    verifier = membership_joined(membership);
    sealring_status proved = verifier_prove(verifier, MAINTAIN_WARM, &more, status == SEALRING_OK ? error : NULL);
    if (status == SEALRING_OK && proved != SEALRING_OK)
        status = proved == SEALRING_REFUSED ? SEALRING_TOKEN : proved;
    if (next_ms != NULL)
        *next_ms = more ? 0 : (uint32_t)verifier_refresh_ms(verifier);
    hand_out(membership);
    return status;
}
