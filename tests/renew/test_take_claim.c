/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: a code is traded for the credential by one public key, until it expires; what the registry contains cannot change that. */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <sealring/claim.h>
#include <sealring/sealed.h>

#include "client/unseal/unseal.h"
#include "renew/renew_stage.h"

#define HOUR  (60 * MINUTE)
#define OWNER "192.0.2.1"
#define THIEF "2001:db8::bad"

struct claimant {
    EVP_PKEY *pair;
    X509 *certificate;
    unsigned char *der;
    int length;
};

static struct claimant owner, thief;
static char keys[SEALRING_AUDIT_KEY_SIZE];
static char code[SEALRING_CLAIM_CODE_LENGTH + 1], claimed_key[SEALRING_KEY_ID_LENGTH + 1];
static sealring_claim_request request = {.size = sizeof request};

static void make_claimant(struct claimant *claimant)
{
    X509 *made = X509_new();
    claimant->pair = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(made), 1) == 1);
    ck_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, (const unsigned char *)"me",
                                         -1, -1, 0) == 1);
    ck_assert(X509_set_issuer_name(made, X509_get_subject_name(made)) == 1);
    ck_assert(X509_gmtime_adj(X509_getm_notBefore(made), -86400) != NULL);
    ck_assert(X509_gmtime_adj(X509_getm_notAfter(made), 40 * 86400L) != NULL);
    ck_assert(X509_set_pubkey(made, claimant->pair) == 1 && X509_sign(made, claimant->pair, EVP_sha256()) > 0);
    claimant->certificate = made;
    claimant->der = NULL;
    claimant->length = i2d_X509(made, &claimant->der);
    ck_assert_int_gt(claimant->length, 0);
}

static void free_claimant(struct claimant *claimant)
{
    EVP_PKEY_free(claimant->pair);
    X509_free(claimant->certificate);
    OPENSSL_free(claimant->der);
}

static int take_code(const sealring_issued *issued, void *context)
{
    (void)context;
    ck_assert_ptr_null(issued->credential);
    ck_assert_ptr_nonnull(issued->claim);
    snprintf(code, sizeof code, "%s", issued->claim);
    snprintf(claimed_key, sizeof claimed_key, "%s", issued->key_id);
    return 0;
}

static void offer_labelled(const char *label, const char *addresses)
{
    const sealring_issue_request issue = {
        .client = STAGE_CLIENT, .label = label, .scopes = "read", .from_addresses = addresses};
    ASSERT_OK(sealring_issue(manager, STAGE_RING, &issue, 1, 0, take_code, NULL, NULL, &error), error);
}

static void set_up(void)
{
    stage_open();
    ASSERT_OK(sealring_audit_key(manager, keys, &error), error);
    make_claimant(&owner);
    make_claimant(&thief);
    ASSERT_OK(sealring_claim_credentials(manager, HOUR, &error), error);
    offer_labelled("claimed", NULL);
}

static void tear_down(void)
{
    sealring_claim_release(&request);
    free_claimant(&owner);
    free_claimant(&thief);
    stage_close();
}

static void tear_down_verified(void)
{
    sealring_claim_release(&request);
    free_claimant(&owner);
    free_claimant(&thief);
    stage_verify_and_close();
}

static void prepare(const struct claimant *claimant, const char *peer)
{
    request.code = code;
    request.code_length = strlen(code);
    request.certificate = claimant->der;
    request.certificate_length = (size_t)claimant->length;
    request.peer = peer;
}

static void expect(const struct claimant *claimant, const char *peer, sealring_claim_result result)
{
    prepare(claimant, peer);
    ASSERT_OK(sealring_claim(manager, &request, &error), error);
    ck_assert_msg(request.result == result, "%s: %s", sealring_claim_result_name(request.result), request.reason);
    const bool handed_over = result == SEALRING_CLAIM_TAKEN || result == SEALRING_CLAIM_AGAIN;
    ck_assert_int_eq(request.sealed != NULL, handed_over);
}

static void opens(const struct claimant *claimant, char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1])
{
    char problem[UNSEAL_PROBLEM_SIZE];
    struct unsealed unsealed;
    const struct unseal_request asked = {.sealed = request.sealed,
                                         .length = request.sealed_length,
                                         .key = claimant->pair,
                                         .certificate = claimant->certificate,
                                         .vault_keys = keys,
                                         .key_id = claimed_key};
    ck_assert_msg(unseal(&asked, &unsealed, problem), "%s", problem);
    memcpy(credential, unsealed.credential, sizeof unsealed.credential);
}

struct found {
    unsigned count;
    char state[16], first[SEALRING_PEER_SIZE], second[SEALRING_PEER_SIZE];
    uint32_t serial;
};

static int find(const sealring_claim_info *info, void *context)
{
    struct found *found = context;
    ck_assert_str_eq(info->client, STAGE_CLIENT);
    ck_assert_str_eq(info->ring, STAGE_RING);
    found->count++;
    found->serial = info->serial;
    snprintf(found->state, sizeof found->state, "%s", info->state);
    snprintf(found->first, sizeof found->first, "%s", info->first_peer);
    snprintf(found->second, sizeof found->second, "%s", info->second_peer);
    return 0;
}

