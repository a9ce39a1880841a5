/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log retraced: each row as the last act on it left it, and the acts that copied an edited row. */
#include "manage/audit/retrace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/row_image.h"
#include "manage/audit/changed_members.h"
#include "registry/rows/current_rows.h"

#define TABLES    (REGISTRY_TABLE_CREDENTIAL + 1)
#define NAME_SIZE (SEALRING_NAME_LENGTH_MAX + 1)

sealring_status retrace_begin(struct retrace *retrace, struct registry *registry, retrace_problem problem,
                              void *context, sealring_error *error)
{
    bool complete = true;
    *retrace = (struct retrace){.registry = registry, .problem = problem, .context = context};
    for (size_t i = 0; i < TABLES; i++)
        complete = (retrace->images[i] = json_object()) != NULL && complete;
    return complete ? SEALRING_OK : error_no_memory(error);
}

void retrace_release(struct retrace *retrace)
{
    for (size_t i = 0; i < TABLES; i++)
        json_decref(retrace->images[i]);
    json_decref(retrace->init);
    issued_keys_release(&retrace->issued);
}

/* An image's name among those of its table: a text, or one or two numbers. */
static void name_image(enum registry_table table, const json_t *image, char name[NAME_SIZE])
{
    static const char *const members[TABLES][2] = {
        [REGISTRY_TABLE_RING] = {"id"},
        [REGISTRY_TABLE_VERSION] = {"ring", "number"},
        [REGISTRY_TABLE_CLIENT] = {"name"},
        [REGISTRY_TABLE_KEY] = {"key_id"},
        [REGISTRY_TABLE_CREDENTIAL] = {"key", "serial"},
    };
    const json_t *first = json_object_get(image, members[table][0]);
    if (json_is_string(first))
        snprintf(name, NAME_SIZE, "%s", json_string_value(first));
    else
        snprintf(name, NAME_SIZE, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, json_integer_value(first),
                 json_integer_value(json_object_get(image, members[table][1])));
}

json_t *retrace_find(const struct retrace *retrace, enum registry_table table, const json_t *image)
{
    char name[NAME_SIZE];
    name_image(table, image, name);
    return json_object_get(retrace->images[table], name);
}

/* ---- One row of an entry ---- */

/* An image, its row, and the entry that contains it. */
struct retraced_row {
    struct retrace *retrace;
    struct changed_row changed;
    json_t *image;
    union image_row row;
    sealring_status status; /* of the registry */
    sealring_error *error;
};

static void tell(const struct retraced_row *row, const char *text)
{
    char line[CHANGED_TEXT_SIZE + 32];
    uint64_t entry = row->changed.entry->sequence;
    snprintf(line, sizeof line, "entry %" PRIu64 " %s", entry, text);
    if (row->retrace->problem != NULL)
        row->retrace->problem(entry, line, row->retrace->context);
}

/* was: the row's image before; NULL: none is known. */
static void judge(struct retraced_row *row, const json_t *was)
{
    char text[CHANGED_TEXT_SIZE];
    row->changed.was = was;
    if (was != NULL && !changed_rightly(&row->changed, text))
        tell(row, text);
}

static bool keep(const struct retraced_row *row)
{
    char name[NAME_SIZE];
    name_image(row->changed.table, row->image, name);
    return json_object_set(row->retrace->images[row->changed.table], name, row->image) == 0;
}

/* Judges an image of a key by the one before it: an image in the map, else what is stored of a key that is simply active. */
static bool judge_key(struct retraced_row *row)
{
    const struct registry_key *key = &row->row.key;
    struct registry_key stored;
    bool known = issued_keys_find(&row->retrace->issued, key->id, &stored);
    json_t *was = json_object_get(row->retrace->images[REGISTRY_TABLE_KEY], known ? stored.key_id : key->key_id);
    json_t *plain = was == NULL && known ? image_of(REGISTRY_TABLE_KEY, &stored) : NULL;
    bool judged = was != NULL || !known || plain != NULL;
    judge(row, was != NULL ? was : plain);
    json_decref(plain);
    return judged;
}

static bool keep_key(struct retraced_row *row, const json_t *was)
{
    const struct registry_key *key = &row->row.key;
    bool plain = key->state == SEALRING_KEY_ACTIVE && !key->narrowed && key->ends.count == 0 && !key->bound &&
                 !key->holders.one && !key->claim.offered && was == NULL;
    return judge_key(row) && issued_keys_put(&row->retrace->issued, key) && (plain || keep(row));
}

