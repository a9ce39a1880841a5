/* SPDX-License-Identifier: Apache-2.0 */
/* Eight threads sign while keys are made, relabelled, listed and destroyed beside them. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/session/connection.h"

#define SIGNERS     8
#define PROCESSES   8
#define KEYS        4
#define GENERATIONS 24

static struct test_token test;
static struct token *token;
static struct token_key_reference references[KEYS];
static uint8_t expected[KEYS][TOKEN_HMAC_SIZE];
static atomic_bool stop;

static void setup(void)
{
    sealring_error error = {0};
    test_token_make(&test);
    token = test_token_open(&test);
    for (unsigned i = 0; i < KEYS; i++) {
        char id[17];
        snprintf(id, sizeof(id), "signing key %04u", i);
        test_token_reference(&references[i], id);
        ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &references[i], NULL, &error), SEALRING_OK);
        ck_assert_int_eq(token_hmac(token, &references[i], (const uint8_t *)"x", 1, expected[i], NULL, &error),
                         SEALRING_OK);
    }
}

static void teardown(void)
{
    token_close(token);
    test_token_destroy(&test);
}

struct work {
    pthread_t thread;
    unsigned number;
    unsigned done;
    unsigned failed;
    sealring_error first; /* failure */
};

/* A token that takes longer to be started anew than a call waits is away meanwhile, and no more than that. */
static void note(struct work *work, bool good, const sealring_error *error)
{
    work->done++;
    good = good || (!token_kind()->restarts_fast && error->status == SEALRING_TOKEN);
    if (!good && work->failed++ == 0)
        work->first = *error;
}

/* Signs, and every now and then proves a key afresh, which searches the token. */
static void *signer(void *argument)
{
    struct work *work = argument;
    while (!atomic_load(&stop)) {
        uint8_t mac[TOKEN_HMAC_SIZE] = {0};
        sealring_error error = {0};
        unsigned which = (work->number + work->done) % KEYS;
        sealring_status status = SEALRING_OK;
        if (work->done % 8 == 0)
            status = token_key_prove(token, &references[which], NULL, &error);
        if (status == SEALRING_OK)
            status = token_hmac(token, &references[which], (const uint8_t *)"x", 1, mac, NULL, &error);
        note(work, status == SEALRING_OK && memcmp(mac, expected[which], sizeof(mac)) == 0, &error);
    }
    return NULL;
}

static sealring_status count(const struct token_key_info *key, void *context, sealring_error *error)
{
    (void)key;
    (void)error;
    ++*(unsigned *)context;
    return SEALRING_OK;
}

/* The life of a key, again and again. */
static void *manager(void *argument)
{
    struct work *work = argument;
    for (unsigned i = 0; i < (token_kind()->restarts_fast ? GENERATIONS : GENERATIONS / 3); i++) {
        struct token_key_reference own;
        char id[TOKEN_OBJECT_ID_MAX + 1];
        sealring_error error = {0};
        uint8_t mac[TOKEN_HMAC_SIZE];
        unsigned listed = 0;
        snprintf(id, sizeof(id), "managed %u %u", work->number, i);
        test_token_reference(&own, id);
        sealring_status status = token_key_generate(token, "sealring-intent/x", &own, NULL, &error);
        if (status == SEALRING_OK) {
            status = token_key_relabel(token, own.object_id, own.object_id_length, "sealring-intent/x",
                                       "sealring/made/1", NULL, &error);
        }
        if (status == SEALRING_OK)
            status = token_hmac(token, &own, (const uint8_t *)"x", 1, mac, NULL, &error);
        if (status == SEALRING_OK)
            status = token_key_each(token, "sealring/", count, &listed, &error);
        if (status == SEALRING_OK && i % 4 != 0) { /* a destroyed one has the module restarted: not every time */
            note(work, listed > KEYS, &error);
            continue;
        }
        if (status == SEALRING_OK)
            status = token_key_destroy(token, own.object_id, own.object_id_length, "sealring/made/1", NULL, &error);
        note(work, status == SEALRING_OK && listed > KEYS, &error);
    }
    return NULL;
}

static void run_works(unsigned managers)
{
    struct work works[SIGNERS + 2] = {0};
    unsigned failed = 0;
    for (unsigned i = 0; i < SIGNERS + managers; i++) {
        works[i].number = i;
        ck_assert_int_eq(pthread_create(&works[i].thread, NULL, i < SIGNERS ? signer : manager, &works[i]), 0);
    }
    for (unsigned i = SIGNERS; i < SIGNERS + managers; i++)
        ck_assert_int_eq(pthread_join(works[i].thread, NULL), 0);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < SIGNERS; i++)
        ck_assert_int_eq(pthread_join(works[i].thread, NULL), 0);
    for (unsigned i = 0; i < SIGNERS + managers; i++) {
        if (works[i].failed > 0) {
            fprintf(stderr, "# %s %u: %u of %u failed, first: %s\n", i < SIGNERS ? "signer" : "manager", i,
                    works[i].failed, works[i].done, works[i].first.message);
        }
        failed += works[i].failed;
        ck_assert_uint_gt(works[i].done, 0);
    }
    ck_assert_uint_eq(failed, 0);
}

