/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of versions. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/name.h"
#include "registry/rows/columns.h"
#include "registry/rows/version_facts.h"

static const struct db_query version_insert = {
    "INSERT INTO version (ring, number, state, object_id, check_value, was_compromised, closing_owed, created, activated,"
    " retire_at, closed, purge_at, destroyed, created_epoch, prf, origin, public_key)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, nullif(?17, zeroblob(32)))",
    true};

static const struct db_query version_update = {
    "UPDATE version SET state = ?3, was_compromised = ?4, closing_owed = ?5, activated = ?6, retire_at = ?7, closed = ?8,"
    " purge_at = ?9, destroyed = ?10 WHERE ring = ?1 AND number = ?2",
    true};

/* Of an edited row, which the facts correct: these never change otherwise. */
static const struct db_query version_correct = {
    "UPDATE version SET object_id = ?3, check_value = ?4, prf = ?5, origin = ?6, public_key = nullif(?7, zeroblob(32))"
    " WHERE ring = ?1 AND number = ?2",
    true};

/* Of another version, whose row was edited as well: an object is one version's only. */
static const struct db_query version_free_object = {
    "UPDATE version SET object_id = randomblob(32) WHERE object_id = ?3 AND (ring <> ?1 OR number <> ?2)", true};

static const struct db_query version_ring_name = {"SELECT r.name FROM ring r WHERE r.id = ?1", false};

static const struct db_query version_get = {
    "SELECT " VERSION_WITH_FACT " FROM version v WHERE v.ring = ?1 AND v.number = ?2", false};

static const struct db_query version_get_by_object = {
    "SELECT " VERSION_WITH_FACT " FROM version v WHERE v.object_id = ?1", false};

static const struct db_query version_of_ring = {
    "SELECT " VERSION_WITH_FACT " FROM version v WHERE v.ring = ?1 ORDER BY v.number", false};

static const struct db_query version_all = {"SELECT " VERSION_WITH_FACT " FROM version v ORDER BY v.ring, v.number",
                                            false};

/* The 1 is literal, not bound: only then does SQLite know that the index version_owed contains them all. */
static const struct db_query version_owed = {
    "SELECT " VERSION_WITH_FACT " FROM version v WHERE v.closing_owed = 1 ORDER BY v.ring, v.number", false};

/* A key is revoked by its fact: its row could contain that for the time of one command. */
#define KEY_HOLDS "NOT EXISTS (SELECT 1 FROM closed_fact kf WHERE kf.kind = 1 AND kf.key_id = k.key_id)"

static const struct db_query version_held = {"SELECT c.api_key FROM credential c JOIN api_key k ON k.id = c.api_key"
                                             " WHERE c.ring = ?1 AND c.version = ?2 AND " KEY_HOLDS " LIMIT 1",
                                             false};

/* By the keys of the ring, as verdicts do: a credential's own column of its ring decides nothing. */
static const struct db_query version_held_surely = {
    "SELECT c.api_key FROM api_key k CROSS JOIN credential c WHERE k.ring = ?1 AND c.api_key = k.id AND c.version = ?2"
    " AND " KEY_HOLDS " LIMIT 1",
    false};

static const struct db_query version_count_credentials = {
    "SELECT count(*) FROM credential c WHERE c.ring = ?1 AND c.version = ?2", false};

static const struct db_query version_count_current = {
    "SELECT count(*) FROM credential c JOIN api_key k ON k.id = c.api_key"
    " WHERE c.ring = ?1 AND c.version = ?2 AND k.state <> 3"
    " AND c.serial = (SELECT max(n.serial) FROM credential n WHERE n.api_key = c.api_key)",
    false};

static const char *origin_problem(const char *text, char problem[128])
{
    (void)problem;
    return strcmp(text, REGISTRY_GENERATED) == 0 || strcmp(text, REGISTRY_ADOPTED) == 0 ? NULL : "is no origin";
}

