/* SPDX-License-Identifier: Apache-2.0 */
/* What a request must satisfy beside a valid credential. */
#ifndef VERIFIER_STATE_DEMAND_H
#define VERIFIER_STATE_DEMAND_H

#include <stddef.h>
#include <stdint.h>

struct demand {
    const char *scope;      /* as in sealring_request; NULL: none is required */
    const uint8_t *address; /* where the request comes from; NULL: not known */
    size_t address_length;
};

#endif
