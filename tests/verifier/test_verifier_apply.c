/* SPDX-License-Identifier: Apache-2.0 */
/* A change that is applied while a credential is on its way through the token: it never gets into the cache as it was before. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/record_rows.h"
#include "lib/runner.h"
#include "verifier/stage.h"

static struct stage stage;
static struct stage_key key, other;
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 0);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue(&stage, STAGE_RING, "read write", &other);
    vault = stage_open_manual(&stage);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

static void *ask(void *argument)
{
    *(sealring_verdict *)argument = stage_ask(vault, key.text, "write");
    return NULL;
}

static bool a_call_is_held(void *context)
{
    (void)context;
    return atomic_load(&stage.counting->held) == 1;
}

/* ---- What happens meanwhile */

static void suspend(void)
{
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
}

static void revoke(void)
{
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
}

static void narrow(void)
{
    stage_narrow(&stage, key.key_id, "read");
}

static void bind_to_networks(void)
{
    stage_bind(&stage, key.key_id, "10.0.0.0/8");
}

static void replace(void)
{
    struct stage_key next;
    stage_rekey(&stage, key.key_id, 0, &next);
}

static void retire(void)
{
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_RETIRE, 1);
}

static void compromise(void)
{
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_COMPROMISE, 1);
}

static void revoke_in_another_era(void)
{
    revoke();
    test_vault_sql(&stage.vault, "UPDATE vault SET era = randomblob(16)");
}

static void revoke_somebody_else(void)
{
    stage_set_state(&stage, other.key_id, SEALRING_KEY_REVOKED);
}

static void suspend_and_resume(void)
{
    suspend();
    stage_set_state(&stage, key.key_id, SEALRING_KEY_ACTIVE);
}

static void rotate(void)
{
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
}

static const struct meanwhile {
    const char *what;
    void (*happens)(void);
    sealring_verdict expected; /* of the next call */
} meanwhiles[] = {
    {"suspended", suspend, SEALRING_REJECTED_SUSPENDED},
    {"revoked", revoke, SEALRING_REJECTED_REVOKED},
    {"narrowed", narrow, SEALRING_REJECTED_SCOPE},
    {"bound to networks", bind_to_networks, SEALRING_REJECTED_ADDRESS},
    {"replaced", replace, SEALRING_REJECTED_REVOKED},
    {"version retired", retire, SEALRING_REJECTED_VERSION_RETIRED},
    {"version compromised", compromise, SEALRING_REJECTED_VERSION_COMPROMISED},
    {"revoked and another era", revoke_in_another_era, SEALRING_REJECTED_REVOKED},
    {"another key revoked", revoke_somebody_else, SEALRING_ACCEPTED},
    {"suspended and resumed", suspend_and_resume, SEALRING_ACCEPTED},
    {"rotated", rotate, SEALRING_ACCEPTED},
};
#define MEANWHILES (sizeof meanwhiles / sizeof meanwhiles[0])

/* applied: by a look while the call is at the token; else by the next look after it. */
static void change_during_the_token_call(const struct meanwhile *meanwhile, bool applied)
{
    sealring_verdict verdict = SEALRING_UNDECIDED;
    pthread_t thread;
    atomic_store(&stage.counting->hold, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask, &verdict), 0);
    ck_assert(stage_wait(a_call_is_held, NULL));
    meanwhile->happens();
    uint64_t looks = stage_statistics(vault).looks;
    if (applied) {
        stage_look(vault); /* does not wait for the call */
        ck_assert_uint_eq(stage_statistics(vault).looks, looks + 1);
    }
    ck_assert_uint_eq(atomic_load(&stage.counting->held), 1);
    atomic_store(&stage.counting->hold, 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_ne(verdict, SEALRING_UNDECIDED);
    if (meanwhile->expected == SEALRING_ACCEPTED)
        ck_assert_msg(verdict == SEALRING_ACCEPTED, "%s: %s", meanwhile->what, sealring_verdict_name(verdict));
    if (!applied)
        stage_look(vault);
    for (int i = 0; i < 3; i++) {
        test_vault_expect(vault, key.text, "write", meanwhile->expected);
        stage_look(vault);
    }
}

