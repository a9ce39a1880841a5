/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the rows as their acts left them with the rows as they are. */
#include "manage/audit/compare_rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/row_image.h"
#include "manage/audit/client_proofs.h"
#include "manage/audit/row_text.h"
#include "registry/rows/current_rows.h"

__attribute__((format(printf, 2, 3))) static void tell(const struct retrace *retrace, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (retrace->problem != NULL)
        retrace->problem(0, text, retrace->context);
}

static void tell_removed(const struct retrace *retrace, enum registry_table table, const json_t *image)
{
    char what[ROW_TEXT_NAME_SIZE];
    row_text_name(table, image, NULL, what);
    tell(retrace, "%s is in the log, and has no row: it was removed", what);
}

/* ---- One row ---- */

/* Adds one line for a row, about the first member that differs; members that depend on it differ as well. */
static bool tell_member(const struct retrace *retrace, enum registry_table table, const char *what, const char *member,
                        const json_t *is, const json_t *was)
{
    char row[ROW_TEXT_VALUE_SIZE], log[ROW_TEXT_VALUE_SIZE];
    if (is == was || (is != NULL && was != NULL && json_equal(is, was)))
        return false;
    row_text_value(table, member, is, row);
    row_text_value(table, member, was, log);
    tell(retrace, "%s: its row has %s %s, the log has %s: it was altered", what, member, row, log);
    return true;
}

static void compare_images(const struct retrace *retrace, enum registry_table table, const char *what, json_t *now,
                           json_t *image)
{
    static const char *const first[] = {"state", "narrowed", "narrowed_scopes", "replaced", "retire_at", NULL};
    const char *member;
    json_t *value;
    bool told = false;
    json_int_t state = json_integer_value(json_object_get(now, "state"));
    /* a closed version that should be open contradicts the closed facts, and is reported there */
    if (table == REGISTRY_TABLE_VERSION && state >= SEALRING_VERSION_RETIRED &&
        state != json_integer_value(json_object_get(image, "state")))
        return;
    json_object_del(now, "closing_owed"); /* of a version: it is written apart from the act */
    json_object_del(image, "closing_owed");
    json_object_del(image,
                    "ends"); /* of an API key: no column contains them, and those of its credentials are compared */
    json_object_del(image, "networks"); /* likewise: a fact alone contains them */
    json_object_del(image, "holders");
    json_object_del(image, "claim");
    for (size_t i = 0; !told && first[i] != NULL; i++)
        told = tell_member(retrace, table, what, first[i], json_object_get(now, first[i]),
                           json_object_get(image, first[i]));
    json_object_foreach(image, member, value) told =
        told || tell_member(retrace, table, what, member, json_object_get(now, member), value);
    json_object_foreach(now, member, value) told =
        told || tell_member(retrace, table, what, member, value, json_object_get(image, member));
}

/* Compares a row with its image in the log, which is then emptied: the images that remain have no row. ring: of a version, its name. */
static sealring_status compare_row(const struct retrace *retrace, enum registry_table table, const void *row,
                                   const char *ring, sealring_error *error)
{
    char what[ROW_TEXT_NAME_SIZE];
    json_t *now = image_of(table, row);
    if (now == NULL)
        return error_no_memory(error);
    json_t *image = retrace_find(retrace, table, now);
    row_text_name(table, now, ring, what);
    if (image == NULL)
        tell(retrace, "%s has a row, and the log knows of none: it was added", what);
    else
        compare_images(retrace, table, what, now, image);
    json_object_clear(image);
    json_decref(now);
    return SEALRING_OK;
}

static void tell_rest(const struct retrace *retrace, enum registry_table table)
{
    const char *name;
    json_t *image;
    json_object_foreach(retrace->images[table], name, image) if (json_object_size(image) > 0)
        tell_removed(retrace, table, image);
}

/* Clients and credentials, of which the log keeps few: finds the row of each image. */
static sealring_status compare_image(const struct retrace *retrace, enum registry_table table, json_t *image,
                                     sealring_error *error)
{
    struct registry *registry = retrace->registry;
    union image_row row;
    const char *problem;
    sealring_status status = SEALRING_OK;
    bool found = false;
    if (!image_read(image, &table, &row, &problem))
        return SEALRING_OK;
    if (table == REGISTRY_TABLE_CLIENT)
        status = registry_client_find(registry, row.client.name, &row.client, &found, error);
    else
        status = registry_credential_find(registry, row.credential.key, row.credential.serial, &row.credential, &found,
                                          error);
    if (status == SEALRING_OK && !found)
        tell_removed(retrace, table, image);
    return status == SEALRING_OK && found ? compare_row(retrace, table, &row, NULL, error) : status;
}

static sealring_status compare_each(const struct retrace *retrace, enum registry_table table, sealring_error *error)
{
    const char *name;
    json_t *image;
    sealring_status status = SEALRING_OK;
    json_object_foreach(retrace->images[table], name, image) status =
        status == SEALRING_OK ? compare_image(retrace, table, image, error) : status;
    return status;
}

