/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of API keys, and of one key's credentials. */
#include "base/base62.h"
#include "base/error.h"
#include "manage/keys/clients.h"
#include "manage/keys/keys.h"
#include "manage/session/manager.h"

/* Whether what the filter names exists: an empty answer about something unknown would mislead. */
sealring_status key_check_filter(struct registry *registry, const struct registry_holder_filter *filter,
                                 sealring_error *error)
{
    struct registry_ring ring;
    struct registry_holder holder;
    sealring_status status = SEALRING_OK;
    if (filter->ring != NULL)
        status = manager_get_ring(registry, filter->ring, &ring, error);
    if (status == SEALRING_OK && filter->client != NULL)
        status = client_check_known(registry, filter->client, error);
    if (status == SEALRING_OK && filter->key_id != NULL)
        status = key_get(registry, filter->key_id, &holder, error);
    return status;
}

/* Networks and holders are those of the key's facts; the rest is as the rows are, which the next change corrects. */
static int key_report(const struct registry_holder *holder, sealring_key_callback each, void *context)
{
    char addresses[NETWORKS_TEXT_SIZE];
    key_networks_text(&holder->key, addresses);
    const sealring_key_info info = {
        .key_id = holder->key.key_id,
        .ring = holder->ring.name,
        .client = holder->client.name,
        .label = holder->key.label,
        .state = holder->key.state,
        .narrowed = holder->key.narrowed ? holder->key.narrowed_scopes : NULL,
        .created = holder->key.created,
        .serial = holder->credential.serial,
        .version = holder->credential.version,
        .scopes = holder->credential.scopes,
        .expires = holder->credential.expires,
        .from_addresses = holder->key.bound ? addresses : NULL,
        .one_holder = holder->key.holders.one,
        .contested = registry_key_is_contested(&holder->key),
    };
    return each(&info, context);
}

sealring_status sealring_key_list(sealring_manager *manager, const sealring_key_filter *asked,
                                  sealring_key_callback each, void *context, sealring_error *error)
{
    sealring_status status;
    struct registry_holder holder;
    struct registry_holder last = {.key.id = 0}; /* was passed last: after a conflict the list goes on behind it */
    struct registry_holder_filter filter = {0};
    if (asked != NULL)
        filter = (struct registry_holder_filter){.key_id = asked->key_id, .ring = asked->ring, .client = asked->client};
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = key_check_filter(manager->registry, &filter, error);
        if (status != SEALRING_OK)
            continue;
        struct registry_cursor holders = registry_holders(manager->registry, &filter, error);
        while (status == SEALRING_OK && registry_holder_next(&holders, &holder)) {
            if (!registry_holder_follows(&holder, &last))
                continue;
            last = holder;
            if (key_report(&holder, each, context) != 0)
                status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
        }
        status = registry_close_cursor(&holders, status);
    } while (registry_again(&reading, &status));
    return status;
}

/* last: the serial that was passed last. After a conflict the list goes on behind it. */
static sealring_status credential_list(struct registry *registry, const char *key_id, uint32_t *last,
                                       sealring_credential_callback each, void *context, sealring_error *error)
{
    struct registry_holder newest;
    struct registry_credential credential;
    struct registry_version version;
    bool found = true;
    sealring_status status = key_get(registry, key_id, &newest, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor credentials = registry_credentials(registry, newest.key.id, error);
    while (status == SEALRING_OK && registry_credential_next(&credentials, &credential)) {
        if (credential.serial <= *last)
            continue;
        (void)registry_credential_end(&credential, &newest.key.ends);
        status = registry_version_find(registry, newest.ring.id, credential.version, &version, &found, error);
        if (status == SEALRING_OK && !found)
            status = error_set(error, SEALRING_REGISTRY,
                               "the registry is damaged: API key %s refers to a version %u that is not there", key_id,
                               credential.version);
        if (status != SEALRING_OK)
            break;
        sealring_credential_info info = {
            .key_id = key_id,
            .serial = credential.serial,
            .version = credential.version,
            .version_state = version.state,
            .state = credential.state,
            .replaced = credential.replaced,
            .scopes = credential.scopes,
            .issued = credential.issued,
            .not_before = credential.not_before,
            .expires = credential.expires,
            .imported = credential.imported,
            .retire_at = credential.retire_at,
        };
        hex_encode(credential.digest, sizeof credential.digest, info.digest);
        *last = credential.serial;
        if (each(&info, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    return registry_close_cursor(&credentials, status);
}

sealring_status sealring_credential_list(sealring_manager *manager, const char *key_id,
                                         sealring_credential_callback each, void *context, sealring_error *error)
{
    sealring_status status;
    uint32_t last = 0;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = credential_list(manager->registry, key_id, &last, each, context, error);
    } while (registry_again(&reading, &status));
    return status;
}
