/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the rows as their acts left them with the rows as they are. */
#include "manage/audit/compare_rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/row_image.h"
#include "manage/audit/row_text.h"
#include "registry/rows/current_rows.h"

struct comparison {
    struct retrace *retrace;
    struct registry *registry;
};

static void tell(const struct comparison *comparison, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct comparison *comparison, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct retrace *retrace = comparison->retrace;
    if (retrace->problem != NULL)
        retrace->problem(0, text, retrace->context);
}

static void tell_removed(const struct comparison *comparison, const char *what)
{
    tell(comparison, "%s is in the log, and has no row: it was removed", what);
}

/* Adds one line for a row, about the first member that differs; members that depend on it differ as well. */
static bool tell_member(const struct comparison *comparison, enum registry_table table, const char *what,
                        const char *member, const json_t *is, const json_t *was)
{
    char row[ROW_TEXT_VALUE_SIZE], log[ROW_TEXT_VALUE_SIZE];
    if (is == was || (is != NULL && was != NULL && json_equal(is, was)))
        return false;
    row_text_value(table, member, is, row);
    row_text_value(table, member, was, log);
    tell(comparison, "%s: its row has %s %s, the log has %s: it was altered", what, member, row, log);
    return true;
}

/* Whether `row` equals `image`. `passed`: members that are written without an entry of their own, NULL at the end. */
static bool compare_row(const struct comparison *comparison, enum registry_table table, const char *what,
                        const void *row, json_t *image, const char *const *passed)
{
    static const char *const first[] = {"state", "narrowed", "narrowed_scopes", "replaced", "retire_at", NULL};
    const char *member;
    json_t *value;
    bool told = false;
    json_t *now = image_of(table, row);
    for (size_t i = 0; passed[i] != NULL; i++) {
        json_object_del(now, passed[i]);
        json_object_del(image, passed[i]);
    }
    for (size_t i = 0; !told && first[i] != NULL; i++)
        told = tell_member(comparison, table, what, first[i], json_object_get(now, first[i]),
                           json_object_get(image, first[i]));
    json_object_foreach(image, member, value) told =
        told || tell_member(comparison, table, what, member, json_object_get(now, member), value);
    json_object_foreach(now, member, value) told =
        told || tell_member(comparison, table, what, member, value, json_object_get(image, member));
    json_decref(now);
    return !told;
}

static bool is_same_key(const struct registry_key *row, const struct registry_key *log)
{
    return row->state == log->state && !row->narrowed && row->narrowed_scopes[0] == '\0' && row->ring == log->ring &&
           row->client == log->client && row->created == log->created && row->last_serial == log->last_serial &&
           strcmp(row->key_id, log->key_id) == 0 && strcmp(row->label, log->label) == 0;
}

static sealring_status compare_credential(const struct comparison *comparison, json_t *image, sealring_error *error)
{
    static const char *const passed[] = {NULL};
    enum registry_table table;
    union image_row was;
    const char *problem;
    struct registry_credential row;
    char what[96];
    if (!image_read(image, &table, &was, &problem))
        return SEALRING_OK;
    snprintf(what, sizeof what, "credential %" PRIu32 " of the API key in row %" PRId64, was.credential.serial,
             was.credential.key);
    bool found = false;
    sealring_status status =
        registry_credential_find(comparison->registry, was.credential.key, was.credential.serial, &row, &found, error);
    if (status == SEALRING_OK && found)
        compare_row(comparison, REGISTRY_TABLE_CREDENTIAL, what, &row, image, passed);
    else if (status == SEALRING_OK)
        tell_removed(comparison, what);
    return status;
}

/* A row that is not marked would be reported as removed. */
static sealring_status mark_seen(json_t *image, sealring_error *error)
{
    bool marked = image == NULL || json_object_set_new(image, "seen", json_true()) == 0;
    return marked ? SEALRING_OK : error_no_memory(error);
}

/* log: the key as the log has it, simply active; NULL: the log has no key in this row. */
static sealring_status compare_key(const struct comparison *comparison, const struct registry_key *row,
                                   const struct registry_key *log, sealring_error *error)
{
    static const char *const passed[] = {NULL};
    char what[64];
    snprintf(what, sizeof what, "API key %s", row->key_id);
    json_t *image = json_object_get(comparison->retrace->keys, row->key_id);
    if (image != NULL) {
        compare_row(comparison, REGISTRY_TABLE_KEY, what, row, image, passed);
        return mark_seen(image, error);
    }
    if (log != NULL && is_same_key(row, log))
        return SEALRING_OK;
    if (row->state == SEALRING_KEY_SUSPENDED || (row->narrowed && row->state != SEALRING_KEY_REVOKED)) {
        tell(comparison, "%s: its row is %s, the log has no such act: it was altered", what,
             row->narrowed ? "narrowed" : "suspended");
    } else if (log == NULL && !comparison->retrace->lacks_rows) {
        tell(comparison, "%s has a row, and the log knows of none: it was added", what);
    } else if (log != NULL) {
        image = image_of(REGISTRY_TABLE_KEY, log);
        if (image == NULL)
            return error_no_memory(error);
        compare_row(comparison, REGISTRY_TABLE_KEY, what, row, image, passed);
        json_decref(image);
    }
    return SEALRING_OK;
}

