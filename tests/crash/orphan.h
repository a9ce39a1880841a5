/* SPDX-License-Identifier: Apache-2.0 */
/* A key in a vault's token that no version has. */
#ifndef TESTS_CRASH_ORPHAN_H
#define TESTS_CRASH_ORPHAN_H

#include "lib/test_vault.h"

#define ORPHAN_ID_SIZE (2 * 16 + 1)

/* Its CKA_ID in this vault, in hexadecimal digits. */
void orphan_id(const char *vault, char digits[ORPHAN_ID_SIZE]);

/* Makes it as sealring makes a version's, with a copy under its ID, but without a row: in a process of its own. False: it could not. */
bool orphan_make(const struct test_vault *vault);

#endif
