/* SPDX-License-Identifier: Apache-2.0 */
/* base/error: the right fields, one line, cut between characters, no controls. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "lib/runner.h"

static void assert_one_clean_line(const char *message)
{
    size_t length = strnlen(message, SEALRING_MESSAGE_SIZE);
    ck_assert_uint_lt(length, SEALRING_MESSAGE_SIZE);
    for (size_t i = 0; i < length;) {
        uint32_t code_point = 0;
        size_t size = utf8_character(message + i, length - i, &code_point);
        ck_assert_msg(size > 0, "byte %zu is not UTF-8", i);
        ck_assert_msg(!utf8_is_control(code_point), "control character at byte %zu", i);
        i += size;
    }
}

START_TEST(each_kind_sets_its_fields_and_no_others)
{
    sealring_error error;
    memset(&error, 0xff, sizeof error);
    ck_assert_int_eq(error_set(&error, SEALRING_REFUSED, "ring \"%s\" exists", "payments"), SEALRING_REFUSED);
    ck_assert_int_eq(error.status, SEALRING_REFUSED);
    ck_assert_str_eq(error.message, "ring \"payments\" exists");
    ck_assert_uint_eq(error.token_code, 0);
    ck_assert_int_eq(error.registry_code, 0);
    ck_assert_int_eq(error.system_errno, 0);

    ck_assert_int_eq(error_set_token(&error, 0x30, "the token failed"), SEALRING_TOKEN);
    ck_assert_int_eq(error.status, SEALRING_TOKEN);
    ck_assert_uint_eq(error.token_code, 0x30);
    ck_assert_str_eq(error.message, "the token failed");

    ck_assert_int_eq(error_set_registry(&error, 2067, "the registry failed"), SEALRING_REGISTRY);
    ck_assert_int_eq(error.status, SEALRING_REGISTRY);
    ck_assert_int_eq(error.registry_code, 2067);
    ck_assert_uint_eq(error.token_code, 0);

    ck_assert_int_eq(error_set_system(&error, ENOENT, "cannot open %s", "sealring.conf"), SEALRING_SYSTEM);
    ck_assert_int_eq(error.status, SEALRING_SYSTEM);
    ck_assert_int_eq(error.system_errno, ENOENT);
    ck_assert_int_eq(error.registry_code, 0);
    ck_assert_str_eq(error.message, "cannot open sealring.conf: No such file or directory");

    ck_assert_int_eq(error_no_memory(&error), SEALRING_SYSTEM);
    ck_assert_int_eq(error.system_errno, ENOMEM);
    ck_assert_ptr_nonnull(strstr(error.message, "memory"));
}
END_TEST

START_TEST(exhaustion_is_told_from_other_trouble)
{
    static const int own[] = {ENOMEM, EMFILE, ENFILE};
    sealring_error error = {.message = ""};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        error_set_system(&error, own[i], "x");
        ck_assert(error_is_exhaustion(&error));
    }
    error_set_system(&error, EACCES, "x");
    ck_assert(!error_is_exhaustion(&error));
    error_set(&error, SEALRING_SYSTEM, "x");
    ck_assert(!error_is_exhaustion(&error));
}
END_TEST

START_TEST(null_is_accepted_everywhere)
{
    ck_assert_int_eq(error_set(NULL, SEALRING_WAITING, "%d", 1), SEALRING_WAITING);
    ck_assert_int_eq(error_set_token(NULL, 5, "x"), SEALRING_TOKEN);
    ck_assert_int_eq(error_set_registry(NULL, 5, "x"), SEALRING_REGISTRY);
    ck_assert_int_eq(error_set_system(NULL, EIO, "x"), SEALRING_SYSTEM);
    ck_assert_int_eq(error_no_memory(NULL), SEALRING_SYSTEM);
}
END_TEST

START_TEST(controls_become_question_marks)
{
    static const char *const cases[][2] = {
        {"a\nb\rc\td\x1b[31m\x7f", "a?b?c?d?[31m?"},
        {"C1 \xc2\x9b and \xe2\x80\xa8 and \xe2\x80\xa9", "C1 ? and ? and ?"},
        {"not UTF-8: \xff\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82", "not UTF-8: ??? ??? ???? ??"},
        {"good: \xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91", "good: \xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91"},
    };
    sealring_error error;
    error_set(&error, SEALRING_INVALID, "%s", cases[_i][0]);
    ck_assert_str_eq(error.message, cases[_i][1]);
    assert_one_clean_line(error.message);
}
END_TEST

/* Four-byte characters from a place on that is moved by one byte each time, so that both cuts are made in each of the ways they can lie. */
START_TEST(long_message_is_cut_between_characters)
{
    char text[SEALRING_MESSAGE_SIZE * 2];
    size_t length = (size_t)_i;
    memset(text, 'a', length);
    for (; length + 5 < sizeof text; length += 4)
        memcpy(text + length, "\xf0\x9f\x94\x91", 4);
    text[length] = '\0';
    sealring_error error;
    error_set(&error, SEALRING_INVALID, "%s", text);
    assert_one_clean_line(error.message);
    ck_assert_ptr_null(strchr(error.message, '?'));
    ck_assert_uint_ge(strlen(error.message), SEALRING_MESSAGE_SIZE - 8);
}
END_TEST

