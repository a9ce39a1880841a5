/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying in a vault: verdicts, grants, scopes, times, threads, forks; and what an edited registry cannot do. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sealring/manage.h>

#include "lib/record_rows.h"
#include "lib/runner.h"
#include "lib/sanitized.h"
#include "lib/test_vault.h"

static struct test_vault vault;
static sealring_manager *manager;
static sealring_vault *verifier;
static sealring_error error;
static char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
static char key_id[SEALRING_KEY_ID_LENGTH + 1];

static void setup(void)
{
    test_vault_make(&vault);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "acme_live", 60000);
    test_vault_issue(manager, "payments", "acme-mobile", "write read", text, key_id);
    verifier = test_vault_open(&vault);
}

static void teardown(void)
{
    sealring_close(&verifier);
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

static sealring_status retire(const sealring_event_options *overrule)
{
    sealring_vault *const verifiers[] = {verifier, NULL};
    return test_vault_change(manager, verifiers, "payments", SEALRING_EVENT_RETIRE, 1, overrule, NULL, &error);
}

static sealring_status rotate(void)
{
    sealring_vault *const verifiers[] = {verifier, NULL};
    return test_vault_change(manager, verifiers, "payments", SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error);
}

START_TEST(accepted_with_its_grant)
{
    sealring_grant grant = {.size = sizeof grant};
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), "read", &grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(grant.key_id, key_id);
    ck_assert_str_eq(grant.ring, "payments");
    ck_assert_str_eq(grant.client, "acme-mobile");
    ck_assert_str_eq(grant.scopes, "read write");
    ck_assert_uint_eq(grant.version, 1);
    ck_assert_uint_eq(grant.serial, 1);
    ck_assert_int_eq(grant.version_state, SEALRING_VERSION_ACTIVE);
    ck_assert_int_eq(grant.sunset, 0);
    ck_assert_int_eq(strncmp(text, "acme_live_", 10), 0);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), NULL, NULL), SEALRING_ACCEPTED);
}
END_TEST

START_TEST(an_older_callers_smaller_grant_is_not_overrun)
{
    struct {
        sealring_grant grant;
        char guard[16];
    } memory;
    memset(&memory, 0x5a, sizeof memory);
    memory.grant.size = offsetof(sealring_grant, client);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), NULL, &memory.grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(memory.grant.ring, "payments");
    ck_assert_int_eq(memory.grant.client[0], 0x5a);
    ck_assert_int_eq(memory.grant.reason[0], 0x5a);
}
END_TEST

START_TEST(scopes_are_all_or_nothing)
{
    test_vault_expect_now(verifier, text, "read write", SEALRING_ACCEPTED);
    test_vault_expect_now(verifier, text, "", SEALRING_ACCEPTED);
    test_vault_expect_now(verifier, text, "read admin", SEALRING_REJECTED_SCOPE);
    test_vault_expect_now(verifier, text, "rea", SEALRING_REJECTED_SCOPE);
}
END_TEST

START_TEST(texts_that_are_no_credentials_of_ours)
{
    char changed[sizeof text];
    test_vault_expect_now(verifier, "", NULL, SEALRING_REJECTED_MALFORMED);
    test_vault_expect_now(verifier, "hello", NULL, SEALRING_REJECTED_MALFORMED);
    for (size_t i = 0; i < strlen(text); i++) {
        memcpy(changed, text, sizeof changed);
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        test_vault_expect_now(verifier, changed, NULL, SEALRING_REJECTED_MALFORMED);
    }
}
END_TEST

