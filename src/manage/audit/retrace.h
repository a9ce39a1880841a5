/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log retraced: the rows as its acts left them, held against the rows as they are. */
#ifndef MANAGE_AUDIT_RETRACE_H
#define MANAGE_AUDIT_RETRACE_H

#include "registry/log/log_rows.h"

/* Suspensions, narrowing, the ends that rekeying set, versions' states and policies live in the registry alone: the token does not
 * confirm them. But each came about by an act that is in the log, with the row as the act left it (log/row_image.h). */
struct retrace;

typedef void (*retrace_problem)(const char *text, void *context);

sealring_status retrace_new(struct retrace **made, sealring_error *error);
void retrace_free(struct retrace *retrace);

/* The next entry of the log. One that is not well formed is passed over: that is the log's examination's to say. */
sealring_status retrace_entry(struct retrace *retrace, const struct registry_audit *entry, sealring_error *error);

/* In the same snapshot: tells of each row that is not what the acts made of it. */
sealring_status retrace_compare(struct retrace *retrace, struct registry *registry, retrace_problem problem,
                                void *context, sealring_error *error);

#endif
