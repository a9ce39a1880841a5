/* SPDX-License-Identifier: Apache-2.0 */
/* A credential seen before: answered from memory, without token, registry, allocation or system call. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/allocations.h"
#include "verifier/stage.h"

#define TIMES 10000

static struct stage stage;
static struct stage_key key, suspended, bound, unseen, no_credential = {.text = "no credential"};
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 0);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue(&stage, STAGE_RING, "read write", &suspended);
    stage_issue_bound(&stage, STAGE_RING, "10.0.0.0/8,2001:db8::/48", &bound);
    stage_issue(&stage, STAGE_RING, "read write", &unseen);
    vault = stage_open_manual(&stage);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, suspended.text, SEALRING_ACCEPTED);
    stage_expect(vault, bound.text, SEALRING_REJECTED_ADDRESS);
    stage_set_state(&stage, suspended.key_id, SEALRING_KEY_SUSPENDED);
    stage_look(vault);
    stage_expect(vault, suspended.text, SEALRING_REJECTED_SUSPENDED);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

/* What a server may ask of credentials that were seen before, and of others without waiting; and what is the answer. */
static const struct question {
    const struct stage_key *key;
    const char *scope;
    sealring_verdict expected;
    bool cached;
    uint32_t flags;
    const char *address; /* of IPv4, in network byte order */
} questions[] = {
    {&key, NULL, SEALRING_ACCEPTED, true, 0, NULL},
    {&key, "read", SEALRING_ACCEPTED, true, 0, NULL},
    {&key, "write read", SEALRING_ACCEPTED, true, 0, NULL},
    {&key, "admin", SEALRING_REJECTED_SCOPE, true, 0, NULL},
    {&suspended, NULL, SEALRING_REJECTED_SUSPENDED, true, 0, NULL},
    {&key, "read", SEALRING_ACCEPTED, true, SEALRING_NONBLOCK, NULL},
    {&key, "admin", SEALRING_REJECTED_SCOPE, true, SEALRING_NONBLOCK, NULL},
    {&suspended, NULL, SEALRING_REJECTED_SUSPENDED, true, SEALRING_NONBLOCK, NULL},
    {&bound, "read", SEALRING_ACCEPTED, true, 0, "\x0a\x00\x00\x01"},
    {&bound, "admin", SEALRING_REJECTED_SCOPE, true, 0, "\x0a\x00\x00\x01"},
    {&bound, "read", SEALRING_REJECTED_ADDRESS, true, 0, "\x0b\x00\x00\x01"},
    {&bound, "read", SEALRING_ACCEPTED, true, SEALRING_NONBLOCK, "\x0a\x00\x00\x01"},
    {&bound, "read", SEALRING_REJECTED_ADDRESS, true, SEALRING_NONBLOCK, NULL},
    {&key, "read", SEALRING_ACCEPTED, true, SEALRING_NONBLOCK, "\x0b\x00\x00\x01"},
    {&unseen, NULL, SEALRING_WOULD_BLOCK, false, SEALRING_NONBLOCK, NULL},
    {&no_credential, NULL, SEALRING_REJECTED_MALFORMED, false, SEALRING_NONBLOCK, NULL},
};
#define QUESTIONS (sizeof questions / sizeof questions[0])

/* Returns how many answers were wrong. */
static unsigned ask_many(const struct question *question)
{
    unsigned wrong = 0;
    sealring_request request = {.size = sizeof request,
                                .credential = question->key->text,
                                .length = strlen(question->key->text),
                                .scope = question->scope,
                                .address = (const uint8_t *)question->address,
                                .address_length = question->address != NULL ? 4 : 0,
                                .flags = question->flags};
    sealring_grant grant = {.size = sizeof grant};
    for (unsigned i = 0; i < TIMES; i++)
        wrong += sealring_verify_request(vault, &request, &grant) != question->expected;
    return wrong;
}

static void expect_neither_token_nor_registry(const struct question *question)
{
    sealring_statistics before = stage_statistics(vault);
    uint64_t sign_init = stage.counting->sign_init, sign = stage.counting->sign, find = stage.counting->find;
    ck_assert_uint_eq(ask_many(question), 0);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_uint_eq(after.cached, before.cached + (question->cached ? TIMES : 0));
    if (question->expected != SEALRING_WOULD_BLOCK) /* which is not counted */
        ck_assert_uint_eq(after.verdicts[question->expected], before.verdicts[question->expected] + TIMES);
    ck_assert_uint_eq(after.registry_lookups, before.registry_lookups);
    ck_assert_uint_eq(after.token_operations, before.token_operations);
    ck_assert_uint_eq(stage.counting->sign_init, sign_init);
    ck_assert_uint_eq(stage.counting->sign, sign);
    ck_assert_uint_eq(stage.counting->find, find);
}

START_TEST(neither_token_nor_registry_is_asked)
{
    for (size_t i = 0; i < QUESTIONS; i++)
        expect_neither_token_nor_registry(&questions[i]);
}
END_TEST

START_TEST(no_memory_is_allocated)
{
    uint64_t before = allocations_made();
    char *volatile control = strdup("a library's allocation");
    free(control);
    ck_assert_uint_gt(allocations_made(), before); /* it does count */
    for (size_t i = 0; i < QUESTIONS; i++) {
        unsigned wrong = ask_many(&questions[i]); /* whatever a thread does once */
        before = allocations_made();
        wrong += ask_many(&questions[i]);
        uint64_t made = allocations_made() - before;
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_eq(made, 0);
    }
}
END_TEST

/* ---- System calls: a filter on the asking thread lets it end, and traps everything else. */