START_TEST(the_prefix_of_another_ring_does_not_help)
{
    /* same key ID and version, a secret of the other ring's key: well formed, and nobody's */
    char other[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char other_id[SEALRING_KEY_ID_LENGTH + 1];
    test_vault_ring(manager, "staging", "acme_live", 60000);
    test_vault_issue(manager, "staging", "acme-mobile", "write read", other, other_id);
    test_vault_expect_now(verifier, other, NULL, SEALRING_ACCEPTED);
    ck_assert_str_ne(other, text);
    test_vault_sql(&vault, "UPDATE ring SET prefix = 'evil' WHERE name = 'staging'");
    test_vault_expect_now(verifier, other, NULL, SEALRING_ACCEPTED); /* the fact counts */
    record_rows(&vault);
    test_vault_expect_now(verifier, other, NULL, SEALRING_REJECTED_BAD_SECRET);
}
END_TEST

START_TEST(times_bound_a_credential)
{
    struct test_handed handed = {.calls = 0};
    int64_t now = (int64_t)time(NULL) * 1000;
    sealring_issue_request early = {.client = "acme-mobile", .label = "early", .not_before = now + 3600000};
    sealring_issue_request brief = {.client = "acme-mobile", .label = "brief", .expires = now + 2500};
    ASSERT_OK(sealring_issue(manager, "payments", &early, 1, 0, test_vault_take, &handed, NULL, &error), error);
    test_vault_expect_now(verifier, handed.text, NULL, SEALRING_REJECTED_NOT_YET_VALID);
    ASSERT_OK(sealring_issue(manager, "payments", &brief, 1, 0, test_vault_take, &handed, NULL, &error), error);
    test_vault_expect_now(verifier, handed.text, NULL, SEALRING_ACCEPTED);
    sealring_grant grant = {.size = sizeof grant};
    while (sealring_verify(verifier, handed.text, strlen(handed.text), NULL, &grant) == SEALRING_ACCEPTED)
        usleep(20000);
    test_vault_expect_now(verifier, handed.text, NULL, SEALRING_REJECTED_EXPIRED);
    ck_assert_int_gt((int64_t)time(NULL) * 1000 + 1000, brief.expires);
}
END_TEST

START_TEST(suspended_resumed_revoked)
{
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_SUSPENDED, "unpaid", &error), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_SUSPENDED);
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_ACTIVE, NULL, &error), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_REVOKED);
    ck_assert_int_eq(sealring_key_set_state(manager, key_id, SEALRING_KEY_ACTIVE, NULL, &error), SEALRING_REFUSED);
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_REVOKED);
}
END_TEST

START_TEST(narrowing_takes_effect_at_once_and_never_widens)
{
    sealring_grant grant = {.size = sizeof grant};
    ASSERT_OK(sealring_key_narrow(manager, key_id, "read", &error), error);
    test_vault_expect_now(verifier, text, "write", SEALRING_REJECTED_SCOPE);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), "read", &grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(grant.scopes, "read");
    ck_assert_int_eq(sealring_key_narrow(manager, key_id, "read write", &error), SEALRING_REFUSED);
    test_vault_expect_now(verifier, text, "write", SEALRING_REJECTED_SCOPE);
}
END_TEST

START_TEST(rejections_of_issued_credentials_name_whose_they_are)
{
    sealring_grant grant = {.size = sizeof grant};
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), NULL, &grant), SEALRING_REJECTED_REVOKED);
    ck_assert_str_eq(grant.client, "acme-mobile");
    ck_assert_str_eq(grant.key_id, key_id);
}
END_TEST

/* ---- threads and forks */

enum { THREADS = 8, PER_THREAD = 400 };

static void *verify_many(void *argument)
{
    size_t *wrong = argument;
    for (size_t i = 0; i < PER_THREAD; i++)
        if (sealring_verify(verifier, text, strlen(text), "read", NULL) != SEALRING_ACCEPTED)
            ++*wrong;
    return NULL;
}

