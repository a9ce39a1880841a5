/* SPDX-License-Identifier: Apache-2.0 */
/* Every call that only reads, with a conflict at each of its statements: it returns what it returns without one, and nothing twice. The calls
 * that change a vault: tests/crash/test_crash.c. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/doctor.h>
#include <sealring/lagging.h>

#include "lib/conflict.h"
#include "lib/runner.h"
#include "lib/test_vault.h"

#define RING  "payments"
#define OTHER "second"
#define KEYS  4

static struct test_vault vault;
static sealring_manager *manager;
static char texts[KEYS][SEALRING_CREDENTIAL_LENGTH_MAX + 1];
static char key_ids[KEYS][SEALRING_KEY_ID_LENGTH + 1];
static sealring_error error;
static struct touches touches;

/* Rings with several versions, keys with several credentials, a client without a key, a verifier, uses of which some are harvested. */
static void setup(void)
{
    sealring_event_options options = {.size = sizeof options, .reason = "test"};
    static const char *const rings[KEYS] = {RING, RING, OTHER, OTHER};
    static const char *const clients[KEYS] = {"one", "two", "one", "three"};
    test_vault_make(&vault);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, RING, "acme_live", 86400000);
    test_vault_ring(manager, OTHER, "acme_test", 86400000);
    for (int i = 0; i < KEYS; i++)
        test_vault_issue(manager, rings[i], clients[i], "read", texts[i], key_ids[i]);
    ASSERT_OK(sealring_client_add(manager, "idle", "idle@example.org", &error), error);
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_ROTATE, 0, &options, NULL, &error), error);
    struct test_handed handed = {.calls = 0};
    ASSERT_OK(sealring_reissue(manager, key_ids[0], test_vault_take, &handed, &error), error);
    ASSERT_OK(sealring_key_set_state(manager, key_ids[1], SEALRING_KEY_REVOKED, "leaked", &error), error);
    sealring_vault *verifier = test_vault_open(&vault);
    for (int i = 0; i < KEYS; i++)
        test_vault_expect_now(verifier, texts[i], "read", i == 1 ? SEALRING_REJECTED_REVOKED : SEALRING_ACCEPTED);
    ASSERT_OK(sealring_harvest(manager, NULL, &error), error);
    test_vault_expect(verifier, handed.text, "read", SEALRING_ACCEPTED);
    sealring_close(&verifier); /* the tests are processes of their own, which would inherit it */
    sealring_manager_close(&manager);
}

static void teardown(void)
{
    test_vault_remove(&vault);
}

/* Each test is a process of its own. */
static void open_manager(void)
{
    conflict_count(&touches);
    manager = test_vault_manage(&vault);
}

static void close_manager(void)
{
    sealring_manager_close(&manager);
}

/* ---- What the calls return, as text; without what depends on the time of the call ---- */

static void say(FILE *out, const char *text)
{
    fprintf(out, "%s|", text == NULL ? "-" : text);
}

static void say_number(FILE *out, int64_t number)
{
    fprintf(out, "%" PRId64 "|", number);
}

static int take_ring(const sealring_ring_info *ring, void *out)
{
    say(out, ring->name);
    say(out, ring->ring_id);
    say_number(out, ring->active_version);
    say_number(out, ring->versions);
    say_number(out, (int64_t)ring->keys);
    fputs("\n", out);
    return 0;
}

static int take_version(const sealring_version_info *version, void *out)
{
    say(out, version->ring);
    say_number(out, version->version);
    say_number(out, version->state);
    say_number(out, (int64_t)version->credentials);
    say_number(out, (int64_t)version->current);
    say(out, version->object_id);
    fputs("\n", out);
    return 0;
}

static int take_verifier(const sealring_verifier_info *info, void *out)
{
    say(out, info->instance);
    say_number(out, info->state);
    say_number(out, (int64_t)info->epoch);
    say_number(out, (int64_t)info->proved);
    say(out, info->owes);
    fputs("\n", out);
    return 0;
}

static int take_plan(const sealring_plan *plan, void *out)
{
    say(out, plan->ring);
    say_number(out, plan->event);
    say_number(out, plan->version);
    say_number(out, plan->due);
    say_number(out, plan->state);
    fputs("\n", out);
    return 0;
}

