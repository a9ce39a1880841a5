/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier of one process: joins, leaves, and verifies credentials that are in the cache. */
#include "verifier/process/verifier.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/secret.h"
#include "verifier/fresh/check_head.h"
#include "verifier/fresh/poll.h"
#include "verifier/fresh/prove_ahead.h"
#include "verifier/fresh/usage_hours.h"
#include "verifier/fresh/warm.h"
#include "verifier/request/first_sight.h"
#include "verifier/request/judge.h"
#include "verifier/state/verifier_state.h"

#define VERIFIER_CACHE_MAX   1000000
#define VERIFIER_WAITING_MAX 256
#define NO_DETAIL_MS         1000

/* Lengths of texts that are looked up as imported keys. Other texts are rejected without hashing. */
#define IMPORTED_LENGTH_MIN 8
#define IMPORTED_LENGTH_MAX 512

/* ---- joining and leaving ---- */

static sealring_status make_parts(struct verifier *verifier, sealring_error *error)
{
    const struct verifier_setup *setup = &verifier->setup;
    sealring_status status = messages_new(&verifier->messages, error);
    if (!key_filter_open(&verifier->known_keys.filter) && status == SEALRING_OK)
        status = error_set(error, SEALRING_SYSTEM, "the system gives no random numbers");
    if (status == SEALRING_OK)
        status = lanes_new(&verifier->lanes, error);
    if (status == SEALRING_OK)
        status = cache_new(verifier->lanes, setup->cache_max, &verifier->cache, error);
    if (status == SEALRING_OK)
        status = flights_new(setup->waiting_max, &verifier->flights, error);
    if (status == SEALRING_OK)
        status = connections_new(setup->registry, setup->audit_key, &verifier->connections, error);
    return status;
}

/* The report file names the vault's ID, so the registry is asked for it first. */
static sealring_status join_report(struct verifier *verifier, sealring_error *error)
{
    struct registry *registry;
    struct registry_vault vault = {0};
    struct report *report = NULL;
    bool replaced = false;
    sealring_status status = connections_take(verifier->connections, &registry, error);
    if (status != SEALRING_OK)
        return status;
    fork_guard_enter();
    status = registry_look_vault(registry, &vault, &replaced, error);
    fork_guard_leave();
    if (status == SEALRING_OK && replaced)
        status = error_set(error, SEALRING_REGISTRY, "the registry %s is being replaced", verifier->setup.registry);
    memcpy(verifier->vault_id, vault.vault_id, sizeof verifier->vault_id);
    if (status == SEALRING_OK)
        status = head_check(registry, &verifier->setup, error);
    if (status == SEALRING_OK)
        status = report_join(verifier->setup.reports, vault.vault_id, &report, error);
    if (status == SEALRING_OK) {
        report_totals(report, verifier->verdicts_before, &verifier->cached_before);
        atomic_store(&verifier->report, report);
        status = hours_begin(registry, report, error);
        atomic_store(&verifier->first_hour, report_closed_hour(report) + 1);
    }
    connections_give(verifier->connections, registry);
    return status;
}

static void set_up(struct verifier *verifier, const struct verifier_setup *setup)
{
    verifier->setup = *setup;
    if (setup->cache_max == 0)
        verifier->setup.cache_max = VERIFIER_CACHE_MAX;
    if (setup->waiting_max == 0)
        verifier->setup.waiting_max = VERIFIER_WAITING_MAX;
    bell_open(&verifier->listening.bell, setup->bell, BELL_REST_MS);
    pthread_mutex_init(&verifier->known_keys.mutex, NULL);
    closed_chain_open(&verifier->closed);
    pthread_mutex_init(&verifier->looking, NULL);
    pthread_mutex_init(&verifier->inserting, NULL);
    pthread_mutex_init(&verifier->proving, NULL);
}

