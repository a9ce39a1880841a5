/* SPDX-License-Identifier: Apache-2.0 */
/* Clients as they are shown. */
#include <string.h>

#include "base/error.h"
#include "base/struct_size.h"
#include "manage/delivery/notice_settings.h"
#include "manage/delivery/recipient.h"
#include "manage/keys/clients.h"
#include "manage/session/manager.h"
#include "registry/rows/client_notices.h"

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

sealring_status sealring_client_certificate(sealring_manager *manager, const char *name,
                                            sealring_certificate_info *info, sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_client client;
    sealring_certificate_info whole;
    sealring_status status = client_check(name, NULL, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        memset(&whole, 0, sizeof whole);
        if (registry_begin(&reading, &status))
            status = client_get(registry, name, &client, error);
        if (status == SEALRING_OK)
            status = recipient_describe(registry, &client, &whole, error);
    } while (registry_again(&reading, &status));
    sized_give(info, &whole, sizeof whole);
    return status;
}

static sealring_status describe_notices(struct registry *registry, const char *name, sealring_notices_info *info,
                                        sealring_error *error)
{
    struct registry_client client;
    struct notice_settings settings;
    enum client_state state = CLIENT_CONFIRMED;
    char text[NOTICE_TEXT_SIZE];
    sealring_status status = client_get(registry, name, &client, error);
    if (status == SEALRING_OK)
        status = registry_client_notices(registry, &client, &state, text, error);
    if (status != SEALRING_OK)
        return status;
    if (state != CLIENT_CONFIRMED || !notice_settings_read(text, &settings)) {
        info->state = "altered";
        return SEALRING_OK;
    }
    info->state = text[0] != '\0' ? "confirmed" : "none";
    notice_channels_write(&settings, info->channels);
    notice_quiet_write(&settings, info->quiet);
    info->digest = settings.digest;
    memcpy(info->webhook, settings.webhook, sizeof settings.webhook);
    return SEALRING_OK;
}

sealring_status sealring_client_notices(sealring_manager *manager, const char *name, sealring_notices_info *info,
                                        sealring_error *error)
{
    sealring_notices_info whole;
    sealring_status status = client_check(name, NULL, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        memset(&whole, 0, sizeof whole);
        if (registry_begin(&reading, &status))
            status = describe_notices(manager->registry, name, &whole, error);
    } while (registry_again(&reading, &status));
    sized_give(info, &whole, sizeof whole);
    return status;
}