static int take_client(const sealring_client_info *client, void *out)
{
    say(out, client->name);
    say(out, client->contact);
    say_number(out, (int64_t)client->keys);
    fputs("\n", out);
    return 0;
}

static int take_key(const sealring_key_info *key, void *out)
{
    say(out, key->key_id);
    say(out, key->ring);
    say(out, key->client);
    say_number(out, key->state);
    say_number(out, key->serial);
    fputs("\n", out);
    return 0;
}

static int take_credential(const sealring_credential_info *credential, void *out)
{
    say(out, credential->key_id);
    say_number(out, credential->serial);
    say_number(out, credential->version);
    say(out, credential->digest);
    fputs("\n", out);
    return 0;
}

static int take_usage(const sealring_usage_info *usage, void *out)
{
    say(out, usage->key_id);
    say_number(out, usage->serial);
    say_number(out, usage->from);
    say_number(out, (int64_t)usage->accepted);
    say_number(out, (int64_t)usage->closed);
    say_number(out, usage->last_use > 0); /* its second is not over yet */
    say_number(out, usage->key_used > 0);
    fputs("\n", out);
    return 0;
}

static int take_traffic(const sealring_traffic_info *traffic, void *out)
{
    say_number(out, traffic->version);
    say_number(out, traffic->hour);
    say_number(out, (int64_t)traffic->accepted);
    say_number(out, (int64_t)traffic->rejected);
    fputs("\n", out);
    return 0;
}

static int take_entry(const sealring_audit_entry *entry, void *out)
{
    say_number(out, (int64_t)entry->sequence);
    say(out, entry->act);
    say(out, entry->detail);
    say(out, entry->leaf_hash);
    say_number(out, entry->proof == NULL ? -1 : (int64_t)entry->proof->tree_size);
    say_number(out, entry->proof == NULL ? -1 : (int64_t)entry->proof->count);
    fputs("\n", out);
    return 0;
}

static int take_problem(uint64_t entry, const char *text, void *out)
{
    say_number(out, (int64_t)entry);
    say(out, text);
    fputs("\n", out);
    return 0;
}

static int take_finding(const sealring_finding *finding, void *out)
{
    say(out, finding->code);
    say(out, finding->object);
    fputs("\n", out);
    return 0;
}

/* ---- The calls ---- */

static sealring_status describe(FILE *out)
{
    sealring_vault_info info = {.size = sizeof info};
    sealring_status status = sealring_vault_describe(manager, &info, &error);
    say(out, info.vault_id);
    say_number(out, (int64_t)info.epoch);
    return status;
}

static sealring_status rings(FILE *out)
{
    return sealring_ring_list(manager, NULL, take_ring, out, &error);
}

static sealring_status one_ring(FILE *out)
{
    return sealring_ring_list(manager, OTHER, take_ring, out, &error);
}

static sealring_status versions(FILE *out)
{
    return sealring_version_list(manager, RING, 0, take_version, out, &error);
}

static sealring_status one_version(FILE *out)
{
    return sealring_version_list(manager, RING, 2, take_version, out, &error);
}

static sealring_status verifiers(FILE *out)
{
    return sealring_verifier_list(manager, true, take_verifier, out, &error);
}

static sealring_status plan(FILE *out)
{
    return sealring_ring_plan(manager, RING, take_plan, out, &error);
}

static sealring_status clients(FILE *out)
{
    return sealring_client_list(manager, NULL, take_client, out, &error);
}

static sealring_status keys(FILE *out)
{
    return sealring_key_list(manager, NULL, take_key, out, &error);
}

static sealring_status keys_of_ring(FILE *out)
{
    sealring_key_filter filter = {.ring = RING};
    return sealring_key_list(manager, &filter, take_key, out, &error);
}

static sealring_status credentials(FILE *out)
{
    return sealring_credential_list(manager, key_ids[0], take_credential, out, &error);
}

static sealring_status usage(FILE *out, sealring_usage_by by)
{
    sealring_usage_filter filter = {.by = by};
    return sealring_usage_list(manager, &filter, take_usage, out, &error);
}

static int take_lagging(const sealring_lagging_info *lagging, void *out)
{
    say(out, lagging->key_id);
    say(out, lagging->client);
    say_number(out, lagging->version);
    say_number(out, (int64_t)lagging->calls);
    say_number(out, (int64_t)lagging->behind);
    say_number(out, (int64_t)lagging->share_count);
    fputs("\n", out);
    return 0;
}

