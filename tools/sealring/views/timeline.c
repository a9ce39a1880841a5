/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's versions drawn as a time line: made, active, retiring, closed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/page.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/versions.h"

#define LINE_WIDTH     48
#define LINE_WIDTH_MIN 20
#define LINE_LEAST     8
#define MARGIN         17 /* with the versions' digits: the width before the line */

enum mark { MARK_NONE, MARK_PENDING, MARK_ACTIVE, MARK_RETIRING, MARK_CLOSED, MARK_START, MARK_NOW, MARK_LIMIT, MARKS };

static const char *const utf8_marks[MARKS] = {" ", "\302\267",     "\342\224\201", "\342\225\214",
                                              " ", "\342\227\217", "\342\226\266", "\342\224\244"};
static const char *const ascii_marks[MARKS] = {" ", ".", "=", "-", " ", "o", ">", "|"};

struct axis {
    int64_t from;
    int64_t now;
    int64_t until;
    size_t width;   /* columns */
    size_t present; /* the column of now; past and future have scales of their own */
};

/* How much text follows a line, so that it fits. */
enum detail { DETAIL_FULL, DETAIL_BRIEF, DETAIL_LEAST };

static size_t scale(int64_t part, int64_t whole, size_t width)
{
    return (size_t)((double)part * (double)width / (double)whole + 0.5);
}

static size_t position(const struct axis *axis, int64_t time)
{
    if (time <= axis->from)
        return 0;
    if (time >= axis->until)
        return time > axis->now || axis->until > axis->now ? axis->width - 1 : axis->present;
    if (time <= axis->now)
        return scale(time - axis->from, axis->now - axis->from, axis->present);
    return axis->present + scale(time - axis->now, axis->until - axis->now, axis->width - 1 - axis->present);
}

static struct axis make_axis(const struct versions *versions, int64_t now, size_t width)
{
    struct axis axis = {.from = now, .now = now, .until = now, .width = width};
    for (size_t i = 0; i < versions->count; i++) {
        const sealring_version_info *version = &versions->items[i];
        if (version->created < axis.from)
            axis.from = version->created;
        if (version->state == SEALRING_VERSION_RETIRING && version->retire_at > axis.until)
            axis.until = version->retire_at;
    }
    axis.present = (axis.until > now ? width * 5 / 8 : width) - 1;
    return axis;
}

/* When the version stopped being the active one: the next activation of another, as its own end is not recorded. */
static int64_t deactivated(const struct versions *versions, const sealring_version_info *version, int64_t now)
{
    int64_t end = version->closed != 0 ? version->closed : now;
    for (size_t i = 0; i < versions->count; i++) {
        int64_t other = versions->items[i].activated;
        if (&versions->items[i] != version && other >= version->activated && other < end && other != 0)
            end = other;
    }
    return end;
}

static void fill(enum mark *line, size_t from, size_t until, enum mark mark)
{
    for (size_t i = from; i <= until && i < LINE_WIDTH; i++)
        line[i] = mark;
}

static void draw_version(const struct versions *versions, const sealring_version_info *version, const struct axis *axis,
                         enum mark line[LINE_WIDTH])
{
    int64_t now = axis->now;
    size_t made = position(axis, version->created);
    size_t present = position(axis, now);
    fill(line, 0, LINE_WIDTH - 1, MARK_NONE);
    int64_t end = version->closed != 0 ? version->closed : now;
    fill(line, made, position(axis, end), MARK_PENDING);
    if (version->activated != 0 && version->state == SEALRING_VERSION_ACTIVE) {
        fill(line, position(axis, version->activated), present, MARK_ACTIVE);
    } else if (version->activated != 0 && version->state != SEALRING_VERSION_PENDING) {
        size_t stopped = position(axis, deactivated(versions, version, now));
        fill(line, position(axis, version->activated), stopped, MARK_ACTIVE);
        if (version->state == SEALRING_VERSION_RETIRING)
            end = version->retire_at;
        fill(line, stopped + 1, position(axis, end), MARK_RETIRING);
        line[position(axis, end)] = MARK_LIMIT;
    }
    line[made] = MARK_START;
    if (version->state == SEALRING_VERSION_ACTIVE || version->state == SEALRING_VERSION_PENDING)
        line[present] = MARK_NOW;
}

static size_t used_columns(const enum mark line[LINE_WIDTH])
{
    size_t used = LINE_WIDTH;
    while (used > 0 && line[used - 1] == MARK_NONE)
        used--;
    return used;
}

