/* SPDX-License-Identifier: Apache-2.0 */
/* The share of traffic on each version, hour by hour, in block characters. */
#include "tools/sealring/views/traffic_chart.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

#define HOUR       INT64_C(3600000)
#define EIGHTHS    8
#define MARGIN     17 /* with the versions' digits: where the time line begins, too */
#define NUMBER_MIN 5  /* the width of "calls" */

static struct traffic_row *row_of(struct traffic *traffic, uint32_t version)
{
    size_t at = 0;
    while (at < traffic->count && traffic->rows[at].version < version)
        at++;
    if (at < traffic->count && traffic->rows[at].version == version)
        return &traffic->rows[at];
    traffic->rows = memory_room(traffic->rows, traffic->count, sizeof *traffic->rows);
    memmove(&traffic->rows[at + 1], &traffic->rows[at], (traffic->count - at) * sizeof *traffic->rows);
    traffic->rows[at] = (struct traffic_row){.version = version};
    traffic->count++;
    return &traffic->rows[at];
}

static int take_hour(const sealring_traffic_info *info, void *context)
{
    struct traffic *traffic = context;
    int64_t hour = (info->hour - traffic->from) / HOUR;
    if (info->hour < traffic->from)
        return 0;
    if (hour >= TRAFFIC_HOURS) /* a verifier's clock is ahead of ours */
        hour = TRAFFIC_HOURS - 1;
    struct traffic_row *row = row_of(traffic, info->version);
    row->accepted[hour] = moment_sum(row->accepted[hour], info->accepted);
    row->calls = moment_sum(row->calls, info->accepted);
    row->rejected = moment_sum(row->rejected, info->rejected);
    traffic->total[hour] = moment_sum(traffic->total[hour], info->accepted);
    return json_array_append_new(traffic->array,
                                 json_pack("{s:o, s:I, s:I, s:I}", "hour", jsontext_time(info->hour), "version",
                                           (json_int_t)info->version, "accepted", (json_int_t)info->accepted,
                                           "rejected", (json_int_t)info->rejected));
}

sealring_status traffic_load(struct traffic *traffic, struct session *session, const char *ring)
{
    *traffic = (struct traffic){.from = (session->now / HOUR - (TRAFFIC_HOURS - 1)) * HOUR, .array = json_array()};
    return sealring_traffic(session->manager, ring, traffic->from, take_hour, traffic, &session->error);
}

void traffic_free(struct traffic *traffic)
{
    free(traffic->rows);
    json_decref(traffic->array);
    *traffic = (struct traffic){0};
}

/* ---- Drawing ---------------------------------------------------------------------------------------------------------- */

/* What little there was is shown, and a share that is not the whole is not drawn as one. */
static size_t level_of(uint64_t part, uint64_t whole)
{
    if (part == 0)
        return 0;
    size_t level = (size_t)((double)part * EIGHTHS / (double)whole + 0.5);
    if (level >= EIGHTHS)
        return part < whole ? EIGHTHS - 1 : EIGHTHS;
    return level < 1 ? 1 : level;
}

static struct moment share_of(uint64_t part, uint64_t whole)
{
    struct moment share = {"-"};
    unsigned percent = whole > 0 ? (unsigned)((double)part * 100 / (double)whole + 0.5) : 0;
    if (part > 0 && percent == 0)
        strcpy(share.text, "<1%");
    else if (part < whole && percent == 100)
        strcpy(share.text, ">99%");
    else if (whole > 0)
        snprintf(share.text, MOMENT_SIZE, "%u%%", percent);
    return share;
}

static enum tone tone_of(const struct versions *versions, uint32_t number)
{
    for (size_t i = 0; i < versions->count; i++)
        if (versions->items[i].version == number)
            return style_version_tone(versions->items[i].state);
    return TONE_PLAIN;
}

