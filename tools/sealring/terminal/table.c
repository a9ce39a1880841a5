/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned tables with headers. */
#include "tools/sealring/terminal/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

#define GAP 2

void table_start(struct table *table, const struct table_column *columns, int64_t now)
{
    *table = (struct table){.columns = columns, .now = now};
    while (columns[table->column_count].title != NULL)
        table->column_count++;
}

void table_add(struct table *table, enum tone tone, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length <= 0) {
        if (length == 0)
            free(text);
        text = memory_text("-");
        tone = TONE_DIM;
    }
    table->cells = memory_room(table->cells, table->count, sizeof *table->cells);
    table->cells[table->count++] = (struct table_cell){text, tone};
}

void table_add_number(struct table *table, uint64_t number)
{
    table_add(table, TONE_PLAIN, "%s", moment_number(number).text);
}

void table_add_time(struct table *table, int64_t time, const char *none)
{
    table_add(table, TONE_PLAIN, "%s", time != 0 ? moment_format(time, table->now).text : none);
}

static void print_cell(const struct table *table, size_t column, size_t width, const char *text, enum tone tone,
                       const struct style *style)
{
    FILE *stream = style->stream;
    size_t own = terminal_width(text, strlen(text));
    int padding = own < width ? (int)(width - own) : 0;
    if (table->columns[column].right)
        fprintf(stream, "%*s", padding, "");
    terminal_tone(style, tone);
    fputs(text, stream);
    terminal_tone(style, TONE_PLAIN);
    if (column + 1 < table->column_count)
        fprintf(stream, "%*s", (table->columns[column].right ? 0 : padding) + GAP, "");
}

void table_finish(struct table *table, const struct style *style)
{
    size_t *widths = memory_grow(NULL, table->column_count, sizeof *widths);
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = strlen(table->columns[i].title);
    for (size_t i = 0; i < table->count; i++) {
        char *escaped = terminal_text(style, table->cells[i].text);
        free(table->cells[i].text);
        table->cells[i].text = escaped;
        size_t width = terminal_width(escaped, strlen(escaped));
        if (width > widths[i % table->column_count])
            widths[i % table->column_count] = width;
    }
    for (size_t i = 0; i < table->column_count; i++)
        print_cell(table, i, widths[i], table->columns[i].title, TONE_DIM, style);
    fputc('\n', style->stream);
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->column_count;
        print_cell(table, column, widths[column], table->cells[i].text, table->cells[i].tone, style);
        if (column + 1 == table->column_count)
            fputc('\n', style->stream);
    }
    free(widths);
    table_free(table);
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){0};
}

void table_fact(const struct style *style, const char *title, const char *format, ...)
{
    terminal_print(style, DIM "%-13s" PLAIN " ", title);
    va_list arguments;
    va_start(arguments, format);
    terminal_vprint(style, format, arguments);
    va_end(arguments);
    fputc('\n', style->stream);
}
