/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the vault; and the beginning of facts with values: one about the vault, and one about each ring and version that exists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "registry/connection/handle.h"
#include "registry/connection/query.h"
#include "registry/rows/ring_facts.h"
#include "registry/rows/version_facts.h"

/* Rings and versions are few; nothing is written while a cursor is open. */
static sealring_status note_rings(struct registry *registry, sealring_error *error)
{
    struct registry_ring *rings = NULL, ring;
    size_t count = 0;
    sealring_status status = SEALRING_OK;
    struct registry_cursor cursor = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&cursor, &ring))
        if (array_grow(&rings, count))
            rings[count++] = ring;
        else
            status = error_no_memory(error);
    status = registry_close_cursor(&cursor, status);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        status = ring_fact_note(registry, &rings[i], error);
    free(rings);
    return status;
}

static sealring_status note_versions(struct registry *registry, sealring_error *error)
{
    struct registry_version *versions = NULL, version;
    size_t count = 0;
    sealring_status status = SEALRING_OK;
    struct registry_cursor cursor = registry_versions(registry, 0, error);
    while (status == SEALRING_OK && registry_version_next(&cursor, &version))
        if (array_grow(&versions, count))
            versions[count++] = version;
        else
            status = error_no_memory(error);
    status = registry_close_cursor(&cursor, status);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        status = version_fact_note(registry, &versions[i], error);
    free(versions);
    return status;
}

/* The only text: that facts contain values; whether the vault has imported API keys; on a line each. */
#define VAULT_VALUE   "1\n%d"
#define VAULT_IMPORTS "1\n1"

static const struct db_query vault_fact_imports = {
    "SELECT 1 FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = zeroblob(16) AND f.version = 0"
    " AND f.value = ?1 LIMIT 1",
    false};

/* Every digest is greater than the empty one, so this finds the first entry of the index of imported ones. */
static const struct db_query vault_imports = {
    "SELECT c.api_key FROM credential c WHERE c.imported = 1 AND c.digest > ?1 LIMIT 1", false};

sealring_status registry_has_imports(struct registry *registry, bool *has_imports, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &vault_imports, error);
    query_bind_bytes(&query, 1, "", 0);
    *has_imports = query_row(&query);
    return query_end(&query, error);
}

static sealring_status note_vault(struct registry *registry, bool imports, sealring_error *error)
{
    struct registry_closed fact = {.is_version = true, .state = SEALRING_VERSION_PENDING};
    (void)snprintf(fact.value, sizeof fact.value, VAULT_VALUE, imports);
    return closed_add(registry, &fact, error);
}

bool registry_fact_of_vault(const struct registry_closed *fact, bool *imports)
{
    static const uint8_t none[REGISTRY_ID_SIZE];
    bool of_vault = fact->is_version && fact->version == 0 && memcmp(fact->ring_id, none, sizeof none) == 0;
    *imports = of_vault && strcmp(fact->value, VAULT_IMPORTS) == 0;
    return of_vault;
}

/* That there are imports is never taken back, so one such fact is enough. */
sealring_status closed_note_import(struct registry *registry, sealring_error *error)
{
    struct registry_vault vault;
    bool noted = false;
    sealring_status status = registry_facts_begun(registry, &vault, error);
    if (status == SEALRING_OK && vault.facts_begun)
        status = query_find(registry, &vault_fact_imports, PARAMETERS(TEXT(VAULT_IMPORTS)), NULL, NULL, &noted, error);
    return status != SEALRING_OK || !vault.facts_begun || noted ? status : note_vault(registry, true, error);
}

sealring_status facts_begin(struct registry *registry, sealring_error *error)
{
    bool imports = false;
    sealring_status status = registry_has_imports(registry, &imports, error);
    if (status == SEALRING_OK)
        status = note_vault(registry, imports, error);
    if (status == SEALRING_OK)
        status = note_rings(registry, error);
    return status == SEALRING_OK ? note_versions(registry, error) : status;
}
