/* SPDX-License-Identifier: Apache-2.0 */
/* Space that is kept for repairs on a full disk. Only within separate_run. */
#ifndef SOFTHSM_RESERVE_H
#define SOFTHSM_RESERVE_H

#include <stdbool.h>

#define RESERVE_FILE "reserve"
#define RESERVE_SIZE 65536

/* Makes it, or makes it whole again; without space it stays as it is. */
void reserve_make(const char *folder);

/* Gives its space up; false if it had none. */
bool reserve_release(const char *folder);

#endif
