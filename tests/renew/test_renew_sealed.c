/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal in a ring with the policy `sealed`: the successor is encrypted to the client's certificate, or there is none. */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <sealring/sealed.h>

#include "client/unseal/unseal.h"
#include "renew/renew_stage.h"

static EVP_PKEY *pair, *other;
static char keys[SEALRING_AUDIT_KEY_SIZE];

static X509 *certify(EVP_PKEY *key)
{
    X509 *made = X509_new();
    ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(made), 1) == 1);
    ck_assert(X509_gmtime_adj(X509_getm_notBefore(made), -86400) != NULL);
    ck_assert(X509_gmtime_adj(X509_getm_notAfter(made), 40 * 86400L) != NULL);
    ck_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                                         (const unsigned char *)STAGE_CLIENT, -1, -1, 0) == 1);
    ck_assert(X509_set_issuer_name(made, X509_get_subject_name(made)) == 1);
    ck_assert(X509_set_pubkey(made, key) == 1 && X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

static X509 *certificate;

static void register_certificate(const char *client, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    X509 *made = certify(key);
    int length = i2d_X509(made, &der);
    ck_assert_int_gt(length, 0);
    ASSERT_OK(sealring_client_set_certified(manager, client, NULL, der, (size_t)length, &error), error);
    OPENSSL_free(der);
    X509_free(certificate);
    certificate = made;
}

static void set_up(void)
{
    stage_open();
    stage_policy((sealring_policy){.renew = SEALRING_RENEW_SEALED}, SEALRING_POLICY_RENEW);
    ASSERT_OK(sealring_audit_key(manager, keys, &error), error);
    pair = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    stage_rotate();
}

static void tear_down(void)
{
    X509_free(certificate);
    certificate = NULL;
    EVP_PKEY_free(pair);
    EVP_PKEY_free(other);
    stage_close();
}

static void opens(const sealring_renewal *answer, struct unsealed *unsealed)
{
    char problem[UNSEAL_PROBLEM_SIZE];
    const struct unseal_request request = {.sealed = answer->sealed,
                                           .length = answer->sealed_length,
                                           .key = pair,
                                           .certificate = certificate,
                                           .vault_keys = keys,
                                           .prefix = "acme_live",
                                           .key_id = key_id};
    ck_assert_ptr_nonnull(answer->sealed);
    ck_assert_str_eq(answer->successor, "");
    ck_assert_msg(unseal(&request, unsealed, problem), "%s", problem);
    ck_assert_uint_eq(unsealed->about.serial, answer->serial);
    ck_assert_uint_eq(unsealed->about.version, answer->version);
    ck_assert_str_eq(unsealed->about.client, STAGE_CLIENT);
}

static const sealring_renewal *expect(sealring_renewal_result result, const char *reason)
{
    const sealring_renewal *answer = stage_renew(text, NULL);
    ck_assert_msg(answer->result == result && strstr(answer->reason, reason) != NULL, "%s: %s",
                  sealring_renewal_result_name(answer->result), answer->reason);
    return answer;
}

static void expect_nothing(sealring_renewal_result result, const char *reason)
{
    const long long before = test_vault_number(&vault, "SELECT count(*) FROM credential");
    const sealring_renewal *answer = expect(result, reason);
    ck_assert_ptr_null(answer->sealed);
    ck_assert_str_eq(answer->successor, "");
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential"), before);
}

START_TEST(the_successor_is_encrypted)
{
    struct unsealed first, again;
    register_certificate(STAGE_CLIENT, pair);
    opens(expect(SEALRING_RENEWAL_ISSUED, ""), &first);
    test_vault_expect_now(verifier, first.credential, "read", SEALRING_ACCEPTED);
    opens(expect(SEALRING_RENEWAL_AGAIN, ""), &again);
    ck_assert_str_eq(again.credential, first.credential);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential"), 2);
}
END_TEST

/* One batch: three copies of a credential, and one of a client without a certificate. */
START_TEST(a_batch_serves_those_who_have_a_certificate)
{
    sealring_renewal requests[4];
    struct unsealed first, more;
    struct test_handed handed = stage_issue("none", 0);
    register_certificate(STAGE_CLIENT, pair);
    stage_rotate();
    for (int i = 0; i < 4; i++) {
        const char *presented = i == 1 ? handed.text : text;
        requests[i] = (sealring_renewal){
            .size = sizeof requests[i], .credential = presented, .credential_length = strlen(presented)};
    }
    ASSERT_OK(sealring_renew(manager, requests, 4, &error), error);
    ck_assert_int_eq(requests[0].result, SEALRING_RENEWAL_ISSUED);
    opens(&requests[0], &first);
    ck_assert_int_eq(requests[1].result, SEALRING_RENEWAL_OFF);
    ck_assert_ptr_null(requests[1].sealed);
    for (int i = 2; i < 4; i++) {
        ck_assert_int_eq(requests[i].result, SEALRING_RENEWAL_AGAIN);
        opens(&requests[i], &more);
        ck_assert_str_eq(more.credential, first.credential);
    }
    for (int i = 0; i < 4; i++)
        sealring_renewal_release(&requests[i]);
}
END_TEST

START_TEST(without_a_valid_certificate_there_is_none)
{
    expect_nothing(SEALRING_RENEWAL_OFF, "client " STAGE_CLIENT " has no certificate");
    register_certificate(STAGE_CLIENT, pair);
    stage_wait(50 * DAY);
    expect_nothing(SEALRING_RENEWAL_OFF, "has expired");
}
END_TEST

static const char *const edits[] = {
    "UPDATE client SET certificate = (SELECT certificate FROM client WHERE name = 'mallory') WHERE name = '" STAGE_CLIENT
    "'",
    "UPDATE client SET (certificate, certificate_hash, salt) = (SELECT certificate, certificate_hash, salt FROM client WHERE name = 'mallory')"
    " WHERE name = '" STAGE_CLIENT "'",
    "UPDATE client SET certificate = NULL, certificate_hash = NULL WHERE name = '" STAGE_CLIENT "'",
};

START_TEST(nothing_is_encrypted_to_an_edited_certificate)
{
    ASSERT_OK(sealring_client_add(manager, "mallory", NULL, &error), error);
    register_certificate("mallory", other);
    register_certificate(STAGE_CLIENT, pair);
    test_vault_attack(&vault, edits[_i]);
    expect_nothing(SEALRING_RENEWAL_UNAVAILABLE,
                   "ALARM: the registry was altered: the certificate of client " STAGE_CLIENT);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'alarm'"), 1);
}
END_TEST

START_TEST(without_the_audit_token_nothing_is_committed)
{
    char pin[128], aside[128];
    struct unsealed unsealed;
    register_certificate(STAGE_CLIENT, pair);
    snprintf(pin, sizeof pin, "%s/pins/audit.pin", vault.path);
    snprintf(aside, sizeof aside, "%s/pins/aside", vault.path);
    ck_assert_int_eq(rename(pin, aside), 0);
    expect_nothing(SEALRING_RENEWAL_UNAVAILABLE, "audit.pin");
    ck_assert_int_eq(rename(aside, pin), 0);
    opens(expect(SEALRING_RENEWAL_ISSUED, ""), &unsealed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("renew/sealed");
    TCase *cases = tcase_create("sealed");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, the_successor_is_encrypted);
    tcase_add_test(cases, a_batch_serves_those_who_have_a_certificate);
    tcase_add_test(cases, without_a_valid_certificate_there_is_none);
    tcase_add_loop_test(cases, nothing_is_encrypted_to_an_edited_certificate, 0, sizeof edits / sizeof edits[0]);
    tcase_add_test(cases, without_the_audit_token_nothing_is_committed);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