static void tell_removed_key(const struct comparison *comparison, const char *key_id)
{
    char what[64];
    snprintf(what, sizeof what, "API key %s", key_id);
    tell(comparison, "%s is in the log, and has no row: it was removed", what);
}

/* Reports the keys of the log from *place on, up to the one in row `id`; false: there is none. */
static bool find_key(const struct comparison *comparison, int64_t id, size_t *place, struct registry_key *log)
{
    const struct issued_keys *issued = &comparison->retrace->issued;
    for (; *place < issued->count; ++*place) {
        issued_keys_at(issued, *place, log);
        if (log->id >= id)
            break;
        if (json_object_get(comparison->retrace->keys, log->key_id) == NULL)
            tell_removed_key(comparison, log->key_id);
    }
    bool found = *place < issued->count && log->id == id;
    *place += found;
    return found;
}

/* Rows and the log's keys are both in the order of row numbers. */
static sealring_status compare_all_keys(const struct comparison *comparison, sealring_error *error)
{
    struct registry_key row, log;
    size_t place = 0;
    const char *key_id;
    json_t *image;
    sealring_status status = SEALRING_OK;
    struct registry_cursor keys = registry_keys(comparison->registry, error);
    while (status == SEALRING_OK && registry_key_next(&keys, &row)) {
        bool found = find_key(comparison, row.id, &place, &log);
        status = compare_key(comparison, &row, found ? &log : NULL, error);
    }
    status = registry_close_cursor(&keys, status);
    if (status != SEALRING_OK)
        return status;
    (void)find_key(comparison, INT64_MAX, &place, &log);
    json_object_foreach(comparison->retrace->keys, key_id, image)
    {
        if (json_object_get(image, "seen") == NULL)
            tell_removed_key(comparison, key_id);
    }
    return SEALRING_OK;
}

/* An end that no act has set. */
static sealring_status compare_ends(const struct comparison *comparison, sealring_error *error)
{
    struct registry_credential row;
    char name[RETRACE_NAME_SIZE];
    struct registry_cursor credentials = registry_ended_credentials(comparison->registry, error);
    while (registry_credential_next(&credentials, &row)) {
        retrace_name(row.key, row.serial, name);
        if (json_object_get(comparison->retrace->credentials, name) == NULL)
            tell(comparison,
                 "credential %" PRIu32 " of the API key in row %" PRId64
                 ": its row has an end, the log has no such act: it was altered",
                 row.serial, row.key);
    }
    return registry_close_cursor(&credentials, SEALRING_OK);
}

static sealring_status compare_imports(const struct comparison *comparison, sealring_error *error)
{
    struct registry_key key;
    struct registry_cursor keys = registry_unended_imports(comparison->registry, error);
    while (registry_key_next(&keys, &key))
        tell(comparison, "API key %s: its imported credential has a successor and no end: the row was altered",
             key.key_id);
    return registry_close_cursor(&keys, SEALRING_OK);
}

static sealring_status compare_keys(const struct comparison *comparison, sealring_error *error)
{
    const char *name;
    json_t *image;
    uint64_t count = 0;
    sealring_status status = compare_all_keys(comparison, error);
    json_object_foreach(comparison->retrace->credentials, name, image) status =
        status == SEALRING_OK ? compare_credential(comparison, image, error) : status;
    if (status == SEALRING_OK)
        status = compare_ends(comparison, error);
    if (status == SEALRING_OK)
        status = compare_imports(comparison, error);
    if (status == SEALRING_OK)
        status = registry_credential_count(comparison->registry, &count, error);
    if (status == SEALRING_OK && count != comparison->retrace->count)
        tell(comparison,
             "there are rows of %" PRIu64 " credentials, %" PRIu64 " were issued: rows were %s by something else than "
             "sealring",
             count, comparison->retrace->count, count > comparison->retrace->count ? "added" : "removed");
    return status;
}

static sealring_status compare_version(const struct comparison *comparison, const char *ring,
                                       const struct registry_version *row, sealring_error *error)
{
    /* this member is written apart from the act */
    static const char *const passed[] = {"closing_owed", NULL};
    char name[RETRACE_NAME_SIZE], what[128];
    retrace_name(row->ring, row->number, name);
    snprintf(what, sizeof what, "version %" PRIu32 " of ring %s", row->number, ring);
    json_t *image = json_object_get(comparison->retrace->versions, name);
    if (image == NULL)
        tell(comparison, "%s has a row, and the log knows of none: it was added", what);
    /* a closed row that should be open contradicts the closed facts, and is reported there */
    else if (row->state < SEALRING_VERSION_RETIRED ||
             json_integer_value(json_object_get(image, "state")) == (json_int_t)row->state)
        compare_row(comparison, REGISTRY_TABLE_VERSION, what, row, image, passed);
    return mark_seen(image, error);
}

