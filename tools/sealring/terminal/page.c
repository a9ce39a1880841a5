/* SPDX-License-Identifier: Apache-2.0 */
/* Lines laid out in memory: wrapped at words, cut at the terminal's edge. */
#include "tools/sealring/terminal/page.h"

#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/terminal.h"

#define INDENT_MOST 60
#define ESCAPE      '\033'

void page_open(struct page *page, const struct style *style, size_t width, int64_t now)
{
    *page = (struct page){.out = *style, .width = width, .now = now};
    page->out.stream = open_memstream(&page->text, &page->length);
    if (page->out.stream == NULL)
        memory_lack();
}

void page_close(struct page *page)
{
    if (page->out.stream != NULL)
        fclose(page->out.stream);
    free(page->text);
    *page = (struct page){0};
}

const char *page_text(struct page *page)
{
    fflush(page->out.stream);
    return page->text;
}

void page_wrap(const struct page *page, size_t indent, const char *text)
{
    size_t column = indent;
    size_t limit = page->width;
    size_t hanging = indent < INDENT_MOST ? indent : INDENT_MOST;
    while (*text != '\0') {
        size_t blanks = strspn(text, " ");
        size_t length = strcspn(text + blanks, " ");
        size_t columns = terminal_width(text + blanks, length);
        if (limit != 0 && column > hanging && column + blanks + columns > limit) {
            fprintf(page->out.stream, "\n%*s", (int)hanging, "");
            column = hanging;
            blanks = 0;
            text += strspn(text, " ");
        }
        fwrite(text, 1, blanks + length, page->out.stream);
        column += blanks + columns;
        text += blanks + length;
    }
    fputc('\n', page->out.stream);
}

void page_paragraph(const struct page *page, size_t indent, const char *text)
{
    char *escaped = terminal_text(&page->out, text);
    page_wrap(page, indent, escaped);
    free(escaped);
}

void page_point(const struct page *page, enum tone tone, const char *text)
{
    terminal_print(&page->out, "  %c%s" PLAIN " ", tone, style_arrow(&page->out));
    page_paragraph(page, page->out.utf8 ? 4 : 5, text);
}

static const char *print_line(const char *text, size_t width)
{
    size_t column = 0;
    while (*text != '\0' && *text != '\n') {
        size_t columns = 0;
        /* a sequence of colour takes no column */
        size_t length =
            *text == ESCAPE ? strcspn(text, "m\n") + 1 : terminal_character(text, strcspn(text, "\n"), &columns);
        column += columns;
        if (width == 0 || column <= width || *text == ESCAPE)
            fwrite(text, 1, length, stdout);
        text += length;
    }
    return text;
}

void page_print(const char *text, size_t width, size_t lines, const char *end)
{
    for (; *text != '\0' && lines > 0; lines--) {
        text = print_line(text, width);
        fputs(end, stdout);
        text += *text == '\n';
    }
}
