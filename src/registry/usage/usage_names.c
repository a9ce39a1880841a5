/* SPDX-License-Identifier: Apache-2.0 */
/* The names for the retire gate: who uses a version, and who has never called. */
#include <stdlib.h>

#include "base/name.h"
#include "registry/connection/query.h"
#include "registry/rows/columns.h"
#include "registry/usage/usage_rows.h"

#define NAME_COLUMNS "k.id, k.key_id, cl.name, k.label"

/* By the version's index, the latest period first, so that nothing is sorted: to get a few names, only some rows are read. */
static const struct db_query users_of_hours = {
    "SELECT " NAME_COLUMNS ", u.last_use FROM usage_hour u CROSS JOIN api_key k CROSS JOIN client cl"
    " WHERE u.ring = ?1 AND u.version = ?2 AND u.hour >= ?3 AND u.last_use >= ?4 AND k.id = u.api_key"
    " AND cl.id = k.client ORDER BY u.hour DESC",
    false};
static const struct db_query users_of_days = {
    "SELECT " NAME_COLUMNS ", u.last_use FROM usage_day u CROSS JOIN api_key k CROSS JOIN client cl"
    " WHERE u.ring = ?1 AND u.version = ?2 AND u.day >= ?3 AND u.last_use >= ?4 AND k.id = u.api_key"
    " AND cl.id = k.client ORDER BY u.day DESC",
    false};

/* By the index of keys that have never called. */
static const struct db_query idle_keys = {
    "SELECT " NAME_COLUMNS ", k.used FROM api_key k CROSS JOIN credential c CROSS JOIN client cl"
    " WHERE k.ring = ?1 AND k.used = 0 AND k.state = 1 AND c.api_key = k.id AND c.serial = k.last_serial"
    " AND c.version = ?2 AND cl.id = k.client LIMIT ?3",
    false};

#define GOOD_AT(credential, now)                                       \
    "(" credential ".expires = 0 OR " credential ".expires > " now ")" \
    " AND (" credential ".replaced = 0 OR " credential ".retire_at > " now ")"
#define LAST_USE_IN(table) "coalesce((SELECT max(u.last_use) FROM " table " u WHERE u.api_key = k.id), 0)"

/* By the keys of the ring, as verdicts do: a credential's own column of its ring decides nothing. A successor was issued later and is under an
 * accepted version, whose number may be lower after a rollback. */
static const struct db_query behind_keys = {
    "SELECT " NAME_COLUMNS ", k.used, " LAST_USE_IN("usage_hour") ", " LAST_USE_IN(
        "usage_day") " FROM api_key k CROSS JOIN credential c CROSS JOIN client cl"
                     " WHERE k.ring = ?1 AND k.state = 1 AND c.api_key = k.id AND c.version = ?2 AND " GOOD_AT(
                         "c",
                         "?3") " AND " KEY_STATE " = 1"
                               " AND NOT EXISTS (SELECT 1 FROM credential n CROSS JOIN version v WHERE n.api_key = c.api_key AND n.serial > c.serial"
                               " AND v.ring = k.ring AND v.number = n.version AND " VERSION_STATE " < 4 AND " GOOD_AT(
                                   "n",
                                   "?3") ")"
                                         " AND (k.used >= ?4 OR EXISTS (SELECT 1 FROM usage_hour u WHERE u.api_key = k.id AND u.last_use >= ?4)"
                                         " OR EXISTS (SELECT 1 FROM usage_day u WHERE u.api_key = k.id AND u.last_use >= ?4))"
                                         " AND cl.id = k.client LIMIT ?5",
    false};

struct named {
    int64_t key;
    struct registry_usage_name name;
};

struct users {
    struct named found[USAGE_NAMES_MOST];
    unsigned count;
    unsigned most;
};

static void read_name(struct query *query, struct named *named)
{
    named->key = query_int64(query);
    query_ascii(query, named->name.key_id, sizeof named->name.key_id);
    query_name(query, named->name.client, sizeof named->name.client, name_client_problem);
    query_name(query, named->name.label, sizeof named->name.label, name_problem);
    named->name.last_use = query_past(query);
}

