/* SPDX-License-Identifier: Apache-2.0 */
/* The login: which PIN files will do, and that a wrong PIN is tried once, by whomever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/raw.h"
#include "token/session/connection.h"

#define PROCESSES 8

static struct test_token test;

static void setup(void)
{
    test_token_make(&test);
}

static void teardown(void)
{
    test_token_destroy(&test);
}

/* In a fresh process: whether token_open works (0), or the status and, from 20 on, that the PIN was tried and
 * refused. */
static int try_open(struct test_token *at, void *context)
{
    struct token *token = NULL;
    sealring_error error = {0};
    (void)context;
    sealring_status status = token_open(&at->config, &token, &error);
    token_close(token);
    if (status == SEALRING_OK)
        return 0;
    if (error.token_code != CKR_PIN_INCORRECT)
        return 1 + (int)status;
    return strstr(error.message, "refused before") != NULL ? 20 : 21;
}

static int open_elsewhere(void)
{
    return test_token_elsewhere(&test, try_open, NULL, 0);
}

/* In a fresh process, without any PIN: what the token says about tries. 0 fine, 1 count low, 2 final try, 3 locked. */
static int pin_state(struct test_token *at, void *context)
{
    sealring_error error;
    P11KitUri *uri = NULL;
    struct module *module = NULL;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    (void)context;
    if (slot_parse_uri(at->config.uri, &uri, &error) != SEALRING_OK ||
        module_acquire(at->config.module, at->config.init_args, &module, &error) != SEALRING_OK ||
        module_restart(module, &error) != SEALRING_OK ||
        slot_find(module->functions, uri, at->config.uri, true, &slot, &info, &error) != SEALRING_OK)
        return 50;
    module_release(module);
    p11_kit_uri_free(uri);
    return info.flags & CKF_USER_PIN_LOCKED      ? 3
           : info.flags & CKF_USER_PIN_FINAL_TRY ? 2
           : info.flags & CKF_USER_PIN_COUNT_LOW ? 1
                                                 : 0;
}

/* ---- The record ---- */

static void read_record(char content[512])
{
    memset(content, 0, 512);
    FILE *record = fopen(test.login_record, "r");
    ck_assert_ptr_nonnull(record);
    ck_assert_uint_gt(fread(content, 1, 511, record), 0);
    fclose(record);
}

/* How many marks there are on this line of it. No more than a mark: eight digits. */
static unsigned marks(const char *name)
{
    char content[512];
    unsigned count = 0;
    read_record(content);
    const char *at = strstr(content, name);
    ck_assert_ptr_nonnull(at);
    for (at += strlen(name); *at == ' '; at += 9, count++)
        ck_assert_uint_eq(strspn(at + 1, "0123456789abcdef"), 8);
    ck_assert_int_eq(*at, '\n');
    return count;
}

START_TEST(a_good_pin_is_known_by_a_mark)
{
    char content[512], again[512];
    ck_assert_int_eq(open_elsewhere(), 0);
    ck_assert_uint_eq(marks("accepted:"), 1);
    ck_assert_uint_eq(marks("refused:"), 0);
    read_record(content);
    ck_assert_ptr_null(strstr(content, TEST_TOKEN_PIN));
    struct stat file, later;
    ck_assert_int_eq(stat(test.login_record, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0600);
    ck_assert_int_eq(open_elsewhere(), 0); /* which has nothing new to write */
    ck_assert_int_eq(stat(test.login_record, &later), 0);
    ck_assert_int_eq(file.st_mtim.tv_nsec, later.st_mtim.tv_nsec);
    read_record(again);
    ck_assert_str_eq(content, again);
}
END_TEST

START_TEST(an_older_record_is_read)
{
    char content[257];
    memset(content, ' ', sizeof content);
    int length = snprintf(content, sizeof content, "sealring login record 1\nrefused PIN file: 2049 131 6 1.2 3.4\n");
    content[length] = ' ';
    content[255] = '\n';
    content[256] = '\0';
    test_token_write_file(test.login_record, content, 0600);
    ck_assert_int_eq(open_elsewhere(), 0);
    ck_assert_uint_eq(marks("accepted:"), 1);
    char written[512];
    read_record(written); /* and an older sealring can read it */
    ck_assert_ptr_nonnull(strstr(written, "sealring login record 1\nrefused PIN file: none\n"));
}
END_TEST

START_TEST(wrong_pin_is_tried_once_over_processes)
{
    pid_t children[PROCESSES];
    int tried = 0, remembered = 0;
    test_token_write_file(test.pin_source, "wrong pin", 0600);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            _exit(try_open(&test, NULL));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status));
        tried += WEXITSTATUS(status) == 21;
        remembered += WEXITSTATUS(status) == 20;
    }
    ck_assert_int_eq(tried, 1);
    ck_assert_int_eq(remembered, PROCESSES - 1);
    ck_assert_int_eq(test_token_elsewhere(&test, pin_state, NULL, 0), token_kind()->counts_tries ? 1 : 0);
    ck_assert_int_eq(open_elsewhere(), 20);

    test_token_write_file(test.pin_source, TEST_TOKEN_PIN, 0600);
    ck_assert_int_eq(open_elsewhere(), 0);
    ck_assert_int_eq(test_token_elsewhere(&test, pin_state, NULL, 0), 0);
    ck_assert_int_eq(open_elsewhere(), 0);
}
END_TEST