/* What to do is named last. */
START_TEST(long_message_keeps_its_end)
{
    static const char remedy[] = ": repeat the command with --take-over REASON";
    char path[SEALRING_MESSAGE_SIZE * 3];
    sealring_error error;
    for (size_t length = SEALRING_MESSAGE_SIZE - sizeof remedy - 20; length < sizeof path; length += 7) {
        memset(path, 'a', length);
        path[length] = '\0';
        error_set(&error, SEALRING_INVALID, "the registry /%s was altered%s", path, remedy);
        assert_one_clean_line(error.message);
        size_t used = strlen(error.message);
        ck_assert_str_eq(error.message + used - strlen(remedy), remedy);
        ck_assert_int_eq(strncmp(error.message, "the registry /aaa", 17), 0);
    }
}
END_TEST

START_TEST(long_message_keeps_the_reason_of_the_system)
{
    char text[SEALRING_MESSAGE_SIZE * 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sealring_error error;
    error_set_system(&error, EACCES, "%s", text);
    assert_one_clean_line(error.message);
    static const char reason[] = ": Permission denied";
    ck_assert_uint_eq(strlen(error.message), SEALRING_MESSAGE_SIZE - 1);
    ck_assert_str_eq(error.message + SEALRING_MESSAGE_SIZE - sizeof reason, reason);
}
END_TEST

START_TEST(unknown_errno_has_a_reason)
{
    sealring_error error;
    error_set_system(&error, 98765, "cannot");
    ck_assert_ptr_nonnull(strstr(error.message, "98765"));
}
END_TEST

START_TEST(message_may_be_an_argument_of_its_own_successor)
{
    sealring_error error;
    error_set(&error, SEALRING_TOKEN, "the token is away");
    error_set(&error, SEALRING_REFUSED, "ring payments: %s", error.message);
    ck_assert_str_eq(error.message, "ring payments: the token is away");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *cases = tcase_create("error");
    tcase_add_test(cases, each_kind_sets_its_fields_and_no_others);
    tcase_add_test(cases, exhaustion_is_told_from_other_trouble);
    tcase_add_test(cases, null_is_accepted_everywhere);
    tcase_add_loop_test(cases, controls_become_question_marks, 0, 4);
    tcase_add_loop_test(cases, long_message_is_cut_between_characters, 0, 10);
    tcase_add_test(cases, long_message_keeps_its_end);
    tcase_add_test(cases, long_message_keeps_the_reason_of_the_system);
    tcase_add_test(cases, unknown_errno_has_a_reason);
    tcase_add_test(cases, message_may_be_an_argument_of_its_own_successor);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
