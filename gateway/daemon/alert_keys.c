/* SPDX-License-Identifier: Apache-2.0 */
/* The public keys with which alerts are signed, in a file as GitHub publishes them. */
#include "gateway/daemon/alert_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

enum { SIGNATURE_TEXT_MAX = 128, IDENTIFIER_MAX = 128 };

/* ---- The list ---- */

/* NULL: a key of another kind. */
static EVP_PKEY *read_key(const json_t *entry)
{
    const char *pem = json_string_value(json_object_get(entry, "key"));
    char group[32] = "";
    BIO *source = pem == NULL ? NULL : BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = source == NULL ? NULL : PEM_read_bio_PUBKEY(source, NULL, NULL, NULL);
    BIO_free(source);
    if (key != NULL &&
        EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) == 1 &&
        strcmp(group, "prime256v1") == 0)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static const char *identifier_of(const json_t *entry)
{
    const char *identifier = json_string_value(json_object_get(entry, "key_identifier"));
    return identifier != NULL ? identifier : "";
}

static const json_t *find_entry(const json_t *list, const char *identifier, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(identifier_of(json_array_get(list, i)), identifier) == 0)
            return json_array_get(list, i);
    return NULL;
}

static const char *check_entry(const json_t *list, size_t i)
{
    const json_t *entry = json_array_get(list, i);
    const char *identifier = identifier_of(entry);
    if (identifier[0] == '\0' || strlen(identifier) > IDENTIFIER_MAX)
        return "a key has no identifier";
    if (find_entry(list, identifier, i) != NULL)
        return "two keys have the same identifier";
    EVP_PKEY *key = read_key(entry);
    EVP_PKEY_free(key);
    return key == NULL ? "a key is none of P-256 in PEM" : NULL;
}

const char *alert_keys_check(const char *text, size_t length)
{
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(object, "public_keys");
    size_t count = json_array_size(list);
    const char *problem = count == 0               ? "it is no JSON object with public_keys"
                          : count > ALERT_KEYS_MAX ? "it has too many keys"
                                                   : NULL;
    for (size_t i = 0; problem == NULL && i < count; i++)
        problem = check_entry(list, i);
    json_decref(object);
    return problem;
}

/* ---- A signature ---- */

/* Strict: EVP_DecodeBlock also takes blanks around it, and counts padding as bytes. Returns the length, 0 for none. */
static size_t decode(const char *text, unsigned char bytes[SIGNATURE_TEXT_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strnlen(text, SIGNATURE_TEXT_MAX + 1), plain = strspn(text, digits);
    if (length == 0 || length > SIGNATURE_TEXT_MAX || length % 4 != 0 || length - plain > 2 ||
        strspn(text + plain, "=") != length - plain)
        return 0;
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    return size <= 0 ? 0 : (size_t)size - (length - plain);
}

static bool verify(EVP_PKEY *key, const char *signature, const void *bytes, size_t size)
{
    unsigned char der[SIGNATURE_TEXT_MAX];
    size_t length = decode(signature, der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = key != NULL && length > 0 && context != NULL &&
                EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, der, length, bytes, size) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool alert_keys_verify(const char *text, size_t length, const char *identifier, const char *signature,
                       const void *bytes, size_t size)
{
    if (alert_keys_check(text, length) != NULL)
        return false;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(object, "public_keys");
    const json_t *entry = find_entry(list, identifier, json_array_size(list));
    EVP_PKEY *key = entry == NULL ? NULL : read_key(entry);
    bool good = verify(key, signature, bytes, size);
    EVP_PKEY_free(key);
    json_decref(object);
    return good;
}

/* ---- The file ---- */

/* To the end, or one byte more than is allowed. */
static char *read_all(int descriptor, size_t *length)
{
    char *text = malloc(ALERT_KEYS_SIZE_MAX + 1);
    ssize_t got = 1;
    *length = 0;
    while (text != NULL && got > 0 && *length <= ALERT_KEYS_SIZE_MAX) {
        got = read(descriptor, text + *length, ALERT_KEYS_SIZE_MAX + 1 - *length);
        *length += got > 0 ? (size_t)got : 0;
    }
    if (text != NULL && got >= 0)
        return text;
    free(text);
    return NULL;
}

static char *read_checked(int descriptor, size_t *length, const char **problem)
{
    char *text = read_all(descriptor, length);
    *problem = text == NULL                    ? "it cannot be read"
               : *length > ALERT_KEYS_SIZE_MAX ? "it is longer than 64 KiB"
                                               : alert_keys_check(text, *length);
    if (*problem == NULL)
        return text;
    free(text);
    return NULL;
}

char *alert_keys_read(const char *path, size_t *length, const char **problem)
{
    struct stat status;
    char *text = NULL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        *problem = strerror(errno);
    else if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        *problem = "it is no file that its owner alone can write";
    else
        text = read_checked(descriptor, length, problem);
    if (descriptor >= 0)
        (void)close(descriptor);
    return text;
}

/* A new file in its place, so that a reader finds the old list or the new one. */
static bool write_file(const char *path, const char *text, size_t length, const char **problem)
{
    char next[PATH_MAX];
    if (snprintf(next, sizeof next, "%s.XXXXXX", path) >= (int)sizeof next) {
        *problem = "its path is too long";
        return false;
    }
    int descriptor = mkstemp(next);
    bool good = descriptor >= 0 && write(descriptor, text, length) == (ssize_t)length &&
                fchmod(descriptor, 0644) == 0 && fsync(descriptor) == 0 && rename(next, path) == 0;
    *problem = good ? NULL : strerror(errno);
    if (!good && descriptor >= 0)
        (void)unlink(next);
    if (descriptor >= 0)
        (void)close(descriptor);
    return good;
}

bool alert_keys_replace(const char *path, const char **problem)
{
    size_t length = 0;
    char *text = read_checked(STDIN_FILENO, &length, problem);
    bool good = text != NULL && write_file(path, text, length, problem);
    free(text);
    return good;
}
