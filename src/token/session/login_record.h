/* SPDX-License-Identifier: Apache-2.0 */
/* The login record: the lock around connecting, among all processes, and the memory of a refused PIN. */
#ifndef TOKEN_SESSION_LOGIN_RECORD_H
#define TOKEN_SESSION_LOGIN_RECORD_H

#include <sealring/verify.h>

#include "token/pin/pin_memory.h"
#include "token/session/token.h"

/* Why connecting as a whole is under this lock, and not the login alone: SoftHSM2 2.6.1 writes its token anew at every
 * C_Login. Of processes that start meanwhile one in eight does not see the token; two that log in at the same time can
 * destroy it for good. The same goes for tokens of one module: who starts while another process logs in to the second finds
 * it half written. So tokens of one module share a lock. */
struct record {
    const char *path;
    int descriptor; /* -1: not open */
    int lock;       /* descriptor of what is locked; the same, unless several tokens share it */
    struct pin_memory memory;
};

/* Opens (creating it 0600) and locks the record, waiting at most `wait->most_ms` (0: 30 s), and makes sure that a refusal can be written:
 * the space for it is taken now, so that a full disk cannot make anybody forget a wrong PIN. shared: another token's record, whose lock
 * is taken instead; NULL: its own. SEALRING_TOKEN. */
sealring_status record_open(const char *path, const char *shared, const struct token_login_wait *wait,
                            struct record *record, sealring_error *error);

/* Writes what is remembered and waits until the disk has it. */
sealring_status record_write(struct record *record, sealring_error *error);

/* Unlocks and closes. */
void record_close(struct record *record);

#endif
