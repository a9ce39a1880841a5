/* SPDX-License-Identifier: Apache-2.0 */
/* notify/mail_message: the bytes of a mail, and what is not sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "lib/runner.h"
#include "notify/mail_message.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const char from[] = "sealring@example.org";
static const struct mail plain = {.id = "n_1",
                                  .to = "ops@example.com",
                                  .subject = "A successor is available",
                                  .text = "Hello,\n\n.a line\nends = here \n",
                                  .now = INT64_C(1780272000000)};

static char *make(const struct mail *mail)
{
    const char *problem = "";
    char *message = mail_message_make(mail, from, &problem);
    ck_assert_msg(message != NULL, "%s", problem);
    return message;
}

START_TEST(a_mail)
{
    char *message = make(&plain);
    ck_assert_str_eq(message, "Date: Mon, 01 Jun 2026 00:00:00 +0000\r\nFrom: sealring@example.org\r\n"
                              "To: ops@example.com\r\nSubject: A successor is available\r\n"
                              "Message-ID: <n_1@example.org>\r\nAuto-Submitted: auto-generated\r\n"
                              "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                              "Hello,\r\n\r\n.a line\r\nends =3D here=20\r\n");
    free(message);
}
END_TEST

START_TEST(the_names_of_days_and_months)
{
    struct mail mail = plain;
    mail.now = INT64_C(1798761599999);
    char *message = make(&mail);
    ck_assert(strncmp(message, "Date: Thu, 31 Dec 2026 23:59:59 +0000\r\n", 39) == 0);
    free(message);
}
END_TEST

/* Any subject is read as it was meant, each line has at most 78 characters, and no encoded word ends within a character. */
START_TEST(long_and_foreign_subjects_are_encoded)
{
    static const char *const units[] = {"x", "=?", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x94\x91", "a \xc3\xa4", " "};
    char subject[400] = "", decoded[600] = "";
    size_t length = 0, got;
    while (strlen(subject) < 300)
        strcat(subject, units[_i]);
    struct mail mail = plain;
    mail.subject = subject;
    char *message = make(&mail), *at = strstr(message, "Subject: ") + 9, *end = strstr(at, "\r\nMessage-ID");
    *end = '\0';
    for (char *line = strtok(at, "\r\n"); line != NULL; line = strtok(NULL, "\r\n")) {
        line += line[0] == ' ';
        ck_assert_uint_le(strlen(line), 69);
        ck_assert(strncmp(line, "=?UTF-8?B?", 10) == 0 && strcmp(line + strlen(line) - 2, "?=") == 0);
        ck_assert(
            base64_decode(line + 10, strlen(line) - 12, (uint8_t *)decoded + length, sizeof decoded - length, &got));
        ck_assert_uint_ne((unsigned char)decoded[length] & 0xc0, 0x80);
        length += got;
    }
    decoded[length] = '\0';
    ck_assert_str_eq(decoded, subject);
    free(message);
}
END_TEST

static unsigned digit(char character)
{
    return (unsigned)(strchr("0123456789ABCDEF", character) - "0123456789ABCDEF");
}

/* Decodes quoted-printable, slowly, in place. */
static void decode(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++)
        if (text[0] == '=' && text[1] == '\r')
            text += 2;
        else if (text[0] == '=') {
            *to++ = (char)(digit(text[1]) << 4 | digit(text[2]));
            text += 2;
        } else if (text[0] != '\r')
            *to++ = *text;
    *to = '\0';
}

START_TEST(any_text_returns_and_no_line_is_long)
{
    static const char *const units[] = {"x", "\xc3\xa4", " ", "=", "\t", ".", "xy z", "\xf0\x9f\x94\x91"};
    for (int count = 0; count < 200; count++) {
        char text[1000] = "";
        for (int i = 0; i < count; i++)
            strcat(text, units[_i]);
        strcat(text, "\n");
        struct mail mail = plain;
        mail.text = text;
        char *message = make(&mail), *body = strstr(message, "\r\n\r\n") + 4;
        for (char *line = body, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
            ck_assert_int_le(end - line, 76);
            ck_assert(end == line || (end[-1] != ' ' && end[-1] != '\t'));
        }
        decode(body);
        ck_assert_str_eq(body, text);
        free(message);
    }
}
END_TEST

static const char *const good_addresses[] = {"a@b", "a.b+c@example.org", "o'brien@ex-ample.co.uk",
                                             "!#$%&*/=?^_`{|}~@x1"};
static const char *const bad_addresses[] = {"",
                                            "a",
                                            "@b",
                                            "a@",
                                            "a@b@c",
                                            "a b@c",
                                            "a@b c",
                                            "a@b\nRCPT TO:<x@y>",
                                            "a\r@b",
                                            "<a@b>",
                                            "a@b>",
                                            "\"a\"@b",
                                            "a@[127.0.0.1]",
                                            ".a@b",
                                            "a.@b",
                                            "a..b@c",
                                            "a@.b",
                                            "a@b.",
                                            "a@-b",
                                            "a@b-",
                                            "a@b..c",
                                            "a@b_c",
                                            "\xc3\xa4@b",
                                            "a@\xc3\xa4",
                                            "a,b@c",
                                            "a@b,c@d",
                                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b",
                                            "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

START_TEST(good_recipients)
{
    ck_assert_ptr_null(mail_address_problem(good_addresses[_i]));
}
END_TEST

START_TEST(bad_recipients_and_senders)
{
    const char *problem = NULL;
    struct mail mail = plain;
    ck_assert_ptr_nonnull(mail_address_problem(bad_addresses[_i]));
    ck_assert_ptr_null(mail_message_make(&plain, bad_addresses[_i], &problem));
    ck_assert_str_eq(problem, "has a sender's address that is not valid");
    mail.to = bad_addresses[_i];
    ck_assert_ptr_null(mail_message_make(&mail, from, &problem));
    ck_assert_str_eq(problem, "has a recipient's address that is not valid");
}
END_TEST

static const char *const bad_subjects[] = {"a\nBcc: x@y", "a\r",          "a\x01", "a\x7f", "a\tb",
                                           "\xc2\x85",    "\xe2\x80\xa8", "\xff",  "\xc3"};

START_TEST(controls_are_refused)
{
    const char *problem = NULL;
    struct mail mail = plain;
    mail.subject = bad_subjects[_i];
    ck_assert_ptr_null(mail_message_make(&mail, from, &problem));
    ck_assert_ptr_nonnull(problem);
    mail = plain;
    mail.id = bad_subjects[_i];
    ck_assert_ptr_null(mail_message_make(&mail, from, &problem));
    if (strpbrk(bad_subjects[_i], "\n\t") == NULL) {
        mail = plain;
        mail.text = bad_subjects[_i];
        ck_assert_ptr_null(mail_message_make(&mail, from, &problem));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mail message");
    TCase *cases = tcase_create("mail message");
    tcase_add_test(cases, a_mail);
    tcase_add_test(cases, the_names_of_days_and_months);
    tcase_add_loop_test(cases, long_and_foreign_subjects_are_encoded, 0, 7);
    tcase_add_loop_test(cases, any_text_returns_and_no_line_is_long, 0, 8);
    tcase_add_loop_test(cases, good_recipients, 0, COUNT(good_addresses));
    tcase_add_loop_test(cases, bad_recipients_and_senders, 0, COUNT(bad_addresses));
    tcase_add_loop_test(cases, controls_are_refused, 0, COUNT(bad_subjects));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
