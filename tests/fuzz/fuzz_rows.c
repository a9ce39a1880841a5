/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever cells a registry has: its queries end in an error, or hand out rows that are well formed. */
#include "fuzz/fuzzer.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/name.h"
#include "fuzz/property.h"
#include "registry/fixture.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/current_rows.h"
#include "registry/usage/renewal_errors.h"
#include "registry/usage/usage_rows.h"

/* The input: changes, each a table, a column, a kind of value and the value. They are made to a registry that has a good row in each
 * table, without its triggers, checks and types; and undone. */

#define TABLES_MAX  24
#define COLUMNS_MAX 20
#define CHANGES_MAX 12
#define LATEST      INT64_C(253402300799999) /* the end of the year 9999 */

struct table {
    unsigned columns;
    sqlite3_stmt *change[COLUMNS_MAX];
    sqlite3_stmt *empty;
    sqlite3_stmt *fill;
};

static struct fixture fixture;
static struct fixture_rows rows;
static sqlite3 *raw;
static struct registry *reader;
static struct table tables[TABLES_MAX];
static unsigned table_count;

/* ---- The registry, and its changes ---- */

static void run(const char *sql)
{
    char *problem = NULL;
    if (sqlite3_exec(raw, sql, NULL, NULL, &problem) != SQLITE_OK)
        (void)fprintf(stderr, "%s: %s\n", sql, problem != NULL ? problem : "");
    require(problem == NULL, "the fuzzer's own SQL is good");
}

static sqlite3_stmt *statement(const char *sql)
{
    sqlite3_stmt *made = NULL;
    require(sqlite3_prepare_v2(raw, sql, -1, &made, NULL) == SQLITE_OK, "the fuzzer's own statements are good");
    return made;
}

/* The first column of all rows: names, of at most 39 letters. */
static unsigned list(const char *sql, char (*found)[40], unsigned most)
{
    unsigned count = 0;
    sqlite3_stmt *select = statement(sql);
    while (sqlite3_step(select) == SQLITE_ROW && count < most)
        (void)snprintf(found[count++], sizeof *found, "%.39s", (const char *)sqlite3_column_text(select, 0));
    (void)sqlite3_finalize(select);
    return count;
}

static void add_table(const char name[40])
{
    struct table *table = &tables[table_count++];
    char sql[160];
    char columns[COLUMNS_MAX][40];
    (void)snprintf(sql, sizeof sql, "CREATE TABLE good.%.39s AS SELECT * FROM main.%.39s", name, name);
    run(sql);
    (void)snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%.39s')", name);
    table->columns = list(sql, columns, COLUMNS_MAX);
    for (unsigned i = 0; i < table->columns; i++) {
        (void)snprintf(sql, sizeof sql, "UPDATE %.39s SET \"%.39s\" = ?1", name, columns[i]);
        table->change[i] = statement(sql);
    }
    (void)snprintf(sql, sizeof sql, "DELETE FROM main.%.39s", name);
    table->empty = statement(sql);
    (void)snprintf(sql, sizeof sql, "INSERT INTO main.%.39s SELECT * FROM good.%.39s", name, name);
    table->fill = statement(sql);
}

/* One row at least of everything. */
static void fill(void)
{
    run("INSERT INTO intention VALUES (1, randomblob(16), NULL, randomblob(16), 'somebody', 1700000000000);"
        "INSERT INTO verifier VALUES (randomblob(16), randomblob(16), 1, 'host', 'program', 1, 1, 2, 1, 1, 'boot', 1, 1, 0, 0, 0);"
        "INSERT INTO version_use SELECT ring, number, 1700000000000 FROM version;"
        "INSERT INTO usage_hour SELECT api_key, serial, 472222, zeroblob(16), ring, version, 1, 0, 0, 0, 0, 0, 1700000000000 FROM credential;"
        "INSERT INTO usage_day SELECT api_key, serial, 19675, ring, version, 1, 0, 0, 0, 0, 0, 1700000000000 FROM credential;"
        "INSERT INTO usage_traffic SELECT ring, number, 472222, zeroblob(16), 1, 0 FROM version;"
        "INSERT INTO usage_seat VALUES (zeroblob(16), 472222, zeroblob(0));"
        "INSERT INTO renewal_error SELECT id, 6, 2, 1700000000000 FROM api_key;"
        "INSERT INTO clock VALUES (1, 'boot', 1, 1700000000000, 0, 0, 0, 0);"
        "INSERT INTO audit_node VALUES (4, 0, randomblob(32));"
        "INSERT INTO audit_key VALUES (1, 'name+12345678+key', 1700000000000);"
        "INSERT INTO checkpoint VALUES (1, 1700000000000, 'note');"
        "INSERT INTO closed_fact (sequence, kind, key_id, ring_id, version, state, hash) VALUES ((SELECT coalesce(max(sequence), 0) + 1 FROM closed_fact), 1, '0123456789abcdef', zeroblob(0), 0, 3, randomblob(32));"
        "INSERT OR IGNORE INTO audit (sequence, operation_id, time, actor, act, ring, version, key_id, client, detail, leaf_hash) VALUES (1, randomblob(16), 1700000000000, 'actor', 'act', 'ring', 1, 'key', 'client', '{}',"
        " randomblob(32));");
}

