/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of intentions: objects that may have been made in the token and do not yet belong to a version. */
#include "registry/rows/rows.h"

#include <string.h>

#include "registry/connection/query.h"

#include "base/foreign_text.h"

static const struct db_query intention_insert = {"INSERT INTO intention (id, nonce, ring, object_id, owner, created)"
                                                 " VALUES (" NEXT_ID("intention") ", ?1, ?2, ?3, ?4, ?5) RETURNING id",
                                                 true};

static const struct db_query intention_delete = {"DELETE FROM intention WHERE id = ?1", true};

static const struct db_query intention_all = {
    "SELECT id, nonce, coalesce(ring, 0), object_id, owner, created FROM intention ORDER BY id", false};

sealring_status registry_intention_insert(struct registry *registry, struct registry_intention *intention,
                                          sealring_error *error)
{
    /* no ring: one that does not exist yet */
    return query_insert(registry, &intention_insert,
                        PARAMETERS(BYTES(intention->nonce, sizeof intention->nonce),
                                   intention->ring != 0 ? INTEGER(intention->ring) : TEXT(NULL),
                                   BYTES(intention->object_id, intention->object_id_length), TEXT(intention->owner),
                                   INTEGER(intention->created)),
                        &intention->id, error);
}

sealring_status registry_intention_delete(struct registry *registry, int64_t id, sealring_error *error)
{
    return query_change(registry, &intention_delete, PARAMETERS(INTEGER(id)), error);
}

struct registry_cursor registry_intentions(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &intention_all, NULL, error);
}

static void intention_read(struct query *query, void *row)
{
    struct registry_intention *intention = row;
    char owner[sizeof intention->owner]; /* only to be displayed, with the host's name as it was */
    intention->id = query_int64(query);
    query_bytes(query, intention->nonce, sizeof intention->nonce);
    intention->ring = query_int64(query);
    query_bytes_upto(query, intention->object_id, sizeof intention->object_id, &intention->object_id_length);
    query_text(query, owner, sizeof owner);
    outside_escape(owner, strlen(owner), SEALRING_ESCAPE_TERMINAL, intention->owner, sizeof intention->owner);
    intention->created = query_time(query);
}

bool registry_intention_next(struct registry_cursor *intentions, struct registry_intention *intention)
{
    return query_next(intentions, intention_read, intention);
}
