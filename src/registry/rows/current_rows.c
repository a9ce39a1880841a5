/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are, to be compared with the audit log and with their facts. */

#include "registry/rows/current_rows.h"

#include "registry/rows/closed_facts.h"
#include "registry/rows/columns.h"

static const struct db_query standing_rings = {"SELECT " RING_COLUMNS ", '' FROM ring r ORDER BY r.id", false};

static const struct db_query standing_versions = {
    "SELECT " VERSION_COLUMNS ", v.state, '' FROM version v ORDER BY v.ring, v.number", false};

static const struct db_query standing_keys = {"SELECT " KEY_COLUMNS " FROM api_key k ORDER BY k.id", false};

static const struct db_query standing_ends = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.replaced = 1 ORDER BY c.api_key, c.serial", false};

static const struct db_query standing_forgotten = {
    "SELECT " CLIENT_COLUMNS " FROM client cl WHERE cl.forgotten <> 0 ORDER BY cl.name", false};

/* A credential without its key, client or version counts as missing. */
static const struct db_query bare_keys = {
    "SELECT " KEY_COLUMNS " FROM api_key k WHERE NOT EXISTS (SELECT 1 FROM credential c WHERE c.api_key = k.id)"
    " ORDER BY k.id",
    false};

static const struct db_query standing_credentials = {
    "SELECT count(*) FROM credential c JOIN api_key k ON k.id = c.api_key AND k.ring = c.ring"
    " JOIN client cl ON cl.id = k.client JOIN version v ON v.ring = c.ring AND v.number = c.version",
    false};

static const struct db_query standing_imports = {
    "SELECT " KEY_COLUMNS " FROM credential c JOIN api_key k ON k.id = c.api_key"
    " WHERE c.imported = 1 AND c.serial < k.last_serial AND c.replaced = 0 ORDER BY k.key_id",
    false};

struct registry_cursor registry_current_rings(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_rings, NULL, error);
}

struct registry_cursor registry_current_versions(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_versions, NULL, error);
}

struct registry_cursor registry_keys(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_keys, NULL, error);
}

struct registry_cursor registry_ended_credentials(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_ends, NULL, error);
}

struct registry_cursor registry_forgotten_clients(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_forgotten, NULL, error);
}

bool registry_forgotten_next(struct registry_cursor *clients, struct registry_client *client)
{
    return query_next(clients, columns_read_client, client);
}

struct registry_cursor registry_unended_imports(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_imports, NULL, error);
}

struct registry_cursor registry_bare_keys(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &bare_keys, NULL, error);
}

sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error)
{
    return query_count(registry, &standing_credentials, NULL, count, error);
}

/* By the table itself: an index may lack rows. */
static const struct db_query stored_credential = {
    "SELECT 1 FROM credential c WHERE c.api_key = ?1 AND c.digest = ?2 AND +c.serial = ?3 AND +c.version = ?4"
    " AND c.nonce = ?5 AND c.scopes = ?6 AND c.not_before = ?7 AND c.expires = ?8",
    false};

sealring_status registry_credential_is_stored(struct registry *registry, const struct registry_credential *credential,
                                              bool *stored, sealring_error *error)
{
    return query_find(registry, &stored_credential,
                      PARAMETERS(INTEGER(credential->key), BYTES(credential->digest, sizeof credential->digest),
                                 INTEGER(credential->serial), INTEGER(credential->version),
                                 BYTES(credential->nonce, sizeof credential->nonce), TEXT(credential->scopes),
                                 INTEGER(credential->not_before), INTEGER(credential->expires)),
                      NULL, NULL, stored, error);
}

/* ---- Rows that contradict their facts ---- */

static const struct db_query closed_keys_differ = {
    "SELECT f.key_id, 0, coalesce(k.state, 0), f.state FROM closed_fact f LEFT JOIN api_key k ON k.key_id = f.key_id"
    " WHERE f.kind = 1 AND f.state = 3 AND k.state IS NOT 3"
    " UNION ALL"
    " SELECT k.key_id, 0, k.state, 0 FROM api_key k WHERE k.state = 3"
    " AND NOT EXISTS (SELECT 1 FROM closed_fact f WHERE f.kind = 1 AND f.key_id = k.key_id AND f.state = 3)",
    false};