START_TEST(eight_threads_while_the_ring_changes)
{
    pthread_t threads[THREADS];
    size_t wrong[THREADS] = {0};
    char other[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char other_id[SEALRING_KEY_ID_LENGTH + 1];
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, verify_many, &wrong[i]), 0);
    /* a rotation and a roll-back through the same module, in the same process */
    ASSERT_OK(rotate(), error);
    test_vault_issue(manager, "payments", "late", "", other, other_id);
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_ROLLBACK, 0, NULL, NULL, &error), error);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(wrong[i], 0);
    }
    test_vault_expect_now(verifier, other, NULL, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_forked_child_opens_its_own)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        sealring_vault *own = NULL;
        int inherited = sealring_verify(verifier, text, strlen(text), NULL, NULL) == SEALRING_ACCEPTED;
        int opened = sealring_open(vault.path, NULL, &own, NULL) == SEALRING_OK;
        int accepted = opened && sealring_verify(own, text, strlen(text), NULL, NULL) == SEALRING_ACCEPTED;
        sealring_close(&own);
        sealring_close(&verifier);
        _exit(inherited && opened && accepted ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
}
END_TEST

/* A daemon's way: the child goes on with one of several handles, the parent ends. SQLite in the child must know that it holds no lock,
 * and take its own; else the next program that closes the registry believes to be alone, and deletes the log under it. */
