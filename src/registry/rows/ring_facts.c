/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about rings: prefix, policy, the hold of rotations and the last version, as acts read them. */
#include "registry/rows/ring_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "registry/rows/columns.h"

#define RING_NUMBERS 17

/* What is about the ring itself is about its version 0, which does not exist. */
static const struct db_query ring_fact_last = {"SELECT f.value FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = ?1"
                                               " AND f.version = 0 ORDER BY f.sequence DESC LIMIT 1",
                                               false};

/* The only text: the name, the prefix, then the numbers, on a line each. */
static void ring_fact_write(const struct registry_ring *ring, char value[REGISTRY_FACT_VALUE_SIZE])
{
    const sealring_policy *policy = &ring->policy;
    (void)snprintf(value, REGISTRY_FACT_VALUE_SIZE,
                   "%s\n%s\n%" PRId64 "\n%" PRId64 "\n%" PRIu32 "\n%" PRId64 "\n%" PRId64 "\n%d\n%d\n%" PRId64
                   "\n%" PRId64 "\n%" PRId64 "\n%d\n%" PRIu32 "\n%d\n%" PRId64 "\n%" PRId64 "\n%d\n%d",
                   ring->name, ring->prefix, policy->overlap, policy->purge_delay, policy->keep, policy->rotate_every,
                   policy->quiet_period, policy->standby, policy->idle_blocks, policy->usage_hourly,
                   policy->usage_daily, policy->succession, ring->rotation_held, ring->last_version, (int)policy->renew,
                   policy->renew_life, policy->renew_age, (int)policy->deliver, (int)policy->leaks);
}

static void set_numbers(const int64_t numbers[RING_NUMBERS], struct registry_ring *ring)
{
    ring->policy = (sealring_policy){
        .overlap = numbers[0],
        .purge_delay = numbers[1],
        .keep = (uint32_t)numbers[2],
        .rotate_every = numbers[3],
        .quiet_period = numbers[4],
        .standby = numbers[5] != 0,
        .idle_blocks = numbers[6] != 0,
        .usage_hourly = numbers[7],
        .usage_daily = numbers[8],
        .succession = numbers[9],
        .renew = (sealring_renew_mode)numbers[12],
        .renew_life = numbers[13],
        .renew_age = numbers[14],
        .deliver = (sealring_deliver_mode)numbers[15],
        .leaks = (sealring_leaks_mode)numbers[16],
    };
    ring->rotation_held = numbers[10] != 0;
    ring->last_version = (uint32_t)numbers[11];
}

uint64_t columns_read_fact(struct query *query, char *text, size_t size)
{
    query_text(query, text, size);
    if (!query_good(query) || text[0] == '\0' || strcmp(text, LACKING) == 0)
        return 0;
    char *end;
    uint64_t sequence = strtoull(text, &end, 10);
    query_demand(query, sequence > 0 && *end == '\n');
    memmove(text, *end == '\n' ? end + 1 : end, strlen(*end == '\n' ? end + 1 : end) + 1);
    return sequence;
}

bool ring_fact_apply(const char *value, struct registry_ring *ring)
{
    char before[REGISTRY_FACT_VALUE_SIZE], after[REGISTRY_FACT_VALUE_SIZE], problem[128];
    struct registry_ring followed = *ring;
    int64_t numbers[RING_NUMBERS];
    const size_t name = strlen(ring->name);
    ring->unfounded = strcmp(value, LACKING) == 0 || strncmp(value, ring->name, name) != 0 || value[name] != '\n';
    if (ring->unfounded)
        return true;
    value += name + 1;
    const char *end = strchr(value, '\n');
    if (end == NULL || (size_t)(end - value) >= sizeof followed.prefix ||
        !closed_read_numbers(end + 1, numbers, RING_NUMBERS))
        return false;
    memcpy(followed.prefix, value, (size_t)(end - value));
    followed.prefix[end - value] = '\0';
    set_numbers(numbers, &followed);
    ring_fact_write(&followed, after);
    if (name_prefix_problem(followed.prefix, problem) != NULL || strcmp(after + name + 1, value) != 0)
        return false;
    ring_fact_write(ring, before);
    followed.edited = strcmp(before, after) != 0;
    *ring = followed;
    return true;
}

/* value: as NO_FACT if there is no fact. */
static sealring_status ring_fact_read(struct registry *registry, const struct registry_ring *ring,
                                      char value[REGISTRY_FACT_VALUE_SIZE], sealring_error *error)
{
    struct query query;
    struct registry_vault vault;
    query_start(&query, registry, &ring_fact_last, error);
    query_bind_bytes(&query, 1, ring->ring_id, sizeof ring->ring_id);
    bool found = query_row(&query);
    if (found)
        query_text(&query, value, REGISTRY_FACT_VALUE_SIZE);
    sealring_status status = query_end(&query, error);
    if (status != SEALRING_OK || found)
        return status;
    status = registry_facts_begun(registry, &vault, error);
    (void)snprintf(value, REGISTRY_FACT_VALUE_SIZE, "%s", vault.facts_begun ? LACKING : "");
    return status;
}

sealring_status registry_ring_follow(struct registry *registry, struct registry_ring *ring, bool *differs,
                                     sealring_error *error)
{
    char value[REGISTRY_FACT_VALUE_SIZE];
    *differs = false;
    sealring_status status = ring_fact_read(registry, ring, value, error);
    if (status != SEALRING_OK || value[0] == '\0')
        return status;
    if (!ring_fact_apply(value, ring))
        return handle_problem(registry, DB_CORRUPT, error);
    *differs = ring->edited;
    return SEALRING_OK;
}

sealring_status ring_fact_note(struct registry *registry, const struct registry_ring *ring, sealring_error *error)
{
    struct registry_closed fact = {.is_version = true, .state = SEALRING_VERSION_PENDING};
    char last[REGISTRY_FACT_VALUE_SIZE];
    struct registry_vault vault;
    sealring_status status = registry_facts_begun(registry, &vault, error);
    if (status == SEALRING_OK)
        status = ring_fact_read(registry, ring, last, error);
    if (status != SEALRING_OK || !vault.facts_begun)
        return status;
    memcpy(fact.ring_id, ring->ring_id, sizeof fact.ring_id);
    ring_fact_write(ring, fact.value);
    return strcmp(fact.value, last) == 0 ? SEALRING_OK : closed_add(registry, &fact, error);
}
