/* SPDX-License-Identifier: Apache-2.0 */
/* base/name: what ring, client and prefix names and contacts may look like, and what is said of the others. */
#include <string.h>

#include "base/name.h"
#include "lib/runner.h"

typedef const char *(*name_check)(const char *text, char problem[128]);

/* One text, and what must stand in the answer; NULL: it is good. */
struct name_case {
    const char *text;
    const char *problem;
};

static void assert_case(name_check check, const struct name_case *expected)
{
    char problem[128];
    const char *found = check(expected->text, problem);
    if (expected->problem == NULL) {
        ck_assert_msg(found == NULL, "\"%s\" %s", expected->text, found);
        return;
    }
    ck_assert_msg(found != NULL, "\"%s\" was allowed", expected->text == NULL ? "(null)" : expected->text);
    ck_assert_msg(strstr(found, expected->problem) != NULL, "said \"%s\", wanted \"%s\"", found, expected->problem);
    ck_assert_uint_lt(strlen(found), 128);
}

#define SIXTY_FOUR "a234567890123456789012345678901234567890123456789012345678901234"

static const struct name_case names[] = {
    {"payments", NULL},
    {"a", NULL},
    {"7", NULL},
    {"Pay.ments_EU-1", NULL},
    {SIXTY_FOUR, NULL},
    {SIXTY_FOUR "5", "is longer than 64 bytes"},
    {"", "is empty"},
    {NULL, "is missing"},
    {".hidden", "does not begin with a letter or a digit"},
    {"-rf", "does not begin with a letter or a digit"},
    {"_x", "does not begin with a letter or a digit"},
    {"two words", "at position 4"},
    {"a/b", "at position 2"},
    {"a@b", "at position 2"},
    {"a+b", "at position 2"},
    {"line\n", "at position 5"},
    {"caf\xc3\xa9", "at position 4"},
    {"\xd9\xa3", "at position 1"},
    {"tab\there", "letters, digits, `.`, `_`, `-`"},
};

START_TEST(ring_names)
{
    assert_case(name_problem, &names[_i]);
}
END_TEST

static const struct name_case clients[] = {
    {"ops@example.org", NULL},
    {"shop+test", NULL},
    {"Shop.1_a-b", NULL},
    {"@example", "does not begin"},
    {"+1", "does not begin"},
    {"a b", "at position 2"},
    {"a:b", "`@`, `+`"},
    {"", "is empty"},
    {SIXTY_FOUR "5", "is longer than 64 bytes"},
};

START_TEST(client_names)
{
    assert_case(name_client_problem, &clients[_i]);
}
END_TEST

static const struct name_case prefixes[] = {
    {"sr", NULL},
    {"acme_live", NULL},
    {"a_b_c_1", NULL},
    {"9", NULL},
    {"a23456789012345678901234", NULL},
    {"a234567890123456789012345", "is longer than 24 bytes"},
    {"", "is empty"},
    {NULL, "is missing"},
    {"_a", "position 1"},
    {"a_", "position 2"},
    {"a__b", "position 2"},
    {"_", "position 1"},
    {"Acme", "position 1"},
    {"acme-live", "position 5"},
    {"acm\xc3\xa9", "position 4"},
};

START_TEST(prefixes_of_credentials)
{
    assert_case(name_prefix_problem, &prefixes[_i]);
}
END_TEST

#define HUNDRED "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"

static const struct name_case contacts[] = {
    {"ops@example.org", NULL},
    {"J\xc3\xb6rg <j@example.org>, +49 30 1234", NULL},
    {"", NULL},
    {NULL, NULL},
    {HUNDRED HUNDRED HUNDRED, "is longer than 254 bytes"},
    {HUNDRED HUNDRED "123456789012345678901234567890123456789012345678901234", NULL},
    {HUNDRED HUNDRED "1234567890123456789012345678901234567890123456789012345", "is longer than 254 bytes"},
    {"a\nb", "a control character at byte 2"},
    {"a\x7f", "a control character at byte 2"},
    {"ab\xc2\x85", "a control character at byte 3"},
    {"ab\xe2\x80\xa8", "a control character at byte 3"},
    {"ab\xff", "not UTF-8 at byte 3"},
    {"\xc0\xaf", "not UTF-8 at byte 1"},
    {"a\xe2\x82", "not UTF-8 at byte 2"},
};

START_TEST(contacts_of_clients)
{
    assert_case(name_contact_problem, &contacts[_i]);
}
END_TEST

/* Nobody else's alphabet: each of the 255 bytes that can stand in a text, in the middle of it. */
START_TEST(every_byte_is_judged)
{
    for (int byte = 1; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'a', '\0'};
        char problem[128];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        bool letter = plain || (byte >= 'A' && byte <= 'Z');
        bool punctuation = byte == '.' || byte == '_' || byte == '-';
        ck_assert_int_eq(name_problem(text, problem) == NULL, letter || punctuation);
        ck_assert_int_eq(name_client_problem(text, problem) == NULL,
                         letter || punctuation || byte == '@' || byte == '+');
        ck_assert_int_eq(name_prefix_problem(text, problem) == NULL, plain || byte == '_');
        ck_assert_int_eq(name_contact_problem(text, problem) == NULL, byte >= 0x20 && byte < 0x7f);
    }
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("name");
    TCase *cases = tcase_create("name");
    tcase_add_loop_test(cases, ring_names, 0, COUNT(names));
    tcase_add_loop_test(cases, client_names, 0, COUNT(clients));
    tcase_add_loop_test(cases, prefixes_of_credentials, 0, COUNT(prefixes));
    tcase_add_loop_test(cases, contacts_of_clients, 0, COUNT(contacts));
    tcase_add_test(cases, every_byte_is_judged);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
