/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: rows of notices that are to be sent. */
#include "registry/notices/outbox_rows.h"

#include <string.h>

#include "base/name.h"
#include "registry/connection/query.h"

/* ---- How far notices were derived -------------------------------------------------------------------------------------- */

static const struct db_query state_begin = {
    "INSERT INTO notice_state (id, entry, time) SELECT 1, (SELECT coalesce(max(a.sequence), 0) FROM audit a), ?1"
    " WHERE NOT EXISTS (SELECT 1 FROM notice_state s)",
    true};
static const struct db_query state_find = {"SELECT s.entry, s.time FROM notice_state s", false};
static const struct db_query state_wanted = {"SELECT 1 FROM client cl WHERE cl.notices <> '' LIMIT 1", false};
static const struct db_query state_put = {"UPDATE notice_state SET entry = ?1, time = ?2", true};

static void read_state(struct query *query, void *row)
{
    struct registry_notice_state *state = row;
    state->entry = query_uint64(query);
    state->time = query_time(query);
}

sealring_status registry_notices_begin(struct registry *registry, int64_t now, sealring_error *error)
{
    return query_change_any(registry, &state_begin, PARAMETERS(INTEGER(now)), error);
}

sealring_status registry_notice_state_find(struct registry *registry, struct registry_notice_state *state, bool *found,
                                           sealring_error *error)
{
    return query_find(registry, &state_find, NULL, read_state, state, found, error);
}

sealring_status registry_notices_are_set(struct registry *registry, bool *set, sealring_error *error)
{
    return query_find(registry, &state_wanted, NULL, NULL, NULL, set, error);
}

sealring_status registry_notice_state_put(struct registry *registry, const struct registry_notice_state *state,
                                          sealring_error *error)
{
    return query_change(registry, &state_put, PARAMETERS(UNSIGNED(state->entry), INTEGER(state->time)), error);
}

/* ---- Adding -------------------------------------------------------------------------------------------------------------- */

/* ?1 event, ?2 threshold, ?3 entry, ?4 now, ?5 from, ?6 to, ?7 at, ?8 ring, ?9 version, ?10 key ID. The settings begin with a letter for each channel
 * (manage/delivery/notice_settings.c). */
#define CHANNELS "(SELECT 1 AS number, 'e' AS letter UNION ALL SELECT 2, 'w' UNION ALL SELECT 3, 'h')"
#define ADD(ring, version, key_id, serial, at, from)                                                               \
    "INSERT INTO notice (client, channel, event, ring, version, key_id, serial, threshold, entry, at, message,"    \
    " attempts, first, due, dead, reason) SELECT cl.id, ch.number, ?1, " ring ", " version ", " key_id ", " serial \
    ", ?2, ?3, " at ", x'', 0, ?4, ?4, 0, '' FROM " from " CROSS JOIN " CHANNELS                                   \
    " ch WHERE cl.notices <> '' AND cl.forgotten = 0 AND substr(cl.notices, ch.number, 1) = ch.letter AND ?5 <= ?6 AND "
#define ADD_ONCE " ON CONFLICT DO NOTHING"
#define NEWEST   "c.serial = (SELECT max(n.serial) FROM credential n WHERE n.api_key = k.id)"

#define ADD_BY_RING(condition)                                                                       \
    ADD("?8", "?9", "?10", "0", "?7", "client cl")                                                   \
    "EXISTS (SELECT 1 FROM api_key k CROSS JOIN credential c WHERE k.client = cl.id AND k.ring = ?8" \
    " AND k.state <> 3 AND c.api_key = k.id AND " NEWEST " AND " condition ")" ADD_ONCE

static const struct db_query add_by_scope[] = {
    [NOTICE_OF_OTHERS] = {ADD_BY_RING("c.version <> ?9"), true},
    [NOTICE_OF_HOLDERS] = {ADD_BY_RING("c.version = ?9"), true},
    [NOTICE_OF_USERS] = {ADD_BY_RING("c.version <> ?9 AND EXISTS (SELECT 1 FROM usage_hour u WHERE u.api_key = k.id"
                                     " AND u.version = ?9 AND u.hour >= ?5 / 3600000 AND u.accepted > 0)"),
                         true},
    [NOTICE_OF_KEY] =
        {ADD("k.ring", "?9", "k.key_id", "0", "?7",
             "api_key k CROSS JOIN client cl") "k.key_id = ?10 AND k.ring = ?8 AND cl.id = k.client" ADD_ONCE,
         true},
    [NOTICE_OF_EXPIRY] =
        {ADD("k.ring", "c.version", "k.key_id", "c.serial", "c.expires - ?2",
             "credential c CROSS JOIN api_key k CROSS JOIN client cl") "c.state = 1 AND c.expires > 0 AND c.expires > ?5 AND c.expires <= ?6 AND k.id = c.api_key"
                                                                       " AND k.state <> 3 AND " NEWEST
                                                                       " AND cl.id = k.client" ADD_ONCE,
         true},
};

