/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions of every kind with a conflict at each of their statements: done once, whole, and as without it; or not at all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conflict.h"
#include "lib/runner.h"
#include "registry/fixture.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"
#include "registry/usage/usage_rows.h"

#define DAY 20000 /* since 1970 */

static struct fixture fixture;
static struct fixture_rows rows;
static struct touches touches;

static struct registry_usage make_usage(uint32_t hour)
{
    struct registry_usage usage = {.key = rows.key.id,
                                   .serial = 1,
                                   .version = 1,
                                   .ring = rows.ring.id,
                                   .period = hour,
                                   .accepted = hour,
                                   .last_use = hour * USAGE_HOUR_MS};
    memset(usage.seat, 7, sizeof usage.seat);
    return usage;
}

/* ---- What is written ---- */

static sealring_status insert_rows(struct registry *registry, void *context, sealring_error *error)
{
    const struct registry_write *how = context;
    struct registry_audit entry;
    struct registry_ring ring;
    struct registry_version version;
    struct registry_client client;
    struct registry_key key;
    struct registry_credential credential;
    struct registry_intention intention = {.nonce = {9}, .object_id_length = 2, .owner = "host 1"};
    fixture_ring(&ring, 2);
    fixture_client(&client, 2);
    fixture_audit(&entry, how);
    sealring_status status = registry_ring_insert(registry, &ring, error);
    fixture_version(&version, ring.id, 1);
    status = status == SEALRING_OK ? registry_version_insert(registry, &version, error) : status;
    status = status == SEALRING_OK ? registry_client_insert(registry, &client, error) : status;
    fixture_key(&key, ring.id, client.id, 2);
    status = status == SEALRING_OK ? registry_key_insert(registry, &key, error) : status;
    fixture_credential(&credential, &key, 1);
    status = status == SEALRING_OK ? registry_credential_insert(registry, &credential, error) : status;
    status = status == SEALRING_OK ? registry_intention_insert(registry, &intention, error) : status;
    return status == SEALRING_OK ? registry_audit_append(registry, &entry, error) : status;
}

static sealring_status update_rows(struct registry *registry, void *context, sealring_error *error)
{
    struct fixture_rows changed = rows;
    (void)context;
    changed.ring.policy.keep = 9;
    changed.version.state = SEALRING_VERSION_RETIRED;
    changed.client.contact[0] = '\0';
    changed.key.state = SEALRING_KEY_REVOKED;
    changed.credential.state = SEALRING_CREDENTIAL_SUPERSEDED;
    sealring_status status = registry_ring_update(registry, &changed.ring, error);
    status = status == SEALRING_OK ? registry_version_update(registry, &changed.version, error) : status;
    status = status == SEALRING_OK ? registry_client_update(registry, &changed.client, error) : status;
    status = status == SEALRING_OK ? registry_key_update(registry, &changed.key, error) : status;
    return status == SEALRING_OK ? registry_credential_update(registry, &changed.credential, error) : status;
}

static sealring_status write_log(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_audit entry;
    struct registry_checkpoint checkpoint = {.size = 1, .time = 1700000000000, .note = "a note\n"};
    const uint8_t hash[REGISTRY_DIGEST_SIZE] = {1};
    fixture_audit(&entry, context);
    sealring_status status = registry_audit_append(registry, &entry, error);
    status = status == SEALRING_OK ? registry_node_insert(registry, 4, 0, hash, error) : status;
    status = status == SEALRING_OK ? registry_audit_key_insert(registry, "a key", 1, error) : status;
    return status == SEALRING_OK ? registry_checkpoint_insert(registry, &checkpoint, error) : status;
}

static sealring_status harvest(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_usage usage = make_usage(DAY * 24 + 1);
    struct registry_usage_seat seat = {.settled_hour = DAY * 24 + 1};
    struct registry_traffic traffic = {.ring = rows.ring.id, .version = 1, .hour = DAY * 24 + 1, .accepted = 5};
    struct registry_verifier verifier = {.instance = {3}, .host = "host", .program = "program", .state = 2};
    (void)context;
    memset(seat.seat, 7, sizeof seat.seat);
    memset(traffic.seat, 7, sizeof traffic.seat);
    sealring_status status = registry_usage_put(registry, &usage, error);
    status = status == SEALRING_OK ? registry_traffic_put(registry, &traffic, error) : status;
    status = status == SEALRING_OK ? registry_usage_seat_put(registry, &seat, error) : status;
    status = status == SEALRING_OK ? registry_verifier_put(registry, &verifier, error) : status;
    return status == SEALRING_OK ? registry_version_use_put(registry, rows.ring.id, 1, usage.last_use, error) : status;
}

static sealring_status age(struct registry *registry, void *context, sealring_error *error)
{
    unsigned rolled = 0, pruned = 0;
    (void)context;
    sealring_status status = registry_usage_age(registry, USAGE_ROLL, rows.ring.id, 1, DAY * 24, &rolled, error);
    if (status == SEALRING_OK)
        status = registry_usage_age(registry, USAGE_PRUNE, rows.ring.id, 1, DAY - 1, &pruned, error);
    ck_assert(status != SEALRING_OK || (rolled == 3 && pruned == 2));
    return status;
}

