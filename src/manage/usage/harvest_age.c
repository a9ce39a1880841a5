/* SPDX-License-Identifier: Apache-2.0 */
/* Ages usage by the rings' policies: hours become days, days are deleted. */
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "manage/usage/harvest.h"

/* One version, and the periods before which its rows are too old. Whole days are rolled up, so that a day that has ended is listed in one way only. */
struct age {
    int64_t ring;
    uint32_t version;
    uint32_t before[USAGE_AGEINGS];
};

struct ages {
    int64_t now;
    struct age *rows;
    size_t count;
};

static uint32_t day_before(int64_t now, int64_t kept)
{
    return now <= kept ? 0 : (uint32_t)((now - kept) / USAGE_DAY_MS);
}

static sealring_status take_version(struct registry *registry, struct ages *ages, const struct registry_ring *ring,
                                    uint32_t version, sealring_error *error)
{
    const uint32_t hour = 24 * day_before(ages->now, ring->policy.usage_hourly);
    const struct age age = {
        .ring = ring->id,
        .version = version,
        .before = {[USAGE_ROLL] = hour,
                   [USAGE_PRUNE] = day_before(ages->now, ring->policy.usage_daily),
                   [USAGE_PRUNE_TRAFFIC] = hour},
    };
    sealring_status status = SEALRING_OK;
    bool old = false;
    for (unsigned step = 0; step < USAGE_AGEINGS && status == SEALRING_OK && !old; step++)
        status = registry_usage_aged(registry, step, age.ring, age.version, age.before[step], &old, error);
    if (status != SEALRING_OK || !old)
        return status;
    if (!array_grow(&ages->rows, ages->count))
        return error_no_memory(error);
    ages->rows[ages->count++] = age;
    return SEALRING_OK;
}

static sealring_status take_ring(struct registry *registry, struct ages *ages, const struct registry_ring *ring,
                                 sealring_error *error)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    struct registry_cursor versions = registry_versions(registry, ring->id, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version))
        status = take_version(registry, ages, ring, version.number, error);
    return registry_close_cursor(&versions, status);
}

static sealring_status find_old(struct registry *registry, struct ages *ages, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        ages->count = 0;
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor rings = registry_rings(registry, error);
        while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
            status = take_ring(registry, ages, &ring, error);
        status = registry_close_cursor(&rings, status);
    } while (registry_again(&reading, &status));
    return status;
}

/* Each commit takes the rows that are the oldest by then; after each one, restrictions go first. *yielded: others may have changed policies
 * meanwhile. */
static sealring_status grow_old(sealring_manager *manager, const struct age *age, bool *yielded,
                                sealring_harvest_result *result, sealring_error *error)
{
    uint64_t sums[USAGE_AGEINGS] = {0};
    unsigned taken = 0;
    sealring_status status = SEALRING_OK;
    for (unsigned step = 0; step < USAGE_AGEINGS && status == SEALRING_OK && !*yielded;
         step += taken < USAGE_ROLL_MOST) {
        struct commit commit = manager_commit(manager, false, NULL, error);
        do {
            if (commit_begin(&commit, &status))
                status = registry_usage_age(manager->registry, step, age->ring, age->version, age->before[step], &taken,
                                            error);
        } while (commit_again(&commit, &status));
        if (status != SEALRING_OK)
            break;
        sums[step] += taken;
        status = manager_yield(manager, yielded, error);
    }
    result->rolled += sums[USAGE_ROLL];
    result->pruned += sums[USAGE_PRUNE];
    return status;
}

/* A crash between two commits leaves rows of both kinds, which every reader adds up. */
static sealring_status fold(sealring_manager *manager, sealring_error *error)
{
    unsigned taken = 0;
    bool unfolded = false, yielded;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_usage_unfolded(manager->registry, &unfolded, error);
    } while (registry_again(&reading, &status));
    while (status == SEALRING_OK && unfolded) {
        struct commit commit = manager_commit(manager, false, NULL, error);
        do {
            if (commit_begin(&commit, &status))
                status = registry_usage_fold(manager->registry, USAGE_ROLL_MOST, &taken, error);
        } while (commit_again(&commit, &status));
        unfolded = taken == USAGE_ROLL_MOST;
        if (status == SEALRING_OK)
            status = manager_yield(manager, &yielded, error);
    }
    return status;
}

sealring_status harvest_age(sealring_manager *manager, int64_t now, sealring_harvest_result *result,
                            sealring_error *error)
{
    struct ages ages = {.now = now};
    bool yielded;
    sealring_status status;
    if (manager->dry_run) /* a dry run is rolled back: the same rows would be found again and again */
        return SEALRING_OK;
    status = fold(manager, error);
    if (status != SEALRING_OK)
        return status;
    do {
        yielded = false;
        status = find_old(manager->registry, &ages, error);
        for (size_t i = 0; i < ages.count && status == SEALRING_OK && !yielded; i++)
            status = grow_old(manager, &ages.rows[i], &yielded, result, error);
    } while (status == SEALRING_OK && yielded);
    free(ages.rows);
    return status;
}
