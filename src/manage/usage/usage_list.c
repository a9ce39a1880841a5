/* SPDX-License-Identifier: Apache-2.0 */
/* Lists usage by credential: the registry's rows, and what is in the verifiers' files but not harvested yet. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "manage/fleet/usage_files.h"
#include "manage/keys/keys.h"
#include "verifier/report/report_check.h"

struct figure {
    struct registry_usage use;
    int64_t from;
    int64_t end; /* 0: no time is known */
};

struct usage_listing {
    sealring_usage_by by;
    int64_t since;
    int64_t until;
    sealring_usage_callback each;
    void *context;
    int64_t now;
    struct usage_pending pending;
    struct registry *registry;
    int64_t checked_ring; /* the ring of the version that was found to exist last */
    uint32_t checked_version;
    struct registry_holder
        last; /* whose figures were passed last, all zero for none: after a conflict the list goes on behind it */
    struct figure *figures; /* of the present key */
    size_t count;
};

/* ---- The figures of one key ----------------------------------------------------------------------------------------- */

/* In a list by day, an hour is part of its day; in a list by hour, a day stays a day. */
static sealring_status add_figure(struct usage_listing *listing, const struct registry_usage *use,
                                  sealring_error *error)
{
    int64_t length = use->daily ? USAGE_DAY_MS : USAGE_HOUR_MS;
    struct figure figure = {.use = *use, .from = use->period * length, .end = (use->period + INT64_C(1)) * length};
    if (listing->by == SEALRING_USAGE_DAY && !use->daily) {
        figure.from = use->period / 24 * USAGE_DAY_MS;
        figure.end = figure.from + USAGE_DAY_MS;
    }
    if (!array_grow(&listing->figures, listing->count))
        return error_no_memory(error);
    listing->figures[listing->count++] = figure;
    return SEALRING_OK;
}

static sealring_status check_version(struct usage_listing *listing, int64_t ring, uint32_t version, bool *exists,
                                     sealring_error *error)
{
    *exists = listing->checked_ring == ring && listing->checked_version == version;
    if (*exists)
        return SEALRING_OK;
    sealring_status status = usage_version_exists(listing->registry, ring, version, exists, error);
    if (*exists) {
        listing->checked_ring = ring;
        listing->checked_version = version;
    }
    return status;
}

static sealring_status take_pending(struct usage_listing *listing, const struct registry_key *key,
                                    sealring_error *error)
{
    size_t count;
    const struct usage_record *record = usage_pending_of_key(&listing->pending, key->id, &count);
    sealring_status status = SEALRING_OK;
    for (; status == SEALRING_OK && count > 0; record++, count--) {
        bool exists = false;
        int64_t from = record->use.period * USAGE_HOUR_MS;
        if (from + USAGE_HOUR_MS <= listing->since || from >= listing->until ||
            !usage_pending_counts(&listing->pending, record))
            continue;
        status = check_version(listing, key->ring, record->use.version, &exists, error);
        if (exists)
            status = add_figure(listing, &record->use, error);
    }
    return status;
}

static int order(int64_t one, int64_t other)
{
    return (one > other) - (one < other);
}

static int by_time(const void *a, const void *b)
{
    const struct figure *one = a;
    const struct figure *other = b;
    int result = order(one->from, other->from);
    if (result == 0)
        result = order(one->end, other->end);
    return result != 0 ? result : order(one->use.serial, other->use.serial);
}

static int by_serial(const void *a, const void *b)
{
    const struct figure *one = a;
    const struct figure *other = b;
    return order(one->use.serial, other->use.serial);
}

static void add_up(struct figure *sum, const struct figure *more)
{
    if (more->end != 0 && (sum->end == 0 || sum->from > more->from))
        sum->from = more->from;
    if (sum->end < more->end)
        sum->end = more->end;
    usage_add(&sum->use, &more->use);
}

static void merge(struct usage_listing *listing)
{
    int (*compare)(const void *, const void *) = listing->by == SEALRING_USAGE_TOTAL ? by_serial : by_time;
    size_t kept = 0;
    if (listing->count == 0)
        return;
    qsort(listing->figures, listing->count, sizeof *listing->figures, compare);
    for (size_t i = 1; i < listing->count; i++)
        if (compare(&listing->figures[kept], &listing->figures[i]) == 0)
            add_up(&listing->figures[kept], &listing->figures[i]);
        else
            listing->figures[++kept] = listing->figures[i];
    listing->count = kept + 1;
}

/* ---- Reporting ------------------------------------------------------------------------------------------------------ */

