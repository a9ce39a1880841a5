/* SPDX-License-Identifier: Apache-2.0 */
/* The operations: rings, rotation with overlap, roll-back, retirement, reissue, rekey, bulk issuing, dry runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sealring/manage.h>

#include "lib/runner.h"
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
    test_vault_ring(manager, "payments", "acme_live", 1000);
    test_vault_issue(manager, "payments", "acme-mobile", "read", text, key_id);
    verifier = test_vault_open(&vault);
}

static void teardown(void)
{
    sealring_close(&verifier);
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

static sealring_status change(sealring_event event, uint32_t version, sealring_change *result)
{
    sealring_vault *const verifiers[] = {verifier, NULL};
    return test_vault_change(manager, verifiers, "payments", event, version, NULL, result, &error);
}

static sealring_status retire(const sealring_event_options *overrule)
{
    sealring_vault *const verifiers[] = {verifier, NULL};
    return test_vault_change(manager, verifiers, "payments", SEALRING_EVENT_RETIRE, 1, overrule, NULL, &error);
}

static struct test_handed reissue(const char *key)
{
    struct test_handed handed = {.calls = 0};
    ASSERT_OK(sealring_reissue(manager, key, test_vault_take, &handed, &error), error);
    ck_assert_uint_eq(handed.calls, 1);
    return handed;
}

static long long state_of(uint32_t version)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT state FROM version WHERE number = %u", version);
    return test_vault_number(&vault, sql);
}

START_TEST(a_rotation_from_beginning_to_end)
{
    sealring_change result = {.size = sizeof result};
    sealring_grant grant = {.size = sizeof grant};
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, &result), error);
    ck_assert_uint_eq(result.count, 2);
    struct test_handed next = reissue(key_id);
    ck_assert_uint_eq(next.version, 2);
    ck_assert_uint_eq(next.serial, 2);
    ck_assert(!next.existed);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), "read", &grant), SEALRING_ACCEPTED);
    ck_assert_int_eq(grant.version_state, SEALRING_VERSION_RETIRING);
    ck_assert_int_gt(grant.sunset, 0);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, next.text, strlen(next.text), "read", &grant), SEALRING_ACCEPTED);
    ck_assert_int_eq(grant.sunset, 0);
    ck_assert_uint_eq(grant.serial, 2);
    /* asked again, it is the same credential */
    struct test_handed again = reissue(key_id);
    ck_assert(again.existed);
    ck_assert_str_eq(again.text, next.text);

    sealring_status status;
    unsigned waited = 0;
    while ((status = change(SEALRING_EVENT_RETIRE, 1, &result)) == SEALRING_WAITING) {
        if (waited++ == 0) /* which counts as a use, and the version must be without one for a while */
            test_vault_expect_now(verifier, text, "read", SEALRING_ACCEPTED);
        usleep(50000);
    }
    ck_assert_int_eq(status, SEALRING_OK);
    ck_assert_uint_gt(waited, 0);
    test_vault_expect_now(verifier, text, "read", SEALRING_REJECTED_VERSION_RETIRED);
    test_vault_expect_now(verifier, next.text, "read", SEALRING_ACCEPTED);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM version WHERE closing_owed = 1"), 0);
}
END_TEST

