/* SPDX-License-Identifier: Apache-2.0 */
/* When the credentials of an API key end, by bounds on their serials. Pure. */
#include "credential/key_ends.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AT_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z, as in base/timetext.c */

_Static_assert(UINT32_MAX == 4294967295, "ten digits");

/* One more than are kept, while a bound is added. */
struct wide_ends {
    size_t count;
    struct key_end items[KEY_ENDS_MAX + 1];
};

/* The first bound that is about the serial; count: none is. */
static size_t find(const struct key_end *items, size_t count, uint32_t serial)
{
    size_t place = 0;
    while (place < count && items[place].serial < serial)
        place++;
    return place;
}

void ends_format(const struct key_ends *ends, char text[KEY_ENDS_TEXT_SIZE])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ends->count; i++)
        length += (size_t)snprintf(text + length, KEY_ENDS_TEXT_SIZE - length, "%s%" PRIu32 ":%" PRId64,
                                   i > 0 ? " " : "", ends->items[i].serial, ends->items[i].at);
}

static bool is_sound(const struct key_ends *ends)
{
    uint32_t serial = 0;
    int64_t at = 0;
    for (size_t i = 0; i < ends->count; i++) {
        const struct key_end *end = &ends->items[i];
        if (end->serial <= serial || end->at <= at || end->at > AT_MAX)
            return false;
        serial = end->serial;
        at = end->at;
    }
    return true;
}

bool ends_parse(const char *text, struct key_ends *ends)
{
    char again[KEY_ENDS_TEXT_SIZE];
    struct key_end end;
    int length = 0;
    *ends = (struct key_ends){.count = 0};
    /* A number that does not fit is another one when it is formatted again. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    for (const char *at = text; sscanf(at, "%" SCNu32 ":%" SCNd64 "%n", &end.serial, &end.at, &length) == 2;) {
        if (ends->count == KEY_ENDS_MAX)
            break;
        ends->items[ends->count++] = end;
        at += length;
    }
    if (is_sound(ends)) {
        ends_format(ends, again);
        if (strcmp(again, text) == 0)
            return true;
    }
    *ends = (struct key_ends){.count = 0};
    return false;
}

int64_t ends_of(const struct key_ends *ends, uint32_t serial)
{
    size_t place = find(ends->items, ends->count, serial);
    return place < ends->count ? ends->items[place].at : 0;
}

bool ends_include(const struct key_ends *one, const struct key_ends *other)
{
    for (size_t i = 0; i < other->count; i++) {
        int64_t at = ends_of(one, other->items[i].serial);
        if (at == 0 || at > other->items[i].at)
            return false;
    }
    return true;
}

/* Adds the bound, in the place of those that it makes useless. False: it is useless itself. */
static bool insert(struct wide_ends *wide, struct key_end end)
{
    size_t last = find(wide->items, wide->count, end.serial), first = last;
    if (last < wide->count && wide->items[last].at <= end.at)
        return false;
    if (last < wide->count && wide->items[last].serial == end.serial)
        last++;
    while (first > 0 && wide->items[first - 1].at >= end.at)
        first--;
    memmove(wide->items + first + 1, wide->items + last, (wide->count - last) * sizeof *wide->items);
    wide->items[first] = end;
    wide->count += 1 + first - last;
    return true;
}

static void join_first_two(struct wide_ends *wide)
{
    wide->items[1].at = wide->items[0].at;
    memmove(wide->items, wide->items + 1, --wide->count * sizeof *wide->items);
}

static void widen(const struct key_ends *ends, struct wide_ends *wide)
{
    *wide = (struct wide_ends){.count = ends->count};
    memcpy(wide->items, ends->items, sizeof ends->items);
}

/* Bounds that are not in use are 0, so that equal ones have equal bytes. */
static void keep(const struct wide_ends *wide, struct key_ends *ends)
{
    *ends = (struct key_ends){.count = wide->count};
    memcpy(ends->items, wide->items, wide->count * sizeof *wide->items);
}

bool ends_add(struct key_ends *ends, uint32_t serial, int64_t at, int64_t now)
{
    struct wide_ends wide;
    struct key_end end = {serial, at < 1 ? 1 : at > AT_MAX ? AT_MAX : at};
    widen(ends, &wide);
    (void)insert(&wide, end);
    if (wide.count > KEY_ENDS_MAX && wide.items[1].at > now)
        return false;
    if (wide.count > KEY_ENDS_MAX)
        join_first_two(&wide);
    keep(&wide, ends);
    return true;
}

bool ends_restrict(struct key_ends *ends, const struct key_ends *more)
{
    struct wide_ends wide;
    bool added = false;
    widen(ends, &wide);
    for (size_t i = 0; i < more->count; i++) {
        added = insert(&wide, more->items[i]) || added;
        if (wide.count > KEY_ENDS_MAX)
            join_first_two(&wide);
    }
    keep(&wide, ends);
    return added;
}

static uint32_t last_of(const struct key_ends *ends, uint32_t last)
{
    uint32_t bound = ends->count > 0 ? ends->items[ends->count - 1].serial : 0;
    return bound > last ? bound : last;
}

uint32_t ends_next_serial(const struct key_ends *ends, uint32_t last)
{
    return last_of(ends, last) + 1; /* 0 behind the last one */
}

uint32_t ends_bound(const struct key_ends *ends, uint32_t last)
{
    uint32_t steps = last_of(ends, last) / KEY_ENDS_STEP;
    return steps < UINT32_MAX / KEY_ENDS_STEP ? (steps + 1) * KEY_ENDS_STEP : UINT32_MAX;
}
