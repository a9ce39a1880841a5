/* SPDX-License-Identifier: Apache-2.0 */
/* What a renewal's result is in HTTP: the kind of answer, and the body with the successor. Pure. */
#ifndef GATEWAY_SEALRINGD_RENEWAL_RESPONSE_H
#define GATEWAY_SEALRINGD_RENEWAL_RESPONSE_H

#include "gateway/daemon/renewal_message.h"
#include "gateway/sealringd/answer.h"

/* The kind of answer to a result of the broker. */
enum answer_kind renewal_answer_for(unsigned result);
enum answer_kind claim_answer_for(unsigned result);

/* The JSON with the successor, for ISSUED and AGAIN: {"credential": …} or {"sealed": …} and the others. To be wiped and freed by the caller. NULL: no
 * memory. */
char *renewal_body(const struct renewal_answer *answer);

#endif
