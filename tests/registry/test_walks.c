/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over rows keep their order, filters and pages; counts count what they say. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/fixture.h"

static struct fixture fixture;
static struct fixture_rows rows;

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static void expect_ok(sealring_status status)
{
    ck_assert_msg(status == SEALRING_OK, "status %d: %s", (int)status, fixture.error.message);
}

/* ---- Holders -------------------------------------------------------------------------------------------------------- */

/* Two rings and three clients whose order by name is not that of their ids; client b has two labels in ring y, one revoked
 * key beside a living one of the same label, and a key whose first credential is under an older version. */
static sealring_status insert_population(struct registry *registry, void *context, sealring_error *error)
{
    static const struct {
        const char *ring, *client, *label;
        sealring_key_state state;
        uint32_t serials;
    } keys[] = {
        {"y", "c", "default", SEALRING_KEY_ACTIVE, 1},    {"y", "b", "second", SEALRING_KEY_ACTIVE, 1},
        {"y", "b", "first", SEALRING_KEY_REVOKED, 1},     {"y", "b", "first", SEALRING_KEY_ACTIVE, 2},
        {"x", "c", "default", SEALRING_KEY_SUSPENDED, 1}, {"x", "a", "default", SEALRING_KEY_ACTIVE, 1},
    };
    (void)context;
    sealring_status status = SEALRING_OK;
    static const char *const ring_names[] = {"y", "x"}, *const client_names[] = {"c", "b", "a"};
    struct registry_ring rings[2];
    struct registry_client clients[3];
    for (unsigned i = 0; i < 2; i++) {
        fixture_ring(&rings[i], 10 + i);
        strcpy(rings[i].name, ring_names[i]);
        status = status == SEALRING_OK ? registry_ring_insert(registry, &rings[i], error) : status;
        for (uint32_t number = 1; number <= 2; number++) {
            struct registry_version version;
            fixture_version(&version, rings[i].id, number);
            status = status == SEALRING_OK ? registry_version_insert(registry, &version, error) : status;
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        fixture_client(&clients[i], 10 + i);
        strcpy(clients[i].name, client_names[i]);
        status = status == SEALRING_OK ? registry_client_insert(registry, &clients[i], error) : status;
    }
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct registry_key key;
        fixture_key(&key, rings[keys[i].ring[0] == 'y' ? 0 : 1].id, clients['c' - keys[i].client[0]].id, 100 + i);
        strcpy(key.label, keys[i].label);
        key.state = keys[i].state;
        key.last_serial = keys[i].serials;
        status = status == SEALRING_OK ? registry_key_insert(registry, &key, error) : status;
        for (uint32_t serial = 1; serial <= keys[i].serials; serial++) {
            struct registry_credential credential;
            key.last_serial = serial;
            fixture_credential(&credential, &key, serial);
            status = status == SEALRING_OK ? registry_credential_insert(registry, &credential, error) : status;
        }
    }
    return status;
}

struct listed {
    struct registry_holder_filter filter;
    char text[1024];
    unsigned rows;
    unsigned stop_at;
};

static sealring_status list_one(struct listed *listed, const struct registry_holder *holder)
{
    size_t used = strlen(listed->text);
    snprintf(listed->text + used, sizeof listed->text - used, "%s/%s/%s/%d/%u ", holder->ring.name, holder->client.name,
             holder->key.label, (int)holder->key.state, holder->credential.version);
    ck_assert_int_eq(holder->version.ring, holder->ring.id);
    ck_assert_uint_eq(holder->version.number, holder->credential.version);
    return ++listed->rows == listed->stop_at ? SEALRING_WAITING : SEALRING_OK;
}

static sealring_status list(struct registry *registry, void *context, sealring_error *error)
{
    struct listed *listed = context;
    struct registry_holder holder;
    sealring_status status = SEALRING_OK;
    struct registry_cursor holders = registry_holders(registry, &listed->filter, error);
    while (status == SEALRING_OK && registry_holder_next(&holders, &holder))
        status = list_one(listed, &holder);
    return registry_close_cursor(&holders, status);
}

/* The population's key of client "b" in ring "y" with two credentials. */
static char two_credentials[SEALRING_KEY_ID_LENGTH + 1];

