/* SPDX-License-Identifier: Apache-2.0 */
/* client/unseal, log/delivery_note, manage/delivery/envelope: what is opened, and that any change of what the vault has signed is noticed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/sha256.h"
#include "client/unseal/unseal.h"
#include "credential/credential_text.h"
#include "lib/runner.h"
#include "log/signed_note.h"
#include "manage/delivery/envelope.h"

#define VAULT "sealring/000102030405060708090a0b0c0d0e0f"

static EVP_PKEY *signer, *pair;
static X509 *certificate;
static char keys[NOTE_KEY_TEXT_SIZE + 64];
static struct note_key vault_key;
static struct delivery_note about;
static char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1], plain[8192];

static X509 *certify(EVP_PKEY *key)
{
    X509 *made = X509_new();
    ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(made), 1) == 1);
    ck_assert(X509_gmtime_adj(X509_getm_notBefore(made), 0) != NULL);
    ck_assert(X509_gmtime_adj(X509_getm_notAfter(made), 86400) != NULL);
    ck_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                                         (const unsigned char *)"client", -1, -1, 0) == 1);
    ck_assert(X509_set_issuer_name(made, X509_get_subject_name(made)) == 1);
    ck_assert(X509_set_pubkey(made, key) == 1 && X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

/* The note over `text`, signed with the vault's key. */
static void sign(const char *text, char *note, size_t size)
{
    uint8_t signature[64];
    size_t length = sizeof signature;
    char line[NOTE_LINE_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert(EVP_DigestSignInit(context, NULL, NULL, NULL, signer) == 1);
    ck_assert(EVP_DigestSign(context, signature, &length, (const unsigned char *)text, strlen(text)) == 1);
    EVP_MD_CTX_free(context);
    ck_assert(note_sign_line(&vault_key, signature, length, line));
    ck_assert((size_t)snprintf(note, size, "%s\n%s", text, line) < size);
}

/* As the vault does it: this delivery is the second of two. */
static void compose(void)
{
    char text[DELIVERY_TEXT_SIZE], list[DELIVERIES_TEXT_SIZE], note[4096];
    delivery_note_format(&about, text);
    deliveries_begin(list);
    deliveries_add(list, "another");
    deliveries_add(list, text);
    sign(list, note, sizeof note);
    ck_assert((size_t)snprintf(plain, sizeof plain, "%s\n%s\n%s", credential, text, note) < sizeof plain);
}

static void set_up(void)
{
    uint8_t public_key[32], secret[TEXT_SECRET_SIZE] = {7};
    size_t length = sizeof public_key;
    unsigned digest = 0;
    signer = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    pair = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    certificate = certify(pair);
    ck_assert(EVP_PKEY_get_raw_public_key(signer, public_key, &length) == 1);
    ck_assert(note_key_make(VAULT, NOTE_ED25519, public_key, length, &vault_key));
    note_key_format(&vault_key, keys);
    about = (struct delivery_note){.ring = "payments",
                                   .client = "shop+1@example",
                                   .label = "default",
                                   .prefix = "acme_live",
                                   .key_id = "9fK2mQ7xLw3RtB5n",
                                   .version = 3,
                                   .serial = 4,
                                   .sealed = 1790000000000};
    ck_assert(text_format(about.prefix, about.key_id, about.version, secret, credential) > 0);
    sha256(credential, strlen(credential), about.credential);
    ck_assert(X509_digest(certificate, EVP_sha256(), about.recipient, &digest) == 1);
    compose();
}

static void tear_down(void)
{
    EVP_PKEY_free(signer);
    EVP_PKEY_free(pair);
    X509_free(certificate);
}

static bool opens_text(const char *text, size_t length, struct unsealed *unsealed, char problem[UNSEAL_PROBLEM_SIZE])
{
    unsigned char *der;
    size_t size;
    ck_assert(envelope_make(certificate, text, length, &der, &size));
    struct unseal_request request = {
        .sealed = der, .length = size, .key = pair, .certificate = certificate, .vault_keys = keys};
    bool good = unseal(&request, unsealed, problem);
    OPENSSL_free(der);
    return good;
}

START_TEST(what_the_vault_has_sealed_is_opened)
{
    struct unsealed unsealed;
    char problem[UNSEAL_PROBLEM_SIZE];
    ck_assert_msg(opens_text(plain, strlen(plain), &unsealed, problem), "%s", problem);
    ck_assert_str_eq(unsealed.credential, credential);
    ck_assert_mem_eq(&unsealed.about, &about, sizeof about);
    ck_assert_str_eq(problem, "");
}
END_TEST

START_TEST(any_changed_byte_is_noticed)
{
    struct unsealed unsealed;
    static const struct unsealed nothing;
    char problem[UNSEAL_PROBLEM_SIZE];
    size_t length = strlen(plain);
    for (size_t i = 0; i < length; i++) {
        char kept = plain[i];
        plain[i] = (char)(kept ^ (1 << (i % 7)));
        ck_assert_msg(!opens_text(plain, length, &unsealed, problem), "byte %zu of %zu", i, length);
        ck_assert_str_ne(problem, "");
        ck_assert_mem_eq(&unsealed, &nothing, sizeof nothing);
        plain[i] = kept;
    }
    for (size_t cut = 0; cut < length; cut += 1 + cut / 16)
        ck_assert_msg(!opens_text(plain, cut, &unsealed, problem), "%zu bytes of %zu", cut, length);
}
END_TEST

/* Of the credential, the certificate, and what the credential itself contains. */
START_TEST(a_delivery_that_is_about_something_else_is_refused)
{
    struct unsealed unsealed;
    char problem[UNSEAL_PROBLEM_SIZE];
    const struct delivery_note kept = about;
    about.recipient[0] ^= 1;
    compose();
    ck_assert(!opens_text(plain, strlen(plain), &unsealed, problem));
    about = kept;
    about.credential[31] ^= 1;
    compose();
    ck_assert(!opens_text(plain, strlen(plain), &unsealed, problem));
    about = kept;
    about.version++;
    compose();
    ck_assert(!opens_text(plain, strlen(plain), &unsealed, problem));
    about = kept;
    strcpy(about.key_id, "9fK2mQ7xLw3RtB5m");
    compose();
    ck_assert(!opens_text(plain, strlen(plain), &unsealed, problem));
    about = kept;
    strcpy(about.prefix, "acme_test");
    compose();
    ck_assert(!opens_text(plain, strlen(plain), &unsealed, problem));
}
END_TEST

START_TEST(the_envelope_is_authenticated)
{
    struct unsealed unsealed;
    char problem[UNSEAL_PROBLEM_SIZE];
    unsigned char *der;
    size_t size;
    ck_assert(envelope_make(certificate, plain, strlen(plain), &der, &size));
    struct unseal_request request = {
        .sealed = der, .length = size, .key = pair, .certificate = certificate, .vault_keys = keys};
    ck_assert(unseal(&request, &unsealed, problem));
    size_t opened = 0;
    for (size_t i = 0; i < size; i++) {
        der[i] ^= 0x10;
        opened += unseal(&request, &unsealed, problem) ? 1 : 0;
        der[i] ^= 0x10;
    }
    ck_assert_uint_le(opened,
                      16); /* bytes that mean nothing, such as the recipient's version; never of the encrypted text */
    for (request.length = 0; request.length < size; request.length++)
        ck_assert(!unseal(&request, &unsealed, problem));
    OPENSSL_free(der);
}
END_TEST

START_TEST(several_keys_and_other_lines_are_read)
{
    struct unsealed unsealed;
    char problem[UNSEAL_PROBLEM_SIZE], own[NOTE_KEY_TEXT_SIZE];
    snprintf(own, sizeof own, "%.*s", (int)sizeof own - 1, keys);
    snprintf(keys, sizeof keys, "\n%s until 5 6\r\n", own);
    ck_assert_msg(opens_text(plain, strlen(plain), &unsealed, problem), "%s", problem);
    snprintf(keys, sizeof keys, "x\n%.*s", (int)strlen(own) - 1, own);
    ck_assert(!opens_text(plain, strlen(plain), &unsealed, problem));
    keys[0] = '\0';
    ck_assert(!opens_text(plain, strlen(plain), &unsealed, problem));
}
END_TEST

START_TEST(a_note_is_for_32_deliveries)
{
    char list[DELIVERIES_TEXT_SIZE], delivery[16];
    deliveries_begin(list);
    for (int i = 0; i < DELIVERIES_MAX + 2; i++) {
        snprintf(delivery, sizeof delivery, "%d", i);
        deliveries_add(list, delivery);
    }
    for (int i = 0; i < DELIVERIES_MAX + 2; i++) {
        snprintf(delivery, sizeof delivery, "%d", i);
        ck_assert(deliveries_list(list, strlen(list), delivery, strlen(delivery)) == (i < DELIVERIES_MAX));
    }
    ck_assert(!deliveries_list(list + 1, strlen(list) - 1, "0", 1));
    ck_assert(!deliveries_list(list, 5, "0", 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unseal");
    TCase *tests = tcase_create("unseal");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_the_vault_has_sealed_is_opened);
    tcase_add_test(tests, any_changed_byte_is_noticed);
    tcase_add_test(tests, a_delivery_that_is_about_something_else_is_refused);
    tcase_add_test(tests, the_envelope_is_authenticated);
    tcase_add_test(tests, several_keys_and_other_lines_are_read);
    tcase_add_test(tests, a_note_is_for_32_deliveries);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
