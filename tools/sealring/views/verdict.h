/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the library for a verdict, and telling it. */
#ifndef TOOL_VERDICT_H
#define TOOL_VERDICT_H

#include <jansson.h>

#include "tools/sealring/input.h"
#include "tools/sealring/session.h"

/* Opens the vault and judges the input, with the scope and the address of `beside` (NULL: with none). Returns the exit status; *verdict stays SEALRING_UNDECIDED if the vault could not
 * be opened, which was then reported. */
int judge(struct session *session, const struct input *input, const sealring_request *beside, sealring_verdict *verdict,
          sealring_grant *grant);

/* The same once the environment is set, without a report. */
sealring_status judge_quietly(struct session *session, const struct input *input, const sealring_request *beside,
                              sealring_verdict *verdict, sealring_grant *grant);

enum tone judge_tone(sealring_verdict verdict);
json_t *judge_json(sealring_verdict verdict, const sealring_grant *grant);

#endif
