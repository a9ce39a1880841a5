/* SPDX-License-Identifier: Apache-2.0 */
/* Known limits: what an attack achieves, and where docs/threat-model.md states it. */
#ifndef FORGER_LIMITS_H
#define FORGER_LIMITS_H

#include "forger/judge.h"

/* The threat model's words about it; NULL: it is no known limit. */
const char *limit_of(const struct plan *plan, const struct judgement *judgement);
/* The number of limits whose words are not in this file, the threat model. */
unsigned limits_missing(const char *path);

#endif
