/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log retraced: each row as the last act on it left it, and the acts that copied an edited row. */
#include "manage/audit/retrace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/row_image.h"
#include "manage/audit/changed_members.h"

sealring_status retrace_new(struct retrace **made, retrace_problem problem, void *context, sealring_error *error)
{
    struct retrace *retrace = calloc(1, sizeof *retrace);
    *made = retrace;
    if (retrace == NULL)
        return error_no_memory(error);
    retrace->problem = problem;
    retrace->context = context;
    retrace->rings = json_object();
    retrace->versions = json_object();
    retrace->clients = json_object();
    retrace->keys = json_object();
    retrace->credentials = json_object();
    if (retrace->rings != NULL && retrace->versions != NULL && retrace->clients != NULL && retrace->keys != NULL &&
        retrace->credentials != NULL)
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
    json_decref(retrace->clients);
    json_decref(retrace->keys);
    json_decref(retrace->credentials);
    json_decref(retrace->init);
    issued_keys_release(&retrace->issued);
    free(retrace);
}

void retrace_name(int64_t first, uint32_t second, char name[RETRACE_NAME_SIZE])
{
    snprintf(name, RETRACE_NAME_SIZE, "%" PRId64 "/%" PRIu32, first, second);
}

/* ---- One row of an entry ---- */

/* An image, its row, and the entry that contains it. */
struct retraced_row {
    struct retrace *retrace;
    const struct registry_audit *entry;
    const json_t *detail;
    enum registry_table table;
    json_t *image;
    union image_row row;
};

static void tell(const struct retraced_row *row, const char *text)
{
    char line[CHANGED_TEXT_SIZE + 32];
    snprintf(line, sizeof line, "entry %" PRIu64 " %s", row->entry->sequence, text);
    if (row->retrace->problem != NULL)
        row->retrace->problem(row->entry->sequence, line, row->retrace->context);
}

/* was: the row's image before; NULL: none is known. */
static void judge(const struct retraced_row *row, const json_t *was)
{
    const struct changed_row changed = {row->entry, row->detail, row->table, was, row->image};
    char text[CHANGED_TEXT_SIZE];
    if (was != NULL && !changed_rightly(&changed, text))
        tell(row, text);
}

static bool keep_in(json_t *map, const char *name, const struct retraced_row *row)
{
    judge(row, json_object_get(map, name));
    return json_object_set(map, name, row->image) == 0;
}

static bool keep_client(const struct retraced_row *row)
{
    const struct registry_client *client = &row->row.client;
    json_t *map = row->retrace->clients;
    return (client->forgotten == 0 && json_object_get(map, client->name) == NULL) || keep_in(map, client->name, row);
}

/* Judges an image of a key by the one before it: an image in the map, else what is stored of a key that is simply active. */
static bool judge_key(const struct retraced_row *row)
{
    const struct registry_key *key = &row->row.key;
    struct registry_key stored;
    bool known = issued_keys_find(&row->retrace->issued, key->id, &stored);
    json_t *was = json_object_get(row->retrace->keys, known ? stored.key_id : key->key_id);
    json_t *plain = was == NULL && known ? image_of(REGISTRY_TABLE_KEY, &stored) : NULL;
    bool judged = was != NULL || !known || plain != NULL;
    judge(row, was != NULL ? was : plain);
    json_decref(plain);
    return judged;
}

static bool keep_key(const struct retraced_row *row)
{
    const struct registry_key *key = &row->row.key;
    json_t *map = row->retrace->keys;
    bool plain = key->state == SEALRING_KEY_ACTIVE && !key->narrowed && json_object_get(map, key->key_id) == NULL;
    return judge_key(row) && issued_keys_put(&row->retrace->issued, key) &&
           (plain || json_object_set(map, key->key_id, row->image) == 0);
}

/* A credential without an end, of which nothing is kept: the same without what its end changes. */
static json_t *without_end(const json_t *image)
{
    json_t *was = json_copy((json_t *)image);
    json_object_del(was, "replaced");
    json_object_del(was, "retire_at");
    return was;
}