struct asker {
    bool filtered;
    unsigned wrong;
    unsigned control; /* trapped calls after one that was made on purpose */
    unsigned calls;   /* trapped while asking */
};

static _Atomic(unsigned) trapped;
static _Atomic(int) trapped_last;

static void on_trap(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    (void)context;
    atomic_store(&trapped_last, information->si_syscall);
    atomic_fetch_add(&trapped, 1);
}

static bool filter_system_calls(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void *ask_filtered(void *argument)
{
    struct asker *asker = argument;
    for (size_t i = 0; i < QUESTIONS; i++)
        asker->wrong += ask_many(&questions[i]); /* whatever a thread does once */
    asker->filtered = filter_system_calls();
    if (!asker->filtered)
        return NULL;
    syscall(SYS_getppid);
    asker->control = atomic_exchange(&trapped, 0);
    for (size_t i = 0; i < QUESTIONS; i++)
        asker->wrong += ask_many(&questions[i]);
    asker->calls = atomic_load(&trapped);
    syscall(SYS_exit, 0); /* pthread_exit would want more */
    return NULL;
}

START_TEST(no_system_call_is_made)
{
    struct asker asker = {.filtered = false};
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    ck_assert_int_eq(sigaction(SIGSYS, &action, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_filtered, &asker), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(asker.filtered);
    ck_assert_uint_eq(asker.control, 1); /* the filter does trap */
    ck_assert_uint_eq(asker.wrong, 0);
    ck_assert_msg(asker.calls == 0, "%u system calls in %zu verifications, the last one number %d", asker.calls,
                  QUESTIONS * TIMES, atomic_load(&trapped_last));
}
END_TEST

/* ---- The answer is the same as at first sight. */

START_TEST(the_grant_is_that_of_first_sight)
{
    sealring_grant first = {.size = sizeof first}, again = {.size = sizeof again};
    stage_issue_many(&stage, STAGE_RING, 1);
    const char *text = stage.keys[0].text;
    ck_assert_int_eq(sealring_verify(vault, text, strlen(text), "read", &first), SEALRING_ACCEPTED);
    uint64_t cached = stage_statistics(vault).cached;
    ck_assert_int_eq(sealring_verify(vault, text, strlen(text), "read", &again), SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).cached, cached + 1);
    ck_assert_str_eq(first.key_id, stage.keys[0].key_id);
    ck_assert_str_eq(first.ring, STAGE_RING);
    ck_assert_str_eq(first.client, STAGE_CLIENT);
    ck_assert_str_eq(first.scopes, "read write");
    ck_assert_str_eq(again.key_id, first.key_id);
    ck_assert_str_eq(again.ring, first.ring);
    ck_assert_str_eq(again.client, first.client);
    ck_assert_str_eq(again.scopes, first.scopes);
    ck_assert_uint_eq(again.version, first.version);
    ck_assert_uint_eq(again.serial, first.serial);
    ck_assert_int_eq(again.version_state, first.version_state);
    ck_assert_int_eq(again.not_before, first.not_before);
    ck_assert_int_eq(again.expires, first.expires);
    ck_assert_int_eq(again.sunset, first.sunset);
}
END_TEST

/* ---- The cache has a bound: the least recently used give way, and come back. */

START_TEST(the_cache_is_bounded)
{
    enum { KEYS = 200, MOST = 50 };
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1, .no_warming = 1, .cache_max = MOST};
    stage_issue_many(&stage, STAGE_RING, KEYS);
    sealring_vault *small = stage_open_with(&stage, &options);
    for (unsigned i = 0; i < KEYS; i++) {
        stage_expect(small, stage.keys[i].text, SEALRING_ACCEPTED);
        stage_expect(small, key.text, SEALRING_ACCEPTED); /* used all the time */
        ck_assert_uint_le(stage_statistics(small).credentials, MOST);
    }
    ck_assert_uint_ge(stage_statistics(small).credentials, MOST / 2);
    ck_assert_uint_le(stage_statistics(small).token_operations, KEYS + KEYS / 10); /* what is used stays, mostly */
    for (unsigned i = 0; i < KEYS; i++)
        stage_expect(small, stage.keys[i].text, SEALRING_ACCEPTED);
    sealring_close(&small);
}
END_TEST

START_TEST(a_cached_credential_takes_little_memory)
{
    enum { KEYS = 1000 };
    stage_issue_many(&stage, STAGE_RING, KEYS);
    sealring_statistics before = stage_statistics(vault);
    size_t memory = allocations_bytes();
    for (unsigned i = 0; i < KEYS; i++)
        stage_expect(vault, stage.keys[i].text, SEALRING_ACCEPTED);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_uint_eq(after.credentials, before.credentials + KEYS);
    ck_assert_uint_le((after.credential_bytes - before.credential_bytes) / KEYS, 320);
    if (!SANITIZED) /* nor is it more than is owned up to, connections with their statements and sessions aside */
        ck_assert_uint_le(allocations_bytes() - memory, (after.credential_bytes - before.credential_bytes) + 81920);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cached");
    TCase *cases = tcase_create("cached");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, neither_token_nor_registry_is_asked);
    tcase_add_test(cases, no_memory_is_allocated);
    if (!THREAD_SANITIZED) /* it delivers signals later, and makes system calls of its own */
        tcase_add_test(cases, no_system_call_is_made);
    tcase_add_test(cases, the_grant_is_that_of_first_sight);
    tcase_add_test(cases, the_cache_is_bounded);
    tcase_add_test(cases, a_cached_credential_takes_little_memory);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
