/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the API keys that lag behind the active version, the most urgent first. */
#include <sealring/lagging.h>

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "manage/fleet/usage_files.h"
#include "manage/keys/keys.h"
#include "registry/usage/renewal_errors.h"
#include "verifier/report/report_check.h"

/* What the order depends on; the rest is read again when the key is passed on. */
struct rank {
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    int64_t ends;
    uint64_t calls;
    uint64_t behind;
};

struct lagging_list {
    struct registry *registry;
    int64_t since;
    int64_t now;
    struct usage_pending pending;
    int64_t ring; /* whose versions are in `versions` */
    struct registry_version *versions;
    size_t version_count;
    sealring_version_share *shares; /* of the present key */
    size_t share_count;
    sealring_renewal_error errors[SEALRING_RENEWAL_LIMITED + 1]; /* likewise */
    struct rank *ranks;
    size_t rank_count;
};

/* ---- Versions ------------------------------------------------------------------------------------------------------- */

static sealring_status read_versions(struct lagging_list *list, int64_t ring, sealring_error *error)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    if (list->ring == ring)
        return SEALRING_OK;
    list->ring = 0;
    list->version_count = 0;
    struct registry_cursor versions = registry_versions(list->registry, ring, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version))
        if (array_grow(&list->versions, list->version_count))
            list->versions[list->version_count++] = version;
        else
            status = error_no_memory(error);
    status = registry_close_cursor(&versions, status);
    if (status == SEALRING_OK)
        list->ring = ring;
    return status;
}

static const struct registry_version *find_version(const struct lagging_list *list, uint32_t number)
{
    for (size_t i = 0; i < list->version_count; i++)
        if (list->versions[i].number == number)
            return &list->versions[i];
    return NULL;
}

static int64_t end_of(const struct registry_version *version)
{
    return version->closed != 0 ? version->closed : version->retire_at;
}

/* ---- The calls of one key ------------------------------------------------------------------------------------------- */

static sealring_status add_calls(struct lagging_list *list, const struct registry_version *version, uint64_t calls,
                                 sealring_error *error)
{
    for (size_t i = 0; i < list->share_count; i++)
        if (list->shares[i].version == version->number) {
            list->shares[i].calls = report_sum(list->shares[i].calls, calls);
            return SEALRING_OK;
        }
    if (!array_grow(&list->shares, list->share_count))
        return error_no_memory(error);
    list->shares[list->share_count++] =
        (sealring_version_share){version->number, version->state, end_of(version), calls};
    return SEALRING_OK;
}

/* A version that does not exist: the row or the record is damaged. */
static sealring_status take(struct lagging_list *list, const struct registry_usage *use, sealring_lagging_info *info,
                            sealring_error *error)
{
    const struct registry_version *version = find_version(list, use->version);
    const int64_t length = use->daily ? USAGE_DAY_MS : USAGE_HOUR_MS;
    uint64_t calls = use->accepted;
    for (unsigned i = 0; i < USAGE_VERDICTS; i++)
        calls = report_sum(calls, use->rejected[i]);
    if (version == NULL || calls == 0)
        return SEALRING_OK;
    info->newest_used = info->newest_used || use->serial == info->serial;
    if (use->last_use > info->last_use) {
        info->last_use = use->last_use;
        info->last_version = use->version;
    }
    if ((use->period + INT64_C(1)) * length <= list->since)
        return SEALRING_OK;
    info->calls = report_sum(info->calls, calls);
    return add_calls(list, version, calls, error);
}

static sealring_status take_rows(struct lagging_list *list, int64_t key, bool daily, sealring_lagging_info *info,
                                 sealring_error *error)
{
    struct registry_usage use;
    sealring_status status = SEALRING_OK;
    struct registry_cursor periods = registry_usage_of_key(list->registry, key, daily, 0, INT64_MAX, error);
    while (status == SEALRING_OK && registry_usage_next(&periods, &use))
        if (use.daily || !usage_pending_covers(&list->pending, use.seat, use.period))
            status = take(list, &use, info, error);
    return registry_close_cursor(&periods, status);
}

static sealring_status take_pending(struct lagging_list *list, int64_t key, sealring_lagging_info *info,
                                    sealring_error *error)
{
    size_t count;
    const struct usage_record *record = usage_pending_of_key(&list->pending, key, &count);
    sealring_status status = SEALRING_OK;
    for (; status == SEALRING_OK && count > 0; record++, count--)
        if (usage_pending_counts(&list->pending, record))
            status = take(list, &record->use, info, error);
    return status;
}

