/* SPDX-License-Identifier: Apache-2.0 */
/* A token with few sessions, one that hangs, is pulled out, locks the PIN, writes short; and 64 processes with a wrong PIN. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "config/config.h"
#include "fault/actor.h"
#include "lib/runner.h"
#include "lib/sanitized.h"
#include "lib/test_token.h"
#include "token/session/token.h"

#define PROCESSES   64
#define PATIENCE_MS 60000
#define WRONG_PIN   "no-such-pin-0815"

static struct ground *ground;
static struct place place;
static sealring_vault *vault;

static void setup(void)
{
    ground = ground_make();
    place_make(&place, ground, 0);
    place_restore(&place);
}

static void teardown(void)
{
    char found[256];
    sealring_close(&vault);
    ck_assert_msg(place_is_clean(&place, "", found), "a secret is told: %s", found);
    place_remove(&place);
    ground_remove(ground);
}

static bool wait_for(bool (*condition)(void))
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (condition())
            return true;
        usleep(1000);
    }
    return false;
}

static sealring_status open_vault(sealring_error *error)
{
    sealring_options options = {.size = sizeof options, .no_warming = 1, .cache_max = 100};
    memset(error, 0, sizeof *error);
    return sealring_open(place.vault.path, &options, &vault, error);
}

static void must_open(void)
{
    sealring_error error;
    ASSERT_OK(open_vault(&error), error);
}

static void expect(enum ground_text which, sealring_verdict verdict)
{
    test_vault_expect(vault, ground->texts[which], NULL, verdict);
}

static sealring_verdict ask(enum ground_text which)
{
    const char *text = ground->texts[which];
    return sealring_verify(vault, text, strlen(text), NULL, NULL);
}

static void write_pin(const char *pin)
{
    char path[160];
    snprintf(path, sizeof path, "%.80s/pins/keys.pin", place.vault.path);
    test_token_write_file(path, pin, 0600);
}

/* ---- The PIN */

/* Tries once, says so, waits for the word, and then has to succeed without being started anew. */
static int try_pin(int ready, int go)
{
    sealring_error error;
    char byte = 0;
    if (dup2(fileno(fopen(place.output, "ae")), STDERR_FILENO) < 0)
        return 1;
    alarm(120);
    if (open_vault(&error) != SEALRING_TOKEN || error.token_code != CKR_PIN_INCORRECT)
        return 2;
    fprintf(stderr, "%s\n", error.message);
    if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) < 0)
        return 3;
    for (int i = 0; i < 100; i++) {
        if (open_vault(&error) == SEALRING_OK)
            return ask(GROUND_ACTIVE) == SEALRING_ACCEPTED ? 0 : 4;
        fprintf(stderr, "%s\n", error.message);
        usleep(100000);
    }
    return 5;
}

START_TEST(wrong_pin_is_tried_once_by_64_processes)
{
    pid_t children[PROCESSES];
    int ready[2], go[2];
    char byte;
    write_pin(WRONG_PIN "\n");
    atomic_store(&place.faulting->pin_tries, 3);
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(go), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            close(go[1]);
            close(ready[0]);
            _exit(try_pin(ready[1], go[0]));
        }
    }
    close(ready[1]);
    int tried = 0;
    while (read(ready[0], &byte, 1) == 1) /* the pipe's end: a child died */
        if (++tried == PROCESSES)
            break;
    ck_assert_int_eq(tried, PROCESSES);
    ck_assert_uint_eq(atomic_load(&place.faulting->logins), 1);
    ck_assert_uint_eq(atomic_load(&place.faulting->pin_tries_made), 1);
    write_pin(ground->pin);
    close(go[1]);
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d: %d", i, status);
    }
    printf("# %d processes with a wrong PIN: 1 login; with the right one: all are well again\n", PROCESSES);
    FILE *output = fopen(place.output, "re");
    char line[1024];
    ck_assert_ptr_nonnull(output);
    while (fgets(line, sizeof line, output) != NULL)
        ck_assert_ptr_null(strstr(line, WRONG_PIN));
    fclose(output);
}
END_TEST

START_TEST(last_try_and_locked_pin_are_left_alone)
{
    sealring_error error;
    atomic_store(&place.faulting->pin_tries, 3);
    for (uint32_t made = 2; made <= 3; made++) {
        atomic_store(&place.faulting->pin_tries_made, made);
        ck_assert_int_eq(open_vault(&error), SEALRING_TOKEN);
        ck_assert_uint_eq(error.token_code, made == 2 ? CKR_PIN_INCORRECT : CKR_PIN_LOCKED);
        ck_assert_uint_eq(atomic_load(&place.faulting->logins), 0);
    }
    atomic_store(&place.faulting->pin_tries_made, 0); /* somebody unlocked it */
    must_open();
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
}
END_TEST