static const struct {
    struct registry_holder_filter filter;
    const char *expected;
} listings[] = {
    {{0},
     "ring-1/client-000001/default/1/1 x/a/default/1/1 x/c/default/2/1 y/b/first/3/1 y/b/first/1/2 y/b/second/1/1 "
     "y/c/default/1/1 "},
    {{.ring = "x"}, "x/a/default/1/1 x/c/default/2/1 "},
    {{.client = "c"}, "x/c/default/2/1 y/c/default/1/1 "},
    {{.client = "c", .ring = "y"}, "y/c/default/1/1 "},
    {{.key_id = two_credentials}, "y/b/first/1/2 "},
    {{.key_id = two_credentials, .ring = "x"}, ""},
    {{.ring = "none"}, ""},
    {{.only_active = true},
     "ring-1/client-000001/default/1/1 x/a/default/1/1 y/b/first/1/2 y/b/second/1/1 y/c/default/1/1 "},
    {{.only_active = true, .limit = 2}, "ring-1/client-000001/default/1/1 x/a/default/1/1 "},
    {{.only_active = true, .after_ring = "x", .after_client = "a", .after_label = "default", .limit = 2},
     "y/b/first/1/2 y/b/second/1/1 "},
    {{.ring = "y", .only_active = true, .limit = 2}, "y/b/first/1/2 y/b/second/1/1 "},
    {{.ring = "y", .only_active = true, .after_ring = "y", .after_client = "b", .after_label = "first", .limit = 2},
     "y/b/second/1/1 y/c/default/1/1 "},
    {{.ring = "y", .only_active = true, .after_ring = "y", .after_client = "b", .after_label = "second", .limit = 9},
     "y/c/default/1/1 "},
    {{.ring = "y", .only_active = true, .after_ring = "y", .after_client = "c", .after_label = "default", .limit = 9},
     ""},
    {{.ring = "y", .only_active = true, .after_ring = "x", .after_client = "z", .after_label = "z", .limit = 1},
     "y/b/first/1/2 "},
    {{.ring = "x", .only_active = true, .after_ring = "y", .after_client = "a", .after_label = "a", .limit = 1}, ""},
    {{.ring = "y", .after_ring = "y", .after_client = "b", .after_label = "first"}, "y/b/second/1/1 y/c/default/1/1 "},
    {{.ring = "x", .limit = 9}, "x/a/default/1/1 x/c/default/2/1 "},
};

START_TEST(holders_are_listed_in_order)
{
    fixture_key_id(two_credentials, 103);
    expect_ok(fixture_write(&fixture, true, insert_population, NULL));
    struct listed listed = {.filter = listings[_i].filter};
    expect_ok(fixture_read(fixture.registry, list, &listed, &fixture.error));
    ck_assert_str_eq(listed.text, listings[_i].expected);
}
END_TEST

START_TEST(walk_is_given_up)
{
    expect_ok(fixture_write(&fixture, true, insert_population, NULL));
    struct listed listed = {.stop_at = 2};
    ck_assert_int_eq(fixture_read(fixture.registry, list, &listed, NULL), SEALRING_WAITING);
    ck_assert_uint_eq(listed.rows, 2);
    listed = (struct listed){0}; /* and the statement is good for another walk */
    expect_ok(fixture_read(fixture.registry, list, &listed, &fixture.error));
    ck_assert_uint_eq(listed.rows, 7);
}
END_TEST

/* ---- Other walks and counts ----------------------------------------------------------------------------------------- */

static char walked[512];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    size_t used = strlen(walked);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(walked + used, sizeof walked - used, format, arguments);
    va_end(arguments);
}

static sealring_status note_versions(struct registry *registry, int64_t ring, sealring_error *error)
{
    struct registry_version version;
    struct registry_cursor versions = registry_versions(registry, ring, error);
    while (registry_version_next(&versions, &version))
        note("v%u ", version.number);
    return registry_close_cursor(&versions, SEALRING_OK);
}

static sealring_status note_rings(struct registry *registry, sealring_error *error)
{
    struct registry_ring ring;
    struct registry_cursor rings = registry_rings(registry, error);
    while (registry_ring_next(&rings, &ring))
        note("(%s)", ring.name);
    return registry_close_cursor(&rings, SEALRING_OK);
}

/* Walks the versions within the walk over rings, and the rings once more within that. */
static sealring_status walk_rings(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    struct registry_cursor rings = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring)) {
        note("%s: ", ring.name);
        status = note_versions(registry, ring.id, error);
        status = status == SEALRING_OK ? note_rings(registry, error) : status;
    }
    return registry_close_cursor(&rings, status);
}

START_TEST(walks_nest)
{
    expect_ok(fixture_write(&fixture, true, insert_population, NULL));
    walked[0] = '\0';
    expect_ok(fixture_read(fixture.registry, walk_rings, NULL, &fixture.error));
    ck_assert_str_eq(walked, "ring-1: v1 (ring-1)(x)(y)x: v1 v2 (ring-1)(x)(y)y: v1 v2 (ring-1)(x)(y)");
}
END_TEST

static sealring_status walk_all_versions(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return note_versions(registry, 0, error);
}

START_TEST(versions_of_all_rings_are_walked)
{
    expect_ok(fixture_write(&fixture, true, insert_population, NULL));
    walked[0] = '\0';
    expect_ok(fixture_read(fixture.registry, walk_all_versions, NULL, &fixture.error));
    ck_assert_str_eq(walked, "v1 v1 v2 v1 v2 ");
}
END_TEST

static sealring_status walk_clients(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_client client;
    uint64_t keys = 0;
    struct registry_cursor clients = registry_clients(registry, context, error);
    while (registry_client_next(&clients, &client, &keys))
        note("%s=%lu ", client.name, (unsigned long)keys);
    return registry_close_cursor(&clients, SEALRING_OK);
}

