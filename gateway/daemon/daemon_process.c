/* SPDX-License-Identifier: Apache-2.0 */
/* What every daemon does for its process: environment, memory that nobody reads, time. */
#include "gateway/daemon/daemon_process.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

void process_protect(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0);
}

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

sealring_status process_set_environment(const char *vault, sealring_error *error)
{
    return sealring_environment(vault, set_variable, NULL, error);
}

int64_t process_clock_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}
