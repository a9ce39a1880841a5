/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the wall clock by the time since boot, which cannot be set. */
#include "lifecycle/clockwatch.h"

#include <stdio.h>
#include <string.h>

#include "base/capped.h"
#include "base/timetext.h"

#define WRITE_EVERY_MS INT64_C(60000)

static bool within(int64_t difference)
{
    return difference <= CLOCKWATCH_STEP_MS && difference >= -CLOCKWATCH_STEP_MS;
}

static bool same_boot(const struct clock_reading *one, const struct clock_reading *other)
{
    return one->boot_id[0] != '\0' && strcmp(one->boot_id, other->boot_id) == 0;
}

/* By how much the wall clock is ahead of what the last reading predicts; negative if it is behind. After another boot any advance is
 * possible, because the time that the host was off is not known. */
static int64_t ahead(const struct clock_reading *last, const struct clock_reading *now)
{
    int64_t moved = capped_subtract(now->wall_ms, last->wall_ms);

    if (same_boot(last, now))
        return capped_subtract(moved, capped_subtract(now->boot_ms, last->boot_ms));
    return moved < 0 ? moved : 0;
}

/* What the wall clock should show now without the steps while it was held. */
static void expect(const struct clock_memory *before, const struct clock_reading *now, struct clock_memory *after)
{
    after->expectation = before->expectation;
    after->expected_ms = before->expected_ms;
    if (same_boot(&before->last, now))
        after->expected_ms = capped_add(before->expected_ms, capped_subtract(now->boot_ms, before->last.boot_ms));
    else if (before->expectation == CLOCK_EXPECTED_EXACTLY)
        /* If the clock was behind and is not any more, it was corrected. If it was ahead, it may still be. */
        after->expectation =
            before->last.wall_ms < before->expected_ms ? CLOCK_EXPECTED_AT_LEAST : CLOCK_EXPECTED_NOTHING;
}

static bool is_back(const struct clock_memory *memory)
{
    int64_t off = capped_subtract(memory->last.wall_ms, memory->expected_ms);

    return (memory->expectation == CLOCK_EXPECTED_EXACTLY && within(off)) ||
           (memory->expectation == CLOCK_EXPECTED_AT_LEAST && off >= -CLOCKWATCH_STEP_MS);
}

/* The first step: the hold begins. */
static void hold(const struct clock_memory *before, const struct clock_reading *now, struct clock_memory *after)
{
    bool same = same_boot(&before->last, now);

    after->held = true;
    after->steady_boot_ms = now->boot_ms;
    after->expectation = same ? CLOCK_EXPECTED_EXACTLY : CLOCK_EXPECTED_AT_LEAST;
    after->expected_ms = before->last.wall_ms;
    if (same)
        after->expected_ms = capped_add(before->last.wall_ms, capped_subtract(now->boot_ms, before->last.boot_ms));
}

static void say(struct clock_judgement *judgement, int64_t step)
{
    char by[TIMETEXT_SIZE];
    char left[TIMETEXT_SIZE];
    int64_t size = step < 0 ? capped_subtract(0, step) : step;

    timetext_duration_format((size < TIMETEXT_DURATION_MAX ? size : TIMETEXT_DURATION_MAX) / 1000 * 1000, by);
    timetext_duration_format(
        (judgement->held_for < TIMETEXT_DURATION_MAX ? judgement->held_for : TIMETEXT_DURATION_MAX) / 1000 * 1000,
        left);
    if (judgement->released)
        snprintf(judgement->text, sizeof(judgement->text),
                 "the wall clock can be trusted again: what the policy requires continues");
    else if (judgement->stepped)
        snprintf(
            judgement->text, sizeof(judgement->text),
            "the wall clock was set %s by %s: nothing irreversible happens by itself until it is back, or has been "
            "steady for %s",
            step < 0 ? "back" : "forward", by, left);
    else if (judgement->memory.held)
        snprintf(
            judgement->text, sizeof(judgement->text),
            "the wall clock was set: nothing irreversible happens by itself until it is back, or has been steady for "
            "another %s",
            left);
}

void clockwatch_judge(const struct clock_memory *before, const struct clock_reading *now, int64_t quiet_ms,
                      struct clock_judgement *judgement)
{
    struct clock_memory *after = &judgement->memory;
    int64_t steady_ms = quiet_ms > CLOCKWATCH_STEADY_MS ? quiet_ms : CLOCKWATCH_STEADY_MS;
    bool first = before->last.boot_id[0] == '\0' && before->last.boot_ms == 0;
    int64_t step = first ? 0 : ahead(&before->last, now);

    memset(judgement, 0, sizeof(*judgement));
    after->last = *now;
    judgement->stepped = !within(step);
    if (before->held) {
        bool steady = same_boot(&before->last, now) && !judgement->stepped;
        after->held = true;
        after->steady_boot_ms = steady ? before->steady_boot_ms : now->boot_ms;
        expect(before, now, after);
        judgement->released = is_back(after) || capped_subtract(now->boot_ms, after->steady_boot_ms) >= steady_ms;
    } else if (judgement->stepped) {
        hold(before, now, after);
    }
    if (judgement->released) {
        *after = (struct clock_memory){.last = *now};
        judgement->stepped = false; /* a step back to the right time */
    }
    if (after->held)
        judgement->held_for = capped_subtract(steady_ms, capped_subtract(now->boot_ms, after->steady_boot_ms));
    judgement->worth_writing = first || judgement->stepped || after->held != before->held ||
                               !same_boot(&before->last, now) ||
                               capped_subtract(now->boot_ms, before->last.boot_ms) >= WRITE_EVERY_MS;
    say(judgement, step);
}

int64_t clockwatch_bound(const struct clock_bound *bound)
{
    int64_t by_signature = bound->signed_ms > 0 ? bound->signed_ms - CLOCKWATCH_BOUND_SLACK_MS : 0;
    return by_signature > bound->built_ms ? by_signature : bound->built_ms;
}

/* Returns whether the clock was not set back since. Drift and the corrections of a time service may change it by the slack. */
static bool goes_on(const struct clock_trust *trust, int64_t offset_ms)
{
    return trust->earned && offset_ms >= capped_subtract(trust->offset_ms, CLOCKWATCH_BOUND_SLACK_MS);
}

bool clockwatch_needs_signed(const struct clock_trust *trust, int64_t wall_ms, int64_t boot_ms, int64_t built_ms)
{
    return wall_ms >= built_ms && !goes_on(trust, capped_subtract(wall_ms, boot_ms));
}

bool clockwatch_trusts(struct clock_trust *trust, int64_t wall_ms, int64_t boot_ms, const struct clock_bound *bound)
{
    int64_t offset_ms = capped_subtract(wall_ms, boot_ms);
    if (wall_ms < bound->built_ms)
        return false;
    if (wall_ms < clockwatch_bound(bound))
        return goes_on(trust, offset_ms);
    if (!trust->earned || offset_ms < trust->offset_ms)
        trust->offset_ms = offset_ms;
    trust->earned = true;
    return true;
}
