/* SPDX-License-Identifier: Apache-2.0 */
/* One poll's reading of the registry: rings, versions, API keys and closed facts, and what they change in the cache. */
#include "verifier/fresh/load_changes.h"

#include "base/error.h"
#include "base/fork.h"
#include "lifecycle/transition_table.h"
#include "registry/rows/rows.h"
#include "verifier/fresh/follow_closed.h"

/* From now on no row older than the changes being applied may enter the cache. Called before the first change is applied: this poll
 * finds each entry that was inserted earlier, and entries inserted later are as new as the changes. */
static void guard_insertions(struct verifier *verifier, uint64_t epoch)
{
    pthread_mutex_lock(&verifier->inserting);
    protocol_applying(&verifier->protocol, epoch);
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
            atomic_store(&record->proved_epoch, 0); /* this object has not been proved */
        atomic_store(&version->usage, record);
    }
}

static void take_credential(struct look *look, const struct registry_holder *holder)
{
    if (!cache_update(look->verifier->cache, holder))
        messages_add(look->verifier->messages, SEALRING_LOG_ALARM,
                     "the registry's row of API key %s is not what the token confirmed: it was altered; the credential "
                     "is examined again",
                     holder->key.key_id);
}

/* The facts were read in the same transaction, so the row has to agree with them. */
static void restrict_row(const struct look *look, struct registry_holder *row)
{
    struct verifier *verifier = look->verifier;
    if (key_facts_restrict(&verifier->closed.restricted, &row->key, &row->credential))
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the registry's rows of API key %s permit more than the facts about it that are signed: the "
            "registry was altered; what these facts say stays in effect",
            row->key.key_id);
}

static sealring_status take_key(struct look *look, const struct registry_key *key, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    sealring_status status = SEALRING_OK;
    struct registry_holder holder;
    if (!cache_has_key(verifier->cache, key->key_id))
        return SEALRING_OK;
    if (key->state == SEALRING_KEY_REVOKED || closed_keys_has(&verifier->closed.keys, key->key_id)) {
        cache_drop_key(verifier->cache, key->key_id);
        return SEALRING_OK;
    }
    struct registry_cursor credentials = registry_presented_of_key(verifier->looker, key->id, error);
    while (registry_presented_next(&credentials, &holder)) {
        restrict_row(look, &holder);
        take_credential(look, &holder);
    }
    return registry_close_cursor(&credentials, status);
}

static void close_version(struct known_version *version, void *context)
{
    struct look *look = context;
    int closed = closed_chain_version(&look->verifier->closed, version->ring->ring_id, version->number);
    if (closed != 0 &&
        snapshot_close_version(version, (sealring_version_state)closed, look->verifier->protocol.look_wall))
        cache_drop_version(look->verifier->cache, version);
}

static sealring_status load_rows(struct look *look, uint64_t since, sealring_error *error)
{
    struct registry *registry = look->verifier->looker;
    sealring_status status = SEALRING_OK;
    struct registry_ring ring;
    struct registry_version version;
    struct registry_key key;
    struct registry_cursor rings = registry_rings_changed(registry, since, error);
    while (registry_ring_next(&rings, &ring))
        take_ring(look, &ring);
    status = registry_close_cursor(&rings, status);
    if (status != SEALRING_OK)
        return status;
    uint64_t versions_since = look->verifier->closed.reopened ? REGISTRY_SINCE_EVER : since;
    struct registry_cursor versions = registry_versions_changed(registry, versions_since, error);
    while (registry_version_next(&versions, &version))
        take_version(look, &version);
    status = registry_close_cursor(&versions, status);
    if (status != SEALRING_OK || since == REGISTRY_SINCE_EVER)
        return status;
    struct registry_cursor keys = registry_keys_changed(registry, since, error);
    while (status == SEALRING_OK && registry_key_next(&keys, &key))
        status = take_key(look, &key, error);
    return registry_close_cursor(&keys, status);
}

/* Facts first: what they close, no row opens again. */
static sealring_status load_once(struct look *look, uint64_t since, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    look->vault = *registry_vault_row(verifier->looker);
    guard_insertions(verifier, look->vault.epoch);
    sealring_status status = follow_closed(verifier, error);
    if (status == SEALRING_OK)
        status = load_rows(look, since, error);
    if (status == SEALRING_OK)
        snapshot_each(look->snapshot, close_version, look);
    return status == SEALRING_OK ? registry_has_imports(verifier->looker, &look->has_imports, error) : status;
}

sealring_status look_load_changes(struct look *look, uint64_t since, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(look->verifier->looker, error);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = load_once(look, since, error);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    if (status == SEALRING_OK && look->crowded)
        status = error_no_memory(error);
    if (status == SEALRING_OK)
        look->verifier->closed.reopened = look->verifier->closed.unapplied = false;
    return status;
}
