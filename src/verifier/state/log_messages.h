/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the host program's log. Any thread adds them; only the maintenance delivers them, with no lock held. */
#ifndef VERIFIER_STATE_LOG_MESSAGES_H
#define VERIFIER_STATE_LOG_MESSAGES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define MESSAGES_KEPT 64

struct messages;

sealring_status messages_new(struct messages **made, sealring_error *error);
void messages_free(struct messages *messages);

/* Keeps a line until it is delivered. The oldest lines are evicted, and a message reports that. The same text within a minute is
 * counted instead of repeated: an undelivered line becomes "… (12 times)"; repetitions after its delivery are reported in the same way
 * when the minute has passed. */
__attribute__((format(printf, 3, 4))) void messages_add(struct messages *messages, sealring_log_level level,
                                                        const char *format, ...);

/* Calls back with each kept line, oldest first, with no lock held. Lines added meanwhile wait for the next call. Callback NULL: all
 * lines stay. Stops after a callback that forked and returned in the child: `process` is in a fork page, and its value differs in a
 * child (0, or the child's own). */
void messages_hand_out(struct messages *messages, const _Atomic(unsigned) *process, sealring_log_callback callback,
                       void *context);

/* The number of alarms added (the same text within a minute counts once), and the last one's text, truncated to `size`. */
uint64_t messages_alarms(struct messages *messages, char *text, size_t size);

#endif
