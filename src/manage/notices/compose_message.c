/* SPDX-License-Identifier: Apache-2.0 */
/* The next message to one client by one channel: which rows of the outbox it consists of, and what it contains. */
#include "manage/notices/compose_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/base62.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/writer.h"
#include "manage/notices/notice_events.h"
#include "manage/notices/notice_schedule.h"
#include "manage/notices/notice_text.h"
#include "registry/rows/client_notices.h"

#define ID_TAG      "sealring notice v1"
#define LATER_MS    INT64_C(3600000) /* while the client's settings are not those that were set */
#define UNSIGNED_MS INT64_C(60000)

/* ---- The client -------------------------------------------------------------------------------------------------------- */

static void drop_all(struct outgoing_message *outgoing)
{
    for (size_t i = 0; i < outgoing->row_count; i++)
        outgoing->fates[i] = OUTGOING_DROPPED;
}

static void refuse_altered(struct outgoing_message *outgoing, const char *what, int64_t now)
{
    outgoing->defer = now + LATER_MS;
    (void)snprintf(outgoing->alarm, sizeof outgoing->alarm,
                   "ALARM: the registry was altered: the %s of client %s is not the one that was set; it gets no "
                   "notices until both are set again (sealring client set %s --contact TEXT --notify CHANNELS)",
                   what, outgoing->name, outgoing->name);
}

/* *ready: it can be notified by this channel. */
static sealring_status read_client(sealring_manager *manager, struct outgoing_message *outgoing, int64_t now,
                                   bool *ready, sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_client client;
    struct registry_client_proof proof;
    enum client_state state = CLIENT_CONFIRMED;
    char text[NOTICE_TEXT_SIZE];
    bool found = false;
    *ready = false;
    sealring_status status = registry_notice_client(registry, outgoing->client, outgoing->name, &found, error);
    if (status == SEALRING_OK && found)
        status = registry_client_find(registry, outgoing->name, &client, &found, error);
    if (status == SEALRING_OK && found)
        status = registry_client_notices(registry, &client, &state, text, error);
    if (status == SEALRING_OK && found)
        status = registry_client_prove(registry, &client, &proof, error);
    if (status != SEALRING_OK)
        return status;
    if (!found || client.forgotten != 0) {
        drop_all(outgoing);
        return SEALRING_OK;
    }
    if (state != CLIENT_CONFIRMED || !notice_settings_read(text, &outgoing->settings)) {
        refuse_altered(outgoing, "text of settings for notices", now);
        return SEALRING_OK;
    }
    if (!outgoing->settings.channels[outgoing->channel]) {
        drop_all(outgoing);
        return SEALRING_OK;
    }
    if (outgoing->channel == SEALRING_CHANNEL_EMAIL && proof.contact != CLIENT_CONFIRMED) {
        refuse_altered(outgoing, "contact", now);
        return SEALRING_OK;
    }
    if (proof.contact == CLIENT_CONFIRMED)
        memcpy(outgoing->contact, client.contact, sizeof client.contact);
    *ready = true;
    return SEALRING_OK;
}

static sealring_status read_rows(struct registry *registry, struct outgoing_message *outgoing, sealring_error *error)
{
    struct registry_notice row;
    sealring_status status = SEALRING_OK;
    outgoing->row_count = 0;
    struct registry_cursor rows =
        registry_notices_of(registry, outgoing->client, outgoing->channel, NOTICE_ROWS_MAX, error);
    while (status == SEALRING_OK && registry_notice_read(&rows, &row))
        if (array_grow(&outgoing->rows, outgoing->row_count))
            outgoing->rows[outgoing->row_count++] = row;
        else
            status = error_no_memory(error);
    return registry_close_cursor(&rows, status);
}

