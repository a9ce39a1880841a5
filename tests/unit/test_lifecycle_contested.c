/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle/guard: no version of a ring retires while one of its API keys is contested. */
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/guard.h"

#define NOW INT64_C(1764000000000)
#define DAY INT64_C(86400000)

static char reason[LIFECYCLE_REASON_SIZE];

static enum lifecycle_answer with_contested(size_t count, int64_t succession)
{
    static const struct lifecycle_user users[] = {
        {"k1 of shop", NOW - DAY}, {"k2 of shop", NOW - DAY}, {"k3 of shop", NOW - DAY}, {"k4 of shop", NOW - DAY}};
    static const struct lifecycle_ring ring = {.name = "pay"};
    static const struct lifecycle_version version = {.number = 1};
    const struct lifecycle_evidence evidence = {
        .now = NOW, .succession = succession, .contested = users, .contested_count = count};
    return guard_succession(&(struct guard_question){&ring, &version, &evidence}, reason);
}

START_TEST(a_contested_key_keeps_each_version)
{
    ck_assert_int_eq(with_contested(0, 0), LIFECYCLE_ALLOWED);
    ck_assert_int_eq(with_contested(0, DAY), LIFECYCLE_ALLOWED);
    ck_assert_int_eq(with_contested(1, 0), LIFECYCLE_WAITING); /* whatever the policy asks for */
    ck_assert_str_eq(reason, "1 API key is contested: k1 of shop (1d ago); run `sealring key rekey KEYID`");
    ck_assert_int_eq(with_contested(4, DAY), LIFECYCLE_WAITING);
    ck_assert_ptr_nonnull(strstr(reason, "4 API keys are contested: k1 of shop (1d ago), k2 of shop (1d ago)"));
    ck_assert_ptr_nonnull(strstr(reason, " and 1 more; run `sealring key rekey KEYID`"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/contested");
    TCase *cases = tcase_create("contested");
    tcase_add_test(cases, a_contested_key_keeps_each_version);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
