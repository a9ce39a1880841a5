/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's versions drawn as a time line: made, active, retiring, closed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/sealring/moment.h"
#include "tools/sealring/versions.h"

#define LINE_WIDTH 48
#define PAST_WIDTH 30 /* columns up to now where there is a future to draw; past and future have scales of their own */

enum mark { MARK_NONE, MARK_PENDING, MARK_ACTIVE, MARK_RETIRING, MARK_CLOSED, MARK_START, MARK_NOW, MARK_LIMIT, MARKS };

static const char *const utf8_marks[MARKS] = {" ", "\302\267",     "\342\224\201", "\342\225\214",
                                              " ", "\342\227\217", "\342\226\266", "\342\224\244"};
static const char *const ascii_marks[MARKS] = {" ", ".", "=", "-", " ", "o", ">", "|"};

struct axis {
    int64_t from;
    int64_t now;
    int64_t until;
    size_t present; /* the column of now */
};

static size_t scale(int64_t part, int64_t whole, size_t width)
{
    return (size_t)((double)part * (double)width / (double)whole + 0.5);
}

static size_t position(const struct axis *axis, int64_t time)
{
    if (time <= axis->from)
        return 0;
    if (time >= axis->until)
        return time > axis->now || axis->until > axis->now ? LINE_WIDTH - 1 : axis->present;
    if (time <= axis->now)
        return scale(time - axis->from, axis->now - axis->from, axis->present);
    return axis->present + scale(time - axis->now, axis->until - axis->now, LINE_WIDTH - 1 - axis->present);
}

static struct axis make_axis(const struct versions *versions, int64_t now)
{
    struct axis axis = {.from = now, .now = now, .until = now};
    for (size_t i = 0; i < versions->count; i++) {
        const sealring_version_info *version = &versions->items[i];
        if (version->created < axis.from)
            axis.from = version->created;
        if (version->state == SEALRING_VERSION_RETIRING && version->retire_at > axis.until)
            axis.until = version->retire_at;
    }
    axis.present = axis.until > now ? PAST_WIDTH - 1 : LINE_WIDTH - 1;
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
                         int64_t now, enum mark line[LINE_WIDTH])
{
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

static void print_end(const sealring_version_info *version, const struct session *session)
{
    char when[MOMENT_SIZE];
    if (version->state == SEALRING_VERSION_RETIRING) {
        moment_format(version->retire_at, session->now, when);
        printf("  %s %s", version->retire_at > session->now ? "until" : "window over since", when);
    } else if (version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED) {
        moment_relative(version->closed, session->now, when);
        printf("  closed %s", when);
    } else if (version->state == SEALRING_VERSION_DESTROYED) {
        moment_relative(version->destroyed, session->now, when);
        printf("  destroyed %s", when);
    }
}

/* "3d2h ago          now          in 6d23h", each where it belongs. */
static void print_axis(const struct axis *axis, const struct session *session, size_t indent)
{
    const struct style *style = &session->out;
    char from[MOMENT_SIZE];
    char until[MOMENT_SIZE];
    moment_relative(axis->from, axis->now, from);
    moment_relative(axis->until, axis->now, until);
    if (strcmp(from, "now") == 0)
        from[0] = '\0';
    int used = printf("%*s%s%s", (int)indent, "", style_start(style, TONE_DIM), from);
    used -= (int)(indent + strlen(style_start(style, TONE_DIM)));
    int present = (int)axis->present - 1;
    used += printf("%*snow", present > used ? present - used : 1, "");
    if (axis->until > axis->now)
        printf("%*s", LINE_WIDTH - used, until);
    printf("%s\n", style_end(style, TONE_DIM));
}

void versions_draw(const struct versions *versions, const struct session *session, uint64_t keys)
{
    const struct style *style = &session->out;
    const char *const *marks = style->utf8 ? utf8_marks : ascii_marks;
    struct axis axis = make_axis(versions, session->now);
    enum mark line[LINE_WIDTH];
    int digits = 1;
    for (uint32_t n = versions->count > 0 ? versions->items[versions->count - 1].version : 0; n >= 10; n /= 10)
        digits++;
    print_axis(&axis, session, (size_t)digits + 17);
    for (size_t i = 0; i < versions->count; i++) {
        const sealring_version_info *version = &versions->items[i];
        enum tone tone = style_version_tone(version->state);
        char current[MOMENT_SIZE];
        char total[MOMENT_SIZE];
        bool ends_there = version->current == 0 &&
                          (version->state == SEALRING_VERSION_ACTIVE || version->state == SEALRING_VERSION_PENDING);
        draw_version(versions, version, &axis, session->now, line);
        printf("  v%-*" PRIu32 " %s%-11s%s  ", digits, version->version, style_start(style, tone),
               sealring_version_state_name(version->state), style_end(style, tone));
        fputs(style_start(style, tone), stdout);
        size_t end = ends_there ? used_columns(line) : LINE_WIDTH;
        for (size_t column = 0; column < end; column++)
            fputs(marks[line[column]], stdout);
        fputs(style_end(style, tone), stdout);
        moment_number(version->current, current);
        moment_number(keys, total);
        if (version->current > 0)
            printf("  %s of %s API keys", current, total);
        print_end(version, session);
        putchar('\n');
    }
}
