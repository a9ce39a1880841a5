/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates that credentials are encrypted to: read, checked, described. Pure. */
#include "manage/delivery/certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/base62.h"
#include "base/sha256.h"
#include "base/timetext.h"

#define RSA_BITS_LEAST 2048
#define RSA_BITS_MOST  8192 /* a larger one would make each delivery slow */

/* ---- Reading ---- */

/* The one object of the file. Text around it is permitted, as `openssl x509 -text` writes it. */
static X509 *read_pem(BIO *file, const char **problem)
{
    X509 *certificate = NULL;
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long length = 0;
    while (*problem == NULL && PEM_read_bio(file, &name, &header, &data, &length) == 1) {
        const unsigned char *next = data;
        if (strcmp(name, PEM_STRING_X509) != 0 && strcmp(name, PEM_STRING_X509_OLD) != 0)
            *problem =
                strstr(name, "PRIVATE KEY") != NULL
                    ? "comes with a private key, which nobody but the client should have: give the certificate alone"
                    : "comes with something else: give the certificate alone";
        else if (certificate != NULL)
            *problem = "comes with others: give the client's certificate alone";
        else
            certificate = d2i_X509(NULL, &next, length);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t)length);
    }
    return certificate;
}

static X509 *read_der(const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    X509 *certificate = d2i_X509(NULL, &next, (long)length);
    if (certificate == NULL || next == (const unsigned char *)bytes + length)
        return certificate;
    X509_free(certificate);
    return NULL;
}

X509 *certificate_read(const void *bytes, size_t length, const char **problem)
{
    X509 *certificate = NULL;
    *problem = NULL;
    if (length > SEALRING_CERTIFICATE_MAX) {
        *problem = "is longer than 16 KiB";
        return NULL;
    }
    ERR_set_mark();
    BIO *file = BIO_new_mem_buf(bytes, (int)length);
    if (file != NULL && memmem(bytes, length, "-----BEGIN ", 11) != NULL)
        certificate = read_pem(file, problem);
    else
        certificate = read_der(bytes, length);
    BIO_free(file);
    ERR_pop_to_mark();
    if (*problem == NULL && certificate == NULL)
        *problem = "is not X.509 in PEM or DER";
    if (*problem == NULL)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* ---- Checking ---- */

static int64_t time_of(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) * 1000 : 0;
}

/* The name of its kind of key; NULL: nothing is encrypted to such a key. */
static const char *key_kind(X509 *certificate, char kind[16])
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    char curve[32] = "";
    size_t length;
    if (key == NULL)
        return NULL;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        (void)snprintf(kind, 16, "RSA %d", EVP_PKEY_get_bits(key));
        return kind;
    }
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_group_name(key, curve, sizeof curve, &length) != 1)
        return NULL;
    (void)snprintf(kind, 16, "%s", strcmp(curve, SN_X9_62_prime256v1) == 0 ? "P-256" : "P-384");
    return strcmp(curve, SN_X9_62_prime256v1) == 0 || strcmp(curve, SN_secp384r1) == 0 ? kind : NULL;
}

static const char *key_problem(X509 *certificate, char problem[CERTIFICATE_PROBLEM_SIZE])
{
    char kind[16];
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key_kind(certificate, kind) == NULL)
        return "has a key that nothing is encrypted to here: RSA, or EC on P-256 or P-384";
    bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    if (rsa && (EVP_PKEY_get_bits(key) < RSA_BITS_LEAST || EVP_PKEY_get_bits(key) > RSA_BITS_MOST)) {
        (void)snprintf(problem, CERTIFICATE_PROBLEM_SIZE, "has an RSA key of %d bits: %d to %d", EVP_PKEY_get_bits(key),
                       RSA_BITS_LEAST, RSA_BITS_MOST);
        return problem;
    }
    /* all bits are set where the extension is missing */
    if ((X509_get_key_usage(certificate) & (rsa ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT)) != 0)
        return NULL;
    (void)snprintf(problem, CERTIFICATE_PROBLEM_SIZE, "is not for encryption: its key usage lacks %s",
                   rsa ? "keyEncipherment" : "keyAgreement");
    return problem;
}

const char *certificate_problem(X509 *certificate, int64_t now, char problem[CERTIFICATE_PROBLEM_SIZE])
{
    char text[TIMETEXT_SIZE];
    int64_t begins = time_of(X509_get0_notBefore(certificate)), ends = time_of(X509_get0_notAfter(certificate));
    ERR_set_mark();
    const char *wrong = key_problem(certificate, problem);
    ERR_pop_to_mark();
    if (wrong != NULL || (begins <= now && now < ends))
        return wrong;
    timetext_format(begins > now ? begins : ends, text);
    (void)snprintf(problem, CERTIFICATE_PROBLEM_SIZE, "%s %s",
                   begins > now ? "is not valid before" : "has expired:", text);
    return problem;
}

bool certificate_has_sound_key(X509 *certificate)
{
    ERR_set_mark();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(X509_get0_pubkey(certificate), NULL);
    bool sound = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_pop_to_mark();
    return sound;
}

/* ---- Describing ---- */

/* Control characters and what is not ASCII are escaped by OpenSSL. A name that is too long ends early. */
static void write_subject(X509 *certificate, char *subject, size_t size)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *data = NULL;
    subject[0] = '\0';
    if (text != NULL && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        long length = BIO_get_mem_data(text, &data);
        (void)snprintf(subject, size, "%.*s", (int)length, data);
    }
    BIO_free(text);
}

void certificate_describe(X509 *certificate, sealring_certificate_info *info)
{
    unsigned char digest[SHA256_SIZE];
    unsigned length = 0;
    write_subject(certificate, info->subject, sizeof info->subject);
    info->sha256[0] = '\0';
    if (X509_digest(certificate, EVP_sha256(), digest, &length) == 1)
        hex_encode(digest, sizeof digest, info->sha256);
    if (key_kind(certificate, info->key) == NULL)
        info->key[0] = '\0';
    info->not_before = time_of(X509_get0_notBefore(certificate));
    info->not_after = time_of(X509_get0_notAfter(certificate));
}