/* "  1,234 rejected". */
static struct moment rejected_of(const struct traffic_row *row)
{
    struct moment rejected = {""};
    if (row->rejected > 0)
        snprintf(rejected.text, MOMENT_SIZE, "  %.40s rejected", moment_number(row->rejected).text);
    return rejected;
}

struct chart_layout {
    int digits;      /* of the versions' numbers */
    int number;      /* the width of a number of calls */
    size_t rejected; /* the width of the text on rejected calls */
    size_t hour;     /* the first that is drawn */
};

static struct chart_layout lay_out(const struct traffic *traffic, const struct versions *versions, size_t width)
{
    struct chart_layout layout = {.digits = versions_digits(versions), .number = NUMBER_MIN};
    for (size_t i = 0; i < traffic->count; i++) {
        int number = (int)strlen(moment_number(traffic->rows[i].calls).text);
        if (number > layout.number)
            layout.number = number;
        size_t rejected = strlen(rejected_of(&traffic->rows[i]).text);
        if (rejected > layout.rejected)
            layout.rejected = rejected;
    }
    size_t others = (size_t)(layout.digits + MARGIN + 2 + layout.number + 2 + 9) + layout.rejected;
    size_t room = width == 0 ? TRAFFIC_HOURS : width > others ? width - others : 1;
    layout.hour = room < TRAFFIC_HOURS ? TRAFFIC_HOURS - room : 0;
    return layout;
}

static void draw_axis(const struct chart_layout *layout, const struct page *page)
{
    int columns = TRAFFIC_HOURS - (int)layout->hour;
    char from[MOMENT_SIZE];
    snprintf(from, sizeof from, "%dh ago", columns - 1);
    int between = columns - (int)strlen(from) - 3;
    terminal_tone(&page->out, TONE_DIM);
    fprintf(page->out.stream, "%-*s", layout->digits + MARGIN, "  calls by hour");
    if (between > 0)
        fprintf(page->out.stream, "%s%*snow", from, between, "");
    else
        fprintf(page->out.stream, "%*s", columns, columns >= 3 ? "now" : "");
    fprintf(page->out.stream, "  %*s", layout->number, "calls");
    terminal_print(&page->out, "  this hour" PLAIN "\n");
}

static void draw_block(const struct page *page, size_t level)
{
    static const char ascii[EIGHTHS + 2] = " .:-=+*#%";
    if (page->out.utf8 && level > 0)
        fprintf(page->out.stream, "\342\226%c", (int)(0x80 + level)); /* U+2581 to U+2588 */
    else
        fputc(ascii[level], page->out.stream);
}

static void draw_row(const struct traffic *traffic, const struct traffic_row *row, enum tone tone,
                     const struct chart_layout *layout, const struct page *page)
{
    struct moment share = share_of(row->accepted[TRAFFIC_HOURS - 1], traffic->total[TRAFFIC_HOURS - 1]);
    fprintf(page->out.stream, "  v%-*" PRIu32 "%*s", layout->digits, row->version, MARGIN - 3, "");
    terminal_tone(&page->out, tone);
    for (size_t hour = layout->hour; hour < TRAFFIC_HOURS; hour++)
        draw_block(page, level_of(row->accepted[hour], traffic->total[hour]));
    terminal_tone(&page->out, TONE_PLAIN);
    fprintf(page->out.stream, "  %*s", layout->number, moment_number(row->calls).text);
    terminal_print(&page->out, "  %9s" WARN "%s" PLAIN "\n", share.text, rejected_of(row).text);
}

void traffic_draw(const struct traffic *traffic, const struct versions *versions, const struct page *page)
{
    if (traffic->count == 0) {
        terminal_print(&page->out, "  " DIM "no calls in the last %d hours" PLAIN "\n", TRAFFIC_HOURS);
        return;
    }
    struct chart_layout layout = lay_out(traffic, versions, page->width);
    draw_axis(&layout, page);
    for (size_t i = 0; i < traffic->count; i++)
        draw_row(traffic, &traffic->rows[i], tone_of(versions, traffic->rows[i].version), &layout, page);
}