static sealring_status renew(struct registry *registry, void *context, sealring_error *error)
{
    static const uint8_t era[REGISTRY_ID_SIZE] = {5};
    const struct registry_clock clock = {.boot_id = "boot", .boot_ms = 1, .wall_ms = 2};
    (void)context;
    sealring_status status = registry_vault_renew(registry, era, 100, error);
    status = status == SEALRING_OK ? registry_clock_put(registry, &clock, error) : status;
    return status == SEALRING_OK ? registry_vault_set_era_in_force(registry, error) : status;
}

static const struct {
    const char *name;
    fixture_body body;
} writings[] = {
    {"insert", insert_rows}, {"update", update_rows}, {"log", write_log}, {"harvest", harvest}, {"age", age},
    {"renew", renew}};

/* ---- A fresh registry for each try ---- */

static sealring_status prepare_usage(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_usage_seat seat = {.settled_hour = DAY * 24};
    sealring_status status = SEALRING_OK;
    (void)context;
    memset(seat.seat, 7, sizeof seat.seat);
    for (uint32_t i = 0; i < 3 && status == SEALRING_OK; i++) {
        struct registry_usage usage = make_usage((DAY - 1 - i) * 24);
        status = registry_usage_put(registry, &usage, error);
    }
    return status == SEALRING_OK ? registry_usage_seat_put(registry, &seat, error) : status;
}

static void set_up(void)
{
    conflict_count(&touches);
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    ck_assert_int_eq(fixture_write(&fixture, false, prepare_usage, NULL), SEALRING_OK);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET era = zeroblob(16)"), SQLITE_OK); /* it is random */
    fixture.error.message[0] = '\0';
}

static void tear_down(void)
{
    conflict_count(NULL);
    fixture_close(&fixture);
}

/* With a conflict at statement `at` (0: none), and ever after. */
static sealring_status carry_out(int number, uint64_t at, bool ever)
{
    struct registry_write how = fixture_operation(&fixture, true);
    memset(&touches, 0, sizeof touches);
    atomic_store(&touches.fail_at, at);
    atomic_store(&touches.fail_on, ever);
    atomic_store(&touches.statements_fail, at > 0);
    atomic_store(&touches.on, 1);
    sealring_status status = fixture_write_as(fixture.registry, &how, writings[number].body, &how, &fixture.error);
    atomic_store(&touches.on, 0);
    return status;
}

static void expect_dump(int number, uint64_t at, const char *expected)
{
    char *dump = fixture_dump(&fixture);
    ck_assert_msg(strcmp(dump, expected) == 0, "%s, conflict at statement %" PRIu64 ": %.1500s", writings[number].name,
                  at, dump);
    free(dump);
}

static void try_once(int number, uint64_t at, const char *expected)
{
    set_up();
    sealring_status status = carry_out(number, at, false);
    ck_assert_msg(status == SEALRING_OK && fixture.error.message[0] == '\0',
                  "%s, conflict at statement %" PRIu64 ": %s", writings[number].name, at, fixture.error.message);
    ck_assert_uint_eq(atomic_load(&touches.failed), 1);
    expect_dump(number, at, expected);
    tear_down();
}

/* Then nothing is changed, and the connection is good for another try. */
static void try_in_vain(int number, uint64_t at, const char *expected)
{
    set_up();
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(carry_out(number, at, true), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is busy with another program's transaction"));
    expect_dump(number, at, before);
    fixture.operations--; /* the operation ID of the undisturbed one */
    ck_assert_int_eq(carry_out(number, 0, false), SEALRING_OK);
    expect_dump(number, at, expected);
    free(before);
    tear_down();
}

/* One statement in three, where prepares and steps alternate; each of them with LONG. Each try has a registry of its own, synced to disk. */
START_TEST(conflicts_are_not_seen)
{
    const char *wish = getenv("LONG");
    bool all = wish != NULL && wish[0] == '1';
    set_up();
    char *before = fixture_dump(&fixture);
    ck_assert_msg(carry_out(_i, 0, false) == SEALRING_OK, "%s: %s", writings[_i].name, fixture.error.message);
    uint64_t statements = atomic_load(&touches.statements);
    char *expected = fixture_dump(&fixture);
    tear_down();
    ck_assert_str_ne(before, expected);
    ck_assert_uint_gt(statements, 10);
    for (uint64_t at = 1; at <= statements; at += all ? 1 : 3) {
        try_once(_i, at, expected);
        if (all || at % 2 == 1)
            try_in_vain(_i, at, expected);
    }
    printf("# %s: a conflict at %s of %" PRIu64 " statements\n", writings[_i].name, all ? "each" : "one in three",
           statements);
    free(before);
    free(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry conflicts");
    TCase *cases = tcase_create("conflicts");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, conflicts_are_not_seen, 0, (int)(sizeof writings / sizeof writings[0]));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
