/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the audit table: only ever added, numbered without a gap. */
#include "registry/rows.h"

#include <string.h>

#include "base/error.h"
#include "registry/query.h"

/* The vault row's lock makes this the only writer, so that max + 1 is nobody else's; a sequence would leave gaps at rollbacks. */
static const struct db_query audit_append = {
    "INSERT INTO audit (sequence, operation_id, time, actor, act, ring, version, key_id, client, detail)"
    " VALUES ((SELECT coalesce(max(a.sequence), 0) + 1 FROM audit a), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    true};

static const struct db_query audit_find_operation = {"SELECT a.sequence FROM audit a WHERE a.operation_id = ?1 LIMIT 1",
                                                     false};

sealring_status registry_audit_append(struct registry *registry, const struct registry_audit *entry,
                                      sealring_error *error)
{
    if (memcmp(entry->operation_id, registry->operation_id, REGISTRY_ID_SIZE) != 0) {
        /* A run after an uncertain commit would not find it, and do everything twice. */
        return error_set(error, SEALRING_INVALID, "an audit entry must have its transaction's operation ID");
    }
    struct query query;
    query_start(&query, registry, &audit_append, error);
    query_bind_bytes(&query, 1, entry->operation_id, sizeof entry->operation_id);
    query_bind_int64(&query, 2, entry->time);
    query_bind_text(&query, 3, entry->actor);
    query_bind_text(&query, 4, entry->act);
    query_bind_text(&query, 5, entry->ring);
    query_bind_int64(&query, 6, entry->version);
    query_bind_text(&query, 7, entry->key_id);
    query_bind_text(&query, 8, entry->client);
    query_bind_text(&query, 9, entry->detail);
    return query_run(&query, 1, error);
}

sealring_status registry_audit_has(struct registry *registry, const uint8_t operation_id[REGISTRY_ID_SIZE], bool *there,
                                   sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &audit_find_operation, error);
    query_bind_bytes(&query, 1, operation_id, REGISTRY_ID_SIZE);
    *there = query_row(&query);
    return query_end(&query, error);
}