#define LINES_BEFORE_ENDS(label) "k.narrowed || char(10) || k.narrowed_scopes || char(10) || " label
#define NOT_BEGUN_BY(label)      "substr(f.value, 1, length(" LINES_BEFORE_ENDS(label) ")) <> " LINES_BEFORE_ENDS(label)

/* The last fact of each key that is not revoked. */
static const struct db_query closed_values_differ = {
    "SELECT k.key_id, 0, k.state, f.state FROM closed_fact f JOIN api_key k ON k.key_id = f.key_id"
    " WHERE f.kind = 1 AND f.sequence = (SELECT max(g.sequence) FROM closed_fact g WHERE g.kind = 1 AND g.key_id = f.key_id)"
    " AND f.state < 3 AND (k.state <> f.state OR (" NOT_BEGUN_BY("char(10)") " AND " NOT_BEGUN_BY(
        "k.label || char(10)") "))"
                               " UNION ALL"
                               " SELECT k.key_id, 0, k.state, 0 FROM api_key k WHERE (k.state = 2 OR k.narrowed = 1)"
                               " AND " FACTS_BEGUN
                               " AND NOT EXISTS (SELECT 1 FROM closed_fact f WHERE f.kind = 1 AND f.key_id = k.key_id)",
    false};

/* The last fact of each version. Before schema 3 a reinstated version (retired → pending) got no further facts until it was closed again. */
static const struct db_query closed_versions_differ = {
    "SELECT coalesce(r.name, hex(f.ring_id)), f.version, coalesce(v.state, 0), f.state FROM closed_fact f"
    " LEFT JOIN ring r ON r.ring_id = f.ring_id LEFT JOIN version v ON v.ring = r.id AND v.number = f.version"
    " WHERE f.kind = 2 AND f.version > 0 AND f.sequence = (SELECT max(g.sequence) FROM closed_fact g WHERE g.kind = 2"
    " AND g.ring_id = f.ring_id AND g.version = f.version)"
    " AND v.state IS NOT f.state AND (f.value <> '' OR f.state >= 4 OR coalesce(v.state, 0) NOT IN (1, 2, 3))"
    " UNION ALL"
    " SELECT r.name, v.number, v.state, 0 FROM version v JOIN ring r ON r.id = v.ring WHERE v.state >= 4"
    " AND NOT EXISTS (SELECT 1 FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = r.ring_id AND f.version = v.number)",
    false};

static const struct db_query closed_objects_differ = {
    "SELECT r.name, v.number, v.state, coalesce(f.state, 0) FROM version v JOIN ring r ON r.id = v.ring LEFT JOIN closed_fact f"
    " ON f.sequence = (SELECT g.sequence FROM closed_fact g WHERE g.kind = 2 AND g.ring_id = r.ring_id"
    " AND g.version = v.number ORDER BY g.sequence DESC LIMIT 1)"
    " WHERE " FACTS_BEGUN
    " AND ((f.sequence IS NULL AND v.state < 4) OR (v.state = f.state AND f.value <> '' AND f.value <>"
    " (lower(hex(v.object_id)) || char(10) || lower(hex(v.check_value)) || char(10) || v.prf || char(10) || v.origin || char(10)"
    " || lower(hex(coalesce(v.public_key, ''))) || char(10) || v.was_compromised || char(10)"
    " || v.activated || char(10) || v.retire_at || char(10) || v.closed || char(10) || v.purge_at || char(10)"
    " || v.destroyed)) OR (f.value <> '' AND f.state < 4 AND v.closing_owed = 1))",
    false};

static const struct db_query closed_rings_differ = {
    "SELECT r.name, 0, 0, 0 FROM ring r"
    " WHERE " FACTS_BEGUN
    " AND (SELECT f.value FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = r.ring_id AND f.version = 0"
    " ORDER BY f.sequence DESC LIMIT 1) IS NOT (r.name || char(10) || r.prefix || char(10) || r.overlap || char(10) || r.purge_delay || char(10)"
    " || r.keep || char(10) || r.rotate_every || char(10) || r.quiet_period || char(10) || r.standby || char(10)"
    " || r.idle_blocks || char(10) || r.usage_hourly || char(10) || r.usage_daily || char(10) || r.succession || char(10)"
    " || r.rotation_held || char(10) || r.last_version || char(10) || r.renew || char(10) || r.renew_life || char(10)"
    " || r.renew_age || char(10) || r.deliver || char(10) || r.leaks)",
    false};