static void end_at(sealring_lagging_info *info, int64_t ends)
{
    if (ends != 0 && (info->ends == 0 || ends < info->ends))
        info->ends = ends;
}

/* *held: the version of the credential that the client has: of the newest one if it was used, otherwise of the one before it, if there is one. */
static sealring_status find_held(const struct lagging_list *list, int64_t key, const sealring_lagging_info *info,
                                 const struct registry_version **held, sealring_error *error)
{
    struct registry_credential credential;
    uint32_t before = 0, version = info->version;
    if (info->newest_used || info->serial == 1) {
        *held = find_version(list, version);
        return SEALRING_OK;
    }
    struct registry_cursor credentials = registry_credentials(list->registry, key, error);
    while (registry_credential_next(&credentials, &credential))
        if (credential.serial < info->serial && credential.serial > before) {
            before = credential.serial;
            version = credential.version;
        }
    *held = find_version(list, version);
    return registry_close_cursor(&credentials, SEALRING_OK);
}

/* *lags: as the header defines it. */
static void judge(const struct lagging_list *list, const struct registry_version *held, sealring_lagging_info *info,
                  bool *lags)
{
    const struct registry_version *newest = find_version(list, info->version);
    const bool holds_active = newest != NULL && newest->state == SEALRING_VERSION_ACTIVE;
    for (size_t i = 0; i < list->share_count; i++) {
        if (list->shares[i].state == SEALRING_VERSION_ACTIVE)
            continue;
        info->behind = report_sum(info->behind, list->shares[i].calls);
        end_at(info, list->shares[i].ends);
    }
    if (held != NULL && held->state != SEALRING_VERSION_ACTIVE)
        end_at(info, end_of(held));
    *lags = info->state != SEALRING_KEY_REVOKED &&
            (info->behind > 0 || !holds_active || (!info->newest_used && info->serial > 1));
}

static int by_version(const void *a, const void *b)
{
    const sealring_version_share *one = a, *other = b;
    return (one->version > other->version) - (one->version < other->version);
}

/* The texts are the holder's. */
static sealring_status examine(struct lagging_list *list, const struct registry_holder *holder,
                               sealring_lagging_info *info, bool *lags, sealring_error *error)
{
    struct registry_usage_owner owner = {.used = 0};
    const struct registry_version *held = NULL;
    bool found = false;
    *info = (sealring_lagging_info){.key_id = holder->key.key_id,
                                    .ring = holder->ring.name,
                                    .client = holder->client.name,
                                    .label = holder->key.label,
                                    .state = holder->key.state,
                                    .serial = holder->credential.serial,
                                    .version = holder->credential.version,
                                    .renewed = holder->credential.predecessor != 0 ? holder->credential.issued : 0};
    list->share_count = 0;
    sealring_status status = read_versions(list, holder->ring.id, error);
    if (status == SEALRING_OK)
        status = registry_usage_find_owner(list->registry, holder->key.id, &owner, &found, error);
    for (int daily = 1; status == SEALRING_OK && daily >= 0; daily--)
        status = take_rows(list, holder->key.id, daily != 0, info, error);
    if (status == SEALRING_OK)
        status = take_pending(list, holder->key.id, info, error);
    if (owner.used > info->last_use) { /* its statistics are deleted */
        info->last_use = owner.used;
        info->last_version = 0;
    }
    info->last_use = info->last_use < list->now ? info->last_use : list->now; /* from a clock that was ahead */
    if (status == SEALRING_OK)
        status = find_held(list, holder->key.id, info, &held, error);
    judge(list, held, info, lags);
    if (list->share_count > 0)
        qsort(list->shares, list->share_count, sizeof *list->shares, by_version);
    info->shares = list->shares;
    info->share_count = list->share_count;
    return status;
}

/* ---- The order ------------------------------------------------------------------------------------------------------ */

static double share_of(const struct rank *rank)
{
    return rank->calls == 0 ? 0 : (double)rank->behind / (double)rank->calls;
}

static int by_urgency(const void *a, const void *b)
{
    const struct rank *one = a, *other = b;
    if (one->ends != other->ends)
        return one->ends == 0 || (other->ends != 0 && one->ends > other->ends) ? 1 : -1;
    double first = share_of(one), second = share_of(other);
    if (first < second || second < first)
        return first < second ? 1 : -1;
    if (one->behind != other->behind)
        return one->behind < other->behind ? 1 : -1;
    return strcmp(one->key_id, other->key_id);
}

