/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks: wall time for times that people agreed on, boot time for what must not jump, monotonic time for short waits. */
#include "base/clock.h"

#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define BOOT_ID_LENGTH  36
#define DEADLINE_MAX_MS INT64_C(86400000)

/* The number of the kernel's initial time namespace: PROC_TIME_INIT_INO in its include/linux/proc_ns.h. */
#define TIME_NAMESPACE_OF_THE_HOST 4026531834U
#define BOOT_ID_BEGINNING          24

static int64_t read_ms(clockid_t clock)
{
    struct timespec now = {0};
    /* Linux has these clocks since 2.6.39, so with a valid address the call cannot fail. */
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

int64_t clock_monotonic_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

struct timespec clock_deadline(int64_t milliseconds)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    int64_t within = milliseconds < 0 ? 0 : milliseconds > DEADLINE_MAX_MS ? DEADLINE_MAX_MS : milliseconds;
    int64_t nanoseconds = deadline.tv_nsec + within % 1000 * 1000000;
    deadline.tv_sec += within / 1000 + nanoseconds / 1000000000;
    deadline.tv_nsec = nanoseconds % 1000000000;
    return deadline;
}

void clock_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void clock_sleep(int64_t milliseconds)
{
    struct timespec pause = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
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

/* The number in the link's text, "time:[4026531834]"; 0 if unknown. A kernel before Linux 5.6 has no time namespaces: then
 * this link is missing, but those of other namespaces exist. */
static unsigned long time_namespace(void)
{
    char text[64] = "";
    unsigned long number = 0;
    if (readlink("/proc/self/ns/time", text, sizeof text - 1) < 0)
        return errno == ENOENT && access("/proc/self/ns/mnt", F_OK) == 0 ? TIME_NAMESPACE_OF_THE_HOST : 0;
    /* NOLINTNEXTLINE(cert-err34-c): a number that the kernel wrote */
    return sscanf(text, "time:[%lu]", &number) == 1 ? number : 0;
}

void clock_reference(char reference[CLOCK_BOOT_ID_SIZE])
{
    unsigned long number = time_namespace();
    if (number == 0 || clock_boot_id(reference) != 0)
        reference[0] = '\0';
    else if (number != TIME_NAMESPACE_OF_THE_HOST)
        snprintf(reference + BOOT_ID_BEGINNING, CLOCK_BOOT_ID_SIZE - BOOT_ID_BEGINNING, "t%010lu",
                 number % 10000000000UL);
}
