/* SPDX-License-Identifier: Apache-2.0 */
/* The facts with which a registry of an older schema begins to record the values of API keys. */
#ifndef MANAGE_AUDIT_VALUE_FACTS_H
#define MANAGE_AUDIT_VALUE_FACTS_H

#include <stdint.h>

#include <sealring/verify.h>

struct registry;

struct value_facts {
    uint64_t count;  /* API keys with such a fact */
    uint64_t labels; /* of these, API keys with another label than at issue */
    uint64_t unsure; /* API keys whose label was changed, and the log does not contain how: their facts have no label */
};

/* In a writing transaction: a fact for each API key that is suspended or narrowed, whose label was changed after issue, or of which a credential has an
 * end, as rows and log have it. The same registry gives the same facts at the same time `now`. */
sealring_status value_facts_begin(struct registry *registry, int64_t now, struct value_facts *made,
                                  sealring_error *error);

#endif