static sealring_status add_rank(struct lagging_list *list, const sealring_lagging_info *info, sealring_error *error)
{
    if (!array_grow(&list->ranks, list->rank_count))
        return error_no_memory(error);
    struct rank *rank = &list->ranks[list->rank_count++];
    *rank = (struct rank){.ends = info->ends, .calls = info->calls, .behind = info->behind};
    memcpy(rank->key_id, info->key_id, sizeof rank->key_id);
    return SEALRING_OK;
}

static sealring_status rank_all(struct lagging_list *list, const struct registry_holder_filter *filter,
                                sealring_error *error)
{
    struct registry_holder holder;
    sealring_lagging_info info;
    bool lags;
    list->ring = 0;
    list->rank_count = 0;
    sealring_status status = key_check_filter(list->registry, filter, error);
    if (status == SEALRING_OK)
        status = usage_pending_settle(list->registry, &list->pending, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor holders = registry_holders(list->registry, filter, error);
    while (status == SEALRING_OK && registry_holder_next(&holders, &holder)) {
        status = examine(list, &holder, &info, &lags, error);
        if (status == SEALRING_OK && lags)
            status = add_rank(list, &info, error);
    }
    return registry_close_cursor(&holders, status);
}

/* Of a key that is passed on. Errors before its newest credential was issued count no more. */
static sealring_status add_errors(struct lagging_list *list, const struct registry_holder *holder,
                                  sealring_lagging_info *info, sealring_error *error)
{
    struct registry_renewal_error one;
    struct registry_cursor errors = registry_renewal_errors(list->registry, holder->key.id, error);
    while (registry_renewal_error_next(&errors, &one))
        if (one.latest >= holder->credential.issued && info->error_count <= SEALRING_RENEWAL_LIMITED)
            list->errors[info->error_count++] =
                (sealring_renewal_error){(sealring_renewal_result)one.result, one.count, one.latest};
    info->errors = list->errors;
    return registry_close_cursor(&errors, SEALRING_OK);
}

/* ---- The list ------------------------------------------------------------------------------------------------------- */

static sealring_status read_again(struct lagging_list *list, const char *key_id, struct registry_holder *holder,
                                  sealring_lagging_info *info, bool *lags, sealring_error *error)
{
    const struct registry_holder_filter filter = {.key_id = key_id};
    *lags = false;
    list->ring = 0;
    sealring_status status = usage_pending_settle(list->registry, &list->pending, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor holders = registry_holders(list->registry, &filter, error);
    bool found = registry_holder_next(&holders, holder);
    status = registry_close_cursor(&holders, SEALRING_OK);
    if (status == SEALRING_OK && found)
        status = examine(list, holder, info, lags, error);
    return status == SEALRING_OK && *lags ? add_errors(list, holder, info, error) : status;
}

/* In a transaction of its own: the callback runs outside of it. */
static sealring_status pass_on(struct lagging_list *list, const char *key_id, sealring_lagging_callback each,
                               void *context, sealring_error *error)
{
    struct registry_holder holder;
    sealring_lagging_info info;
    bool lags = false;
    sealring_status status;
    struct registry_transaction reading = registry_reading(list->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_again(list, key_id, &holder, &info, &lags, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && lags && each(&info, context) != 0)
        status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    return status;
}

sealring_status sealring_lagging(sealring_manager *manager, const sealring_usage_filter *filter,
                                 sealring_lagging_callback each, void *context, sealring_error *error)
{
    static const sealring_usage_filter everything;
    const int64_t now = clock_wall_ms();
    filter = filter != NULL ? filter : &everything;
    const struct registry_holder_filter holders = {
        .key_id = filter->key_id, .ring = filter->ring, .client = filter->client};
    struct lagging_list list = {
        .registry = manager->registry, .now = now, .since = filter->since != 0 ? filter->since : now - USAGE_DAY_MS};
    if (filter->since < 0)
        return error_set(error, SEALRING_INVALID, "the time from which on calls count is from 1970 on");
    sealring_status status = usage_pending_read(manager, now, &list.pending, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = rank_all(&list, &holders, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && list.rank_count > 0)
        qsort(list.ranks, list.rank_count, sizeof *list.ranks, by_urgency);
    for (size_t i = 0; status == SEALRING_OK && i < list.rank_count; i++)
        status = pass_on(&list, list.ranks[i].key_id, each, context, error);
    usage_pending_free(&list.pending);
    free(list.versions);
    free(list.shares);
    free(list.ranks);
    return status;
}
