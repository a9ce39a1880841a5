/* SPDX-License-Identifier: Apache-2.0 */
/* The answers that the daemon has: status, challenge and words of each. Pure. */
#ifndef GATEWAY_SEALRINGD_ANSWER_H
#define GATEWAY_SEALRINGD_ANSWER_H

#include <sealring/verify.h>

enum answer_kind {
    ANSWER_ACCEPTED = 0,
    ANSWER_ABSENT,      /* no credential */
    ANSWER_INVALID,     /* whatever is wrong with it: the client learns no more */
    ANSWER_SCOPE,       /* valid, but a scope is missing */
    ANSWER_FORBIDDEN,   /* valid, but not for this request */
    ANSWER_CONFLICT,    /* two different credentials */
    ANSWER_UNAVAILABLE, /* no verdict */
    ANSWER_NOT_FOUND,   /* the target is none of the daemon's */
    ANSWER_ALIVE,
    ANSWER_UNREADY
};
#define ANSWERS 10

struct answer {
    unsigned status;
    const char *title; /* of RFC 9457; NULL: no body */
    const char *detail;
    const char *
        challenge; /* WWW-Authenticate (RFC 6750, section 3), NULL for none. Of ANSWER_SCOPE, ` scope="…"` is missing */
    const char *retry_after; /* seconds, NULL for none */
};

/* Of this kind. 4xx for a wrong target: gateways that let requests through when their service fails do so for 5xx. */
const struct answer *answer_of(enum answer_kind kind);

/* The kind of answer to a verdict. */
enum answer_kind answer_for(sealring_verdict verdict);

#endif