START_TEST(rolled_back_and_forward_again)
{
    char late[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char late_id[SEALRING_KEY_ID_LENGTH + 1];
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error);
    test_vault_issue(manager, "payments", "late", "", late, late_id);
    ASSERT_OK(change(SEALRING_EVENT_ROLLBACK, 0, NULL), error);
    ck_assert_int_eq(state_of(1), SEALRING_VERSION_ACTIVE);
    ck_assert_int_eq(state_of(2), SEALRING_VERSION_RETIRING);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT rotation_held FROM ring"), 1);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    test_vault_expect_now(verifier, late, NULL, SEALRING_ACCEPTED);
    ck_assert_uint_eq(reissue(late_id).version, 1);
    ASSERT_OK(change(SEALRING_EVENT_ACTIVATE, 2, NULL), error);
    ck_assert_int_eq(state_of(2), SEALRING_VERSION_ACTIVE);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT rotation_held FROM ring"), 0);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    test_vault_expect_now(verifier, late, NULL, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_retired_version_comes_back_by_reinstate_only)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error);
    ASSERT_OK(retire(&overrule), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_VERSION_RETIRED);
    ck_assert_int_eq(change(SEALRING_EVENT_ACTIVATE, 1, NULL), SEALRING_REFUSED);
    ASSERT_OK(change(SEALRING_EVENT_REINSTATE, 1, NULL), error);
    ck_assert_int_eq(state_of(1), SEALRING_VERSION_PENDING);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
    ASSERT_OK(change(SEALRING_EVENT_ACTIVATE, 1, NULL), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_compromised_version_never_comes_back)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    sealring_change result = {.size = sizeof result};
    ASSERT_OK(change(SEALRING_EVENT_PREPARE, 0, NULL), error);
    ASSERT_OK(change(SEALRING_EVENT_COMPROMISE, 1, &result), error);
    ck_assert_uint_eq(result.count, 2);
    ck_assert_int_eq(state_of(2), SEALRING_VERSION_ACTIVE); /* the standby took over */
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_VERSION_COMPROMISED);
    ck_assert_int_eq(change(SEALRING_EVENT_REINSTATE, 1, NULL), SEALRING_REFUSED);
    ck_assert_int_eq(change(SEALRING_EVENT_ACTIVATE, 1, NULL), SEALRING_REFUSED);
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_DESTROY, 1, &overrule, NULL, &error), error);
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_VERSION_COMPROMISED);
    ck_assert_int_eq(state_of(1), SEALRING_VERSION_DESTROYED);
    ck_assert_int_eq(change(SEALRING_EVENT_REINSTATE, 1, NULL), SEALRING_REFUSED);
    /* its claims cannot be confirmed any more; from the operator's own list the same key goes on */
    struct test_handed handed = {.calls = 0};
    ck_assert_int_eq(sealring_reissue(manager, key_id, test_vault_take, &handed, &error), SEALRING_REFUSED);
    sealring_issue_request request = {.client = "acme-mobile", .scopes = "read"};
    ck_assert_int_eq(sealring_issue(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take,
                                    &handed, NULL, &error),
                     SEALRING_REFUSED);
    request.key_id = key_id;
    ASSERT_OK(sealring_issue(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take, &handed,
                             NULL, &error),
              error);
    ck_assert_str_eq(handed.key_id, key_id);
    ck_assert_uint_eq(handed.serial, 2);
    test_vault_expect_now(verifier, handed.text, "read", SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_reinstated_version_is_nobodys_next_one)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error);
    ASSERT_OK(retire(&overrule), error);
    ASSERT_OK(change(SEALRING_EVENT_REINSTATE, 1, NULL), error);
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error); /* makes version 3 */
    ck_assert_int_eq(state_of(1), SEALRING_VERSION_PENDING);
    ck_assert_int_eq(state_of(3), SEALRING_VERSION_ACTIVE);
    ASSERT_OK(change(SEALRING_EVENT_COMPROMISE, 3, NULL), error); /* and it is no standby */
    ck_assert_int_eq(state_of(1), SEALRING_VERSION_PENDING);
    ASSERT_OK(change(SEALRING_EVENT_ACTIVATE, 1, NULL), error); /* by its name only */
    ck_assert_int_eq(state_of(1), SEALRING_VERSION_ACTIVE);
}
END_TEST

START_TEST(what_has_expired_is_not_handed_over_again)
{
    struct test_handed handed = {.calls = 0};
    int64_t end = (int64_t)time(NULL) * 1000 + 1500;
    sealring_issue_request request = {.client = "brief", .expires = end, .expires_is_relative = true};
    ASSERT_OK(sealring_issue(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take, &handed,
                             NULL, &error),
              error);
    while (sealring_verify(verifier, handed.text, strlen(handed.text), NULL, NULL) == SEALRING_ACCEPTED)
        usleep(20000);
    request.expires = end + 600000;
    handed.calls = 0;
    ck_assert_int_eq(sealring_issue(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take,
                                    &handed, NULL, &error),
                     SEALRING_REFUSED);
    ck_assert_uint_eq(handed.calls, 0);
}
END_TEST

