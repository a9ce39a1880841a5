/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a soak: its figures, its verdicts, and the history around what was wrong. */
#ifndef SOAK_TELL_H
#define SOAK_TELL_H

#include "soak/checker.h"
#include "soak/history.h"

void tell_figures(const struct history *history, const struct checker_totals *totals);

/* One line of TAP for each rule, numbered from 1; returns how many were broken. */
unsigned tell_verdicts(const struct history *history);

/* Of the first findings of each rule: all acts, moments and answers that bear on it. */
void tell_findings(const struct history *history);

#endif
