/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the registry as an audit entry contains them, so that an act can be repeated from the log alone: written and parsed. */
#ifndef LOG_ROW_IMAGE_H
#define LOG_ROW_IMAGE_H

#include <jansson.h>

#include "registry/rows/rows.h"

/* The row as it is after the act. Members that are 0, false or empty are omitted. Of a client, neither contact nor
 * certificate nor settings of notices nor salt is written, because entries are kept for ever, nor read. NULL: no memory. */
json_t *image_of(enum registry_table table, const void *row);

/* Adds the members that an older sealring did not write, as they are for its rows. False: the image is of no table, or no memory. */
bool image_complete(json_t *image);

/* Whether two images of rows of the table are of the same row. */
bool image_is_of_same_row(enum registry_table table, const json_t *one, const json_t *other);

/* Parses an image into a row. False if it is not an image, or has a member of the wrong kind or length; then *problem names it. */
union image_row {
    struct registry_ring ring;
    struct registry_version version;
    struct registry_client client;
    struct registry_key key;
    struct registry_credential credential;
};
bool image_read(const json_t *image, enum registry_table *table, union image_row *row, const char **problem);

#endif