/* ---- Keys and their credentials ---- */

static bool is_same_key(const struct registry_key *row, const struct registry_key *log)
{
    return row->state == log->state && !row->narrowed && row->narrowed_scopes[0] == '\0' && row->ring == log->ring &&
           row->client == log->client && row->created == log->created && row->last_serial == log->last_serial &&
           strcmp(row->key_id, log->key_id) == 0 && strcmp(row->label, log->label) == 0;
}

/* The entries that issued the API key in this row were not retraced. */
static bool is_archived(const struct retrace *retrace, int64_t key)
{
    return retrace->cut > 0 && key <= retrace->last_key;
}

/* log: the key as the log has it, simply active; NULL: the log has no key in this row. */
static sealring_status compare_key(const struct retrace *retrace, const struct registry_key *row,
                                   const struct registry_key *log, sealring_error *error)
{
    json_t *images = retrace->images[REGISTRY_TABLE_KEY];
    bool listed = json_object_get(images, row->key_id) != NULL;
    if (!listed && log == NULL && is_archived(retrace, row->id))
        return SEALRING_OK;
    if (!listed && log != NULL && is_same_key(row, log))
        return SEALRING_OK;
    if (!listed && (row->state == SEALRING_KEY_SUSPENDED || (row->narrowed && row->state != SEALRING_KEY_REVOKED))) {
        tell(retrace, "API key %s: its row is %s, the log has no such act: it was altered", row->key_id,
             row->narrowed ? "narrowed" : "suspended");
        return SEALRING_OK;
    }
    if (!listed && log == NULL && retrace->lacks_rows)
        return SEALRING_OK;
    if (!listed && log != NULL && json_object_set_new(images, row->key_id, image_of(REGISTRY_TABLE_KEY, log)) != 0)
        return error_no_memory(error);
    return compare_row(retrace, REGISTRY_TABLE_KEY, row, NULL, error);
}

/* Reports the keys of the log from *place on, up to the one in row `id`; false: there is none. */
static bool find_key(const struct retrace *retrace, int64_t id, size_t *place, struct registry_key *log)
{
    const struct issued_keys *issued = &retrace->issued;
    for (; *place < issued->count; ++*place) {
        issued_keys_at(issued, *place, log);
        if (log->id >= id)
            break;
        if (json_object_get(retrace->images[REGISTRY_TABLE_KEY], log->key_id) == NULL)
            tell(retrace, "API key %s is in the log, and has no row: it was removed", log->key_id);
    }
    bool found = *place < issued->count && log->id == id;
    *place += found;
    return found;
}

/* Rows and the log's keys are both in the order of row numbers. */
static sealring_status compare_all_keys(const struct retrace *retrace, sealring_error *error)
{
    struct registry_key row, log;
    size_t place = 0;
    sealring_status status = SEALRING_OK;
    struct registry_cursor keys = registry_keys(retrace->registry, error);
    while (status == SEALRING_OK && registry_key_next(&keys, &row)) {
        bool found = find_key(retrace, row.id, &place, &log);
        status = compare_key(retrace, &row, found ? &log : NULL, error);
    }
    status = registry_close_cursor(&keys, status);
    if (status != SEALRING_OK)
        return status;
    (void)find_key(retrace, INT64_MAX, &place, &log);
    tell_rest(retrace, REGISTRY_TABLE_KEY);
    return SEALRING_OK;
}

/* An end that no act has set. */
static sealring_status compare_ends(const struct retrace *retrace, sealring_error *error)
{
    struct registry_credential row;
    char what[ROW_TEXT_NAME_SIZE];
    sealring_status status = SEALRING_OK;
    struct registry_cursor credentials = registry_ended_credentials(retrace->registry, error);
    while (status == SEALRING_OK && registry_credential_next(&credentials, &row)) {
        json_t *now = image_of(REGISTRY_TABLE_CREDENTIAL, &row);
        row_text_name(REGISTRY_TABLE_CREDENTIAL, now, NULL, what);
        if (now == NULL)
            status = error_no_memory(error);
        else if (!is_archived(retrace, row.key) && retrace_find(retrace, REGISTRY_TABLE_CREDENTIAL, now) == NULL)
            tell(retrace, "%s: its row has an end, the log has no such act: it was altered", what);
        json_decref(now);
    }
    return registry_close_cursor(&credentials, status);
}

static sealring_status compare_imports(const struct retrace *retrace, sealring_error *error)
{
    struct registry_key key;
    struct registry_cursor keys = registry_unended_imports(retrace->registry, error);
    while (registry_key_next(&keys, &key))
        tell(retrace, "API key %s: its imported credential has a successor and no end: the row was altered",
             key.key_id);
    return registry_close_cursor(&keys, SEALRING_OK);
}

