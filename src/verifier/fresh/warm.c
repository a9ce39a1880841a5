/* SPDX-License-Identifier: Apache-2.0 */
/* Cache warming: after a start, derives the credentials that were used lately ahead of requests. */
#include "verifier/fresh/warm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/fork.h"
#include "lifecycle/transition_table.h"
#include "verifier/request/first_sight.h"

#define COLLECTED_MOST  (8 * WARM_MOST) /* from this number on, the oldest are dropped */
#define WARM_PAUSE_NSEC 2000000L        /* between two checks of the token while requests use it */

struct used {
    int64_t key;
    uint32_t serial;
    int64_t last_use_ms;
};

struct warming {
    struct used *used;
    size_t count;
    size_t next;
};

/* ---- what was in use */

static int by_credential(const void *a, const void *b)
{
    const struct used *one = a;
    const struct used *other = b;
    if (one->key != other->key)
        return one->key < other->key ? -1 : 1;
    if (one->serial != other->serial)
        return one->serial < other->serial ? -1 : 1;
    return one->last_use_ms > other->last_use_ms ? -1 : one->last_use_ms < other->last_use_ms;
}

static int by_last_use(const void *a, const void *b)
{
    const struct used *one = a;
    const struct used *other = b;
    return one->last_use_ms > other->last_use_ms ? -1 : one->last_use_ms < other->last_use_ms;
}

/* Keeps the latest use of each credential, from several hours and several verifiers. */
static void keep_latest(struct warming *warming)
{
    size_t kept = 0;
    qsort(warming->used, warming->count, sizeof *warming->used, by_credential);
    for (size_t i = 0; i < warming->count; i++)
        if (kept == 0 || warming->used[kept - 1].key != warming->used[i].key ||
            warming->used[kept - 1].serial != warming->used[i].serial)
            warming->used[kept++] = warming->used[i];
    warming->count = kept;
}

static void keep_newest(struct warming *warming, size_t most)
{
    keep_latest(warming);
    qsort(warming->used, warming->count, sizeof *warming->used, by_last_use);
    if (warming->count > most)
        warming->count = most;
}

static sealring_status collect(const struct report_credential *record, void *context)
{
    struct warming *warming = context;
    if (warming->count == COLLECTED_MOST)
        keep_newest(warming, WARM_MOST);
    if (!array_grow(&warming->used, warming->count))
        return SEALRING_SYSTEM;
    warming->used[warming->count++] =
        (struct used){record->key, record->serial, atomic_load_explicit(&record->last_use_ms, memory_order_relaxed)};
    return SEALRING_OK;
}

struct warm_collection {
    struct warming *warming;
    const uint8_t *vault_id;
};

static sealring_status collect_file(const char *path, void *context)
{
    const struct warm_collection *collection = context;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    uint64_t damaged;
    if (report_read_open(path, &reader, NULL) != SEALRING_OK)
        return SEALRING_OK;
    if (report_read_summary(reader, &summary, NULL) == SEALRING_OK &&
        memcmp(summary.vault_id, collection->vault_id, REGISTRY_ID_SIZE) == 0)
        report_read_each(reader, NULL, collect, collection->warming, &damaged);
    report_read_close(reader);
    return SEALRING_OK;
}

struct warming *warm_begin(const char *reports, const uint8_t vault_id[REGISTRY_ID_SIZE], uint32_t most)
{
    struct warming *warming = calloc(1, sizeof *warming);
    if (warming == NULL)
        return NULL;
    struct warm_collection collection = {warming, vault_id};
    report_each_path(reports, collect_file, &collection, NULL);
    if (warming->count == 0) {
        warm_end(warming);
        return NULL;
    }
    keep_newest(warming, most < WARM_MOST ? most : WARM_MOST);
    return warming;
}

void warm_end(struct warming *warming)
{
    if (warming == NULL)
        return;
    free(warming->used);
    free(warming);
}

/* ---- deriving */

static sealring_status read_row(struct registry *registry, const struct used *used,
                                struct registry_presented *presented)
{
    const struct registry_vault *vault = registry_vault_row(registry);
    memcpy(presented->era, vault->era, sizeof vault->era);
    presented->found = false;
    struct registry_cursor credentials = registry_presented_of_key(registry, used->key, NULL);
    while (!presented->found && registry_presented_next(&credentials, &presented->holder))
        presented->found = presented->holder.credential.serial == used->serial;
    return registry_close_cursor(&credentials, SEALRING_OK);
}

static bool look_up(struct verifier *verifier, const struct used *used, struct registry_presented *presented)
{
    struct registry *registry;
    sealring_status status;
    if (connections_take(verifier->connections, &registry, NULL) != SEALRING_OK)
        return false;
    struct registry_transaction reading = registry_reading(registry, NULL);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = read_row(registry, used, presented);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    connections_give(verifier->connections, registry);
    return status == SEALRING_OK && presented->found;
}

/* Returns false if the token is not reachable. */
static bool warm_one(struct verifier *verifier, const struct used *used)
{
    struct registry_presented presented;
    struct sight_row row = {.presented = &presented, .fences = atomic_load(&verifier->fences)};
    if (!look_up(verifier, used, &presented))
        return true;
    const struct registry_holder *holder = &presented.holder;
    row.digest = holder->credential.digest;
    row.version = snapshot_find(atomic_load(&verifier->snapshot), holder->ring.id, holder->credential.version);
    if (row.version == NULL || !lifecycle_accepts((sealring_version_state)atomic_load(&row.version->state)) ||
        holder->key.state != SEALRING_KEY_ACTIVE)
        return true;
    enum sight_answer answer = sight_confirm(verifier, &row, NULL);
    if (answer == SIGHT_CONFIRMED)
        atomic_fetch_add(&verifier->warmed, 1);
    return answer != SIGHT_AWAY;
}

enum warm_state warm_some(struct verifier *verifier, struct warming *warming, unsigned most)
{
    for (unsigned i = 0; i < most && warming->next < warming->count; i++) {
        if (flights_under_way(verifier->flights) > 0) {
            struct timespec pause = {.tv_nsec = WARM_PAUSE_NSEC};
            nanosleep(&pause, NULL);
            continue;
        }
        if (!warm_one(verifier, &warming->used[warming->next]))
            return WARM_AWAY;
        warming->next++;
    }
    return warming->next < warming->count ? WARM_MORE : WARM_DONE;
}
