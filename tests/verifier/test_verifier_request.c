/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as structures: what is understood, and what is answered without waiting. */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/stage.h"

static struct stage stage;
static struct stage_key key;
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 0);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    vault = stage_open_manual(&stage);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

static _Thread_local unsigned locks;

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    locks++;
    return __real_pthread_mutex_lock(mutex);
}

static sealring_request request_of(const char *text, uint32_t flags)
{
    return (sealring_request){
        .size = sizeof(sealring_request), .credential = text, .length = strlen(text), .flags = flags};
}

static sealring_verdict ask_at_once(const char *text, const char *scope)
{
    sealring_request request = request_of(text, SEALRING_NONBLOCK);
    request.scope = scope;
    locks = 0;
    sealring_verdict verdict = sealring_verify_request(vault, &request, NULL);
    ck_assert_uint_eq(locks, 0);
    return verdict;
}

/* ---- Without waiting */

START_TEST(what_is_in_memory_is_answered)
{
    ck_assert_int_eq(ask_at_once(key.text, NULL), SEALRING_WOULD_BLOCK);
    locks = 0;
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    ck_assert_uint_gt(locks, 0); /* they are counted */
    ck_assert_int_eq(ask_at_once(key.text, NULL), SEALRING_ACCEPTED);
    ck_assert_int_eq(ask_at_once(key.text, "read"), SEALRING_ACCEPTED);
    ck_assert_int_eq(ask_at_once(key.text, "admin"), SEALRING_REJECTED_SCOPE);
    ck_assert_int_eq(ask_at_once("no credential", NULL), SEALRING_REJECTED_MALFORMED);
    ck_assert_int_eq(ask_at_once("", NULL), SEALRING_REJECTED_MALFORMED);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
    stage_look(vault);
    ck_assert_int_eq(ask_at_once(key.text, NULL), SEALRING_REJECTED_SUSPENDED);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    stage_look(vault);
    ck_assert_int_eq(ask_at_once(key.text, NULL), SEALRING_WOULD_BLOCK); /* a revoked key leaves the cache */
    stage_expect(vault, key.text, SEALRING_REJECTED_REVOKED);
}
END_TEST

START_TEST(an_imported_key_is_answered)
{
    const char *text = "an imported key of any form";
    struct stage_key imported;
    ck_assert_int_eq(ask_at_once(text, NULL), SEALRING_REJECTED_MALFORMED); /* no key was ever imported */
    stage_import(&stage, STAGE_RING, text, &imported);
    stage_look(vault);
    ck_assert_int_eq(ask_at_once(text, NULL), SEALRING_WOULD_BLOCK);
    stage_expect(vault, text, SEALRING_ACCEPTED);
    ck_assert_int_eq(ask_at_once(text, NULL), SEALRING_ACCEPTED);
}
END_TEST

/* A credential that cache warming derived has no record in the report for this hour yet: to make it takes a lock. */
START_TEST(the_first_use_in_an_hour_may_wait)
{
    const sealring_options options = {.size = sizeof options, .manual_maintenance = 1};
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    sealring_close(&vault);
    vault = stage_open_with(&stage, &options);
    for (unsigned i = 0; i < 100 && stage_statistics(vault).warmed == 0; i++)
        stage_look(vault);
    ck_assert_uint_eq(stage_statistics(vault).warmed, 1);
    sealring_statistics before = stage_statistics(vault);
    ck_assert_int_eq(ask_at_once(key.text, NULL), SEALRING_WOULD_BLOCK);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_mem_eq(after.verdicts, before.verdicts, sizeof after.verdicts);
    ck_assert_uint_eq(after.cached, before.cached);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).cached, before.cached + 1);
    ck_assert_int_eq(ask_at_once(key.text, NULL), SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).cached, before.cached + 2);
}
END_TEST

START_TEST(a_would_block_counts_and_shows_nothing)
{
    sealring_request request = request_of(key.text, SEALRING_NONBLOCK);
    sealring_grant grant = {.size = sizeof grant, .key_id = "x", .client = "x", .version = 7};
    sealring_statistics before = stage_statistics(vault);
    ck_assert_int_eq(sealring_verify_request(vault, &request, &grant), SEALRING_WOULD_BLOCK);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_mem_eq(&after.verdicts, &before.verdicts, sizeof after.verdicts);
    ck_assert_uint_eq(after.registry_lookups, before.registry_lookups);
    ck_assert_uint_eq(after.token_operations, before.token_operations);
    ck_assert_str_eq(grant.key_id, "");
    ck_assert_str_eq(grant.client, "");
    ck_assert_uint_eq(grant.version, 0);
    ck_assert_ptr_nonnull(strstr(grant.reason, "a thread that may wait"));
    ck_assert_int_eq(sealring_verdict_http_status(SEALRING_WOULD_BLOCK), 503);
    ck_assert_str_eq(sealring_verdict_name(SEALRING_WOULD_BLOCK), "would-block");
    ck_assert(!sealring_verdict_accepted(SEALRING_WOULD_BLOCK));
}
END_TEST

