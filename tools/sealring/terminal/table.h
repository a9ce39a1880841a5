/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned tables with headers. */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/sealring/terminal/style.h"

struct table_column {
    const char *title; /* NULL ends the columns */
    int right;         /* aligned to the right: numbers */
};

struct table_cell {
    char *text;
    enum tone tone;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    int64_t now;              /* for times */
    struct table_cell *cells; /* owned, row by row */
    size_t count;
};

void table_start(struct table *table, const struct table_column *columns, int64_t now);

/* Adds the next cell of the present row; the row is full when each column has one. Empty text is shown as "-". */
void table_add(struct table *table, enum tone tone, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with a number as 7,421, and with a time; no time is shown as `none`. */
void table_add_number(struct table *table, uint64_t number);
void table_add_time(struct table *table, int64_t time, const char *none);

/* Prints what was added, and frees it. */
void table_finish(struct table *table, const struct style *style);
void table_free(struct table *table);

/* Prints one line of a description: a dim title, aligned, and the value. */
void table_fact(const struct style *style, const char *title, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