START_TEST(signing_beside_one_manager)
{
    run_works(1);
}
END_TEST

START_TEST(signing_beside_two_managers)
{
    run_works(2);
}
END_TEST

START_TEST(signing_with_few_sessions)
{
    token_close(token);
    test.config.sessions_max = 2;
    token = test_token_open(&test);
    run_works(1);
    ck_assert_uint_le(token->pool.open_count, 2);
}
END_TEST

/* A process of its own that searches and signs until the PIN file goes away; writes a byte once it is at it. */
static int prove_elsewhere(int ready)
{
    struct token *own = NULL;
    sealring_error error = {0};
    uint8_t mac[TOKEN_HMAC_SIZE];
    if (token_open(&test.config, &own, &error) != SEALRING_OK)
        return 1;
    while (access(test.pin_source, F_OK) == 0) {
        for (unsigned i = 0; i < KEYS; i++) {
            if (token_key_prove(own, &references[i], NULL, &error) != SEALRING_OK ||
                token_hmac(own, &references[i], (const uint8_t *)"x", 1, mac, NULL, &error) != SEALRING_OK ||
                memcmp(mac, expected[i], sizeof(mac)) != 0) {
                fprintf(stderr, "# in another process: %s\n", error.message);
                return 2;
            }
        }
        if (ready >= 0 && write(ready, "", 1) != 1)
            return 3;
        ready = -1;
    }
    token_close(own);
    return 0;
}

static void await(int ready)
{
    char byte;
    ck_assert_int_eq(read(ready, &byte, 1), 1);
}

START_TEST(managing_beside_other_processes)
{
    pid_t children[3];
    int ready[2];
    struct work work = {.number = SIGNERS};
    token_close(token); /* so that the children inherit no module */
    ck_assert_int_eq(pipe(ready), 0);
    for (size_t i = 0; i < 3; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            _exit(prove_elsewhere(ready[1]));
    }
    for (size_t i = 0; i < 3; i++)
        await(ready[0]);
    token = test_token_open(&test);
    manager(&work);
    ck_assert_int_eq(unlink(test.pin_source), 0);
    for (size_t i = 0; i < 3; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    }
    ck_assert_msg(work.failed == 0, "%u of %u failed, first: %s", work.failed, work.done, work.first.message);
}
END_TEST

/* SoftHSM2 hides an object while another process writes it: that must not look as if it were gone. */
START_TEST(key_relabelled_elsewhere_is_never_missing)
{
    sealring_error error = {0};
    int ready[2];
    token_close(token);
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(prove_elsewhere(ready[1]));
    await(ready[0]);
    token = test_token_open(&test);
    for (unsigned i = 0; i < 600; i++) {
        const struct token_key_reference *key = &references[i % KEYS];
        bool back = i / KEYS % 2 == 1;
        sealring_status status =
            token_key_relabel(token, key->object_id, key->object_id_length, back ? "sealring/y/1" : "sealring/x/1",
                              back ? "sealring/x/1" : "sealring/y/1", NULL, &error);
        ck_assert_msg(status == SEALRING_OK, "%s", error.message);
    }
    ck_assert_int_eq(unlink(test.pin_source), 0);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* Processes that start together log in together; SoftHSM2 left to itself loses its token over that. */
START_TEST(processes_start_together)
{
    pid_t children[PROCESSES];
    token_close(token);
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < PROCESSES; i++) {
            children[i] = fork();
            ck_assert_int_ge(children[i], 0);
            if (children[i] == 0) {
                sealring_error error = {0};
                struct token *own = NULL;
                sealring_status status = token_open(&test.config, &own, &error);
                if (status != SEALRING_OK)
                    fprintf(stderr, "# starting: %s\n", error.message);
                token_close(own);
                _exit((int)status);
            }
        }
        for (size_t i = 0; i < PROCESSES; i++) {
            int status;
            ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
            ck_assert(WIFEXITED(status));
            ck_assert_int_eq(WEXITSTATUS(status), 0);
        }
    }
    token = test_token_open(&test);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token threads");
    TCase *cases = tcase_create("threads");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 180);
    tcase_add_test(cases, signing_beside_one_manager);
    if (token_kind()->reads_beside_writing) {
        tcase_add_test(cases, signing_beside_two_managers);
        tcase_add_test(cases, signing_with_few_sessions);
        tcase_add_test(cases, managing_beside_other_processes);
        tcase_add_test(cases, key_relabelled_elsewhere_is_never_missing);
    }
    tcase_add_test(cases, processes_start_together);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
