/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the registry as an audit entry tells them, so that an act can be done again from the log alone; and read back. */
#ifndef LOG_ROW_IMAGE_H
#define LOG_ROW_IMAGE_H

#include <jansson.h>

#include "registry/rows/rows.h"

/* The row as it is after the act. What is 0, false or empty is left out. No contact: an entry is kept for ever. NULL: no memory.
 * Of a client's row, `contact` is not read back. */
json_t *image_of(enum registry_table table, const void *row);

/* The row that an image tells of. False if it is none, or has a member that is not of its kind or too long; then *problem names it. */
union image_row {
    struct registry_ring ring;
    struct registry_version version;
    struct registry_client client;
    struct registry_key key;
    struct registry_credential credential;
};
bool image_read(const json_t *image, enum registry_table *table, union image_row *row, const char **problem);

#endif
