/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning, probing, random numbers, and a destruction that the storage did not carry out. */
#include <dlfcn.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/module/module.h"
#include "token/raw.h"

static struct test_token test;

static void setup(void)
{
    test_token_make(&test);
    ck_assert(!module_any_in_use());
}

static void teardown(void)
{
    test_token_destroy(&test);
}

static sealring_status provision(const char *label, sealring_error *error)
{
    char serial[PROVISION_SERIAL_SIZE];
    memset(error, 0, sizeof(*error));
    return provision_token(test_token_module(), test.config.init_args, label, TEST_TOKEN_SO_PIN, TEST_TOKEN_PIN, serial,
                           error);
}

START_TEST(provisioning_leaves_nothing_behind)
{
    ck_assert_uint_eq(strlen(test.serial), 16);
    ck_assert(!module_any_in_use());
    ck_assert_ptr_null(dlopen(test_token_module(), RTLD_NOW | RTLD_NOLOAD)); /* nor is it loaded */
    ck_assert(!module_is_initialised(test_token_module()));
    struct token *token = test_token_open(&test); /* so the PIN is set */
    ck_assert(module_any_in_use());
    ck_assert(module_is_initialised(test_token_module()));
    token_close(token);
    ck_assert(!module_any_in_use());
}
END_TEST

START_TEST(provisioning_beside_an_open_token_is_refused)
{
    sealring_error error;
    struct token *token = test_token_open(&test);
    ck_assert_int_eq(provision("second", &error), SEALRING_REFUSED);
    uint8_t bytes[8];
    ck_assert_int_eq(token_random(token, bytes, sizeof(bytes), &error), SEALRING_OK); /* and did no harm */
    token_close(token);
    ck_assert_int_eq(provision("second", &error), SEALRING_OK);
}
END_TEST

START_TEST(provisioning_beside_a_host_that_uses_the_module_is_refused)
{
    sealring_error error;
    CK_C_GetFunctionList get_function_list;
    CK_FUNCTION_LIST *host = NULL;
    CK_INFO info;
    void *library = dlopen(test_token_module(), RTLD_NOW);
    void *symbol = dlsym(library, "C_GetFunctionList");
    memcpy(&get_function_list, &symbol, sizeof(symbol));
    ck_assert_uint_eq(get_function_list(&host), CKR_OK);
    ck_assert_uint_eq(host->C_Initialize(NULL), CKR_OK);
    ck_assert_int_eq(provision("second", &error), SEALRING_REFUSED);
    ck_assert_uint_eq(host->C_GetInfo(&info), CKR_OK);
    ck_assert_uint_eq(host->C_Finalize(NULL), CKR_OK);
}
END_TEST