/* The text after a version's line: its API keys, and how it ends. */
static void describe(const sealring_version_info *version, const struct page *page, uint64_t keys, enum detail detail,
                     char text[MOMENT_SIZE * 3])
{
    struct moment current = moment_number(version->current);
    size_t used = 0;
    text[0] = '\0';
    if (version->current > 0 && detail == DETAIL_LEAST)
        used = (size_t)sprintf(text, "  %s key%s", current.text, version->current == 1 ? "" : "s");
    else if (version->current > 0)
        used =
            (size_t)sprintf(text, "  %s of %s API key%s", current.text, moment_number(keys).text, keys == 1 ? "" : "s");
    text += used;
    bool open = version->retire_at > page->now;
    if (version->state == SEALRING_VERSION_RETIRING && detail != DETAIL_FULL) {
        sprintf(text, "  %s %s", open ? "ends" : "ended", moment_relative(version->retire_at, page->now).text);
    } else if (version->state == SEALRING_VERSION_RETIRING) {
        sprintf(text, "  %s %s", open ? "until" : "window over since",
                moment_format(version->retire_at, page->now).text);
    } else if (version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED) {
        sprintf(text, "  closed %s", moment_relative(version->closed, page->now).text);
    } else if (version->state == SEALRING_VERSION_DESTROYED) {
        sprintf(text, "  destroyed %s", moment_relative(version->destroyed, page->now).text);
    }
}

/* "3d2h ago          now          in 6d23h", each where it belongs. */
static void print_axis(const struct axis *axis, const struct page *page, size_t indent)
{
    struct moment from = moment_relative(axis->from, axis->now);
    if (strcmp(from.text, "now") == 0)
        from.text[0] = '\0';
    int used = (int)strlen(from.text);
    terminal_tone(&page->out, TONE_DIM);
    fprintf(page->out.stream, "%*s%s", (int)indent, "", from.text);
    int present = (int)axis->present - 1;
    used += fprintf(page->out.stream, "%*snow", present > used ? present - used : 1, "");
    if (axis->until > axis->now)
        fprintf(page->out.stream, " %*s", (int)axis->width - used - 1, moment_relative(axis->until, axis->now).text);
    terminal_print(&page->out, PLAIN "\n");
}

/* The line gets what the descriptions leave, and they get shorter where that is too little. */
static size_t lay_out(const struct versions *versions, const struct page *page, uint64_t keys, size_t indent,
                      enum detail *detail)
{
    char text[MOMENT_SIZE * 3];
    *detail = DETAIL_FULL;
    if (page->width == 0)
        return LINE_WIDTH;
    for (;; ++*detail) {
        size_t longest = 0;
        for (size_t i = 0; i < versions->count; i++) {
            describe(&versions->items[i], page, keys, *detail, text);
            if (strlen(text) > longest)
                longest = strlen(text);
        }
        size_t others = indent + longest;
        size_t room = page->width > others ? page->width - others : 0;
        size_t wanted = *detail == DETAIL_FULL ? LINE_WIDTH : LINE_WIDTH_MIN;
        if (room >= wanted || *detail == DETAIL_LEAST)
            return room > LINE_WIDTH ? LINE_WIDTH : room < LINE_LEAST ? LINE_LEAST : room;
    }
}

void versions_draw(const struct versions *versions, const struct page *page, uint64_t keys)
{
    const char *const *marks = page->out.utf8 ? utf8_marks : ascii_marks;
    enum mark line[LINE_WIDTH];
    enum detail detail;
    int digits = versions_digits(versions);
    size_t width = lay_out(versions, page, keys, (size_t)digits + MARGIN, &detail);
    struct axis axis = make_axis(versions, page->now, width);
    print_axis(&axis, page, (size_t)digits + MARGIN);
    for (size_t i = 0; i < versions->count; i++) {
        const sealring_version_info *version = &versions->items[i];
        char text[MOMENT_SIZE * 3];
        describe(version, page, keys, detail, text);
        draw_version(versions, version, &axis, line);
        fprintf(page->out.stream, "  v%-*" PRIu32 " ", digits, version->version);
        terminal_print(&page->out, "%c%-11s  ", style_version_tone(version->state),
                       sealring_version_state_name(version->state));
        size_t end = text[0] == '\0' ? used_columns(line) : width;
        for (size_t column = 0; column < end; column++)
            fputs(marks[line[column]], page->out.stream);
        terminal_print(&page->out, PLAIN "%s\n", text);
    }
}
