/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of intentions: objects that may have been made in the token and do not yet belong to a version. */
#include "registry/rows/rows.h"

#include <string.h>

#include "registry/connection/query.h"

#include "base/foreign_text.h"

static const struct db_query intention_highest = {"SELECT coalesce(max(id), 0) FROM intention", false};

static const struct db_query intention_insert = {
    "INSERT INTO intention (nonce, ring, object_id, owner, created, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", true};

static const struct db_query intention_delete = {"DELETE FROM intention WHERE id = ?1", true};

static const struct db_query intention_all = {
    "SELECT id, nonce, coalesce(ring, 0), object_id, owner, created FROM intention ORDER BY id", false};

sealring_status registry_intention_insert(struct registry *registry, struct registry_intention *intention,
                                          sealring_error *error)
{
    struct query query;
    int64_t id = 0;
    sealring_status status = query_next_id(registry, &intention_highest, NUMBERED_INTENTION, &id, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &intention_insert, error);
    query_bind_bytes(&query, 1, intention->nonce, sizeof intention->nonce);
    if (intention->ring != 0)
        query_bind_int64(&query, 2, intention->ring);
    else
        query_bind_text(&query, 2, NULL); /* a ring that does not exist yet */
    query_bind_bytes(&query, 3, intention->object_id, intention->object_id_length);
    query_bind_text(&query, 4, intention->owner);
    query_bind_int64(&query, 5, intention->created);
    query_bind_int64(&query, 6, id);
    status = query_run(&query, error);
    if (status == SEALRING_OK)
        intention->id = id;
    return status;
}

sealring_status registry_intention_delete(struct registry *registry, int64_t id, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &intention_delete, error);
    query_bind_int64(&query, 1, id);
    return query_run(&query, error);
}

struct registry_cursor registry_intentions(struct registry *registry, sealring_error *error)
{
    return query_open(registry, &intention_all, error);
}

bool registry_intention_next(struct registry_cursor *intentions, struct registry_intention *intention)
{
    struct query *query = &intentions->query;
    char owner[sizeof intention->owner]; /* only to be displayed, with the host's name as it was */
    if (!query_row(query))
        return false;
    intention->id = query_int64(query);
    query_bytes(query, intention->nonce, sizeof intention->nonce);
    intention->ring = query_int64(query);
    query_bytes_upto(query, intention->object_id, sizeof intention->object_id, &intention->object_id_length);
    query_text(query, owner, sizeof owner);
    outside_escape(owner, strlen(owner), SEALRING_ESCAPE_TERMINAL, intention->owner, sizeof intention->owner);
    intention->created = query_time(query);
    return query_good(query);
}
