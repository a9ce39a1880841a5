/* SPDX-License-Identifier: Apache-2.0 */
/* credential/scope: sorting, refusing, comparing, against a slow way of doing the same. */
#include <stdio.h>
#include <string.h>

#include "credential/scope.h"
#include "lib/runner.h"
#include "unit/seeded.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define SIZE         (SEALRING_SCOPES_LENGTH_MAX + 1)

static uint64_t seed;

START_TEST(sets_are_sorted_and_unique)
{
    static const char *const cases[][2] = {
        {NULL, ""},
        {"", ""},
        {"   ", ""},
        {"read", "read"},
        {"write read", "read write"},
        {"  write   read  write read ", "read write"},
        {"ab a abc a b", "a ab abc b"},
        {"z Z 9 ~ ! #", "! # 9 Z z ~"}, /* bytewise */
        {"orders:write orders:read orders", "orders orders:read orders:write"},
        {"https://example.org/x?y=1&z", "https://example.org/x?y=1&z"},
    };
    char scopes[SIZE], again[SIZE], problem[128];
    ck_assert_ptr_null(scope_normalise(cases[_i][0], scopes, problem));
    ck_assert_str_eq(scopes, cases[_i][1]);
    ck_assert_ptr_null(scope_normalise(scopes, again, problem));
    ck_assert_str_eq(again, scopes);
}
END_TEST

/* RFC 6749, section 3.3: %x21 / %x23-5B / %x5D-7E; a space separates. */
START_TEST(every_byte_is_judged)
{
    for (int byte = 1; byte < 256; byte++) {
        char input[] = {'b', 'a', (char)byte, '\0'};
        char scopes[SIZE], problem[128];
        bool allowed = byte >= 0x20 && byte <= 0x7e && byte != 0x22 && byte != 0x5c;
        const char *found = scope_normalise(input, scopes, problem);
        ck_assert_msg((found == NULL) == allowed, "byte %02x", (unsigned)byte);
        if (!allowed) {
            ck_assert_ptr_nonnull(strstr(found, "at position 3"));
            ck_assert_str_eq(scopes, "");
        }
    }
}
END_TEST

START_TEST(position_is_counted_in_the_whole_input)
{
    char scopes[SIZE], problem[128];
    const char *found = scope_normalise("read  wri\"te", scopes, problem);
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_nonnull(strstr(found, "at position 10"));
}
END_TEST

START_TEST(a_set_of_1023_bytes_fits_and_of_1024_does_not)
{
    char input[2 * SIZE], scopes[SIZE], problem[128];
    memset(input, 'a', SEALRING_SCOPES_LENGTH_MAX);
    input[SEALRING_SCOPES_LENGTH_MAX] = '\0';
    ck_assert_ptr_null(scope_normalise(input, scopes, problem));
    ck_assert_uint_eq(strlen(scopes), SEALRING_SCOPES_LENGTH_MAX);
    input[500] = ' '; /* two tokens, the shorter first after sorting */
    ck_assert_ptr_null(scope_normalise(input, scopes, problem));
    ck_assert_uint_eq(strlen(scopes), SEALRING_SCOPES_LENGTH_MAX);
    ck_assert_int_eq(scopes[500], ' ');
    memset(input, 'a', SEALRING_SCOPES_LENGTH_MAX + 1);
    input[SEALRING_SCOPES_LENGTH_MAX + 1] = '\0';
    ck_assert_ptr_nonnull(scope_normalise(input, scopes, problem));
    ck_assert_ptr_nonnull(strstr(problem, "longer than 1023 bytes"));
    ck_assert_str_eq(scopes, "");
    input[500] = ' ';
    ck_assert_ptr_nonnull(scope_normalise(input, scopes, problem));
}
END_TEST

