/* SPDX-License-Identifier: Apache-2.0 */
/* The poll: applies what changed in the registry, and writes the report about it. */
#include "verifier/fresh/poll.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/transition_table.h"
#include "lifecycle/verifier_liveness.h"
#include "registry/rows/rows.h"
#include "verifier/fresh/follow_closed.h"
#include "verifier/fresh/follow_keys.h"
#include "verifier/fresh/late_clock.h"
#include "verifier/fresh/load_changes.h"
#include "verifier/fresh/look_registry.h"
#include "verifier/fresh/poll_report.h"
#include "verifier/fresh/usage_hours.h"
#include "verifier/fresh/watch_schema.h"

#define CLOCK_TRIES    10
#define CLOCK_APART_MS 5

/* With `inserting` held. */
static void note_applied(struct look *look)
{
    struct verifier *verifier = look->verifier;
    protocol_applied(&verifier->protocol, look->vault.era, look->vault.epoch);
    atomic_store(&verifier->fences, verifier->protocol.fences);
    atomic_store(&verifier->facts, verifier->closed.sound.count);
}

static sealring_status apply(struct look *look, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    look->snapshot = atomic_load(&verifier->snapshot);
    sealring_status status = look_load_changes(look, false, error);
    if (status != SEALRING_OK)
        return status;
    atomic_store(&verifier->has_imports, look->has_imports);
    /* calls that began before may still follow the old state; calls that begin from here on follow the new one */
    lanes_wait(verifier->lanes);
    pthread_mutex_lock(&verifier->inserting);
    note_applied(look);
    look->altered = look->altered || !verifier->protocol.loaded; /* restored between the two reads */
    pthread_mutex_unlock(&verifier->inserting);
    return SEALRING_OK;
}

/* The epoch is another one, and no fact is new: nothing that was committed changes a verdict. The facts were read after the epoch. */
static void pass(struct look *look)
{
    pthread_mutex_lock(&look->verifier->inserting);
    note_applied(look);
    pthread_mutex_unlock(&look->verifier->inserting);
}

static sealring_status hold_snapshot(struct look *look, sealring_error *error)
{
    struct held_snapshot *held = malloc(sizeof *held);
    if (held == NULL)
        return error_no_memory(error);
    sealring_status status = snapshot_new(&held->snapshot, error);
    if (status != SEALRING_OK) {
        free(held);
        return status;
    }
    held->former = look->verifier->snapshots;
    look->verifier->snapshots = held;
    look->snapshot = held->snapshot;
    return SEALRING_OK;
}

static void drop_snapshot(struct verifier *verifier)
{
    struct held_snapshot *held = verifier->snapshots;
    verifier->snapshots = held->former;
    snapshot_free(held->snapshot);
    free(held);
}

/* The fence: nothing is accepted until everything has been loaded again (protocol: `loaded` is false meanwhile). */
static sealring_status reload(struct look *look, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    look->altered = false;
    keys_forget(verifier);
    sealring_status status = hold_snapshot(look, error);
    if (status != SEALRING_OK)
        return status;
    status = look_load_changes(look, true, error);
    if (status == SEALRING_OK && look->altered)
        status = error_set(error, SEALRING_REGISTRY, "the registry %s contradicts itself about a ring or version",
                           verifier->setup.registry);
    if (status != SEALRING_OK) {
        drop_snapshot(verifier);
        return status;
    }
    pthread_mutex_lock(&verifier->inserting);
    cache_drop_version(verifier->cache, NULL);
    atomic_store(&verifier->snapshot, look->snapshot);
    if (atomic_load(&verifier->report) != NULL)
        report_unprove(atomic_load(&verifier->report)); /* the proofs were of another chain of facts */
    if (!verifier->joined) /* afterwards it is read without a lock, and look_registry has compared it */
        memcpy(verifier->vault_id, look->vault.vault_id, sizeof verifier->vault_id);
    note_applied(look);
    pthread_mutex_unlock(&verifier->inserting);
    atomic_store(&verifier->has_imports, look->has_imports);
    lanes_wait(verifier->lanes);
    return SEALRING_OK;
}

static void tell_fence(struct verifier *verifier, const struct look *look, const struct protocol *before, bool replaced)
{
    atomic_fetch_add(&verifier->fenced, 1);
    if (memcmp(before->era, look->vault.era, sizeof before->era) != 0)
        messages_add(verifier->messages, SEALRING_LOG_WARNING,
                     "the registry %s was restored: everything is loaded again", verifier->setup.registry);
    else if (look->vault.epoch < before->epoch)
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the registry %s went back from epoch %llu to %llu: somebody replaced it by an older copy. What was revoked since may be good again: find out who, and restore with sealring",
            verifier->setup.registry, (unsigned long long)before->epoch, (unsigned long long)look->vault.epoch);
    else if (replaced)
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "ALARM: the registry %s is another file than before: everything is loaded again; find out who "
                     "replaced it",
                     verifier->setup.registry);
}

