/* SPDX-License-Identifier: Apache-2.0 */
/* Reserved space for repairs on a full disk. Only within separate_run. */
#ifndef SOFTHSM_RESERVE_H
#define SOFTHSM_RESERVE_H

#include <stdbool.h>

#define RESERVE_FILE "reserve"
#define RESERVE_SIZE 65536

/* Makes it or extends it to its full size; if there is no space, it stays as it is. */
void reserve_make(const char *folder);

/* Releases its space, if the problem (an errno) is a full disk. Returns whether another try may succeed. */
bool reserve_helps(const char *folder, int problem);

#endif
