/* SPDX-License-Identifier: Apache-2.0 */
/* Leaks that nobody has acted on: listed, and acknowledged. */
#include "manage/leaks/leak_list.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/array.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "manage/keys/keys.h"
#include "registry/log/log_rows.h"

static void copy(const char *from, char *to, size_t size)
{
    to[0] = '\0';
    if (from != NULL)
        strncat(to, from, size - 1);
}

static void read_entry(const struct registry_audit *entry, struct open_leak *leak)
{
    json_t *detail = json_loads(entry->detail != NULL ? entry->detail : "", 0, NULL);
    *leak = (struct open_leak){.entry = entry->sequence, .time = entry->time, .version = entry->version};
    leak->serial = (uint32_t)json_integer_value(json_object_get(detail, "serial"));
    copy(entry->key_id, leak->key_id, sizeof leak->key_id);
    copy(entry->ring, leak->ring, sizeof leak->ring);
    copy(entry->client, leak->client, sizeof leak->client);
    copy(json_string_value(json_object_get(detail, "url")), leak->url, sizeof leak->url);
    copy(json_string_value(json_object_get(detail, "source")), leak->source, sizeof leak->source);
    copy(json_string_value(json_object_get(detail, "done")), leak->done, sizeof leak->done);
    json_decref(detail);
}

static bool matches(const struct open_leak *leak, const char *ring, const char *key_id)
{
    return (ring == NULL || strcmp(leak->ring, ring) == 0) && (key_id == NULL || strcmp(leak->key_id, key_id) == 0);
}

sealring_status leaks_read(struct registry *registry, const char *ring, const char *key_id, struct open_leaks *list,
                           sealring_error *error)
{
    struct registry_audit entry;
    struct open_leak leak;
    sealring_status status = SEALRING_OK;
    struct registry_cursor entries = registry_leaks_open(registry, error);
    list->count = 0;
    while (status == SEALRING_OK && registry_audit_next(&entries, &entry)) {
        read_entry(&entry, &leak);
        if (!matches(&leak, ring, key_id))
            continue;
        if (array_grow(&list->items, list->count))
            list->items[list->count++] = leak;
        else
            status = error_no_memory(error);
    }
    return registry_close_cursor(&entries, status);
}

void leaks_free(struct open_leaks *list)
{
    free(list->items);
    *list = (struct open_leaks){.count = 0};
}

sealring_status sealring_leak_list(sealring_manager *manager, const char *ring, sealring_leak_callback each,
                                   void *context, sealring_error *error)
{
    struct open_leaks list = {.count = 0};
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = leaks_read(manager->registry, ring, NULL, &list, error);
    } while (registry_again(&reading, &status));
    for (size_t i = 0; status == SEALRING_OK && i < list.count; i++) {
        const struct open_leak *leak = &list.items[i];
        const sealring_leak_info info = {.entry = leak->entry,
                                         .time = leak->time,
                                         .key_id = leak->key_id,
                                         .ring = leak->ring,
                                         .client = leak->client,
                                         .version = leak->version,
                                         .serial = leak->serial,
                                         .url = leak->url,
                                         .source = leak->source,
                                         .done = leak->done};
        if (each(&info, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    leaks_free(&list);
    return status;
}

static sealring_status acknowledge(struct registry *registry, const char *key_id, const char *reason,
                                   struct audit_act *act, sealring_error *error)
{
    struct registry_holder holder;
    struct open_leaks list = {.count = 0};
    sealring_status status = key_get(registry, key_id, &holder, error);
    if (status == SEALRING_OK)
        status = leaks_read(registry, NULL, key_id, &list, error);
    if (status == SEALRING_OK && list.count == 0)
        status =
            error_set(error, SEALRING_NOT_FOUND, "no leak of API key %s is open: see `sealring leaks list`", key_id);
    if (status == SEALRING_OK) {
        key_record(act, &holder);
        audit_detail(act, "{s:I, s:s?}", "reports", (json_int_t)list.count, "reason", reason);
    }
    leaks_free(&list);
    return status;
}

sealring_status sealring_leak_acknowledge(sealring_manager *manager, const char *key_id, const char *reason,
                                          sealring_error *error)
{
    struct audit_act act = {.name = "key.acknowledge"};
    sealring_status status = manager_check_reason(reason, error);
    if (status == SEALRING_OK)
        status = manager_begin(manager, "leaks ack", false, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, false, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = acknowledge(manager->registry, key_id, reason, &act, error);
    } while (commit_again(&commit, &status));
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}
