/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the kernel empties in a forked child, and whether it really does. */
#ifndef BASE_WIPED_H
#define BASE_WIPED_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory of its own pages under MADV_WIPEONFORK. NULL with errno; EINVAL: the kernel does not know it (before Linux 4.14). */
void *wiped_map(size_t size);
void wiped_unmap(void *page, size_t size);

/* Whether a child finds such memory empty: madvise(2) may return 0 and do nothing, as emulators of other architectures do. Tried once for
 * a process: the kernel's list of mappings (/proc/self/smaps) is asked, and where that does not say so a child that looks. False also
 * where neither is possible. Any thread; takes no lock. */
bool wiped_is_honoured(void);

#endif
