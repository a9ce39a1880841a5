/* SPDX-License-Identifier: Apache-2.0 */
/* Checks whether a file's header is that of a report. Pure. */
#ifndef VERIFIER_REPORT_REPORT_HEADER_H
#define VERIFIER_REPORT_REPORT_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "verifier/report/report_format.h"

/* NULL if it is the header of a report, else the problem as a sentence fragment ("is of format 2"). */
const char *report_header_problem(const struct report_header *header);

/* Returns whether the only problem is that another version of sealring wrote it. */
bool report_header_is_of_another_format(const struct report_header *header);

#endif