START_TEST(provisioning_says_what_is_wrong)
{
    char serial[PROVISION_SERIAL_SIZE];
    sealring_error error = {0};
    ck_assert_int_eq(provision("", &error), SEALRING_INVALID);
    ck_assert_int_eq(provision("123456789012345678901234567890123", &error), SEALRING_INVALID);
    ck_assert_int_eq(provision_token(test_token_module(), NULL, "x", "", "1234", serial, &error), SEALRING_INVALID);
    ck_assert_int_eq(provision_token("/nonexistent/module.so", NULL, "x", "1234", "1234", serial, &error),
                     SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/module.so"));
    ck_assert_int_eq(provision_token(test_token_module(), NULL, "x", "12", "1234", serial, &error), SEALRING_TOKEN);
    ck_assert_uint_gt(strlen(error.message), 0);
}
END_TEST

START_TEST(provisioned_tokens_of_one_label_are_told_apart)
{
    char first[PROVISION_SERIAL_SIZE], second[PROVISION_SERIAL_SIZE];
    sealring_error error = {0};
    ck_assert_int_eq(provision_token(test_token_module(), NULL, "same", "1234", "first pin", first, &error),
                     SEALRING_OK);
    ck_assert_int_eq(provision_token(test_token_module(), NULL, "same", "1234", "second pin", second, &error),
                     SEALRING_OK);
    ck_assert_str_ne(first, second);
    ck_assert_str_ne(first, test.serial);
    char uri[TEST_TOKEN_PATH_SIZE] = "pkcs11:serial=";
    strcat(uri, second);
    struct token_config config = test.config;
    config.uri = uri;
    test_token_write_file(test.pin_source, "second pin", 0600);
    struct token *token = NULL;
    ck_assert_int_eq(token_open(&config, &token, &error), SEALRING_OK);
    token_close(token);
}
END_TEST

START_TEST(provisioning_without_a_blank_token_is_refused)
{
    sealring_error error;
    ck_assert_int_ne(provision("second", &error), SEALRING_OK);
    ck_assert_uint_gt(strlen(error.message), 0);
    struct token *token = test_token_open(&test); /* and did no harm */
    token_close(token);
}
END_TEST

START_TEST(probe_finds_what_the_token_can)
{
    struct token_abilities abilities;
    sealring_error error = {0};
    struct raw raw;
    CK_OBJECT_HANDLE handle;
    CK_ULONG count = 99;
    struct token *token = test_token_open(&test);
    ck_assert_msg(token_probe(token, "sealring-probe/test", &abilities, &error) == SEALRING_OK, "%s", error.message);
    ck_assert_uint_eq(abilities.object_id_length, 16);
    ck_assert(abilities.closes_keys);
    ck_assert_int_eq(abilities.limits_mechanisms, token_kind()->limits_mechanisms);
    ck_assert_int_eq(abilities.refuses_copies, token_kind()->refuses_copies);
    raw_open(&raw, token); /* nothing is left, of any class */
    ck_assert_uint_eq(raw.functions->C_FindObjectsInit(raw.session, NULL, 0), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjects(raw.session, &handle, 1, &count), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjectsFinal(raw.session), CKR_OK);
    ck_assert_uint_eq(count, 0);
    raw_close(&raw);
    token_close(token);
}
END_TEST

START_TEST(random_bytes_are_all_written_and_differ)
{
    static uint8_t one[1000], other[1000];
    unsigned seen[256] = {0};
    sealring_error error = {0};
    struct token *token = test_token_open(&test);
    ck_assert_int_eq(token_random(token, one, sizeof(one), &error), SEALRING_OK);
    ck_assert_int_eq(token_random(token, other, sizeof(other), &error), SEALRING_OK);
    ck_assert_int_eq(token_random(token, other, 0, &error), SEALRING_OK);
    ck_assert_int_ne(memcmp(one, other, sizeof(one)), 0);
    for (size_t piece = 0; piece + 25 <= sizeof(one); piece += 25) { /* no piece was forgotten */
        uint8_t sum = 0;
        for (size_t i = 0; i < 25; i++) {
            sum |= one[piece + i];
            seen[one[piece + i]]++;
        }
        ck_assert_uint_ne(sum, 0);
    }
    unsigned different = 0;
    for (size_t i = 0; i < 256; i++)
        different += seen[i] > 0;
    ck_assert_uint_gt(different, 200);
    token_close(token);
}
END_TEST

static int give_away(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)kind;
    (void)walk;
    int given = chown(path, 65534, 65534);
    return given == 0 ? chmod(path, S_ISDIR(file->st_mode) ? 0700 : 0600) : given;
}

static int forbid_writing(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)kind;
    (void)walk;
    return S_ISDIR(file->st_mode) && strcmp(path, test.directory) != 0 ? chmod(path, 0500) : 0;
}

static int allow_writing(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)kind;
    (void)walk;
    return S_ISDIR(file->st_mode) ? chmod(path, 0700) : 0;
}

/* SoftHSM2 in a directory that cannot be written to: the object is gone for this process only, so it was not
 * destroyed. */
START_TEST(destruction_that_did_not_happen_is_noticed)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct token_key_reference reference;
        sealring_error error = {0};
        struct token *token = NULL;
        uint8_t mac[TOKEN_HMAC_SIZE];
        if (getuid() == 0) { /* nothing forbids root to write */
            if (nftw(test.directory, give_away, 16, FTW_PHYS) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
                _exit(1);
        }
        test_token_reference(&reference, "0123456789abcdef");
        if (token_open(&test.config, &token, &error) != SEALRING_OK ||
            token_key_generate(token, "sealring/x/1", &reference, NULL, &error) != SEALRING_OK ||
            nftw(test.directory, forbid_writing, 16, FTW_PHYS) != 0)
            _exit(2);
        sealring_status status =
            token_key_destroy(token, reference.object_id, reference.object_id_length, NULL, NULL, &error);
        if (status != SEALRING_TOKEN)
            _exit(3);
        status = token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error);
        nftw(test.directory, allow_writing, 16, FTW_PHYS | FTW_MOUNT);
        token_close(token);
        _exit(status == SEALRING_OK ? 0 : 4);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token provision");
    TCase *cases = tcase_create("provision");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    if (token_kind()->joins_host && token_kind()->tells_initialised) {
        tcase_add_test(cases, provisioning_leaves_nothing_behind);
        tcase_add_test(cases, provisioning_beside_a_host_that_uses_the_module_is_refused);
    }
    if (token_kind()->initialises) {
        tcase_add_test(cases, provisioning_beside_an_open_token_is_refused);
        tcase_add_test(cases, provisioning_says_what_is_wrong);
        tcase_add_test(cases, provisioned_tokens_of_one_label_are_told_apart);
    } else {
        tcase_add_test(cases, provisioning_without_a_blank_token_is_refused);
    }
    tcase_add_test(cases, probe_finds_what_the_token_can);
    tcase_add_test(cases, random_bytes_are_all_written_and_differ);
    if (token_kind()->in_process && token_kind()->needs_directory)
        tcase_add_test(cases, destruction_that_did_not_happen_is_noticed);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
