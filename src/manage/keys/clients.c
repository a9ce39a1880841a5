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

/* NULL: none. Each contact has a salt of its own, unless a certificate shares it. */
static void set_contact(const sealring_manager *manager, struct registry_client *client, const char *contact)
{
    static const uint8_t none[sizeof client->certificate_hash];
    memset(client->contact, 0, sizeof client->contact);
    if (contact != NULL)
        memcpy(client->contact, contact, strlen(contact) + 1);
    if (memcmp(client->certificate_hash, none, sizeof none) == 0) {
        memset(client->salt, 0, sizeof client->salt);
        if (client->contact[0] != '\0')
            commit_random(manager, client->name, client->salt);
    }
    registry_client_seal(manager->registry, client);
}

sealring_status client_insert(sealring_manager *manager, const char *name, const char *contact,
                              struct registry_client *client, sealring_error *error)
{
    *client = (struct registry_client){.created = manager_now(manager)};
    memcpy(client->name, name, strlen(name) + 1);
    set_contact(manager, client, contact);
    return registry_client_insert(manager->registry, client, error);
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

static sealring_status client_add(sealring_manager *manager, const char *name, const char *contact,
                                  sealring_error *error)
{
    struct registry_client client;
    bool found;
    sealring_status status = registry_client_find(manager->registry, name, &client, &found, error);
    if (status == SEALRING_OK && found)
        return error_set(error, SEALRING_REFUSED, "there is a client %s already%s", name,
                         client.forgotten != 0 ? " (forgotten: its name stays taken)" : "");
    return status != SEALRING_OK ? status : client_insert(manager, name, contact, &client, error);
}

/* Sets the contact, or deletes it permanently with the client's right to get API keys. */
static sealring_status client_update(sealring_manager *manager, const char *name, const char *contact, bool forget,
                                     sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_client client;
    struct registry_client_proof proof = {.forgotten_edited = false};
    uint64_t keys = 0;
    sealring_status status = client_get(registry, name, &client, error);
    if (status == SEALRING_OK)
        status = registry_client_prove(registry, &client, &proof, error);
    if (status == SEALRING_OK && client.forgotten != 0)
        return error_set(error, SEALRING_REFUSED, "client %s was forgotten", name);
    if (status == SEALRING_OK && forget) {
        struct registry_cursor clients = registry_clients(registry, name, error);
        (void)registry_client_next(&clients, &client, &keys); /* not forgotten, whatever the row contains */
        status = registry_close_cursor(&clients, SEALRING_OK);
    }
    if (status != SEALRING_OK)
        return status;
    if (keys > 0)
        return error_set(error, SEALRING_REFUSED,
                         "client %s still has %llu API key%s: revoke %s first (sealring key list --client %s)", name,
                         (unsigned long long)keys, keys == 1 ? "" : "s", keys == 1 ? "it" : "them", name);
    if (proof.certificate != CLIENT_CONFIRMED && !forget)
        return error_set(error, SEALRING_REFUSED,
                         "ALARM: the registry was altered: the certificate of client %s is not the one that was set; "
                         "nothing was changed: see `sealring audit verify`",
                         name);
    if (forget)
        memset(client.certificate_hash, 0, sizeof client.certificate_hash);
    client.forgotten = forget ? manager_now(manager) : 0;
    set_contact(manager, &client, forget ? NULL : contact);
    return registry_client_update(registry, &client, error);
}

static sealring_status client_change(sealring_manager *manager, enum client_change change, const char *name,
                                     const char *contact, sealring_error *error)
{
    static const char *const purposes[] = {"client add", "client set", "client forget"};
    static const char *const acts[] = {"client.add", "client.set", "client.forget"};
    struct audit_act act = {.name = acts[change]};
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
            status = change == CLIENT_ADD ? client_add(manager, name, contact, error)
                                          : client_update(manager, name, contact, change == CLIENT_FORGET, error);
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

static int client_report(const struct registry_client *client, const struct registry_client_proof *proof, uint64_t keys,
                         sealring_client_callback each, void *context)
{
    static const char *const states[] = {
        [CLIENT_CONFIRMED] = "confirmed", [CLIENT_UNCONFIRMED] = "unconfirmed", [CLIENT_ALTERED] = "altered"};
    const sealring_client_info info = {
        .name = client->name,
        .contact = proof->contact != CLIENT_ALTERED ? client->contact : "",
        .contact_state = states[proof->contact],
        .created = client->created,
        .forgotten = client->forgotten,
        .keys = keys,
    };
    return each(&info, context);
}

sealring_status sealring_client_list(sealring_manager *manager, const char *name, sealring_client_callback each,
                                     void *context, sealring_error *error)
{
    struct registry_client client;
    struct registry_client_proof proof;
    uint64_t keys;
    char last[SEALRING_NAME_LENGTH_MAX + 1] = ""; /* was passed last: after a conflict the list goes on behind it */
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status) && name != NULL)
            status = client_check_known(manager->registry, name, error);
        if (status != SEALRING_OK)
            continue;
        struct registry_cursor clients = registry_clients(manager->registry, name, error);
        while (status == SEALRING_OK && registry_client_next(&clients, &client, &keys)) {
            if (strcmp(client.name, last) <= 0)
                continue;
            status = registry_client_prove(manager->registry, &client, &proof, error);
            if (status != SEALRING_OK)
                break;
            memcpy(last, client.name, sizeof client.name);
            if (client_report(&client, &proof, keys, each, context) != 0)
                status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
        }
        status = registry_close_cursor(&clients, status);
    } while (registry_again(&reading, &status));
    return status;
}
