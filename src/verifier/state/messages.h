/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the host program's log: written by any thread, handed out by the maintenance only, with no lock held. */
#ifndef VERIFIER_STATE_MESSAGES_H
#define VERIFIER_STATE_MESSAGES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define MESSAGES_KEPT 64

struct messages;

sealring_status messages_new(struct messages **made, sealring_error *error);
void messages_free(struct messages *messages);

/* Keeps a line until it is handed out; the oldest give way, and that is said. The same text again within a minute is counted, not
 * repeated: while it is kept it becomes "… (12 times)", and what came after it was handed out follows so when the minute is over. */
__attribute__((format(printf, 3, 4))) void messages_add(struct messages *messages, sealring_log_level level,
                                                        const char *format, ...);

/* Calls back with each kept line, oldest first, with no lock held; what is added meanwhile waits for the next time. Callback NULL: all
 * stays. Stops after a callback in which the process was forked and that returned in the child: `process` lies in a fork page, and is
 * another number in a child, 0 or its own. */
void messages_hand_out(struct messages *messages, const _Atomic(unsigned) *process, sealring_log_callback callback,
                       void *context);

/* How many alarms were added (the same text within a minute counts once), and the last one's text, cut to `size`. */
uint64_t messages_alarms(struct messages *messages, char *text, size_t size);

/* What the minutes are told by: clock_boot_ms, unless a test sets another before its first message. */
void messages_set_clock(struct messages *messages, int64_t (*now_ms)(void));

#endif
