/* SPDX-License-Identifier: Apache-2.0 */
/* Holders: an API key with its ring, its client, a credential and that one's version, in one statement. */
#include "registry/rows/rows.h"

#include <string.h>

#include "registry/rows/closed_facts.h"
#include "registry/rows/columns.h"

/* A credential with all rows that it refers to: FROM api_key k, credential c, version v, ring r, client cl. */
#define HOLDER_COLUMNS \
    RING_COLUMNS ", " VERSION_COLUMNS ", " CLIENT_COLUMNS ", " KEY_COLUMNS ", " CREDENTIAL_COLUMNS ", " KEY_FACT
#define HOLDER_JOINED \
    "r.id = k.ring AND cl.id = k.client AND c.api_key = k.id AND v.ring = k.ring AND v.number = c.version"
#define HOLDER_NEWEST "c.serial = (SELECT max(n.serial) FROM credential n WHERE n.api_key = k.id)"

/* The filters: '' for none. ?1 key ID, ?2 ring, ?3 client, ?4 only active; ?5, ?6, ?7 after ring, client, label; ?8 limit. There is one
 * statement for each filter that can lead (an index finds its rows); the other filters reduce what it finds. SQLite takes CROSS JOIN as
 * an order to join in: keys first, whatever it would choose. */
#define HOLDER_LIST(leading)                                                                                  \
    "SELECT " HOLDER_COLUMNS " FROM api_key k CROSS JOIN credential c CROSS JOIN version v CROSS JOIN ring r" \
    " CROSS JOIN client cl WHERE " leading                                                                    \
    " AND (?1 = '' OR k.key_id = ?1) AND (?2 = '' OR r.name = ?2) AND (?3 = '' OR cl.name = ?3)"              \
    " AND (?4 = 0 OR k.state = 1) AND (?5 = '' OR (r.name, cl.name, k.label) > (?5, ?6, ?7))"                 \
    " AND " HOLDER_JOINED " AND " HOLDER_NEWEST " ORDER BY r.name, cl.name, k.label, k.id LIMIT ?8"

/* In two parts, for the two indexes: keys that are not revoked, and revoked ones. */
#define HOLDER_OF_CLIENT                                                                                   \
    "k.id IN (SELECT a.id FROM client x, api_key a WHERE x.name = ?3 AND a.client = x.id AND a.state <> 3" \
    " UNION ALL SELECT a.id FROM client x, api_key a WHERE x.name = ?3 AND a.client = x.id AND a.state = 3)"

static const struct db_query holder_list_key = {HOLDER_LIST("k.key_id = ?1"), false};
static const struct db_query holder_list_client = {HOLDER_LIST(HOLDER_OF_CLIENT), false};
static const struct db_query holder_list_ring = {HOLDER_LIST("k.ring = (SELECT x.id FROM ring x WHERE x.name = ?2)"),
                                                 false};
static const struct db_query holder_list_all = {HOLDER_LIST("1 = 1"), false};

/* A page of one ring's active keys, found through the clients' names, so that the cost depends on the page and nothing is sorted. ?1
 * ring, ?2 and ?3 after client and label, ?4 limit. */
static const struct db_query holder_page = {
    "SELECT " HOLDER_COLUMNS " FROM ring r CROSS JOIN client cl CROSS JOIN api_key k CROSS JOIN credential c"
    " CROSS JOIN version v WHERE r.name = ?1 AND cl.name >= ?2 AND (cl.name > ?2 OR k.label > ?3)"
    " AND k.state <> 3 AND k.state = 1 AND " HOLDER_JOINED " AND " HOLDER_NEWEST " ORDER BY cl.name, k.label LIMIT ?4",
    false};

static void holder_read(struct query *query, void *row)
{
    struct registry_holder *holder = row;
    columns_read_ring(query, &holder->ring);
    columns_read_version(query, &holder->version);
    columns_read_client(query, &holder->client);
    columns_read_key(query, &holder->key);
    columns_read_credential(query, &holder->credential);
    const char *value = query_borrow(query);
    if (value != NULL && holder->key.state != SEALRING_KEY_REVOKED)
        query_demand(query, registry_fact_networks(value, &holder->key) && registry_fact_holders(value, &holder->key) &&
                                registry_fact_claim(value, &holder->key));
}

static int64_t holder_limit(const struct registry_holder_filter *filter)
{
    return filter->limit == 0 ? INT64_MAX : filter->limit;
}

/* Returns whether holder_page can answer the filter: active keys of one ring, in pages, from a place within that ring. */
static bool holder_is_page(const struct registry_holder_filter *filter)
{
    return filter->ring != NULL && filter->limit != 0 && filter->only_active && filter->key_id == NULL &&
           filter->client == NULL && (filter->after_ring == NULL || strcmp(filter->after_ring, filter->ring) == 0);
}

static struct registry_cursor holder_page_open(struct registry *registry, const struct registry_holder_filter *filter,
                                               sealring_error *error)
{
    return query_list(registry, &holder_page,
                      PARAMETERS(TEXT(filter->ring), FILTER(filter->after_client), FILTER(filter->after_label),
                                 INTEGER(holder_limit(filter))),
                      error);
}

static struct registry_cursor holder_list_open(struct registry *registry, const struct registry_holder_filter *filter,
                                               sealring_error *error)
{
    const struct db_query *text = filter->key_id != NULL   ? &holder_list_key
                                  : filter->client != NULL ? &holder_list_client
                                  : filter->ring != NULL   ? &holder_list_ring
                                                           : &holder_list_all;
    return query_list(registry, text,
                      PARAMETERS(FILTER(filter->key_id), FILTER(filter->ring), FILTER(filter->client),
                                 INTEGER(filter->only_active), FILTER(filter->after_ring), FILTER(filter->after_client),
                                 FILTER(filter->after_label), INTEGER(holder_limit(filter))),
                      error);
}

struct registry_cursor registry_holders(struct registry *registry, const struct registry_holder_filter *filter,
                                        sealring_error *error)
{
    return holder_is_page(filter) ? holder_page_open(registry, filter, error)
                                  : holder_list_open(registry, filter, error);
}

bool registry_holder_next(struct registry_cursor *holders, struct registry_holder *holder)
{
    return query_next(holders, holder_read, holder);
}

bool registry_holder_follows(const struct registry_holder *holder, const struct registry_holder *place)
{
    int order = strcmp(holder->ring.name, place->ring.name);
    if (order == 0)
        order = strcmp(holder->client.name, place->client.name);
    if (order == 0)
        order = strcmp(holder->key.label, place->key.label);
    return order > 0 || (order == 0 && holder->key.id > place->key.id);
}
