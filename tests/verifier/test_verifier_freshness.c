/* SPDX-License-Identifier: Apache-2.0 */
/* Leases and fences (DESIGN, section 6): who has not looked lately does not serve, and another registry is taken over whole or not. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/stage.h"

#define LEASE_MS 600

static struct stage stage;
static struct stage_key key, other;
static sealring_vault *vault;
static struct stage_log lines;

static void make(int64_t lease_ms)
{
    stage_make(&stage, lease_ms, 50);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue(&stage, STAGE_RING, "read write", &other);
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &lines);
}

/* Where a test waits for the end of a lease. */
static void setup_short_lease(void)
{
    make(LEASE_MS);
}

/* Where none may end, however busy the machine is. */
static void setup_long_lease(void)
{
    make(0);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

/* ---- The lease */

static bool the_lease_is_over(void *context)
{
    (void)context;
    return stage_statistics(vault).lease_left_ms == 0;
}

/* From now on `key` is cached. A busy machine may outlast a short lease before the answer: then it looks again. When its last look began. */
static int64_t start_fresh(void)
{
    int64_t began, end = stage_time_ms() + STAGE_PATIENCE;
    sealring_verdict verdict;
    do {
        began = stage_time_ms();
        stage_look(vault);
        verdict = stage_ask(vault, key.text, NULL);
    } while (verdict == SEALRING_UNAVAILABLE && began < end);
    ck_assert_int_eq(verdict, SEALRING_ACCEPTED);
    return began;
}

static void expect_unavailable(const char *text)
{
    sealring_grant grant = {.size = sizeof grant};
    ck_assert_int_eq(sealring_verify(vault, text, strlen(text), NULL, &grant), SEALRING_UNAVAILABLE);
    ck_assert_uint_gt(strlen(grant.reason), 0);
    ck_assert_str_eq(grant.client, "");
    ck_assert_str_eq(grant.key_id, "");
}

static bool it_is_accepted(void *context)
{
    return stage_ask(vault, ((struct stage_key *)context)->text, NULL) == SEALRING_ACCEPTED;
}

static bool it_is_accepted_after_a_look(void *context)
{
    stage_look(vault);
    return it_is_accepted(context);
}

static bool it_is_suspended_after_a_look(void *context)
{
    stage_look(vault);
    return stage_ask(vault, ((struct stage_key *)context)->text, NULL) == SEALRING_REJECTED_SUSPENDED;
}

static bool it_is_unavailable(void *context)
{
    return stage_ask(vault, ((struct stage_key *)context)->text, NULL) == SEALRING_UNAVAILABLE;
}

START_TEST(without_looks_the_lease_ends)
{
    int64_t began = start_fresh();
    int64_t looked = stage_time_ms(), asked = looked, last = looked, end = looked + STAGE_PATIENCE;
    ck_assert_int_le(stage_statistics(vault).lease_left_ms, LEASE_MS);
    for (; stage_ask(vault, key.text, NULL) == SEALRING_ACCEPTED && asked < end; asked = stage_time_ms())
        last = asked;
    ck_assert_int_le(last - looked, LEASE_MS);               /* no question later than that was accepted */
    ck_assert_int_ge(stage_time_ms() - began, LEASE_MS - 1); /* and no lease ends early */
    ck_assert_int_eq(stage_statistics(vault).lease_left_ms, 0);
    uint64_t sign = stage.counting->sign;
    expect_unavailable(key.text);
    expect_unavailable(other.text); /* at first sight, too */
    ck_assert_uint_eq(stage.counting->sign, sign);
    start_fresh();
    ck_assert(stage_wait(it_is_accepted_after_a_look, &other));
}
END_TEST

START_TEST(rejections_need_a_lease_too)
{
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
    ck_assert(stage_wait(it_is_suspended_after_a_look, &key));
    ck_assert(stage_wait(the_lease_is_over, NULL));
    expect_unavailable(key.text); /* it may have been resumed */
    stage_set_state(&stage, key.key_id, SEALRING_KEY_ACTIVE);
    start_fresh();
}
END_TEST

/* ---- A process that stands still */

struct standstill {
    struct stage_key keys[3];
    _Atomic(unsigned) revoked; /* of the keys, those before this number are revoked, and the lease is over since */
    _Atomic(unsigned) rejected;
    _Atomic(unsigned) wrong;
    _Atomic(uint64_t) accepted;
    atomic_bool over;
};

/* One process that serves: a call that begins after the revocation became effective may not accept. */
static int serve(struct standstill *shared)
{
    sealring_vault *own = stage_open(&stage);
    while (!atomic_load(&shared->over))
        for (unsigned i = 0; i < 3; i++) {
            bool revoked = atomic_load(&shared->revoked) > i;
            sealring_verdict verdict = stage_ask(own, shared->keys[i].text, NULL);
            if (verdict == SEALRING_ACCEPTED)
                atomic_fetch_add(&shared->accepted, 1);
            if (verdict == SEALRING_ACCEPTED && revoked)
                atomic_fetch_add(&shared->wrong, 1);
            if (verdict == SEALRING_REJECTED_REVOKED && revoked && atomic_load(&shared->rejected) == i)
                atomic_fetch_add(&shared->rejected, 1);
        }
    sealring_close(&own);
    return 0;
}

static struct standstill *standstill;

static bool it_serves(void *context)
{
    return atomic_load(&standstill->accepted) > *(uint64_t *)context;
}

static bool it_rejects(void *context)
{
    return atomic_load(&standstill->rejected) > *(unsigned *)context;
}

START_TEST(a_process_that_stood_still_accepts_nothing_revoked)
{
    int status;
    uint64_t served = 0;
    standstill = mmap(NULL, sizeof *standstill, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(standstill, MAP_FAILED);
    for (unsigned i = 0; i < 3; i++)
        stage_issue(&stage, STAGE_RING, "", &standstill->keys[i]);
    sealring_close(&vault); /* the child inherits nothing of it */
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(serve(standstill));
    for (unsigned i = 0; i < 3; i++) {
        served = atomic_load(&standstill->accepted) + 3;
        if (i < 2)
            ck_assert(stage_wait(it_serves, &served));
        ck_assert_int_eq(kill(child, SIGSTOP), 0);
        ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
        stage_set_state(&stage, standstill->keys[i].key_id, SEALRING_KEY_REVOKED);
        usleep((LEASE_MS + LEASE_MS / 100 + 50) * 1000); /* this is how long whoever revokes waits for the dead */
        atomic_store(&standstill->revoked, i + 1);
        ck_assert_int_eq(kill(child, SIGCONT), 0);
        ck_assert(stage_wait(it_rejects, &i)); /* and it serves again without being restarted */
    }
    atomic_store(&standstill->over, true);
    ck_assert_int_eq(stage_child(child), 0);
    ck_assert_uint_eq(atomic_load(&standstill->wrong), 0);
}
END_TEST

/* ---- The registry is away */

static void move_registry(bool away)
{
    char here[128], there[128];
    snprintf(here, sizeof here, "%s/registry", stage.vault.path);
    snprintf(there, sizeof there, "%s/registry.away", stage.vault.path);
    ck_assert_int_eq(rename(away ? here : there, away ? there : here), 0);
}

START_TEST(a_registry_away_is_bridged_by_the_lease)
{
    sealring_error error = {0};
    int64_t began = start_fresh();
    move_registry(true);
    sealring_verdict verdict;
    do {
        ck_assert_int_eq(sealring_maintain(vault, NULL, &error), SEALRING_REGISTRY);
        ck_assert_uint_gt(strlen(error.message), 0);
        verdict = stage_ask(vault, key.text, NULL);
        usleep(20000);
    } while (verdict == SEALRING_ACCEPTED &&
             stage_time_ms() < began + STAGE_PATIENCE); /* failed looks do not prolong it */
    ck_assert_int_eq(verdict, SEALRING_UNAVAILABLE);
    ck_assert_int_ge(stage_time_ms() - began, LEASE_MS - 1);
    ck_assert_int_eq(stage_statistics(vault).lease_left_ms, 0);
    expect_unavailable(key.text);
    expect_unavailable(other.text);
    ck_assert_int_eq(sealring_maintain(vault, NULL, NULL), SEALRING_REGISTRY);
    ck_assert_uint_gt(lines.lines[SEALRING_LOG_WARNING] + lines.lines[SEALRING_LOG_ALARM], 0);
    ck_assert_uint_lt(lines.lines[SEALRING_LOG_WARNING] + lines.lines[SEALRING_LOG_ALARM], 10); /* not at every look */
    move_registry(false);
    start_fresh();
    ck_assert(stage_wait(it_is_accepted_after_a_look, &other));
}
END_TEST

/* The same with the thread, which finds its way back by itself. */
START_TEST(the_thread_heals_by_itself)
{
    sealring_close(&vault);
    vault = stage_open(&stage);
    ck_assert(stage_wait(it_is_accepted, &key));
    move_registry(true);
    ck_assert(stage_wait(it_is_unavailable, &key));
    move_registry(false);
    ck_assert(stage_wait(it_is_accepted, &key));
    ck_assert(stage_wait(it_is_accepted, &other));
}
END_TEST

/* ---- Other registries in its place. Copies are made by another process: closing a file here would drop SQLite's locks on it. */

static void run(const char *format, const char *one, const char *two)
{
    char command[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(command, sizeof command, format, one, two, one, two);
#pragma GCC diagnostic pop
    ck_assert_int_eq(system(command), 0);
}

/* While nobody writes. */
static void copy_registry(const char *from, const char *to)
{
    run("cp %1$s %2$s && cp %1$s-wal %2$s-wal", from, to);
}

/* As a restore by hand would: the shared-memory file, which belongs to the old one, goes away. */
static void put_in_place(const char *copy)
{
    run("rm -f %2$s-shm %2$s-wal && { [ ! -e %1$s-wal ] || mv %1$s-wal %2$s-wal; } && mv %1$s %2$s", copy,
        stage.vault.registry);
}

static unsigned loud_lines(void)
{
    return lines.lines[SEALRING_LOG_WARNING] + lines.lines[SEALRING_LOG_ALARM];
}

/* Looks until it may serve again; says how often it was fenced by that. */
static uint64_t look_until_fresh(uint64_t fenced_before)
{
    int64_t end = stage_time_ms() + STAGE_PATIENCE;
    while (sealring_maintain(vault, NULL, NULL) != SEALRING_OK)
        ck_assert_int_lt(stage_time_ms(), end);
    return stage_statistics(vault).fenced - fenced_before;
}

START_TEST(another_era_is_loaded_anew)
{
    start_fresh();
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    sealring_statistics before = stage_statistics(vault);
    stage_set_state(&stage, other.key_id, SEALRING_KEY_REVOKED);
    test_vault_sql(&stage.vault, "UPDATE vault SET era = randomblob(16)");
    ck_assert_uint_eq(look_until_fresh(before.fenced), 1);
    ck_assert_uint_gt(loud_lines(), 0);
    stage_expect(vault, other.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, before.token_operations + 1); /* nothing was kept */
    ck_assert_uint_eq(look_until_fresh(before.fenced), 1);                                    /* once */
}
END_TEST

START_TEST(a_lower_epoch_is_loaded_anew)
{
    start_fresh();
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    stage_set_state(&stage, other.key_id, SEALRING_KEY_REVOKED);
    stage_look(vault);
    sealring_statistics before = stage_statistics(vault);
    test_vault_attack(&stage.vault, "UPDATE vault SET epoch = epoch - 2");
    ck_assert_uint_eq(look_until_fresh(before.fenced), 1);
    ck_assert_uint_gt(lines.lines[SEALRING_LOG_ALARM], 0); /* an older copy that was put back looks like this */
    ck_assert_uint_eq(stage_statistics(vault).epoch, before.epoch - 2);
    stage_expect(vault, other.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(an_older_copy_put_back_is_noticed)
{
    char copy[160];
    snprintf(copy, sizeof copy, "%s.copy", stage.vault.registry);
    stage_set_state(&stage, other.key_id, SEALRING_KEY_REVOKED);
    start_fresh();
    stage_expect(vault, other.text, SEALRING_REJECTED_REVOKED);
    copy_registry(stage.vault.registry, copy);
    stage_narrow(&stage, key.key_id, "read");
    stage_look(vault);
    test_vault_expect(vault, key.text, "write", SEALRING_REJECTED_SCOPE);
    sealring_statistics before = stage_statistics(vault);
    put_in_place(copy);
    ck_assert_uint_ge(look_until_fresh(before.fenced), 1);
    ck_assert_uint_gt(lines.lines[SEALRING_LOG_ALARM], 0);
    ck_assert_uint_lt(stage_statistics(vault).epoch, before.epoch);
    stage_expect(vault, other.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_copy_put_in_place_is_taken_over)
{
    char copy[160];
    struct stage_key late;
    snprintf(copy, sizeof copy, "%s.copy", stage.vault.registry);
    start_fresh();
    stage_set_state(&stage, other.key_id, SEALRING_KEY_REVOKED);
    copy_registry(stage.vault.registry, copy);
    uint64_t fenced = stage_statistics(vault).fenced;
    put_in_place(copy);
    ck_assert_uint_ge(look_until_fresh(fenced), 1);
    ck_assert_uint_gt(loud_lines(), 0);
    stage_expect(vault, other.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    /* and what is changed in it from now on is seen */
    sealring_error error;
    sealring_manager *manager = test_vault_manage(&stage.vault);
    ASSERT_OK(sealring_key_set_state(manager, key.key_id, SEALRING_KEY_SUSPENDED, NULL, &error), error);
    test_vault_issue(manager, STAGE_RING, "late", "", late.text, late.key_id);
    sealring_manager_close(&manager);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_REJECTED_SUSPENDED);
    stage_expect(vault, late.text, SEALRING_ACCEPTED);
}
END_TEST

/* The look does not see the exchange itself, as the registry was away in between: what it remembers of the file tells. */
START_TEST(a_copy_put_in_place_while_it_was_away_is_taken_over)
{
    char away[160];
    struct test_vault elsewhere = stage.vault;
    const char *copy = elsewhere.registry;
    snprintf(elsewhere.registry, sizeof elsewhere.registry, "%s/copy.db", stage.vault.parent);
    snprintf(away, sizeof away, "%s.away", stage.vault.registry);
    start_fresh();
    copy_registry(stage.vault.registry, copy);
    /* two stories from here on, equally long: the one that this verifier knows, and the copy's, where `key` is suspended */
    stage_set_state(&stage, other.key_id, SEALRING_KEY_SUSPENDED);
    test_vault_sql(&elsewhere, "UPDATE vault SET epoch = epoch + 1;"
                               "UPDATE api_key SET state = 2 WHERE id = 1");
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    uint64_t fenced = stage_statistics(vault).fenced;
    run("mv %1$s-wal %2$s-wal && mv %1$s %2$s", stage.vault.registry, away);
    ck_assert_int_eq(sealring_maintain(vault, NULL, NULL), SEALRING_REGISTRY);
    put_in_place(copy);
    ck_assert_uint_eq(look_until_fresh(fenced), 1);
    stage_expect(vault, key.text, SEALRING_REJECTED_SUSPENDED);
    /* the copy lacks the fact: that is no reason to permit what was restricted */
    stage_expect(vault, other.text, SEALRING_REJECTED_SUSPENDED);
}
END_TEST

/* ---- Another vault's */

static struct test_vault foreign;
static char foreign_text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];

/* Before the stage: this process may not have a module in use while a vault is made. */
static void setup_with_foreign(void)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    test_vault_make(&foreign);
    sealring_manager *manager = test_vault_manage(&foreign);
    test_vault_ring(manager, STAGE_RING, STAGE_PREFIX, 60000);
    test_vault_issue(manager, STAGE_RING, STAGE_CLIENT, "read", foreign_text, key_id);
    sealring_manager_close(&manager);
    setup_long_lease();
}

static void teardown_with_foreign(void)
{
    teardown();
    test_vault_remove(&foreign);
}

START_TEST(another_vaults_registry_is_never_served)
{
    char own[160], copy[160];
    snprintf(own, sizeof own, "%s.own", stage.vault.registry);
    snprintf(copy, sizeof copy, "%s.copy", stage.vault.registry);
    start_fresh();
    copy_registry(stage.vault.registry, own);
    copy_registry(foreign.registry, copy);
    put_in_place(copy);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sealring_maintain(vault, NULL, NULL), SEALRING_REGISTRY);
        ck_assert_int_ne(stage_ask(vault, foreign_text, NULL), SEALRING_ACCEPTED);
        ck_assert_int_ne(stage_ask(vault, key.text, NULL), SEALRING_ACCEPTED);
        ck_assert_int_ne(stage_ask(vault, other.text, NULL), SEALRING_ACCEPTED);
    }
    ck_assert_uint_gt(loud_lines(), 0);
    put_in_place(own);
    look_until_fresh(0);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    ck_assert_int_ne(stage_ask(vault, foreign_text, NULL), SEALRING_ACCEPTED);
}
END_TEST

/* First sight on a connection that saw the foreign file, before any look did. */
START_TEST(another_vaults_registry_is_not_asked_between_looks)
{
    char own[160], copy[160];
    snprintf(own, sizeof own, "%s.own", stage.vault.registry);
    snprintf(copy, sizeof copy, "%s.copy", stage.vault.registry);
    start_fresh();
    copy_registry(stage.vault.registry, own);
    copy_registry(foreign.registry, copy);
    put_in_place(copy);
    ck_assert_int_ne(stage_ask(vault, foreign_text, NULL), SEALRING_ACCEPTED);
    (void)stage_ask(vault, other.text, NULL);
    put_in_place(own);
    look_until_fresh(0);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("freshness");
    TCase *leases = tcase_create("leases");
    tcase_set_timeout(leases, 300);
    tcase_add_checked_fixture(leases, setup_short_lease, teardown);
    tcase_add_test(leases, without_looks_the_lease_ends);
    tcase_add_test(leases, rejections_need_a_lease_too);
    tcase_add_test(leases, a_process_that_stood_still_accepts_nothing_revoked);
    tcase_add_test(leases, a_registry_away_is_bridged_by_the_lease);
    tcase_add_test(leases, the_thread_heals_by_itself);
    suite_add_tcase(suite, leases);
    TCase *cases = tcase_create("freshness");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup_long_lease, teardown);
    tcase_add_test(cases, another_era_is_loaded_anew);
    tcase_add_test(cases, a_lower_epoch_is_loaded_anew);
    tcase_add_test(cases, an_older_copy_put_back_is_noticed);
    tcase_add_test(cases, a_copy_put_in_place_is_taken_over);
    tcase_add_test(cases, a_copy_put_in_place_while_it_was_away_is_taken_over);
    suite_add_tcase(suite, cases);
    TCase *with_foreign = tcase_create("foreign");
    tcase_set_timeout(with_foreign, 300);
    tcase_add_checked_fixture(with_foreign, setup_with_foreign, teardown_with_foreign);
    tcase_add_test(with_foreign, another_vaults_registry_is_never_served);
    tcase_add_test(with_foreign, another_vaults_registry_is_not_asked_between_looks);
    suite_add_tcase(suite, with_foreign);
    return run_suite(suite);
}
