/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and their members as the findings of `audit verify` name them. */
#ifndef MANAGE_AUDIT_ROW_TEXT_H
#define MANAGE_AUDIT_ROW_TEXT_H

#include <jansson.h>

#include "registry/rows/rows.h"

#define ROW_TEXT_NAME_SIZE  192
#define ROW_TEXT_VALUE_SIZE 128

/* "version 2 of ring payments"; ring: the name of a version's ring; NULL: its row's number is given. */
void row_text_name(enum registry_table table, const json_t *image, const char *ring, char text[ROW_TEXT_NAME_SIZE]);

/* A member's value; NULL: the image does not contain it. */
void row_text_value(enum registry_table table, const char *member, const json_t *value, char text[ROW_TEXT_VALUE_SIZE]);

#endif
