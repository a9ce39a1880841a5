/* SPDX-License-Identifier: Apache-2.0 */
/* A process's membership: the verifier that belongs to it, made anew in a forked child at its first use. */
#ifndef VERIFIER_PROCESS_MEMBERSHIP_H
#define VERIFIER_PROCESS_MEMBERSHIP_H

#include <stdbool.h>

#include <sealring/verify.h>

#include "verifier/process/verifier.h"

struct membership;

/* Joins this process. `setup` is copied; what it points to outlives the membership. threads: with maintenance threads. */
sealring_status membership_open(const struct verifier_setup *setup, bool threads, struct membership **opened,
                                sealring_error *error);

/* Leaves, if this process has joined. */
void membership_close(struct membership *membership);

/* This process's verifier. In a child that has not joined yet it joins now; other threads wait for it up to 10 s, and after a failure
 * it is tried again a second later at the earliest. NULL with the error written otherwise. One load where it is joined. */
struct verifier *membership_verifier(struct membership *membership, sealring_error *error);

/* The same without joining: NULL in a child that has not. */
struct verifier *membership_joined(struct membership *membership);

/* As sealring_set_log and sealring_maintain; error is not NULL. */
void membership_set_log(struct membership *membership, sealring_log_callback callback, void *context);
sealring_status membership_maintain(struct membership *membership, uint32_t *next_ms, sealring_error *error);

#endif