/* It is the set's length that counts, not the input's. */
START_TEST(repetitions_and_spaces_do_not_use_up_the_room)
{
    static char input[12 * 10000 + 1];
    char scopes[SIZE], problem[128];
    for (size_t i = 0; i < sizeof input - 1; i++)
        input[i] = "read  write "[i % 12];
    ck_assert_ptr_null(scope_normalise(input, scopes, problem));
    ck_assert_str_eq(scopes, "read write");
}
END_TEST

struct includes_case {
    const char *scopes;
    const char *wanted;
    const char *missing; /* NULL: included */
};

static const struct includes_case includes_cases[] = {
    {"", NULL, NULL},
    {"", "", NULL},
    {"read write", NULL, NULL},
    {"read write", "read", NULL},
    {"read write", "write read", NULL},
    {"read write", "  write   write ", NULL},
    {"", "read", "read"},
    {"read write", "delete", "delete"},
    {"read write", "read delete write", "delete"},
    {"read write", "x y", "x"},
    {"readonly", "read", "read"},
    {"read", "readonly", "readonly"},
    {"a:read", "read", "read"},
    {"read write", "Read", "Read"},
    {"read write", "read,write", "read,write"},
    {"read write", "read\nwrite", "read\nwrite"},
    {"read write", "read\twrite", "read\twrite"},
    {"read wr\"ite", "wr\"ite", "wr\"ite"}, /* no token: never included, even if it stood there */
    {"read wr\\ite", "wr\\ite", "wr\\ite"},
    {"read w\xc3\xa9", "w\xc3\xa9", "w\xc3\xa9"},
};

START_TEST(wanted_scopes_are_looked_for_whole)
{
    const struct includes_case *expected = &includes_cases[_i];
    const char *missing = NULL;
    size_t length = 0;
    bool included = scope_includes(expected->scopes, expected->wanted, &missing, &length);
    ck_assert_int_eq(included, expected->missing == NULL);
    ck_assert_int_eq(scope_includes(expected->scopes, expected->wanted, NULL, NULL), included);
    if (!included) {
        ck_assert_uint_eq(length, strlen(expected->missing));
        ck_assert_mem_eq(missing, expected->missing, length);
        ck_assert(missing >= expected->wanted && missing + length <= expected->wanted + strlen(expected->wanted));
    }
}
END_TEST

START_TEST(intersections)
{
    static const char *const cases[][3] = {
        {"", "", ""},
        {"a b", "", ""},
        {"", "a b", ""},
        {"a b c", "b", "b"},
        {"a b c", "a c", "a c"},
        {"a b c", "d e", ""},
        {"a ab abc", "ab abcd", "ab"},
        {"read write", "read write", "read write"},
        {"a c e g", "b c d g h", "c g"},
    };
    char scopes[SIZE];
    scope_intersect(cases[_i][0], cases[_i][1], scopes);
    ck_assert_str_eq(scopes, cases[_i][2]);
    scope_intersect(cases[_i][1], cases[_i][0], scopes);
    ck_assert_str_eq(scopes, cases[_i][2]);
    strcpy(scopes, cases[_i][0]); /* in place, on either side */
    scope_intersect(scopes, cases[_i][1], scopes);
    ck_assert_str_eq(scopes, cases[_i][2]);
    strcpy(scopes, cases[_i][0]);
    scope_intersect(cases[_i][1], scopes, scopes);
    ck_assert_str_eq(scopes, cases[_i][2]);
}
END_TEST

START_TEST(the_longest_set_intersects_with_itself)
{
    char full[SIZE], scopes[SIZE];
    memset(full, 'a', SEALRING_SCOPES_LENGTH_MAX);
    full[SEALRING_SCOPES_LENGTH_MAX] = '\0';
    scope_intersect(full, full, scopes);
    ck_assert_str_eq(scopes, full);
    full[10] = ' ';
    scope_intersect(full, full, scopes);
    ck_assert_str_eq(scopes, full);
}
END_TEST