static sealring_status read_all(sealring_manager *manager, struct outgoing_message *outgoing, int64_t now, bool *ready,
                                sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_rows(manager->registry, outgoing, error);
        if (status != SEALRING_OK)
            continue;
        free(outgoing->fates);
        outgoing->fates = calloc(outgoing->row_count + 1, sizeof *outgoing->fates);
        status = outgoing->fates != NULL ? read_client(manager, outgoing, now, ready, error) : error_no_memory(error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- Which rows belong together ------------------------------------------------------------------------------------------ */

static int64_t may_go_at(const struct outgoing_message *outgoing, const struct registry_notice *row, int64_t now)
{
    return notice_not_before(&outgoing->settings, notice_is_urgent((sealring_notice_event)row->event), row->at, now);
}

static bool is_of_group(const struct outgoing_message *outgoing, const struct registry_notice *head,
                        const struct registry_notice *row)
{
    bool urgent = notice_is_urgent((sealring_notice_event)row->event);
    if (outgoing->settings.digest > 0 && !notice_is_urgent((sealring_notice_event)head->event))
        return !urgent;
    return row->event == head->event && row->ring == head->ring && row->version == head->version &&
           row->threshold == head->threshold;
}

/* What was put together once stays so, as the receiver may have got it. Nothing is sent before it, so that a client gets its notices in order. */
static bool choose_again(struct outgoing_message *outgoing, int64_t now)
{
    const struct registry_notice *head = NULL;
    for (size_t i = 0; i < outgoing->row_count && head == NULL; i++)
        if (outgoing->rows[i].is_in_message)
            head = &outgoing->rows[i];
    if (head == NULL)
        return false;
    if (head->due > now) {
        outgoing->defer = head->due;
        return true;
    }
    for (size_t i = 0; i < outgoing->row_count; i++)
        if (outgoing->rows[i].is_in_message &&
            memcmp(outgoing->rows[i].message, head->message, sizeof head->message) == 0)
            outgoing->fates[i] = OUTGOING_SENT;
    hex_encode(head->message, sizeof head->message, outgoing->message.id);
    return true;
}

/* The first row that may be sent, with those that belong to it. */
static void choose_new(struct outgoing_message *outgoing, int64_t now)
{
    const struct registry_notice *head = NULL;
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < outgoing->row_count; i++) {
        const struct registry_notice *row = &outgoing->rows[i];
        int64_t time = may_go_at(outgoing, row, now);
        if (time <= now && (head == NULL || is_of_group(outgoing, head, row))) {
            head = head != NULL ? head : row;
            outgoing->fates[i] = OUTGOING_SENT;
        }
        first = time < first ? time : first;
    }
    if (head == NULL)
        outgoing->defer = first;
}

/* ---- What they report ---------------------------------------------------------------------------------------------------- */

static sealring_status derive_row(sealring_manager *manager, const struct outgoing_message *outgoing,
                                  const struct registry_notice *row, int64_t now, struct registry_vault *vault,
                                  struct notice_subject *subject, enum notice_truth *truth, sealring_error *error)
{
    sealring_status status;
    *subject = (struct notice_subject){.count = 0};
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        free(subject->holders);
        *subject = (struct notice_subject){.count = 0};
        if (!registry_begin(&reading, &status))
            continue;
        *vault = *registry_vault_row(manager->registry);
        status = notice_derive_subject(manager, row, outgoing->name, now, NOTICE_KEYS_MAX - outgoing->message.count,
                                       subject, truth, error);
    } while (registry_again(&reading, &status));
    return status;
}

static void report_false(struct outgoing_message *outgoing, const struct registry_notice *row, const char *why)
{
    (void)snprintf(outgoing->alarm, sizeof outgoing->alarm,
                   "ALARM: the registry was altered: a notice to client %s (%s, version %u) %s; it was not sent",
                   outgoing->name, sealring_notice_event_name((sealring_notice_event)row->event), row->version, why);
}

