/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats an act from its audit entry alone: the rows that it changed become what the act left. */
#include "manage/audit/redo_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/row_image.h"
#include "manage/audit/value_facts.h"

/* Acts on these objects always change rows, except two that only hand out existing credentials again. */
static bool must_have_rows(const char *act)
{
    static const char *const kinds[] = {"ring.", "version.", "client.", "key."};
    if (strcmp(act, "key.hand-over") == 0 || strcmp(act, "key.reissue") == 0)
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

/* Each function writes the row with the same functions as the act did, so that the consequences are the same, and then reads it back. A row that has
 * another number than in the entry is left as it is. */

static sealring_status redo_ring(struct registry *registry, struct registry_ring *row, bool *found,
                                 sealring_error *error)
{
    struct registry_ring present;
    sealring_status status = registry_ring_find(registry, row->name, &present, found, error);
    if (status == SEALRING_OK && !*found)
        status = registry_ring_insert(registry, row, error);
    else if (status == SEALRING_OK && present.id == row->id)
        status = registry_ring_update(registry, row, error);
    return status == SEALRING_OK ? registry_ring_find(registry, row->name, row, found, error) : status;
}

static sealring_status redo_version(struct registry *registry, struct registry_version *row, bool *found,
                                    sealring_error *error)
{
    struct registry_version present;
    sealring_status status = registry_version_find(registry, row->ring, row->number, &present, found, error);
    if (status == SEALRING_OK)
        status = *found ? registry_version_update(registry, row, error) : registry_version_insert(registry, row, error);
    return status == SEALRING_OK ? registry_version_find(registry, row->ring, row->number, row, found, error) : status;
}

/* No entry contains contacts: the contact in the backup stays, unless the client was to be forgotten. */
static sealring_status redo_client(struct registry *registry, struct registry_client *row, struct redo *redo,
                                   bool *found, sealring_error *error)
{
    struct registry_client present;
    sealring_status status = registry_client_find(registry, row->name, &present, found, error);
    if (status == SEALRING_OK && !*found) {
        note_client(redo, row->name);
        status = registry_client_insert(registry, row, error);
    } else if (status == SEALRING_OK && present.id == row->id) {
        if (row->forgotten == 0)
            memcpy(row->contact, present.contact, sizeof row->contact);
        status = registry_client_update(registry, row, error);
    }
    return status == SEALRING_OK ? registry_client_find(registry, row->name, row, found, error) : status;
}

static sealring_status redo_key(struct registry *registry, struct registry_key *row, bool *found, sealring_error *error)
{
    struct registry_key present;
    sealring_status status = registry_key_find(registry, row->key_id, &present, found, error);
    if (status == SEALRING_OK && !*found)
        status = registry_key_insert(registry, row, error);
    else if (status == SEALRING_OK && present.id == row->id)
        status = registry_key_update(registry, row, error);
    return status == SEALRING_OK ? registry_key_find(registry, row->key_id, row, found, error) : status;
}

static sealring_status redo_credential(struct registry *registry, struct registry_credential *row, bool *found,
                                       sealring_error *error)
{
    struct registry_credential present;
    sealring_status status = registry_credential_find(registry, row->key, row->serial, &present, found, error);
    if (status == SEALRING_OK)
        status = *found ? registry_credential_update(registry, row, error)
                        : registry_credential_insert(registry, row, error);
    return status == SEALRING_OK ? registry_credential_find(registry, row->key, row->serial, row, found, error)
                                 : status;
}

/* found: the row can be read back. */
static sealring_status redo_row(struct registry *registry, enum registry_table table, union image_row *row,
                                struct redo *redo, bool *found, sealring_error *error)
{
    switch (table) {
    case REGISTRY_TABLE_RING:
        return redo_ring(registry, &row->ring, found, error);
    case REGISTRY_TABLE_VERSION:
        return redo_version(registry, &row->version, found, error);
    case REGISTRY_TABLE_CLIENT:
        return redo_client(registry, &row->client, redo, found, error);
    case REGISTRY_TABLE_KEY:
        return redo_key(registry, &row->key, found, error);
    case REGISTRY_TABLE_CREDENTIAL:
        return redo_credential(registry, &row->credential, found, error);
    }
    return SEALRING_OK;
}

static sealring_status redo_image(struct registry *registry, const struct registry_audit *entry, json_t *image,
                                  struct redo *redo, sealring_error *error)
{
    enum registry_table table;
    union image_row row;
    char what[128];
    const char *problem = NULL;
    bool found = false;
    if (!image_read(image, &table, &row, &problem)) {
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
        status = value_facts_begin(registry, &made, error);
    json_decref(detail);
    return status;
}
