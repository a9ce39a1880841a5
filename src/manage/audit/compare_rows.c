/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log retraced: compares the rows as its acts left them with the rows as they are. */
#include "manage/audit/compare_rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/row_image.h"
#include "registry/rows/current_rows.h"

#define RETRACE_NAME_SIZE  64
#define RETRACE_VALUE_SIZE 128

/* Maps of the last image of each row (jansson's objects are hash tables). They contain only what the token does not confirm: all rings and
 * versions; the API keys that are, or were, not simply active; the credentials that were given an end. */
struct retrace {
    json_t *rings;       /* by row */
    json_t *versions;    /* RING/NUMBER */
    json_t *keys;        /* key ID */
    json_t *credentials; /* KEY/SERIAL */
    json_t *init;        /* the vault's first detail; NULL: none seen */
    uint64_t issued;     /* credentials */
    bool imported;       /* an entry up to here is about imported keys */
};

struct comparison {
    struct retrace *retrace;
    struct registry *registry;
    retrace_problem problem;
    void *context;
};

sealring_status retrace_new(struct retrace **made, sealring_error *error)
{
    struct retrace *retrace = calloc(1, sizeof *retrace);
    *made = retrace;
    if (retrace == NULL)
        return error_no_memory(error);
    retrace->rings = json_object();
    retrace->versions = json_object();
    retrace->keys = json_object();
    retrace->credentials = json_object();
    if (retrace->rings != NULL && retrace->versions != NULL && retrace->keys != NULL && retrace->credentials != NULL)
        return SEALRING_OK;
    retrace_free(retrace);
    *made = NULL;
    return error_no_memory(error);
}

void retrace_free(struct retrace *retrace)
{
    if (retrace == NULL)
        return;
    json_decref(retrace->rings);
    json_decref(retrace->versions);
    json_decref(retrace->keys);
    json_decref(retrace->credentials);
    json_decref(retrace->init);
    free(retrace);
}

/* ---- What the acts left ---- */

static void name_of(int64_t first, uint32_t second, char name[RETRACE_NAME_SIZE])
{
    snprintf(name, RETRACE_NAME_SIZE, "%" PRId64 "/%" PRIu32, first, second);
}

static bool keep_key(struct retrace *retrace, const struct registry_key *key, json_t *image)
{
    bool plain = key->state == SEALRING_KEY_ACTIVE && !key->narrowed;
    if (plain && json_object_get(retrace->keys, key->key_id) == NULL)
        return true;
    return json_object_set(retrace->keys, key->key_id, image) == 0;
}

/* A credential is inserted without an end and is counted once: an updated credential is superseded. */
static bool keep_credential(struct retrace *retrace, const struct registry_credential *credential, json_t *image)
{
    char name[RETRACE_NAME_SIZE];
    name_of(credential->key, credential->serial, name);
    retrace->issued += credential->state == SEALRING_CREDENTIAL_CURRENT;
    return !credential->replaced || json_object_set(retrace->credentials, name, image) == 0;
}

static bool keep_row(struct retrace *retrace, json_t *image)
{
    enum registry_table table;
    union image_row row;
    const char *problem;
    char name[RETRACE_NAME_SIZE];
    if (!image_read(image, &table, &row, &problem))
        return true;
    switch (table) {
    case REGISTRY_TABLE_RING:
        name_of(row.ring.id, 0, name);
        return json_object_set(retrace->rings, name, image) == 0;
    case REGISTRY_TABLE_VERSION:
        name_of(row.version.ring, row.version.number, name);
        return json_object_set(retrace->versions, name, image) == 0;
    case REGISTRY_TABLE_KEY:
        return keep_key(retrace, &row.key, image);
    case REGISTRY_TABLE_CREDENTIAL:
        return keep_credential(retrace, &row.credential, image);
    default:
        return true;
    }
}

/* Most entries issue one credential for one API key, and nothing of them is kept: they are counted without being parsed, which takes most of the
 * time. Only for an imported key does an issue also change an older credential: it gives it an end. */
static bool issues_only(struct retrace *retrace, const struct registry_audit *entry)
{
    retrace->imported = retrace->imported || strcmp(entry->act, "key.import") == 0;
    return strcmp(entry->act, "key.issue") == 0 && entry->key_id != NULL && !retrace->imported &&
           json_object_get(retrace->keys, entry->key_id) == NULL;
}

sealring_status retrace_entry(struct retrace *retrace, const struct registry_audit *entry, sealring_error *error)
{
    bool kept = true;
    if (issues_only(retrace, entry)) {
        retrace->issued++;
        return SEALRING_OK;
    }
    if (entry->detail == NULL)
        return SEALRING_OK;
    json_t *detail = json_loads(entry->detail, 0, NULL);
    json_t *rows = json_object_get(detail, "rows");
    for (size_t i = 0; kept && i < json_array_size(rows); i++)
        kept = keep_row(retrace, json_array_get(rows, i));
    if (strcmp(entry->act, "vault.init") == 0) {
        json_decref(retrace->init);
        retrace->init = json_incref(detail);
    }
    json_decref(detail);
    return kept ? SEALRING_OK : error_no_memory(error);
}

/* ---- The rows ---- */

static void tell(const struct comparison *comparison, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct comparison *comparison, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    comparison->problem(text, comparison->context);
}

static void tell_removed(const struct comparison *comparison, const char *what)
{
    tell(comparison, "%s is in the log, and has no row: it was removed", what);
}

