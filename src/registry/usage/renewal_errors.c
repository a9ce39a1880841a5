/* SPDX-License-Identifier: Apache-2.0 */
/* Why renewals of an API key failed, how often and when last: for display, nothing may be decided by it. */
#include "registry/usage/renewal_errors.h"

#include "registry/connection/query.h"

/* A count that an edit has made too large stays as it is. */
static const struct db_query error_add = {
    "INSERT INTO renewal_error (api_key, result, count, latest) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (api_key, result) DO UPDATE SET latest = excluded.latest,"
    " count = CASE WHEN latest < ?5 THEN excluded.count WHEN count > 4611686018427387903 THEN count"
    " ELSE count + excluded.count END",
    true};

static const struct db_query errors_of_key = {
    "SELECT api_key, result, count, latest FROM renewal_error WHERE api_key = ?1 ORDER BY latest DESC, result", false};

static void read_error(struct query *query, void *row)
{
    struct registry_renewal_error *one = row;
    one->key = query_int64(query);
    one->result = query_uint32(query);
    one->count = query_uint64(query);
    query_demand(query, one->count > 0);
    one->latest = query_time(query);
}

sealring_status registry_renewal_error_add(struct registry *registry, const struct registry_renewal_error *one,
                                           int64_t since, sealring_error *error)
{
    return query_change(
        registry, &error_add,
        PARAMETERS(INTEGER(one->key), INTEGER(one->result), UNSIGNED(one->count), INTEGER(one->latest), INTEGER(since)),
        error);
}

struct registry_cursor registry_renewal_errors(struct registry *registry, int64_t key, sealring_error *error)
{
    return query_list(registry, &errors_of_key, PARAMETERS(INTEGER(key)), error);
}

bool registry_renewal_error_next(struct registry_cursor *errors, struct registry_renewal_error *one)
{
    return query_next(errors, read_error, one);
}
