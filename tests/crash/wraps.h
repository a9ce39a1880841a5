/* SPDX-License-Identifier: Apache-2.0 */
/* What the product asks of the C library, stood before by the linker (--wrap): changes of files are touches, and memory can run out. */
#ifndef TESTS_CRASH_WRAPS_H
#define TESTS_CRASH_WRAPS_H

#include "lib/touches.h"

/* From now on what it changes in files, and what memory it, SQLite and jansson take, are counted in `touches` (NULL: not). */
void wraps_count(struct touches *touches);

/* Before SQLite's first use in this process: its memory comes from here. */
void wraps_memory(void);

/* The module that a vault of one's own is made with, SoftHSM2, is opened as this one; NULL: as it is called. */
void wraps_module(const char *instead);

#endif
