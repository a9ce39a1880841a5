/* SPDX-License-Identifier: Apache-2.0 */
/* Structures of callers that were built against another header: neither overrun nor read beyond their end. */
#include <string.h>

#include "base/struct_size.h"
#include "lib/runner.h"

struct whole {
    size_t size;
    int first;
    int second;
    char text[8];
};

static const struct whole mine = {sizeof mine, 1, 2, "seven c"};

START_TEST(gives_only_what_fits)
{
    struct whole callers;
    memset(&callers, 0x5a, sizeof callers);
    callers.size = offsetof(struct whole, second);
    sized_give(&callers, &mine, sizeof mine);
    ck_assert_uint_eq(callers.size, offsetof(struct whole, second));
    ck_assert_int_eq(callers.first, 1);
    ck_assert_int_eq(callers.second, 0x5a5a5a5a);
    callers.size = 0;
    callers.first = 77;
    sized_give(&callers, &mine, sizeof mine);
    ck_assert_int_eq(callers.first, 77);
    callers.size = sizeof callers + 100; /* a newer caller: what we do not know stays as it is */
    sized_give(&callers, &mine, sizeof mine);
    ck_assert_str_eq(callers.text, "seven c");
    ck_assert_uint_eq(callers.size, sizeof callers + 100);
    sized_give(NULL, &mine, sizeof mine);
}
END_TEST

START_TEST(takes_only_what_is_there)
{
    struct whole taken;
    struct whole callers = mine;
    memset(&taken, 0x5a, sizeof taken);
    callers.size = offsetof(struct whole, second);
    sized_take(&taken, sizeof taken, &callers);
    ck_assert_uint_eq(taken.size, sizeof taken);
    ck_assert_int_eq(taken.first, 1);
    ck_assert_int_eq(taken.second, 0);
    sized_take(&taken, sizeof taken, &mine);
    ck_assert_str_eq(taken.text, "seven c");
    sized_take(&taken, sizeof taken, NULL);
    ck_assert_int_eq(taken.first, 0);
    ck_assert_uint_eq(taken.size, sizeof taken);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sized");
    TCase *cases = tcase_create("sized");
    tcase_add_test(cases, gives_only_what_fits);
    tcase_add_test(cases, takes_only_what_is_there);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
