/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned tables with headers. */
#include "tools/sealring/terminal/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/page.h"
#include "tools/sealring/terminal/screen.h"
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

static size_t line_width(const struct table *table, const size_t *widths)
{
    size_t width = 0;
    for (size_t i = 0; i < table->column_count; i++)
        width += widths[i] + (i > 0 ? GAP : 0);
    return width;
}

static void print_lines(const struct table *table, const size_t *widths, const struct style *style)
{
    for (size_t i = 0; i < table->column_count; i++)
        print_cell(table, i, widths[i], table->columns[i].title, TONE_DIM, style);
    fputc('\n', style->stream);
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->column_count;
        print_cell(table, column, widths[column], table->cells[i].text, table->cells[i].tone, style);
        if (column + 1 == table->column_count)
            fputc('\n', style->stream);
    }
}

/* On a terminal that is narrower than the lines: one line for each cell, and a blank one between rows. */
static void print_blocks(const struct table *table, size_t columns, const struct style *style)
{
    struct page page;
    size_t widest = 0;
    for (size_t i = 0; i < table->column_count; i++)
        widest = strlen(table->columns[i].title) > widest ? strlen(table->columns[i].title) : widest;
    page_open(&page, style, columns, table->now);
    for (size_t i = 0; i < table->count; i++) {
        const char *title = table->columns[i % table->column_count].title;
        if (i > 0 && i % table->column_count == 0)
            fputc('\n', page.out.stream);
        terminal_print(&page.out, DIM "%s" PLAIN, title);
        fprintf(page.out.stream, "%*s", (int)(widest + GAP - strlen(title)), "");
        terminal_tone(&page.out, table->cells[i].tone);
        page_wrap(&page, widest + GAP, table->cells[i].text);
        terminal_tone(&page.out, TONE_PLAIN);
    }
    fputs(page_text(&page), style->stream);
    page_close(&page);
}

void table_finish(struct table *table, const struct style *style)
{
    size_t columns = style->terminal && style->stream == stdout ? screen_size().columns : 0;
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
    if (columns != 0 && line_width(table, widths) > columns)
        print_blocks(table, columns, style);
    else
        print_lines(table, widths, style);
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
