/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log retraced: compares the rows as its acts left them with the rows as they are. */
#ifndef MANAGE_AUDIT_COMPARE_ROWS_H
#define MANAGE_AUDIT_COMPARE_ROWS_H

#include "registry/log/log_rows.h"

/* Suspensions, narrowing, the ends that rekeying set, versions' states and policies are in the registry alone: the token does not confirm them. But
 * an act in the log made each of them, and its entry contains the row as the act left it (log/row_image.h). */
struct retrace;

typedef void (*retrace_problem)(const char *text, void *context);

sealring_status retrace_new(struct retrace **made, sealring_error *error);
void retrace_free(struct retrace *retrace);

/* The next entry of the log. An entry that is not well formed is ignored: the examination of the log reports it. */
sealring_status retrace_entry(struct retrace *retrace, const struct registry_audit *entry, sealring_error *error);

/* In the same snapshot: reports each row that differs from what the acts made of it. */
sealring_status retrace_compare(struct retrace *retrace, struct registry *registry, retrace_problem problem,
                                void *context, sealring_error *error);

#endif
