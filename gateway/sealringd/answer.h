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
    ANSWER_ADDRESS,     /* valid, but not from this address */
    ANSWER_CONFLICT,    /* two different credentials */
    ANSWER_UNAVAILABLE, /* no verdict */
    ANSWER_NOT_FOUND,   /* the target is none of the daemon's */
    ANSWER_ALIVE,
    ANSWER_UNREADY,
    /* Of renewal only. */
    ANSWER_RENEWED,     /* with a body of its own */
    ANSWER_CURRENT,     /* no successor is due */
    ANSWER_OFF,         /* the ring renews no credentials, or none of this client */
    ANSWER_AGE,         /* the operator issues the next one */
    ANSWER_CONTESTED,   /* another holder was here before */
    ANSWER_LIMITED,     /* too often, or too many */
    ANSWER_NOT_RENEWED, /* token, registry or broker: later */
    ANSWER_METHOD,
    ANSWER_TOO_LARGE,
    /* Of claims only. */
    ANSWER_CLAIM_MALFORMED,
    ANSWER_CLAIM_UNKNOWN,     /* no such code, or it has expired */
    ANSWER_CLAIM_CERTIFICATE, /* nothing is encrypted to it */
    ANSWER_CLAIM_CLOSED,      /* the credential is not valid any more */
    ANSWER_CLAIM_TAKEN,       /* by another public key */
    ANSWER_NOT_CLAIMED        /* token, registry or broker: later */
};
#define ANSWERS 25

struct answer {
    unsigned status;
    const char *title; /* of RFC 9457; NULL: no body */
    const char *detail;
    const char *code; /* an extension of it, for programs: NULL for none */
    const char *
        challenge; /* WWW-Authenticate (RFC 6750, section 3), NULL for none. Of ANSWER_SCOPE, ` scope="…"` is missing */
    const char *retry_after; /* seconds, NULL for none */
    const char *allow;       /* methods, NULL for none */
};

/* Of this kind. 4xx for a wrong target: gateways that let requests through when their service fails do so for 5xx. */
const struct answer *answer_of(enum answer_kind kind);

/* The kind of answer to a verdict. */
enum answer_kind answer_for(sealring_verdict verdict);

#endif
