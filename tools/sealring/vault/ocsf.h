/* SPDX-License-Identifier: Apache-2.0 */
/* Audit entries as events of the Open Cybersecurity Schema Framework. */
#ifndef TOOL_OCSF_H
#define TOOL_OCSF_H

#include <sealring/manage.h>

/* Prints one line. A sealring_audit_callback; context: the vault's sealring_vault_info. */
int ocsf_print(const sealring_audit_entry *entry, void *context);

/* The latest checkpoint, a signed note, as an event without a class (OCSF's base event). */
int ocsf_print_checkpoint(const sealring_vault_info *vault, const char *note);

#endif