START_TEST(a_child_takes_its_own_locks_whatever_it_inherited)
{
    char log[160];
    int told[2], heard[2];
    char byte = 'x';
    int status;
    snprintf(log, sizeof log, "%s-wal", vault.registry);
    sealring_vault *second = test_vault_open(&vault);
    ck_assert_int_eq(pipe(told), 0);
    ck_assert_int_eq(pipe(heard), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int good = sealring_verify(verifier, text, strlen(text), NULL, NULL) == SEALRING_ACCEPTED;
        good = good && write(heard[1], &byte, 1) == 1 && read(told[0], &byte, 1) == 1;
        sealring_maintain(verifier, NULL, NULL);
        good = good && sealring_verify(verifier, text, strlen(text), NULL, NULL) == SEALRING_REJECTED_REVOKED;
        sealring_close(&second);
        sealring_manager_close(&manager);
        sealring_close(&verifier);
        _exit(good ? 0 : 1);
    }
    ck_assert_int_eq(read(heard[0], &byte, 1), 1);
    sealring_close(&second);
    sealring_close(&verifier);
    sealring_manager_close(&manager);
    test_vault_sql(&vault,
                   "SELECT count(*) FROM vault"); /* another program's connection, the last one but the child's */
    ck_assert_int_eq(access(log, F_OK), 0);
    manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
    ck_assert_int_eq(write(told[1], &byte, 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* A report that nobody can find earns no lease; the verifier takes another file, and holds on to nothing of the lost one. */
static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

START_TEST(a_removed_report_is_written_anew)
{
    char command[512];
    sealring_statistics before = {.size = sizeof before}, after = {.size = sizeof after};
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    if (_i == 0)
        snprintf(command, sizeof command, "rm %s/verifiers/*", vault.path);
    else
        snprintf(command, sizeof command, "mv %s/verifiers %s/verifiers.$$", vault.path, vault.path);
    unsigned descriptors = 0;
    for (int i = 0; i < 12; i++) {
        ck_assert_int_eq(system(command), 0);
        ck_assert_int_eq(sealring_maintain(verifier, NULL, &error), SEALRING_OK);
        sealring_stats(verifier, &before);
        test_vault_expect(verifier, text, NULL, SEALRING_ACCEPTED);
        sealring_stats(verifier, &after);
        ck_assert_uint_eq(after.cached, before.cached + 1); /* nothing was forgotten but what was counted */
        ck_assert_uint_eq(after.verdicts[SEALRING_ACCEPTED], (uint64_t)i + 2);
        descriptors = i == 1 ? open_descriptors() : descriptors;
    }
    ck_assert_uint_le(open_descriptors(),
                      descriptors + 1); /* the bell, too, was removed, and is opened when its time comes */
    snprintf(command, sizeof command, "test $(ls %s/verifiers/*.report | wc -l) -eq 1", vault.path);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* ---- P4: with SQL in hand and without the token */

static const struct tampering {
    const char *what;
    const char *sql;
    sealring_verdict expected;
} tamperings[] = {
    {"scopes widened", "UPDATE credential SET scopes = 'admin read write'", SEALRING_REJECTED_BAD_SECRET},
    {"expiry taken away or moved", "UPDATE credential SET expires = 4102444800000", SEALRING_REJECTED_BAD_SECRET},
    {"not-before moved", "UPDATE credential SET not_before = 1", SEALRING_REJECTED_BAD_SECRET},
    {"nonce changed", "UPDATE credential SET nonce = randomblob(16)", SEALRING_REJECTED_BAD_SECRET},
    {"moved to another client",
     "INSERT INTO client (id, name, contact, created, forgotten) SELECT 77, 'mallory', '', created, 0 FROM client LIMIT 1;"
     "UPDATE api_key SET client = 77",
     SEALRING_REJECTED_BAD_SECRET},
    {"client renamed", "UPDATE client SET name = 'mallory'", SEALRING_REJECTED_BAD_SECRET},
    {"ring ID changed", "UPDATE ring SET ring_id = randomblob(16)", SEALRING_UNAVAILABLE},
    /* the fact counts, for the verifier */
    {"kind of key changed", "UPDATE version SET prf = 'aes-cmac'", SEALRING_ACCEPTED},
    {"check value changed", "UPDATE version SET check_value = randomblob(8)", SEALRING_ACCEPTED},
    {"digest changed", "UPDATE credential SET digest = randomblob(32)", SEALRING_REJECTED_BAD_SECRET},
    {"vault ID changed", "UPDATE vault SET vault_id = randomblob(16)", SEALRING_UNAVAILABLE},
};

START_TEST(an_edited_registry_convinces_nobody)
{
    const struct tampering *tampering = &tamperings[_i];
    sealring_close(&verifier);
    test_vault_attack(&vault, tampering->sql);
    verifier = test_vault_open(&vault);
    sealring_grant grant = {.size = sizeof grant};
    sealring_maintain(verifier, NULL, NULL);
    sealring_verdict verdict = sealring_verify(verifier, text, strlen(text), NULL, &grant);
    ck_assert_msg(verdict == tampering->expected, "%s: expected %s, found %s: %s", tampering->what,
                  sealring_verdict_name(tampering->expected), sealring_verdict_name(verdict), grant.reason);
    /* nor does sealring derive anything from the altered row */
    struct test_handed handed = {.calls = 0};
    sealring_status status = sealring_reissue(manager, key_id, test_vault_take, &handed, &error);
    ck_assert_msg(status != SEALRING_OK && handed.calls == 0, "%s: reissue handed over a credential", tampering->what);
    status = sealring_rekey(manager, key_id, NULL, test_vault_take, &handed, &error);
    ck_assert_msg(status != SEALRING_OK && handed.calls == 0, "%s: rekey handed over a credential", tampering->what);
}
END_TEST

/* As when an older program meets a key that a newer one made. */
START_TEST(an_unknown_kind_of_key_is_named)
{
    static const char words[] = "version 1 of ring payments derives with aes-cmac, which this program does not know: "
                                "install a newer sealring";
    sealring_grant grant = {.size = sizeof grant};
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = "acme-mobile", .label = "second", .scopes = "read"};
    test_vault_attack(&vault, "UPDATE version SET prf = 'aes-cmac'");
    record_rows(&vault);
    sealring_close(&verifier);
    verifier = test_vault_open(&vault);
    ck_assert_int_eq(sealring_maintain(verifier, NULL, &error), SEALRING_TOKEN); /* it does not prove the version */
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), NULL, &grant), SEALRING_UNAVAILABLE);
    ck_assert_str_eq(grant.reason, words);
    ck_assert_int_ne(sealring_issue(manager, "payments", &request, 1, 0, test_vault_take, &handed, NULL, &error),
                     SEALRING_OK);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
    ck_assert_int_ne(sealring_reissue(manager, key_id, test_vault_take, &handed, &error), SEALRING_OK);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
    ck_assert_uint_eq(handed.calls, 0);
    /* with what this program cannot derive with, it can do nothing to the object either */
    sealring_event_options reason = {.size = sizeof reason, .reason = "test"};
    sealring_change change = {.size = sizeof change};
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_COMPROMISE, 1, &reason, &change, &error),
              error);
    ck_assert(change.closing_owed);
    ck_assert_ptr_nonnull(strstr(change.remark, "version 1 of ring payments derives with aes-cmac"));
    test_vault_attack(&vault, "UPDATE version SET prf = 'hmac-sha256'");
    record_rows(&vault);
    ASSERT_OK(sealring_run_once(manager, NULL, NULL, NULL, NULL, &error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT closing_owed FROM version WHERE number = 1"), 0);
}
END_TEST

START_TEST(rings_cannot_swap_their_names)
{
    char other[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char other_id[SEALRING_KEY_ID_LENGTH + 1];
    test_vault_ring(manager, "staging", "acme_live", 60000);
    test_vault_issue(manager, "staging", "mallory", "admin", other, other_id);
    test_vault_sql(&vault, "UPDATE ring SET name = 'x' WHERE name = 'payments';"
                           "UPDATE ring SET name = 'payments' WHERE name = 'staging';"
                           "UPDATE ring SET name = 'staging' WHERE name = 'x';"
                           "UPDATE vault SET epoch = epoch + 1");
    test_vault_expect_now(verifier, other, NULL, SEALRING_ACCEPTED); /* it has read them before */
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    sealring_close(&verifier);
    verifier = test_vault_open(&vault);
    test_vault_expect_now(verifier, other, NULL, SEALRING_UNAVAILABLE);
    test_vault_expect_now(verifier, text, NULL, SEALRING_UNAVAILABLE);
    /* nor is anything issued for the one under the name of the other */
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = "mallory", .label = "second", .scopes = "admin"};
    ck_assert_int_ne(sealring_issue(manager, "staging", &request, 1, 0, test_vault_take, &handed, NULL, &error),
                     SEALRING_OK);
    ck_assert_uint_eq(handed.calls, 0);
}
END_TEST

/* Versions 1 and 2 with each other's objects. */
#define SWAP_OBJECTS                                                   \
    "CREATE TEMP TABLE swap AS SELECT number, object_id FROM version;" \
    "UPDATE version SET object_id = randomblob(16);"                   \
    "UPDATE version SET object_id = (SELECT s.object_id FROM swap s WHERE s.number = 3 - version.number)"

START_TEST(an_edited_registry_cannot_have_another_object_destroyed_or_reopened)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    struct test_handed handed = {.calls = 0};
    ASSERT_OK(rotate(), error);
    ASSERT_OK(sealring_reissue(manager, key_id, test_vault_take, &handed, &error), error);
    ASSERT_OK(retire(&overrule), error);
    test_vault_attack(&vault, SWAP_OBJECTS);
    /* the facts name the retired version's own object, and the rows are corrected */
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_REINSTATE, 1, NULL, NULL, &error), error);
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_COMPROMISE, 1, NULL, NULL, &error), error);
    test_vault_attack(&vault, SWAP_OBJECTS);
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_DESTROY, 1, &overrule, NULL, &error), error);
    sealring_close(&verifier);
    verifier = test_vault_open(&vault);
    test_vault_expect_now(verifier, handed.text, "read", SEALRING_ACCEPTED); /* the live key is unharmed */
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_VERSION_COMPROMISED);
}
END_TEST

