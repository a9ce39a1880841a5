/* SPDX-License-Identifier: Apache-2.0 */
/* The schema refuses what it should, whoever asks; every query finds its rows by an index. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/driver/sqlite.h"
#include "registry/fixture.h"
#include "registry/usage/renewal_counts.h"
#include "registry/rows/closed_facts.h"

static struct fixture fixture;
static struct fixture_rows rows;

static sealring_status insert_others(struct registry *registry, void *context, sealring_error *error)
{
    const struct registry_write *how = context;
    struct registry_audit entry;
    struct registry_version version;
    struct registry_intention intention = {.object_id_length = 2, .owner = "host 1"};
    fixture_audit(&entry, how);
    fixture_version(&version, rows.ring.id, 2);
    version.state = SEALRING_VERSION_DESTROYED;
    sealring_status status = registry_audit_append(registry, &entry, error);
    status = status == SEALRING_OK ? registry_version_insert(registry, &version, error) : status;
    fixture_version(&version, rows.ring.id, 3);
    version.state = SEALRING_VERSION_COMPROMISED;
    version.was_compromised = true;
    status = status == SEALRING_OK ? registry_version_insert(registry, &version, error) : status;
    return status == SEALRING_OK ? registry_intention_insert(registry, &intention, error) : status;
}

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    struct registry_write how = fixture_operation(&fixture, true);
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, insert_others, &how, &fixture.error), SEALRING_OK);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

/* ---- Refused -------------------------------------------------------------------------------------------------------- */

#define LONG_TEXT(count) "replace(hex(zeroblob(" #count ")), '00', 'x')"
#define KEY_AGAIN(state, label)                                                                                  \
    "INSERT INTO api_key (key_id, ring, client, label, state, narrowed, narrowed_scopes, last_serial, created) " \
    "VALUES ('aaaaaaaaaaaaaaaa', 1, 1, '" label "', " state ", 0, '', 1, 1)"
#define AUDIT_AGAIN(verb, sequence)                                                              \
    verb " INTO audit (sequence, operation_id, time, act, version, leaf_hash) VALUES (" sequence \
         ", zeroblob(16), 1, 'x', 0, zeroblob(32))"