static void value_text(enum registry_table table, const char *member, const json_t *value,
                       char text[RETRACE_VALUE_SIZE])
{
    int number = (int)json_integer_value(value);
    if (value == NULL)
        snprintf(text, RETRACE_VALUE_SIZE, "none");
    else if (strcmp(member, "state") == 0 && table == REGISTRY_TABLE_VERSION)
        snprintf(text, RETRACE_VALUE_SIZE, "%s", sealring_version_state_name((sealring_version_state)number));
    else if (strcmp(member, "state") == 0 && table == REGISTRY_TABLE_KEY)
        snprintf(text, RETRACE_VALUE_SIZE, "%s", sealring_key_state_name((sealring_key_state)number));
    else if (json_is_string(value))
        snprintf(text, RETRACE_VALUE_SIZE, "'%.100s'", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, RETRACE_VALUE_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(text, RETRACE_VALUE_SIZE, "yes");
}

/* Adds one line for a row, about the first member that differs; members that depend on it differ as well. */
static bool tell_member(const struct comparison *comparison, enum registry_table table, const char *what,
                        const char *member, const json_t *is, const json_t *was)
{
    char row[RETRACE_VALUE_SIZE], log[RETRACE_VALUE_SIZE];
    if (is == was || (is != NULL && was != NULL && json_equal(is, was)))
        return false;
    value_text(table, member, is, row);
    value_text(table, member, was, log);
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

static sealring_status compare_key(const struct comparison *comparison, const char *key_id, json_t *image,
                                   sealring_error *error)
{
    /* when a successor is issued for a key under a closed version, it moves this member in an entry that is not parsed here */
    static const char *const passed[] = {"last_serial", NULL};
    struct registry_key row;
    char what[64];
    snprintf(what, sizeof what, "API key %s", key_id);
    bool found = false;
    sealring_status status = registry_key_find(comparison->registry, key_id, &row, &found, error);
    if (status == SEALRING_OK && found)
        compare_row(comparison, REGISTRY_TABLE_KEY, what, &row, image, passed);
    else if (status == SEALRING_OK)
        tell_removed(comparison, what);
    return status;
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

/* A suspension or narrowing that no act has set. */
static sealring_status compare_bounds(const struct comparison *comparison, sealring_error *error)
{
    struct registry_key key;
    struct registry_cursor keys = registry_bounds(comparison->registry, error);
    while (registry_key_next(&keys, &key))
        if (json_object_get(comparison->retrace->keys, key.key_id) == NULL)
            tell(comparison, "API key %s: its row is %s, the log has no such act: it was altered", key.key_id,
                 key.narrowed ? "narrowed" : "suspended");
    return registry_close_cursor(&keys, SEALRING_OK);
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
    sealring_status status = SEALRING_OK;
    json_object_foreach(comparison->retrace->keys, name, image) status =
        status == SEALRING_OK ? compare_key(comparison, name, image, error) : status;
    json_object_foreach(comparison->retrace->credentials, name, image) status =
        status == SEALRING_OK ? compare_credential(comparison, image, error) : status;
    if (status == SEALRING_OK)
        status = compare_bounds(comparison, error);
    if (status == SEALRING_OK)
        status = compare_imports(comparison, error);
    if (status == SEALRING_OK)
        status = registry_credential_count(comparison->registry, &count, error);
    if (status == SEALRING_OK && count != comparison->retrace->issued)
        tell(comparison,
             "there are rows of %" PRIu64 " credentials, %" PRIu64 " were issued: rows were %s by something else than "
             "sealring",
             count, comparison->retrace->issued, count > comparison->retrace->issued ? "added" : "removed");
    return status;
}

/* A row that is not marked would be reported as removed. */
static sealring_status mark_seen(json_t *image, sealring_error *error)
{
    bool marked = image == NULL || json_object_set_new(image, "seen", json_true()) == 0;
    return marked ? SEALRING_OK : error_no_memory(error);
}

static sealring_status compare_version(const struct comparison *comparison, const char *ring,
                                       const struct registry_version *row, sealring_error *error)
{
    /* this member is written apart from the act */
    static const char *const passed[] = {"closing_owed", NULL};
    char name[RETRACE_NAME_SIZE], what[128];
    name_of(row->ring, row->number, name);
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
    name_of(row->id, 0, name);
    snprintf(what, sizeof what, "ring %s", row->name);
    json_t *image = json_object_get(comparison->retrace->rings, name);
    if (image == NULL)
        tell(comparison, "%s has a row, and the log knows of none: it was added", what);
    else
        compare_row(comparison, REGISTRY_TABLE_RING, what, row, image, passed);
    sealring_status status = mark_seen(image, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor versions = registry_versions(comparison->registry, row->id, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version))
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

sealring_status retrace_compare(struct retrace *retrace, struct registry *registry, retrace_problem problem,
                                void *context, sealring_error *error)
{
    struct comparison comparison = {retrace, registry, problem, context};
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    compare_vault(&comparison);
    struct registry_cursor rings = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        status = compare_ring(&comparison, &ring, error);
    status = registry_close_cursor(&rings, status);
    if (status == SEALRING_OK)
        status = compare_keys(&comparison, error);
    if (status == SEALRING_OK) {
        tell_unseen(&comparison, retrace->rings, "the ring in row");
        tell_unseen(&comparison, retrace->versions, "the version in row");
    }
    return status;
}
