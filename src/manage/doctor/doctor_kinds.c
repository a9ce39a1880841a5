/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the kinds of finding. */
#include "manage/doctor/doctor_parts.h"

#define NOTICE  SEALRING_SEVERITY_NOTICE
#define WARNING SEALRING_SEVERITY_WARNING
#define ALARM   SEALRING_SEVERITY_ALARM

#define DOCTOR_ROW(kind, ...) [kind] = {__VA_ARGS__},
static const struct doctor_kind_row kinds[] = {DOCTOR_EACH_KIND(DOCTOR_ROW)};

const struct doctor_kind_row *doctor_kind_row(enum doctor_kind kind)
{
    return &kinds[kind];
}