/* ---- keys that clients have from elsewhere */

static const char foreign[] = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";
/* printf %s sk_test_4eC39HqLyjWDarjtT1zdp7dc | sha256sum */
static const uint8_t foreign_digest[32] = {0x2c, 0xaf, 0xc0, 0x97, 0x01, 0x49, 0xa8, 0x4f, 0x3b, 0x9e, 0x62,
                                           0xea, 0xf1, 0x69, 0xf3, 0x6f, 0x59, 0x90, 0x7a, 0x3b, 0x3e, 0x31,
                                           0xf7, 0xb8, 0x2e, 0x68, 0xc6, 0x9c, 0xd2, 0x7f, 0x73, 0x26};

static int count_imported(const sealring_issued *issued, void *context)
{
    struct test_handed *handed = context;
    ck_assert_ptr_null(issued->credential);
    snprintf(handed->key_id, sizeof handed->key_id, "%s", issued->key_id);
    handed->existed = issued->existed;
    handed->calls++;
    return 0;
}

START_TEST(imported_keys_work_as_they_are_until_they_are_reissued)
{
    struct test_handed handed = {.calls = 0};
    sealring_grant grant = {.size = sizeof grant};
    sealring_issue_request request = {.client = "legacy",
                                      .scopes = "read",
                                      .expires = (int64_t)time(NULL) * 1000 + 3600000,
                                      .sha256 = foreign_digest};
    test_vault_expect_now(verifier, foreign, NULL, SEALRING_REJECTED_MALFORMED);
    ASSERT_OK(sealring_import(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, count_imported, &handed,
                              NULL, &error),
              error);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, foreign, strlen(foreign), "read", &grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(grant.client, "legacy");
    ck_assert_str_eq(grant.key_id, handed.key_id);
    test_vault_expect_now(verifier, foreign, "write", SEALRING_REJECTED_SCOPE);
    test_vault_expect_now(verifier, "sk_test_4eC39HqLyjWDarjtT1zdp7dd", NULL, SEALRING_REJECTED_MALFORMED);
    /* again: the same; for another client: no */
    ASSERT_OK(sealring_import(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, count_imported, &handed,
                              NULL, &error),
              error);
    ck_assert(handed.existed);
    request.client = "other";
    ck_assert_int_eq(sealring_import(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, count_imported,
                                     &handed, NULL, &error),
                     SEALRING_REFUSED);
    /* replaced at the first reissue: good for the overlap still, then over */
    struct test_handed next = reissue(handed.key_id);
    test_vault_expect_now(verifier, next.text, "read", SEALRING_ACCEPTED);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, foreign, strlen(foreign), "read", &grant), SEALRING_ACCEPTED);
    ck_assert_int_gt(grant.sunset, 0);
    /* by a clock that was just read: what was reckoned since the last look may be a millisecond ahead */
    while (sealring_verify(verifier, foreign, strlen(foreign), NULL, NULL) == SEALRING_ACCEPTED) {
        usleep(20000);
        sealring_maintain(verifier, NULL, NULL);
    }
    test_vault_expect_now(verifier, foreign, NULL, SEALRING_REJECTED_REVOKED);
    test_vault_expect_now(verifier, next.text, "read", SEALRING_ACCEPTED);
}
END_TEST

/* What a verifier says that has seen nothing yet. */
static void expect_afresh(const char *credential, sealring_verdict expected)
{
    sealring_close(&verifier);
    verifier = test_vault_open(&vault);
    test_vault_expect(verifier, credential, NULL, expected);
}