/* A successor takes its claims from the newest credential. Its key's own image follows in the entry. */
static void judge_newest(const struct retraced_row *row)
{
    const struct registry_credential *credential = &row->row.credential;
    struct registry_key key;
    char text[CHANGED_TEXT_SIZE];
    if (credential->state != SEALRING_CREDENTIAL_SUPERSEDED || strcmp(row->entry->act, "key.rekey") == 0 ||
        !issued_keys_find(&row->retrace->issued, credential->key, &key) || credential->serial == key.last_serial)
        return;
    snprintf(text, sizeof text,
             "(%.64s) found credential %" PRIu32 " of API key %s to be the newest, the log has %" PRIu32
             ": rows had been hidden from it",
             row->entry->act, credential->serial, key.key_id, key.last_serial);
    tell(row, text);
}

/* A credential is inserted without an end and is counted once: an updated credential is superseded. */
static bool keep_credential(const struct retraced_row *row)
{
    const struct registry_credential *credential = &row->row.credential;
    json_t *map = row->retrace->credentials;
    char name[RETRACE_NAME_SIZE];
    retrace_name(credential->key, credential->serial, name);
    row->retrace->count += credential->state == SEALRING_CREDENTIAL_CURRENT;
    judge_newest(row);
    if (json_object_get(map, name) != NULL)
        return keep_in(map, name, row);
    if (!credential->replaced)
        return true;
    json_t *was = without_end(row->image);
    judge(row, was);
    json_decref(was);
    return was != NULL && json_object_set(map, name, row->image) == 0;
}

static bool keep_row(struct retraced_row *row)
{
    const char *problem;
    char name[RETRACE_NAME_SIZE];
    if (!image_read(row->image, &row->table, &row->row, &problem))
        return true;
    switch (row->table) {
    case REGISTRY_TABLE_RING:
        retrace_name(row->row.ring.id, 0, name);
        return keep_in(row->retrace->rings, name, row);
    case REGISTRY_TABLE_VERSION:
        retrace_name(row->row.version.ring, row->row.version.number, name);
        return keep_in(row->retrace->versions, name, row);
    case REGISTRY_TABLE_CLIENT:
        return keep_client(row);
    case REGISTRY_TABLE_KEY:
        return keep_key(row);
    case REGISTRY_TABLE_CREDENTIAL:
        return keep_credential(row);
    }
    return true;
}

/* ---- Entries ---- */

/* Most entries issue one credential for one API key. They are not parsed as a whole, which takes most of the time: only the key is read. Only for
 * an imported key does an issue also change an older credential: it gives it an end. False: the entry must be parsed. */
static bool keep_issue(struct retrace *retrace, const struct registry_audit *entry, bool *kept)
{
    struct registry_key key, stored;
    retrace->imported = retrace->imported || strcmp(entry->act, "key.import") == 0;
    if (strcmp(entry->act, "key.issue") != 0 || entry->key_id == NULL || entry->detail == NULL || retrace->imported ||
        json_object_get(retrace->keys, entry->key_id) != NULL || !issued_key_read(entry->detail, &key) ||
        issued_keys_find(&retrace->issued, key.id, &stored) || strcmp(key.key_id, entry->key_id) != 0)
        return false;
    *kept = issued_keys_put(&retrace->issued, &key);
    retrace->count++;
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
    bool kept = true;
    if (keep_issue(retrace, entry, &kept))
        return kept ? SEALRING_OK : error_no_memory(error);
    if (entry->detail == NULL)
        return SEALRING_OK;
    json_t *detail = json_loads(entry->detail, 0, NULL);
    json_t *rows = json_object_get(detail, "rows");
    for (size_t i = 0; kept && i < json_array_size(rows); i++) {
        struct retraced_row row = {
            .retrace = retrace, .entry = entry, .detail = detail, .image = json_array_get(rows, i)};
        kept = keep_row(&row);
    }
    note_lack(retrace, entry, rows);
    if (strcmp(entry->act, "vault.init") == 0) {
        json_decref(retrace->init);
        retrace->init = json_incref(detail);
    }
    json_decref(detail);
    return kept ? SEALRING_OK : error_no_memory(error);
}