static void remove_files(void)
{
    fixture_close(&fixture);
}

static void prepare(void)
{
    fixture_open(&fixture);
    require(atexit(remove_files) == 0, "files are removed in the end");
    fixture_fill(&fixture, &rows);
    raw = fixture_raw(&fixture);
    run("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
    fill();
    char found[64][40];
    unsigned count = list("SELECT name FROM sqlite_schema WHERE type = 'trigger'", found, 64);
    for (unsigned i = 0; i < count; i++) {
        char sql[96];
        (void)snprintf(sql, sizeof sql, "DROP TRIGGER %.39s", found[i]);
        run(sql);
    }
    run("PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')'),"
        " ' NOT NULL', '') WHERE type = 'table';"
        "PRAGMA writable_schema = RESET;"
        "ATTACH ':memory:' AS good");
    count = list("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name", found, TABLES_MAX);
    for (unsigned i = 0; i < count; i++)
        add_table(found[i]);
    require(table_count > 15, "the registry has its tables");
    reader = fixture_reader(&fixture);
}

static void bind_text(struct supply *supply, sqlite3_stmt *change, bool blob)
{
    char bytes[256];
    size_t length = supply_byte(supply);
    supply_bytes(supply, bytes, length);
    if (blob)
        (void)sqlite3_bind_blob(change, 1, bytes, (int)length, SQLITE_TRANSIENT);
    else
        (void)sqlite3_bind_text(change, 1, bytes, (int)length, SQLITE_TRANSIENT);
}

static void bind_long(struct supply *supply, sqlite3_stmt *change)
{
    static char letters[255 * 40];
    size_t length = (size_t)supply_byte(supply) * 40;
    memset(letters, 'a', length);
    (void)sqlite3_bind_text(change, 1, letters, (int)length, SQLITE_STATIC);
}

static void bind_value(struct supply *supply, sqlite3_stmt *change)
{
    static const int64_t numbers[] = {
        INT64_MAX,  INT64_MIN,     -1, 0, 1, 2, 3, 4, 5, 6, 7, UINT32_MAX, UINT32_MAX + INT64_C(1), LATEST,
        LATEST + 1, INT64_MAX - 1, 8};
    switch (supply_byte(supply) % 8) {
    case 0:
        (void)sqlite3_bind_null(change, 1);
        break;
    case 1:
        (void)sqlite3_bind_int64(change, 1, (int64_t)supply_number(supply));
        break;
    case 2:
        (void)sqlite3_bind_int64(change, 1, (int8_t)supply_byte(supply));
        break;
    case 3:
        bind_text(supply, change, false);
        break;
    case 4:
        bind_text(supply, change, true);
        break;
    case 5:
        (void)sqlite3_bind_double(change, 1, (double)(int64_t)supply_number(supply) / 3);
        break;
    case 6:
        (void)sqlite3_bind_int64(change, 1, numbers[supply_byte(supply) % (sizeof numbers / sizeof *numbers)]);
        break;
    default:
        bind_long(supply, change);
    }
}

/* What breaks uniqueness is not made. */
static void change(struct supply *supply, bool changed[TABLES_MAX])
{
    run("BEGIN");
    for (unsigned i = 0; i < CHANGES_MAX && supply->left > 0; i++) {
        unsigned at = supply_byte(supply) % table_count;
        struct table *table = &tables[at];
        sqlite3_stmt *made = table->change[supply_byte(supply) % table->columns];
        bind_value(supply, made);
        changed[at] |= sqlite3_step(made) == SQLITE_DONE;
        (void)sqlite3_reset(made);
        (void)sqlite3_clear_bindings(made);
    }
    run("COMMIT");
}

static void undo(const bool changed[TABLES_MAX])
{
    run("BEGIN");
    for (unsigned i = 0; i < table_count; i++)
        if (changed[i]) {
            require(sqlite3_step(tables[i].empty) == SQLITE_DONE && sqlite3_step(tables[i].fill) == SQLITE_DONE,
                    "changes are undone");
            (void)sqlite3_reset(tables[i].empty);
            (void)sqlite3_reset(tables[i].fill);
        }
    run("COMMIT");
}

/* ---- What is handed out ---- */

static bool is_time(int64_t time)
{
    return time >= 0 && time <= LATEST;
}

static bool is_ascii(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return length < size;
}

#define ENDS(text) (memchr((text), '\0', sizeof(text)) != NULL)

static void check_ring(const struct registry_ring *ring)
{
    char why[128];
    require(ENDS(ring->name) && name_problem(ring->name, why) == NULL, "a ring's name is one");
    require(ENDS(ring->prefix) && name_prefix_problem(ring->prefix, why) == NULL, "a prefix is one");
    require(is_time(ring->created) && is_time(ring->policy.overlap) && is_time(ring->policy.purge_delay) &&
                is_time(ring->policy.rotate_every) && is_time(ring->policy.quiet_period) &&
                is_time(ring->policy.usage_hourly) && is_time(ring->policy.usage_daily) &&
                is_time(ring->policy.succession) && is_time(ring->policy.renew_life) && is_time(ring->policy.renew_age),
            "a ring's times are some");
    require((unsigned)ring->policy.renew <= SEALRING_RENEW_SEALED &&
                (unsigned)ring->policy.deliver <= SEALRING_DELIVER_HOOK &&
                (unsigned)ring->policy.leaks <= SEALRING_LEAKS_REKEY,
            "a ring's modes are some");
}

static void check_version(const struct registry_version *version)
{
    require(version->state >= SEALRING_VERSION_PENDING && version->state <= SEALRING_VERSION_DESTROYED,
            "a version is in a state");
    require(version->object_id_length <= REGISTRY_OBJECT_ID_MAX, "an object ID has its length");
    require(is_time(version->created) && is_time(version->activated) && is_time(version->retire_at) &&
                is_time(version->closed) && is_time(version->purge_at) && is_time(version->destroyed),
            "a version's times are some");
}

static void check_client(const struct registry_client *client)
{
    char why[128];
    require(ENDS(client->name) && name_client_problem(client->name, why) == NULL, "a client's name is one");
    require(ENDS(client->contact) && is_clean(client->contact), "a contact is clean");
    require(is_time(client->created) && is_time(client->forgotten), "a client's times are some");
}

static void check_key(const struct registry_key *key)
{
    char why[128];
    require(is_ascii(key->key_id, sizeof key->key_id), "a key ID is printable");
    require(ENDS(key->label) && name_problem(key->label, why) == NULL, "a label is a name");
    require(is_ascii(key->narrowed_scopes, sizeof key->narrowed_scopes), "scopes are printable");
    require(key->state >= SEALRING_KEY_ACTIVE && key->state <= SEALRING_KEY_REVOKED, "a key is in a state");
    require(is_time(key->created), "a key's time is one");
}

static void check_credential(const struct registry_credential *credential)
{
    require(is_ascii(credential->scopes, sizeof credential->scopes), "scopes are printable");
    require(credential->state == SEALRING_CREDENTIAL_CURRENT || credential->state == SEALRING_CREDENTIAL_SUPERSEDED,
            "a credential is in a state");
    require(is_time(credential->not_before) && is_time(credential->expires) && is_time(credential->retire_at) &&
                is_time(credential->issued) && is_time(credential->origin),
            "a credential's times are some");
}

static unsigned seen;

static void see_ring(const struct registry_ring *ring)
{
    check_ring(ring);
    seen++;
}

static void see_version(const struct registry_version *version)
{
    check_version(version);
    seen++;
}

/* A whole one; registry_present leaves out what a verdict does not need. */
static void see_holder(const struct registry_holder *holder)
{
    check_ring(&holder->ring);
    check_version(&holder->version);
    check_client(&holder->client);
    check_key(&holder->key);
    check_credential(&holder->credential);
}

static void see_intention(const struct registry_intention *intention)
{
    require(ENDS(intention->owner) && is_clean(intention->owner), "an owner is clean");
    require(intention->object_id_length <= REGISTRY_OBJECT_ID_MAX && is_time(intention->created),
            "an intention has a length and a time");
}

static void see_verifier(const struct registry_verifier *verifier)
{
    if (verifier->damaged)
        return;
    require(ENDS(verifier->host) && is_clean(verifier->host) && ENDS(verifier->program) &&
                is_clean(verifier->program) && ENDS(verifier->seen_boot_id) && is_clean(verifier->seen_boot_id),
            "a verifier's names are clean");
    require(verifier->state >= 1 && verifier->state <= 7, "a verifier is in a state");
    require(verifier->joined >= 0 && verifier->last_report >= 0 && verifier->ended >= 0 && verifier->hole >= 0 &&
                is_time(verifier->seen_boot_ms),
            "a verifier's times are some");
}

static void see_entry(const struct registry_audit *entry)
{
    require(entry->act != NULL && is_time(entry->time), "an entry tells an act, and when");
}

static void see_checkpoint(const struct registry_checkpoint *checkpoint)
{
    require(ENDS(checkpoint->note) && is_time(checkpoint->time), "a checkpoint's note ends");
}

static void see_fact(const struct registry_closed *fact)
{
    require(is_ascii(fact->key_id, sizeof fact->key_id) && fact->state >= 1 && fact->state <= 6, "a fact is one");
}

static void see_contradiction(const struct registry_contradiction *contradiction)
{
    require(ENDS(contradiction->name) && is_clean(contradiction->name), "a contradiction has a name");
}

static void see_usage(const struct registry_usage *usage)
{
    require(usage->last_use >= 0, "a use has a time");
}

static void see_name(const struct registry_usage_name *name)
{
    require(is_ascii(name->key_id, sizeof name->key_id) && ENDS(name->client) && is_clean(name->client) &&
                name->last_use >= 0,
            "who is named has names");
}

/* ---- The walks ---- */

static sealring_status walk_rings(struct registry_cursor rings)
{
    struct registry_ring ring;
    while (registry_ring_next(&rings, &ring))
        see_ring(&ring);
    return registry_close_cursor(&rings, SEALRING_OK);
}

static sealring_status walk_versions(struct registry_cursor versions)
{
    struct registry_version version;
    while (registry_version_next(&versions, &version))
        see_version(&version);
    return registry_close_cursor(&versions, SEALRING_OK);
}

static sealring_status walk_clients(struct registry_cursor clients)
{
    struct registry_client client;
    uint64_t keys;
    while (registry_client_next(&clients, &client, &keys))
        check_client(&client);
    return registry_close_cursor(&clients, SEALRING_OK);
}

static sealring_status walk_keys(struct registry_cursor keys)
{
    struct registry_key key;
    while (registry_key_next(&keys, &key))
        check_key(&key);
    return registry_close_cursor(&keys, SEALRING_OK);
}

static sealring_status walk_credentials(struct registry_cursor credentials)
{
    struct registry_credential credential;
    while (registry_credential_next(&credentials, &credential))
        check_credential(&credential);
    return registry_close_cursor(&credentials, SEALRING_OK);
}

static sealring_status walk_holders(struct registry_cursor holders)
{
    static struct registry_holder holder;
    while (registry_holder_next(&holders, &holder))
        see_holder(&holder);
    return registry_close_cursor(&holders, SEALRING_OK);
}

static sealring_status walk_presented(struct registry_cursor presented)
{
    static struct registry_holder holder;
    while (registry_presented_next(&presented, &holder))
        check_credential(&holder.credential);
    return registry_close_cursor(&presented, SEALRING_OK);
}

static sealring_status walk_intentions(struct registry_cursor intentions)
{
    struct registry_intention intention;
    while (registry_intention_next(&intentions, &intention))
        see_intention(&intention);
    return registry_close_cursor(&intentions, SEALRING_OK);
}

static sealring_status walk_verifiers(struct registry_cursor verifiers)
{
    struct registry_verifier verifier;
    while (registry_verifier_next(&verifiers, &verifier))
        see_verifier(&verifier);
    return registry_close_cursor(&verifiers, SEALRING_OK);
}

static sealring_status walk_entries(struct registry_cursor entries)
{
    struct registry_audit entry;
    while (registry_audit_next(&entries, &entry))
        see_entry(&entry);
    return registry_close_cursor(&entries, SEALRING_OK);
}

static sealring_status walk_checkpoints(struct registry_cursor checkpoints)
{
    static struct registry_checkpoint checkpoint;
    while (registry_checkpoint_next(&checkpoints, &checkpoint))
        see_checkpoint(&checkpoint);
    return registry_close_cursor(&checkpoints, SEALRING_OK);
}

static sealring_status walk_facts(struct registry_cursor facts)
{
    struct registry_closed fact;
    while (registry_closed_next(&facts, &fact))
        see_fact(&fact);
    return registry_close_cursor(&facts, SEALRING_OK);
}

static sealring_status walk_contradictions(struct registry_cursor contradictions)
{
    struct registry_contradiction contradiction;
    while (registry_contradiction_next(&contradictions, &contradiction))
        see_contradiction(&contradiction);
    return registry_close_cursor(&contradictions, SEALRING_OK);
}

static sealring_status walk_periods(struct registry_cursor periods)
{
    struct registry_usage usage;
    while (registry_usage_next(&periods, &usage))
        see_usage(&usage);
    return registry_close_cursor(&periods, SEALRING_OK);
}

static sealring_status walk_hours(struct registry_cursor hours)
{
    struct registry_traffic traffic;
    while (registry_traffic_next(&hours, &traffic))
        continue;
    return registry_close_cursor(&hours, SEALRING_OK);
}

static sealring_status walk_seats(struct registry_cursor seats)
{
    struct registry_usage_seat seat;
    while (registry_usage_seat_next(&seats, &seat))
        continue;
    return registry_close_cursor(&seats, SEALRING_OK);
}

static sealring_status walk_errors(struct registry_cursor errors)
{
    struct registry_renewal_error one;
    while (registry_renewal_error_next(&errors, &one))
        require(one.count > 0 && one.latest >= 0, "an error of a renewal has a count and a time");
    return registry_close_cursor(&errors, SEALRING_OK);
}

static void see_names(const struct registry_usage_names *names)
{
    require(names->count <= USAGE_NAMES_MOST, "as many are named as there is room for");
    for (unsigned i = 0; i < names->count; i++)
        see_name(&names->found[i]);
}

/* ---- The queries ---- */

typedef sealring_status (*ask)(struct registry *registry, sealring_error *error);

static sealring_status ask_rings(struct registry *registry, sealring_error *error)
{
    struct registry_ring ring;
    bool found = false;
    sealring_status status = registry_ring_find(registry, rows.ring.name, &ring, &found, error);
    if (status == SEALRING_OK && found)
        check_ring(&ring);
    return status == SEALRING_OK ? walk_rings(registry_rings(registry, error)) : status;
}

static sealring_status ask_versions(struct registry *registry, sealring_error *error)
{
    struct registry_version version;
    uint64_t credentials, current;
    bool held, found = false;
    sealring_status status = registry_version_find(registry, rows.ring.id, 1, &version, &found, error);
    if (status == SEALRING_OK && found)
        check_version(&version);
    if (status == SEALRING_OK)
        status = walk_versions(registry_versions(registry, 0, error));
    if (status == SEALRING_OK)
        status = walk_versions(registry_versions_owed(registry, error));
    if (status == SEALRING_OK)
        status = registry_version_held(registry, rows.ring.id, 1, &held, error);
    return status == SEALRING_OK ? registry_version_count(registry, rows.ring.id, 1, &credentials, &current, error)
                                 : status;
}

static sealring_status ask_clients(struct registry *registry, sealring_error *error)
{
    return walk_clients(registry_clients(registry, NULL, error));
}

static sealring_status ask_keys(struct registry *registry, sealring_error *error)
{
    struct registry_key key;
    uint64_t count;
    bool found = false;
    sealring_status status = registry_key_find(registry, rows.key.key_id, &key, &found, error);
    if (status == SEALRING_OK && found)
        check_key(&key);
    if (status == SEALRING_OK)
        status =
            registry_key_find_by_label(registry, rows.ring.id, rows.client.id, rows.key.label, &key, &found, error);
    if (status == SEALRING_OK && found)
        check_key(&key);
    return status == SEALRING_OK ? registry_key_count(registry, rows.ring.id, &count, error) : status;
}

static sealring_status ask_credentials(struct registry *registry, sealring_error *error)
{
    return walk_credentials(registry_credentials(registry, rows.key.id, error));
}

static sealring_status ask_holders(struct registry *registry, sealring_error *error)
{
    static const struct registry_holder_filter all = {.limit = 0};
    const struct registry_holder_filter one = {.key_id = rows.key.key_id};
    sealring_status status = walk_holders(registry_holders(registry, &one, error));
    if (status == SEALRING_OK)
        status = walk_holders(registry_holders(registry, &all, error));
    return status == SEALRING_OK ? walk_presented(registry_presented_of_key(registry, rows.key.id, error)) : status;
}

static sealring_status ask_intentions(struct registry *registry, sealring_error *error)
{
    return walk_intentions(registry_intentions(registry, error));
}

static sealring_status ask_verifiers(struct registry *registry, sealring_error *error)
{
    int64_t last_use = 0;
    sealring_status status = walk_verifiers(registry_verifiers(registry, error));
    if (status == SEALRING_OK)
        status = registry_version_use_get(registry, rows.ring.id, 1, &last_use, error);
    require(status != SEALRING_OK || last_use >= 0, "the last use is a time");
    return status;
}

static sealring_status ask_clock(struct registry *registry, sealring_error *error)
{
    struct registry_clock clock;
    sealring_status status = registry_clock_get(registry, &clock, error);
    require(status != SEALRING_OK || (ENDS(clock.boot_id) && is_clean(clock.boot_id) && clock.boot_ms >= 0),
            "the clock's row is one");
    return status;
}

static sealring_status ask_log(struct registry *registry, sealring_error *error)
{
    static const sealring_audit_filter all = {.last = 0};
    uint8_t hashes[1][REGISTRY_DIGEST_SIZE];
    uint64_t size = 0;
    bool found = false;
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status == SEALRING_OK)
        status = walk_entries(registry_audit_entries(registry, &all, error));
    if (status == SEALRING_OK)
        status = walk_entries(registry_audit_all(registry, error));
    return status == SEALRING_OK ? registry_leaf_hashes_find(registry, 1, 1, hashes, &found, error) : status;
}