START_TEST(an_imported_row_cannot_be_edited_or_added)
{
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = "legacy",
                                      .scopes = "read",
                                      .expires = (int64_t)time(NULL) * 1000 + 3600000,
                                      .sha256 = foreign_digest};
    ASSERT_OK(sealring_import(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, count_imported, &handed,
                              NULL, &error),
              error);
    test_vault_expect_now(verifier, foreign, NULL, SEALRING_ACCEPTED);
    test_vault_sql(&vault, "UPDATE credential SET scopes = 'admin' WHERE imported = 1");
    test_vault_expect_now(verifier, foreign, "admin", SEALRING_REJECTED_SCOPE); /* as derived */
    expect_afresh(foreign, SEALRING_REJECTED_BAD_SECRET);
    test_vault_sql(&vault, "UPDATE credential SET scopes = 'read' WHERE imported = 1");
    expect_afresh(foreign, SEALRING_ACCEPTED);
    test_vault_sql(&vault, "UPDATE credential SET digest = randomblob(32) WHERE imported = 1");
    expect_afresh(foreign, SEALRING_REJECTED_MALFORMED);
    struct test_handed none = {.calls = 0};
    ck_assert_int_eq(sealring_reissue(manager, handed.key_id, test_vault_take, &none, &error), SEALRING_REFUSED);
    ck_assert_uint_eq(none.calls, 0);
}
END_TEST

START_TEST(an_import_wants_a_digest_and_an_end)
{
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = "legacy", .sha256 = foreign_digest};
    ck_assert_int_eq(sealring_import(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, count_imported,
                                     &handed, NULL, &error),
                     SEALRING_INVALID);
    request.sha256 = NULL;
    request.expires = (int64_t)time(NULL) * 1000 + 3600000;
    ck_assert_int_eq(sealring_import(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, count_imported,
                                     &handed, NULL, &error),
                     SEALRING_INVALID);
    sealring_issue_request twice[] = {{.client = "a", .expires = request.expires, .sha256 = foreign_digest},
                                      {.client = "b", .expires = request.expires, .sha256 = foreign_digest}};
    size_t bad = 0;
    ck_assert_int_eq(sealring_import(manager, "payments", twice, 2, SEALRING_ISSUE_ADD_CLIENTS, count_imported, &handed,
                                     &bad, &error),
                     SEALRING_INVALID);
    ck_assert_uint_eq(bad, 1);
    ck_assert_uint_eq(handed.calls, 0);
}
END_TEST

START_TEST(without_an_active_version_nothing_is_issued)
{
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = "acme-mobile", .label = "second"};
    ASSERT_OK(change(SEALRING_EVENT_COMPROMISE, 1, NULL), error);
    ck_assert_int_eq(sealring_issue(manager, "payments", &request, 1, 0, test_vault_take, &handed, NULL, &error),
                     SEALRING_REFUSED);
    ck_assert_uint_eq(handed.calls, 0);
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error);
    ASSERT_OK(sealring_issue(manager, "payments", &request, 1, 0, test_vault_take, &handed, NULL, &error), error);
    test_vault_expect_now(verifier, handed.text, NULL, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(too_many_living_predecessors_are_refused)
{
    sealring_policy policy = {.keep = 1};
    ASSERT_OK(sealring_ring_set(manager, "payments", &policy, SEALRING_POLICY_KEEP, &error), error);
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error);
    ck_assert_int_eq(change(SEALRING_EVENT_ROTATE, 0, NULL), SEALRING_WAITING);
    /* nothing was left behind by the half that would have worked */
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM version"), 2);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM intention"), 0);
}
END_TEST

START_TEST(rekey_ends_the_older_credentials)
{
    struct test_handed handed = {.calls = 0};
    sealring_rekey_request request = {.size = sizeof request, .scopes = "read write", .overlap = 1200};
    ASSERT_OK(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), error);
    test_vault_expect_now(verifier, handed.text, "read write", SEALRING_ACCEPTED);
    sealring_grant grant = {.size = sizeof grant};
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, text, strlen(text), NULL, &grant), SEALRING_ACCEPTED);
    ck_assert_int_gt(grant.sunset, 0);
    while (sealring_verify(verifier, text, strlen(text), NULL, &grant) != SEALRING_REJECTED_REVOKED)
        usleep(20000); /* accepted until then, or unavailable on a busy machine */
    test_vault_expect_now(verifier, text, NULL, SEALRING_REJECTED_REVOKED);
    request.overlap = 0;
    char second[sizeof text];
    memcpy(second, handed.text, sizeof second);
    ASSERT_OK(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), error);
    test_vault_expect_now(verifier, second, NULL, SEALRING_REJECTED_REVOKED);
    test_vault_expect_now(verifier, handed.text, NULL, SEALRING_ACCEPTED);
    ck_assert_uint_eq(handed.serial, 2 * 65536 + 1);
}
END_TEST

