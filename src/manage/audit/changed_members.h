/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an entry changed only what its act may change of a row: anything else was edited before the act, which copied it. */
#ifndef MANAGE_AUDIT_CHANGED_MEMBERS_H
#define MANAGE_AUDIT_CHANGED_MEMBERS_H

#include <jansson.h>

#include "registry/log/log_rows.h"

#define CHANGED_TEXT_SIZE 768

/* One row in one entry. */
struct changed_row {
    const struct registry_audit *entry;
    const json_t *detail; /* of the entry */
    enum registry_table table;
    const json_t *was; /* the last image of the row before this one */
    const json_t *image;
};

/* False, with a text without the entry's number: an act of this kind cannot have made `image` of `was`. */
bool changed_rightly(const struct changed_row *row, char text[CHANGED_TEXT_SIZE]);

/* The entry contains the credential's API key with a bound that ends the credential as its image has it, whatever its row contained before. */
bool changed_by_ends(const struct changed_row *row);

#endif
