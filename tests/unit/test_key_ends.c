/* SPDX-License-Identifier: Apache-2.0 */
/* credential/key_ends: bounds that are added, joined, compared, written and parsed, against a list of all bounds that were ever added. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credential/key_ends.h"
#include "lib/runner.h"
#include "unit/seeded.h"

static uint64_t seed;

static struct key_ends of_text(const char *text)
{
    struct key_ends ends;
    ck_assert_msg(ends_parse(text, &ends), "%s", text);
    return ends;
}

static void expect(const struct key_ends *ends, const char *text)
{
    char is[KEY_ENDS_TEXT_SIZE];
    ends_format(ends, is);
    ck_assert_str_eq(is, text);
}

START_TEST(text_is_read_as_it_is_written)
{
    static const char *const texts[] = {"", "1:1", "65536:1790000000000", "1:5 65536:6 4294967295:253402300799999"};
    struct key_ends ends = of_text(texts[_i]);
    expect(&ends, texts[_i]);
}
END_TEST

START_TEST(other_text_is_refused)
{
    static const char *const texts[] = {" ",
                                        "1",
                                        "1:",
                                        "1:1 ",
                                        " 1:1",
                                        "01:1",
                                        "1:01",
                                        "0:1",
                                        "1:0",
                                        "1:-1",
                                        "-1:1",
                                        "1:1  2:2",
                                        "1:1,2:2",
                                        "2:1 1:2",
                                        "1:2 2:1",
                                        "1:1 1:2",
                                        "1:1 2:1",
                                        "+1:1",
                                        "1:1x",
                                        "4294967296:1",
                                        "1:253402300800000",
                                        "x",
                                        "1:1\n2:2",
                                        "1:1 2:2 junk",
                                        "1.0:1",
                                        "65536 :1",
                                        "1:99999999999999999999"};
    struct key_ends ends = {.count = 5};
    ck_assert_msg(!ends_parse(texts[_i], &ends), "%s", texts[_i]);
    ck_assert_uint_eq(ends.count, 0);
}
END_TEST

START_TEST(there_is_room_for_the_longest)
{
    char text[2 * KEY_ENDS_TEXT_SIZE] = "";
    struct key_ends ends;
    for (uint32_t i = 0; i < KEY_ENDS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u:%lld", i > 0 ? " " : "",
                 UINT32_MAX - KEY_ENDS_MAX + 1 + i, 253402300799999 - KEY_ENDS_MAX + 1 + (long long)i);
    ck_assert_uint_eq(strlen(text) + 1, KEY_ENDS_TEXT_SIZE);
    ends = of_text(text);
    ck_assert_uint_eq(ends.count, KEY_ENDS_MAX);
    expect(&ends, text);
    memmove(text + 4, text, strlen(text) + 1);
    memcpy(text, "1:1 ", 4);
    ck_assert(!ends_parse(text, &ends)); /* one more */
}
END_TEST

START_TEST(the_first_bound_that_is_about_a_serial_ends_it)
{
    struct key_ends ends = of_text("5:100 10:200");
    static const int64_t should[][2] = {{1, 100}, {5, 100}, {6, 200}, {10, 200}, {11, 0}};
    for (size_t i = 0; i < sizeof should / sizeof *should; i++)
        ck_assert_int_eq(ends_of(&ends, (uint32_t)should[i][0]), should[i][1]);
}
END_TEST

/* Bounds before, one that is added, bounds after. */
START_TEST(a_bound_replaces_what_it_makes_useless)
{
    static const struct {
        const char *before;
        uint32_t serial;
        int64_t at;
        const char *after;
    } cases[] = {
        {"", 5, 100, "5:100"},
        {"5:100", 5, 100, "5:100"},
        {"5:100", 5, 101, "5:100"},
        {"5:100", 4, 100, "5:100"},
        {"5:100", 5, 99, "5:99"},
        {"5:100", 4, 99, "4:99 5:100"},
        {"5:100", 6, 100, "6:100"},
        {"5:100", 6, 101, "5:100 6:101"},
        {"5:100 10:200", 7, 150, "5:100 7:150 10:200"},
        {"5:100 10:200 20:300", 10, 150, "5:100 10:150 20:300"},
        {"5:100 10:200 20:300", 30, 1, "30:1"},
        {"5:100 10:200 20:300", 15, 90, "15:90 20:300"},
        {"", 5, 0, "5:1"},
        {"", 5, INT64_MAX, "5:253402300799999"},
    };
    struct key_ends ends = of_text(cases[_i].before);
    ck_assert(ends_add(&ends, cases[_i].serial, cases[_i].at, 0));
    expect(&ends, cases[_i].after);
}
END_TEST

START_TEST(the_oldest_are_joined_once_they_have_passed)
{
    struct key_ends ends = {.count = 0};
    for (uint32_t i = 1; i <= KEY_ENDS_MAX; i++)
        ck_assert(ends_add(&ends, 10 * i, 100 * (int64_t)i, 0));
    struct key_ends full = ends;
    ck_assert(!ends_add(&ends, 1000, 100000, 199));
    ck_assert_mem_eq(&ends, &full, sizeof ends);
    ck_assert(ends_add(&ends, 1000, 100000, 200));
    ck_assert_uint_eq(ends.count, KEY_ENDS_MAX);
    ck_assert_int_eq(ends_of(&ends, 10), 100);
    ck_assert_int_eq(ends_of(&ends, 20), 100);
    ck_assert_int_eq(ends_of(&ends, 21), 300);
    ck_assert(ends_include(&ends, &full));
    ends = full;
    ck_assert(ends_add(&ends, 1000, 150, 0)); /* it ends all but the first */
    expect(&ends, "10:100 1000:150");
}
END_TEST