#define COMMON(notice)                                                                                           \
    INTEGER((notice)->event), INTEGER((notice)->threshold), UNSIGNED((notice)->entry), INTEGER((notice)->first), \
        INTEGER(from), INTEGER(to)

sealring_status registry_notice_add(struct registry *registry, enum registry_notice_scope scope,
                                    const struct registry_notice *notice, int64_t from, int64_t to,
                                    sealring_error *error)
{
    if (scope == NOTICE_OF_EXPIRY)
        return query_change_any(registry, &add_by_scope[scope], PARAMETERS(COMMON(notice)), error);
    return query_change_any(registry, &add_by_scope[scope],
                            PARAMETERS(COMMON(notice), INTEGER(notice->at), INTEGER(notice->ring),
                                       INTEGER(notice->version), TEXT(notice->key_id)),
                            error);
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------- */

#define NOTICE_COLUMNS                                                                                             \
    "n.client, n.channel, n.event, n.ring, n.version, n.key_id, n.serial, n.threshold, n.entry, n.at, n.message, " \
    "n.attempts, n.first, n.due, n.dead, n.reason"

static const struct db_query notice_next = {
    "SELECT " NOTICE_COLUMNS " FROM notice n WHERE (n.client, n.channel) > (?2, ?3) AND n.dead = 0 AND n.due <= ?1"
    " ORDER BY n.client, n.channel LIMIT 1",
    false};
static const struct db_query notice_is_due = {"SELECT 1 FROM notice n WHERE n.dead = 0 AND n.due <= ?1 LIMIT 1", false};
static const struct db_query notice_of = {
    "SELECT " NOTICE_COLUMNS " FROM notice n WHERE n.client = ?1 AND n.channel = ?2 AND n.dead = 0"
    " ORDER BY n.at, n.entry, n.event, n.ring, n.version, n.key_id, n.serial, n.threshold LIMIT ?3",
    false};
static const struct db_query notice_all = {
    "SELECT " NOTICE_COLUMNS " FROM notice n WHERE (?1 = 0 OR n.client = ?1)"
    " ORDER BY n.client, n.channel, n.at, n.entry, n.event, n.ring, n.version, n.key_id, n.serial, n.threshold",
    false};
static const struct db_query notice_counts = {
    "SELECT coalesce(sum(1 - n.dead), 0), coalesce(sum(n.dead), 0) FROM notice n", false};
static const struct db_query client_name = {"SELECT cl.name FROM client cl WHERE cl.id = ?1", false};
static const struct db_query ring_name = {"SELECT r.name FROM ring r WHERE r.id = ?1", false};

static void read_notice(struct query *query, void *row)
{
    struct registry_notice *notice = row;
    size_t length = 0;
    notice->client = query_int64(query);
    notice->channel = query_small(query, SEALRING_CHANNEL_EMAIL, SEALRING_CHANNEL_HOOK);
    notice->event = query_small(query, SEALRING_NOTICE_SUCCESSOR, SEALRING_NOTICE_EMERGENCY);
    notice->ring = query_int64(query);
    notice->version = query_uint32(query);
    query_text(query, notice->key_id, sizeof notice->key_id);
    notice->serial = query_uint32(query);
    notice->threshold = query_time(query);
    notice->entry = query_uint64(query);
    notice->at = query_time(query);
    query_bytes_upto(query, notice->message, sizeof notice->message, &length);
    notice->is_in_message = length == sizeof notice->message;
    notice->attempts = query_uint32(query);
    notice->first = query_time(query);
    notice->due = query_time(query);
    notice->dead = query_bool(query);
    query_text(query, notice->reason, sizeof notice->reason);
}

sealring_status registry_notice_is_due(struct registry *registry, int64_t now, bool *due, sealring_error *error)
{
    return query_find(registry, &notice_is_due, PARAMETERS(INTEGER(now)), NULL, NULL, due, error);
}

sealring_status registry_notice_next(struct registry *registry, int64_t now, struct registry_notice *place, bool *found,
                                     sealring_error *error)
{
    return query_find(registry, &notice_next, PARAMETERS(INTEGER(now), INTEGER(place->client), INTEGER(place->channel)),
                      read_notice, place, found, error);
}

struct registry_cursor registry_notices_of(struct registry *registry, int64_t client, int channel, int64_t limit,
                                           sealring_error *error)
{
    return query_list(registry, &notice_of, PARAMETERS(INTEGER(client), INTEGER(channel), INTEGER(limit)), error);
}

struct registry_cursor registry_notices_all(struct registry *registry, int64_t client, sealring_error *error)
{
    return query_list(registry, &notice_all, PARAMETERS(INTEGER(client)), error);
}

bool registry_notice_read(struct registry_cursor *notices, struct registry_notice *notice)
{
    return query_next(notices, read_notice, notice);
}

static void read_counts(struct query *query, void *row)
{
    uint64_t *counts = row;
    counts[0] = query_uint64(query);
    counts[1] = query_uint64(query);
}

sealring_status registry_notices_count(struct registry *registry, uint64_t *waiting, uint64_t *dead,
                                       sealring_error *error)
{
    uint64_t counts[2] = {0};
    bool found;
    sealring_status status = query_find(registry, &notice_counts, NULL, read_counts, counts, &found, error);
    *waiting = counts[0];
    *dead = counts[1];
    return status;
}

static void read_client_name(struct query *query, void *row)
{
    query_name(query, row, SEALRING_NAME_LENGTH_MAX + 1, name_client_problem);
}

static void read_ring_name(struct query *query, void *row)
{
    query_name(query, row, SEALRING_NAME_LENGTH_MAX + 1, name_problem);
}

sealring_status registry_notice_client(struct registry *registry, int64_t client,
                                       char name[SEALRING_NAME_LENGTH_MAX + 1], bool *found, sealring_error *error)
{
    return query_find(registry, &client_name, PARAMETERS(INTEGER(client)), read_client_name, name, found, error);
}

sealring_status registry_notice_ring(struct registry *registry, int64_t ring, char name[SEALRING_NAME_LENGTH_MAX + 1],
                                     bool *found, sealring_error *error)
{
    return query_find(registry, &ring_name, PARAMETERS(INTEGER(ring)), read_ring_name, name, found, error);
}

/* ---- Changing ------------------------------------------------------------------------------------------------------------ */

#define THIS_NOTICE                                                                                                     \
    " WHERE client = ?1 AND channel = ?2 AND event = ?3 AND ring = ?4 AND version = ?5 AND key_id = ?6 AND serial = ?7" \
    " AND threshold = ?8 AND entry = ?9"
#define THIS(notice)                                                                                                 \
    INTEGER((notice)->client), INTEGER((notice)->channel), INTEGER((notice)->event), INTEGER((notice)->ring),        \
        INTEGER((notice)->version), TEXT((notice)->key_id), INTEGER((notice)->serial), INTEGER((notice)->threshold), \
        UNSIGNED((notice)->entry)

static const struct db_query notice_update = {
    "UPDATE notice SET message = ?10, attempts = ?11, due = ?12, dead = ?13, reason = ?14, first = ?15" THIS_NOTICE,
    true};
static const struct db_query notice_delete = {"DELETE FROM notice" THIS_NOTICE, true};
static const struct db_query notice_defer = {
    "UPDATE notice SET due = ?3 WHERE client = ?1 AND channel = ?2 AND dead = 0 AND due < ?3", true};
static const struct db_query notice_retry = {
    "UPDATE notice SET dead = 0, attempts = 0, first = ?2, due = ?2 WHERE (?1 = 0 OR client = ?1) AND (dead = 1 OR attempts > 0)",
    true};
static const struct db_query notice_drop = {
    "DELETE FROM notice WHERE client = ?1 AND substr(?2, channel, 1) NOT IN ('e', 'w', 'h')", true};
static const struct db_query notice_retried = {
    "SELECT count(*) FROM notice n WHERE (?1 = 0 OR n.client = ?1) AND (n.dead = 1 OR n.attempts > 0)", false};

sealring_status registry_notices_drop(struct registry *registry, int64_t client, const char *settings,
                                      sealring_error *error)
{
    return query_change_any(registry, &notice_drop, PARAMETERS(INTEGER(client), TEXT(settings)), error);
}

sealring_status registry_notice_update(struct registry *registry, const struct registry_notice *notice,
                                       sealring_error *error)
{
    return query_change_any(registry, &notice_update,
                            PARAMETERS(THIS(notice),
                                       BYTES(notice->message, notice->is_in_message ? sizeof notice->message : 0),
                                       INTEGER(notice->attempts), INTEGER(notice->due), INTEGER(notice->dead),
                                       TEXT(notice->reason), INTEGER(notice->first)),
                            error);
}

sealring_status registry_notice_delete(struct registry *registry, const struct registry_notice *notice,
                                       sealring_error *error)
{
    return query_change_any(registry, &notice_delete, PARAMETERS(THIS(notice)), error);
}

sealring_status registry_notices_defer(struct registry *registry, int64_t client, int channel, int64_t due,
                                       sealring_error *error)
{
    return query_change_any(registry, &notice_defer, PARAMETERS(INTEGER(client), INTEGER(channel), INTEGER(due)),
                            error);
}

sealring_status registry_notices_retry(struct registry *registry, int64_t client, int64_t now, uint64_t *count,
                                       sealring_error *error)
{
    sealring_status status = query_count(registry, &notice_retried, PARAMETERS(INTEGER(client)), count, error);
    return status == SEALRING_OK
               ? query_change_any(registry, &notice_retry, PARAMETERS(INTEGER(client), INTEGER(now)), error)
               : status;
}
