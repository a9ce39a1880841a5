/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one check suite and prints TAP, so that the harness counts every case. */
#include "lib/runner.h"

#include "lib/sanitized.h"
#include "lib/thread_sanitizer.h"

#if ADDRESS_SANITIZED
/* SoftHSM2 2.6.1 loses an OCTET STRING of each Edwards key that it signs with. LeakSanitizer's quick look up the stack ends inside
 * libcrypto, so this is all that tells it; what our own code could lose there is left to valgrind, which sees the whole stack
 * (tests/valgrind.supp). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:CRYPTO_zalloc\nleak:ASN1_STRING_set\n";
}
#endif

int run_suite(Suite *suite)
{
    thread_sanitizer_teach();
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
