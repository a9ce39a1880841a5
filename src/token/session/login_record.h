/* SPDX-License-Identifier: Apache-2.0 */
/* The login record: the lock around connecting, among all processes, and the record of refused PINs. */
#ifndef TOKEN_SESSION_LOGIN_RECORD_H
#define TOKEN_SESSION_LOGIN_RECORD_H

#include <sealring/verify.h>

#include "token/pin/pin_memory.h"
#include "token/session/token.h"

/* The lock covers connecting as a whole, and not only the login, because SoftHSM2 2.6.1 rewrites its token at every C_Login. Of the
 * processes that start meanwhile, one in eight does not see the token, and two that log in at the same time can destroy it permanently.
 * The same applies to several tokens of one module: a process that starts while another logs in to the second token finds that one half
 * written. So tokens of one module share a lock. */
struct record {
    const char *path;
    int descriptor; /* -1: not open */
    int lock;       /* descriptor of the locked file; the same, unless several tokens share it */
    struct pin_memory memory;
};

/* Opens (creating it with mode 0600) and locks the token's record, or the one that the configuration names for its lock. Waits as its
 * login_wait permits, and reports that only while the token is being opened. Ensures that a refusal can be written, by allocating the
 * space now, so that a wrong PIN is recorded even if the disk is full. SEALRING_TOKEN; error is not NULL. */
sealring_status record_open(const struct token *token, struct record *record, sealring_error *error);

/* Writes the record and waits until it is on disk. */
sealring_status record_write(struct record *record, sealring_error *error);

/* Unlocks and closes. */
void record_close(struct record *record);

#endif