static sealring_status ask_checkpoints(struct registry *registry, sealring_error *error)
{
    static struct registry_checkpoint checkpoint;
    char vkey[REGISTRY_VKEY_SIZE];
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    bool found = false;
    sealring_status status = registry_checkpoint_find_latest(registry, &checkpoint, &found, error);
    if (status == SEALRING_OK && found)
        see_checkpoint(&checkpoint);
    if (status == SEALRING_OK)
        status = walk_checkpoints(registry_checkpoints(registry, error));
    if (status == SEALRING_OK)
        status = registry_audit_key_find(registry, vkey, &found, error);
    require(status != SEALRING_OK || !found || ENDS(vkey), "a key ends");
    return status == SEALRING_OK ? registry_node_find(registry, 4, 0, hash, &found, error) : status;
}

static sealring_status ask_facts(struct registry *registry, sealring_error *error)
{
    uint64_t count = 0;
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    sealring_status status = walk_facts(registry_closed_facts(registry, 0, error));
    if (status == SEALRING_OK)
        status = registry_closed_head(registry, &count, hash, error);
    for (int kind = 0; status == SEALRING_OK && kind < CONTRADICTION_KINDS; kind++)
        status = walk_contradictions(registry_contradictions(registry, (enum contradiction_kind)kind, error));
    return status;
}

