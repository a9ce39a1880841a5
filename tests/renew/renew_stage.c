/* SPDX-License-Identifier: Apache-2.0 */
/* A vault with a ring that renews credentials, a verifier, and a wall clock that can be set ahead. */
#include "renew/renew_stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct test_vault vault;
sealring_manager *manager;
sealring_vault *verifier;
sealring_error error;
char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
char key_id[SEALRING_KEY_ID_LENGTH + 1];

static int64_t ahead_ms;

/* Instead of the C library's, for the whole program. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME)
        time->tv_sec += ahead_ms / 1000;
    return result;
}

void stage_wait(int64_t milliseconds)
{
    ahead_ms += milliseconds;
}

int64_t stage_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void stage_open(void)
{
    test_vault_make(&vault);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, STAGE_RING, "acme_live", DAY);
    stage_policy((sealring_policy){.renew = SEALRING_RENEW_BEARER, .renew_age = SEALRING_RENEW_AGE_OFF},
                 SEALRING_POLICY_RENEW | SEALRING_POLICY_RENEW_AGE);
    test_vault_issue(manager, STAGE_RING, STAGE_CLIENT, "read", text, key_id);
    verifier = test_vault_open(&vault);
}

void stage_close(void)
{
    sealring_close(&verifier);
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

static int tell(uint64_t entry, const char *problem, void *context)
{
    (void)context;
    ck_abort_msg("entry %llu: %s", (unsigned long long)entry, problem);
    return 0;
}

void stage_verify_and_close(void)
{
    sealring_audit_report report = {.size = sizeof report};
    ASSERT_OK(sealring_audit_verify(manager, NULL, tell, NULL, &report, &error), error);
    stage_close();
}

void stage_rotate(void)
{
    sealring_vault *const verifiers[] = {verifier, NULL};
    ASSERT_OK(test_vault_change(manager, verifiers, STAGE_RING, SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error), error);
}

void stage_policy(sealring_policy policy, unsigned fields)
{
    ASSERT_OK(sealring_ring_set(manager, STAGE_RING, &policy, fields, &error), error);
}

struct test_handed stage_issue(const char *client, int64_t expires)
{
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = client, .scopes = "read write", .expires = expires};
    ASSERT_OK(sealring_issue(manager, STAGE_RING, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take, &handed,
                             NULL, &error),
              error);
    return handed;
}

const sealring_renewal *stage_renew(const char *credential, const char *peer)
{
    static sealring_renewal request = {.size = sizeof request};
    sealring_renewal_release(&request);
    request.credential = credential;
    request.credential_length = strlen(credential);
    request.peer = peer;
    ASSERT_OK(sealring_renew(manager, &request, 1, &error), error);
    return &request;
}

const sealring_renewal *stage_expect(const char *credential, const char *peer, sealring_renewal_result result)
{
    const sealring_renewal *answer = stage_renew(credential, peer);
    ck_assert_msg(answer->result == result, "%s, not %s: %s", sealring_renewal_result_name(answer->result),
                  sealring_renewal_result_name(result), answer->reason);
    const bool has_successor = result == SEALRING_RENEWAL_ISSUED || result == SEALRING_RENEWAL_AGAIN;
    ck_assert_int_eq(answer->successor[0] != '\0', has_successor);
    ck_assert_str_ne(answer->reason, "");
    return answer;
}
