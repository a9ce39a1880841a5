/* SPDX-License-Identifier: Apache-2.0 */
/* credential/holders: the text, what is none, and which change restricts. */
#include <string.h>

#include "credential/holders.h"
#include "lib/runner.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

#define LONGEST "2001:0db8:aaaa:bbbb:cccc:dddd:255.255.255.255"

static const struct {
    const char *text;
    struct holders holders;
} forms[] = {
    {"", {.one = false}},
    {"1", {.one = true}},
    {"1 - - 1 0", {.one = true, .serial = 1}},
    {"1 192.0.2.1 - 7 1700000000000", {true, 7, INT64_C(1700000000000), "192.0.2.1", ""}},
    {"1 - 2001:db8::1 7 1700000000000", {true, 7, INT64_C(1700000000000), "", "2001:db8::1"}},
    {"1 " LONGEST " " LONGEST " 4294967295 253402300799999",
     {true, UINT32_MAX, INT64_C(253402300799999), LONGEST, LONGEST}},
};

START_TEST(each_form_comes_back)
{
    char text[HOLDERS_TEXT_SIZE];
    struct holders read;
    holders_format(&forms[_i].holders, text);
    ck_assert_str_eq(text, forms[_i].text);
    ck_assert(holders_parse(forms[_i].text, &read));
    ck_assert(holders_equal(&read, &forms[_i].holders));
    for (int i = 0; i < COUNT(forms); i++)
        ck_assert_int_eq(holders_equal(&read, &forms[i].holders), i == _i);
}
END_TEST

static const char *const others[] = {
    "0",
    "2",
    "1 ",
    "1 -",
    "1 - - 1",
    "1 - - 0 1",
    "1 - - 1 1 ",
    "1  - - 1 1",
    "1 - - 4294967296 1",
    "1 - - 01 1",
    "1 - - 1 +1",
    "1 x - 1 1",
    "1 - 192.0.2.256 1 1",
    "1 192.0.2.1/24 - 1 1",
    "1 2001:0db8:aaaa:bbbb:cccc:dddd:255.255.255.2555 - 1 1",
};

START_TEST(nothing_else_is_read)
{
    struct holders read;
    ck_assert(!holders_parse(others[_i], &read));
}
END_TEST

START_TEST(a_peer_is_an_address)
{
    ck_assert(holders_is_peer("192.0.2.1") && holders_is_peer("::") && holders_is_peer(LONGEST));
    ck_assert(!holders_is_peer("") && !holders_is_peer("-") && !holders_is_peer(LONGEST "5"));
}
END_TEST

START_TEST(one_and_contested_restrict)
{
    const struct holders many = {.one = false}, one = {.one = true}, contested = {.one = true, .serial = 3},
                         later = {.one = true, .serial = 4}, widened = {.serial = 3},
                         anew = {.one = true, .serial = 3, .since = 1};
    ck_assert(holders_within(&many, &many) && holders_within(&one, &many) && holders_within(&one, &one));
    ck_assert(holders_within(&contested, &one) && holders_within(&contested, &many));
    ck_assert(holders_within(&contested, &contested));
    ck_assert(!holders_within(&many, &one) && !holders_within(&one, &contested) && !holders_within(&many, &contested));
    ck_assert(holders_within(&later, &contested) && !holders_within(&contested, &later));
    ck_assert(!holders_within(&widened, &contested) && !holders_within(&anew, &contested));
}
END_TEST

START_TEST(each_member_distinguishes)
{
    const struct holders all = {true, 7, 9, "192.0.2.1", "192.0.2.2"};
    struct holders other = all;
    ck_assert(holders_equal(&all, &other));
    other.one = false;
    ck_assert(!holders_equal(&all, &other));
    other = all;
    other.serial++;
    ck_assert(!holders_equal(&all, &other));
    other = all;
    other.since++;
    ck_assert(!holders_equal(&all, &other));
    other = all;
    other.first[0] = '2';
    ck_assert(!holders_equal(&all, &other));
    other = all;
    other.second[0] = '2';
    ck_assert(!holders_equal(&all, &other));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("credential/holders");
    TCase *cases = tcase_create("holders");
    tcase_add_loop_test(cases, each_form_comes_back, 0, COUNT(forms));
    tcase_add_loop_test(cases, nothing_else_is_read, 0, COUNT(others));
    tcase_add_test(cases, a_peer_is_an_address);
    tcase_add_test(cases, one_and_contested_restrict);
    tcase_add_test(cases, each_member_distinguishes);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
