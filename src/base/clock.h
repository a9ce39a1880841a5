/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks: wall time for times that people agreed on, boot time for what must not jump, monotonic time for short waits. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

int64_t clock_wall_ms(void);      /* milliseconds since 1970-01-01 UTC (CLOCK_REALTIME) */
int64_t clock_boot_ms(void);      /* milliseconds since boot, suspended time included (CLOCK_BOOTTIME) */
int64_t clock_monotonic_ms(void); /* milliseconds without suspended time (CLOCK_MONOTONIC) */

/* The time this number of milliseconds from now (0 to a day; others count as the nearest), on CLOCK_MONOTONIC: for timed waits. */
struct timespec clock_deadline(int64_t milliseconds);

/* Makes a condition variable whose timed waits end at such a time: a change of the wall clock does not prolong them. */
void clock_condition_init(pthread_cond_t *condition);

/* Sleeps for this number of milliseconds, not at all if it is negative; less if a signal is handled. */
void clock_sleep(int64_t milliseconds);

/* A lower bound for every correct wall clock: the date of the source this was built from (SOURCE_DATE_EPOCH), or the date in
 * configure.ac. */
int64_t clock_build_ms(void);

/* Identifies the boot of this host, by the kernel's random boot ID, 36 characters; a container may have its own. Returns 0 or an errno. */
#define CLOCK_BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define CLOCK_BOOT_ID_SIZE 40
int clock_boot_id(char boot_id[CLOCK_BOOT_ID_SIZE]);

/* Identifies this process's CLOCK_BOOTTIME: two times since boot are comparable only if their references are equal and not "". The boot
 * ID in the host's own time namespace (time_namespaces(7)), else the beginning of the boot ID and the namespace's number; "" if
 * unknown. */
void clock_reference(char reference[CLOCK_BOOT_ID_SIZE]);

#endif
