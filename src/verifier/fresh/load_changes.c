/* SPDX-License-Identifier: Apache-2.0 */
/* One poll's reading of the registry: facts, and the rings and versions that they are about. */
#include "verifier/fresh/load_changes.h"

#include <stdio.h>

#include "base/error.h"
#include "base/fork.h"
#include "lifecycle/transition_table.h"
#include "registry/rows/rows.h"
#include "verifier/fresh/follow_closed.h"

/* From now on no row that was read earlier may enter the cache. Called before the first change is applied, in the transaction that reads them: this
 * poll finds each entry that was inserted earlier, and rows that are read later are as new as the changes. */
static void guard_insertions(struct verifier *verifier, uint64_t epoch)
{
    pthread_mutex_lock(&verifier->inserting);
    protocol_applying(&verifier->protocol, epoch);
    atomic_store(&verifier->fences, verifier->protocol.fences);
    pthread_mutex_unlock(&verifier->inserting);
}

static void take_ring(struct look *look, const struct registry_ring *ring)
{
    enum snapshot_change change = snapshot_put_ring(look->snapshot, ring);
    look->altered = look->altered || change == SNAPSHOT_ALTERED;
    look->crowded = look->crowded || change == SNAPSHOT_NO_MEMORY;
}

/* What was closed stays closed, whatever the row contains. */
static void apply_closing(const struct look *look, struct registry_version *row)
{
    const struct registry_ring *ring = snapshot_ring(look->snapshot, row->ring);
    int closed = ring == NULL ? 0 : closed_chain_version(&look->verifier->closed, ring->ring_id, row->number);
    if (closed == 0 || !lifecycle_accepts(row->state))
        return;
    messages_add(
        look->verifier->messages, SEALRING_LOG_ALARM,
        "ALARM: the registry's row of version %u of ring %s is open, and the version was closed: the registry was "
        "altered, or nobody signed that the version was reinstated; it stays closed",
        row->number, ring->name);
    row->state = (sealring_version_state)closed;
    row->closed = row->closed != 0 ? row->closed : look->verifier->protocol.look_wall;
    row->was_compromised = row->was_compromised || closed == SEALRING_VERSION_COMPROMISED;
}

static void take_version(struct look *look, struct registry_version *row)
{
    struct verifier *verifier = look->verifier;
    struct known_version *version = NULL;
    apply_closing(look, row);
    struct known_version *former = snapshot_find(look->snapshot, row->ring, row->number);
    enum snapshot_change change = snapshot_put_version(look->snapshot, row, &version);
    look->altered = look->altered || change == SNAPSHOT_ALTERED;
    look->crowded = look->crowded || change == SNAPSHOT_NO_MEMORY;
    if (change == SNAPSHOT_CLOSED)
        cache_drop_version(verifier->cache, version);
    if (version != NULL && former != NULL && version != former)
        cache_drop_version(verifier->cache, former); /* entries inserted while it closed stay closed */
    if (version != NULL && atomic_load(&version->usage) == NULL) {
        struct report_version *record = report_version(atomic_load(&verifier->report), row->ring, row->number);
        if (record != NULL)
            atomic_store(&record->proved, 0); /* this object has not been proved */
        atomic_store(&version->usage, record);
    }
}

static void close_version(struct known_version *version, void *context)
{
    struct look *look = context;
    int closed = closed_chain_version(&look->verifier->closed, version->ring->ring_id, version->number);
    if (closed != 0 &&
        snapshot_close_version(version, (sealring_version_state)closed, look->verifier->protocol.look_wall))
        cache_drop_version(look->verifier->cache, version);
}

/* Of a row that was edited its last fact counts; one without a fact is nobody's. */
static bool is_founded(const struct look *look, bool edited, bool unfounded, const char *ring, uint32_t version)
{
    char of[32] = "";
    if (version > 0)
        snprintf(of, sizeof of, "version %u of ", version);
    if (edited || unfounded)
        messages_add(
            look->verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the registry's row of %sring %s is not what the facts contain: the registry was altered; %s", of,
            ring, unfounded ? "the row is not used" : "what the facts contain counts");
    return !unfounded;
}