static sealring_status ask_usage(struct registry *registry, sealring_error *error)
{
    static struct registry_usage_names names;
    struct registry_usage_owner owner = {.used = 0};
    bool aged, found = false;
    sealring_status status = SEALRING_OK;
    for (int daily = 0; status == SEALRING_OK && daily < 2; daily++)
        status = walk_periods(registry_usage_of_key(registry, rows.key.id, daily == 1, 0, LATEST, error));
    if (status == SEALRING_OK)
        status = walk_errors(registry_renewal_errors(registry, rows.key.id, error));
    if (status == SEALRING_OK)
        status = registry_usage_find_owner(registry, rows.key.id, &owner, &found, error);
    require(status != SEALRING_OK || owner.used >= 0, "the last use is a time");
    for (unsigned ageing = 0; status == SEALRING_OK && ageing < USAGE_AGEINGS; ageing++)
        status = registry_usage_aged(registry, ageing, rows.ring.id, 1, ageing == USAGE_PRUNE ? 20000 : 500000 * 24,
                                     &aged, error);
    if (status == SEALRING_OK)
        status = usage_users(registry, rows.ring.id, 1, 0, USAGE_NAMES_MOST, &names, error);
    if (status == SEALRING_OK)
        see_names(&names);
    if (status == SEALRING_OK)
        status = usage_idle(registry, rows.ring.id, 1, USAGE_NAMES_MOST, &names, error);
    if (status == SEALRING_OK)
        see_names(&names);
    return status;
}