START_TEST(applied_during_the_token_call)
{
    change_during_the_token_call(&meanwhiles[_i], true);
}
END_TEST

START_TEST(applied_right_after_the_token_call)
{
    change_during_the_token_call(&meanwhiles[_i], false);
}
END_TEST

/* The change was there when the row was read, the look comes later: the row is good, and the look must not undo it. */
START_TEST(changed_before_the_row_was_read)
{
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_ACTIVE);
    stage_narrow(&stage, key.key_id, "read");
    test_vault_expect(vault, key.text, "write", SEALRING_REJECTED_SCOPE);
    test_vault_expect(vault, key.text, "read", SEALRING_ACCEPTED);
    stage_look(vault);
    test_vault_expect(vault, key.text, "write", SEALRING_REJECTED_SCOPE);
    test_vault_expect(vault, key.text, "read", SEALRING_ACCEPTED);
}
END_TEST

/* As if sealring had done it, without a change in the token. */
static void retire_row(void)
{
    test_vault_sql(&stage.vault, "UPDATE vault SET epoch = epoch + 1;"
                                 "UPDATE version SET state = 4, closed = 1, purge_at = 2 WHERE number = 1");
    record_rows(&stage.vault);
}

/* The version is closed when the row is read, and the look that says so comes during the token call (of a key that the token has not
 * closed yet). What the call puts into the cache must not be rejected for ever after the version was reinstated. */
START_TEST(closed_before_the_row_was_read_and_reinstated)
{
    sealring_verdict verdict = SEALRING_UNDECIDED;
    pthread_t thread;
    rotate();
    stage_look(vault);
    retire_row();
    atomic_store(&stage.counting->hold, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask, &verdict), 0);
    ck_assert(stage_wait(a_call_is_held, NULL));
    stage_look(vault);
    atomic_store(&stage.counting->hold, 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(verdict, SEALRING_REJECTED_VERSION_RETIRED);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_REINSTATE, 1);
    stage_look(vault);
    test_vault_expect(vault, key.text, "write", SEALRING_ACCEPTED);
}
END_TEST

/* ---- What a poll asks the registry */

static atomic_uint statements;
static atomic_uint fails_from; /* this statement and all later ones fail, but for rolling back; 0: none */
static atomic_bool rolls_back;

static int count_statement(unsigned kind, void *context, void *statement, void *text)
{
    (void)kind, (void)context, (void)statement;
    atomic_store(&rolls_back, strcmp(text, "ROLLBACK") == 0);
    atomic_fetch_add(&statements, 1);
    return 0;
}

static int fail_statement(void *context)
{
    (void)context;
    unsigned from = atomic_load(&fails_from);
    return from != 0 && atomic_load(&statements) >= from && !atomic_load(&rolls_back);
}

/* Called by SQLite for each connection that is opened. */
static int trace(sqlite3 *handle, char **message, const void *routines)
{
    (void)message, (void)routines;
    sqlite3_progress_handler(handle, 1, fail_statement, NULL);
    return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, count_statement, NULL);
}

/* After somebody has written, a poll reads the vault's row, the head of the facts and the clock's row, and at most every 50 ms compares the keys for checkpoints and the
 * schema. */
#define COMPARES_AFTER_NSEC 60000000
#define AFTER_A_COMMIT      16

static unsigned look_and_count(void)
{
    const struct timespec due = {.tv_nsec = COMPARES_AFTER_NSEC};
    nanosleep(&due, NULL);
    atomic_store(&statements, 0);
    stage_look(vault);
    return atomic_load(&statements);
}

static void open_traced(void)
{
    sealring_close(&vault);
    sqlite3_auto_extension((void (*)(void))trace);
    vault = stage_open_manual(&stage);
    sqlite3_reset_auto_extension();
}