static sealring_status lagging(FILE *out)
{
    return sealring_lagging(manager, NULL, take_lagging, out, &error);
}

static sealring_status usage_total(FILE *out)
{
    return usage(out, SEALRING_USAGE_TOTAL);
}

static sealring_status usage_by_hour(FILE *out)
{
    return usage(out, SEALRING_USAGE_HOUR);
}

static sealring_status usage_by_day(FILE *out)
{
    return usage(out, SEALRING_USAGE_DAY);
}

static sealring_status traffic(FILE *out)
{
    return sealring_traffic(manager, RING, 0, take_traffic, out, &error);
}

static sealring_status entries(FILE *out)
{
    return sealring_audit_list(manager, NULL, take_entry, out, &error);
}

static sealring_status entries_with_proofs(FILE *out)
{
    sealring_audit_filter filter = {.size = sizeof filter, .last = 3, .proofs = true};
    return sealring_audit_list(manager, &filter, take_entry, out, &error);
}

static sealring_status verify(FILE *out)
{
    sealring_audit_report report = {.size = sizeof report};
    sealring_status status = sealring_audit_verify(manager, NULL, take_problem, out, &report, &error);
    say_number(out, (int64_t)report.entries);
    say_number(out, (int64_t)report.checkpoints);
    say_number(out, (int64_t)report.problems);
    say(out, report.root);
    return status;
}

static sealring_status audit_key(FILE *out)
{
    char key[SEALRING_AUDIT_KEY_SIZE] = "";
    sealring_status status = sealring_audit_key(manager, key, &error);
    say(out, key);
    return status;
}

static sealring_status checkpoint(FILE *out)
{
    char note[SEALRING_AUDIT_NOTE_SIZE] = "";
    sealring_status status = sealring_audit_checkpoint(manager, note, &error);
    say(out, note);
    return status;
}

static sealring_status doctor(FILE *out)
{
    sealring_doctor_result result = {.size = sizeof result};
    sealring_status status = sealring_doctor(vault.path, NULL, take_finding, out, &result, &error);
    say_number(out, result.found);
    say_number(out, result.registry_examined);
    say_number(out, result.audit_token_examined);
    return status;
}

enum kind {
    LISTS,   /* hands nothing over twice, nor anything that is not in the list */
    REPORTS, /* what it has found out, whatever fails */
    DOCTOR   /* the same; and it logs in to the tokens, which takes long */
};

static const struct {
    const char *name;
    sealring_status (*call)(FILE *out);
    enum kind kind;
} calls[] = {
    {"vault", describe, REPORTS},
    {"rings", rings, LISTS},
    {"one ring", one_ring, LISTS},
    {"versions", versions, LISTS},
    {"one version", one_version, LISTS},
    {"verifiers", verifiers, LISTS},
    {"plan", plan, LISTS},
    {"clients", clients, LISTS},
    {"keys", keys, LISTS},
    {"keys of a ring", keys_of_ring, LISTS},
    {"credentials", credentials, LISTS},
    {"usage", usage_total, LISTS},
    {"lagging", lagging, LISTS},
    {"usage by hour", usage_by_hour, LISTS},
    {"usage by day", usage_by_day, LISTS},
    {"traffic", traffic, LISTS},
    {"audit log", entries, LISTS},
    {"audit log with proofs", entries_with_proofs, LISTS},
    {"audit verify", verify, REPORTS},
    {"audit key", audit_key, REPORTS},
    {"audit checkpoint", checkpoint, REPORTS},
    {"doctor", doctor, DOCTOR},
};

/* ---- Conflicts ---- */

/* Carries it out with a conflict at statement `at` (0: none), and ever after; the text is to be freed. */
static char *carry_out(int call, uint64_t at, bool ever, sealring_status *status)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    memset(&touches, 0, sizeof touches);
    error.message[0] = '\0';
    atomic_store(&touches.fail_at, at);
    atomic_store(&touches.fail_on, ever);
    atomic_store(&touches.statements_fail, at > 0);
    atomic_store(&touches.on, 1);
    *status = calls[call].call(out);
    atomic_store(&touches.on, 0);
    fclose(out);
    return text;
}

