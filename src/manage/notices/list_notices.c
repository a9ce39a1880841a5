/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator asks about notices: what waits and why; to try again; to test a client's channels. */
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "manage/keys/clients.h"
#include "manage/notices/notice_text.h"
#include "manage/notices/send_message.h"
#include "registry/rows/client_notices.h"

#define TEST_MS INT64_C(10000)

static sealring_status find_client(struct registry *registry, const char *name, struct registry_client *client,
                                   sealring_error *error)
{
    *client = (struct registry_client){.id = 0};
    if (name == NULL)
        return SEALRING_OK;
    sealring_status status = client_check(name, NULL, error);
    return status == SEALRING_OK ? client_get(registry, name, client, error) : status;
}

/* ---- Listing --------------------------------------------------------------------------------------------------------------- */

struct listed_names {
    int64_t client, ring;
    char client_name[SEALRING_NAME_LENGTH_MAX + 1], ring_name[SEALRING_NAME_LENGTH_MAX + 1];
};

/* A row may name what there is not, as anybody may have written it. */
static sealring_status read_names(struct registry *registry, const struct registry_notice *row,
                                  struct listed_names *names, sealring_error *error)
{
    bool found = true;
    sealring_status status = SEALRING_OK;
    if (names->client != row->client || names->client_name[0] == '\0') {
        names->client = row->client;
        status = registry_notice_client(registry, row->client, names->client_name, &found, error);
        if (!found)
            memcpy(names->client_name, "?", 2);
    }
    if (status == SEALRING_OK && (names->ring != row->ring || names->ring_name[0] == '\0')) {
        names->ring = row->ring;
        status = registry_notice_ring(registry, row->ring, names->ring_name, &found, error);
        if (!found)
            memcpy(names->ring_name, "?", 2);
    }
    return status;
}

static sealring_status list_row(const struct registry_notice *row, const struct listed_names *names,
                                sealring_notice_callback each, void *context, sealring_error *error)
{
    sealring_notice_info info = {.client = names->client_name,
                                 .channel = (sealring_notice_channel)row->channel,
                                 .event = (sealring_notice_event)row->event,
                                 .ring = names->ring_name,
                                 .version = row->version,
                                 .key_id = row->key_id,
                                 .at = row->at,
                                 .due = row->due,
                                 .attempts = row->attempts,
                                 .dead = row->dead,
                                 .reason = row->reason};
    if (row->is_in_message)
        hex_encode(row->message, sizeof row->message, info.id);
    return each(&info, context) == 0 ? SEALRING_OK : error_set(error, SEALRING_REFUSED, "the listing was stopped");
}

static sealring_status list_rows(struct registry *registry, int64_t client, uint64_t *passed,
                                 sealring_notice_callback each, void *context, sealring_error *error)
{
    struct registry_notice row;
    struct listed_names names = {.client = 0};
    uint64_t place = 0;
    sealring_status status = SEALRING_OK;
    struct registry_cursor rows = registry_notices_all(registry, client, error);
    while (status == SEALRING_OK && registry_notice_read(&rows, &row)) {
        if (place++ < *passed) /* before a conflict */
            continue;
        status = read_names(registry, &row, &names, error);
        if (status == SEALRING_OK)
            status = list_row(&row, &names, each, context, error);
        (*passed)++;
    }
    return registry_close_cursor(&rows, status);
}

