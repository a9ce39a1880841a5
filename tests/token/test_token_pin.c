/* SPDX-License-Identifier: Apache-2.0 */
/* PINs that are no plain files: a systemd credential, and what somebody types. */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/pin/pin.h"
#include "token/pin/pin_source.h"
#include "token/raw.h"
#include "token/session/connection.h"

static struct test_token test;
static char credentials[TEST_TOKEN_PATH_SIZE + 16]; /* the directory */
static char keys[TEST_TOKEN_PATH_SIZE + 32];        /* the credential in it */

static void setup(void)
{
    test_token_make(&test);
    snprintf(credentials, sizeof credentials, "%s/credentials", test.directory);
    snprintf(keys, sizeof keys, "%s/keys.pin", credentials);
    ck_assert_int_eq(mkdir(credentials, 0700), 0);
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", credentials, 1), 0);
    test.config.pin_source = "credential:keys.pin";
}

static void teardown(void)
{
    unsetenv("CREDENTIALS_DIRECTORY");
    test_token_destroy(&test);
}

static void refused(const char *said)
{
    sealring_error error;
    ck_assert_int_eq(test_token_open_fails(&test.config, &error), SEALRING_TOKEN);
    ck_assert_msg(strstr(error.message, said) != NULL, "%s", error.message);
    ck_assert_msg(strstr(error.message, TEST_TOKEN_PIN) == NULL, "%s", error.message);
}

static void accepted(void)
{
    token_close(test_token_open(&test));
}

/* As systemd makes it: a file of its own at every start of the unit. */
static void hand_over(const char *pin, mode_t mode)
{
    ck_assert(unlink(keys) == 0 || errno == ENOENT);
    test_token_write_file(keys, pin, mode);
}

/* ---- pin-source ---- */

START_TEST(forms_are_told_apart)
{
    ck_assert_int_eq(pin_source_of("terminal"), PIN_SOURCE_TERMINAL);
    ck_assert_int_eq(pin_source_of("./terminal"), PIN_SOURCE_FILE);
    ck_assert_int_eq(pin_source_of("terminals"), PIN_SOURCE_FILE);
    ck_assert_int_eq(pin_source_of("credential"), PIN_SOURCE_FILE);
    ck_assert_int_eq(pin_source_of("credential:"), PIN_SOURCE_CREDENTIAL);
    ck_assert_int_eq(pin_source_of("credential:a"), PIN_SOURCE_CREDENTIAL);
}
END_TEST

static const struct {
    const char *text;
    bool good;
} names[] = {
    {"/any/path", true},
    {"terminal", true},
    {"credential:keys", true},
    {"credential:sealring-keys.pin_2", true},
    {"credential:", false},
    {"credential:../keys", false},
    {"credential:a/b", false},
    {"credential:.hidden", false},
    {"credential:..", false},
    {"credential:with space", false},
    {"credential:a\nb", false},
    {"credential:a:b", false},
    {"credential:\xc3\xa4", false},
};

START_TEST(names_of_credentials_are_plain)
{
    char path[PATH_MAX];
    sealring_error error;
    ck_assert_msg((pin_source_problem(names[_i].text) == NULL) == names[_i].good, "%s", names[_i].text);
    if (!names[_i].good)
        ck_assert_int_eq(pin_source_path(names[_i].text, path, &error), SEALRING_TOKEN);
}
END_TEST

START_TEST(names_of_credentials_are_bounded)
{
    char text[16 + PIN_CREDENTIAL_NAME_MAX + 2] = "credential:";
    memset(text + 11, 'x', PIN_CREDENTIAL_NAME_MAX);
    ck_assert_ptr_null(pin_source_problem(text));
    text[11 + PIN_CREDENTIAL_NAME_MAX] = 'x';
    ck_assert_ptr_nonnull(pin_source_problem(text));
}
END_TEST

/* ---- credentials ---- */

START_TEST(a_credential_is_read)
{
    hand_over(TEST_TOKEN_PIN, 0400);
    accepted();
    hand_over(TEST_TOKEN_PIN "\n", 0600);
    accepted();
}
END_TEST

START_TEST(a_credential_must_be_handed_over)
{
    refused("cannot be opened");
    hand_over(TEST_TOKEN_PIN, 0400);
    ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    refused("LoadCredential=keys.pin:FILE");
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "", 1), 0);
    refused("LoadCredential=keys.pin:FILE");
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "relative", 1), 0);
    refused("LoadCredential=keys.pin:FILE");
}
END_TEST