/* The next poll reads what that one could not, although nothing was committed in between. */
START_TEST(a_poll_that_fails_at_any_statement_is_repeated)
{
    const struct timespec due = {.tv_nsec = COMPARES_AFTER_NSEC};
    sealring_error error;
    bool failed = true;
    unsigned at = 1;
    open_traced();
    for (; failed; at++) {
        bool suspended = at % 2 == 1;
        stage_set_state(&stage, key.key_id, suspended ? SEALRING_KEY_SUSPENDED : SEALRING_KEY_ACTIVE);
        nanosleep(&due, NULL);
        atomic_store(&statements, 0);
        atomic_store(&fails_from, at);
        failed = sealring_maintain(vault, NULL, &error) != SEALRING_OK;
        atomic_store(&fails_from, 0);
        stage_look(vault);
        test_vault_expect(vault, key.text, "write", suspended ? SEALRING_REJECTED_SUSPENDED : SEALRING_ACCEPTED);
    }
    printf("# a poll was stopped at each of %u statements\n", at - 2);
    ck_assert_uint_gt(at, 10);
}
END_TEST

START_TEST(a_poll_reads_nothing_but_what_new_facts_are_about)
{
    struct stage_key newer;
    open_traced();
    test_vault_expect(vault, key.text, "write", SEALRING_ACCEPTED);
    (void)look_and_count();
    unsigned idle = look_and_count();
    ck_assert_uint_eq(idle, 1); /* whether anybody has written */
    stage_issue(&stage, STAGE_RING, "read", &newer);
    unsigned issued = look_and_count();
    ck_assert_uint_le(issued, AFTER_A_COMMIT);
    ck_assert_uint_eq(look_and_count(), idle);
    stage_narrow(&stage, key.key_id, "read");
    unsigned narrowed = look_and_count();
    ck_assert_uint_le(narrowed, AFTER_A_COMMIT + 12);
    printf("# statements of a poll: %u, after an issue %u, after a narrowing %u\n", idle, issued, narrowed);
    test_vault_expect(vault, key.text, "write", SEALRING_REJECTED_SCOPE);
    ck_assert_uint_eq(look_and_count(), idle);
}
END_TEST

/* The same without anybody holding anything: first sight and revocation race, a thousand times. */
struct race {
    const struct stage_key *keys;
    unsigned count;
    _Atomic(unsigned) at;
    atomic_bool over;
};

static void *ask_as_they_come(void *argument)
{
    struct race *race = argument;
    while (!atomic_load(&race->over)) {
        unsigned at = atomic_load(&race->at);
        if (at < race->count)
            (void)stage_ask(vault, race->keys[at].text, NULL);
    }
    return NULL;
}

START_TEST(first_sight_races_revocation)
{
    struct race race = {.keys = stage.keys, .count = stage_times(100, 1000)};
    pthread_t threads[2];
    stage_issue_many(&stage, STAGE_RING, race.count);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_as_they_come, &race), 0);
    for (unsigned i = 0; i < race.count; i++) {
        atomic_store(&race.at, i);
        stage_set_state(&stage, stage.keys[i].key_id, SEALRING_KEY_REVOKED);
        stage_look(vault);
        stage_expect(vault, stage.keys[i].text, SEALRING_REJECTED_REVOKED);
    }
    atomic_store(&race.over, true);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < race.count; i++)
        ck_assert_int_eq(stage_ask(vault, stage.keys[i].text, NULL), SEALRING_REJECTED_REVOKED);
    ck_assert_uint_eq(stage_statistics(vault).credentials, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("apply");
    TCase *cases = tcase_create("apply");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, applied_during_the_token_call, 0, MEANWHILES);
    tcase_add_loop_test(cases, applied_right_after_the_token_call, 0, MEANWHILES);
    tcase_add_test(cases, changed_before_the_row_was_read);
    tcase_add_test(cases, closed_before_the_row_was_read_and_reinstated);
    tcase_add_test(cases, a_poll_reads_nothing_but_what_new_facts_are_about);
    tcase_add_test(cases, a_poll_that_fails_at_any_statement_is_repeated);
    tcase_add_test(cases, first_sight_races_revocation);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