/* A credential without an end, of which nothing is kept: the same without what its end changes. */
static json_t *without_end(const json_t *image)
{
    json_t *was = json_copy((json_t *)image);
    json_object_del(was, "replaced");
    json_object_del(was, "retire_at");
    return was;
}

/* No act changes anything of a credential but its end, so its row has what its issue gave it: one that was altered, or exchanged with another
 * key's, has not. */
static sealring_status look_up(const struct retrace *retrace, const struct registry_credential *credential,
                               sealring_error *error)
{
    char text[256], name[64];
    struct registry_key key;
    bool stored = false;
    if (retrace->registry == NULL)
        return SEALRING_OK;
    sealring_status status = registry_credential_is_stored(retrace->registry, credential, &stored, error);
    if (status != SEALRING_OK || stored || retrace->problem == NULL)
        return status;
    if (issued_keys_find(&retrace->issued, credential->key, &key))
        snprintf(name, sizeof name, "API key %s", key.key_id);
    else /* the entry that issued the key is archived */
        snprintf(name, sizeof name, "the API key in row %" PRId64, credential->key);
    snprintf(text, sizeof text,
             "credential %" PRIu32
             " of %s: no row has its API key, serial, version, digest and claims as they were issued: "
             "it was altered or removed",
             credential->serial, name);
    retrace->problem(0, text, retrace->context);
    return SEALRING_OK;
}

/* A successor takes its claims from the newest credential. Its key's own image follows in the entry. */
static void judge_newest(const struct retraced_row *row)
{
    const struct registry_credential *credential = &row->row.credential;
    struct registry_key key;
    char text[CHANGED_TEXT_SIZE];
    if (credential->state != SEALRING_CREDENTIAL_SUPERSEDED || changed_by_ends(&row->changed) ||
        strcmp(row->changed.entry->act, "key.rekey") == 0 ||
        !issued_keys_find(&row->retrace->issued, credential->key, &key) || credential->serial == key.last_serial)
        return;
    snprintf(text, sizeof text,
             "(%.64s) found credential %" PRIu32 " of API key %s to be the newest, the log has %" PRIu32
             ": rows had been hidden from it",
             row->changed.entry->act, credential->serial, key.key_id, key.last_serial);
    tell(row, text);
}

/* A credential is inserted without an end and is counted once: an updated credential is superseded. */
static bool keep_credential(struct retraced_row *row, json_t *was)
{
    const struct registry_credential *credential = &row->row.credential;
    if (credential->state == SEALRING_CREDENTIAL_CURRENT) {
        row->retrace->count++;
        row->status = look_up(row->retrace, credential, row->error);
    }
    judge_newest(row);
    if (was == NULL && !credential->replaced)
        return true;
    was = was != NULL ? json_incref(was) : without_end(row->image);
    judge(row, was);
    json_decref(was);
    return was != NULL && keep(row);
}

static bool keep_row(struct retraced_row *row)
{
    const char *problem;
    if (!image_complete(row->image) || !image_read(row->image, &row->changed.table, &row->row, &problem))
        return true;
    json_t *was = retrace_find(row->retrace, row->changed.table, row->image);
    switch (row->changed.table) {
    case REGISTRY_TABLE_KEY:
        return keep_key(row, was);
    case REGISTRY_TABLE_CREDENTIAL:
        return keep_credential(row, was);
    case REGISTRY_TABLE_CLIENT:
        if (row->row.client.forgotten == 0 && was == NULL)
            return true;
        break;
    case REGISTRY_TABLE_RING:
    case REGISTRY_TABLE_VERSION:
        break;
    }
    judge(row, was);
    return keep(row);
}

/* ---- Entries ---- */

/* Most entries issue one credential for one API key. They are not parsed as a whole, which takes most of the time: only the key and
 * what identifies its credential are read. Only for an imported key does an issue also change an older credential: it gives it an end.
 * False: the entry must be parsed. */