static sealring_status compare_ring(const struct comparison *comparison, const struct registry_ring *row,
                                    sealring_error *error)
{
    static const char *const passed[] = {NULL};
    char name[RETRACE_NAME_SIZE], what[96];
    struct registry_version version;
    retrace_name(row->id, 0, name);
    snprintf(what, sizeof what, "ring %s", row->name);
    json_t *image = json_object_get(comparison->retrace->rings, name);
    if (image == NULL)
        tell(comparison, "%s has a row, and the log knows of none: it was added", what);
    else
        compare_row(comparison, REGISTRY_TABLE_RING, what, row, image, passed);
    sealring_status status = mark_seen(image, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor versions = registry_versions_changed(comparison->registry, REGISTRY_SINCE_EVER, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version))
        if (version.ring == row->id)
            status = compare_version(comparison, row->name, &version, error);
    return registry_close_cursor(&versions, status);
}

static void tell_unseen(const struct comparison *comparison, json_t *map, const char *what)
{
    const char *name;
    json_t *image;
    json_object_foreach(map, name, image) if (json_object_get(image, "seen") == NULL)
        tell(comparison, "%s %s is in the log, and has no row: it was removed", what, name);
}

/* The IDs of a vault's objects have one length, which init found out and its entry does not contain. A shorter one in the vault's row makes the
 * next objects' IDs shorter. */
static void compare_id_length(const struct comparison *comparison)
{
    const char *name;
    json_t *image;
    size_t longest = 0;
    size_t now = registry_vault_row(comparison->registry)->object_id_length;
    json_object_foreach(comparison->retrace->versions, name, image)
    {
        size_t length = json_string_length(json_object_get(image, "object_id")) / 2;
        longest = length > longest ? length : longest;
    }
    if (longest != 0 && longest != now)
        tell(comparison,
             "new keys would have IDs of %zu bytes, those of the versions have %zu: the vault's row was altered", now,
             longest);
}

static void compare_vault(const struct comparison *comparison)
{
    const struct registry_vault *row = registry_vault_row(comparison->registry);
    const json_t *init = comparison->retrace->init;
    const json_t *lease = json_object_get(init, "lease");
    const json_t *refresh = json_object_get(init, "refresh");
    const json_t *closes = json_object_get(init, "token_closes_keys");
    if (lease != NULL && json_integer_value(lease) != row->lease_ms)
        tell(comparison, "the vault's lease is %" PRId64 " ms, it was made with %" PRId64 " ms: its row was altered",
             row->lease_ms, (int64_t)json_integer_value(lease));
    if (refresh != NULL && json_integer_value(refresh) != row->refresh_ms)
        tell(comparison, "the vault's refresh is %" PRId64 " ms, it was made with %" PRId64 " ms: its row was altered",
             row->refresh_ms, (int64_t)json_integer_value(refresh));
    if (closes != NULL && json_is_true(closes) != row->token_closes_keys)
        tell(comparison, "whether the token can close keys is not what was found at init: the vault's row was altered");
}

/* Clients that are forgotten, or that the log has as forgotten. */
static sealring_status compare_clients(const struct comparison *comparison, sealring_error *error)
{
    static const char *const passed[] = {NULL};
    struct registry_client row;
    const char *name;
    json_t *image;
    char what[96];
    bool found = false;
    sealring_status status = SEALRING_OK;
    json_object_foreach(comparison->retrace->clients, name, image)
    {
        if (status == SEALRING_OK)
            status = registry_client_find(comparison->registry, name, &row, &found, error);
        snprintf(what, sizeof what, "client %.64s", name);
        if (status == SEALRING_OK && found)
            compare_row(comparison, REGISTRY_TABLE_CLIENT, what, &row, image, passed);
        else if (status == SEALRING_OK)
            tell_removed(comparison, what);
    }
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor clients = registry_forgotten_clients(comparison->registry, error);
    while (registry_forgotten_next(&clients, &row))
        if (json_object_get(comparison->retrace->clients, row.name) == NULL)
            tell(comparison, "client %s: its row is forgotten, the log has no such act: it was altered", row.name);
    return registry_close_cursor(&clients, SEALRING_OK);
}

sealring_status retrace_compare(struct retrace *retrace, struct registry *registry, sealring_error *error)
{
    struct comparison comparison = {retrace, registry};
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    compare_vault(&comparison);
    compare_id_length(&comparison);
    /* as their rows are, and not as their facts correct them */
    struct registry_cursor rings = registry_rings_changed(registry, REGISTRY_SINCE_EVER, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        status = compare_ring(&comparison, &ring, error);
    status = registry_close_cursor(&rings, status);
    if (status == SEALRING_OK)
        status = compare_keys(&comparison, error);
    if (status == SEALRING_OK)
        status = compare_clients(&comparison, error);
    if (status == SEALRING_OK) {
        tell_unseen(&comparison, retrace->rings, "the ring in row");
        tell_unseen(&comparison, retrace->versions, "the version in row");
    }
    return status;
}