static void take_user(struct users *users, const struct named *named)
{
    for (unsigned i = 0; i < users->count; i++) {
        struct named *known = &users->found[i];
        if (known->key != named->key)
            continue;
        if (known->name.last_use < named->name.last_use)
            known->name.last_use = named->name.last_use;
        return;
    }
    users->found[users->count++] = *named;
}

static sealring_status find_users(struct registry *registry, const struct db_query *text, int64_t ring,
                                  uint32_t version, int64_t since, int64_t length, struct users *users,
                                  sealring_error *error)
{
    struct query query;
    struct named named;
    query_start(&query, registry, text, error);
    /* a last use is rounded up, so it may be in the hour before its own */
    query_bind(&query, PARAMETERS(INTEGER(ring), INTEGER(version), INTEGER(since < length ? 0 : since / length - 1),
                                  INTEGER(since)));
    while (users->count < users->most && query_row(&query)) {
        read_name(&query, &named);
        if (query_good(&query))
            take_user(users, &named);
    }
    return query_end(&query, error);
}

static void give_name(struct registry_usage_names *names, const struct named *named)
{
    if (names->count < USAGE_NAMES_MOST)
        names->found[names->count++] = named->name;
}

static int by_last_use(const void *a, const void *b)
{
    const struct named *one = a;
    const struct named *other = b;
    return (one->name.last_use < other->name.last_use) - (one->name.last_use > other->name.last_use);
}

sealring_status usage_users(struct registry *registry, int64_t ring, uint32_t version, int64_t since, unsigned most,
                            struct registry_usage_names *names, sealring_error *error)
{
    struct users users;
    users.count = 0;
    users.most = most < USAGE_NAMES_MOST ? most : USAGE_NAMES_MOST;
    sealring_status status = find_users(registry, &users_of_hours, ring, version, since, USAGE_HOUR_MS, &users, error);
    if (status == SEALRING_OK)
        status = find_users(registry, &users_of_days, ring, version, since, USAGE_DAY_MS, &users, error);
    if (status != SEALRING_OK)
        return status;
    qsort(users.found, users.count, sizeof *users.found, by_last_use);
    names->count = 0;
    for (unsigned i = 0; i < users.count; i++)
        give_name(names, &users.found[i]);
    return SEALRING_OK;
}

sealring_status usage_idle(struct registry *registry, int64_t ring, uint32_t version, unsigned most,
                           struct registry_usage_names *names, sealring_error *error)
{
    struct query query;
    struct named named;
    names->count = 0;
    query_start(&query, registry, &idle_keys, error);
    query_bind(&query, PARAMETERS(INTEGER(ring), INTEGER(version), INTEGER(most)));
    while (query_row(&query)) {
        read_name(&query, &named);
        give_name(names, &named);
    }
    return query_end(&query, error);
}

sealring_status usage_behind(struct registry *registry, const struct usage_behind *asked, unsigned *count,
                             struct registry_usage_names *names, sealring_error *error)
{
    struct query query;
    struct named named;
    *count = 0;
    names->count = 0;
    query_start(&query, registry, &behind_keys, error);
    /* since 0: also who never called, by the rows */
    query_bind(&query, PARAMETERS(INTEGER(asked->ring), INTEGER(asked->version), INTEGER(asked->now),
                                  INTEGER(asked->pending != NULL ? 0 : asked->since),
                                  INTEGER(asked->pending != NULL ? INT64_MAX : asked->most)));
    while (*count < asked->most && query_row(&query)) {
        read_name(&query, &named);
        const int64_t others[] = {query_past(&query), query_past(&query),
                                  asked->pending != NULL ? asked->pending(named.key, asked->pending_context) : 0};
        for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
            named.name.last_use = others[i] > named.name.last_use ? others[i] : named.name.last_use;
        if (asked->pending != NULL && named.name.last_use < asked->since)
            continue;
        if ((*count)++ < asked->named)
            give_name(names, &named);
    }
    return query_end(&query, error);
}