static int in_child(void)
{
    sealring_request request = request_of(key.text, SEALRING_NONBLOCK);
    if (sealring_verify_request(vault, &request, NULL) != SEALRING_WOULD_BLOCK) /* it would join */
        return 1;
    request.flags = 0;
    if (sealring_verify_request(vault, &request, NULL) != SEALRING_ACCEPTED)
        return 2;
    request.flags = SEALRING_NONBLOCK;
    sealring_verdict verdict = sealring_verify_request(vault, &request, NULL);
    sealring_close(&vault);
    return verdict == SEALRING_ACCEPTED ? 0 : 3;
}

START_TEST(a_forked_child_joins_only_where_it_may_wait)
{
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    pid_t child = fork();
    if (child == 0)
        _exit(in_child());
    ck_assert_int_eq(stage_child(child), 0);
    ck_assert_int_eq(ask_at_once(key.text, NULL), SEALRING_ACCEPTED);
}
END_TEST

static void *ask_and_wait(void *context)
{
    struct stage_key *unseen = context;
    return sealring_verify(vault, unseen->text, strlen(unseen->text), NULL, NULL) == SEALRING_ACCEPTED ? context : NULL;
}

static bool is_held(void *context)
{
    (void)context;
    return atomic_load(&stage.counting->held) > 0;
}

START_TEST(a_token_that_hangs_delays_nobody_else)
{
    struct stage_key unseen;
    pthread_t thread;
    void *accepted = NULL;
    stage_issue(&stage, STAGE_RING, "read", &unseen);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    atomic_store(&stage.counting->hold, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_and_wait, &unseen), 0);
    ck_assert(stage_wait(is_held, NULL));
    int64_t began = stage_time_ms();
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(ask_at_once(key.text, "read"), SEALRING_ACCEPTED);
        ck_assert_int_eq(ask_at_once(unseen.text, NULL), SEALRING_WOULD_BLOCK);
    }
    ck_assert_int_lt(stage_time_ms() - began, 1000); /* the other thread gives up after five times that */
    ck_assert(is_held(NULL));
    atomic_store(&stage.counting->hold, 0);
    ck_assert_int_eq(pthread_join(thread, &accepted), 0);
    ck_assert_ptr_nonnull(accepted);
    ck_assert_int_eq(ask_at_once(unseen.text, NULL), SEALRING_ACCEPTED);
}
END_TEST

/* ---- What is understood */

struct later_request {
    sealring_request request;
    uint64_t later;
};

START_TEST(what_is_not_understood_is_not_judged)
{
    sealring_grant grant = {.size = sizeof grant};
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    struct later_request later = {.request = request_of(key.text, 0)};
    later.request.size = sizeof later;
    ck_assert_int_eq(sealring_verify_request(vault, &later.request, &grant), SEALRING_ACCEPTED);
    later.later = UINT64_C(1) << 56;
    ck_assert_int_eq(sealring_verify_request(vault, &later.request, &grant), SEALRING_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(grant.reason, "libsealring is older than the program"));
    ck_assert_str_eq(grant.client, "");
    for (unsigned bit = 1; bit < 32; bit++) {
        sealring_request request = request_of(key.text, UINT32_C(1) << bit);
        ck_assert_int_eq(sealring_verify_request(vault, &request, NULL), SEALRING_UNAVAILABLE);
    }
    for (size_t size = 0; size < sizeof(sealring_request); size += 4) {
        sealring_request request = request_of(key.text, 0);
        request.size = size;
        ck_assert_int_eq(sealring_verify_request(vault, &request, NULL), SEALRING_UNAVAILABLE);
    }
}
END_TEST

START_TEST(an_older_grant_is_filled_as_far_as_it_goes)
{
    sealring_request request = request_of(key.text, 0);
    sealring_grant grant = {.size = offsetof(sealring_grant, client), .client = "kept"};
    ck_assert_int_eq(sealring_verify_request(vault, &request, &grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(grant.key_id, key.key_id);
    ck_assert_str_eq(grant.ring, STAGE_RING);
    ck_assert_str_eq(grant.client, "kept");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("request");
    TCase *cases = tcase_create("request");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, what_is_in_memory_is_answered);
    tcase_add_test(cases, an_imported_key_is_answered);
    tcase_add_test(cases, the_first_use_in_an_hour_may_wait);
    tcase_add_test(cases, a_would_block_counts_and_shows_nothing);
    tcase_add_test(cases, a_forked_child_joins_only_where_it_may_wait);
    tcase_add_test(cases, a_token_that_hangs_delays_nobody_else);
    tcase_add_test(cases, what_is_not_understood_is_not_judged);
    tcase_add_test(cases, an_older_grant_is_filled_as_far_as_it_goes);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