/* The lock comes while the vault is open and the token forgot the login. */
static bool active_too_is_accepted(void)
{
    return ask(GROUND_ACTIVE_TOO) == SEALRING_ACCEPTED;
}

START_TEST(lock_under_a_verifier_is_waited_out)
{
    must_open();
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    atomic_store(&place.faulting->pin_tries, 3);
    atomic_store(&place.faulting->pin_tries_made, 3);
    atomic_store(&place.faulting->gone, 1);
    expect(GROUND_ACTIVE_TOO, SEALRING_UNAVAILABLE);
    atomic_store(&place.faulting->gone, 0);
    uint64_t logins = atomic_load(&place.faulting->logins);
    for (int i = 0; i < 15; i++) {
        expect(GROUND_ACTIVE_TOO, SEALRING_UNAVAILABLE);
        expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
        usleep(100000); /* longer than the back-off in all */
    }
    ck_assert_uint_eq(atomic_load(&place.faulting->logins), logins);
    atomic_store(&place.faulting->pin_tries_made, 0);
    ck_assert(wait_for(active_too_is_accepted));
}
END_TEST

/* ---- Sessions */

static const struct {
    unsigned sessions;
    bool unsaid;
} limits[] = {{1, false}, {1, true}, {2, false}, {2, true}, {16, false}, {16, true}, {0, false}};

/* Every task, on a token with so few; the outcome is as with enough. */
START_TEST(few_sessions_are_enough)
{
    static struct outcome outcome;
    for (int task = 0; task < ACTOR_TASKS; task++) {
        struct trial trial = {.task = (enum actor_task)task,
                              .kind = FAULT_NONE,
                              .function = FAULT_ANY,
                              .call = 1,
                              .sessions = limits[_i].sessions,
                              .sessions_unsaid = limits[_i].unsaid};
        if (task == ACTOR_PROVE && trial.sessions == 1)
            continue; /* manages and verifies in one process: that takes two */
        place_restore(&place);
        bool good = actor_try(&place, &trial, &outcome);
        ck_assert_msg(good, "%s: %s", actor_task_names[task], outcome.complaint);
        ck_assert(limits[_i].sessions == 0 || atomic_load(&place.faulting->sessions_most) <= limits[_i].sessions);
    }
}
END_TEST

/* ---- A token that hangs */

static _Atomic(int) hung_verdict;

static void *ask_while_it_hangs(void *context)
{
    (void)context;
    atomic_store(&hung_verdict, (int)ask(GROUND_ACTIVE_TOO));
    return NULL;
}

static bool somebody_hangs(void)
{
    return atomic_load(&place.faulting->hanging) > 0;
}

static int64_t lease_left(void)
{
    sealring_statistics statistics = {.size = sizeof statistics};
    sealring_stats(vault, &statistics);
    return statistics.lease_left_ms;
}

START_TEST(token_that_hangs_holds_up_nobody_else)
{
    pthread_t thread;
    must_open();
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    place_script(&place, FAULT_HANG, FAULT_ANY, 1 + (uint64_t)_i, FAULT_EVER, CKR_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_while_it_hangs, NULL), 0);
    ck_assert(wait_for(somebody_hangs));
    for (int i = 0; i < 15; i++) { /* looks go on, so the lease does */
        usleep(100000);
        expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
        expect(GROUND_FORGED, SEALRING_REJECTED_BAD_SECRET);
        expect(GROUND_RETIRED, SEALRING_REJECTED_VERSION_RETIRED);
        ck_assert_int_gt(lease_left(), 58000);
    }
    ck_assert_int_eq(atomic_load(&hung_verdict), SEALRING_UNDECIDED);
    place_heal(&place);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(atomic_load(&hung_verdict), SEALRING_ACCEPTED);
}
END_TEST

/* One call hangs in the module, and for the others the token is lost: they do not wait for the one. */
START_TEST(lost_while_a_call_hangs)
{
    pthread_t thread;
    must_open();
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    place_script(&place, FAULT_HANG, FAULT_C_Sign, 1, 1, CKR_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_while_it_hangs, NULL), 0);
    ck_assert(wait_for(somebody_hangs));
    atomic_store(&place.faulting->gone, 1);
    for (int i = 0; i < 3; i++) {
        time_t before = time(NULL);
        expect(GROUND_SECOND, SEALRING_UNAVAILABLE);
        expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
        ck_assert_int_le(time(NULL) - before, 20); /* and not for ever */
    }
    place_heal(&place);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(wait_for(active_too_is_accepted));
}
END_TEST

