/* SPDX-License-Identifier: Apache-2.0 */
/* Clients: the holders of API keys. */
#include "manage/keys/clients.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/name.h"
#include "manage/act/act.h"
#include "manage/session/manager.h"

sealring_status client_check(const char *name, const char *contact, sealring_error *error)
{
    char problem[128];
    const char *wrong = name_client_problem(name, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the client's name %s", wrong);
    wrong = contact == NULL ? NULL : name_contact_problem(contact, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the contact of client %s %s", name, wrong);
    return SEALRING_OK;
}

sealring_status client_insert(struct registry *registry, const char *name, const char *contact,
                              struct registry_client *client, sealring_error *error)
{
    *client = (struct registry_client){.created = clock_wall_ms()};
    memcpy(client->name, name, strlen(name) + 1);
    if (contact != NULL)
        memcpy(client->contact, contact, strlen(contact) + 1);
    return registry_client_insert(registry, client, error);
}

/* One change of one client. */
struct client_change {
    const char *name;
    const char *contact;
    struct audit_act act;
    uint64_t keys;
};

static void record(struct client_change *change)
{
    /* the entry contains no contact data, so that `client forget` does not have to change the log */
    memcpy(change->act.client, change->name, strlen(change->name) + 1);
}

static sealring_status add(struct registry *registry, void *context, sealring_error *error)
{
    struct client_change *change = context;
    struct registry_client client;
    sealring_status status = registry_client_get(registry, change->name, &client, error);
    if (status == SEALRING_OK)
        return error_set(error, SEALRING_REFUSED, "there is a client %s already%s", change->name,
                         client.forgotten != 0 ? " (forgotten: its name stays taken)" : "");
    if (status != SEALRING_NOT_FOUND)
        return status;
    record(change);
    return client_insert(registry, change->name, change->contact, &client, error);
}

static sealring_status get_known(struct registry *registry, const char *name, struct registry_client *client,
                                 sealring_error *error)
{
    sealring_status status = registry_client_get(registry, name, client, error);
    if (status == SEALRING_NOT_FOUND)
        return error_set(error, SEALRING_NOT_FOUND, "there is no client %s: see `sealring client list`", name);
    if (status == SEALRING_OK && client->forgotten != 0)
        return error_set(error, SEALRING_REFUSED, "client %s was forgotten", name);
    return status;
}

static sealring_status set(struct registry *registry, void *context, sealring_error *error)
{
    struct client_change *change = context;
    struct registry_client client;
    sealring_status status = get_known(registry, change->name, &client, error);
    if (status != SEALRING_OK)
        return status;
    memset(client.contact, 0, sizeof client.contact);
    if (change->contact != NULL)
        memcpy(client.contact, change->contact, strlen(change->contact) + 1);
    record(change);
    return registry_client_update(registry, &client, error);
}

static sealring_status count_keys(const struct registry_client *client, uint64_t keys, void *context,
                                  sealring_error *error)
{
    (void)client;
    (void)error;
    ((struct client_change *)context)->keys = keys;
    return SEALRING_OK;
}

static sealring_status forget(struct registry *registry, void *context, sealring_error *error)
{
    struct client_change *change = context;
    struct registry_client client;
    sealring_status status = get_known(registry, change->name, &client, error);
    if (status == SEALRING_OK)
        status = registry_client_each(registry, change->name, count_keys, change, error);
    if (status != SEALRING_OK)
        return status;
    if (change->keys > 0)
        return error_set(error, SEALRING_REFUSED,
                         "client %s still has %llu API key%s: revoke %s first (sealring key list --client %s)",
                         change->name, (unsigned long long)change->keys, change->keys == 1 ? "" : "s",
                         change->keys == 1 ? "it" : "them", change->name);
    memset(client.contact, 0, sizeof client.contact);
    client.forgotten = clock_wall_ms();
    record(change);
    return registry_client_update(registry, &client, error);
}

static sealring_status change_client(sealring_manager *manager, const char *purpose, const char *act,
                                     registry_body body, const char *name, const char *contact, sealring_error *error)
{
    struct client_change change = {.name = name, .contact = contact, .act = {.name = act}};
    sealring_status status = client_check(name, contact, error);
    if (status == SEALRING_OK)
        status = manager_begin_dated(manager, purpose, false, error);
    if (status != SEALRING_OK)
        return status;
    /* the new epoch shows to a bulk issue in progress that its plan may be outdated */
    status = manager_write(manager, true, &change.act, body, &change, error);
    record(&change);
    manager_end_act(manager, &change.act, status, error);
    audit_release(&change.act);
    return status;
}

sealring_status sealring_client_add(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error)
{
    return change_client(manager, "client add", "client.add", add, name, contact, error);
}

sealring_status sealring_client_set(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error)
{
    return change_client(manager, "client set", "client.set", set, name, contact, error);
}

sealring_status sealring_client_forget(sealring_manager *manager, const char *name, sealring_error *error)
{
    return change_client(manager, "client forget", "client.forget", forget, name, NULL, error);
}

struct client_listing {
    const char *name;
    sealring_client_callback each;
    void *context;
    bool found;
};

static sealring_status tell(const struct registry_client *client, uint64_t keys, void *context, sealring_error *error)
{
    struct client_listing *listing = context;
    sealring_client_info info = {
        .name = client->name,
        .contact = client->contact,
        .created = client->created,
        .forgotten = client->forgotten,
        .keys = keys,
    };
    listing->found = true;
    return listing->each(&info, listing->context) == 0 ? SEALRING_OK
                                                       : error_set(error, SEALRING_REFUSED, "the listing was stopped");
}

static sealring_status read_clients(struct registry *registry, void *context, sealring_error *error)
{
    struct client_listing *listing = context;
    return registry_client_each(registry, listing->name, tell, listing, error);
}

sealring_status sealring_client_list(sealring_manager *manager, const char *name, sealring_client_callback each,
                                     void *context, sealring_error *error)
{
    struct client_listing listing = {.name = name, .each = each, .context = context};
    sealring_status status = name == NULL ? SEALRING_OK : client_check(name, NULL, error);
    if (status == SEALRING_OK)
        status = manager_read(manager, read_clients, &listing, error);
    if (status == SEALRING_OK && name != NULL && !listing.found)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no client %s: see `sealring client list`", name);
    return status;
}