sealring_status verifier_join(const struct verifier_setup *setup, struct verifier **joined, sealring_error *error)
{
    *joined = NULL;
    struct verifier *verifier = calloc(1, sizeof *verifier);
    if (verifier == NULL)
        return error_no_memory(error);
    set_up(verifier, setup);
    protocol_join(&verifier->protocol, clock_boot_ms());
    sealring_status status = make_parts(verifier, error);
    if (status == SEALRING_OK)
        status = join_report(verifier, error);
    verifier->joined = true; /* the vault's ID is fixed: a registry with another ID belongs to another vault */
    fork_guard_enter();
    if (status == SEALRING_OK)
        status = token_open(&verifier->setup.token, &verifier->token, error);
    fork_guard_leave();
    if (status == SEALRING_OK)
        status = look_load(verifier, error);
    if (status == SEALRING_OK && verifier->closed.broken)
        status = error_set_registry(
            error, 0,
            "ALARM: the registry %s was altered: its facts are not those that were recorded; "
            "nothing is verified with it: see `sealring audit verify`, and restore the newest backup",
            verifier->setup.registry);
    /* A key that the token lacks or refuses affects only its version. A token that is not reachable keeps the verifier from joining. */
    bool more, away = false;
    sealring_status proved = status == SEALRING_OK ? verifier_prove(verifier, 0, &more, &away, error) : status;
    if (away)
        status = proved;
    if (status == SEALRING_OK)
        status = verifier_look(verifier, error); /* writes the report with what was proved, and takes the lease */
    if (status != SEALRING_OK) {
        verifier_leave(verifier);
        return status;
    }
    verifier->warming_wanted = setup->warming;
    *joined = verifier;
    return SEALRING_OK;
}

static void free_snapshots(struct verifier *verifier)
{
    while (verifier->snapshots != NULL) {
        struct held_snapshot *held = verifier->snapshots;
        verifier->snapshots = held->former;
        snapshot_free(held->snapshot);
        free(held);
    }
}

void verifier_leave(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    atomic_store(&verifier->serve_until, 0);
    report_leave(atomic_load(&verifier->report));
    fork_guard_enter();
    token_close(verifier->token);
    registry_close(verifier->looker);
    fork_guard_leave();
    closed_chain_forget(&verifier->closed);
    bell_close(&verifier->listening.bell);
    connections_close(verifier->connections);
    warm_end(verifier->warming);
    flights_free(verifier->flights);
    cache_free(verifier->cache);
    lanes_free(verifier->lanes);
    free_snapshots(verifier);
    key_filter_close(&verifier->known_keys.filter);
    pthread_mutex_destroy(&verifier->known_keys.mutex);
    messages_free(verifier->messages);
    pthread_mutex_destroy(&verifier->proving);
    pthread_mutex_destroy(&verifier->inserting);
    pthread_mutex_destroy(&verifier->looking);
    free(verifier);
}

void verifier_disinherit(struct verifier *verifier)
{
    report_abandon(atomic_load(&verifier->report));
    bell_abandon(&verifier->listening.bell);
}

/* ---- cache hits ---- */

static void make_bearer(const struct cache_entry *entry, struct bearer *bearer)
{
    judge_version(entry->version, bearer);
    bearer->key_id = entry->key_id;
    bearer->client = entry_client(entry);
    bearer->scopes = entry_left_scopes(entry);
    bearer->serial = entry->serial;
    bearer->not_before = entry->not_before;
    bearer->expires = entry->expires;
    bearer->revoked = false; /* a revoked key has no entry */
    bearer->suspended = entry->suspended;
    bearer->replaced = entry->replaced;
    bearer->retire_at = entry->retire_at;
    bearer->networks = entry_networks(entry);
    bearer->network_count = entry->network_count;
}

/* Stores the record of this hour in *record, NULL if there is none. It takes a lock at a credential's first use in an hour, and once a second
 * while there is no room for more records; returns false if it may not wait for that. */
static bool find_usage(struct verifier *verifier, struct cache_entry *entry, bool may_wait, int64_t wall_ms,
                       struct report_credential **record)
{
    uint32_t hour = verifier_hour(verifier, wall_ms);
    *record = atomic_load(&entry->usage); /* seq_cst: see reader_lanes.c */
    if (*record != NULL && (*record)->hour == hour)
        return true;
    *record = NULL;
    if (wall_ms < atomic_load_explicit(&verifier->no_detail_until, memory_order_relaxed))
        return true;
    if (!may_wait)
        return false;
    *record =
        report_credential(atomic_load(&verifier->report), entry->key, entry->serial, entry->version->number, hour);
    if (*record != NULL)
        atomic_store_explicit(&entry->usage, *record, memory_order_release);
    else
        atomic_store_explicit(&verifier->no_detail_until, wall_ms + NO_DETAIL_MS, memory_order_relaxed);
    return true;
}