sealring_status sealring_notices_list(sealring_manager *manager, const char *client, sealring_notice_callback each,
                                      void *context, sealring_error *error)
{
    struct registry_client row;
    uint64_t passed = 0;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = find_client(manager->registry, client, &row, error);
        if (status == SEALRING_OK)
            status = list_rows(manager->registry, row.id, &passed, each, context, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status sealring_notices_count(sealring_manager *manager, uint64_t *waiting, uint64_t *dead,
                                       sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    *waiting = *dead = 0;
    do {
        if (registry_begin(&reading, &status))
            status = registry_notices_count(manager->registry, waiting, dead, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status sealring_notices_retry(sealring_manager *manager, const char *client, uint64_t *count,
                                       sealring_error *error)
{
    struct registry_client row;
    sealring_status status = manager_begin_dated(manager, "notify retry", false, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, false, NULL, error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = find_client(manager->registry, client, &row, error);
        if (status == SEALRING_OK)
            status = registry_notices_retry(manager->registry, row.id, manager_now(manager), count, error);
    } while (commit_again(&commit, &status));
    manager_end(manager);
    return status;
}

/* ---- Testing --------------------------------------------------------------------------------------------------------------- */

/* Settings and contact that the client's facts confirm. */
static sealring_status read_settings(struct registry *registry, const char *name, struct outgoing_message *outgoing,
                                     sealring_error *error)
{
    struct registry_client client;
    struct registry_client_proof proof;
    enum client_state state = CLIENT_CONFIRMED;
    char text[NOTICE_TEXT_SIZE];
    sealring_status status = find_client(registry, name, &client, error);
    if (status == SEALRING_OK)
        status = registry_client_notices(registry, &client, &state, text, error);
    if (status == SEALRING_OK)
        status = registry_client_prove(registry, &client, &proof, error);
    if (status != SEALRING_OK)
        return status;
    if (state != CLIENT_CONFIRMED || proof.contact != CLIENT_CONFIRMED ||
        !notice_settings_read(text, &outgoing->settings))
        return error_set(error, SEALRING_REFUSED,
                         "ALARM: the registry was altered: contact or settings for notices of client %s are not those "
                         "that were set; set them again (sealring client set %s --contact TEXT --notify CHANNELS)",
                         name, name);
    memcpy(outgoing->name, client.name, sizeof client.name);
    memcpy(outgoing->contact, client.contact, sizeof client.contact);
    return SEALRING_OK;
}

static sealring_status prepare_test(sealring_manager *manager, const char *client, struct outgoing_message *outgoing,
                                    struct message_senders *senders, sealring_error *error)
{
    uint8_t id[REGISTRY_MESSAGE_SIZE];
    bool any = false;
    sealring_status status = manager_begin_dated(manager, "notify", true, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_settings(manager->registry, client, outgoing, error);
    } while (registry_again(&reading, &status));
    for (int channel = 1; status == SEALRING_OK && channel <= SEALRING_CHANNEL_HOOK; channel++)
        if (outgoing->settings.channels[channel]) {
            senders_prepare(senders, manager, channel);
            any = true;
        }
    if (status == SEALRING_OK && !any)
        status =
            error_set(error, SEALRING_REFUSED,
                      "client %s gets no notices: sealring client set %s --notify email,webhook,hook", client, client);
    if (status == SEALRING_OK)
        status = manager_random(id, sizeof id, error);
    if (status == SEALRING_OK)
        hex_encode(id, sizeof id, outgoing->message.id);
    manager_end(manager);
    return status;
}

static sealring_status send_test(struct outgoing_message *outgoing, struct message_senders *senders, int channel,
                                 sealring_notices_callback each, void *context, sealring_error *error)
{
    outgoing->channel = channel;
    outgoing->result = (struct send_result){.outcome = SEND_RETRY};
    message_send(senders, outgoing, TEST_MS);
    const sealring_notices_report line = {.size = sizeof line,
                                          .client = outgoing->name,
                                          .channel = (sealring_notice_channel)channel,
                                          .id = outgoing->message.id,
                                          .state = outgoing->result.outcome == SEND_DONE ? SEALRING_SEND_DONE
                                                                                         : SEALRING_SEND_RETRY,
                                          .text = outgoing->result.reason};
    return each(&line, context) == 0 ? SEALRING_OK : error_set(error, SEALRING_REFUSED, "stopped by the caller");
}

sealring_status sealring_notices_test(sealring_manager *manager, const char *client, sealring_notices_callback each,
                                      void *context, sealring_error *error)
{
    struct message_senders senders = {.config = NULL};
    struct outgoing_message *outgoing = calloc(1, sizeof *outgoing);
    if (outgoing == NULL)
        return error_no_memory(error);
    sealring_status status = prepare_test(manager, client, outgoing, &senders, error);
    if (status == SEALRING_OK) {
        outgoing->message.client = outgoing->name;
        outgoing->message.contact = outgoing->contact;
        outgoing->message.webhook = outgoing->settings.webhook;
        outgoing->message.now = clock_wall_ms();
        status = notice_text_make(&outgoing->message) ? SEALRING_OK : error_no_memory(error);
    }
    for (int channel = 1; status == SEALRING_OK && channel <= SEALRING_CHANNEL_HOOK; channel++)
        if (outgoing->settings.channels[channel])
            status = send_test(outgoing, &senders, channel, each, context, error);
    senders_close(&senders);
    compose_release(outgoing);
    free(outgoing);
    return status;
}