static sealring_status report_row(sealring_manager *manager, struct outgoing_message *outgoing, size_t index,
                                  int64_t now, sealring_error *error)
{
    struct registry_notice *row = &outgoing->rows[index];
    struct notice_message *message = &outgoing->message;
    struct notice_subject subject;
    struct registry_vault vault;
    enum notice_truth truth = NOTICE_FALSE;
    size_t count = 0, refused = 0;
    sealring_status status = derive_row(manager, outgoing, row, now, &vault, &subject, &truth, error);
    if (status == SEALRING_OK && truth == NOTICE_TRUE)
        status =
            notice_confirm(manager, &vault, row, &subject, outgoing->notices + message->count, &count, &refused, error);
    if (status == SEALRING_OK && refused > 0)
        report_false(outgoing, row, "is about an API key that the token does not confirm to be its");
    if (truth == NOTICE_FALSE)
        report_false(outgoing, row, "follows from no entry of the log and no fact");
    if (truth == NOTICE_UNSIGNED) {
        outgoing->fates[index] = OUTGOING_STAYS;
        outgoing->defer = now + UNSIGNED_MS;
    } else if (truth != NOTICE_TRUE || (count == 0 && subject.count > 0)) {
        outgoing->fates[index] = OUTGOING_DROPPED;
    } else {
        message->count += count;
        message->total += count + (subject.total - subject.count);
    }
    free(subject.holders);
    return status;
}

/* The first 16 bytes of a hash over the vault and what distinguishes the first row from all others. */
static void make_id(const struct registry_vault *vault, const struct outgoing_message *outgoing,
                    const struct registry_notice *row, char id[NOTICE_ID_SIZE])
{
    uint8_t bytes[512], hash[SHA256_SIZE];
    struct writer writer;
    writer_init(&writer, bytes, sizeof bytes);
    writer_bytes(&writer, ID_TAG, sizeof ID_TAG);
    writer_bytes(&writer, vault->vault_id, sizeof vault->vault_id);
    writer_field(&writer, outgoing->name, strlen(outgoing->name));
    writer_u8(&writer, (uint8_t)row->channel);
    writer_u8(&writer, (uint8_t)row->event);
    writer_u64(&writer, (uint64_t)row->ring);
    writer_u32(&writer, row->version);
    writer_field(&writer, row->key_id, strlen(row->key_id));
    writer_u32(&writer, row->serial);
    writer_u64(&writer, (uint64_t)row->threshold);
    writer_u64(&writer, row->entry);
    sha256(bytes, writer.length, hash);
    hex_encode(hash, REGISTRY_MESSAGE_SIZE, id);
}

static sealring_status write_message(sealring_manager *manager, struct outgoing_message *outgoing, int64_t now,
                                     sealring_error *error)
{
    struct notice_message *message = &outgoing->message;
    struct registry_vault vault;
    sealring_status status = manager_read_vault(manager, &vault, error);
    for (size_t i = 0; message->id[0] == '\0' && i < outgoing->row_count; i++)
        if (outgoing->fates[i] == OUTGOING_SENT)
            make_id(&vault, outgoing, &outgoing->rows[i], message->id);
    message->channel = (sealring_notice_channel)outgoing->channel;
    message->notices = outgoing->notices;
    message->client = outgoing->name;
    message->contact = outgoing->contact;
    message->webhook = outgoing->settings.webhook;
    message->now = now;
    outgoing->sends = true;
    return status == SEALRING_OK && !notice_text_make(message) ? error_no_memory(error) : status;
}

sealring_status compose_message(sealring_manager *manager, struct outgoing_message *outgoing, int64_t now,
                                sealring_error *error)
{
    bool ready = false;
    sealring_status status = read_all(manager, outgoing, now, &ready, error);
    if (status != SEALRING_OK || !ready)
        return status;
    if (!choose_again(outgoing, now))
        choose_new(outgoing, now);
    outgoing->notices = calloc(NOTICE_KEYS_MAX + 1, sizeof *outgoing->notices);
    if (outgoing->notices == NULL)
        return error_no_memory(error);
    for (size_t i = 0; status == SEALRING_OK && i < outgoing->row_count; i++)
        if (outgoing->fates[i] == OUTGOING_SENT)
            status = report_row(manager, outgoing, i, now, error);
    return status == SEALRING_OK && outgoing->message.count > 0 ? write_message(manager, outgoing, now, error) : status;
}

void compose_release(struct outgoing_message *outgoing)
{
    notice_text_release(&outgoing->message);
    free(outgoing->rows);
    free(outgoing->fates);
    free(outgoing->notices);
}