START_TEST(another_wrong_pin_is_tried_once_more)
{
    test_token_write_file(test.pin_source, "wrong pin", 0600);
    ck_assert_int_eq(open_elsewhere(), 21);
    ck_assert_int_eq(open_elsewhere(), 20);
    test_token_write_file(test.pin_source, "other pin", 0600);
    ck_assert_int_eq(open_elsewhere(), 21);
    ck_assert_int_eq(open_elsewhere(), 20);
}
END_TEST

START_TEST(record_holds_a_mark_of_the_pin_only)
{
    char content[512];
    test_token_write_file(test.pin_source, "31415926", 0600);
    ck_assert_int_eq(open_elsewhere(), 21);
    read_record(content);
    ck_assert_ptr_null(strstr(content, "31415926"));
    ck_assert_uint_eq(marks("refused:"), 1);
    ck_assert_uint_eq(marks("accepted:"), 0);
}
END_TEST

/* SoftHSM2 never says CKF_USER_PIN_FINAL_TRY, so the flag is put into the answer by a function list of ours. */
static CK_FUNCTION_LIST *real_functions;
static CK_FLAGS added_flags;
static int logins;

static CK_RV flagged_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
    CK_RV code = real_functions->C_GetTokenInfo(slot, info);
    info->flags |= added_flags;
    return code;
}

static CK_RV counted_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length)
{
    logins++;
    return real_functions->C_Login(session, user, pin, length);
}

static const struct {
    CK_FLAGS flag;
    CK_RV code;
} last_tries[] = {{CKF_USER_PIN_FINAL_TRY, CKR_PIN_INCORRECT}, {CKF_USER_PIN_LOCKED, CKR_PIN_LOCKED}};