START_TEST(widening_a_narrowed_key_does_not_widen_its_older_credentials)
{
    struct test_handed handed = {.calls = 0};
    sealring_rekey_request request = {.size = sizeof request, .scopes = "read", .overlap = 60000};
    ASSERT_OK(sealring_key_narrow(manager, key_id, "", &error), error);
    test_vault_expect_now(verifier, text, "read", SEALRING_REJECTED_SCOPE);
    ck_assert_int_eq(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), SEALRING_REFUSED);
    request.overlap = 0;
    ASSERT_OK(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), error);
    test_vault_expect_now(verifier, handed.text, "read", SEALRING_ACCEPTED);
    test_vault_expect_now(verifier, text, "read", SEALRING_REJECTED_REVOKED);
}
END_TEST

/* ---- many at once */

enum { MANY = 620 }; /* more than two batches */

struct collected {
    char (*texts)[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    unsigned count;
    unsigned existed;
    unsigned stop_after;
};

static int collect(const sealring_issued *issued, void *context)
{
    struct collected *collected = context;
    if (collected->stop_after != 0 && collected->count == collected->stop_after)
        return 1;
    ck_assert_uint_eq(issued->index, collected->count);
    memcpy(collected->texts[collected->count++], issued->credential, strlen(issued->credential) + 1);
    collected->existed += issued->existed;
    return 0;
}

static void fill(sealring_issue_request *requests, char (*names)[20])
{
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "client-%d", i / 2);
        requests[i] = (sealring_issue_request){.client = names[i], .label = i % 2 ? "b" : "a", .scopes = "z a"};
    }
}

START_TEST(many_keys_stopped_in_the_middle_and_repeated)
{
    static sealring_issue_request requests[MANY];
    static char names[MANY][20];
    struct collected first = {.texts = calloc(MANY, sizeof *first.texts), .stop_after = 300};
    struct collected second = {.texts = calloc(MANY, sizeof *second.texts)};
    fill(requests, names);
    ck_assert_int_eq(
        sealring_issue(manager, "payments", requests, MANY, SEALRING_ISSUE_ADD_CLIENTS, collect, &first, NULL, &error),
        SEALRING_REFUSED);
    ck_assert_uint_eq(first.count, 300);
    long long committed = test_vault_number(&vault, "SELECT count(*) FROM api_key") - 1;
    ck_assert_int_eq(committed, 500);
    ASSERT_OK(
        sealring_issue(manager, "payments", requests, MANY, SEALRING_ISSUE_ADD_CLIENTS, collect, &second, NULL, &error),
        error);
    ck_assert_uint_eq(second.count, MANY);
    ck_assert_uint_eq(second.existed, (unsigned)committed);
    for (unsigned i = 0; i < first.count; i++)
        ck_assert_str_eq(first.texts[i], second.texts[i]);
    for (unsigned i = 0; i < MANY; i++)
        test_vault_expect_now(verifier, second.texts[i], "a z", SEALRING_ACCEPTED);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM api_key") - 1, MANY);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM client") - 1, MANY / 2);

    /* a ring's successors, all of them */
    struct collected successors = {.texts = calloc(MANY + 1, sizeof *successors.texts)};
    uint64_t total = 0;
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error);
    ASSERT_OK(sealring_reissue_ring(manager, "payments", &total, collect, &successors, &error), error);
    ck_assert_uint_eq(total, MANY + 1);
    ck_assert_uint_eq(successors.count, MANY + 1);
    ck_assert_uint_eq(successors.existed, 0);
    for (unsigned i = 0; i < successors.count; i++)
        test_vault_expect_now(verifier, successors.texts[i], NULL, SEALRING_ACCEPTED);
    for (unsigned i = 0; i < MANY; i++)
        test_vault_expect_now(verifier, second.texts[i], "a z", SEALRING_ACCEPTED);
    successors.count = 0;
    ASSERT_OK(sealring_reissue_ring(manager, "payments", &total, collect, &successors, &error), error);
    ck_assert_uint_eq(successors.existed, MANY + 1);
    free(first.texts);
    free(second.texts);
    free(successors.texts);
}
END_TEST

