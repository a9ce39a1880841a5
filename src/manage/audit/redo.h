/* SPDX-License-Identifier: Apache-2.0 */
/* An act done again from its audit entry alone: the rows that it changed become what it left them as. */
#ifndef MANAGE_AUDIT_REDO_H
#define MANAGE_AUDIT_REDO_H

#include "registry/rows/rows.h"

#define REDO_NAMES_SIZE 160

struct redo {
    uint64_t clients;            /* made anew: entries have no contacts */
    char names[REDO_NAMES_SIZE]; /* of the first of them */
};

/* In a writing transaction. SEALRING_REFUSED names the entry that cannot be done again: one without rows of an act that changes some, one
 * of a newer version's, or one that leads elsewhere than it did. */
sealring_status redo_entry(struct registry *registry, const struct registry_audit *entry, struct redo *redo,
                           sealring_error *error);

#endif
