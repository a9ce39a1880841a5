/* SPDX-License-Identifier: Apache-2.0 */
/* The examination of the audit log, for callers that have a transaction already. */
#ifndef MANAGE_AUDIT_AUDIT_LOG_H
#define MANAGE_AUDIT_AUDIT_LOG_H

#include <sealring/manage.h>

struct registry;

/* sealring_audit_verify inside a transaction. check and report are complete structures. */
sealring_status audit_verify(struct registry *registry, const sealring_audit_check *check,
                             sealring_audit_problem_callback each, void *context, sealring_audit_report *report,
                             sealring_error *error);

#endif