START_TEST(one_wrong_request_refuses_all)
{
    static sealring_issue_request requests[MANY];
    static char names[MANY][20];
    struct collected none = {.texts = NULL};
    size_t bad = 0;
    fill(requests, names);
    requests[517].scopes = "good \"bad\"";
    ck_assert_int_eq(
        sealring_issue(manager, "payments", requests, MANY, SEALRING_ISSUE_ADD_CLIENTS, collect, &none, &bad, &error),
        SEALRING_INVALID);
    ck_assert_uint_eq(bad, 517);
    ck_assert_ptr_nonnull(strstr(error.message, "request 518"));
    requests[517].line = 1200; /* of the caller's file */
    ck_assert_int_eq(
        sealring_issue(manager, "payments", requests, MANY, SEALRING_ISSUE_ADD_CLIENTS, collect, &none, &bad, &error),
        SEALRING_INVALID);
    ck_assert_int_eq(strncmp(error.message, "line 1200: ", strlen("line 1200: ")), 0);
    ck_assert_int_eq(sealring_issue(manager, "payments", &requests[517], 1, 0, collect, &none, &bad, &error),
                     SEALRING_INVALID);
    ck_assert_int_eq(strncmp(error.message, "line 1200: ", strlen("line 1200: ")), 0);
    fill(requests, names);
    ck_assert_int_eq(sealring_issue(manager, "nothing", requests, MANY, 0, collect, &none, &bad, &error),
                     SEALRING_NOT_FOUND);
    ck_assert_uint_eq(bad, SIZE_MAX); /* no request is at fault */
    requests[600].client = requests[2].client;
    requests[600].label = "a";
    ck_assert_int_eq(
        sealring_issue(manager, "payments", requests, MANY, SEALRING_ISSUE_ADD_CLIENTS, collect, &none, &bad, &error),
        SEALRING_INVALID);
    ck_assert_uint_eq(bad, 600);
    fill(requests, names);
    requests[619] = (sealring_issue_request){.client = "acme-mobile", .scopes = "read write"}; /* exists, narrower */
    ck_assert_int_eq(
        sealring_issue(manager, "payments", requests, MANY, SEALRING_ISSUE_ADD_CLIENTS, collect, &none, &bad, &error),
        SEALRING_REFUSED);
    ck_assert_uint_eq(bad, 619);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM api_key"), 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM client"), 1);
}
END_TEST

/* ---- dry runs and read-only managers change nothing */

static long long fingerprint(void)
{
    return test_vault_number(&vault,
                             "SELECT (SELECT epoch FROM vault) * 1000003 + (SELECT count(*) FROM audit) * 1009"
                             " + (SELECT sum(state * number) FROM version) * 101 + (SELECT count(*) FROM credential)"
                             " * 11 + (SELECT count(*) FROM intention)");
}

static void try_everything(sealring_manager *with, sealring_status expected)
{
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = "acme-mobile", .label = "dry"};
    sealring_policy policy = {.keep = 5};
    const sealring_event events[] = {SEALRING_EVENT_PREPARE, SEALRING_EVENT_ROTATE, SEALRING_EVENT_COMPROMISE};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        ck_assert_int_eq(sealring_version_change(with, "payments", events[i],
                                                 events[i] == SEALRING_EVENT_COMPROMISE ? 1 : 0, NULL, NULL, &error),
                         expected);
    ck_assert_int_eq(sealring_ring_create(with, "dry", NULL, NULL, 0, &error), expected);
    ck_assert_int_eq(sealring_ring_set(with, "payments", &policy, SEALRING_POLICY_KEEP, &error), expected);
    ck_assert_int_eq(sealring_client_add(with, "dry", NULL, &error), expected);
    ck_assert_int_eq(sealring_issue(with, "payments", &request, 1, 0, test_vault_take, &handed, NULL, &error),
                     expected);
    ck_assert_int_eq(sealring_reissue(with, key_id, test_vault_take, &handed, &error), expected);
    ck_assert_int_eq(sealring_rekey(with, key_id, NULL, test_vault_take, &handed, &error), expected);
    ck_assert_int_eq(sealring_key_narrow(with, key_id, "", &error), expected);
    ck_assert_int_eq(sealring_key_set_label(with, key_id, "other", &error), expected);
    ck_assert_int_eq(sealring_key_set_state(with, key_id, SEALRING_KEY_REVOKED, NULL, &error), expected);
    ck_assert_uint_eq(handed.calls, 0);
}