START_TEST(restrictions_need_no_room)
{
    struct key_ends ends = {.count = 0}, more = {.count = 0}, both;
    for (uint32_t i = 1; i <= KEY_ENDS_MAX; i++) {
        ck_assert(ends_add(&ends, 20 * i, 200 * (int64_t)i, 0));
        ck_assert(ends_add(&more, 20 * i - 10, 200 * (int64_t)i - 100, 0));
    }
    both = ends;
    ck_assert(ends_restrict(&both, &more));
    ck_assert_uint_eq(both.count, KEY_ENDS_MAX);
    ck_assert(ends_include(&both, &ends) && ends_include(&both, &more));
    more = both;
    ck_assert(!ends_restrict(&both, &ends));
    ck_assert_mem_eq(&both, &more, sizeof both);
}
END_TEST

START_TEST(serials_continue_behind_every_bound)
{
    struct key_ends none = {.count = 0}, ends = of_text("65536:1");
    ck_assert_uint_eq(ends_next_serial(&none, 1), 2);
    ck_assert_uint_eq(ends_next_serial(&ends, 1), 65537);
    ck_assert_uint_eq(ends_next_serial(&ends, 65540), 65541);
    ck_assert_uint_eq(ends_next_serial(&none, UINT32_MAX), 0);
    ck_assert_uint_eq(ends_bound(&none, 1), 65536);
    ck_assert_uint_eq(ends_bound(&none, 65535), 65536);
    ck_assert_uint_eq(ends_bound(&none, 65536), 131072);
    ck_assert_uint_eq(ends_bound(&ends, 1), 131072);
    ck_assert_uint_eq(ends_bound(&none, UINT32_MAX - 65536), UINT32_MAX - 65535);
    ck_assert_uint_eq(ends_bound(&none, UINT32_MAX - 65535), UINT32_MAX);
    ck_assert_uint_eq(ends_bound(&none, UINT32_MAX), UINT32_MAX);
}
END_TEST

#define SERIALS 12

/* When each serial ends by all bounds that were added; 0: never. */
struct model {
    int64_t at[SERIALS + 1];
};

static void model_add(struct model *model, uint32_t serial, int64_t at)
{
    for (uint32_t i = 1; i <= serial; i++)
        if (model->at[i] == 0 || at < model->at[i])
            model->at[i] = at;
}

static bool model_includes(const struct model *one, const struct model *other)
{
    for (uint32_t i = 1; i <= SERIALS; i++)
        if (other->at[i] != 0 && (one->at[i] == 0 || one->at[i] > other->at[i]))
            return false;
    return true;
}

static int64_t earlier(int64_t one, int64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static void add_some(uint64_t *state, struct key_ends *ends, struct model *model)
{
    for (uint64_t left = seeded_next(state) % 6; left > 0; left--) {
        uint32_t serial = (uint32_t)(1 + seeded_next(state) % SERIALS);
        int64_t at = (int64_t)(1 + seeded_next(state) % 9);
        ck_assert(ends_add(ends, serial, at, 0));
        model_add(model, serial, at);
        for (uint32_t i = 1; i <= SERIALS; i++)
            ck_assert_int_eq(ends_of(ends, i), model->at[i]);
    }
}

START_TEST(random_bounds_are_as_all_of_them)
{
    uint64_t state = seed;
    for (int tries = 0; tries < 20000; tries++) {
        struct key_ends one = {.count = 0}, other = {.count = 0}, again, both;
        struct model first = {{0}}, second = {{0}};
        char text[KEY_ENDS_TEXT_SIZE];
        add_some(&state, &one, &first);
        add_some(&state, &other, &second);
        ck_assert_int_eq(ends_include(&one, &other), model_includes(&first, &second));
        both = one;
        ck_assert_int_eq(ends_restrict(&both, &other), !model_includes(&first, &second));
        for (uint32_t i = 1; i <= SERIALS; i++)
            ck_assert_int_eq(ends_of(&both, i), earlier(first.at[i], second.at[i]));
        ck_assert(ends_include(&both, &one) && ends_include(&both, &other));
        ends_format(&both, text);
        ck_assert(ends_parse(text, &again));
        ck_assert_mem_eq(&again, &both, sizeof again);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unit/key_ends");
    TCase *cases = tcase_create("key ends");
    seed = seeded_choose();
    tcase_add_loop_test(cases, text_is_read_as_it_is_written, 0, 4);
    tcase_add_loop_test(cases, other_text_is_refused, 0, 27);
    tcase_add_test(cases, there_is_room_for_the_longest);
    tcase_add_test(cases, the_first_bound_that_is_about_a_serial_ends_it);
    tcase_add_loop_test(cases, a_bound_replaces_what_it_makes_useless, 0, 14);
    tcase_add_test(cases, the_oldest_are_joined_once_they_have_passed);
    tcase_add_test(cases, restrictions_need_no_room);
    tcase_add_test(cases, serials_continue_behind_every_bound);
    tcase_add_test(cases, random_bounds_are_as_all_of_them);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