START_TEST(a_credential_is_the_units_alone)
{
    static const mode_t modes[] = {0440, 0404, 0420, 0460};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        hand_over(TEST_TOKEN_PIN, modes[i]);
        refused("chmod 600");
    }
}
END_TEST

struct acl {
    uint32_t version;
    struct {
        uint16_t tag, permissions;
        uint32_t id;
    } entries[5];
};

/* What systemd sets for a unit with User=: that user may read, the group nothing; the mode then says 0440. */
static bool set_acl(uint16_t group_permissions)
{
    struct acl acl = {.version = htole32(2),
                      .entries = {{htole16(0x01), htole16(4), htole32(0xffffffff)},
                                  {htole16(0x02), htole16(4), htole32(12345)},
                                  {htole16(0x04), htole16(group_permissions), htole32(0xffffffff)},
                                  {htole16(0x10), htole16(4), htole32(0xffffffff)},
                                  {htole16(0x20), htole16(0), htole32(0xffffffff)}}};
    return setxattr(keys, "system.posix_acl_access", &acl, sizeof acl, 0) == 0;
}

START_TEST(an_access_list_for_the_units_user_will_do)
{
    struct stat file;
    hand_over(TEST_TOKEN_PIN, 0400);
    if (!set_acl(0)) {
        ck_assert_int_eq(errno, ENOTSUP);
        printf("# no access control lists on the file system of %s\n", test.directory);
        return;
    }
    ck_assert_int_eq(stat(keys, &file), 0);
    ck_assert_int_eq(file.st_mode & 0777, 0440);
    accepted();
    ck_assert(set_acl(4)); /* but not one that lets the group read */
    refused("chmod 600");
    ck_assert(set_acl(0)); /* and a file that an operator made has to be 0600 */
    test.config.pin_source = keys;
    refused("chmod 600");
}
END_TEST

/* A unit that restarts gets the wrong PIN as a new file each time; it would lock the token. */
START_TEST(a_refused_credential_is_not_tried_at_every_start)
{
    hand_over("wrong pin", 0400);
    refused("refused the PIN in credential:keys.pin");
    for (int i = 0; i < 3; i++) {
        hand_over(i % 2 == 0 ? "wrong pin\n" : "wrong pin", 0400);
        refused("refused before");
    }
    hand_over(TEST_TOKEN_PIN, 0400);
    accepted();
    hand_over("wrong pin", 0400);
    refused("refused before");
}
END_TEST

START_TEST(emptying_the_record_gives_a_credential_one_more_try)
{
    hand_over("wrong pin", 0400);
    refused("refused the PIN");
    refused("refused before");
    ck_assert_int_eq(truncate(test.login_record, 0), 0);
    refused("refused the PIN");
    refused("refused before");
}
END_TEST

/* ---- what somebody types ---- */

struct person {
    const char *pin; /* NULL: gives none */
    unsigned asked;
    unsigned told_refused;
    char token[256];
};

static int answer(const char *token, char *pin, void *context)
{
    struct person *person = context;
    snprintf(person->token, sizeof person->token, "%s", token);
    if (pin == NULL) {
        person->told_refused++;
        return 0;
    }
    for (size_t i = 0; i < SEALRING_PIN_SIZE; i++)
        ck_assert_int_eq(pin[i], 0);
    person->asked++;
    if (person->pin == NULL)
        return 1;
    strcpy(pin, person->pin);
    return 0;
}

static void ask(struct person *person)
{
    test.config.pin_source = "terminal";
    test.config.ask_pin = answer;
    test.config.ask_context = person;
}

START_TEST(who_types_is_asked_once)
{
    struct person person = {.pin = TEST_TOKEN_PIN};
    sealring_error error;
    uint8_t bytes[8];
    ask(&person);
    struct token *token = test_token_open(&test);
    ck_assert_uint_eq(person.asked, 1);
    ck_assert_str_eq(person.token, test.config.uri);
    /* a login that is lost is made again with what was typed */
    ck_assert_uint_eq(token->module->functions->C_Finalize(NULL), CKR_OK);
    sealring_status status = SEALRING_TOKEN;
    for (int i = 0; i < 50 && status != SEALRING_OK; i++) {
        status = token_random(token, bytes, sizeof bytes, &error);
        usleep(status == SEALRING_OK ? 0 : 100000);
    }
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
    ck_assert_uint_eq(person.asked, 1);
    ck_assert_uint_eq(person.told_refused, 0);
    token_close(token);
}
END_TEST

