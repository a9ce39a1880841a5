/* SPDX-License-Identifier: Apache-2.0 */
/* What a report file may say, whoever wrote it: the one rule for all who read one or take one over. */
#ifndef VERIFIER_REPORT_REPORT_CHECK_H
#define VERIFIER_REPORT_REPORT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "verifier/report/report_format.h"

/* In one hour; a larger number was never counted. */
#define REPORT_COUNT_MAX (UINT64_C(1) << 50)

/* Whether a record can be: one that cannot is damaged, and counts for nothing. */
bool report_check_version(const struct report_version *record);
bool report_check_credential(const struct report_credential *record);

/* Brings what a header says into the range that its readers compute with. A number that cannot be never proves that a verifier knows more, or is
 * gone sooner: an epoch becomes 0, a lease the longest that there is. The identity, state and cells are report_header_problem's. */
void report_check_header(struct report_header *header);

/* a + b, or the largest number that the registry stores. */
uint64_t report_sum(uint64_t a, uint64_t b);

#endif
