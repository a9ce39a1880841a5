/* SPDX-License-Identifier: Apache-2.0 */
/* The token is away, comes back, or the process is another: an outage is an outage, never a verdict. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "base/clock.h"
#include "lib/runner.h"
#include "lib/sanitized.h"
#include "lib/test_token.h"
#include "token/session/connection.h"

#define BACK_OFF_US 1200000

static struct test_token test;
static struct token *token;
static struct token_key_reference reference;
static char away[TEST_TOKEN_PATH_SIZE + 8];

static void setup(void)
{
    sealring_error error = {0};
    test_token_make(&test);
    token = test_token_open(&test);
    snprintf(away, sizeof(away), "%s.away", test.tokens);
    test_token_reference(&reference, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
}

static void teardown(void)
{
    token_close(token);
    test_token_destroy(&test);
}

static sealring_status sign(sealring_error *error)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    if (error != NULL)
        memset(error, 0, sizeof(*error));
    return token_hmac(token, &reference, (const uint8_t *)"some data", 9, mac, NULL, error);
}

static sealring_status nothing(const struct token_key_info *key, void *context, sealring_error *error)
{
    (void)key;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

static void move_away(void)
{
    ck_assert_int_eq(rename(test.tokens, away), 0);
}

static void move_back(void)
{
    ck_assert_int_eq(rename(away, test.tokens), 0);
}

/* In a fresh process. */
static int open_and_sign(struct test_token *at, void *context)
{
    struct token *own = NULL;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_status status = token_open(&at->config, &own, NULL);
    if (status == SEALRING_OK)
        status = token_hmac(own, context, (const uint8_t *)"some data", 9, mac, NULL, NULL);
    token_close(own);
    return (int)status;
}

START_TEST(directory_away_is_an_outage_and_heals)
{
    enum token_answer answer;
    sealring_error error;
    uint8_t bytes[8];
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    for (int i = 0; i < 2; i++) {
        move_away();
        for (int j = 0; j < 3; j++) {
            ck_assert_int_eq(sign(&error), SEALRING_TOKEN);
            ck_assert_int_eq(token_key_prove(token, &reference, &answer, &error), SEALRING_TOKEN);
            ck_assert_int_eq(answer, TOKEN_FAILED);
            ck_assert_int_eq(token_key_each(token, "", nothing, NULL, &error), SEALRING_TOKEN);
            ck_assert_int_eq(
                token_key_destroy(token, reference.object_id, reference.object_id_length, NULL, NULL, &error),
                SEALRING_TOKEN);
            ck_assert_int_eq(token_random(token, bytes, sizeof(bytes), &error), SEALRING_TOKEN);
            usleep(j == 1 ? BACK_OFF_US : 1000);
        }
        move_back();
        usleep(BACK_OFF_US);
        ck_assert_msg(sign(&error) == SEALRING_OK, "%s", error.message);
    }
}
END_TEST

/* NSS softokn has its files open: what was logged in goes on, and whoever starts meanwhile is told. */
START_TEST(directory_away_is_not_noticed_while_it_is_open)
{
    sealring_error error;
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    move_away();
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(test_token_elsewhere(&test, open_and_sign, &reference, sizeof(reference)), SEALRING_TOKEN);
    move_back();
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    ck_assert_int_eq(test_token_elsewhere(&test, open_and_sign, &reference, sizeof(reference)), SEALRING_OK);
}
END_TEST

/* Each kind of call is the first to meet the outage. */
START_TEST(first_call_in_an_outage_says_so)
{
    sealring_error error = {0};
    struct token_key_reference other;
    const uint8_t *id = reference.object_id;
    const size_t length = reference.object_id_length;
    sealring_status status = SEALRING_OK;
    test_token_reference(&other, "fedcba9876543210");
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    move_away();
    switch (_i) {
    case 0:
        status = sign(&error);
        break;
    case 1:
        status = token_key_prove(token, &reference, NULL, &error);
        break;
    case 2:
        status = token_key_prove(token, &other, NULL, &error); /* not: NOT_FOUND */
        break;
    case 3:
        status = token_key_each(token, "", nothing, NULL, &error);
        break;
    case 4:
        status = token_key_destroy(token, id, length, NULL, NULL, &error);
        break;
    case 5:
        status = token_key_generate(token, "sealring/x/2", &other, NULL, &error);
        break;
    case 6:
        status = token_key_allow_sign(token, id, length, NULL, false, NULL, &error);
        break;
    default:
        status = token_key_relabel(token, id, length, "sealring/x/1", "sealring/y/1", NULL, &error);
        break;
    }
    ck_assert_msg(status == SEALRING_TOKEN, "%d: %s", (int)status, error.message);
    move_back();
    usleep(BACK_OFF_US);
    ck_assert_int_eq(sign(&error), SEALRING_OK);
}
END_TEST

START_TEST(outage_does_not_cost_every_request_an_attempt)
{
    sealring_error error;
    move_away();
    ck_assert_int_eq(sign(&error), SEALRING_TOKEN);
    int64_t before = clock_boot_ms();
    uint64_t generation = token->module->generation;
    unsigned requests = 0;
    for (; requests < 10000 && clock_boot_ms() - before < 500; requests++) {
        ck_assert_int_eq(sign(&error), SEALRING_TOKEN);
        ck_assert_uint_gt(strlen(error.message), 0);
    }
    ck_assert_uint_gt(requests, 1000);
    ck_assert_uint_eq(token->module->generation, generation); /* nobody knocked again meanwhile */
    move_back();
    usleep(BACK_OFF_US);
    ck_assert_int_eq(sign(&error), SEALRING_OK);
}
END_TEST