static const struct {
    const char *sql;
    int code;
} refused[] = {
    {"INSERT INTO vault SELECT 2, vault_id, era, epoch, schema, min_reader, min_writer, lease_ms, refresh_ms, "
     "object_id_length, token_closes_keys, era_in_force, created FROM vault",
     SQLITE_CONSTRAINT_CHECK},
    {"UPDATE vault SET vault_id = zeroblob(16)", SQLITE_CONSTRAINT_TRIGGER},
    {"UPDATE vault SET epoch = epoch - 1", SQLITE_CONSTRAINT_TRIGGER},
    {"UPDATE vault SET era = zeroblob(15)", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE vault SET min_reader = 0", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE vault SET min_writer = schema + 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE vault SET lease_ms = 0", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE vault SET refresh_ms = 'soon'", SQLITE_CONSTRAINT_DATATYPE},
    {"UPDATE vault SET object_id_length = 33", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE vault SET token_closes_keys = 2", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE vault SET era_in_force = 2", SQLITE_CONSTRAINT_CHECK},
    {"DELETE FROM vault", SQLITE_CONSTRAINT_TRIGGER},

    {"UPDATE ring SET name = ''", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET name = " LONG_TEXT(65), SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET name = NULL", SQLITE_CONSTRAINT_NOTNULL},
    {"UPDATE ring SET name = 'a' || char(0) || " LONG_TEXT(64), SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET prefix = ''", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET prefix = " LONG_TEXT(25), SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET ring_id = zeroblob(17)", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET overlap = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET purge_delay = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET keep = 4294967296", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET rotation_held = 2", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET last_version = 4294967296", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET succession = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET renew = 3", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET renew_life = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET renew_age = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET deliver = 4", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE ring SET leaks = 3", SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO ring SELECT 9, zeroblob(16), name, prefix, overlap, purge_delay, keep, rotate_every, quiet_period, standby, idle_blocks, usage_hourly, usage_daily, rotation_held, last_version, "
     "created, succession, 0, 0, 0, 0, 0 FROM ring",
     SQLITE_CONSTRAINT_UNIQUE},
    {"INSERT INTO ring SELECT 9, ring_id, 'other', prefix, overlap, purge_delay, keep, rotate_every, quiet_period, standby, idle_blocks, usage_hourly, usage_daily, rotation_held, last_version, "
     "created, succession, 0, 0, 0, 0, 0 FROM ring",
     SQLITE_CONSTRAINT_UNIQUE},
    {"DELETE FROM ring", SQLITE_CONSTRAINT_TRIGGER},

    {"UPDATE version SET state = 0 WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET state = 7 WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET object_id = x'' WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET object_id = zeroblob(33) WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET check_value = zeroblob(7) WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET was_compromised = 1 WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET state = 5 WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET closing_owed = -1 WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET retire_at = -1 WHERE number = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET number = 0 WHERE number = 2", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE version SET state = 1 WHERE number = 2", SQLITE_CONSTRAINT_TRIGGER}, /* destroyed */
    {"UPDATE version SET state = 4, was_compromised = 0 WHERE number = 3", SQLITE_CONSTRAINT_TRIGGER},
    {"UPDATE version SET state = 2 WHERE number = 3", SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO version SELECT 1, 4, 2, zeroblob(3), check_value, 0, 0, 1, 1, 1, 1, 1, 1, 1, prf, origin, public_key FROM version WHERE number = 1",
     SQLITE_CONSTRAINT_UNIQUE}, /* two active */
    {"INSERT INTO version SELECT 1, 4, 1, object_id, check_value, 0, 0, 1, 1, 1, 1, 1, 1, 1, prf, origin, public_key FROM version WHERE number = 1",
     SQLITE_CONSTRAINT_UNIQUE}, /* one object, two versions */
    {"INSERT INTO version SELECT 1, 1, 1, zeroblob(3), check_value, 0, 0, 1, 1, 1, 1, 1, 1, 1, prf, origin, public_key FROM version WHERE number = 1",
     SQLITE_CONSTRAINT_PRIMARYKEY},
    {"INSERT INTO version SELECT 8, 1, 1, zeroblob(3), check_value, 0, 0, 1, 1, 1, 1, 1, 1, 1, prf, origin, public_key FROM version WHERE number = 1",
     SQLITE_CONSTRAINT_FOREIGNKEY},
    {"DELETE FROM version", SQLITE_CONSTRAINT_TRIGGER},

    {"UPDATE client SET name = ''", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE client SET name = " LONG_TEXT(65), SQLITE_CONSTRAINT_CHECK},
    {"UPDATE client SET contact = " LONG_TEXT(255), SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO client (id, name, contact, created, forgotten) SELECT 9, name, '', 1, 0 FROM client",
     SQLITE_CONSTRAINT_UNIQUE},
    {"DELETE FROM client", SQLITE_CONSTRAINT_TRIGGER},

    {"UPDATE api_key SET key_id = 'short'", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE api_key SET state = 0", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE api_key SET state = 4", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE api_key SET label = ''", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE api_key SET narrowed_scopes = 'a'", SQLITE_CONSTRAINT_CHECK}, /* but not narrowed */
    {"UPDATE api_key SET narrowed = 1, narrowed_scopes = " LONG_TEXT(1024), SQLITE_CONSTRAINT_CHECK},
    {"UPDATE api_key SET last_serial = 0", SQLITE_CONSTRAINT_TRIGGER},
    {"UPDATE api_key SET ring = 9", SQLITE_CONSTRAINT_FOREIGNKEY},
    {"UPDATE api_key SET client = 9", SQLITE_CONSTRAINT_FOREIGNKEY},
    {"UPDATE api_key SET state = 3; UPDATE api_key SET state = 1", SQLITE_CONSTRAINT_TRIGGER},
    {"INSERT INTO api_key SELECT 9, key_id, 1, 1, 'other', 1, 0, '', 1, 1, 0 FROM api_key", SQLITE_CONSTRAINT_UNIQUE},
    {KEY_AGAIN("1", "default"), SQLITE_CONSTRAINT_UNIQUE},
    {KEY_AGAIN("2", "default"), SQLITE_CONSTRAINT_UNIQUE},
    {"DELETE FROM api_key", SQLITE_CONSTRAINT_TRIGGER},

    {"UPDATE credential SET digest = zeroblob(31)", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET nonce = zeroblob(15)", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET serial = 0", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET state = 3", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET scopes = " LONG_TEXT(1024), SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET replaced = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET replaced = 1, state = 2", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET expires = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET version = 9", SQLITE_CONSTRAINT_FOREIGNKEY},
    {"UPDATE credential SET api_key = 9", SQLITE_CONSTRAINT_FOREIGNKEY},
    {"UPDATE credential SET state = 2; UPDATE credential SET state = 1", SQLITE_CONSTRAINT_TRIGGER},
    {"INSERT INTO credential SELECT api_key, 2, ring, version, digest, nonce, '', 0, 0, 1, 0, 0, 1, 0, x'', '', 0, 0 FROM credential",
     SQLITE_CONSTRAINT_PRIMARYKEY},
    {"INSERT INTO credential SELECT api_key, 1, ring, version, zeroblob(32), nonce, '', 0, 0, 1, 0, 0, 1, 0, x'', '', 0, 0 FROM credential",
     SQLITE_CONSTRAINT_UNIQUE},
    {"UPDATE credential SET origin = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET predecessor = -1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET predecessor = 4294967296", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET imported = 1", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET binding = zeroblob(32)", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET imported = 1, binding = zeroblob(32), expires = 0", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE credential SET imported = 1, binding = zeroblob(32); " KEY_AGAIN(
         "1",
         "other") "; "
                  "INSERT INTO credential SELECT (SELECT max(id) FROM api_key), 1, ring, version, digest, nonce, '', 0, 1, 1, 0, 0, 1, 1, "
                  "binding, '', 0, 0 FROM credential",
     SQLITE_CONSTRAINT_UNIQUE}, /* one imported digest, two API keys */
    {"DELETE FROM credential", SQLITE_CONSTRAINT_TRIGGER},

    {"UPDATE intention SET nonce = zeroblob(15)", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE intention SET owner = ''", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE intention SET ring = 9", SQLITE_CONSTRAINT_FOREIGNKEY},
    {"INSERT INTO intention SELECT 9, nonce, NULL, zeroblob(1), 'x', 1 FROM intention", SQLITE_CONSTRAINT_UNIQUE},

    {"UPDATE audit SET detail = 'nothing happened'", SQLITE_CONSTRAINT_TRIGGER},
    {"UPDATE audit SET sequence = 2", SQLITE_CONSTRAINT_TRIGGER},
    {"DELETE FROM audit", SQLITE_CONSTRAINT_TRIGGER},
    {AUDIT_AGAIN("INSERT", "1"), SQLITE_CONSTRAINT_TRIGGER},
    {AUDIT_AGAIN("INSERT OR REPLACE", "1"), SQLITE_CONSTRAINT_TRIGGER},
    {AUDIT_AGAIN("INSERT OR IGNORE", "1"), SQLITE_CONSTRAINT_TRIGGER},
    {AUDIT_AGAIN("INSERT", "3"), SQLITE_CONSTRAINT_TRIGGER}, /* a gap */
    {AUDIT_AGAIN("INSERT", "NULL"), SQLITE_CONSTRAINT_TRIGGER},
    {"INSERT INTO audit (sequence, operation_id, time, act, version, leaf_hash) VALUES (2, zeroblob(16), 1, 'x', 0, x'')",
     SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO audit_node VALUES (3, 0, zeroblob(32))", SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO audit_node VALUES (4, 0, zeroblob(31))", SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO closed_fact VALUES ((SELECT max(sequence) + 2 FROM closed_fact), 1, '0123456789abcdef', x'', 0, 3, zeroblob(32), '')",
     SQLITE_CONSTRAINT_TRIGGER},
    {"INSERT INTO closed_fact VALUES ((SELECT max(sequence) + 1 FROM closed_fact), 1, '', x'', 0, 3, zeroblob(32), '')",
     SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO audit (sequence, operation_id, time, act, version, leaf_hash) VALUES (2, zeroblob(15), 1, 'x', 0, zeroblob(32))",
     SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO audit (sequence, operation_id, time, act, version, leaf_hash) VALUES (2, zeroblob(16), 1, '', 0, zeroblob(32))",
     SQLITE_CONSTRAINT_CHECK},
};

/* The code, and what the words say for the log of a failed test. */
static int try_sql(const char *sql, char words[256])
{
    sqlite3 *raw = fixture_raw(&fixture);
    sqlite3_extended_result_codes(raw, 1);
    int code = sqlite3_exec(raw, sql, NULL, NULL, NULL);
    snprintf(words, 256, "%s", sqlite3_errmsg(raw));
    sqlite3_close(raw);
    return code;
}

START_TEST(schema_refuses)
{
    char words[256];
    int code = try_sql(refused[_i].sql, words);
    ck_assert_msg(code == refused[_i].code, "%s: %d, %s", refused[_i].sql, code, words);
}
END_TEST

static const char *const allowed[] = {
    "UPDATE vault SET epoch = epoch + 1",
    "UPDATE vault SET era = zeroblob(16), epoch = 0", /* a restore */
    "UPDATE ring SET name = " LONG_TEXT(64),
    "UPDATE client SET contact = ''",
    "UPDATE version SET state = 3 WHERE number = 1",
    "UPDATE version SET state = 5, was_compromised = 1 WHERE number = 1",
    "UPDATE version SET state = 6 WHERE number = 3",
    "UPDATE version SET state = 4 WHERE number = 1; UPDATE version SET state = 1 WHERE number = 1",
    KEY_AGAIN("1", "other"),
    KEY_AGAIN("3", "default"),
    "UPDATE api_key SET state = 3; " KEY_AGAIN("1", "default"),
    "UPDATE api_key SET state = 2; UPDATE api_key SET state = 1",
    "UPDATE api_key SET narrowed = 1, narrowed_scopes = " LONG_TEXT(1023),
    "UPDATE credential SET replaced = 1, state = 2, retire_at = 1",
    "UPDATE credential SET imported = 1, binding = zeroblob(32)",
    "DELETE FROM intention",
    AUDIT_AGAIN("INSERT", "2"),
};

START_TEST(schema_allows)
{
    char words[256];
    int code = try_sql(allowed[_i], words);
    ck_assert_msg(code == SQLITE_OK, "%s: %d, %s", allowed[_i], code, words);
}
END_TEST

/* ---- Its digest ----------------------------------------------------------------------------------------------------- */

static const char *digest_after(const char *sql)
{
    static char digest[SCHEMA_DIGEST_SIZE];
    sqlite3 *handle = NULL;
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    ck_assert_int_eq(sqlite3_open(fixture.path, &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite_schema_digest(handle, digest), SQLITE_OK);
    sqlite3_close(handle);
    return digest;
}

/* Otherwise every process that opens a registry makes a model of the schema, which takes longer than all the rest. */
START_TEST(the_digest_is_of_this_schema)
{
    ck_assert_msg(strcmp(digest_after(""), schema_sqlite_digest) == 0,
                  "the schema was changed: schema_sqlite_digest in schema_changes.c must be \"%s\"", digest_after(""));
    ck_assert_str_eq(digest_after("ANALYZE"), schema_sqlite_digest); /* adds a table of SQLite's own */
    ck_assert_str_ne(digest_after("DROP TRIGGER vault_stays"), schema_sqlite_digest);
}
END_TEST

/* ---- Query plans ---------------------------------------------------------------------------------------------------- */

static sqlite3 *opened_handle;

/* Called by SQLite for each connection that is opened from now on. */
static int keep_handle(sqlite3 *handle, char **message, const void *routines)
{
    (void)message;
    (void)routines;
    const char *path = sqlite3_db_filename(handle, "main");
    if (path != NULL && path[0] != '\0') /* not the model of the schema, in memory */
        opened_handle = handle;
    return SQLITE_OK;
}

/* Opens the registry anew so that its connection is known, and 99,999 more keys are in it. */
static void open_large(void)
{
    registry_close(fixture.registry);
    ck_assert_int_eq(
        fixture_sql(
            &fixture,
            "PRAGMA synchronous = OFF; BEGIN;"
            "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
            " INSERT INTO client (id, name, contact, created, forgotten) SELECT i, 'c' || i, '', 1, 0 FROM n;"
            "INSERT INTO api_key SELECT id, substr(hex(randomblob(8)), 1, 16), 1, id, 'default', 1, 0, '', 1, 1, 0"
            " FROM client WHERE id > 1;"
            "INSERT INTO credential SELECT id, 1, 1, 1, randomblob(32), randomblob(16), 'a', 0, 0, 1, 0, 0, 1, 0, x'', '', 0, 0"
            " FROM api_key WHERE id > 1;"
            "COMMIT"),
        SQLITE_OK);
    sqlite3_auto_extension((void (*)(void))keep_handle);
    ck_assert_int_eq(
        registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &fixture.registry, &fixture.error),
        SEALRING_OK);
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", &fixture.error), SEALRING_OK);
    sqlite3_reset_auto_extension();
}

/* The rows go nowhere: each counts one failure if its walk failed. */
static int walk_versions(struct registry_cursor versions)
{
    struct registry_version version;
    while (registry_version_next(&versions, &version))
        continue;
    return registry_close_cursor(&versions, SEALRING_OK) != SEALRING_OK;
}

static int walk_credentials(struct registry_cursor credentials)
{
    struct registry_credential credential;
    while (registry_credential_next(&credentials, &credential))
        continue;
    return registry_close_cursor(&credentials, SEALRING_OK) != SEALRING_OK;
}

static int walk_rings(struct registry_cursor rings)
{
    struct registry_ring ring;
    while (registry_ring_next(&rings, &ring))
        continue;
    return registry_close_cursor(&rings, SEALRING_OK) != SEALRING_OK;
}

static int walk_holders(struct registry_cursor holders)
{
    struct registry_holder holder;
    while (registry_holder_next(&holders, &holder))
        continue;
    return registry_close_cursor(&holders, SEALRING_OK) != SEALRING_OK;
}

static int walk_presented(struct registry_cursor credentials)
{
    struct registry_holder holder;
    while (registry_presented_next(&credentials, &holder))
        continue;
    return registry_close_cursor(&credentials, SEALRING_OK) != SEALRING_OK;
}

static int walk_clients(struct registry_cursor clients)
{
    struct registry_client client;
    uint64_t keys;
    while (registry_client_next(&clients, &client, &keys))
        continue;
    return registry_close_cursor(&clients, SEALRING_OK) != SEALRING_OK;
}

static int walk_key_ids(struct registry_cursor key_ids)
{
    struct registry_key_id key_id;
    while (registry_key_id_next(&key_ids, &key_id)) {
    }
    return registry_close_cursor(&key_ids, SEALRING_OK) != SEALRING_OK;
}

/* Every query there is that looks for something. */
static sealring_status ask_everything(struct registry *registry, void *context, sealring_error *error)
{
    static const struct registry_holder_filter filters[] = {
        {.key_id = "0000000000000000"},
        {.client = "client-000001"},
        {.ring = "none"},
        {.ring = "ring-1", .only_active = true, .limit = 3},
    };
    struct registry_write *how = context;
    struct fixture_rows got;
    struct registry_audit entry;
    struct registry_renewal_counts counts;
    bool found = false;
    uint64_t first = 0, second = 0, last = 0;
    struct registry_intention intention = {.nonce = {1}, .object_id_length = 2, .owner = "host 1"};
    fixture_audit(&entry, how);
    int failures =
        fixture_found(registry_ring_find(registry, rows.ring.name, &got.ring, &found, error), &found) != SEALRING_OK;
    failures += fixture_found(registry_version_find(registry, rows.ring.id, 1, &got.version, &found, error), &found) !=
                SEALRING_OK;
    failures += fixture_found(
                    registry_version_find_by_object(registry, rows.version.object_id, 16, &got.version, &found, error),
                    &found) != SEALRING_OK;
    failures += walk_versions(registry_versions(registry, rows.ring.id, error));
    failures += walk_versions(registry_versions_owed(registry, error));
    failures += registry_version_count(registry, rows.ring.id, 1, &first, &second, error) != SEALRING_OK;
    failures += registry_version_held(registry, rows.ring.id, 1, &found, error) != SEALRING_OK;
    failures += fixture_found(registry_client_find(registry, rows.client.name, &got.client, &found, error), &found) !=
                SEALRING_OK;
    failures += walk_clients(registry_clients(registry, rows.client.name, error));
    failures +=
        fixture_found(registry_key_find(registry, rows.key.key_id, &got.key, &found, error), &found) != SEALRING_OK;
    failures += fixture_found(registry_key_find_by_label(registry, rows.ring.id, rows.client.id, "default", &got.key,
                                                         &found, error),
                              &found) != SEALRING_OK;
    failures += registry_key_count(registry, rows.ring.id, &first, error) != SEALRING_OK;
    failures += fixture_found(registry_credential_find(registry, rows.key.id, 1, &got.credential, &found, error),
                              &found) != SEALRING_OK;
    failures += fixture_found(
                    registry_credential_find_imported(registry, rows.credential.digest, &got.credential, &found, error),
                    &found) != SEALRING_NOT_FOUND;
    failures += walk_credentials(registry_credentials(registry, rows.key.id, error));
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        failures += walk_holders(registry_holders(registry, &filters[i], error));
    failures += registry_renewal_count(registry, rows.ring.id, &counts, error) != SEALRING_OK;
    failures += walk_presented(registry_presented_of_key(registry, rows.key.id, error));
    failures += walk_key_ids(registry_key_ids(registry, 0, 10, error));
    failures += registry_key_last(registry, &last, error) != SEALRING_OK;
    failures += registry_ring_update(registry, &rows.ring, error) != SEALRING_OK;
    failures += registry_version_update(registry, &rows.version, error) != SEALRING_OK;
    failures += registry_client_update(registry, &rows.client, error) != SEALRING_OK;
    failures += registry_key_update(registry, &rows.key, error) != SEALRING_OK;
    failures += registry_credential_update(registry, &rows.credential, error) != SEALRING_OK;
    failures += registry_audit_append(registry, &entry, error) != SEALRING_OK;
    failures += registry_intention_insert(registry, &intention, error) != SEALRING_OK;
    failures += registry_intention_delete(registry, intention.id, error) != SEALRING_OK;
    failures += walk_rings(registry_rings(registry, error));
    return failures == 0 ? SEALRING_OK : SEALRING_WAITING;
}

/* As a verifier's poll asks about what a fact is about. */
static sealring_status ask_changes(struct registry *registry, void *context, sealring_error *error)
{
    bool has_imports = true, found = false;
    struct registry_ring ring;
    uint8_t head[REGISTRY_DIGEST_SIZE];
    struct registry_closed fact;
    int failures = registry_closed_find(registry, 2, head, &found, error) != SEALRING_OK;
    struct registry_cursor facts = registry_closed_facts(registry, 2, error); /* behind those about vault and ring */
    while (registry_closed_next(&facts, &fact))
        ++*(unsigned *)context;
    failures += registry_close_cursor(&facts, SEALRING_OK) != SEALRING_OK;
    failures += fixture_found(registry_ring_find_by_id(registry, rows.ring.ring_id, &ring, &found, error), &found) !=
                SEALRING_OK;
    failures += registry_has_imports(registry, &has_imports, error) != SEALRING_OK;
    return failures == 0 && !has_imports ? SEALRING_OK : SEALRING_WAITING;
}

/* And those that are a transaction by themselves. */
static void ask_alone(void)
{
    struct registry_presented presented;
    struct registry_vault vault;
    bool replaced = true;
    unsigned facts = 0;
    sealring_error *error = &fixture.error;
    const uint8_t *digest = rows.credential.digest;
    ck_assert_int_eq(registry_present(fixture.registry, rows.key.key_id, digest, &presented, error), SEALRING_OK);
    ck_assert(presented.found);
    ck_assert_int_eq(registry_present_imported(fixture.registry, digest, &presented, error), SEALRING_OK);
    ck_assert(!presented.found);
    ck_assert_int_eq(registry_look_vault(fixture.registry, &vault, &replaced, error), SEALRING_OK);
    ck_assert(!replaced);
    ck_assert_int_eq(fixture_read(fixture.registry, ask_changes, &facts, error), SEALRING_OK);
    ck_assert_uint_gt(facts, 0);
}

static bool plan_has(const char *sql, const char *word)
{
    char explained[8192];
    bool has = false;
    sqlite3_stmt *statement = NULL;
    snprintf(explained, sizeof explained, "EXPLAIN QUERY PLAN %s", sql);
    ck_assert_int_eq(sqlite3_prepare_v2(opened_handle, explained, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        has = strstr((const char *)sqlite3_column_text(statement, 3), word) != NULL || has;
    sqlite3_finalize(statement);
    return has;
}

static void expect_plan_without(const char *sql, const char *word)
{
    ck_assert_msg(!plan_has(sql, word), "%s: %s", sql, word);
}

START_TEST(queries_do_not_scan)
{
    unsigned looked_at = 0, whole = 0, pages = 0, alone = 0, counted = 0;
    open_large();
    struct registry_write how = fixture_operation(&fixture, true);
    sealring_status status = fixture_write_as(fixture.registry, &how, ask_everything, &how, &fixture.error);
    ck_assert_msg(status == SEALRING_OK, "%d: %s", (int)status, fixture.error.message);
    ask_alone();
    sqlite3_stmt *statement = sqlite3_next_stmt(opened_handle, NULL);
    for (; statement != NULL; statement = sqlite3_next_stmt(opened_handle, statement)) {
        const char *sql = sqlite3_sql(statement);
        if (strncmp(sql, "BEGIN", 5) == 0 || strcmp(sql, "COMMIT") == 0)
            continue;
        looked_at++;
        if (strstr(sql, "FROM ring r ORDER BY") != NULL) { /* the one that wants all of them */
            whole++;
            continue;
        }
        expect_plan_without(sql, "SCAN");
        if (strstr(sql, "FROM ring r WHERE r.ring_id") != NULL || strstr(sql, " FROM vault w LEFT JOIN") != NULL) {
            expect_plan_without(sql, "TEMP B-TREE");
            ck_assert_msg(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0) < 200, "%s", sql);
            alone++;
        }
        ck_assert_msg(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0) == 0, "%s", sql);
        if (strstr(sql, "credential p") !=
            NULL) { /* who renews is counted without a sort, and reads no other version's credentials */
            expect_plan_without(sql, "TEMP B-TREE");
            ck_assert_msg(plan_has(sql, "SEARCH c USING INDEX credential_version (ring=? AND version=? AND api_key=?)"),
                          "%s", sql);
            expect_plan_without(sql, "SEARCH o USING INDEX api_key_ring"); /* once for each key of the ring */
            counted++;
        }
        if (strstr(sql, "FROM ring r CROSS JOIN client") != NULL) {
            expect_plan_without(sql, "TEMP B-TREE"); /* a page is not sorted */
            ck_assert_int_eq(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, 0), 0);
            ck_assert_int_lt(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0), 2000);
            pages++;
        }
    }
    ck_assert_uint_eq(whole, 1);
    ck_assert_uint_eq(pages, 1);
    ck_assert_uint_eq(counted, 1);
    ck_assert_uint_eq(alone, 3);
    ck_assert_uint_gt(looked_at, 30);
}
END_TEST

/* Each query is prepared once, whoever asks how often. */
START_TEST(statements_are_kept)
{
    unsigned before = 0, after = 0;
    open_large();
    for (int i = 0; i < 3; i++) {
        struct registry_write how = fixture_operation(&fixture, true);
        ck_assert_int_eq(fixture_write_as(fixture.registry, &how, ask_everything, &how, &fixture.error), SEALRING_OK);
        after = 0;
        for (sqlite3_stmt *s = sqlite3_next_stmt(opened_handle, NULL); s != NULL;
             s = sqlite3_next_stmt(opened_handle, s)) {
            after++;
            ck_assert_int_eq(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0), 0);
            ck_assert_int_eq(sqlite3_stmt_busy(s), 0);
        }
        ck_assert(i == 0 || before == after);
        before = after;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry schema");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, the_digest_is_of_this_schema);
    tcase_add_loop_test(cases, schema_refuses, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_loop_test(cases, schema_allows, 0, (int)(sizeof allowed / sizeof *allowed));
    tcase_add_test(cases, queries_do_not_scan);
    tcase_add_test(cases, statements_are_kept);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
