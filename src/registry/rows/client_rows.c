/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of clients. */
#include "registry/rows/rows.h"

#include "base/name.h"
#include "registry/rows/columns.h"

#define CLIENT_KEYS "(SELECT count(*) FROM api_key k WHERE k.client = cl.id AND k.state <> 3)"

static const struct db_query client_highest = {"SELECT coalesce(max(id), 0) FROM client", false};

static const struct db_query client_insert = {
    "INSERT INTO client (name, contact, created, forgotten, changed_epoch, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", true};

static const struct db_query client_update = {
    "UPDATE client SET contact = ?2, forgotten = ?3, changed_epoch = ?4 WHERE id = ?1", true};

static const struct db_query client_get = {"SELECT " CLIENT_COLUMNS " FROM client cl WHERE cl.name = ?1", false};

static const struct db_query client_named = {
    "SELECT " CLIENT_COLUMNS ", " CLIENT_KEYS " FROM client cl WHERE cl.name = ?1", false};

static const struct db_query client_all = {"SELECT " CLIENT_COLUMNS ", " CLIENT_KEYS " FROM client cl ORDER BY cl.name",
                                           false};

void columns_read_client(struct query *query, struct registry_client *client)
{
    client->id = query_int64(query);
    query_name(query, client->name, sizeof client->name, name_client_problem);
    query_name(query, client->contact, sizeof client->contact, name_contact_problem);
    client->created = query_time(query);
    client->forgotten = query_time(query);
    client->changed_epoch = query_uint64(query);
}

sealring_status registry_client_insert(struct registry *registry, struct registry_client *client, sealring_error *error)
{
    struct query query;
    int64_t id = 0;
    sealring_status status = query_next_id(registry, &client_highest, NUMBERED_CLIENT, &id, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &client_insert, error);
    query_bind_text(&query, 1, client->name);
    query_bind_text(&query, 2, client->contact);
    query_bind_int64(&query, 3, client->created);
    query_bind_int64(&query, 4, client->forgotten);
    query_bind_uint64(&query, 5, registry->vault.epoch);
    query_bind_int64(&query, 6, id);
    status = query_run(&query, error);
    if (status == SEALRING_OK) {
        client->id = id;
        client->changed_epoch = registry->vault.epoch;
    }
    return handle_tell(registry, status, REGISTRY_TABLE_CLIENT, client);
}

sealring_status registry_client_update(struct registry *registry, const struct registry_client *client,
                                       sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &client_update, error);
    query_bind_int64(&query, 1, client->id);
    query_bind_text(&query, 2, client->contact);
    query_bind_int64(&query, 3, client->forgotten);
    query_bind_uint64(&query, 4, registry->vault.epoch);
    return handle_tell(registry, query_run(&query, error), REGISTRY_TABLE_CLIENT, client);
}

sealring_status registry_client_find(struct registry *registry, const char *name, struct registry_client *client,
                                     bool *found, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &client_get, error);
    query_bind_text(&query, 1, name);
    *found = query_row(&query);
    if (*found)
        columns_read_client(&query, client);
    return query_end(&query, error);
}

struct registry_cursor registry_clients(struct registry *registry, const char *name, sealring_error *error)
{
    struct registry_cursor clients = query_open(registry, name == NULL ? &client_all : &client_named, error);
    if (name != NULL)
        query_bind_text(&clients.query, 1, name);
    return clients;
}

bool registry_client_next(struct registry_cursor *clients, struct registry_client *client, uint64_t *keys)
{
    if (!query_row(&clients->query))
        return false;
    columns_read_client(&clients->query, client);
    *keys = query_uint64(&clients->query);
    return query_good(&clients->query);
}
