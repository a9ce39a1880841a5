/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks: wall time for what people agreed on, boot time for what must not jump. */
#include "base/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t clock)
{
    struct timespec now = {0};
    /* Linux has both clocks since 2.6.39; with a valid address there is nothing left to fail. */
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t clock_boot_ms(void)
{
    return read_ms(CLOCK_BOOTTIME);
}