START_TEST(an_edited_registry_cannot_have_a_live_key_closed)
{
    test_vault_ring(manager, "other", "sr", 60000);
    ASSERT_OK(sealring_version_change(manager, "other", SEALRING_EVENT_COMPROMISE, 1, NULL, NULL, &error), error);
    /* the compromised version of the one ring claims the active object of the other, and owes its closing */
    test_vault_sql(&vault,
                   "CREATE TEMP TABLE live AS SELECT object_id FROM version WHERE state = 2;"
                   "UPDATE version SET object_id = randomblob(16) WHERE state = 2;"
                   "UPDATE version SET closing_owed = 1, object_id = (SELECT object_id FROM live) WHERE state = 5");
    ASSERT_OK(sealring_ring_create(manager, "third", NULL, NULL, 0, &error), error); /* which finishes what is owed */
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_PREPARE, 0, NULL, NULL, &error),
              error); /* and this corrects the rows */
    sealring_close(&verifier);
    verifier = test_vault_open(&vault);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_retired_version_is_not_revived_by_sql)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    ASSERT_OK(rotate(), error);
    ASSERT_OK(retire(&overrule), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_VERSION_RETIRED);
    test_vault_sql(&vault, "UPDATE vault SET epoch = epoch + 1;"
                           "UPDATE version SET state = 3, closed = 0, purge_at = 0 WHERE number = 1");
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_VERSION_RETIRED); /* by the closed fact */
    test_vault_attack(&vault, "UPDATE closed_fact SET version = 77;"
                              "UPDATE vault SET epoch = epoch + 1;");
    /* a running verifier keeps what it knows; another one does not start */
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_VERSION_RETIRED);
    sealring_close(&verifier);
    ck_assert_int_eq(sealring_open(vault.path, NULL, &verifier, &error), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(error.message, "its facts are not those that were recorded"));
}
END_TEST

