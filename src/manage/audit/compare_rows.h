/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the rows as their acts left them with the rows as they are. */
#ifndef MANAGE_AUDIT_COMPARE_ROWS_H
#define MANAGE_AUDIT_COMPARE_ROWS_H

#include "manage/audit/retrace.h"

/* After the log's last entry, in the same snapshot: reports each row that differs from what the acts made of it. */
sealring_status retrace_compare(struct retrace *retrace, sealring_error *error);

#endif