START_TEST(clients_are_walked_with_their_keys_counted)
{
    expect_ok(fixture_write(&fixture, true, insert_population, NULL));
    walked[0] = '\0';
    expect_ok(fixture_read(fixture.registry, walk_clients, NULL, &fixture.error));
    ck_assert_str_eq(walked, "a=1 b=2 c=2 client-000001=1 "); /* b's revoked one is not counted */
    walked[0] = '\0';
    char name[] = "b";
    expect_ok(fixture_read(fixture.registry, walk_clients, name, &fixture.error));
    ck_assert_str_eq(walked, "b=2 ");
}
END_TEST

static sealring_status walk_credentials(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_key key;
    fixture_key_id(key.key_id, *(unsigned *)context);
    sealring_status status = fixture_found(registry_key_find(registry, key.key_id, &key, &found, error), &found);
    if (status != SEALRING_OK)
        return status;
    struct registry_credential credential;
    struct registry_cursor credentials = registry_credentials(registry, key.id, error);
    while (registry_credential_next(&credentials, &credential))
        note("s%u ", credential.serial);
    return registry_close_cursor(&credentials, SEALRING_OK);
}

START_TEST(credentials_are_walked_by_serial)
{
    unsigned n = 103;
    expect_ok(fixture_write(&fixture, true, insert_population, NULL));
    walked[0] = '\0';
    expect_ok(fixture_read(fixture.registry, walk_credentials, &n, &fixture.error));
    ck_assert_str_eq(walked, "s1 s2 ");
}
END_TEST

struct counts {
    uint64_t keys, credentials[2], current[2];
    bool held[3], surely[3];
};

static const char revoke_all[] =
    "INSERT INTO closed_fact SELECT (SELECT coalesce(max(f.sequence), 0) FROM closed_fact f) + row_number() OVER (ORDER BY k.id),"
    " 1, k.key_id, x'', 0, 3, zeroblob(32), '' FROM api_key k"
    " WHERE NOT EXISTS (SELECT 1 FROM closed_fact f WHERE f.key_id = k.key_id)";

static sealring_status count(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct counts *counts = context;
    struct registry_ring ring;
    sealring_status status = fixture_found(registry_ring_find(registry, "y", &ring, &found, error), &found);
    status = status == SEALRING_OK ? registry_key_count(registry, ring.id, &counts->keys, error) : status;
    for (uint32_t number = 1; number <= 2 && status == SEALRING_OK; number++) {
        status = registry_version_count(registry, ring.id, number, &counts->credentials[number - 1],
                                        &counts->current[number - 1], error);
    }
    for (uint32_t number = 1; number <= 3 && status == SEALRING_OK; number++)
        status = registry_version_held(registry, ring.id, number, &counts->held[number - 1], error);
    for (uint32_t number = 1; number <= 3 && status == SEALRING_OK; number++)
        status = registry_version_held_surely(registry, ring.id, number, &counts->surely[number - 1], error);
    return status;
}

START_TEST(counts_pass_over_revoked_keys_and_older_credentials)
{
    struct counts counts;
    expect_ok(fixture_write(&fixture, true, insert_population, NULL));
    expect_ok(fixture_read(fixture.registry, count, &counts, &fixture.error));
    ck_assert_uint_eq(counts.keys, 3);
    ck_assert_uint_eq(counts.credentials[0], 4); /* c, second, the revoked first, the living first's serial 1 */
    ck_assert_uint_eq(counts.current[0], 2);
    ck_assert_uint_eq(counts.credentials[1], 1);
    ck_assert_uint_eq(counts.current[1], 1);
    ck_assert(counts.held[0] && counts.held[1] && !counts.held[2]);
    ck_assert(counts.surely[0] && counts.surely[1] && !counts.surely[2]);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE api_key SET state = 3"), SQLITE_OK);
    expect_ok(fixture_read(fixture.registry, count, &counts, &fixture.error));
    ck_assert(counts.held[0] && counts.held[1]); /* only a fact revokes a key */
    ck_assert(counts.surely[0] && counts.surely[1]);
    ck_assert_uint_eq(counts.keys, 0);
    ck_assert_int_eq(fixture_sql(&fixture, revoke_all), SQLITE_OK);
    expect_ok(fixture_read(fixture.registry, count, &counts, &fixture.error));
    ck_assert(!counts.held[0] && !counts.held[1] && !counts.surely[0] && !counts.surely[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry walks");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, holders_are_listed_in_order, 0, (int)(sizeof listings / sizeof *listings));
    tcase_add_test(cases, walk_is_given_up);
    tcase_add_test(cases, walks_nest);
    tcase_add_test(cases, versions_of_all_rings_are_walked);
    tcase_add_test(cases, clients_are_walked_with_their_keys_counted);
    tcase_add_test(cases, credentials_are_walked_by_serial);
    tcase_add_test(cases, counts_pass_over_revoked_keys_and_older_credentials);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
