/* SPDX-License-Identifier: Apache-2.0 */
/* A long life: opening and closing, verifying, keys that come and go. Nothing grows between two moments of equal state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/allocations.h"
#include "verifier/stage.h"

static struct stage stage;
static struct stage_key key;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &key);
}

static void teardown(void)
{
    stage_remove(&stage);
}

/* What may not grow. */
struct holdings {
    size_t memory;
    size_t resident;
    unsigned descriptors;
    unsigned threads;
    unsigned reports;
    uint64_t sessions;
};

static struct holdings take_stock(void)
{
    return (struct holdings){.memory = allocations_bytes(),
                             .resident = stage_resident(),
                             .descriptors = stage_descriptors(),
                             .threads = stage_threads(),
                             .reports = stage_reports(&stage),
                             .sessions = stage.counting->open_session - stage.counting->close_session};
}

/* memory, resident: by so many bytes at most, for what the allocator and the kernel keep for themselves. */
static void expect_no_growth(const struct holdings *before, size_t memory, size_t resident)
{
    struct holdings after = take_stock();
    ck_assert_msg(after.memory <= before->memory + memory, "memory: %zu, then %zu", before->memory, after.memory);
    if (!SANITIZED) /* sanitizers keep what was freed */
        ck_assert_msg(after.resident <= before->resident + resident, "resident: %zu, then %zu", before->resident,
                      after.resident);
    ck_assert_uint_eq(after.descriptors, before->descriptors);
    stage_expect_threads_at_most(before->threads);
    ck_assert_uint_eq(after.reports, before->reports);
    ck_assert_uint_eq(after.sessions, before->sessions);
}

/* ---- Opening and closing */

static void open_and_close(unsigned times, bool manual)
{
    for (unsigned i = 0; i < times; i++) {
        sealring_vault *vault = manual ? stage_open_manual(&stage) : stage_open(&stage);
        if (i % 4 == 0)
            stage_expect(vault, key.text, SEALRING_ACCEPTED);
        sealring_close(&vault);
        ck_assert_ptr_null(vault);
    }
}

START_TEST(opened_and_closed_many_times)
{
    bool manual = _i == 0;
    open_and_close(20, manual);
    struct holdings before = take_stock();
    ck_assert_uint_eq(before.reports, 1);
    ck_assert_uint_eq(before.sessions, 0);
    open_and_close(stage_times(150, 5000), manual);
    expect_no_growth(&before, 4096, 512 * 1024);
}
END_TEST

/* What cannot be opened leaves nothing behind either. */
START_TEST(opening_that_fails_leaves_nothing)
{
    static const char *const missing[] = {"registry/sealring.db", "pins/keys.pin", "sealring.conf", "tokens/softhsm2"};
    sealring_error error;
    char here[160], there[176];
    open_and_close(4, true);
    snprintf(here, sizeof here, "%s/%s", stage.vault.path, missing[_i]);
    snprintf(there, sizeof there, "%s.away", here);
    ck_assert_int_eq(rename(here, there), 0);
    struct holdings before = {0};
    for (unsigned i = 0; i < 60; i++) {
        sealring_vault *vault = NULL;
        ck_assert_int_ne(sealring_open(stage.vault.path, NULL, &vault, &error), SEALRING_OK);
        ck_assert_ptr_null(vault);
        if (i == 10)
            before = take_stock();
    }
    expect_no_growth(&before, 4096, 512 * 1024);
    ck_assert_int_eq(rename(there, here), 0);
    open_and_close(2, true);
    ck_assert_uint_eq(stage_reports(&stage), before.reports);
}
END_TEST

/* Several at once in one process: each is a verifier, and they do not get into each other's way. */
START_TEST(several_are_open_at_once)
{
    enum { VAULTS = 8 };
    sealring_vault *vaults[VAULTS];
    open_and_close(1, false); /* ThreadSanitizer keeps a thread of its own from the first one on */
    unsigned threads = stage_threads();
    for (unsigned i = 0; i < VAULTS; i++) {
        vaults[i] = i % 2 == 0 ? stage_open(&stage) : stage_open_manual(&stage);
        stage_expect(vaults[i], key.text, SEALRING_ACCEPTED);
        ck_assert_uint_eq(stage_reports(&stage), i + 1);
    }
    for (unsigned i = 0; i < VAULTS; i++) {
        sealring_close(&vaults[i]);
        if (i + 1 < VAULTS) {
            stage_look(vaults[VAULTS - 1]);
            stage_expect(vaults[VAULTS - 1], key.text, SEALRING_ACCEPTED);
        }
    }
    stage_expect_threads_at_most(threads);
    struct holdings before = take_stock();
    open_and_close(10, false);
    expect_no_growth(&before, 4096, 512 * 1024);
}
END_TEST

/* ---- Serving */

static void verify_many(sealring_vault *vault, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        if (stage_ask(vault, key.text, i % 2 == 0 ? "read" : NULL) != SEALRING_ACCEPTED)
            ck_abort_msg("verification %u", i);
}