static sealring_status nothing(const struct token_key_info *key, void *context, sealring_error *error)
{
    (void)key;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

START_TEST(last_try_is_not_taken)
{
    struct token *token = test_token_open(&test);
    CK_FUNCTION_LIST flagged = *token->module->functions;
    sealring_error error = {0};
    real_functions = token->module->functions;
    added_flags = last_tries[_i].flag;
    flagged.C_GetTokenInfo = flagged_token_info;
    flagged.C_Login = counted_login;
    token->module->functions = &flagged;
    ck_assert_uint_eq(real_functions->C_CloseAllSessions(token->slot), CKR_OK); /* and with them the login */
    /* not by a random number: NSS softokn makes those without a session */
    ck_assert_int_eq(token_key_each(token, "", nothing, NULL, &error), SEALRING_TOKEN);
    ck_assert_uint_eq(error.token_code, last_tries[_i].code);
    ck_assert_int_eq(logins, 0);
    added_flags = 0;
    sleep(2); /* longer than the back-off */
    ck_assert_msg(token_key_each(token, "", nothing, NULL, &error) == SEALRING_OK, "%s", error.message);
    ck_assert_int_eq(logins, 1);
    token->module->functions = real_functions;
    token_close(token);
}
END_TEST

/* ---- Tries, counted at the module ---- */

/* Until the test ends, every token of this process is reached through a function list that counts logins. */
static struct module *count_logins(void)
{
    static CK_FUNCTION_LIST counting;
    struct module *module = NULL;
    sealring_error error;
    ck_assert_int_eq(module_acquire(test.config.module, test.config.init_args, &module, &error), SEALRING_OK);
    real_functions = module->functions;
    counting = *real_functions;
    counting.C_Login = counted_login;
    module->functions = &counting;
    logins = 0;
    return module;
}

static void stop_counting(struct module *module)
{
    module->functions = real_functions;
    module_release(module);
}

/* Opens, and fails with a message of which this is a part after so many logins in all. said NULL: it opens. */
static void open_here(const char *said, int wanted)
{
    struct token *token = NULL;
    sealring_error error = {.message = "it was opened"};
    sealring_status status = token_open(&test.config, &token, &error);
    token_close(token);
    ck_assert_msg((status == SEALRING_OK) == (said == NULL), "%s", error.message);
    ck_assert_msg(said == NULL || strstr(error.message, said) != NULL, "%s", error.message);
    ck_assert_msg(logins == wanted, "%d logins instead of %d: %s", logins, wanted, error.message);
}

START_TEST(a_wrong_pin_in_a_file_that_is_made_anew_is_tried_once)
{
    struct module *module = count_logins();
    open_here(NULL, 1);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(unlink(test.pin_source), 0);
        test_token_write_file(test.pin_source, i % 2 == 0 ? "wrong pin\n" : "wrong pin", 0600);
        open_here(i == 0 ? "refused the PIN in" : "refused before", 2);
    }
    test_token_write_file(test.pin_source, TEST_TOKEN_PIN, 0600);
    open_here(NULL, 3);
    test_token_write_file(test.pin_source, "wrong pin", 0600); /* nor after a success */
    open_here("refused before", 3);
    stop_counting(module);
}
END_TEST

/* As if another token were in the slot. */
static bool exchanged;
static CK_RV exchanged_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
    CK_RV code = real_functions->C_GetTokenInfo(slot, info);
    info->model[sizeof info->model - 1] ^= exchanged;
    return code;
}

START_TEST(a_refusal_by_another_token_is_none_by_this_one)
{
    struct module *module = count_logins();
    CK_FUNCTION_LIST exchanging = *module->functions;
    exchanging.C_GetTokenInfo = exchanged_token_info;
    module->functions = &exchanging;
    test_token_write_file(test.pin_source, "wrong pin", 0600);
    open_here("refused the PIN in", 1);
    exchanged = true;
    open_here("refused the PIN in", 2);
    open_here("refused before", 2);
    exchanged = false;
    open_here("refused before", 2);
    stop_counting(module);
}
END_TEST

static void change_pin(const char *old, const char *new)
{
    struct token *token = test_token_open(&test);
    struct raw raw;
    raw_open(&raw, token);
    ck_assert_uint_eq(raw.functions->C_SetPIN(raw.session, (CK_UTF8CHAR_PTR)(uintptr_t)old, strlen(old),
                                              (CK_UTF8CHAR_PTR)(uintptr_t) new, strlen(new)),
                      CKR_OK);
    raw_close(&raw);
    token_close(token);
}

/* To the login this looks like an environment in which the module is wrong. */
START_TEST(a_pin_that_was_accepted_is_tried_in_two_environments)
{
    struct module *module = count_logins();
    change_pin(TEST_TOKEN_PIN, "another-pin");
    ck_assert_int_eq(logins, 1);
    open_here("which it accepted before", 2);
    open_here("which it accepted before", 2);
    ck_assert_int_eq(setenv("LD_LIBRARY_PATH", test.directory, 1), 0);
    open_here("refused the PIN in", 3);
    ck_assert_int_eq(setenv("LD_LIBRARY_PATH", test.tokens, 1), 0);
    open_here("refused before", 3);
    test_token_write_file(test.pin_source, "another-pin", 0600);
    open_here(NULL, 4);
    ck_assert_int_eq(unsetenv("LD_LIBRARY_PATH"), 0);
    open_here(NULL, 5);
    stop_counting(module);
}
END_TEST