struct hammer {
    pthread_t thread;
    unsigned good, outages, other;
};

static atomic_bool stop;

static void *hammer(void *argument)
{
    struct hammer *own = argument;
    sealring_error error;
    while (!atomic_load(&stop)) {
        sealring_status status = sign(&error);
        own->good += status == SEALRING_OK;
        own->outages += status == SEALRING_TOKEN;
        own->other += status != SEALRING_OK && status != SEALRING_TOKEN;
    }
    return NULL;
}

START_TEST(threads_live_through_outages)
{
    struct hammer hammers[4] = {0};
    unsigned good = 0, outages = 0;
    sealring_error error;
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]), 0);
    for (int i = 0; i < 3; i++) {
        usleep(100000);
        move_away();
        usleep(300000);
        move_back();
        usleep(BACK_OFF_US);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(hammers[i].thread, NULL), 0);
        ck_assert_uint_eq(hammers[i].other, 0);
        good += hammers[i].good;
        outages += hammers[i].outages;
    }
    ck_assert_uint_gt(good, 0);
    ck_assert_uint_gt(outages, 0);
    ck_assert_int_eq(sign(&error), SEALRING_OK);
}
END_TEST

/* The module is not torn down under a neighbour that is well. */
START_TEST(neighbour_is_not_disturbed)
{
    struct token_config config = test.config;
    struct token *neighbour = NULL;
    sealring_error error = {0};
    uint8_t bytes[8];
    ck_assert_int_eq(token_open(&config, &neighbour, &error), SEALRING_OK);
    uint64_t generation = token->module->generation;
    /* This one fails alone: from now on its URI matches nothing. */
    p11_kit_uri_free(neighbour->uri);
    ck_assert_int_eq(slot_parse_uri("pkcs11:token=unplugged", &neighbour->uri, &error), SEALRING_OK);
    atomic_store(&neighbour->up, false);
    ck_assert_int_eq(token_random(neighbour, bytes, sizeof(bytes), &error), SEALRING_TOKEN);
    ck_assert_uint_eq(token->module->generation, generation);
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    token_close(neighbour);
    ck_assert_int_eq(sign(&error), SEALRING_OK);
}
END_TEST

/* Both are dead when the directory vanished: the first that notices heals both. */
START_TEST(two_tokens_on_one_module_heal)
{
    sealring_error error = {0};
    uint8_t bytes[8];
    struct token *other = test_token_open(&test);
    move_away();
    ck_assert_int_eq(sign(&error), SEALRING_TOKEN);
    move_back();
    usleep(BACK_OFF_US);
    ck_assert_msg(sign(&error) == SEALRING_OK, "%s", error.message);
    ck_assert_int_eq(token_random(other, bytes, sizeof(bytes), &error), SEALRING_OK);
    ck_assert_int_eq(token_key_prove(other, &reference, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    token_close(other);
}
END_TEST

START_TEST(forked_child_is_refused_and_parent_goes_on)
{
    sealring_error error;
    uint8_t bytes[8];
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        bool good = sign(&error) == SEALRING_TOKEN && strstr(error.message, "forked") != NULL &&
                    token_random(token, bytes, sizeof(bytes), &error) == SEALRING_TOKEN &&
                    token_key_prove(token, &reference, NULL, &error) == SEALRING_TOKEN &&
                    token_key_destroy(token, reference.object_id, reference.object_id_length, NULL, NULL, &error) ==
                        SEALRING_TOKEN;
        token_close(token);
        /* Its own, opened anew, works; closing that must not end the parent's either. */
        token = NULL;
        good = good && token_open(&test.config, &token, &error) == SEALRING_OK && sign(&error) == SEALRING_OK;
        token_close(token);
        _exit(good ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(sign(&error), SEALRING_OK);
    ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_OK);
}
END_TEST

/* The child of a process whose other threads are inside the module: it must not wait for a lock that nobody gives
 * back. */
START_TEST(child_forked_among_threads_is_refused)
{
    struct hammer hammers[4] = {0};
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]), 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            alarm(10);
            bool good = sign(NULL) == SEALRING_TOKEN;
            token_close(token);
            _exit(good ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(hammers[i].thread, NULL), 0);
        ck_assert_uint_eq(hammers[i].other + hammers[i].outages, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token outage");
    TCase *cases = tcase_create("outage");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 90);
    if (token_kind()->needs_directory) {
        tcase_add_test(cases, directory_away_is_an_outage_and_heals);
        tcase_add_loop_test(cases, first_call_in_an_outage_says_so, 0, 8);
        tcase_add_test(cases, outage_does_not_cost_every_request_an_attempt);
        tcase_add_test(cases, threads_live_through_outages);
        tcase_add_test(cases, two_tokens_on_one_module_heal);
    } else {
        tcase_add_test(cases, directory_away_is_not_noticed_while_it_is_open);
    }
    tcase_add_test(cases, neighbour_is_not_disturbed);
    tcase_add_test(cases, forked_child_is_refused_and_parent_goes_on);
    if (FORKS_AMONG_THREADS)
        tcase_add_test(cases, child_forked_among_threads_is_refused);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
