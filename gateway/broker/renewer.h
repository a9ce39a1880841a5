/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that has the manager: it renews one batch after the other, and waits for locks and tokens, so that nothing else does. */
#ifndef GATEWAY_BROKER_RENEWER_H
#define GATEWAY_BROKER_RENEWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/claim.h>
#include <sealring/renew.h>

#include "gateway/daemon/renewal_message.h"

enum renewer_bounds { BATCH_MAX = 64 };

/* In locked memory. */
struct renewal_batch {
    size_t count;
    bool claims;                  /* it is one claim, in requests[0] */
    sealring_claim_request claim; /* and its answer */
    sealring_renewal renewals[BATCH_MAX];
    struct renewal_request requests[BATCH_MAX];
    char peers[BATCH_MAX][SEALRING_PEER_SIZE];
    uint32_t limited[BATCH_MAX];
};

/* Opens the vault, and starts the thread. */
sealring_status renewer_start(const char *vault, sealring_error *error);

/* A descriptor that is readable when a batch is done. */
int renewer_descriptor(void);

/* The batch, while the thread does not work on it: to be filled with requests, or with the results. */
struct renewal_batch *renewer_batch(void);

/* Has the thread renew the batch, which is its own until renewer_finished returns true. */
void renewer_begin(void);
bool renewer_finished(void);

/* Frees the results, and wipes requests and results. */
void renewer_clear(void);

/* Has the thread open the vault again before its next batch. */
void renewer_reopen(void);

/* Ends the thread. False: it hangs in a token or waits for a lock, and goes on until the process ends. */
bool renewer_stop(void);

#endif