/* The right PIN is refused in one process: nobody else is kept out by that. */
static CK_RV misled_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length)
{
    (void)session, (void)user, (void)pin, (void)length;
    logins++;
    return CKR_PIN_INCORRECT;
}

START_TEST(a_misled_process_locks_nobody_out)
{
    ck_assert_int_eq(open_elsewhere(), 0);
    struct module *module = count_logins();
    CK_FUNCTION_LIST misled = *module->functions;
    misled.C_Login = misled_login;
    module->functions = &misled;
    ck_assert_int_eq(setenv("OPENSSL_MODULES", test.directory, 1), 0);
    for (int i = 0; i < 3; i++) /* a unit that restarts */
        open_here("which it accepted before", 1);
    ck_assert_int_eq(unsetenv("OPENSSL_MODULES"), 0);
    stop_counting(module);
    ck_assert_int_eq(open_elsewhere(), 0);
    ck_assert_uint_eq(marks("doubted:"), 0);
}
END_TEST

/* ---- PIN files ---- */

static void expect_refusal(const char *said)
{
    sealring_error error;
    ck_assert_int_eq(test_token_open_fails(&test.config, &error), SEALRING_TOKEN);
    ck_assert_msg(strstr(error.message, said) != NULL, "%s", error.message);
    ck_assert_uint_eq(error.token_code, 0);
    ck_assert_int_eq(test_token_elsewhere(&test, pin_state, NULL, 0), 0); /* no PIN was tried */
}

START_TEST(pin_file_must_be_there)
{
    ck_assert_int_eq(unlink(test.pin_source), 0);
    expect_refusal("cannot be opened");
}
END_TEST

START_TEST(pin_file_must_not_be_empty)
{
    test_token_write_file(test.pin_source, "", 0600);
    expect_refusal("empty");
    test_token_write_file(test.pin_source, "\n", 0600);
    expect_refusal("no PIN");
}
END_TEST

START_TEST(pin_file_must_be_the_owners_alone)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0777};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        test_token_write_file(test.pin_source, TEST_TOKEN_PIN, modes[i]);
        expect_refusal("chmod 600");
    }
    test_token_write_file(test.pin_source, TEST_TOKEN_PIN, 0400);
    ck_assert_int_eq(open_elsewhere(), 0);
}
END_TEST

START_TEST(pin_file_must_be_a_regular_file)
{
    ck_assert_int_eq(unlink(test.pin_source), 0);
    ck_assert_int_eq(mkdir(test.pin_source, 0700), 0);
    expect_refusal("no regular file");
    ck_assert_int_eq(rmdir(test.pin_source), 0);
    ck_assert_int_eq(mkfifo(test.pin_source, 0600), 0);
    expect_refusal("no regular file");
}
END_TEST

START_TEST(pin_file_must_not_be_long)
{
    char pin[300];
    memset(pin, '1', sizeof(pin));
    pin[257] = '\0';
    test_token_write_file(test.pin_source, pin, 0600);
    expect_refusal("longer than 256");
    pin[257] = '1';
    pin[299] = '\0';
    test_token_write_file(test.pin_source, pin, 0600);
    expect_refusal("longer than 256");
}
END_TEST

START_TEST(links_are_followed)
{
    char target[TEST_TOKEN_PATH_SIZE + 8];
    snprintf(target, sizeof(target), "%s.real", test.pin_source);
    ck_assert_int_eq(rename(test.pin_source, target), 0);
    ck_assert_int_eq(symlink(target, test.pin_source), 0);
    test_token_write_file(target, TEST_TOKEN_PIN "\n", 0600);
    ck_assert_int_eq(open_elsewhere(), 0);
    test_token_write_file(target, TEST_TOKEN_PIN, 0600);
    ck_assert_int_eq(open_elsewhere(), 0);
}
END_TEST