static void see_ring(struct look *look, const struct registry_ring *ring)
{
    if (is_founded(look, ring->edited, ring->unfounded, ring->name, 0))
        take_ring(look, ring);
}

/* Not if its ring is not used. */
static void see_version(struct look *look, struct registry_version *version)
{
    const struct registry_ring *ring = snapshot_ring(look->snapshot, version->ring);
    if (ring != NULL && is_founded(look, version->edited, version->unfounded, ring->name, version->number))
        take_version(look, version);
}

static sealring_status load_all(struct look *look, sealring_error *error)
{
    struct registry *registry = look->verifier->looker;
    struct registry_ring ring;
    struct registry_version version;
    struct registry_cursor rings = registry_rings(registry, error);
    while (registry_ring_next(&rings, &ring))
        see_ring(look, &ring);
    sealring_status status = registry_close_cursor(&rings, SEALRING_OK);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor versions = registry_versions(registry, 0, error);
    while (registry_version_next(&versions, &version))
        see_version(look, &version);
    return registry_close_cursor(&versions, status);
}

/* The last fact about it is read with the row, and counts. */
static sealring_status load_changed(struct look *look, const struct fact_subject *changed, sealring_error *error)
{
    struct registry *registry = look->verifier->looker;
    struct registry_ring ring;
    struct registry_version version;
    bool found = false;
    sealring_status status = registry_ring_find_by_id(registry, changed->ring_id, &ring, &found, error);
    if (status != SEALRING_OK || !found)
        return status; /* the row was edited, or the fact is about a client */
    see_ring(look, &ring);
    if (ring.unfounded || changed->version == 0)
        return SEALRING_OK;
    status = registry_version_find(registry, ring.id, changed->version, &version, &found, error);
    if (status == SEALRING_OK && found)
        see_version(look, &version);
    return status;
}

/* As long as facts have not begun, nothing but a reading of all rows shows what has changed, and nothing shows which keys did. */
static sealring_status load_rows(struct look *look, bool all, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    const struct closed_chain *closed = &verifier->closed;
    sealring_status status = SEALRING_OK;
    if (!closed->followed)
        cache_drop_version(verifier->cache, NULL);
    if (all || !closed->followed)
        return load_all(look, error);
    /* facts that do not continue the chain close versions, and do nothing else */
    for (size_t i = 0; status == SEALRING_OK && !closed->broken && i < closed->changed_count; i++)
        status = load_changed(look, &closed->changed[i], error);
    return status;
}

/* Facts first: what they close, no row opens again. */
static sealring_status load_once(struct look *look, bool all, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    look->vault = *registry_vault_row(verifier->looker);
    look->has_imports = true;
    guard_insertions(verifier, look->vault.epoch);
    sealring_status status = follow_closed(verifier, error);
    if (status == SEALRING_OK)
        status = load_rows(look, all, error);
    if (status == SEALRING_OK)
        snapshot_each(look->snapshot, close_version, look);
    if (verifier->closed.begun)
        look->has_imports = verifier->closed.imports;
    else if (status == SEALRING_OK)
        status = registry_has_imports(verifier->looker, &look->has_imports, error);
    return status;
}

sealring_status look_load_changes(struct look *look, bool all, sealring_error *error)
{
    sealring_status status;
    struct closed_chain *closed = &look->verifier->closed;
    struct registry_transaction reading = registry_reading(look->verifier->looker, error);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = load_once(look, all, error);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    if (status == SEALRING_OK && look->crowded)
        status = error_no_memory(error);
    if (status != SEALRING_OK)
        return status;
    closed_chain_applied(closed);
    closed->followed = closed->begun;
    return SEALRING_OK;
}