START_TEST(what_is_refused_is_said_and_not_remembered)
{
    struct person person = {.pin = "wrong pin"};
    ask(&person);
    refused("refused the PIN that was typed");
    ck_assert_uint_eq(person.told_refused, 1);
    refused("refused the PIN that was typed"); /* another person, another try */
    ck_assert_uint_eq(person.asked, 2);
    person.pin = TEST_TOKEN_PIN;
    accepted();
    test.config.pin_source = test.pin_source;
    accepted();
}
END_TEST

/* The way out where the token's PIN became what it had refused before. */
START_TEST(a_login_by_hand_lifts_a_refusal)
{
    struct person person = {.pin = "later right"};
    hand_over("later right", 0400);
    refused("refused the PIN");
    struct token *token;
    test.config.pin_source = test.pin_source;
    token = test_token_open(&test);
    struct raw raw;
    raw_open(&raw, token);
    ck_assert_uint_eq(raw.functions->C_SetPIN(raw.session, (CK_UTF8CHAR_PTR)TEST_TOKEN_PIN, strlen(TEST_TOKEN_PIN),
                                              (CK_UTF8CHAR_PTR) "later right", strlen("later right")),
                      CKR_OK);
    raw_close(&raw);
    token_close(token);
    test.config.pin_source = "credential:keys.pin";
    refused("log in once by hand");
    ask(&person);
    accepted();
    test.config.pin_source = "credential:keys.pin";
    accepted();
}
END_TEST

static const struct {
    const char *typed;
    const char *said; /* NULL: it is accepted */
} typed[] = {
    {TEST_TOKEN_PIN "\n", NULL},
    {TEST_TOKEN_PIN "\r\n", NULL},
    {"", "no PIN in its first line"},
    {"\n", "no PIN in its first line"},
    {TEST_TOKEN_PIN "\b\b", "control character"},
    {NULL, "longer than 256"},
};

static int answer_as_typed(const char *token, char *pin, void *context)
{
    const int *index = context;
    (void)token;
    ck_assert_ptr_nonnull(pin); /* else the token was asked */
    if (typed[*index].typed != NULL)
        strcpy(pin, typed[*index].typed);
    else
        memset(pin, '1', SEALRING_PIN_SIZE);
    return 0;
}

START_TEST(what_is_typed_is_checked_like_a_file)
{
    test.config.pin_source = "terminal";
    test.config.ask_pin = answer_as_typed;
    test.config.ask_context = &_i;
    if (typed[_i].said == NULL)
        accepted();
    else
        refused(typed[_i].said);
}
END_TEST

START_TEST(nobody_answers)
{
    struct person person = {.pin = NULL};
    ask(&person);
    refused("was not given");
    ck_assert_uint_eq(person.told_refused, 0);
    test.config.ask_pin = NULL;
    refused("which a server has none of");
    ck_assert_uint_eq(person.asked, 1);
}
END_TEST

START_TEST(a_typed_pin_is_not_dumped)
{
    struct pin pin;
    struct person person = {.pin = TEST_TOKEN_PIN};
    char line[1024];
    bool inside = false, kept_out = false;
    ck_assert_int_eq(pin_ask("pkcs11:token=x", answer, &person, &pin, NULL), SEALRING_OK);
    ck_assert_uint_eq(pin.length, strlen(TEST_TOKEN_PIN));
    FILE *file = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long first, end;
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            inside = (uintptr_t)pin.bytes >= first && (uintptr_t)pin.bytes < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            kept_out = strstr(line, " dd") != NULL;
    }
    fclose(file);
    ck_assert(kept_out);
    pin_free(&pin);
    ck_assert_ptr_null(pin.bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token pin");
    TCase *cases = tcase_create("pin");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, forms_are_told_apart);
    tcase_add_loop_test(cases, names_of_credentials_are_plain, 0, sizeof names / sizeof *names);
    tcase_add_test(cases, names_of_credentials_are_bounded);
    tcase_add_test(cases, a_credential_is_read);
    tcase_add_test(cases, a_credential_must_be_handed_over);
    tcase_add_test(cases, a_credential_is_the_units_alone);
    tcase_add_test(cases, an_access_list_for_the_units_user_will_do);
    tcase_add_test(cases, a_refused_credential_is_not_tried_at_every_start);
    tcase_add_test(cases, emptying_the_record_gives_a_credential_one_more_try);
    tcase_add_test(cases, who_types_is_asked_once);
    tcase_add_test(cases, what_is_refused_is_said_and_not_remembered);
    tcase_add_test(cases, a_login_by_hand_lifts_a_refusal);
    tcase_add_loop_test(cases, what_is_typed_is_checked_like_a_file, 0, sizeof typed / sizeof *typed);
    tcase_add_test(cases, nobody_answers);
    tcase_add_test(cases, a_typed_pin_is_not_dumped);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
