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

/* The client, or SEALRING_NOT_FOUND with its message. Inside a transaction. */
static sealring_status client_get(struct registry *registry, const char *name, struct registry_client *client,
                                  sealring_error *error)
{
    bool found;
    sealring_status status = registry_client_find(registry, name, client, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no client %s: see `sealring client list`", name);
    return status;
}

sealring_status client_check_known(struct registry *registry, const char *name, sealring_error *error)
{
    struct registry_client client;
    sealring_status status = client_check(name, NULL, error);
    return status != SEALRING_OK ? status : client_get(registry, name, &client, error);
}

enum client_change { CLIENT_ADD, CLIENT_SET, CLIENT_FORGET };

static sealring_status client_add(struct registry *registry, const char *name, const char *contact,
                                  sealring_error *error)
{
    struct registry_client client;
    bool found;
    sealring_status status = registry_client_find(registry, name, &client, &found, error);
    if (status == SEALRING_OK && found)
        return error_set(error, SEALRING_REFUSED, "there is a client %s already%s", name,
                         client.forgotten != 0 ? " (forgotten: its name stays taken)" : "");
    return status != SEALRING_OK ? status : client_insert(registry, name, contact, &client, error);
}

/* Sets the contact, or deletes it for good with the client's right to get API keys. */
static sealring_status client_update(struct registry *registry, const char *name, const char *contact, bool forget,
                                     sealring_error *error)
{
    struct registry_client client;
    uint64_t keys = 0;
    sealring_status status = client_get(registry, name, &client, error);
    if (status == SEALRING_OK && client.forgotten != 0)
        return error_set(error, SEALRING_REFUSED, "client %s was forgotten", name);
    if (status == SEALRING_OK && forget) {
        struct registry_cursor clients = registry_clients(registry, name, error);
        (void)registry_client_next(&clients, &client, &keys);
        status = registry_close_cursor(&clients, SEALRING_OK);
    }
    if (status != SEALRING_OK)
        return status;
    if (keys > 0)
        return error_set(error, SEALRING_REFUSED,
                         "client %s still has %llu API key%s: revoke %s first (sealring key list --client %s)", name,
                         (unsigned long long)keys, keys == 1 ? "" : "s", keys == 1 ? "it" : "them", name);
    memset(client.contact, 0, sizeof client.contact);
    if (contact != NULL)
        memcpy(client.contact, contact, strlen(contact) + 1);
    if (forget)
        client.forgotten = clock_wall_ms();
    return registry_client_update(registry, &client, error);
}

static sealring_status client_change(sealring_manager *manager, enum client_change change, const char *name,
                                     const char *contact, sealring_error *error)
{
    static const char *const purposes[] = {"client add", "client set", "client forget"};
    static const char *const acts[] = {"client.add", "client.set", "client.forget"};
    struct audit_act act = {.name = acts[change]};
    struct registry *registry = manager->registry;
    sealring_status status = client_check(name, contact, error);
    if (status == SEALRING_OK)
        status = manager_begin_dated(manager, purposes[change], false, error);
    if (status != SEALRING_OK)
        return status;
    /* the entry contains no contact data, so that `client forget` does not have to change the log */
    memcpy(act.client, name, strlen(name) + 1);
    /* the new epoch shows to a bulk issue in progress that its plan may be outdated */
    struct commit commit = manager_commit(manager, true, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = change == CLIENT_ADD ? client_add(registry, name, contact, error)
                                          : client_update(registry, name, contact, change == CLIENT_FORGET, error);
    } while (commit_again(&commit, &status));
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}

sealring_status sealring_client_add(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error)
{
    return client_change(manager, CLIENT_ADD, name, contact, error);
}

sealring_status sealring_client_set(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error)
{
    return client_change(manager, CLIENT_SET, name, contact, error);
}

sealring_status sealring_client_forget(sealring_manager *manager, const char *name, sealring_error *error)
{
    return client_change(manager, CLIENT_FORGET, name, NULL, error);
}

static sealring_status client_list(struct registry *registry, const char *name, sealring_client_callback each,
                                   void *context, sealring_error *error)
{
    struct registry_client client;
    uint64_t keys;
    sealring_status status = name == NULL ? SEALRING_OK : client_get(registry, name, &client, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor clients = registry_clients(registry, name, error);
    while (status == SEALRING_OK && registry_client_next(&clients, &client, &keys)) {
        const sealring_client_info info = {
            .name = client.name,
            .contact = client.contact,
            .created = client.created,
            .forgotten = client.forgotten,
            .keys = keys,
        };
        if (each(&info, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    return registry_close_cursor(&clients, status);
}

sealring_status sealring_client_list(sealring_manager *manager, const char *name, sealring_client_callback each,
                                     void *context, sealring_error *error)
{
    sealring_status status = name == NULL ? SEALRING_OK : client_check(name, NULL, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = client_list(manager->registry, name, each, context, error);
    } while (registry_again(&reading, &status));
    return status;
}