void columns_read_version(struct query *query, void *row)
{
    struct registry_version *version = row;
    version->ring = query_int64(query);
    version->number = query_uint32(query);
    version->state = (sealring_version_state)query_small(query, SEALRING_VERSION_PENDING, SEALRING_VERSION_DESTROYED);
    query_bytes_upto(query, version->object_id, sizeof version->object_id, &version->object_id_length);
    query_bytes(query, version->check_value, sizeof version->check_value);
    version->was_compromised = query_bool(query);
    version->closing_owed = query_bool(query);
    version->created = query_time(query);
    version->activated = query_time(query);
    version->retire_at = query_time(query);
    version->closed = query_time(query);
    version->purge_at = query_time(query);
    version->destroyed = query_time(query);
    version->created_epoch = query_uint64(query);
    query_name(query, version->prf, sizeof version->prf, name_prf_problem);
    query_name(query, version->origin, sizeof version->origin, origin_problem);
    memset(version->public_key, 0, sizeof version->public_key);
    if (!query_null(query))
        query_bytes(query, version->public_key, sizeof version->public_key);
    version->unfounded = false;
    version->fact = 0;
}

static void version_read(struct query *query, void *row)
{
    struct registry_version *version = row;
    char fact[FACT_SEQUENCE_SIZE + VERSION_FACT_SIZE];
    columns_read_version(query, version);
    int row_state = query_small(query, SEALRING_VERSION_PENDING, SEALRING_VERSION_DESTROYED);
    version->fact = columns_read_fact(query, fact, sizeof fact);
    if (query_good(query) && !version_fact_apply(fact, row_state, version))
        version->unfounded = true;
}

sealring_status registry_version_insert(struct registry *registry, const struct registry_version *version,
                                        sealring_error *error)
{
    sealring_status status = query_change(
        registry, &version_insert,
        PARAMETERS(INTEGER(version->ring), INTEGER(version->number), INTEGER(version->state),
                   BYTES(version->object_id, version->object_id_length),
                   BYTES(version->check_value, sizeof version->check_value), INTEGER(version->was_compromised),
                   INTEGER(version->closing_owed), INTEGER(version->created), INTEGER(version->activated),
                   INTEGER(version->retire_at), INTEGER(version->closed), INTEGER(version->purge_at),
                   INTEGER(version->destroyed), UNSIGNED(registry->vault.epoch), TEXT(version->prf),
                   TEXT(version->origin), BYTES(version->public_key, sizeof version->public_key)),
        error);
    if (status == SEALRING_OK)
        status = version_fact_note(registry, version, error);
    return handle_tell(registry, status, REGISTRY_TABLE_VERSION, version);
}

static void read_ring_name(struct query *query, void *name)
{
    query_name(query, name, SEALRING_NAME_LENGTH_MAX + 1, name_problem);
}

static sealring_status version_correct_object(struct registry *registry, const struct registry_version *followed,
                                              sealring_error *error)
{
    char ring[SEALRING_NAME_LENGTH_MAX + 1] = "";
    bool found;
    const struct query_parameter *parameters = PARAMETERS(
        INTEGER(followed->ring), INTEGER(followed->number), BYTES(followed->object_id, followed->object_id_length),
        BYTES(followed->check_value, sizeof followed->check_value), TEXT(followed->prf), TEXT(followed->origin),
        BYTES(followed->public_key, sizeof followed->public_key));
    sealring_status status = query_find(registry, &version_ring_name, PARAMETERS(INTEGER(followed->ring)),
                                        read_ring_name, ring, &found, error);
    if (status != SEALRING_OK)
        return status;
    (void)snprintf(registry->corrected, sizeof registry->corrected,
                   "the row of version %" PRIu32 " of ring %s, which was edited", followed->number, ring);
    status = query_change_any(registry, &version_free_object, PARAMETERS(parameters[0], parameters[1], parameters[2]),
                              error);
    return status == SEALRING_OK ? query_change(registry, &version_correct, parameters, error) : status;
}