START_TEST(an_intention_that_names_the_live_key_harms_nothing)
{
    test_vault_sql(&vault, "INSERT INTO intention (nonce, ring, object_id, owner, created)"
                           " SELECT randomblob(16), ring, object_id, 'mallory', 1 FROM version");
    test_vault_ring(manager, "other", "sr", 60000); /* uses the token: recovers first */
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM intention"), 0);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    sealring_close(&verifier);
    verifier = test_vault_open(&vault);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_replaced_registry_fences_the_verifier)
{
    char command[1024];
    sealring_statistics statistics = {.size = sizeof statistics};
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    ASSERT_OK(rotate(), error);
    sealring_manager_close(&manager); /* which empties the write-ahead log */
    snprintf(command, sizeof command, "cp %s %s.copy && mv %s.copy %s", vault.registry, vault.registry, vault.registry,
             vault.registry);
    ck_assert_int_eq(system(command), 0);
    manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_REVOKED);
    sealring_stats(verifier, &statistics);
    ck_assert_uint_eq(statistics.fenced, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *cases = tcase_create("verify");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, accepted_with_its_grant);
    tcase_add_test(cases, an_older_callers_smaller_grant_is_not_overrun);
    tcase_add_test(cases, scopes_are_all_or_nothing);
    tcase_add_test(cases, texts_that_are_no_credentials_of_ours);
    tcase_add_test(cases, the_prefix_of_another_ring_does_not_help);
    tcase_add_test(cases, times_bound_a_credential);
    tcase_add_test(cases, suspended_resumed_revoked);
    tcase_add_test(cases, narrowing_takes_effect_at_once_and_never_widens);
    tcase_add_test(cases, rejections_of_issued_credentials_name_whose_they_are);
    tcase_add_test(cases, eight_threads_while_the_ring_changes);
    if (FORKS_AMONG_THREADS) { /* those of maintenance */
        tcase_add_test(cases, a_forked_child_opens_its_own);
        tcase_add_test(cases, a_child_takes_its_own_locks_whatever_it_inherited);
    }
    tcase_add_loop_test(cases, a_removed_report_is_written_anew, 0, 2);
    tcase_add_loop_test(cases, an_edited_registry_convinces_nobody, 0, sizeof tamperings / sizeof tamperings[0]);
    tcase_add_test(cases, an_unknown_kind_of_key_is_named);
    tcase_add_test(cases, rings_cannot_swap_their_names);
    tcase_add_test(cases, an_edited_registry_cannot_have_another_object_destroyed_or_reopened);
    tcase_add_test(cases, an_edited_registry_cannot_have_a_live_key_closed);
    tcase_add_test(cases, a_retired_version_is_not_revived_by_sql);
    tcase_add_test(cases, an_intention_that_names_the_live_key_harms_nothing);
    tcase_add_test(cases, a_replaced_registry_fences_the_verifier);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
