/* SPDX-License-Identifier: Apache-2.0 */
/* The key pair with which a claim is made, in a file beside the one that the credential gets into. */
#include "client/libsealring-client/client_claim_key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/error.h"
#include "base/file.h"

#define DAY_SECONDS 86400L
enum { BEFORE_DAYS = 1, AFTER_DAYS = 400, SERIAL_SIZE = 8 };

static int no_password(char *password, int size, int writing, void *context)
{
    (void)password, (void)size, (void)writing, (void)context;
    return 0; /* nobody is asked for it on a terminal */
}

/* It begins a day ago, because clocks differ. */
static X509 *certify(EVP_PKEY *key)
{
    uint8_t serial[SERIAL_SIZE];
    X509 *made = X509_new();
    X509_NAME *name = made != NULL ? X509_get_subject_name(made) : NULL;
    BIGNUM *number = RAND_bytes(serial, sizeof serial) == 1 ? BN_bin2bn(serial, sizeof serial, NULL) : NULL;
    bool good = name != NULL && number != NULL && X509_set_version(made, X509_VERSION_3) == 1 &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made)) != NULL &&
                X509_gmtime_adj(X509_getm_notBefore(made), -BEFORE_DAYS * DAY_SECONDS) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(made), AFTER_DAYS * DAY_SECONDS) != NULL &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"sealring-client claim", -1,
                                           -1, 0) == 1 &&
                X509_set_issuer_name(made, name) == 1 && X509_set_pubkey(made, key) == 1 &&
                X509_sign(made, key, EVP_sha256()) > 0;
    BN_free(number);
    if (good)
        return made;
    X509_free(made);
    return NULL;
}

/* Private key and certificate in PEM, in memory that is wiped when it is freed. NULL: OpenSSL fails. */
static BIO *write_pem(const struct client_claim_key *key)
{
    BIO *text = BIO_new(BIO_s_secmem());
    if (text != NULL && PEM_write_bio_PKCS8PrivateKey(text, key->key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_X509(text, key->certificate) == 1)
        return text;
    BIO_free(text);
    return NULL;
}

static bool write_whole(int descriptor, const char *bytes, long length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, (size_t)length);
        if (written < 0 && errno != EINTR)
            return false;
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? written : 0;
    }
    return fsync(descriptor) == 0;
}

/* A file that is not complete never has this name. */
static sealring_status save(const struct client_claim_key *key, sealring_error *error)
{
    char *beside = NULL, *bytes = NULL, directory[PATH_MAX];
    BIO *text = write_pem(key);
    long length = text != NULL ? BIO_get_mem_data(text, &bytes) : 0;
    sealring_status status = SEALRING_OK;
    if (length <= 0 || asprintf(&beside, "%s.new", key->path) < 0 || strlen(key->path) >= sizeof directory) {
        BIO_free(text);
        return error_set(error, SEALRING_SYSTEM, "no key pair can be made for %s", key->path);
    }
    (void)unlink(beside); /* of a process that was killed: this one has the lock */
    int descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0 || !write_whole(descriptor, bytes, length) || rename(beside, key->path) != 0) {
        status = error_set_system(error, errno, "cannot write %s", key->path);
        (void)unlink(beside);
    }
    if (descriptor >= 0)
        (void)close(descriptor);
    memcpy(directory, key->path, strlen(key->path) + 1);
    if (status == SEALRING_OK && file_sync_directory(dirname(directory)) != 0)
        status = error_set_system(error, errno, "cannot keep %s", key->path);
    free(beside);
    BIO_free(text);
    return status;
}

static sealring_status make(struct client_claim_key *key, sealring_error *error)
{
    key->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    key->certificate = key->key != NULL ? certify(key->key) : NULL;
    return key->certificate != NULL ? save(key, error)
                                    : error_set(error, SEALRING_SYSTEM, "OpenSSL makes no key pair for %s", key->path);
}

sealring_status client_claim_key_open(const char *file, struct client_claim_key *key, sealring_error *error)
{
    *key = (struct client_claim_key){.path = NULL};
    if (asprintf(&key->path, "%s.claim", file) < 0) {
        key->path = NULL;
        return error_no_memory(error);
    }
    if (access(key->path, F_OK) != 0 && errno == ENOENT)
        return make(key, error);
    BIO *text = BIO_new_file(key->path, "r");
    if (text != NULL)
        key->key = PEM_read_bio_PrivateKey(text, NULL, no_password, NULL);
    if (key->key != NULL)
        key->certificate = PEM_read_bio_X509(text, NULL, no_password, NULL);
    BIO_free(text);
    return key->certificate != NULL
               ? SEALRING_OK
               : error_set(error, SEALRING_INVALID,
                           "%s is no key pair of an earlier attempt, or cannot be read: remove it, "
                           "and use a new code if that one was sent",
                           key->path);
}

void client_claim_key_release(struct client_claim_key *key)
{
    EVP_PKEY_free(key->key);
    X509_free(key->certificate);
    free(key->path);
    *key = (struct client_claim_key){.path = NULL};
}

char *client_claim_key_pem(const struct client_claim_key *key)
{
    char *bytes = NULL, *copy = NULL;
    BIO *text = BIO_new(BIO_s_mem());
    if (text != NULL && PEM_write_bio_X509(text, key->certificate) == 1) {
        long length = BIO_get_mem_data(text, &bytes);
        copy = length > 0 ? strndup(bytes, (size_t)length) : NULL;
    }
    BIO_free(text);
    return copy;
}
