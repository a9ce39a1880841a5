/* SPDX-License-Identifier: Apache-2.0 */
/* What a report file's header says: whether it is one. Pure. */
#ifndef VERIFIER_REPORT_REPORT_HEADER_H
#define VERIFIER_REPORT_REPORT_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "verifier/report/report_format.h"

/* NULL if it is the header of a report, else what is wrong with it as a sentence fragment ("is of format 2"). */
const char *report_header_problem(const struct report_header *header);

/* Whether what is wrong is only that another version of sealring wrote it. */
bool report_header_is_of_another_format(const struct report_header *header);

#endif
