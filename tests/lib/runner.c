/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one check suite and prints TAP, so that the harness counts every case. */
#include "lib/runner.h"

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
