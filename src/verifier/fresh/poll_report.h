/* SPDX-License-Identifier: Apache-2.0 */
/* A poll's report, and another report file where the present one cannot be used any more. */
#ifndef VERIFIER_FRESH_POLL_REPORT_H
#define VERIFIER_FRESH_POLL_REPORT_H

#include "verifier/fresh/load_changes.h"

/* Writes what the verifier has applied, and its alarms. With `looking` held. */
sealring_status poll_report(const struct look *look, sealring_error *error);

#endif
