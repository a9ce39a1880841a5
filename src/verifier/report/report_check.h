/* SPDX-License-Identifier: Apache-2.0 */
/* The values that a report file may contain, whoever wrote it: one rule for all readers, and for takeovers. */
#ifndef VERIFIER_REPORT_REPORT_CHECK_H
#define VERIFIER_REPORT_REPORT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "verifier/report/report_format.h"

/* In one hour. No real count reaches it. */
#define REPORT_COUNT_MAX (UINT64_C(1) << 50)

/* Returns whether a record's values are possible. A record with impossible values is damaged, and counts for nothing. */
bool report_check_version(const struct report_version *record);
bool report_check_credential(const struct report_credential *record);

/* Limits a header's values to the range that its readers compute with. An impossible number never proves that a verifier knows more, or
 * ends sooner: an epoch becomes 0, a lease the longest possible. report_header_problem checks identity, state and cells. */
void report_check_header(struct report_header *header);

/* NULL if it is the header of a report, else the problem as a sentence fragment ("is of format 2"). */
const char *report_header_problem(const struct report_header *header);

/* Returns whether the only problem is that another version of sealring wrote it. */
bool report_header_is_of_another_format(const struct report_header *header);

/* a + b, or the largest number that the registry stores. */
uint64_t report_sum(uint64_t a, uint64_t b);

#endif
