/* SPDX-License-Identifier: Apache-2.0 */
/* One act, as it is entered in the audit log in the transaction that carries it out. */
#include "log/log_entry.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/foreign_text.h"
#include "log/leaf.h"
#include "log/log_tree.h"
#include "log/row_image.h"

void audit_detail(struct audit_act *act, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    json_decref(act->detail);
    act->detail = json_vpack_ex(NULL, 0, format, arguments);
    act->failed = act->detail == NULL;
    va_end(arguments);
}

json_t *audit_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    size_t size = outside_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, NULL, 0) + 1;
    char *escaped = malloc(size);
    if (escaped == NULL)
        return NULL;
    outside_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, escaped, size);
    value = json_string(escaped);
    free(escaped);
    return value;
}

void audit_detail_add(struct audit_act *act, const char *name, json_t *value)
{
    if (act->detail == NULL)
        act->detail = json_object();
    if (value == NULL || json_object_set_new(act->detail, name, value) != 0)
        act->failed = true;
}

json_t *audit_list_add(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static void take_row(enum registry_table table, const void *row, void *context)
{
    struct audit_rows *rows = context;
    json_t *image = image_of(table, row);
    size_t count = json_array_size(rows->images);
    bool again = count > 0 && image_is_of_same_row(table, image, json_array_get(rows->images, count - 1));
    if ((again ? json_array_set_new(rows->images, count - 1, image) : json_array_append_new(rows->images, image)) != 0)
        rows->failed = true;
}

void audit_rows_begin(struct audit_rows *rows, struct registry *registry)
{
    *rows = (struct audit_rows){.images = json_array()};
    rows->failed = rows->images == NULL;
    registry_watch_rows(registry, take_row, rows);
}

void audit_rows_end(struct audit_rows *rows, struct registry *registry, struct audit_act *act)
{
    registry_watch_rows(registry, NULL, NULL);
    if (rows->failed)
        act->failed = true;
    else if (json_array_size(rows->images) > 0)
        audit_detail_add(act, "rows", json_incref(rows->images));
    json_decref(rows->images);
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* Writes into an existing buffer: when json_dumps cannot allocate memory, jansson (2.14) may omit a member's name and continue. */
static char *text_of(const json_t *detail)
{
    static const size_t flags = JSON_COMPACT | JSON_SORT_KEYS;
    size_t length = json_dumpb(detail, NULL, 0, flags);
    char *text = length == 0 ? NULL : malloc(length + 1);
    if (text != NULL && json_dumpb(detail, text, length, flags) == length) {
        text[length] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

sealring_status audit_append(struct registry *registry, const uint8_t operation_id[REGISTRY_ID_SIZE], int64_t time,
                             const char *actor, const struct audit_act *act, sealring_error *error)
{
    char *detail = act->detail == NULL ? NULL : text_of(act->detail);
    if (act->failed || (act->detail != NULL && detail == NULL)) {
        free(detail);
        return error_set(error, SEALRING_SYSTEM, "the audit entry of %s cannot be made, so it is not done", act->name);
    }
    struct registry_audit entry = {
        .time = time,
        .actor = actor,
        .act = act->name,
        .ring = or_null(act->ring),
        .version = act->version,
        .key_id = or_null(act->key_id),
        .client = or_null(act->client),
        .detail = detail,
    };
    memcpy(entry.operation_id, operation_id, sizeof entry.operation_id);
    sealring_status status = registry_audit_size(registry, &entry.sequence, error);
    if (status == SEALRING_OK) {
        struct merkle_hash hash;
        entry.sequence++;
        leaf_hash(registry_vault_row(registry)->vault_id, &entry, &hash);
        memcpy(entry.leaf_hash, hash.bytes, sizeof entry.leaf_hash);
        status = registry_audit_append(registry, &entry, error);
    }
    if (status == SEALRING_OK)
        status = tree_grow(registry, entry.sequence, error);
    free(detail);
    return status;
}

void audit_release(struct audit_act *act)
{
    json_decref(act->detail);
    act->detail = NULL;
}
