/* SPDX-License-Identifier: Apache-2.0 */
/* The examination of the audit log, for callers that have a transaction already. */
#ifndef MANAGE_AUDIT_AUDIT_LOG_H
#define MANAGE_AUDIT_AUDIT_LOG_H

#include <sealring/manage.h>

struct json_t;
struct registry;

/* What an archive of the first `last` entries would keep (retrace.h). */
struct audit_keeping {
    uint64_t last;
    struct json_t *kept; /* NULL: there is no such entry, or no memory */
};

/* sealring_audit_verify inside a transaction. check and report are complete structures. keeping: NULL if nothing is to be kept. */
sealring_status audit_verify(struct registry *registry, const sealring_audit_check *check,
                             sealring_audit_problem_callback each, void *context, struct audit_keeping *keeping,
                             sealring_audit_report *report, sealring_error *error);

#endif
