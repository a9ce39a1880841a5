/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats an act from its audit entry alone: the rows that it changed become what the act left. */
#ifndef MANAGE_AUDIT_REDO_ENTRY_H
#define MANAGE_AUDIT_REDO_ENTRY_H

#include "registry/rows/rows.h"

#define REDO_NAMES_SIZE 160

struct redo {
    uint64_t clients;            /* created again: entries contain no contacts */
    char names[REDO_NAMES_SIZE]; /* of the first of them */
};

/* In a writing transaction. SEALRING_REFUSED names the entry that cannot be repeated: one without rows although its act changes some, one of a
 * newer version, or one whose repetition leaves other rows than the act did. */
sealring_status redo_entry(struct registry *registry, const struct registry_audit *entry, struct redo *redo,
                           sealring_error *error);

#endif