static sealring_status tell(const struct usage_listing *listing, const struct registry_holder *holder, int64_t used,
                            const struct figure *figure, sealring_error *error)
{
    sealring_usage_info info = {
        .key_id = holder->key.key_id,
        .ring = holder->ring.name,
        .client = holder->client.name,
        .label = holder->key.label,
        .state = holder->key.state,
        .newest = figure->use.serial == holder->credential.serial,
        .serial = figure->use.serial,
        .version = figure->use.version,
        .from = figure->from,
        .span = figure->end - figure->from,
        .accepted = figure->use.accepted,
        .not_yet_valid = figure->use.rejected[USAGE_NOT_YET_VALID],
        .expired = figure->use.rejected[USAGE_EXPIRED],
        .suspended = figure->use.rejected[USAGE_SUSPENDED],
        .scope = figure->use.rejected[USAGE_SCOPE],
        .closed = figure->use.rejected[USAGE_CLOSED],
        .last_use = figure->use.last_use < listing->now ? figure->use.last_use : listing->now,
        .key_used = used,
    };
    return listing->each(&info, listing->context) == 0 ? SEALRING_OK
                                                       : error_set(error, SEALRING_REFUSED, "the listing was stopped");
}

/* The latest use of the key in the registry and in the files. */
static int64_t last_known(const struct usage_listing *listing, int64_t key, int64_t used)
{
    int64_t pending = usage_pending_last_use(&listing->pending, key);
    if (pending > used)
        used = pending;
    for (size_t i = 0; i < listing->count; i++)
        if (listing->figures[i].use.last_use > used)
            used = listing->figures[i].use.last_use;
    return used;
}

static sealring_status take_periods(struct usage_listing *listing, int64_t key, bool daily, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    struct registry_usage usage;
    struct registry_cursor periods =
        registry_usage_of_key(listing->registry, key, daily, listing->since, listing->until, error);
    while (status == SEALRING_OK && registry_usage_next(&periods, &usage))
        if (usage.daily || !usage_pending_covers(&listing->pending, usage.seat, usage.period))
            status = add_figure(listing, &usage, error);
    return registry_close_cursor(&periods, status);
}

static sealring_status tell_holder(struct usage_listing *listing, const struct registry_holder *holder,
                                   sealring_error *error)
{
    const struct registry_usage newest = {.serial = holder->credential.serial, .version = holder->credential.version};
    struct registry_usage_owner owner = {.used = 0};
    bool found = false;
    listing->count = 0;
    sealring_status status = registry_usage_find_owner(listing->registry, holder->key.id, &owner, &found, error);
    if (status == SEALRING_OK)
        status = take_periods(listing, holder->key.id, true, error);
    if (status == SEALRING_OK)
        status = take_periods(listing, holder->key.id, false, error);
    if (status == SEALRING_OK)
        status = take_pending(listing, &holder->key, error);
    if (status == SEALRING_OK && listing->by == SEALRING_USAGE_TOTAL) {
        status = add_figure(listing, &newest, error);
        if (status == SEALRING_OK)
            listing->figures[listing->count - 1].end = 0;
    }
    merge(listing);
    int64_t used = last_known(listing, holder->key.id, owner.used);
    if (used > listing->now) /* from a clock that was ahead */
        used = listing->now;
    if (status == SEALRING_OK)
        listing->last = *holder;
    for (size_t i = 0; i < listing->count && status == SEALRING_OK; i++)
        status = tell(listing, holder, used, &listing->figures[i], error);
    return status;
}

static sealring_status read_usage(struct usage_listing *listing, const struct registry_holder_filter *filter,
                                  sealring_error *error)
{
    struct registry_holder holder;
    sealring_status status = key_check_filter(listing->registry, filter, error);
    if (status == SEALRING_OK)
        status = usage_pending_settle(listing->registry, &listing->pending, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor holders = registry_holders(listing->registry, filter, error);
    while (status == SEALRING_OK && registry_holder_next(&holders, &holder))
        if (registry_holder_follows(&holder, &listing->last))
            status = tell_holder(listing, &holder, error);
    return registry_close_cursor(&holders, status);
}

sealring_status sealring_usage_list(sealring_manager *manager, const sealring_usage_filter *filter,
                                    sealring_usage_callback each, void *context, sealring_error *error)
{
    static const sealring_usage_filter everything;
    int64_t now = clock_wall_ms();
    if (filter == NULL)
        filter = &everything;
    const struct registry_holder_filter holders = {
        .key_id = filter->key_id, .ring = filter->ring, .client = filter->client};
    struct usage_listing listing = {
        .registry = manager->registry,
        .by = filter->by,
        .since = filter->since,
        .until = filter->until != 0 ? filter->until : INT64_MAX,
        .each = each,
        .context = context,
        .now = now,
    };
    if (filter->by < SEALRING_USAGE_TOTAL || filter->by > SEALRING_USAGE_DAY || filter->since < 0 || filter->until < 0)
        return error_set(error, SEALRING_INVALID, "usage is listed in total, by hour or by day, from 1970 on");
    sealring_status status = usage_pending_read(manager, now, &listing.pending, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_usage(&listing, &holders, error);
    } while (registry_again(&reading, &status));
    usage_pending_free(&listing.pending);
    free(listing.figures);
    return status;
}
