/* SPDX-License-Identifier: Apache-2.0 */
/* The names for the retire gate: who uses a version, and who has never called. */
#include <stdlib.h>

#include "base/name.h"
#include "registry/connection/query.h"
#include "registry/rows/columns.h"
#include "registry/usage/usage_rows.h"

#define NAME_COLUMNS "k.id, k.key_id, cl.name"

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

/* A credential whose code nobody has traded for it yet, by the key's last fact (credential/key_claim.h): its client does not have it. */
#define CLAIM_IN_FACT "coalesce(" KEY_FACT ", '')"
#define UNCLAIMED(credential)                                                                                       \
    "instr(" CLAIM_IN_FACT ", char(10) || '0 claim ') > 0 AND instr(substr(" CLAIM_IN_FACT ", instr(" CLAIM_IN_FACT \
    ", char(10) || '0 claim ') + 73), ' ' || " credential ".serial || ' ') = 1"

/* By the keys of the ring, as verdicts do: a credential's own column of its ring decides nothing. A successor was issued later and is under an
 * accepted version, whose number may be lower after a rollback. */
static const struct db_query behind_keys = {
    "SELECT " NAME_COLUMNS ", k.used, " LAST_USE_IN("usage_hour") ", " LAST_USE_IN(
        "usage_day") " FROM api_key k CROSS JOIN credential c CROSS JOIN client cl"
                     " WHERE k.ring = ?1 AND k.state = 1 AND c.api_key = k.id AND c.version = ?2 AND " GOOD_AT(
                         "c",
                         "?3") " AND " KEY_STATE " = 1"
                               " AND NOT EXISTS (SELECT 1 FROM credential n CROSS JOIN version v WHERE n.api_key = c.api_key AND n.serial > c.serial"
                               " AND v.ring = k.ring AND v.number = n.version AND " VERSION_STATE
                               " < 4 AND " GOOD_AT("n", "?3") " AND NOT (" UNCLAIMED(
                                   "n") "))"
                                        " AND (k.used >= ?4 OR EXISTS (SELECT 1 FROM usage_hour u WHERE u.api_key = k.id AND u.last_use >= ?4)"
                                        " OR EXISTS (SELECT 1 FROM usage_day u WHERE u.api_key = k.id AND u.last_use >= ?4))"
                                        " AND cl.id = k.client LIMIT ?5",
    false};

static void read_name(struct query *query, void *row)
{
    struct registry_usage_name *name = row;
    name->key = query_int64(query);
    query_ascii(query, name->key_id, sizeof name->key_id);
    query_name(query, name->client, sizeof name->client, name_client_problem);
    name->last_use = query_past(query);
}

static void take_user(struct registry_usage_names *names, const struct registry_usage_name *user)
{
    for (unsigned i = 0; i < names->count; i++) {
        struct registry_usage_name *known = &names->found[i];
        if (known->key != user->key)
            continue;
        if (known->last_use < user->last_use)
            known->last_use = user->last_use;
        return;
    }
    names->found[names->count++] = *user;
}

static sealring_status find_users(struct registry *registry, const struct db_query *text, int64_t ring,
                                  uint32_t version, int64_t since, int64_t length, unsigned most,
                                  struct registry_usage_names *names, sealring_error *error)
{
    struct registry_usage_name user;
    int64_t first =
        since < length ? 0 : since / length - 1; /* a last use is rounded up: it may be in the hour before */
    struct registry_cursor users =
        query_list(registry, text, PARAMETERS(INTEGER(ring), INTEGER(version), INTEGER(first), INTEGER(since)), error);
    while (names->count < most && query_next(&users, read_name, &user))
        take_user(names, &user);
    return registry_close_cursor(&users, SEALRING_OK);
}

static int by_last_use(const void *a, const void *b)
{
    const struct registry_usage_name *one = a;
    const struct registry_usage_name *other = b;
    return (one->last_use < other->last_use) - (one->last_use > other->last_use);
}

sealring_status usage_users(struct registry *registry, int64_t ring, uint32_t version, int64_t since, unsigned most,
                            struct registry_usage_names *names, sealring_error *error)
{
    names->count = 0;
    most = most < USAGE_NAMES_MOST ? most : USAGE_NAMES_MOST;
    sealring_status status =
        find_users(registry, &users_of_hours, ring, version, since, USAGE_HOUR_MS, most, names, error);
    if (status == SEALRING_OK)
        status = find_users(registry, &users_of_days, ring, version, since, USAGE_DAY_MS, most, names, error);
    if (status == SEALRING_OK)
        qsort(names->found, names->count, sizeof *names->found, by_last_use);
    return status;
}

sealring_status usage_idle(struct registry *registry, int64_t ring, uint32_t version, unsigned most,
                           struct registry_usage_names *names, sealring_error *error)
{
    struct registry_cursor keys =
        query_list(registry, &idle_keys, PARAMETERS(INTEGER(ring), INTEGER(version), INTEGER(most)), error);
    names->count = 0;
    while (names->count < USAGE_NAMES_MOST && query_next(&keys, read_name, &names->found[names->count]))
        names->count++;
    return registry_close_cursor(&keys, SEALRING_OK);
}

sealring_status usage_behind(struct registry *registry, const struct usage_behind *asked, unsigned *count,
                             struct registry_usage_names *names, sealring_error *error)
{
    struct query query;
    struct registry_usage_name name;
    *count = 0;
    names->count = 0;
    query_start(&query, registry, &behind_keys, error);
    /* since 0: also who never called, by the rows */
    query_bind(&query, PARAMETERS(INTEGER(asked->ring), INTEGER(asked->version), INTEGER(asked->now),
                                  INTEGER(asked->pending != NULL ? 0 : asked->since),
                                  INTEGER(asked->pending != NULL ? INT64_MAX : asked->most)));
    while (*count < asked->most && query_row(&query)) {
        read_name(&query, &name);
        const int64_t others[] = {query_past(&query), query_past(&query),
                                  asked->pending != NULL ? asked->pending(name.key, asked->pending_context) : 0};
        for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
            name.last_use = others[i] > name.last_use ? others[i] : name.last_use;
        if (asked->pending != NULL && name.last_use < asked->since)
            continue;
        if ((*count)++ < asked->named && names->count < USAGE_NAMES_MOST)
            names->found[names->count++] = name;
    }
    return query_end(&query, error);
}