/* False: it is not counted, because that may have to wait. */
static bool count_use(struct verifier *verifier, struct cache_entry *entry, bool may_wait, sealring_verdict verdict,
                      int64_t wall_ms)
{
    struct report_credential *record;
    if (!find_usage(verifier, entry, may_wait, wall_ms, &record))
        return false;
    struct report_version *version = atomic_load_explicit(&entry->version->usage, memory_order_acquire);
    if (record == NULL)
        report_count_without_detail(atomic_load(&verifier->report));
    report_count(record, version, verdict, wall_ms);
    if (!atomic_load_explicit(&entry->recent, memory_order_relaxed))
        atomic_store_explicit(&entry->recent, true, memory_order_relaxed);
    return true;
}

/* Only the lane's holder writes, so no atomic addition is needed. */
static void raise(_Atomic(uint64_t) *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

static void count_call(struct verifier *verifier, const struct lane *lane, sealring_verdict verdict, bool cached)
{
    struct report_lane *counters = report_lane(atomic_load(&verifier->report), lane->index);
    raise(&counters->verdicts[verdict]);
    if (cached)
        raise(&counters->cached);
}

static bool may_be_imported(const struct verifier *verifier, size_t length)
{
    return length >= IMPORTED_LENGTH_MIN && length <= IMPORTED_LENGTH_MAX &&
           atomic_load_explicit(&verifier->has_imports, memory_order_relaxed);
}

static bool digest_once(struct presented *presented)
{
    if (!presented->digested)
        presented->digested = text_digest(presented->text, presented->length, presented->digest);
    return presented->digested;
}

/* Inside a lane. The cost is mostly waiting for memory, so memory is prefetched while other work is done: clock, check digits, hashing.
 * Check digits and key ID come before the hash, so that a typo costs less than a valid credential, and an unknown key ID little more. An
 * equal digest proves that the text is, byte for byte, one that the token confirmed: its form need not be checked again. */
static struct cache_entry *recall(const struct verifier *verifier, struct presented *presented)
{
    struct cache_entry *entry = NULL;
    const char *key_id;
    uint32_t version;
    bool ours = text_locate(presented->text, presented->length, &key_id, &version);
    if (ours) {
        cache_fetch_bucket(verifier->cache, key_id);
        ours = text_check_matches(presented->text, presented->length);
    }
    bool imports = may_be_imported(verifier, presented->length);
    if (!ours && !imports)
        return NULL;
    if (ours)
        cache_fetch_entry(verifier->cache, key_id);
    presented->boot_ms = clock_boot_ms();
    if (ours)
        entry = cache_likely(verifier->cache, key_id, version);
    if (entry != NULL)
        __builtin_prefetch(atomic_load_explicit(&entry->usage, memory_order_relaxed), 1);
    if (entry == NULL && !imports) { /* a stranger's, most likely: hashed only if the registry has to be asked */
        key_filter_fetch(&verifier->known_keys.filter, key_id);
        return NULL;
    }
    if (!digest_once(presented))
        return NULL;
    if (entry != NULL && !entry_has_digest(entry, presented->digest)) /* another serial of the same key */
        entry = cache_find(verifier->cache, key_id, version, presented->digest);
    return entry == NULL && imports ? cache_find_imported(verifier->cache, presented->digest) : entry;
}

#define LEASE_HAS_EXPIRED "the lease has expired: the registry could not be read for too long"

static sealring_verdict judge_seen(struct verifier *verifier, struct cache_entry *entry,
                                   const struct presented *presented, sealring_grant *grant)
{
    if (!verifier_serves(verifier, presented->boot_ms))
        return judge_unavailable(grant, LEASE_HAS_EXPIRED);
    struct judge_time now = verifier_time(verifier, presented->boot_ms);
    struct bearer bearer;
    make_bearer(entry, &bearer);
    sealring_verdict verdict = judge_bearer(&bearer, &presented->demand, now, grant);
    if (verdict != SEALRING_UNAVAILABLE && !count_use(verifier, entry, presented->may_wait, verdict, now.wall_ms))
        return judge_would_block(grant);
    return verdict;
}

/* boot_ms was read in this call: a filter that may be out of date by now is not used (fresh/follow_keys.h). An imported key may have the form of a
 * credential of another vault, so the registry is asked as long as there may be one. */
static bool is_certainly_unknown(const struct verifier *verifier, const struct presented *presented, int64_t boot_ms)
{
    return filter_may_be_used(&verifier->known_keys.protocol, boot_ms) && presented->parts != NULL &&
           !atomic_load(&verifier->has_imports) &&
           !key_filter_may_have(&verifier->known_keys.filter, presented->parts->key_id);
}

/* *lane is left and entered again if the registry is asked, which may block. */
static sealring_verdict judge_unseen(struct verifier *verifier, struct presented *presented, struct lane **lane,
                                     sealring_grant *grant)
{
    struct text_parts parts;
    enum text_problem problem = text_parse(presented->text, presented->length, &parts, NULL);
    secret_wipe(parts.secret, sizeof parts.secret);
    presented->parts = problem == TEXT_GOOD ? &parts : NULL;
    presented->malformed = problem == TEXT_GOOD ? NULL : text_problem_words(problem);
    if (problem != TEXT_GOOD && !may_be_imported(verifier, presented->length))
        return judge_nothing(grant, SEALRING_REJECTED_MALFORMED, presented->malformed);
    int64_t boot_ms = clock_boot_ms();
    if (!verifier_serves(verifier, boot_ms))
        return judge_unavailable(grant, LEASE_HAS_EXPIRED);
    if (is_certainly_unknown(verifier, presented, boot_ms))
        return judge_nothing(grant, SEALRING_REJECTED_UNKNOWN, SIGHT_UNKNOWN);
    if (!digest_once(presented))
        return judge_unavailable(grant, "OpenSSL cannot compute SHA-256");
    if (!presented->may_wait)
        return judge_would_block(grant);
    lanes_leave(verifier->lanes, *lane);
    sealring_verdict verdict = sight_judge(verifier, presented, grant);
    *lane = lanes_enter(verifier->lanes);
    return verdict;
}

sealring_verdict verifier_verify(struct verifier *verifier, const sealring_request *request, sealring_grant *grant)
{
    struct presented presented;
    presented.text = request->credential;
    presented.length = request->length;
    presented.demand = (struct demand){request->scope, request->address, request->address_length};
    presented.may_wait = (request->flags & SEALRING_NONBLOCK) == 0;
    presented.digested = false;
    struct lane *lane = presented.may_wait ? lanes_enter(verifier->lanes) : lanes_try_enter(verifier->lanes);
    if (lane == NULL)
        return judge_would_block(grant);
    struct cache_entry *entry = recall(verifier, &presented);
    sealring_verdict verdict = entry != NULL ? judge_seen(verifier, entry, &presented, grant)
                                             : judge_unseen(verifier, &presented, &lane, grant);
    if (verdict != SEALRING_WOULD_BLOCK)
        count_call(verifier, lane, verdict, entry != NULL);
    lanes_leave(verifier->lanes, lane);
    return verdict;
}

/* ---- statistics ---- */

void verifier_statistics(struct verifier *verifier, sealring_statistics *statistics)
{
    pthread_mutex_lock(&verifier->inserting);
    struct lane *lane = lanes_enter(verifier->lanes);
    report_totals(atomic_load(&verifier->report), statistics->verdicts, &statistics->cached);
    lanes_leave(verifier->lanes, lane);
    for (size_t i = 0; i < SEALRING_VERDICTS; i++)
        statistics->verdicts[i] -= verifier->verdicts_before[i];
    statistics->cached -= verifier->cached_before;
    statistics->epoch = verifier->protocol.epoch;
    pthread_mutex_unlock(&verifier->inserting);
    statistics->registry_lookups = atomic_load(&verifier->registry_lookups);
    statistics->token_operations = atomic_load(&verifier->token_operations);
    statistics->warmed = atomic_load(&verifier->warmed);
    statistics->looks = atomic_load(&verifier->looks);
    statistics->fenced = atomic_load(&verifier->fenced);
    int64_t left = atomic_load(&verifier->serve_until) - clock_boot_ms();
    statistics->lease_left_ms = left > 0 ? left : 0;
    statistics->credentials = cache_count(verifier->cache);
    statistics->credential_bytes = cache_bytes(verifier->cache) + statistics->credentials * REPORT_CELL_SIZE;
    statistics->versions_unproved = atomic_load(&verifier->unproved);
}