static enum protocol_step next_step(struct look *look, bool replaced, struct protocol *before)
{
    struct verifier *verifier = look->verifier;
    pthread_mutex_lock(&verifier->inserting);
    *before = verifier->protocol;
    enum protocol_step step = protocol_see(&verifier->protocol, look->vault.era, look->vault.epoch, replaced);
    if (step == PROTOCOL_RELOAD)
        atomic_store(&verifier->serve_until, 0);
    atomic_store(&verifier->fences, verifier->protocol.fences);
    pthread_mutex_unlock(&verifier->inserting);
    return step;
}

static sealring_status take_in(struct look *look, bool replaced, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    struct protocol before;
    bool news = false;
    bool forgot = false;
    sealring_status status = SEALRING_OK;
    if (look->unchanged)
        follow_report_unsigned(verifier);
    else
        status = follow_look(verifier, look->vault.era, &news, &forgot, error);
    if (status != SEALRING_OK)
        return status;
    enum protocol_step step = next_step(look, replaced || forgot, &before);
    if (step == PROTOCOL_NOTHING && !news)
        return SEALRING_OK;
    if (step == PROTOCOL_RELOAD) {
        if (before.loaded)
            tell_fence(verifier, look, &before, replaced);
        return reload(look, error);
    }
    if (!news && verifier->closed.followed) {
        pass(look);
        return SEALRING_OK;
    }
    status = apply(look, error);
    if (status == SEALRING_OK && look->altered) {
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "ALARM: a ring or a version in the registry %s is not what it was: it was altered; everything is "
                     "loaded again",
                     verifier->setup.registry);
        atomic_fetch_add(&verifier->fenced, 1);
        next_step(look, true, &before);
        status = reload(look, error);
    }
    return status;
}

/* After a report was written: if it has reached another epoch, whoever waits for that need not wait for its next poll. */
static void ring_news(struct verifier *verifier)
{
    const struct protocol *protocol = &verifier->protocol;
    if (verifier->reported_epoch == protocol->epoch &&
        memcmp(verifier->reported_era, protocol->era, sizeof verifier->reported_era) == 0)
        return;
    verifier->reported_epoch = protocol->epoch;
    memcpy(verifier->reported_era, protocol->era, sizeof verifier->reported_era);
    atomic_fetch_add(&verifier->applied, 1);
    verifier_ring(verifier);
}

/* Only polls change the protocol, so this reads it without the lock. *again: the report came so late that it proves only that the
 * verifier is alive; another poll must take the lease. */
static sealring_status report(struct look *look, bool *again, sealring_error *error)
{
    *again = false;
    struct verifier *verifier = look->verifier;
    struct protocol *protocol = &verifier->protocol;
    if (protocol->look != PROTOCOL_COMPLETE)
        return SEALRING_OK; /* it applied less than it saw; the next poll completes it */
    sealring_status status = poll_report(look, error);
    if (status != SEALRING_OK)
        return status;
    ring_news(verifier);
    bool disagreed = protocol->clocks_disagree;
    int64_t written = clock_boot_ms();
    pthread_mutex_lock(&verifier->inserting);
    *again = !protocol_reported(protocol, written, look->vault.lease_ms);
    pthread_mutex_unlock(&verifier->inserting);
    filter_reported(&verifier->known_keys.protocol, protocol->look_started, written);
    late_clock_publish(verifier);
    atomic_store(&verifier->serve_until, protocol_serves_until(protocol));
    int64_t often = look->vault.lease_ms / WATCH_POLLS_PER_LEASE;
    int64_t refresh = look->vault.refresh_ms < often ? look->vault.refresh_ms : often;
    atomic_store(&verifier->refresh_ms, refresh < 1 ? 1 : refresh);
    atomic_store(&verifier->often_ms, often < 1 ? 1 : often);
    atomic_fetch_add(&verifier->looks, 1);
    if (protocol->clocks_disagree && !disagreed && !verifier->late) /* the late clock has its own alarm */
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the wall clock was set by more than %d s: expiry and not-before are judged by the new time; "
            "check the host's time service",
            PROTOCOL_CLOCKS_APART_MS / 1000);
    return SEALRING_OK;
}

