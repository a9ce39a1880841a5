/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts, certificates and settings of clients, of which the log contains only hashes: compared with their facts. */
#include "manage/audit/client_proofs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "registry/rows/closed_facts.h"

struct comparison {
    retrace_problem problem;
    void *context;
    bool upgraded; /* what an older sealring stored has no fact */
};

static void report(const struct comparison *comparison, const char *name, const char *member, enum client_state state)
{
    char text[SEALRING_NAME_LENGTH_MAX + 128];
    if (state == CLIENT_CONFIRMED || comparison->problem == NULL ||
        (state == CLIENT_UNCONFIRMED && comparison->upgraded))
        return;
    snprintf(text, sizeof text, "client %s: its row has a %s that %s: it was altered", name, member,
             state == CLIENT_ALTERED ? "its last fact does not have" : "no act has set");
    comparison->problem(0, text, comparison->context);
}

static sealring_status read_upgraded(struct registry *registry, bool *upgraded, sealring_error *error)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .act = "vault.upgrade"};
    struct registry_audit entry;
    struct registry_vault vault;
    sealring_status status = registry_facts_begun(registry, &vault, error);
    *upgraded = !vault.facts_begun; /* it will be */
    if (status != SEALRING_OK || *upgraded)
        return status;
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    *upgraded = registry_audit_next(&entries, &entry);
    return registry_close_cursor(&entries, SEALRING_OK);
}

sealring_status client_proofs_compare(struct registry *registry, retrace_problem problem, void *context,
                                      sealring_error *error)
{
    struct comparison comparison = {.problem = problem, .context = context};
    struct registry_client client;
    struct registry_client_proof proof;
    uint64_t keys;
    sealring_status status = read_upgraded(registry, &comparison.upgraded, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor clients = registry_clients(registry, NULL, error);
    while (status == SEALRING_OK && registry_client_next(&clients, &client, &keys)) {
        status = registry_client_prove(registry, &client, &proof, error);
        if (status != SEALRING_OK)
            break;
        report(&comparison, client.name, "contact", proof.contact);
        report(&comparison, client.name, "certificate", proof.certificate);
        report(&comparison, client.name, "text of settings for notices", proof.notices);
        report(&comparison, client.name, "time of its end", proof.forgotten_edited ? CLIENT_ALTERED : CLIENT_CONFIRMED);
    }
    return registry_close_cursor(&clients, status);
}

static bool is_altered(const struct registry_client_proof *proof)
{
    return proof->contact == CLIENT_ALTERED || proof->certificate == CLIENT_ALTERED || proof->notices == CLIENT_ALTERED;
}

/* Clients whose rows have the hash of a value, and not the value. */
struct clients {
    struct registry_client *items;
    size_t count;
};

static sealring_status find_lost(struct registry *registry, struct clients *lost, sealring_error *error)
{
    struct registry_client client;
    struct registry_client_proof proof;
    uint64_t keys;
    sealring_status status = SEALRING_OK;
    struct registry_cursor clients = registry_clients(registry, NULL, error);
    while (status == SEALRING_OK && registry_client_next(&clients, &client, &keys)) {
        status = registry_client_prove(registry, &client, &proof, error);
        if (status != SEALRING_OK || !is_altered(&proof))
            continue;
        if (!array_grow(&lost->items, lost->count))
            status = error_no_memory(error);
        else
            lost->items[lost->count++] = client;
    }
    return registry_close_cursor(&clients, status);
}

sealring_status client_proofs_settle(struct registry *registry, sealring_error *error)
{
    struct clients lost = {.count = 0};
    sealring_status status = find_lost(registry, &lost, error);
    for (size_t i = 0; status == SEALRING_OK && i < lost.count; i++) {
        struct registry_client *client = &lost.items[i];
        memset(client->contact, 0, sizeof client->contact);
        memset(client->salt, 0, sizeof client->salt);
        memset(client->contact_hash, 0, sizeof client->contact_hash);
        memset(client->certificate_hash, 0, sizeof client->certificate_hash);
        memset(client->notices_hash, 0, sizeof client->notices_hash);
        status = registry_client_update(registry, client, error);
    }
    free(lost.items);
    return status;
}