#define LAST_ENDS                                                                                          \
    "coalesce((SELECT f.value FROM closed_fact f WHERE f.kind = 1 AND f.key_id = k.key_id AND f.state < 3" \
    " ORDER BY f.sequence DESC LIMIT 1), '')"

/* The credentials of keys that are not revoked: of those whose last fact ends some, and of others those with an end. A value that ends nothing has an
 * empty last line. */
static const struct db_query closed_ends_differ = {
    "SELECT k.key_id, c.serial, c.replaced, c.retire_at, f.value FROM closed_fact f JOIN api_key k ON k.key_id = f.key_id"
    " JOIN credential c ON c.api_key = k.id WHERE f.kind = 1 AND substr(f.value, -1) BETWEEN '0' AND '9'"
    " AND f.sequence = (SELECT max(g.sequence) FROM closed_fact g WHERE g.kind = 1 AND g.key_id = f.key_id)"
    " UNION ALL"
    " SELECT k.key_id, c.serial, c.replaced, c.retire_at, '' FROM credential c JOIN api_key k ON k.id = c.api_key"
    " WHERE c.replaced = 1 AND " FACTS_BEGUN " AND " KEY_STATE " <> 3"
    " AND substr(" LAST_ENDS ", -1) NOT BETWEEN '0' AND '9'",
    false};

static bool ends_next(struct query *query, struct registry_contradiction *found)
{
    struct registry_closed fact = {.state = SEALRING_KEY_ACTIVE};
    while (query_row(query)) {
        struct registry_key key = {.ends.count = 0};
        query_ascii(query, found->name, sizeof found->name);
        found->version = query_uint32(query);
        bool replaced = query_bool(query);
        int64_t retire_at = query_time(query);
        query_text(query, fact.value, sizeof fact.value);
        if (!query_good(query))
            return false;
        bool readable = fact.value[0] == '\0' || registry_fact_apply(&fact, &key);
        int64_t end = ends_of(&key.ends, found->version);
        if (!readable || replaced != (end != 0) || (replaced && retire_at != end))
            return true;
    }
    return false;
}

struct registry_cursor registry_contradictions(struct registry *registry, enum contradiction_kind kind,
                                               sealring_error *error)
{
    static const struct db_query *const texts[] = {
        [CONTRADICTION_KEYS] = &closed_keys_differ,       [CONTRADICTION_VERSIONS] = &closed_versions_differ,
        [CONTRADICTION_VALUES] = &closed_values_differ,   [CONTRADICTION_RINGS] = &closed_rings_differ,
        [CONTRADICTION_OBJECTS] = &closed_objects_differ, [CONTRADICTION_ENDS] = &closed_ends_differ,
    };
    struct registry_cursor contradictions = query_open(registry, texts[kind], error);
    contradictions.kind = (int)kind;
    return contradictions;
}

bool registry_contradiction_next(struct registry_cursor *contradictions, struct registry_contradiction *found)
{
    struct query *query = &contradictions->query;
    *found = (struct registry_contradiction){.of_end = contradictions->kind == CONTRADICTION_ENDS};
    if (found->of_end)
        return ends_next(query, found);
    if (!query_row(query))
        return false;
    found->is_version = contradictions->kind == CONTRADICTION_VERSIONS || contradictions->kind == CONTRADICTION_OBJECTS;
    found->of_values = contradictions->kind == CONTRADICTION_VALUES || contradictions->kind == CONTRADICTION_OBJECTS;
    found->of_ring = contradictions->kind == CONTRADICTION_RINGS;
    query_ascii(query, found->name, sizeof found->name);
    found->version = query_uint32(query);
    found->row_state = query_small(query, 0, SEALRING_VERSION_DESTROYED);
    found->fact_state = query_small(query, 0, SEALRING_VERSION_DESTROYED);
    return query_good(query);
}