static struct found listed(void)
{
    struct found found = {.count = 0};
    ASSERT_OK(sealring_claim_list(manager, claimed_key, STAGE_RING, find, &found, &error), error);
    return found;
}

static long long entries(const char *act)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM audit WHERE act = '%s' AND client = '" STAGE_CLIENT "' AND key_id = '%s'", act,
             claimed_key);
    return test_vault_number(&vault, sql);
}

START_TEST(one_key_gets_the_same_credential)
{
    char first[SEALRING_CREDENTIAL_LENGTH_MAX + 1], again[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    ck_assert_str_eq(listed().state, "open");
    expect(&owner, OWNER, SEALRING_CLAIM_TAKEN);
    ck_assert_str_eq(request.client, STAGE_CLIENT);
    ck_assert_str_eq(request.key_id, claimed_key);
    opens(&owner, first);
    test_vault_expect_now(verifier, first, "read", SEALRING_ACCEPTED);
    expect(&owner, THIEF, SEALRING_CLAIM_AGAIN); /* wherever it comes from */
    opens(&owner, again);
    ck_assert_str_eq(again, first);
    struct found found = listed();
    ck_assert_str_eq(found.state, "taken");
    ck_assert_str_eq(found.first, OWNER);
    ck_assert_int_eq(entries("key.claim"), 2);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential"), 2);
}
END_TEST

static int count_contested(const sealring_contested *contested, void *context)
{
    ck_assert_int_eq(contested->claim, true);
    ck_assert_str_eq(contested->first_peer, OWNER);
    ck_assert_str_eq(contested->second_peer, THIEF);
    ++*(unsigned *)context;
    return 0;
}

static unsigned contested(void)
{
    unsigned count = 0;
    ASSERT_OK(sealring_contested_list(manager, NULL, count_contested, &count, &error), error);
    return count;
}

START_TEST(another_key_gets_nothing_and_is_reported)
{
    expect(&owner, OWNER, SEALRING_CLAIM_TAKEN);
    expect(&thief, THIEF, SEALRING_CLAIM_CONTESTED);
    expect(&thief, THIEF, SEALRING_CLAIM_CONTESTED);
    expect(&owner, OWNER, SEALRING_CLAIM_AGAIN);
    ck_assert_int_eq(entries("key.claim-contested"), 1);
    ck_assert_str_eq(listed().state, "contested");
    ck_assert_uint_eq(contested(), 1);
    ck_assert_int_eq(sealring_reissue(manager, claimed_key, take_code, NULL, &error), SEALRING_REFUSED);
    const sealring_rekey_request rekey = {.size = sizeof rekey};
    char former[sizeof code];
    memcpy(former, code, sizeof code);
    ASSERT_OK(sealring_rekey(manager, claimed_key, &rekey, take_code, NULL, &error), error);
    ck_assert_str_ne(former, code);
    ck_assert_uint_eq(contested(), 0);
    ck_assert_uint_eq(listed().serial, 65537);
    expect(&thief, NULL, SEALRING_CLAIM_TAKEN); /* whoever has the new code */
    memcpy(code, former, sizeof code);
    expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
}
END_TEST

START_TEST(a_claim_ends)
{
    ASSERT_OK(sealring_claim_cancel(manager, claimed_key, &error), error);
    expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
    ck_assert_uint_eq(listed().count, 0);
    ck_assert_int_eq(sealring_claim_cancel(manager, claimed_key, &error), SEALRING_REFUSED);
    ck_assert_int_eq(entries("key.claim-cancel"), 1);
}
END_TEST

START_TEST(a_code_expires)
{
    expect(&owner, OWNER, SEALRING_CLAIM_TAKEN);
    stage_wait(HOUR + MINUTE);
    expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
    expect(&thief, OWNER, SEALRING_CLAIM_UNKNOWN);
    ck_assert_uint_eq(contested(), 0);
    offer_labelled("late", NULL);
    stage_wait(HOUR + MINUTE);
    expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
    ck_assert_str_eq(listed().state, "expired");
}
END_TEST

START_TEST(what_was_restricted_meanwhile_counts)
{
    ASSERT_OK(sealring_key_set_state(manager, claimed_key, SEALRING_KEY_SUSPENDED, NULL, &error), error);
    expect(&owner, OWNER, SEALRING_CLAIM_CLOSED);
    ASSERT_OK(sealring_key_set_state(manager, claimed_key, SEALRING_KEY_ACTIVE, NULL, &error), error);
    expect(&owner, OWNER, SEALRING_CLAIM_TAKEN);
    ASSERT_OK(sealring_key_set_addresses(manager, claimed_key, "198.51.100.0/24", &error), error);
    expect(&owner, OWNER, SEALRING_CLAIM_ADDRESS);
    expect(&owner, NULL, SEALRING_CLAIM_ADDRESS);
    expect(&owner, "198.51.100.7", SEALRING_CLAIM_AGAIN);
    ASSERT_OK(sealring_key_set_state(manager, claimed_key, SEALRING_KEY_REVOKED, NULL, &error), error);
    expect(&owner, "198.51.100.7", SEALRING_CLAIM_UNKNOWN);
    ck_assert_uint_eq(listed().count, 0);
}
END_TEST

START_TEST(a_rekey_without_a_claim_ends_it)
{
    const sealring_rekey_request rekey = {.size = sizeof rekey, .overlap = DAY};
    char former[sizeof code];
    memcpy(former, code, sizeof code);
    ASSERT_OK(sealring_rekey(manager, claimed_key, &rekey, take_code, NULL, &error), error);
    memcpy(code, former, sizeof code);
    expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
}
END_TEST

START_TEST(a_repeated_issue_offers_another_code)
{
    char former[sizeof code];
    memcpy(former, code, sizeof code);
    ASSERT_OK(sealring_reissue(manager, claimed_key, take_code, NULL, &error), error);
    ck_assert_str_ne(former, code);
    ck_assert_uint_eq(listed().serial, 1);
    expect(&owner, OWNER, SEALRING_CLAIM_TAKEN);
    memcpy(code, former, sizeof code);
    expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
    const sealring_issue_request issue = {.client = STAGE_CLIENT, .label = "claimed", .scopes = "read"};
    ASSERT_OK(sealring_issue(manager, STAGE_RING, &issue, 1, SEALRING_ISSUE_ADD_CLIENTS, take_code, NULL, NULL, &error),
              error);
    expect(&thief, OWNER, SEALRING_CLAIM_TAKEN); /* of the same credential, by another code */
    stage_rotate();
    uint64_t total = 0;
    ASSERT_OK(sealring_reissue_ring(manager, STAGE_RING, &total, take_code, NULL, &error), error);
    expect(&thief, OWNER, SEALRING_CLAIM_TAKEN);
    ck_assert_uint_eq(request.version, 2);
}
END_TEST

START_TEST(wrong_codes_and_certificates)
{
    struct claimant none = {.der = (unsigned char *)"x", .length = 1};
    expect(&none, OWNER, SEALRING_CLAIM_CERTIFICATE);
    none.length = 0;
    expect(&none, OWNER, SEALRING_CLAIM_CERTIFICATE);
    ck_assert_str_eq(listed().state, "open");
    char right[sizeof code];
    memcpy(right, code, sizeof code);
    for (size_t i = 0; i < sizeof right - 1; i++) {
        memcpy(code, right, sizeof code);
        code[i] = code[i] == 'A' ? 'B' : 'A';
        expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
    }
    snprintf(code, sizeof code, "%s", "claim_");
    expect(&owner, OWNER, SEALRING_CLAIM_UNKNOWN);
    ck_assert_int_eq(sealring_claim_credentials(manager, 0, &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_claim_credentials(manager, SEALRING_CLAIM_LIFE_MAX + 1, &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_seal_credentials(manager, NULL, 0, &error), SEALRING_INVALID);
}
END_TEST

/* What somebody writes into the registry gives no code a credential. */
START_TEST(edited_facts_and_rows)
{
    /* clang-format off */
    static const char *const edits[] = {
        "UPDATE closed_fact SET value = replace(value, '0 claim ', '0 claim 00') WHERE kind = 1",
        "UPDATE credential SET scopes = 'admin read' WHERE api_key = (SELECT max(api_key) FROM credential)",
        "UPDATE credential SET expires = 1 WHERE api_key = (SELECT max(api_key) FROM credential)",
    };
    /* clang-format on */
    test_vault_attack(&vault, edits[_i]);
    prepare(&owner, OWNER);
    (void)sealring_claim(manager, &request, &error);
    ck_assert_int_eq(request.result, SEALRING_CLAIM_UNAVAILABLE);
    ck_assert_ptr_null(request.sealed);
}
END_TEST

int main(void)
{
    TCase *verified = tcase_create("verified");
    tcase_add_checked_fixture(verified, set_up, tear_down_verified);
    tcase_add_test(verified, one_key_gets_the_same_credential);
    tcase_add_test(verified, another_key_gets_nothing_and_is_reported);
    tcase_add_test(verified, a_claim_ends);
    tcase_add_test(verified, what_was_restricted_meanwhile_counts);
    tcase_add_test(verified, a_rekey_without_a_claim_ends_it);
    tcase_add_test(verified, a_repeated_issue_offers_another_code);
    tcase_add_test(verified, wrong_codes_and_certificates);
    TCase *edited = tcase_create("edited");
    tcase_add_checked_fixture(edited, set_up, tear_down);
    tcase_add_test(edited, a_code_expires);
    tcase_add_loop_test(edited, edited_facts_and_rows, 0, 3);
    Suite *suite = suite_create("claims");
    suite_add_tcase(suite, verified);
    suite_add_tcase(suite, edited);
    return run_suite(suite);
}
