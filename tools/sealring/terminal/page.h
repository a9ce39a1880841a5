/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people that is laid out before it is shown: it knows how wide the terminal is. */
#ifndef TOOL_PAGE_H
#define TOOL_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/sealring/terminal/style.h"

struct page {
    struct style out; /* to write to; kept in memory */
    size_t width;     /* columns of the terminal, 0: no limit */
    int64_t now;
    char *text; /* owned, as of the last page_text */
    size_t length;
};

void page_open(struct page *page, const struct style *style, size_t width, int64_t now);
void page_close(struct page *page);

/* All that was written. */
const char *page_text(struct page *page);

/* Writes `text` from column `indent` on, with each word on the next line, behind `indent` blanks, that would go beyond the width. The text
 * is escaped for a terminal. */
void page_paragraph(const struct page *page, size_t indent, const char *text);
/* The same with a text that has been escaped. */
void page_wrap(const struct page *page, size_t indent, const char *text);

/* The same behind an indented arrow in this tone. */
void page_point(const struct page *page, enum tone tone, const char *text);

/* Prints at most `lines` lines on standard output, cut at `width` columns (0: no limit), each with `end` behind it. */
void page_print(const char *text, size_t width, size_t lines, const char *end);

#endif