/* No set is longer than 1023 bytes; should one ever be, the room that there is counts, and a token is whole or not there. */
START_TEST(an_intersection_never_leaves_its_room)
{
    char longer[2 * SIZE] = "", scopes[SIZE + 64];
    for (int i = 0; i < 150; i++)
        sprintf(longer + strlen(longer), "%sscope-%03d", i == 0 ? "" : " ", i);
    memset(scopes, 'x', sizeof scopes);
    scope_intersect(longer, longer, scopes);
    ck_assert_uint_le(strlen(scopes), SEALRING_SCOPES_LENGTH_MAX);
    ck_assert_uint_gt(strlen(scopes), SEALRING_SCOPES_LENGTH_MAX - 10);
    ck_assert_int_eq(strncmp(longer, scopes, strlen(scopes)), 0);
    ck_assert_int_eq(longer[strlen(scopes)], ' ');
    ck_assert_int_eq(scopes[SIZE], 'x');
}
END_TEST

/* Sets of 12 possible tokens as bits: the model. Names chosen so that some begin others. */
static const char *const tokens[] = {"!", "a", "a:b", "aa", "ab", "b", "b.c", "b.c.d", "read", "reads", "write", "~"};

static unsigned model_of(const char *scopes)
{
    unsigned set = 0;
    char copy[SIZE], *rest = NULL;
    strcpy(copy, scopes);
    for (char *token = strtok_r(copy, " ", &rest); token != NULL; token = strtok_r(NULL, " ", &rest))
        for (size_t i = 0; i < COUNT(tokens); i++)
            set |= strcmp(token, tokens[i]) == 0 ? 1U << i : 0;
    return set;
}

static void text_of(unsigned set, char scopes[SIZE])
{
    scopes[0] = '\0';
    for (size_t i = 0; i < COUNT(tokens); i++) {
        if ((set >> i & 1) != 0) {
            strcat(scopes, scopes[0] == '\0' ? "" : " ");
            strcat(scopes, tokens[i]);
        }
    }
}

START_TEST(random_sets_agree_with_the_model)
{
    uint64_t state = seed;
    for (int run = 0; run < 3000; run++) {
        char input[SIZE] = "", other[SIZE], scopes[SIZE], expected[SIZE], problem[128];
        size_t count = seeded_next(&state) % 20;
        for (size_t i = 0; i < count; i++) {
            strcat(input, tokens[seeded_next(&state) % COUNT(tokens)]);
            strcat(input, seeded_next(&state) % 4 == 0 ? "  " : " ");
        }
        unsigned set = model_of(input), wanted = (unsigned)seeded_next(&state) % (1U << COUNT(tokens));
        text_of(set, expected);
        ck_assert_ptr_null(scope_normalise(input, scopes, problem));
        ck_assert_str_eq(scopes, expected);
        text_of(wanted, other);
        ck_assert_int_eq(scope_includes(scopes, other, NULL, NULL), (wanted & ~set) == 0);
        text_of(set & wanted, expected);
        scope_intersect(scopes, other, input);
        ck_assert_str_eq(input, expected);
    }
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("scope");
    TCase *cases = tcase_create("scope");
    tcase_add_loop_test(cases, sets_are_sorted_and_unique, 0, 10);
    tcase_add_test(cases, every_byte_is_judged);
    tcase_add_test(cases, position_is_counted_in_the_whole_input);
    tcase_add_test(cases, a_set_of_1023_bytes_fits_and_of_1024_does_not);
    tcase_add_test(cases, repetitions_and_spaces_do_not_use_up_the_room);
    tcase_add_loop_test(cases, wanted_scopes_are_looked_for_whole, 0, COUNT(includes_cases));
    tcase_add_loop_test(cases, intersections, 0, 9);
    tcase_add_test(cases, the_longest_set_intersects_with_itself);
    tcase_add_test(cases, an_intersection_never_leaves_its_room);
    tcase_add_test(cases, random_sets_agree_with_the_model);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
