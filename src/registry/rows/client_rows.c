/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of clients. */
#include "registry/rows/rows.h"

#include "base/name.h"
#include "registry/rows/columns.h"

#define CLIENT_KEYS "(SELECT count(*) FROM api_key k WHERE k.client = cl.id AND k.state <> 3)"

static const struct db_query client_insert = {
    "INSERT INTO client (id, name, contact, created, forgotten, changed_epoch)"
    " VALUES (" NEXT_ID("client") ", ?1, ?2, ?3, ?4, ?5) RETURNING id",
    true};

static const struct db_query client_update = {
    "UPDATE client SET contact = ?2, forgotten = ?3, changed_epoch = ?4 WHERE id = ?1", true};

static const struct db_query client_get = {"SELECT " CLIENT_COLUMNS " FROM client cl WHERE cl.name = ?1", false};

static const struct db_query client_named = {
    "SELECT " CLIENT_COLUMNS ", " CLIENT_KEYS " FROM client cl WHERE cl.name = ?1", false};

static const struct db_query client_all = {"SELECT " CLIENT_COLUMNS ", " CLIENT_KEYS " FROM client cl ORDER BY cl.name",
                                           false};

void columns_read_client(struct query *query, void *row)
{
    struct registry_client *client = row;
    client->id = query_int64(query);
    query_name(query, client->name, sizeof client->name, name_client_problem);
    query_name(query, client->contact, sizeof client->contact, name_contact_problem);
    client->created = query_time(query);
    client->forgotten = query_time(query);
    client->changed_epoch = query_uint64(query);
}

sealring_status registry_client_insert(struct registry *registry, struct registry_client *client, sealring_error *error)
{
    sealring_status status =
        query_insert(registry, &client_insert,
                     PARAMETERS(TEXT(client->name), TEXT(client->contact), INTEGER(client->created),
                                INTEGER(client->forgotten), UNSIGNED(registry->vault.epoch)),
                     &client->id, error);
    if (status == SEALRING_OK)
        client->changed_epoch = registry->vault.epoch;
    return handle_tell(registry, status, REGISTRY_TABLE_CLIENT, client);
}

sealring_status registry_client_update(struct registry *registry, const struct registry_client *client,
                                       sealring_error *error)
{
    sealring_status status = query_change(registry, &client_update,
                                          PARAMETERS(INTEGER(client->id), TEXT(client->contact),
                                                     INTEGER(client->forgotten), UNSIGNED(registry->vault.epoch)),
                                          error);
    return handle_tell(registry, status, REGISTRY_TABLE_CLIENT, client);
}

sealring_status registry_client_find(struct registry *registry, const char *name, struct registry_client *client,
                                     bool *found, sealring_error *error)
{
    return query_find(registry, &client_get, PARAMETERS(TEXT(name)), columns_read_client, client, found, error);
}

struct registry_cursor registry_clients(struct registry *registry, const char *name, sealring_error *error)
{
    return name == NULL ? query_list(registry, &client_all, NULL, error)
                        : query_list(registry, &client_named, PARAMETERS(TEXT(name)), error);
}

bool registry_client_next(struct registry_cursor *clients, struct registry_client *client, uint64_t *keys)
{
    bool good = query_next(clients, columns_read_client, client);
    *keys = good ? query_uint64(&clients->query) : 0;
    return good && query_good(&clients->query);
}
