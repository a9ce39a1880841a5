/* SPDX-License-Identifier: Apache-2.0 */
/* What a turn of notices costs, in statements, does not depend on the number of clients. */
#include <stdio.h>
#include <string.h>

#include <sealring/notices.h>

#include "lib/conflict.h"
#include "lib/runner.h"
#include "lib/test_vault.h"

#define RING "payments"

static sealring_error error;
static struct touches touches;

struct cost {
    uint64_t rotation, waiting, idle;
};

static uint64_t turn(sealring_manager *manager)
{
    sealring_notices_result result = {.size = sizeof result};
    uint64_t before = atomic_load(&touches.statements);
    ASSERT_OK(sealring_notices_send(manager, 1, NULL, NULL, &result, &error), error);
    return atomic_load(&touches.statements) - before;
}

/* Clients with an API key each, as nobody but an attacker adds them so quickly: none is sent anything. */
static void add_clients(const struct test_vault *vault, int count)
{
    char sql[2048];
    snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO client (id, name, contact, created, forgotten, notices)"
        " SELECT 1000 + i, 'client-' || i, '', 1, 0, '--h' || char(10) || '-' || char(10) || '0' || char(10) FROM n;"
        " INSERT INTO api_key SELECT c.id, substr('0000000000000000' || c.id, -16), k.ring, c.id, 'web', 1, 0, '', 1, 1, 0"
        " FROM client c, (SELECT ring FROM api_key LIMIT 1) k WHERE c.id > 1000;"
        " INSERT INTO credential (api_key, serial, ring, version, digest, nonce, scopes, not_before, expires, state,"
        " replaced, retire_at, issued, imported, binding)"
        " SELECT k.id, 1, o.ring, o.version, randomblob(32), randomblob(16), o.scopes, 0, 0, 1, 0, 0, 1, 0, x''"
        " FROM api_key k, (SELECT ring, version, scopes FROM credential LIMIT 1) o WHERE k.id > 1000",
        count);
    test_vault_attack(vault, sql);
}

static struct cost measure(int count)
{
    static char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    const sealring_notice_settings settings = {.size = sizeof settings, .channels = "hook"};
    sealring_event_options options = {.size = sizeof options, .reason = "test"};
    struct test_vault vault;
    struct cost cost;
    test_vault_make(&vault);
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, RING, "acme_live", 86400000);
    test_vault_issue(manager, RING, "first", "read", text, key_id);
    ASSERT_OK(sealring_client_set_notified(manager, "first", NULL, NULL, 0, &settings, &error), error);
    (void)turn(manager);
    add_clients(&vault, count);
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_ROTATE, 0, &options, NULL, &error), error);
    cost.rotation = turn(manager);
    ck_assert_int_gt(test_vault_number(&vault, "SELECT count(*) FROM notice"), count - 100);
    test_vault_sql(&vault, "UPDATE notice SET due = due + 86400000");
    test_vault_sql(&vault, "UPDATE notice_state SET time = time - 120000");
    cost.waiting = turn(manager);
    test_vault_sql(&vault, "DELETE FROM notice");
    cost.idle = turn(manager);
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
    return cost;
}

START_TEST(a_turn_costs_the_same_for_any_number_of_clients)
{
    conflict_count(&touches);
    atomic_store(&touches.on, 1);
    struct cost few = measure(200), many = measure(2000);
    printf("# statements for 200 and 2000 clients: rotation %llu %llu, waiting %llu %llu, idle %llu %llu\n",
           (unsigned long long)few.rotation, (unsigned long long)many.rotation, (unsigned long long)few.waiting,
           (unsigned long long)many.waiting, (unsigned long long)few.idle, (unsigned long long)many.idle);
    ck_assert(many.rotation < few.rotation + 20);
    ck_assert(many.waiting < few.waiting + 5);
    ck_assert(many.idle < few.idle + 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notice cost");
    TCase *cases = tcase_create("notice cost");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_turn_costs_the_same_for_any_number_of_clients);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