static void expect_same(int call, uint64_t at, const char *expected)
{
    sealring_status status;
    char *text = carry_out(call, at, false, &status);
    ck_assert_msg(status == SEALRING_OK, "%s, conflict at statement %" PRIu64 ": %s", calls[call].name, at,
                  error.message);
    ck_assert_msg(error.message[0] == '\0', "%s, conflict at statement %" PRIu64 ": left the message %s",
                  calls[call].name, at, error.message);
    ck_assert_msg(strcmp(text, expected) == 0, "%s, conflict at statement %" PRIu64 ":\n%.1000sinstead of\n%.1000s",
                  calls[call].name, at, text, expected);
    free(text);
}

/* A failure of the registry, before which at most the beginning was handed over. */
static void expect_failure(int call, uint64_t at, const char *expected)
{
    sealring_status status;
    char *text = carry_out(call, at, true, &status);
    ck_assert_msg(status == SEALRING_REGISTRY || strstr(error.message, "is busy") != NULL,
                  "%s, conflicts from statement %" PRIu64 ": status %d, %s", calls[call].name, at, (int)status,
                  error.message);
    ck_assert_msg(status != SEALRING_OK && error.message[0] != '\0', "%s, conflicts from statement %" PRIu64,
                  calls[call].name, at);
    ck_assert_msg(calls[call].kind != LISTS || strncmp(text, expected, strlen(text)) == 0,
                  "%s, conflicts from statement %" PRIu64 ":\n%.1000sinstead of\n%.1000s", calls[call].name, at, text,
                  expected);
    free(text);
}

/* Each statement of a call; with those that take long one in nineteen, if LONG is not set. */
START_TEST(conflicts_are_not_seen)
{
    const char *wish = getenv("LONG");
    bool all = calls[_i].kind != DOCTOR || (wish != NULL && wish[0] == '1');
    sealring_status status;
    char *expected = carry_out(_i, 0, false, &status);
    uint64_t statements = atomic_load(&touches.statements);
    ck_assert_msg(status == SEALRING_OK, "%s: %s", calls[_i].name, error.message);
    ck_assert_msg(expected[0] != '\0' && statements > 3, "%s: %" PRIu64 " statements: %s", calls[_i].name, statements,
                  expected);
    uint64_t missed = 0;
    for (uint64_t at = 1; at <= statements; at += all ? 1 : 19) {
        expect_same(_i, at, expected);
        if (atomic_load(&touches.failed) == 0) { /* some are executed only if time has gone on */
            ck_assert_uint_lt(atomic_load(&touches.statements), at);
            missed++;
            continue;
        }
        ck_assert_uint_eq(atomic_load(&touches.failed), 1);
        if (at % 5 == 1)
            expect_failure(_i, at, expected);
    }
    ck_assert_uint_le(missed, statements / 8 + 1);
    expect_same(_i, 0, expected); /* and the connection is good for more */
    printf("# %s: a conflict at %s of %" PRIu64 " statements\n", calls[_i].name, all ? "each" : "one in nineteen",
           statements);
    free(expected);
}
END_TEST

static uint64_t count_statements(int call)
{
    sealring_status status;
    free(carry_out(call, 0, false, &status));
    ck_assert_msg(status == SEALRING_OK, "%s: %s", calls[call].name, error.message);
    return atomic_load(&touches.statements);
}

/* Its rows contain what the facts about the keys do: no key costs a statement of its own, but a step. */
START_TEST(a_list_of_keys_is_one_statement)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    int list = 0;
    while (calls[list].call != keys)
        list++;
    uint64_t before = count_statements(list);
    test_vault_issue(manager, RING, "four", "read", text, key_id);
    ASSERT_OK(sealring_key_set_addresses(manager, key_id, "203.0.113.0/24", &error), error);
    ck_assert_uint_eq(count_statements(list), before + 1);
    printf("# a list of %d keys: %" PRIu64 " statements and steps\n", KEYS, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conflicts");
    TCase *cases = tcase_create("conflicts");
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_add_checked_fixture(cases, open_manager, close_manager);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, conflicts_are_not_seen, 0, (int)(sizeof calls / sizeof calls[0]));
    tcase_add_test(cases, a_list_of_keys_is_one_statement);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
