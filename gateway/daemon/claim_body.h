/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a claim: a JSON object with the code and a certificate. Pure. */
#ifndef GATEWAY_DAEMON_CLAIM_BODY_H
#define GATEWAY_DAEMON_CLAIM_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/daemon/renewal_message.h"

enum { CLAIM_BODY_MAX = 8192 };

/* What was received so far, and what it contains. The code is secret. */
struct claim_body {
    size_t length;
    char text[CLAIM_BODY_MAX];
    char code[CLAIM_CODE_LENGTH];
    char certificate[CLAIM_CERTIFICATE_MAX]; /* PEM, not examined yet */
    size_t certificate_length;
};

/* Adds bytes that were received. False: it is too large. */
bool claim_body_add(struct claim_body *body, const char *bytes, size_t length);

enum claim_body_problem { CLAIM_BODY_GOOD = 0, CLAIM_BODY_MALFORMED, CLAIM_BODY_NO_CODE, CLAIM_BODY_NO_CERTIFICATE };

/* Reads {"code": …, "certificate": …}; other members are ignored. NO_CODE: the text is none, by its characters or its length; NO_CERTIFICATE: there
 * is none, or a too long one. */
enum claim_body_problem claim_body_read(struct claim_body *body);

#endif
