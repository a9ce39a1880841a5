/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs checkpoints: the row that names it, and the facts about its changes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "registry/connection/query.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"

/* Of one length, so that the text before the vkey is a number in SQL as well (checkpoint_rows.c). */
#define SIZE_DIGITS 20

/* A key that the table has already becomes the newest one. */
static const struct db_query key_insert = {
    "INSERT INTO audit_key (id, vkey, created) VALUES ((SELECT coalesce(max(k.id), 0) + 1 FROM audit_key k), ?1, ?2)"
    " ON CONFLICT (vkey) DO UPDATE SET id = excluded.id",
    true};

static const struct db_query key_get = {"SELECT k.vkey FROM audit_key k ORDER BY k.id DESC LIMIT 1", false};

static const struct db_query key_is = {
    "SELECT CASE WHEN k.vkey = ?1 THEN 1 ELSE 0 END FROM audit_key k ORDER BY k.id DESC LIMIT 1", false};

/* What is about the vault is about version 0 of a ring with the vault's ID, which does not exist. */
static const struct db_query change_after = {"SELECT f.sequence FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = ?1"
                                             " AND f.version = 0 AND f.sequence > ?2 ORDER BY f.sequence LIMIT 1",
                                             false};

static void vkey_read(struct query *query, void *row)
{
    query_text(query, row, REGISTRY_VKEY_SIZE);
}

sealring_status registry_audit_key_insert(struct registry *registry, const char *vkey, int64_t created,
                                          sealring_error *error)
{
    return query_change(registry, &key_insert, PARAMETERS(TEXT(vkey), INTEGER(created)), error);
}

sealring_status registry_audit_key_find(struct registry *registry, char vkey[REGISTRY_VKEY_SIZE], bool *found,
                                        sealring_error *error)
{
    return query_find(registry, &key_get, NULL, vkey_read, vkey, found, error);
}

static void is_read(struct query *query, void *row)
{
    bool *is = row;
    *is = query_uint64(query) == 1;
}

sealring_status registry_audit_key_is(struct registry *registry, const char *vkey, bool *is, sealring_error *error)
{
    bool found = false;
    *is = false;
    return query_find(registry, &key_is, PARAMETERS(TEXT(vkey)), is_read, is, &found, error);
}

sealring_status registry_key_change_add(struct registry *registry, const struct registry_key_change *change,
                                        sealring_error *error)
{
    struct registry_closed fact = {.is_version = true, .state = SEALRING_VERSION_PENDING};
    memcpy(fact.ring_id, registry_vault_row(registry)->vault_id, sizeof fact.ring_id);
    int length = snprintf(fact.value, sizeof fact.value, "%0*" PRIu64 "\n%s\n%s", SIZE_DIGITS, change->size,
                          change->old_key, change->new_key);
    return length < (int)sizeof fact.value ? closed_add(registry, &fact, error)
                                           : error_set(error, SEALRING_INVALID, "the names of the keys are too long");
}

static bool take_key(const char *text, size_t length, char vkey[REGISTRY_VKEY_SIZE])
{
    if (length >= REGISTRY_VKEY_SIZE)
        return false;
    memcpy(vkey, text, length);
    vkey[length] = '\0';
    return true;
}

bool registry_key_change_read(const struct registry_closed *fact, const uint8_t vault_id[REGISTRY_ID_SIZE],
                              struct registry_key_change *change)
{
    const char *value = fact->value;
    if (!fact->is_version || fact->version != 0 || memcmp(fact->ring_id, vault_id, sizeof fact->ring_id) != 0 ||
        strspn(value, "0123456789") != SIZE_DIGITS || value[SIZE_DIGITS] != '\n')
        return false;
    const char *old_key = value + SIZE_DIGITS + 1, *end = strchr(old_key, '\n');
    change->size = strtoull(value, NULL, 10);
    return end != NULL && take_key(old_key, (size_t)(end - old_key), change->old_key) &&
           take_key(end + 1, strlen(end + 1), change->new_key);
}

static void sequence_read(struct query *query, void *row)
{
    uint64_t *sequence = row;
    *sequence = query_uint64(query);
}

sealring_status registry_key_change_after(struct registry *registry, uint64_t after, uint64_t *sequence, bool *found,
                                          sealring_error *error)
{
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    return query_find(registry, &change_after, PARAMETERS(BYTES(vault_id, REGISTRY_ID_SIZE), UNSIGNED(after)),
                      sequence_read, sequence, found, error);
}
