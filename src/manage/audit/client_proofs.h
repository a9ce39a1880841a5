/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts and certificates of clients, of which the log contains only hashes: compared with their facts. */
#ifndef MANAGE_AUDIT_CLIENT_PROOFS_H
#define MANAGE_AUDIT_CLIENT_PROOFS_H

#include "manage/audit/retrace.h"

/* Reports each value that is not what the client's last fact contains. */
sealring_status client_proofs_compare(struct registry *registry, retrace_problem problem, void *context,
                                      sealring_error *error);

/* In a writing transaction, after entries were done again: a client whose contact or certificate was in none of them has none. */
sealring_status client_proofs_settle(struct registry *registry, sealring_error *error);

#endif
