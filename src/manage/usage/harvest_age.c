/* SPDX-License-Identifier: Apache-2.0 */
/* Ages usage by the rings' policies: hours become days, days are deleted. */
#include <stdlib.h>

#include "base/error.h"
#include "manage/act/act.h"
#include "manage/usage/harvest.h"

/* One version, and the days before which its rows are too old. Whole days are rolled up, so that a day that has ended is listed in one way only. */
struct age {
    int64_t ring;
    uint32_t version;
    uint32_t roll_before;
    uint32_t prune_before;
    bool old; /* there is something to do */
};

struct ages {
    int64_t now;
    struct age *rows;
    size_t count;
    const sealring_policy *policy; /* of the ring that is being examined */
    struct registry *registry;
};

static uint32_t day_before(int64_t now, int64_t kept)
{
    return now <= kept ? 0 : (uint32_t)((now - kept) / USAGE_DAY_MS);
}

static sealring_status take_version(const struct registry_version *version, void *context, sealring_error *error)
{
    struct ages *ages = context;
    struct age age = {
        .ring = version->ring,
        .version = version->number,
        .roll_before = day_before(ages->now, ages->policy->usage_hourly),
        .prune_before = day_before(ages->now, ages->policy->usage_daily),
    };
    sealring_status status =
        registry_usage_aged(ages->registry, age.ring, age.version, age.roll_before, age.prune_before, &age.old, error);
    if (status != SEALRING_OK || !age.old)
        return status;
    struct age *more = realloc(ages->rows, (ages->count + 1) * sizeof *more);
    if (more == NULL)
        return error_no_memory(error);
    ages->rows = more;
    ages->rows[ages->count++] = age;
    return SEALRING_OK;
}

static sealring_status take_ring(const struct registry_ring *ring, void *context, sealring_error *error)
{
    struct ages *ages = context;
    ages->policy = &ring->policy;
    return registry_version_each(ages->registry, ring->id, take_version, ages, error);
}

static sealring_status find_old(struct registry *registry, void *context, sealring_error *error)
{
    struct ages *ages = context;
    ages->count = 0;
    ages->registry = registry;
    return registry_ring_each(registry, take_ring, ages, error);
}

struct step {
    const struct age *age;
    unsigned taken;
    bool yielded; /* others may have changed policies meanwhile */
};

static sealring_status roll(struct registry *registry, void *context, sealring_error *error)
{
    struct step *step = context;
    return registry_usage_roll(registry, step->age->ring, step->age->version, step->age->roll_before, &step->taken,
                               error);
}

static sealring_status prune(struct registry *registry, void *context, sealring_error *error)
{
    struct step *step = context;
    return registry_usage_prune(registry, step->age->ring, step->age->version, step->age->prune_before, &step->taken,
                                error);
}

static sealring_status prune_traffic(struct registry *registry, void *context, sealring_error *error)
{
    struct step *step = context;
    return registry_traffic_prune(registry, step->age->ring, step->age->version, step->age->roll_before * 24,
                                  &step->taken, error);
}

/* Each commit takes the rows that are the oldest by then; after each one, restrictions go first. */
static sealring_status repeat(sealring_manager *manager, registry_body body, struct step *step, uint64_t *sum,
                              sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    step->taken = USAGE_ROLL_MOST;
    while (status == SEALRING_OK && step->taken == USAGE_ROLL_MOST && !step->yielded) {
        status = manager_write(manager, false, NULL, body, step, error);
        *sum += status == SEALRING_OK ? step->taken : 0;
        if (status == SEALRING_OK)
            status = manager_yield(manager, &step->yielded, error);
    }
    return status;
}

static sealring_status grow_old(sealring_manager *manager, const struct age *age, bool *yielded,
                                sealring_harvest_result *result, sealring_error *error)
{
    struct step step = {.age = age};
    uint64_t traffic = 0;
    sealring_status status = repeat(manager, roll, &step, &result->rolled, error);
    if (status == SEALRING_OK)
        status = repeat(manager, prune, &step, &result->pruned, error);
    if (status == SEALRING_OK)
        status = repeat(manager, prune_traffic, &step, &traffic, error);
    *yielded = step.yielded;
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
    do {
        yielded = false;
        status = manager_read(manager, find_old, &ages, error);
        for (size_t i = 0; i < ages.count && status == SEALRING_OK && !yielded; i++)
            status = grow_old(manager, &ages.rows[i], &yielded, result, error);
    } while (status == SEALRING_OK && yielded);
    free(ages.rows);
    return status;
}