static void count_unproved(struct known_version *version, void *context)
{
    uint64_t *count = context;
    if (lifecycle_accepts((sealring_version_state)atomic_load(&version->state)) && !atomic_load(&version->proved))
        ++*count;
}

/* Reads both clocks at nearly the same moment. Otherwise, if the process were stopped between the two, it would judge by a late clock. */
static void read_clocks(int64_t *boot, int64_t *wall)
{
    for (int i = 0; i < CLOCK_TRIES; i++) {
        *boot = clock_boot_ms();
        *wall = clock_wall_ms();
        if (clock_boot_ms() - *boot <= CLOCK_APART_MS)
            return;
    }
}

/* No command changes the lease of a vault, but an operator may do so with SQL, so that revocations must wait longer. A lease above the
 * maximum is reduced to it. Reports contain the lease in use, so that commands that wait for this verifier know it
 * (manage/roster/roster.c). */
static void bound_lease(struct look *look)
{
    struct verifier *verifier = look->verifier;
    if (look->vault.lease_ms > WATCH_LEASE_MAX_MS)
        look->vault.lease_ms = WATCH_LEASE_MAX_MS;
    if (verifier->lease_ms != 0 && verifier->lease_ms != look->vault.lease_ms)
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the lease in the registry %s is %lld s now, it was %lld s: no command of sealring changes it; find out "
            "who did",
            verifier->setup.registry, (long long)(look->vault.lease_ms / 1000), (long long)(verifier->lease_ms / 1000));
    verifier->lease_ms = look->vault.lease_ms;
}

/* Reads and applies all changes, with the lock held. Does not write the report that prolongs the lease. */
static sealring_status see(struct look *look, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    bool replaced = false;
    int64_t boot;
    int64_t wall;
    read_clocks(&boot, &wall);
    pthread_mutex_lock(&verifier->inserting);
    protocol_begin_look(&verifier->protocol, boot, wall);
    pthread_mutex_unlock(&verifier->inserting);
    sealring_status status = look_registry(look, &replaced, error);
    if (status == SEALRING_OK)
        status = take_in(look, replaced, error);
    if (status == SEALRING_OK)
        bound_lease(look);
    if (status == SEALRING_OK && verifier->protocol.look == PROTOCOL_COMPLETE && !verifier->closed.unapplied)
        verifier->polled = verifier->commits;
    return status;
}

sealring_status look_load(struct verifier *verifier, sealring_error *error)
{
    struct look look = {.verifier = verifier};
    pthread_mutex_lock(&verifier->looking);
    sealring_status status = see(&look, error);
    pthread_mutex_unlock(&verifier->looking);
    return status;
}

static sealring_status look_once(struct verifier *verifier, bool *again, sealring_error *error)
{
    struct look look = {.verifier = verifier};
    *again = false;
    filter_begin_poll(&verifier->known_keys.protocol);
    sealring_status status = see(&look, error);
    if (status == SEALRING_OK)
        keys_follow(verifier);
    if (status == SEALRING_OK)
        status = late_clock_judge(verifier, error);
    if (status == SEALRING_OK)
        status = watch_schema(verifier, look.vault.schema, error);
    return status == SEALRING_OK ? report(&look, again, error) : status;
}

static void tell_unlocked(struct verifier *verifier)
{
    if (verifier->told_unlocked || !secret_was_unlocked())
        return;
    verifier->told_unlocked = true;
    messages_add(verifier->messages, SEALRING_LOG_WARNING, "%s", SECRET_UNLOCKED_WORDS);
}

static void report_trace(struct verifier *verifier)
{
    char text[SEALRING_MESSAGE_SIZE];
    enum trace_state state = trace_file_describe(text);
    if (state == TRACE_OFF || state == verifier->reported_trace)
        return;
    verifier->reported_trace = state;
    messages_add(verifier->messages, state == TRACE_ON ? SEALRING_LOG_INFORMATION : SEALRING_LOG_WARNING, "%s", text);
}

sealring_status verifier_look(struct verifier *verifier, sealring_error *error)
{
    bool again;
    pthread_mutex_lock(&verifier->looking);
    tell_unlocked(verifier);
    report_trace(verifier);
    sealring_status status = look_once(verifier, &again, error);
    if (status == SEALRING_OK && again)
        status = look_once(verifier, &again, error);
    if (status == SEALRING_OK) {
        hours_turn(verifier);
        uint64_t unproved = 0;
        snapshot_each(atomic_load(&verifier->snapshot), count_unproved, &unproved);
        late_clock_limit_uses(verifier);
        atomic_store(&verifier->unproved, unproved);
    }
    cache_reclaim(verifier->cache);
    pthread_mutex_unlock(&verifier->looking);
    return status;
}