static const struct {
    const char *content;
    size_t length; /* 0: of the string */
    const char *said;
} first_lines[] = {
    {TEST_TOKEN_PIN "\n\n", 0, NULL},
    {TEST_TOKEN_PIN "\r\n", 0, NULL},
    {TEST_TOKEN_PIN "\r", 0, NULL},
    {TEST_TOKEN_PIN "\r\n\r\n# since May\r\n", 0, NULL},
    {TEST_TOKEN_PIN "\n# since May\nthe other: 12345678\n", 0, NULL},
    {TEST_TOKEN_PIN "\nbinary\0\1\2", sizeof TEST_TOKEN_PIN "\nbinary\0\1\2" - 1, NULL},
    {"\n" TEST_TOKEN_PIN "\n", 0, "no PIN in its first line"},
    {"\r\n" TEST_TOKEN_PIN "\n", 0, "no PIN in its first line"},
    {TEST_TOKEN_PIN "\0\n", sizeof TEST_TOKEN_PIN + 1, "control character"},
    {"\0" TEST_TOKEN_PIN, sizeof TEST_TOKEN_PIN, "control character"},
    {TEST_TOKEN_PIN "\t\n", 0, "control character"},
    {TEST_TOKEN_PIN "\r\r\n", 0, "control character"},
    {TEST_TOKEN_PIN "\r# since May\n", 0, "control character"},
    {"\033[A" TEST_TOKEN_PIN "\n", 0, "control character"},
    {TEST_TOKEN_PIN "\177\n", 0, "control character"},
    {"\xef\xbb\xbf" TEST_TOKEN_PIN "\n", 0, "byte order mark"},
    {"t\0e\0s\0t\0", 8, "control character"},
};

START_TEST(the_first_line_is_the_pin)
{
    size_t length = first_lines[_i].length != 0 ? first_lines[_i].length : strlen(first_lines[_i].content);
    FILE *file = fopen(test.pin_source, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(first_lines[_i].content, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    if (first_lines[_i].said == NULL)
        ck_assert_int_eq(open_elsewhere(), 0);
    else
        expect_refusal(first_lines[_i].said);
}
END_TEST

START_TEST(what_is_below_the_first_line_may_be_long)
{
    FILE *file = fopen(test.pin_source, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fprintf(file, "%s\n%100000s\n", TEST_TOKEN_PIN, "x"), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(open_elsewhere(), 0);
}
END_TEST

START_TEST(no_pin_is_tried_without_a_record)
{
    char target[TEST_TOKEN_PATH_SIZE + 8];
    test_token_write_file(test.login_record, "somebody's diary\n", 0600);
    expect_refusal("no login record");
    ck_assert_int_eq(unlink(test.login_record), 0);
    snprintf(target, sizeof(target), "%s.real", test.login_record);
    test_token_write_file(target, "", 0600);
    ck_assert_int_eq(symlink(target, test.login_record), 0);
    expect_refusal("no PIN is tried");
    ck_assert_int_eq(unlink(test.login_record), 0);
    ck_assert_int_eq(mkdir(test.login_record, 0700), 0);
    expect_refusal("no PIN is tried");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token login");
    TCase *cases = tcase_create("login");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_good_pin_is_known_by_a_mark);
    tcase_add_test(cases, an_older_record_is_read);
    tcase_add_test(cases, wrong_pin_is_tried_once_over_processes);
    tcase_add_test(cases, another_wrong_pin_is_tried_once_more);
    tcase_add_test(cases, record_holds_a_mark_of_the_pin_only);
    tcase_add_loop_test(cases, last_try_is_not_taken, 0, sizeof(last_tries) / sizeof(last_tries[0]));
    tcase_add_test(cases, a_wrong_pin_in_a_file_that_is_made_anew_is_tried_once);
    tcase_add_test(cases, a_refusal_by_another_token_is_none_by_this_one);
    tcase_add_test(cases, a_pin_that_was_accepted_is_tried_in_two_environments);
    tcase_add_test(cases, a_misled_process_locks_nobody_out);
    tcase_add_test(cases, pin_file_must_be_there);
    tcase_add_test(cases, pin_file_must_not_be_empty);
    tcase_add_test(cases, pin_file_must_be_the_owners_alone);
    tcase_add_test(cases, pin_file_must_be_a_regular_file);
    tcase_add_test(cases, pin_file_must_not_be_long);
    tcase_add_test(cases, links_are_followed);
    tcase_add_loop_test(cases, the_first_line_is_the_pin, 0, sizeof(first_lines) / sizeof(first_lines[0]));
    tcase_add_test(cases, what_is_below_the_first_line_may_be_long);
    tcase_add_test(cases, no_pin_is_tried_without_a_record);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