/* ---- A token that is pulled out */

START_TEST(pulled_out_and_put_back)
{
    must_open();
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    atomic_store(&place.faulting->swaps, 1);
    for (int round = 0; round < 2; round++) {
        uint64_t logins = atomic_load(&place.faulting->logins);
        atomic_store(&place.faulting->gone, 1);
        for (int i = 0; i < 20; i++) {
            expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
            expect(round == 0 ? GROUND_ACTIVE_TOO : GROUND_SECOND, SEALRING_UNAVAILABLE);
            expect(GROUND_FORGED, SEALRING_REJECTED_BAD_SECRET);
            usleep(20000);
        }
        ck_assert_uint_eq(atomic_load(&place.faulting->logins), logins);
        atomic_store(&place.faulting->gone, 0);
        if (round == 0)
            ck_assert(wait_for(active_too_is_accepted));
    }
    ck_assert(wait_for(active_too_is_accepted));
}
END_TEST

/* ---- Writing short */

static struct token *open_token(struct config **config)
{
    struct token_config token_config;
    struct token *token = NULL;
    sealring_error error = {0};
    ASSERT_OK(config_load(place.vault.path, config, &error), error);
    token_config = config_token(*config);
    ASSERT_OK(token_open(&token_config, &token, &error), error);
    return token;
}

START_TEST(half_of_a_random_number_is_none)
{
    struct config *config = NULL;
    uint8_t bytes[64];
    uint8_t zeros[32] = {0};
    sealring_error error;
    struct token *token = open_token(&config);
    for (uint64_t times = 1; times <= 3; times++) {
        place_script(&place, FAULT_SHORT, FAULT_C_GenerateRandom, 1, times, CKR_OK);
        ck_assert_int_eq(token_random(token, bytes, sizeof bytes, &error), SEALRING_OK);
        ck_assert_int_ne(memcmp(bytes + 32, zeros, sizeof zeros), 0);
        ck_assert_uint_eq(atomic_load(&place.faulting->met), times);
        /* More than one call may follow the cut ones: a whole number whose last byte is 0, one in 256, counts as cut as well. */
        ck_assert_uint_gt(atomic_load(&place.faulting->calls[FAULT_C_GenerateRandom]), times);
    }
    place_script(&place, FAULT_SHORT, FAULT_C_GenerateRandom, 1, FAULT_EVER, CKR_OK);
    ck_assert_int_eq(token_random(token, bytes, sizeof bytes, &error), SEALRING_TOKEN);
    place_heal(&place);
    ck_assert_int_eq(token_random(token, bytes, sizeof bytes, &error), SEALRING_OK);
    token_close(token);
    config_free(config);
}
END_TEST

static const enum fault_kind cuts[] = {FAULT_SHORT, FAULT_TRUNCATED};

/* Always, not once: no verdict is made of it. */
START_TEST(signatures_cut_for_ever_are_an_outage)
{
    must_open();
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    place_script(&place, cuts[_i], FAULT_C_Sign, 1, FAULT_EVER, CKR_OK);
    for (int i = 0; i < 5; i++)
        expect(GROUND_ACTIVE_TOO, SEALRING_UNAVAILABLE);
    ck_assert_uint_gt(atomic_load(&place.faulting->met), 0);
    place_heal(&place);
    ck_assert(wait_for(active_too_is_accepted));
}
END_TEST

int main(void)
{
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    Suite *suite = suite_create("fault token");
    TCase *cases = tcase_create("token");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, wrong_pin_is_tried_once_by_64_processes);
    tcase_add_test(cases, last_try_and_locked_pin_are_left_alone);
    tcase_add_test(cases, lock_under_a_verifier_is_waited_out);
    tcase_add_loop_test(cases, few_sessions_are_enough, 0, sizeof limits / sizeof limits[0]);
    tcase_add_loop_test(cases, token_that_hangs_holds_up_nobody_else, 0, 2);
    tcase_add_test(cases, lost_while_a_call_hangs);
    tcase_add_test(cases, pulled_out_and_put_back);
    tcase_add_test(cases, half_of_a_random_number_is_none);
    tcase_add_loop_test(cases, signatures_cut_for_ever_are_an_outage, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
