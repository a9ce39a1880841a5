/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks: wall time for what people agreed on, boot time for what must not jump. */
#include "base/clock.h"

#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID_LENGTH 36

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

int64_t clock_build_ms(void)
{
    return INT64_C(1000) * SEALRING_BUILD_DATE;
}

int clock_boot_id(char boot_id[CLOCK_BOOT_ID_SIZE])
{
    int descriptor = open(CLOCK_BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    ssize_t length = read(descriptor, boot_id, BOOT_ID_LENGTH);
    close(descriptor);
    if (length != BOOT_ID_LENGTH)
        return EIO;
    boot_id[BOOT_ID_LENGTH] = '\0';
    return 0;
}