static sealring_status ask_traffic(struct registry *registry, sealring_error *error)
{
    sealring_status status = walk_hours(registry_traffic(registry, rows.ring.id, 0, error));
    return status == SEALRING_OK ? walk_seats(registry_usage_seats(registry, error)) : status;
}

/* What a verifier's poll and `audit verify` ask. */
static sealring_status ask_changes(struct registry *registry, sealring_error *error)
{
    struct registry_ring ring;
    bool imports, found;
    sealring_status status = walk_rings(registry_current_rings(registry, error));
    if (status == SEALRING_OK)
        status = walk_versions(registry_current_versions(registry, error));
    if (status == SEALRING_OK)
        status = walk_keys(registry_keys(registry, error));
    if (status == SEALRING_OK)
        status = registry_ring_find_by_id(registry, rows.ring.ring_id, &ring, &found, error);
    return status == SEALRING_OK ? registry_has_imports(registry, &imports, error) : status;
}

static const ask asks[] = {ask_rings,       ask_versions,   ask_clients,   ask_keys,    ask_credentials,
                           ask_holders,     ask_intentions, ask_verifiers, ask_clock,   ask_log,
                           ask_checkpoints, ask_facts,      ask_usage,     ask_traffic, ask_changes};

static sealring_status ask_one(ask question, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(reader, error);
    do {
        if (registry_begin(&reading, &status))
            status = question(reader, error);
    } while (registry_again(&reading, &status));
    return status;
}

