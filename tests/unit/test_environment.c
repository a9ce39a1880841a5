/* SPDX-License-Identifier: Apache-2.0 */
/* token/environment: an OpenSSL that lacks one of the things that a PIN is checked with, or computes one wrongly, is found before a PIN is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "lib/runner.h"
#include "token/pin/process_environment.h"

/* Each of OpenSSL's functions works, fails, or succeeds with a wrong result. */
enum answer { RIGHT, FAILS, WRONG };
static enum answer digest, encryption, random_bytes;

int __real_EVP_Digest(const void *data, size_t count, unsigned char *md, unsigned int *size, const EVP_MD *type,
                      ENGINE *impl);
int __wrap_EVP_Digest(const void *data, size_t count, unsigned char *md, unsigned int *size, const EVP_MD *type,
                      ENGINE *impl);
int __wrap_EVP_Digest(const void *data, size_t count, unsigned char *md, unsigned int *size, const EVP_MD *type,
                      ENGINE *impl)
{
    int result = __real_EVP_Digest(data, count, md, size, type, impl);
    md[0] ^= digest == WRONG;
    return digest == FAILS ? 0 : result;
}

int __real_EVP_EncryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *length, const unsigned char *in,
                             int size);
int __wrap_EVP_EncryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *length, const unsigned char *in,
                             int size);
int __wrap_EVP_EncryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *length, const unsigned char *in,
                             int size)
{
    int result = __real_EVP_EncryptUpdate(context, out, length, in, size);
    out[0] ^= encryption == WRONG;
    return encryption == FAILS ? 0 : result;
}

int __real_RAND_bytes(unsigned char *bytes, int count);
int __wrap_RAND_bytes(unsigned char *bytes, int count);
int __wrap_RAND_bytes(unsigned char *bytes, int count)
{
    return random_bytes == FAILS ? 0 : __real_RAND_bytes(bytes, count);
}

static sealring_error error;

static void setup(void)
{
    digest = encryption = random_bytes = RIGHT;
}

START_TEST(a_working_openssl_is_good)
{
    ck_assert_msg(environment_check_openssl("keys", &error) == SEALRING_OK, "%s", error.message);
}
END_TEST

static const struct {
    enum answer *broken;
    enum answer answer;
    const char *what;
} breakages[] = {{&digest, FAILS, "SHA-256"},
                 {&digest, WRONG, "SHA-256"},
                 {&encryption, FAILS, "AES-256-CBC"},
                 {&encryption, WRONG, "AES-256-CBC"},
                 {&random_bytes, FAILS, "random numbers"}};

START_TEST(each_need_is_asked_for)
{
    *breakages[_i].broken = breakages[_i].answer;
    ck_assert_int_eq(environment_check_openssl("keys", &error), SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "no PIN is sent to the PKCS#11 token keys: OpenSSL has no "));
    ck_assert_ptr_nonnull(strstr(error.message, breakages[_i].what));
}
END_TEST

/* ---- Which environment it is ---- */

static char directory[64];

static struct pin_mark mark_with(const char *configuration, const char *content, const char *variable)
{
    char path[128];
    struct pin_mark mark;
    snprintf(path, sizeof path, "%s/%s", directory, configuration);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(content, file) >= 0 && fclose(file) == 0);
    ck_assert_int_eq(setenv("OPENSSL_CONF", path, 1), 0);
    ck_assert_int_eq(setenv("OPENSSL_MODULES", variable, 1), 0);
    environment_mark(directory, mark.bytes);
    ck_assert_int_eq(unlink(path), 0);
    return mark;
}

static bool equal(struct pin_mark one, struct pin_mark other)
{
    return memcmp(one.bytes, other.bytes, sizeof one.bytes) == 0;
}

START_TEST(an_environment_is_what_its_configuration_contains)
{
    snprintf(directory, sizeof directory, "/tmp/sealring-environment-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    struct pin_mark mark = mark_with("a", "# one\n", "/modules");
    ck_assert(equal(mark, mark_with("b", "# one\n", "/modules"))); /* a container has it under another name */
    ck_assert(!equal(mark, mark_with("a", "# two\n", "/modules")));
    ck_assert(!equal(mark, mark_with("a", "# one\n", "/others")));
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("environment");
    TCase *cases = tcase_create("environment");
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, a_working_openssl_is_good);
    tcase_add_loop_test(cases, each_need_is_asked_for, 0, sizeof breakages / sizeof breakages[0]);
    tcase_add_test(cases, an_environment_is_what_its_configuration_contains);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
