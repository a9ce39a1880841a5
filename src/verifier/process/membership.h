/* SPDX-License-Identifier: Apache-2.0 */
/* A process's membership: the verifier that belongs to the process. A forked child gets its own verifier at its first use. */
#ifndef VERIFIER_PROCESS_MEMBERSHIP_H
#define VERIFIER_PROCESS_MEMBERSHIP_H

#include <stdbool.h>

#include <sealring/verify.h>

#include "verifier/process/verifier.h"

struct membership;

/* Joins this process. `setup` is copied; what it points to must outlive the membership. threads: start maintenance threads. */
sealring_status membership_open(const struct verifier_setup *setup, bool threads, struct membership **opened,
                                sealring_error *error);

/* Leaves, if this process has joined. */
void membership_close(struct membership *membership);

/* Returns this process's verifier. A child that has not joined yet joins now. Other threads wait for it up to 10 s; after a failure,
 * the next attempt is made a second later at the earliest. NULL with *error set on failure. Costs one load if the process has joined. */
struct verifier *membership_verifier(struct membership *membership, sealring_error *error);

/* The same without joining: NULL in a child that has not joined. */
struct verifier *membership_joined(struct membership *membership);

/* As sealring_set_log and sealring_maintain; error must not be NULL. */
void membership_set_log(struct membership *membership, sealring_log_callback callback, void *context);
sealring_status membership_maintain(struct membership *membership, uint32_t *next_ms, sealring_error *error);

#endif
