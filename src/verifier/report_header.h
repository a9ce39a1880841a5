/* SPDX-License-Identifier: Apache-2.0 */
/* What a report file's header says: whether it is one, and whether its verifier is surely over. Pure. */
#ifndef VERIFIER_REPORT_HEADER_H
#define VERIFIER_REPORT_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "verifier/report_format.h"

/* NULL if it is the header of a report, else what is wrong with it as a sentence fragment ("is of format 2"). */
const char *report_header_problem(const struct report_header *header);

/* Whether what is wrong is only that another version of sealring wrote it. */
bool report_header_is_of_another_format(const struct report_header *header);

/* Whether nobody can be serving under it any more: it left; or it was of another boot; or its lease × 1.01 + 1 s have passed since its
 * last look. One that never wrote a look is given the default lease from its joining. */
bool report_header_surely_over(const struct report_header *header, const char *boot_id, int64_t boot_ms);

#endif
