/* SPDX-License-Identifier: Apache-2.0 */
/* The newest checkpoint whose signature verifies: what is signed, and since when, which is a lower bound of the present time. */
#ifndef LOG_SIGNED_TIME_H
#define LOG_SIGNED_TIME_H

#include "log/checkpoint.h"
#include "registry/connection/registry.h"

/* Whether a checkpoint that the key verifies counts: witness_counts, of manage/session. */
typedef sealring_status (*signed_counts)(struct registry *registry, const struct checkpoint *checkpoint, bool *good,
                                         sealring_error *error);

/* Call both within a transaction. *newest: the checkpoint of the largest size that the vault's keys verify (audit_keys_find); all 0 if there is none, or no key.
 * counts: NULL: one of any era counts, whatever it covers: it was there.
 * *forged: a row of a larger size has a note that they do not verify, or that is of another size; it counts as none. */
sealring_status signed_newest(struct registry *registry, signed_counts counts, struct checkpoint *newest, bool *forged,
                              sealring_error *error);

/* *time_ms: when that was signed, 0 if there is none. */
sealring_status signed_time(struct registry *registry, int64_t *time_ms, bool *forged, sealring_error *error);

#endif
