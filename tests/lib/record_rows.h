/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a vault older: rows that a test edited, as if sealring had recorded them. */
#ifndef LIB_RECORD_ROWS_H
#define LIB_RECORD_ROWS_H

#include "lib/test_vault.h"

/* Adds a fact for each ring and version whose row differs from the last one. The chain continues, and the next act signs it. */
void record_rows(const struct test_vault *vault);

#endif