START_TEST(dry_run_and_read_only)
{
    sealring_manage_options dry = {.size = sizeof dry, .dry_run = true};
    sealring_manage_options read_only = {.size = sizeof read_only, .read_only = true};
    sealring_manager *other = NULL;
    long long before = fingerprint();
    ASSERT_OK(sealring_manager_open(vault.path, &dry, &other, &error), error);
    try_everything(other, SEALRING_OK);
    sealring_manager_close(&other);
    ck_assert_int_eq(fingerprint(), before);
    ASSERT_OK(sealring_manager_open(vault.path, &read_only, &other, &error), error);
    try_everything(other, SEALRING_REFUSED);
    sealring_manager_close(&other);
    ck_assert_int_eq(fingerprint(), before);
    test_vault_expect_now(verifier, text, "read", SEALRING_ACCEPTED);
}
END_TEST

START_TEST(every_act_is_on_the_record)
{
    long long before = test_vault_number(&vault, "SELECT count(*) FROM audit");
    ASSERT_OK(change(SEALRING_EVENT_ROTATE, 0, NULL), error); /* prepare and activate */
    ASSERT_OK(sealring_client_add(manager, "new", "ops@example.com", &error), error);
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, "left us", &error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit"), before + 4);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.revoke'"
                                               " AND detail LIKE '%left us%' AND length(actor) > 0"),
                     1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE detail LIKE '%ops@example%'"), 0);
    /* and no credential is */
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit WHERE instr(detail, '%.43s') > 0", text + strlen(text) - 49);
    ck_assert_int_eq(test_vault_number(&vault, sql), 0);
}
END_TEST

START_TEST(a_client_is_forgotten_only_without_keys)
{
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = "acme-mobile", .label = "again"};
    ck_assert_int_eq(sealring_client_forget(manager, "acme-mobile", &error), SEALRING_REFUSED);
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
    ASSERT_OK(sealring_client_forget(manager, "acme-mobile", &error), error);
    ck_assert_int_eq(sealring_issue(manager, "payments", &request, 1, 0, test_vault_take, &handed, NULL, &error),
                     SEALRING_REFUSED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("manage");
    TCase *cases = tcase_create("manage");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_rotation_from_beginning_to_end);
    tcase_add_test(cases, rolled_back_and_forward_again);
    tcase_add_test(cases, a_retired_version_comes_back_by_reinstate_only);
    tcase_add_test(cases, a_compromised_version_never_comes_back);
    tcase_add_test(cases, a_reinstated_version_is_nobodys_next_one);
    tcase_add_test(cases, what_has_expired_is_not_handed_over_again);
    tcase_add_test(cases, imported_keys_work_as_they_are_until_they_are_reissued);
    tcase_add_test(cases, an_imported_row_cannot_be_edited_or_added);
    tcase_add_test(cases, an_import_wants_a_digest_and_an_end);
    tcase_add_test(cases, without_an_active_version_nothing_is_issued);
    tcase_add_test(cases, too_many_living_predecessors_are_refused);
    tcase_add_test(cases, rekey_ends_the_older_credentials);
    tcase_add_test(cases, widening_a_narrowed_key_does_not_widen_its_older_credentials);
    tcase_add_test(cases, many_keys_stopped_in_the_middle_and_repeated);
    tcase_add_test(cases, one_wrong_request_refuses_all);
    tcase_add_test(cases, dry_run_and_read_only);
    tcase_add_test(cases, every_act_is_on_the_record);
    tcase_add_test(cases, a_client_is_forgotten_only_without_keys);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