static void check_error(sealring_status status, const sealring_error *error)
{
    require(status == SEALRING_OK || status == SEALRING_REGISTRY, "it is there, or not there, or the registry's fault");
    require(status != SEALRING_REGISTRY || (error->message[0] != '\0' && is_clean(error->message)),
            "which is said in one clean line");
}

/* The ways of a verifier, which are transactions of their own. */
static void ask_as_verifier(void)
{
    static struct registry_presented presented;
    struct registry_vault vault;
    sealring_error error = {0};
    bool replaced;
    sealring_status status = registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &error);
    check_error(status, &error);
    if (status == SEALRING_OK && presented.found)
        check_credential(&presented.holder.credential);
    check_error(registry_present_imported(reader, rows.credential.digest, &presented, &error), &error);
    status = registry_look_vault(reader, &vault, &replaced, &error);
    check_error(status, &error);
    require(status != SEALRING_OK || (vault.lease_ms > 0 && vault.refresh_ms > 0 && is_time(vault.lease_ms)),
            "a vault has a lease");
}

static void ask_all(void)
{
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        sealring_error error = {0};
        check_error(ask_one(asks[i], &error), &error);
    }
    ask_as_verifier();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct supply supply = {data, size};
    bool changed[TABLES_MAX] = {false};
    if (raw == NULL) {
        prepare();
        seen = 0;
        ask_all();
        require(seen >= 4, "without changes there are rows");
    }
    change(&supply, changed);
    ask_all();
    undo(changed);
    return 0;
}