static bool keep_issue(struct retrace *retrace, const struct registry_audit *entry, sealring_status *status,
                       sealring_error *error)
{
    struct registry_key key, stored;
    struct registry_credential credential;
    retrace->imported = retrace->imported || strcmp(entry->act, "key.import") == 0;
    if (strcmp(entry->act, "key.issue") != 0 || entry->key_id == NULL || entry->detail == NULL || retrace->imported ||
        json_object_get(retrace->images[REGISTRY_TABLE_KEY], entry->key_id) != NULL ||
        !issued_key_read(entry->detail, &key) || issued_keys_find(&retrace->issued, key.id, &stored) ||
        strcmp(key.key_id, entry->key_id) != 0 || !issued_credential_read(entry->detail, &credential) ||
        credential.key != key.id)
        return false;
    retrace->count++;
    *status = issued_keys_put(&retrace->issued, &key) ? look_up(retrace, &credential, error) : error_no_memory(error);
    return true;
}

/* An older sealring wrote no rows. */
static void note_lack(struct retrace *retrace, const struct registry_audit *entry, const json_t *rows)
{
    if (json_array_size(rows) > 0 || strcmp(entry->act, "key.issue") != 0)
        return;
    retrace->lacks_rows = true;
    retrace->count += entry->key_id != NULL;
}

sealring_status retrace_entry(struct retrace *retrace, const struct registry_audit *entry, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    if (keep_issue(retrace, entry, &status, error))
        return status;
    if (entry->detail == NULL)
        return SEALRING_OK;
    json_t *detail = json_loads(entry->detail, 0, NULL);
    json_t *rows = json_object_get(detail, "rows");
    for (size_t i = 0; status == SEALRING_OK && i < json_array_size(rows); i++) {
        json_t *image = json_array_get(rows, i);
        struct retraced_row row = {.retrace = retrace,
                                   .image = image,
                                   .changed = {.entry = entry, .detail = detail, .image = image},
                                   .error = error};
        status = keep_row(&row) ? row.status : error_no_memory(error);
    }
    note_lack(retrace, entry, rows);
    if (strcmp(entry->act, "vault.init") == 0) {
        json_decref(retrace->init);
        retrace->init = json_incref(detail);
    }
    json_decref(detail);
    return status;
}

/* ---- Archived entries ---- */

static const enum registry_table kept_tables[] = {REGISTRY_TABLE_RING, REGISTRY_TABLE_VERSION, REGISTRY_TABLE_CLIENT};

json_t *retrace_keep(const struct retrace *retrace)
{
    const struct issued_keys *issued = &retrace->issued;
    struct registry_key last = {.id = retrace->last_key};
    json_t *rows = json_array();
    const char *name;
    json_t *image;
    bool complete = rows != NULL && retrace->init != NULL; /* every log begins with it */
    for (size_t i = 0; i < sizeof kept_tables / sizeof *kept_tables; i++)
        json_object_foreach(retrace->images[kept_tables[i]], name, image) complete =
            json_array_append_new(rows, json_deep_copy(image)) == 0 && complete; /* comparing empties the images */
    if (issued->count > 0)
        issued_keys_at(issued, issued->count - 1, &last);
    json_t *kept =
        json_pack("{s:O*, s:I, s:I, s:b, s:b, s:o}", "init", retrace->init, "credentials", (json_int_t)retrace->count,
                  "last_key", (json_int_t)(last.id > retrace->last_key ? last.id : retrace->last_key), "imported",
                  (int)retrace->imported, "lacks_rows", (int)retrace->lacks_rows, "rows", rows);
    if (complete)
        return kept;
    json_decref(kept);
    return NULL;
}

sealring_status retrace_resume(struct retrace *retrace, uint64_t cut, const json_t *kept, sealring_error *error)
{
    const json_t *rows = json_object_get(kept, "rows");
    bool complete = true;
    retrace->cut = cut;
    retrace->init = json_incref(json_object_get(kept, "init"));
    retrace->count = (uint64_t)json_integer_value(json_object_get(kept, "credentials"));
    retrace->last_key = json_integer_value(json_object_get(kept, "last_key"));
    retrace->imported = json_is_true(json_object_get(kept, "imported"));
    retrace->lacks_rows = json_is_true(json_object_get(kept, "lacks_rows"));
    for (size_t i = 0; complete && i < json_array_size(rows); i++) {
        struct retraced_row row = {.retrace = retrace, .image = json_array_get(rows, i)};
        const char *problem;
        if (image_read(row.image, &row.changed.table, &row.row, &problem))
            complete = keep(&row);
    }
    return complete ? SEALRING_OK : error_no_memory(error);
}
