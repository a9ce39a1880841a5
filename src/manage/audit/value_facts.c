/* SPDX-License-Identifier: Apache-2.0 */
/* The facts with which a registry of an older schema begins to record the values of API keys. */
#include "manage/audit/value_facts.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/current_rows.h"

/* The new label by an entry about that; NULL: an older sealring wrote the entry without it. */
static json_t *read_label(const struct registry_audit *entry)
{
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *label = json_incref(json_object_get(detail, "after"));
    json_decref(detail);
    return label;
}

/* Of each API key whose label was changed, by its key ID, the label after the last change; null where the log does not contain it. */
static sealring_status read_labels(struct registry *registry, json_t *labels, sealring_error *error)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .act = "key.label"};
    struct registry_audit entry;
    sealring_status status = SEALRING_OK;
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    while (status == SEALRING_OK && registry_audit_next(&entries, &entry)) {
        if (entry.key_id == NULL)
            continue;
        json_t *label = read_label(&entry);
        if (json_object_set_new(labels, entry.key_id, label != NULL ? label : json_null()) != 0)
            status = error_no_memory(error);
    }
    return registry_close_cursor(&entries, status);
}

/* The API keys that get a fact, as they are now and, as far as facts differ from that, as they were issued. */
struct valued_key {
    struct registry_key issued, now;
};
struct valued_keys {
    struct valued_key *items;
    size_t count;
};

/* The bounds that end the credentials as their rows do. Rekeying has given each older credential an end that is not later than those of newer ones. */
struct ended_key {
    int64_t id;
    struct key_ends ends;
};
struct ended_keys {
    struct ended_key *items; /* in the order of IDs */
    size_t count;
    size_t next; /* the first whose key was not read yet */
};

static sealring_status take_end(struct ended_keys *ended, const struct registry_credential *row, int64_t now,
                                sealring_error *error)
{
    struct ended_key *key = ended->count > 0 ? &ended->items[ended->count - 1] : NULL;
    if (key == NULL || key->id != row->key) {
        if (!array_grow(&ended->items, ended->count))
            return error_no_memory(error);
        key = &ended->items[ended->count++];
        *key = (struct ended_key){.id = row->key};
    }
    if (ends_add(&key->ends, row->serial, row->retire_at, now))
        return SEALRING_OK;
    return error_set(
        error, SEALRING_REFUSED,
        "the credentials of an API key have more than %d different ends, which are not past: of that with the "
        "row number %" PRId64 ": end all at once (sealring key rekey KEY-ID --overlap 0s), and upgrade then",
        KEY_ENDS_MAX, row->key);
}

static sealring_status read_ends(struct registry *registry, int64_t now, struct ended_keys *ended,
                                 sealring_error *error)
{
    struct registry_credential row;
    sealring_status status = SEALRING_OK;
    struct registry_cursor credentials = registry_ended_credentials(registry, error);
    while (status == SEALRING_OK && registry_credential_next(&credentials, &row))
        status = take_end(ended, &row, now, error);
    return registry_close_cursor(&credentials, status);
}

/* Keys are read in the order of their IDs, too. */
static void set_ends(struct ended_keys *ended, struct registry_key *key)
{
    while (ended->next < ended->count && ended->items[ended->next].id < key->id)
        ended->next++;
    if (ended->next < ended->count && ended->items[ended->next].id == key->id)
        key->ends = ended->items[ended->next].ends;
}

static sealring_status take_key(struct valued_keys *keys, const struct registry_key *key, const json_t *label,
                                struct value_facts *made, sealring_error *error)
{
    const char *changed = json_string_value(label);
    bool relabelled = changed != NULL && strcmp(changed, key->label) == 0;
    if (key->state == SEALRING_KEY_REVOKED)
        return SEALRING_OK;
    made->unsure += label != NULL && !relabelled;
    if (!relabelled && key->state == SEALRING_KEY_ACTIVE && !key->narrowed && key->ends.count == 0)
        return SEALRING_OK;
    if (!array_grow(&keys->items, keys->count))
        return error_no_memory(error);
    struct valued_key *valued = &keys->items[keys->count++];
    valued->now = valued->issued = *key;
    valued->issued.state = SEALRING_KEY_ACTIVE;
    valued->issued.narrowed = false;
    valued->issued.narrowed_scopes[0] = '\0';
    valued->issued.ends = (struct key_ends){.count = 0};
    if (relabelled)
        valued->issued.label[0] = '\0'; /* another one than now; which one makes no difference */
    made->labels += relabelled;
    return SEALRING_OK;
}

static sealring_status read_keys(struct registry *registry, struct ended_keys *ended, struct valued_keys *valued,
                                 struct value_facts *made, sealring_error *error)
{
    struct registry_key key;
    json_t *labels = json_object();
    sealring_status status = labels != NULL ? read_labels(registry, labels, error) : error_no_memory(error);
    if (status != SEALRING_OK) {
        json_decref(labels);
        return status;
    }
    struct registry_cursor keys = registry_keys(registry, error);
    while (status == SEALRING_OK && registry_key_next(&keys, &key)) {
        set_ends(ended, &key);
        status = take_key(valued, &key, json_object_get(labels, key.key_id), made, error);
    }
    json_decref(labels);
    return registry_close_cursor(&keys, status);
}

sealring_status value_facts_begin(struct registry *registry, int64_t now, struct value_facts *made,
                                  sealring_error *error)
{
    struct valued_keys keys = {.count = 0};
    struct ended_keys ended = {.count = 0};
    *made = (struct value_facts){.count = 0};
    sealring_status status = read_ends(registry, now, &ended, error);
    if (status == SEALRING_OK)
        status = read_keys(registry, &ended, &keys, made, error);
    free(ended.items);
    if (status == SEALRING_OK)
        status = registry_begin_facts(registry, error);
    for (size_t i = 0; status == SEALRING_OK && i < keys.count; i++)
        status = closed_note_key(registry, &keys.items[i].issued, &keys.items[i].now, error);
    made->count = keys.count;
    free(keys.items);
    return status;
}
