/* SPDX-License-Identifier: Apache-2.0 */
/* vault/usage_files: the records of a key end where the list does, whatever is in it; records of one credential, hour and file become one. */
#include <stdlib.h>

#include "lib/runner.h"
#include "manage/fleet/usage_files.h"

static struct usage_pending pending;

static void fill(const int64_t *keys, size_t count)
{
    struct usage_records *records = &pending.records;
    records->rows = calloc(8, sizeof *records->rows);
    ck_assert_ptr_nonnull(records->rows);
    for (size_t i = 0; i < count; i++)
        records->rows[records->count++] =
            (struct usage_record){.use = {.key = keys[i], .serial = 1, .accepted = 1, .period = 7}};
    usage_records_merge(records);
}

static void teardown(void)
{
    usage_pending_free(&pending);
}

static uint64_t uses_of(int64_t key)
{
    uint64_t uses = 0;
    size_t count;
    const struct usage_record *records = usage_pending_of_key(&pending, key, &count);
    for (size_t i = 0; i < count; i++)
        uses += records[i].use.accepted;
    return uses;
}

START_TEST(a_list_without_records_has_those_of_nobody)
{
    size_t count = 1;
    ck_assert_ptr_null(usage_pending_of_key(&pending, 1, &count)); /* no memory was ever needed */
    ck_assert_uint_eq(count, 0);
    fill(NULL, 0);
    ck_assert_uint_eq(uses_of(1), 0);
}
END_TEST

START_TEST(each_key_has_its_own)
{
    static const int64_t keys[] = {5, 3, 5, 9, 3, 5};
    fill(keys, sizeof keys / sizeof keys[0]);
    ck_assert_uint_eq(pending.records.count, 3);
    for (int64_t key = 2; key <= 10; key++)
        ck_assert_uint_eq(uses_of(key), key == 5 ? 3 : key == 3 ? 2 : key == 9 ? 1 : 0);
    size_t count = 1;
    ck_assert_ptr_null(usage_pending_of_key(&pending, 10, &count));
    ck_assert_uint_eq(count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("usage files");
    TCase *cases = tcase_create("usage files");
    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_test(cases, a_list_without_records_has_those_of_nobody);
    tcase_add_test(cases, each_key_has_its_own);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