/* A key is inserted with a credential, whose row stays: one that was moved to another key is missed here, whatever is counted in total. */
static sealring_status compare_bare(const struct retrace *retrace, sealring_error *error)
{
    struct registry_key key;
    struct registry_cursor keys = registry_bare_keys(retrace->registry, error);
    while (registry_key_next(&keys, &key))
        tell(retrace, "API key %s: it has no credential: the row was moved to another API key", key.key_id);
    return registry_close_cursor(&keys, SEALRING_OK);
}

static sealring_status compare_keys(const struct retrace *retrace, sealring_error *error)
{
    uint64_t count = 0;
    sealring_status status = compare_all_keys(retrace, error);
    if (status == SEALRING_OK)
        status = compare_each(retrace, REGISTRY_TABLE_CREDENTIAL, error);
    if (status == SEALRING_OK)
        status = compare_ends(retrace, error);
    if (status == SEALRING_OK)
        status = compare_imports(retrace, error);
    if (status == SEALRING_OK)
        status = registry_credential_count(retrace->registry, &count, error);
    if (status == SEALRING_OK && count == retrace->count)
        return compare_bare(retrace, error);
    if (status == SEALRING_OK)
        tell(retrace,
             "there are rows of %" PRIu64 " credentials, %" PRIu64 " were issued: rows were %s by something else than "
             "sealring",
             count, retrace->count, count > retrace->count ? "added" : "removed");
    return status;
}

/* ---- Rings, clients, the vault ---- */

static sealring_status compare_ring(const struct retrace *retrace, const struct registry_ring *ring,
                                    sealring_error *error)
{
    struct registry_version version;
    sealring_status status = compare_row(retrace, REGISTRY_TABLE_RING, ring, NULL, error);
    struct registry_cursor versions = registry_current_versions(retrace->registry, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version))
        if (version.ring == ring->id)
            status = compare_row(retrace, REGISTRY_TABLE_VERSION, &version, ring->name, error);
    return registry_close_cursor(&versions, status);
}

/* The IDs of a vault's objects have one length, which init found out and its entry does not contain. A shorter one in the vault's row makes the
 * next objects' IDs shorter. */
static void compare_id_length(const struct retrace *retrace)
{
    const char *name;
    json_t *image;
    size_t longest = 0;
    size_t now = registry_vault_row(retrace->registry)->object_id_length;
    json_object_foreach(retrace->images[REGISTRY_TABLE_VERSION], name, image)
    {
        size_t length = json_string_length(json_object_get(image, "object_id")) / 2;
        longest = length > longest ? length : longest;
    }
    if (longest != 0 && longest != now)
        tell(retrace,
             "new keys would have IDs of %zu bytes, those of the versions have %zu: the vault's row was altered", now,
             longest);
}

static void compare_duration(const struct retrace *retrace, const char *member, int64_t now)
{
    const json_t *made = json_object_get(retrace->init, member);
    if (made != NULL && json_integer_value(made) != now)
        tell(retrace,
             "the vault's %s is %" PRId64 " ms, it was made with %" JSON_INTEGER_FORMAT " ms: its row was altered",
             member, now, json_integer_value(made));
}

static void compare_vault(const struct retrace *retrace)
{
    const struct registry_vault *row = registry_vault_row(retrace->registry);
    const json_t *closes = json_object_get(retrace->init, "token_closes_keys");
    compare_duration(retrace, "lease", row->lease_ms);
    compare_duration(retrace, "refresh", row->refresh_ms);
    if (closes != NULL && json_is_true(closes) != row->token_closes_keys)
        tell(retrace, "whether the token can close keys is not what was found at init: the vault's row was altered");
}

/* Clients that are forgotten, or that the log has as forgotten. */
static sealring_status compare_clients(const struct retrace *retrace, sealring_error *error)
{
    struct registry_client row;
    sealring_status status = compare_each(retrace, REGISTRY_TABLE_CLIENT, error);
    struct registry_cursor clients = registry_forgotten_clients(retrace->registry, error);
    while (status == SEALRING_OK && registry_forgotten_next(&clients, &row))
        if (json_object_get(retrace->images[REGISTRY_TABLE_CLIENT], row.name) == NULL)
            tell(retrace, "client %s: its row is forgotten, the log has no such act: it was altered", row.name);
    return registry_close_cursor(&clients, status);
}

sealring_status retrace_compare(struct retrace *retrace, sealring_error *error)
{
    struct registry *registry = retrace->registry;
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    compare_vault(retrace);
    compare_id_length(retrace);
    /* as their rows are, and not as their facts correct them */
    struct registry_cursor rings = registry_current_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        status = compare_ring(retrace, &ring, error);
    status = registry_close_cursor(&rings, status);
    if (status == SEALRING_OK)
        status = compare_keys(retrace, error);
    if (status == SEALRING_OK)
        status = compare_clients(retrace, error);
    if (status == SEALRING_OK)
        status = client_proofs_compare(registry, retrace->problem, retrace->context, error);
    if (status == SEALRING_OK) {
        tell_rest(retrace, REGISTRY_TABLE_RING);
        tell_rest(retrace, REGISTRY_TABLE_VERSION);
    }
    return status;
}
