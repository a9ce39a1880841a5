/* SPDX-License-Identifier: Apache-2.0 */
/* Audit entries as events of the Open Cybersecurity Schema Framework. */
#ifndef TOOL_OCSF_H
#define TOOL_OCSF_H

#include <stdio.h>

#include <sealring/manage.h>

/* Prints one line. 0, or another value if it could not be made. */
int ocsf_print(FILE *stream, const sealring_vault_info *vault, const sealring_audit_entry *entry);

/* The latest checkpoint, a signed note, as an event without a class (OCSF's base event). */
int ocsf_print_checkpoint(FILE *stream, const sealring_vault_info *vault, const char *note);

#endif
