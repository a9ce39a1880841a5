/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the kernel empties in a forked child, and the test that it does. */
#ifndef BASE_WIPED_H
#define BASE_WIPED_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory in its own pages under MADV_WIPEONFORK. NULL with errno; EINVAL: the kernel does not know it (before Linux 4.14). */
void *wiped_map(size_t size);
void wiped_unmap(void *page, size_t size);

/* Returns whether a child finds such memory empty: madvise(2) may return 0 and do nothing, as in emulators of other architectures.
 * Tested once per process: by the kernel's list of mappings (/proc/self/smaps), and if that does not confirm it, by a child that reads
 * the memory. False also if neither is possible. Any thread; takes no lock. */
bool wiped_is_honoured(void);

#endif
