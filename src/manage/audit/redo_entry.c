/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats an act from its audit entry alone: the rows that it changed become what the act left. */
#include "manage/audit/redo_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/row_image.h"
#include "manage/audit/value_facts.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"

/* Acts on these objects always change rows, except those that only hand out existing credentials again, and those about a leak. */
static bool must_have_rows(const char *act)
{
    static const char *const kinds[] = {"ring.", "version.", "client.", "key."};
    static const char *const without[] = {"key.hand-over", "key.reissue",     "key.renew",
                                          "key.leak",      "key.acknowledge", "key.claim"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (strcmp(act, without[i]) == 0)
            return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(act, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

static sealring_status refuse(const struct registry_audit *entry, const char *what, sealring_error *error)
{
    return error_set(error, SEALRING_REFUSED, "entry %" PRIu64 " (%.64s) cannot be done again: %s", entry->sequence,
                     entry->act, what);
}

static void note_client(struct redo *redo, const char *name)
{
    size_t length = strlen(redo->names);
    redo->clients++;
    if (length + strlen(name) + 8 < sizeof redo->names)
        snprintf(redo->names + length, sizeof redo->names - length, "%s%s", length > 0 ? ", " : "", name);
}

/* With its ends and networks, which only facts contain. */
static sealring_status find_key(struct registry *registry, const char *key_id, struct registry_key *key, bool *found,
                                sealring_error *error)
{
    sealring_status status = registry_key_find(registry, key_id, key, found, error);
    return status == SEALRING_OK && *found ? registry_key_follow_closed(registry, key, error) : status;
}

/* The row that has the name of `row`, or its number and serial. */
static sealring_status find_row(struct registry *registry, enum registry_table table, const union image_row *row,
                                union image_row *present, bool *found, sealring_error *error)
{
    switch (table) {
    case REGISTRY_TABLE_RING:
        return registry_ring_find(registry, row->ring.name, &present->ring, found, error);
    case REGISTRY_TABLE_VERSION:
        return registry_version_find(registry, row->version.ring, row->version.number, &present->version, found, error);
    case REGISTRY_TABLE_CLIENT:
        return registry_client_find(registry, row->client.name, &present->client, found, error);
    case REGISTRY_TABLE_KEY:
        return find_key(registry, row->key.key_id, &present->key, found, error);
    case REGISTRY_TABLE_CREDENTIAL:
        return registry_credential_find(registry, row->credential.key, row->credential.serial, &present->credential,
                                        found, error);
    }
    return SEALRING_OK;
}

/* By the same functions as the act, so that the consequences are the same. present: NULL to insert; a row that has another number than in the entry
 * is left as it is. */
static sealring_status write_row(struct registry *registry, enum registry_table table, union image_row *row,
                                 const union image_row *present, sealring_error *error)
{
    switch (table) {
    case REGISTRY_TABLE_RING:
        if (present == NULL)
            return registry_ring_insert(registry, &row->ring, error);
        return present->ring.id == row->ring.id ? registry_ring_update(registry, &row->ring, error) : SEALRING_OK;
    case REGISTRY_TABLE_VERSION:
        return present == NULL ? registry_version_insert(registry, &row->version, error)
                               : registry_version_update(registry, &row->version, error);
    case REGISTRY_TABLE_CLIENT:
        if (present == NULL)
            return registry_client_insert(registry, &row->client, error);
        return present->client.id == row->client.id ? registry_client_update(registry, &row->client, error)
                                                    : SEALRING_OK;
    case REGISTRY_TABLE_KEY:
        if (present == NULL)
            return registry_key_insert(registry, &row->key, error);
        return present->key.id == row->key.id ? registry_key_update(registry, &row->key, error) : SEALRING_OK;
    case REGISTRY_TABLE_CREDENTIAL:
        return present == NULL ? registry_credential_insert(registry, &row->credential, error)
                               : registry_credential_update(registry, &row->credential, error);
    }
    return SEALRING_OK;
}

/* No entry contains contacts. The one that is there is kept, unless the act set another. */
static void keep_contact(struct redo *redo, const struct registry_client *present, struct registry_client *client)
{
    if (memcmp(present->contact_hash, client->contact_hash, sizeof client->contact_hash) != 0) {
        note_client(redo, client->name);
        return;
    }
    memcpy(client->contact, present->contact, sizeof client->contact);
    memcpy(client->salt, present->salt, sizeof client->salt);
}

/* Writes the row, and reads it back; found: it can be. */
static sealring_status redo_row(struct registry *registry, enum registry_table table, union image_row *row,
                                struct redo *redo, bool *found, sealring_error *error)
{
    union image_row present;
    sealring_status status = find_row(registry, table, row, &present, found, error);
    if (status != SEALRING_OK)
        return status;
    if (table == REGISTRY_TABLE_CLIENT && !*found)
        note_client(redo, row->client.name);
    else if (table == REGISTRY_TABLE_CLIENT && row->client.forgotten == 0)
        keep_contact(redo, &present.client, &row->client);
    status = write_row(registry, table, row, *found ? &present : NULL, error);
    return status == SEALRING_OK ? find_row(registry, table, row, row, found, error) : status;
}

static sealring_status redo_image(struct registry *registry, const struct registry_audit *entry, json_t *image,
                                  struct redo *redo, sealring_error *error)
{
    enum registry_table table;
    union image_row row;
    char what[128];
    const char *problem = NULL;
    bool found = false;
    if (!image_complete(image) || !image_read(image, &table, &row, &problem)) {
        snprintf(what, sizeof what, "this version of sealring does not understand its rows (%.64s)", problem);
        return refuse(entry, what, error);
    }
    sealring_status status = redo_row(registry, table, &row, redo, &found, error);
    if (status != SEALRING_OK)
        return status;
    json_t *again = found ? image_of(table, &row) : NULL;
    bool same = json_equal(again, image) == 1;
    json_decref(again);
    return same ? SEALRING_OK
                : refuse(entry, "a row would not be what the act made it, or would have another number", error);
}

/* The second step of an upgrade changes no row. */
static bool begins_facts(const struct registry_audit *entry, const json_t *detail)
{
    return strcmp(entry->act, "vault.upgrade") == 0 && json_object_get(detail, "facts") != NULL;
}

/* The fact, unless the old key was lost and signed nothing; and the row. */
static sealring_status redo_key_change(struct registry *registry, const struct registry_audit *entry,
                                       const json_t *detail, sealring_error *error)
{
    struct registry_key_change change = {.size = 0};
    const char *old_key = json_string_value(json_object_get(detail, "old_key"));
    const char *new_key = json_string_value(json_object_get(detail, "new_key"));
    const json_t *from = json_object_get(detail, "from");
    if (old_key == NULL || new_key == NULL || strlen(old_key) >= sizeof change.old_key ||
        strlen(new_key) >= sizeof change.new_key)
        return refuse(entry, "it does not name both keys", error);
    memcpy(change.old_key, old_key, strlen(old_key) + 1);
    memcpy(change.new_key, new_key, strlen(new_key) + 1);
    change.size = (uint64_t)json_integer_value(from);
    sealring_status status = from != NULL ? registry_key_change_add(registry, &change, error) : SEALRING_OK;
    return status == SEALRING_OK ? registry_audit_key_insert(registry, new_key, entry->time, error) : status;
}

sealring_status redo_entry(struct registry *registry, const struct registry_audit *entry, struct redo *redo,
                           sealring_error *error)
{
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *rows = json_object_get(detail, "rows");
    json_t *image = NULL;
    struct value_facts made;
    size_t index = 0;
    sealring_status status = SEALRING_OK;
    if (entry->detail != NULL && detail == NULL)
        status = refuse(entry, "its detail is no JSON", error);
    else if (json_array_size(rows) == 0 && must_have_rows(entry->act))
        status = refuse(entry, "it does not contain the rows that it changed, so an older sealring wrote it", error);
    json_array_foreach(rows, index, image)
    {
        if (status == SEALRING_OK)
            status = redo_image(registry, entry, image, redo, error);
    }
    if (status == SEALRING_OK && begins_facts(entry, detail))
        status = value_facts_begin(registry, entry->time, &made, error);
    if (status == SEALRING_OK && strcmp(entry->act, "audit.key") == 0)
        status = redo_key_change(registry, entry, detail, error);
    json_decref(detail);
    return status;
}