START_TEST(verified_many_times)
{
    sealring_vault *vault = stage_open(&stage);
    verify_many(vault, 20000);
    struct holdings before = take_stock();
    verify_many(vault, stage_times(200000, 10000000));
    expect_no_growth(&before, 4096, 256 * 1024);
    ck_assert_uint_eq(stage_statistics(vault).credentials, 1);
    sealring_close(&vault);
}
END_TEST

/* Looks alone, whether something changed or not. */
START_TEST(looked_many_times)
{
    sealring_vault *vault = stage_open_manual(&stage);
    struct holdings before = {0};
    for (unsigned i = 0; i < stage_times(2000, 100000); i++) {
        if (i % 100 == 0) {
            stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
            stage_look(vault);
            stage_expect(vault, key.text, SEALRING_REJECTED_SUSPENDED);
            stage_set_state(&stage, key.key_id, SEALRING_KEY_ACTIVE);
        }
        stage_look(vault);
        if (i % 50 == 0)
            stage_expect(vault, key.text, SEALRING_ACCEPTED);
        if (i == 400)
            before = take_stock();
    }
    expect_no_growth(&before, 4096, 256 * 1024);
    sealring_close(&vault);
}
END_TEST

/* Keys that are issued, seen, revoked, seen. Their counters stay in the report file for a while, a cell each. */
static void churn(sealring_vault *vault, unsigned times)
{
    struct stage_key brief;
    for (unsigned i = 0; i < times; i++) {
        stage_issue(&stage, STAGE_RING, "read", &brief);
        stage_expect(vault, brief.text, SEALRING_ACCEPTED);
        stage_set_state(&stage, brief.key_id, SEALRING_KEY_REVOKED);
        stage_look(vault);
        stage_expect(vault, brief.text, SEALRING_REJECTED_REVOKED);
        stage_expect(vault, key.text, SEALRING_ACCEPTED);
    }
}

START_TEST(keys_come_and_go)
{
    const unsigned times = stage_times(100, 5000);
    sealring_vault *vault = stage_open_manual(&stage);
    stage_look(vault);
    churn(vault, times);
    struct holdings before = take_stock();
    ck_assert_uint_eq(stage_statistics(vault).credentials, 1);
    churn(vault, times);
    ck_assert_uint_eq(stage_statistics(vault).credentials, 1);
    /* what is kept of a key that is gone: where its counters are */
    expect_no_growth(&before, 4096 + times * 128, 512 * 1024 + times * 1024);
    sealring_close(&vault);
}
END_TEST

/* Versions come and go, too. A few words of each are kept. */
START_TEST(versions_come_and_go)
{
    sealring_vault *vault = stage_open_manual(&stage);
    struct stage_key next;
    for (unsigned i = 1; i <= 12; i++) {
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
        stage_reissue(&stage, key.key_id, &next);
        stage_look(vault);
        stage_expect(vault, next.text, SEALRING_ACCEPTED);
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_RETIRE, i);
        stage_look(vault);
        stage_expect(vault, next.text, SEALRING_ACCEPTED);
        ck_assert_uint_eq(stage_statistics(vault).credentials, 1);
        ck_assert_uint_eq(stage_statistics(vault).versions_unproved, 0);
    }
    sealring_close(&vault);
}
END_TEST

/* ---- Report files of the dead */

static void leave_without_closing(unsigned count)
{
    pid_t children[16];
    ck_assert_uint_le(count, 16);
    for (unsigned i = 0; i < count; i++) {
        fflush(NULL);
        children[i] = fork();
        if (children[i] == 0) {
            sealring_vault *own = stage_open_manual(&stage);
            _exit(stage_ask(own, key.text, NULL) == SEALRING_ACCEPTED ? 0 : 1);
        }
    }
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(stage_child(children[i]), 0);
}

START_TEST(report_files_of_the_dead_are_taken_over)
{
    enum { DEAD = 8 };
    leave_without_closing(DEAD);
    unsigned reports = stage_reports(&stage);
    ck_assert_uint_ge(reports, 1);
    ck_assert_uint_le(reports, DEAD);
    /* whoever comes next takes over a file whose lock is free, whatever its times and its lease */
    sealring_vault *vault = stage_open_manual(&stage);
    ck_assert_uint_eq(stage_reports(&stage), reports);
    leave_without_closing(DEAD);
    ck_assert_uint_le(stage_reports(&stage), DEAD + 1);
    sealring_close(&vault);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("life");
    TCase *cases = tcase_create("life");
    tcase_set_timeout(cases, stage_times(300, 3600));
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, opened_and_closed_many_times, 0, 2);
    tcase_add_loop_test(cases, opening_that_fails_leaves_nothing, 0, 4);
    tcase_add_test(cases, several_are_open_at_once);
    tcase_add_test(cases, verified_many_times);
    tcase_add_test(cases, looked_many_times);
    tcase_add_test(cases, keys_come_and_go);
    tcase_add_test(cases, versions_come_and_go);
    tcase_add_test(cases, report_files_of_the_dead_are_taken_over);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
