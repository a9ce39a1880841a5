/* SPDX-License-Identifier: Apache-2.0 */
/* A process's membership: the verifier that belongs to the process. A forked child gets its own verifier at its first use. */
#include "verifier/process/membership.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "verifier/fresh/follow_keys.h"
#include "verifier/fresh/listen.h"
#include "verifier/fresh/prove_ahead.h"
#include "verifier/process/maintenance.h"
#include "verifier/state/log_messages.h"
#include "verifier/state/verifier_state.h"

#define JOIN_PATIENCE_MS 10000
#define JOIN_AGAIN_MS    1000
#define WARM_AT_ONCE     64    /* credentials that the proving thread derives before it checks for other work */
#define PROVE_IDLE_MS    10000 /* a poll that finds something to prove ends this wait */
#define MAINTAIN_WARM    16    /* the same for one call of sealring_maintain */

/* What belongs to one process. A forked child finds it zeroed, and a zeroed mutex is an unlocked one (glibc's
 * PTHREAD_MUTEX_INITIALIZER). The child does not touch what the parent's pointers led to: threads that the child does not have may hold
 * locks there, and closing a connection in the child would drop the parent's locks on the file. */
struct process_part {
    _Atomic(unsigned) process; /* its ID, set before `joined`: shows a log callback's child that it is one */
    _Atomic(bool) joined;
    _Atomic(unsigned) joining;
    struct verifier *verifier;
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
    struct verifier *last;     /* the verifier that joined last; a child finds its parent's here */
    sealring_log_callback log; /* with handing_out held */
    void *log_context;
};

/* Returns false in a child that was forked inside the callback. */
static bool hand_out(void *context)
{
    struct membership *membership = context;
    struct process_part *own = membership->own;
    unsigned process = atomic_load(&own->process);
    pthread_mutex_lock(&own->handing_out);
    if (membership->log != NULL)
        messages_hand_out(own->verifier->messages, &own->process, membership->log, membership->log_context);
    if (atomic_load(&own->process) != process)
        return false; /* the child's handing_out is another mutex, which it does not hold */
    pthread_mutex_unlock(&own->handing_out);
    return true;
}

static sealring_status look(struct membership *membership, sealring_error *error)
{
    struct verifier *verifier = membership->own->verifier;
    sealring_status status = verifier_look(verifier, error);
    if (status != SEALRING_OK)
        messages_add(verifier->messages, SEALRING_LOG_WARNING, "%s", error->message);
    return status;
}

static int64_t look_turn(struct maintenance *maintenance, void *context)
{
    struct membership *membership = context;
    struct verifier *verifier = membership->own->verifier;
    sealring_error error;
    listen_begin(verifier);
    keys_hear(verifier);
    bool polled = look(membership, &error) == SEALRING_OK;
    if (!hand_out(membership))
        return -1;
    if (atomic_load(&verifier->unproved) > 0 || keys_are_due(verifier))
        maintenance_prove(maintenance);
    return listen_wait(verifier, polled);
}

static int64_t prove_turn(struct maintenance *maintenance, void *context)
{
    struct membership *membership = context;
    bool more = false, away;
    (void)maintenance;
    struct verifier *verifier = membership->own->verifier;
    verifier_prove(verifier, WARM_AT_ONCE, &more, &away, NULL);
    more = keys_build_some(verifier) || more;
    return more ? 0 : PROVE_IDLE_MS;
}

static sealring_status join(struct membership *membership, sealring_error *error)
{
    struct process_part *own = membership->own;
    struct verifier *verifier = NULL;
    sealring_status status = verifier_join(&membership->setup, &verifier, error);
    if (status != SEALRING_OK)
        return status;
    own->verifier = verifier;
    atomic_store(&own->process, (unsigned)getpid());
    if (membership->threads) {
        keys_want(verifier);
        status = maintenance_start(look_turn, prove_turn, membership, &own->maintenance, error);
    }
    if (status != SEALRING_OK) {
        verifier_leave(verifier);
        return status;
    }
    membership->last = verifier;
    atomic_store_explicit(&own->joined, true, memory_order_release);
    return SEALRING_OK;
}

/* In a child: the last verifier that joined is the parent's. */
static void disinherit(struct membership *membership)
{
    if (membership->last != NULL)
        verifier_disinherit(membership->last);
    membership->last = NULL;
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
        listen_stop(own->verifier);
        maintenance_stop(own->maintenance);
        verifier_leave(own->verifier);
    } else {
        disinherit(membership);
    }
    fork_page_free(own, sizeof *own);
    free(membership);
}

/* ---- in a child ---- */

/* The first thread that comes joins, unless the last attempt failed less than a second ago. */
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
    while (atomic_load(&own->joining) != 0 && clock_boot_ms() < patience)
        clock_sleep(1);
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
    return atomic_load_explicit(&own->joined, memory_order_acquire) ? own->verifier : NULL;
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
    bool more = false, away;
    struct verifier *verifier = membership_verifier(membership, error);
    if (verifier == NULL) {
        if (next_ms != NULL)
            *next_ms = JOIN_AGAIN_MS;
        return error->status;
    }
    sealring_status status = look(membership, error);
    sealring_status proved =
        verifier_prove(verifier, MAINTAIN_WARM, &more, &away, status == SEALRING_OK ? error : NULL);
    if (status == SEALRING_OK)
        status = proved;
    if (next_ms != NULL)
        *next_ms = more ? 0 : (uint32_t)atomic_load(&verifier->refresh_ms);
    hand_out(membership);
    return status;
}
