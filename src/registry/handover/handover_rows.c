/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of handovers: which API keys' successors hooks or directories have to get, and what became of the attempts. */
#include "registry/handover/handover_rows.h"

#include <string.h>

#include "base/foreign_text.h"
#include "base/name.h"
#include "registry/connection/query.h"

#define HANDOVER_COLUMNS "h.api_key, h.version, h.delivered, h.attempts, h.due, h.failure"

static const struct db_query handover_put = {
    "INSERT INTO handover (api_key, version, delivered, attempts, due, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (api_key) DO UPDATE SET version = excluded.version, delivered = excluded.delivered,"
    " attempts = excluded.attempts, due = excluded.due, failure = excluded.failure",
    true};

static const struct db_query handover_get = {"SELECT " HANDOVER_COLUMNS " FROM handover h WHERE h.api_key = ?1", false};

/* A row about another version is of an earlier rotation. */
static const struct db_query handover_due = {
    "SELECT r.name, cl.name, k.label, k.id, k.key_id, k.id, ?2, 0, coalesce(h.attempts, 0), coalesce(h.due, 0),"
    " coalesce(h.failure, '') FROM ring r CROSS JOIN api_key k CROSS JOIN credential c CROSS JOIN client cl"
    " LEFT JOIN handover h ON h.api_key = k.id AND h.version = ?2"
    " WHERE r.id = ?1 AND k.ring = r.id AND k.state <> 3 AND k.state = 1 AND c.api_key = k.id"
    " AND c.serial = (SELECT max(m.serial) FROM credential m WHERE m.api_key = k.id) AND cl.id = k.client"
    " AND (c.expires = 0 OR c.expires > ?3)"
    " AND CASE WHEN h.api_key IS NULL THEN c.version <> ?2 ELSE h.delivered = 0 AND h.due <= ?4 END"
    " ORDER BY cl.name, k.label, k.id",
    false};

static const struct db_query handover_list = {
    "SELECT r.name, cl.name, k.label, k.id, k.key_id, " HANDOVER_COLUMNS
    " FROM handover h JOIN api_key k ON k.id = h.api_key JOIN ring r ON r.id = k.ring JOIN client cl ON cl.id = k.client"
    " WHERE (?1 = 0 OR k.ring = ?1) AND (?2 = 1 OR h.delivered = 0) ORDER BY r.name, cl.name, k.label, k.id",
    false};

static void handover_read(struct query *query, void *found)
{
    struct registry_handover *row = found;
    char failure[REGISTRY_FAILURE_SIZE];
    row->key = query_int64(query);
    row->version = query_uint32(query);
    row->delivered = query_time(query);
    row->attempts = query_uint32(query);
    row->due = query_time(query);
    query_text(query, failure, sizeof failure);
    (void)outside_escape(failure, strlen(failure), SEALRING_ESCAPE_TERMINAL, row->failure, sizeof row->failure);
}

static void handover_read_info(struct query *query, void *found)
{
    struct registry_handover_info *info = found;
    query_name(query, info->ring, sizeof info->ring, name_problem);
    query_name(query, info->client, sizeof info->client, name_client_problem);
    query_name(query, info->label, sizeof info->label, name_problem);
    info->key.row = query_int64(query);
    query_ascii(query, info->key.key_id, sizeof info->key.key_id);
    handover_read(query, &info->row);
}

sealring_status registry_handover_put(struct registry *registry, const struct registry_handover *row,
                                      sealring_error *error)
{
    return query_change(registry, &handover_put,
                        PARAMETERS(INTEGER(row->key), INTEGER(row->version), INTEGER(row->delivered),
                                   INTEGER(row->attempts), INTEGER(row->due), TEXT(row->failure)),
                        error);
}

sealring_status registry_handover_find(struct registry *registry, int64_t key, struct registry_handover *row,
                                       bool *found, sealring_error *error)
{
    return query_find(registry, &handover_get, PARAMETERS(INTEGER(key)), handover_read, row, found, error);
}

struct registry_cursor registry_handovers_due(struct registry *registry, int64_t ring, uint32_t active, int64_t now,
                                              int64_t due, sealring_error *error)
{
    return query_list(registry, &handover_due, PARAMETERS(INTEGER(ring), INTEGER(active), INTEGER(now), INTEGER(due)),
                      error);
}

struct registry_cursor registry_handovers(struct registry *registry, int64_t ring, bool delivered,
                                          sealring_error *error)
{
    return query_list(registry, &handover_list, PARAMETERS(INTEGER(ring), INTEGER(delivered)), error);
}

bool registry_handover_next(struct registry_cursor *handovers, struct registry_handover_info *info)
{
    return query_next(handovers, handover_read_info, info);
}