/* Before the row is written. A version that has no row is reported by the statement that writes it. */
static sealring_status version_note(struct registry *registry, const struct registry_version *version,
                                    sealring_error *error)
{
    struct registry_version before, after = *version;
    bool found = false;
    sealring_status status = registry_version_find(registry, version->ring, version->number, &before, &found, error);
    if (status != SEALRING_OK || !found)
        return status;
    if (before.stuck && !registry->without_triggers &&
        (version->state != SEALRING_VERSION_COMPROMISED && version->state != SEALRING_VERSION_DESTROYED))
        return error_set(
            error, SEALRING_REGISTRY,
            "ALARM: the registry was altered: the row of version %" PRIu32
            " was edited to a state that is final, and the facts contain another: run `sealring run --once`, "
            "which corrects it",
            version->number);
    if (before.edited)
        status = version_correct_object(registry, &before, error);
    memcpy(after.object_id, before.object_id, sizeof after.object_id);
    after.object_id_length = before.object_id_length;
    memcpy(after.check_value, before.check_value, sizeof after.check_value);
    memcpy(after.prf, before.prf, sizeof after.prf);
    memcpy(after.origin, before.origin, sizeof after.origin);
    memcpy(after.public_key, before.public_key, sizeof after.public_key);
    return status == SEALRING_OK ? version_fact_note(registry, &after, error) : status;
}

sealring_status registry_version_update(struct registry *registry, const struct registry_version *version,
                                        sealring_error *error)
{
    sealring_status status = version_note(registry, version, error);
    if (status != SEALRING_OK)
        return status;
    status = query_change(registry, &version_update,
                          PARAMETERS(INTEGER(version->ring), INTEGER(version->number), INTEGER(version->state),
                                     INTEGER(version->was_compromised), INTEGER(version->closing_owed),
                                     INTEGER(version->activated), INTEGER(version->retire_at), INTEGER(version->closed),
                                     INTEGER(version->purge_at), INTEGER(version->destroyed)),
                          error);
    return handle_tell(registry, status, REGISTRY_TABLE_VERSION, version);
}

sealring_status registry_version_find(struct registry *registry, int64_t ring, uint32_t number,
                                      struct registry_version *version, bool *found, sealring_error *error)
{
    return query_find(registry, &version_get, PARAMETERS(INTEGER(ring), INTEGER(number)), version_read, version, found,
                      error);
}

static bool version_has_object(const struct registry_version *version, const uint8_t *object_id, size_t length)
{
    return version->object_id_length == length && memcmp(version->object_id, object_id, length) == 0;
}

sealring_status registry_version_find_by_object(struct registry *registry, const uint8_t *object_id, size_t length,
                                                struct registry_version *version, bool *found, sealring_error *error)
{
    sealring_status status = query_find(registry, &version_get_by_object, PARAMETERS(BYTES(object_id, length)),
                                        version_read, version, found, error);
    if (status != SEALRING_OK || (*found && version_has_object(version, object_id, length)))
        return status;
    *found = false; /* the row that has it was edited, or the one that should have it */
    struct registry_cursor versions = registry_versions(registry, 0, error);
    while (!*found && registry_version_next(&versions, version))
        *found = version_has_object(version, object_id, length);
    return registry_close_cursor(&versions, SEALRING_OK);
}

struct registry_cursor registry_versions(struct registry *registry, int64_t ring, sealring_error *error)
{
    return ring == 0 ? query_list(registry, &version_all, NULL, error)
                     : query_list(registry, &version_of_ring, PARAMETERS(INTEGER(ring)), error);
}

struct registry_cursor registry_versions_owed(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &version_owed, NULL, error);
}

bool registry_version_next(struct registry_cursor *versions, struct registry_version *version)
{
    return query_next(versions, version_read, version);
}

sealring_status registry_version_held(struct registry *registry, int64_t ring, uint32_t number, bool *held,
                                      sealring_error *error)
{
    return query_find(registry, &version_held, PARAMETERS(INTEGER(ring), INTEGER(number)), NULL, NULL, held, error);
}

sealring_status registry_version_held_surely(struct registry *registry, int64_t ring, uint32_t number, bool *held,
                                             sealring_error *error)
{
    return query_find(registry, &version_held_surely, PARAMETERS(INTEGER(ring), INTEGER(number)), NULL, NULL, held,
                      error);
}

sealring_status registry_version_count(struct registry *registry, int64_t ring, uint32_t number, uint64_t *credentials,
                                       uint64_t *current, sealring_error *error)
{
    const struct query_parameter *parameters = PARAMETERS(INTEGER(ring), INTEGER(number));
    sealring_status status = query_count(registry, &version_count_credentials, parameters, credentials, error);
    return status == SEALRING_OK ? query_count(registry, &version_count_current, parameters, current, error) : status;
}
