/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one check suite and prints TAP, so that the harness counts every case. */
#include "lib/runner.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/thread_sanitizer.h"

#define TIMEOUT_SECONDS "300"

/* Before any case is created, as check reads it then. Its own default of 4 s is too short on a machine that is busy: a test may wait for
 * others, and `make check` and a run by hand have to agree. */
__attribute__((constructor)) static void set_timeout(void)
{
    (void)setenv("CK_DEFAULT_TIMEOUT", TIMEOUT_SECONDS, 0);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

int run_suite(Suite *suite)
{
    char directory[64];
    const char *temporary = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/sealring-test-XXXXXX",
             temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
    if (mkdtemp(directory) != NULL)
        (void)setenv(RUNNER_DIRECTORY, directory, 1);
    thread_sanitizer_teach();
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return failed == 0 ? 0 : 1;
}
