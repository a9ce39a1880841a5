/* SPDX-License-Identifier: Apache-2.0 */
/* verifier/protocol: its rules one by one, then every order of calls, then every course that a small world can take. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/state/freshness_protocol.h"

#define LEASE 60000

static const uint8_t era_a[REGISTRY_ID_SIZE] = "the first era...";
static const uint8_t era_b[REGISTRY_ID_SIZE] = "the second era..";

/* One whole look at boot time `boot`, whose wall clock is `ahead` of it. */
static enum protocol_step look(struct protocol *protocol, int64_t boot, int64_t ahead, const uint8_t *era,
                               uint64_t epoch)
{
    protocol_begin_look(protocol, boot, boot + ahead);
    enum protocol_step step = protocol_see(protocol, era, epoch, false);
    if (step != PROTOCOL_NOTHING)
        protocol_applied(protocol, era, epoch);
    protocol_reported(protocol, protocol->look_started, LEASE);
    return step;
}

static struct protocol joined(uint64_t epoch)
{
    struct protocol protocol = {0};
    ck_assert_int_eq(look(&protocol, 1000, 5000, era_a, epoch), PROTOCOL_RELOAD);
    return protocol;
}

/* ---- one by one ---- */

static bool may_serve(const struct protocol *protocol, int64_t boot_ms)
{
    return boot_ms < protocol_serves_until(protocol);
}

START_TEST(nothing_is_served_before_the_first_look_is_reported)
{
    struct protocol protocol = {0};
    ck_assert(!may_serve(&protocol, 0));
    ck_assert(!protocol_may_insert(&protocol, 0, era_a));
    protocol_begin_look(&protocol, 1000, 6000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 7, false), PROTOCOL_RELOAD);
    ck_assert(!protocol_may_insert(&protocol, protocol.fences, era_a));
    protocol_applied(&protocol, era_a, 7);
    ck_assert(protocol.loaded);
    ck_assert_uint_eq(protocol.epoch, 7);
    ck_assert(!may_serve(&protocol, 1000));
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert(may_serve(&protocol, 1000));
}
END_TEST

START_TEST(the_lease_runs_from_the_looks_start)
{
    struct protocol protocol = joined(7);
    ck_assert_int_eq(protocol.lease_ends, 1000 + LEASE);
    ck_assert(may_serve(&protocol, 1000 + LEASE - 1));
    ck_assert(!may_serve(&protocol, 1000 + LEASE));
    ck_assert_int_eq(look(&protocol, 1200, 5000, era_a, 7), PROTOCOL_NOTHING);
    ck_assert(may_serve(&protocol, 1200 + LEASE - 1));
    ck_assert(!may_serve(&protocol, 1200 + LEASE));
}
END_TEST

START_TEST(a_look_that_was_not_reported_prolongs_nothing)
{
    struct protocol protocol = joined(7);
    protocol_begin_look(&protocol, 2000, 7000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 8, false), PROTOCOL_CHANGES);
    protocol_applied(&protocol, era_a, 8);
    ck_assert_uint_eq(protocol.epoch, 8);
    ck_assert_int_eq(protocol.lease_ends, 1000 + LEASE);
}
END_TEST

/* Who waits may have given a silent verifier up when its former report was a lease ago. */
START_TEST(a_report_that_comes_late_needs_another_look)
{
    struct protocol protocol = joined(7);
    protocol_begin_look(&protocol, 1000 + LEASE - 2, 0);
    protocol_see(&protocol, era_a, 7, false);
    ck_assert(protocol_reported(&protocol, 1000 + LEASE - 1, LEASE));
    ck_assert_int_eq(protocol.lease_ends, 1000 + 2 * LEASE - 2);
    protocol_begin_look(&protocol, 2 * LEASE, 0); /* begun in time, but it got stuck before its report */
    protocol_see(&protocol, era_a, 7, false);
    ck_assert(!protocol_reported(&protocol, 1000 + 2 * LEASE - 2, LEASE));
    ck_assert_int_eq(protocol.lease_ends, 1000 + 2 * LEASE - 2);
    ck_assert(!may_serve(&protocol, 1000 + 2 * LEASE - 2));
    protocol_begin_look(&protocol, 3 * LEASE - 2, 0); /* it is heard from since the look that was late began */
    protocol_see(&protocol, era_a, 7, false);
    ck_assert(protocol_reported(&protocol, 3 * LEASE - 1, LEASE));
    ck_assert(may_serve(&protocol, 4 * LEASE - 3));
}
END_TEST

START_TEST(joining_may_take_no_longer_than_a_lease)
{
    for (int late = 0; late < 2; late++) {
        struct protocol protocol = {0};
        protocol_join(&protocol, 5000);
        protocol_begin_look(&protocol, 5000 + LEASE - 10, 0);
        protocol_see(&protocol, era_a, 7, false);
        protocol_applied(&protocol, era_a, 7);
        ck_assert_int_eq(protocol_reported(&protocol, 5000 + LEASE - 1 + late, LEASE), late == 0);
        ck_assert_int_eq(may_serve(&protocol, 5000 + LEASE), late == 0);
        look(&protocol, 5000 + LEASE, 0, era_a, 7);
        ck_assert(may_serve(&protocol, 5000 + LEASE));
    }
}
END_TEST

START_TEST(a_report_without_a_complete_look_prolongs_nothing)
{
    struct protocol protocol = joined(7);
    protocol_begin_look(&protocol, 2000, 7000);
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert_int_eq(protocol.lease_ends, 1000 + LEASE);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 8, false), PROTOCOL_CHANGES);
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert_int_eq(protocol.lease_ends, 1000 + LEASE);
    protocol_begin_look(&protocol, 3000, 8000);
    protocol_applied(&protocol, era_a, 8); /* loaded before this look began */
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert_int_eq(protocol.lease_ends, 1000 + LEASE);
}
END_TEST

START_TEST(an_older_look_changes_nothing_and_a_later_one_may_shorten_the_lease)
{
    struct protocol protocol = joined(7);
    look(&protocol, 900, 90000, era_a, 7);
    ck_assert_int_eq(protocol.lease_ends, 1000 + LEASE);
    ck_assert_int_eq(protocol.wall_offset, 5000);
    protocol_begin_look(&protocol, 1100, 6100);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 7, false), PROTOCOL_NOTHING);
    protocol_reported(&protocol, protocol.look_started, 5000);
    ck_assert_int_eq(protocol.lease_ends, 6100);
}
END_TEST

START_TEST(a_lease_without_end_does_not_wrap)
{
    struct protocol protocol = joined(7);
    protocol_begin_look(&protocol, 2000, 7000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 7, false), PROTOCOL_NOTHING);
    protocol_reported(&protocol, protocol.look_started, INT64_MAX);
    ck_assert_int_eq(protocol.lease_ends, INT64_MAX);
}
END_TEST

static const struct {
    const uint8_t *era;
    uint64_t epoch;
    bool replaced;
    enum protocol_step step;
} sights[] = {
    {era_a, 7, false, PROTOCOL_NOTHING}, {era_a, 8, false, PROTOCOL_CHANGES}, {era_a, 6, false, PROTOCOL_RELOAD},
    {era_b, 7, false, PROTOCOL_RELOAD},  {era_b, 8, false, PROTOCOL_RELOAD},  {era_b, 6, false, PROTOCOL_RELOAD},
    {era_a, 7, true, PROTOCOL_RELOAD},   {era_a, 8, true, PROTOCOL_RELOAD},   {era_a, 6, true, PROTOCOL_RELOAD},
};

START_TEST(what_a_look_sees_tells_the_step)
{
    struct protocol protocol = joined(7);
    uint64_t fences = protocol.fences;
    protocol_begin_look(&protocol, 2000, 7000);
    ck_assert_int_eq(protocol_see(&protocol, sights[_i].era, sights[_i].epoch, sights[_i].replaced), sights[_i].step);
    bool fenced = sights[_i].step == PROTOCOL_RELOAD;
    ck_assert_uint_eq(protocol.fences, fences + (fenced ? 1 : 0));
    ck_assert_int_eq(protocol.loaded, !fenced);
    ck_assert_int_eq(may_serve(&protocol, 2000), !fenced);
    ck_assert(!fenced || !protocol_may_insert(&protocol, protocol.fences, era_a));
    ck_assert(!fenced || !protocol_may_insert(&protocol, protocol.fences, era_b));
    protocol_applied(&protocol, sights[_i].era, sights[_i].epoch);
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert(may_serve(&protocol, 2000));
    ck_assert(protocol_may_insert(&protocol, protocol.fences, sights[_i].era));
}
END_TEST

START_TEST(a_row_enters_unless_a_change_passed_it_by)
{
    struct protocol protocol = joined(7);
    uint64_t fences = protocol.fences;
    ck_assert(protocol_may_insert(&protocol, fences, era_a)); /* a look that applies later changes finds it */
    ck_assert(!protocol_may_insert(&protocol, fences, era_b));
    look(&protocol, 1200, 5000, era_a, 8); /* a commit that changed no verdict: nothing was applied */
    ck_assert(protocol_may_insert(&protocol, fences, era_a));
    protocol_applying(&protocol, 8);
    ck_assert(!protocol_may_insert(&protocol, fences, era_a));
    ck_assert(protocol_may_insert(&protocol, protocol.fences, era_a));
}
END_TEST

START_TEST(a_row_does_not_enter_behind_the_look_that_is_applying)
{
    struct protocol protocol = joined(7);
    protocol_begin_look(&protocol, 2000, 7000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 8, false), PROTOCOL_CHANGES);
    uint64_t fences = protocol.fences;
    protocol_applying(&protocol, 9); /* there was another commit before the load began */
    ck_assert(!protocol_may_insert(&protocol, fences, era_a));
    ck_assert(protocol_may_insert(&protocol, protocol.fences, era_a));
    protocol_applied(&protocol, era_a, 9);
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert_int_eq(protocol.lease_ends, 2000 + LEASE);
    ck_assert_uint_eq(protocol.epoch, 9);
}
END_TEST

START_TEST(a_row_from_before_a_fence_never_enters)
{
    struct protocol protocol = joined(7);
    uint64_t fences = protocol.fences;
    protocol_begin_look(&protocol, 2000, 7000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 5, true), PROTOCOL_RELOAD);
    protocol_applied(&protocol, era_a, 5);
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert(!protocol_may_insert(&protocol, fences, era_a));
    ck_assert(protocol_may_insert(&protocol, protocol.fences, era_a));
}
END_TEST

/* Nor one from before a permission: the verifier may have restricted it further than the registry does. It serves on. */
START_TEST(a_row_from_before_a_permission_never_enters)
{
    struct protocol protocol = joined(7);
    uint64_t fences = protocol.fences;
    int64_t until = protocol_serves_until(&protocol);
    protocol_widened(&protocol);
    ck_assert(!protocol_may_insert(&protocol, fences, era_a));
    ck_assert(protocol_may_insert(&protocol, protocol.fences, era_a));
    ck_assert_int_eq(protocol_serves_until(&protocol), until);
}
END_TEST

START_TEST(a_restore_between_look_and_load_falls_on_the_fence)
{
    struct protocol protocol = joined(7);
    protocol_begin_look(&protocol, 2000, 7000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 9, false), PROTOCOL_CHANGES);
    protocol_applied(&protocol, _i == 0 ? era_b : era_a, _i == 0 ? 9 : 6);
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert(!protocol.loaded);
    ck_assert(!may_serve(&protocol, 2000));
    ck_assert_int_eq(look(&protocol, 3000, 5000, era_b, 9), PROTOCOL_RELOAD);
    ck_assert(may_serve(&protocol, 3000));
}
END_TEST

START_TEST(less_than_was_seen_is_no_complete_look_and_is_not_forgotten)
{
    struct protocol protocol = joined(7);
    protocol_begin_look(&protocol, 2000, 7000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 9, false), PROTOCOL_CHANGES);
    protocol_applied(&protocol, era_a, 8);
    protocol_reported(&protocol, protocol.look_started, LEASE);
    ck_assert_int_eq(protocol.lease_ends, 1000 + LEASE);
    protocol_begin_look(&protocol, 3000, 8000);
    ck_assert_int_eq(protocol_see(&protocol, era_a, 8, false), PROTOCOL_RELOAD);
}
END_TEST

/* Each look's offset, and whether the clocks disagree after it. */
static const struct {
    int64_t ahead;
    bool disagree;
} clocks[] = {
    {5000, false},
    {5000 + PROTOCOL_CLOCKS_APART_MS, false},
    {5001 + 2 * PROTOCOL_CLOCKS_APART_MS, true},
    {5001 + 2 * PROTOCOL_CLOCKS_APART_MS, false},
    {5000 + PROTOCOL_CLOCKS_APART_MS, true},
    {4000 + PROTOCOL_CLOCKS_APART_MS, false},
    {4000, false},
    {3999 - PROTOCOL_CLOCKS_APART_MS, true},
    {INT64_C(1700000000000), true},
    {INT64_C(1700000000000), false},
};

START_TEST(clocks_that_move_apart_are_noticed_until_they_agree)
{
    struct protocol protocol = {0};
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        int64_t boot = 1000 + 200 * (int64_t)i;
        protocol_begin_look(&protocol, boot + 100, boot + 100 + INT64_C(86400000));
        protocol_see(&protocol, era_a, 7, false); /* a look that is never reported does not count */
        look(&protocol, boot + 100, clocks[i].ahead, era_a, 7);
        ck_assert_int_eq(protocol.wall_offset, clocks[i].ahead);
        ck_assert_msg(protocol.clocks_disagree == clocks[i].disagree, "look %zu", i);
        protocol_reported(&protocol, protocol.look_started, LEASE); /* the same report twice is one */
        ck_assert_msg(protocol.clocks_disagree == clocks[i].disagree, "look %zu, again", i);
    }
}
END_TEST

/* ---- every order of calls, sensible or not ---- */

#define CALLS 16
#define DEPTH 5

/* Call number 0 to CALLS - 1 at boot time `now`. */
static enum protocol_step call(struct protocol *protocol, unsigned number, int64_t now)
{
    const uint8_t *era = number & 1 ? era_a : era_b;
    uint64_t epoch = 1 + (number >> 1 & 1);
    if (number < 8)
        return protocol_see(protocol, era, epoch, number >> 2 & 1);
    if (number < 12)
        protocol_applied(protocol, era, epoch);
    else if (number == 12)
        protocol_begin_look(protocol, now, now + 5000);
    else if (number == 13)
        protocol_reported(protocol, protocol->look_started, LEASE);
    else
        protocol_applying(protocol, number - 13);
    return PROTOCOL_NOTHING;
}

static bool is_see(unsigned number)
{
    return number < 8;
}

/* ck_assert writes to a pipe each time, passed or not: too slow for millions of times. */
static void require(bool holds, const char *what, unsigned number)
{
    if (!holds)
        ck_abort_msg("%s (%u)", what, number);
}

static void check_call(const struct protocol *before, const struct protocol *after, unsigned number,
                       enum protocol_step step)
{
    bool applying = number >= 14;
    bool fenced = !applying && after->fences != before->fences;
    require(!fenced || (!after->loaded && after->lease_ends == 0), "a fence leaves nothing", number);
    require(!after->loaded || after->seen_epoch >= after->epoch, "what is applied was seen", number);
    require(!is_see(number) || (step == PROTOCOL_RELOAD) == fenced, "reload is fence", number);
    if (after->lease_ends != before->lease_ends && !fenced)
        require(number == 13 && before->look == PROTOCOL_COMPLETE && after->lease_ends == after->look_started + LEASE,
                "only the report of a complete look moves the lease", number);
    if (is_see(number) && step == PROTOCOL_NOTHING)
        require(before->loaded && before->epoch == before->seen_epoch, "nothing is left to be applied", number);
    if (after->look == PROTOCOL_COMPLETE)
        require(after->loaded && after->epoch == after->seen_epoch, "complete is up to what was seen", number);
    if (before->loaded && after->loaded && !fenced)
        require(after->epoch >= before->epoch && memcmp(after->era, before->era, sizeof after->era) == 0,
                "no way back but over a fence", number);
    bool allowed = protocol_may_insert(after, after->fences, era_a);
    require(!allowed || after->loaded, "a row enters what was loaded", number);
    require(!allowed || !protocol_may_insert(after, after->fences, era_b), "one era at a time", number);
    require(!applying || !protocol_may_insert(after, before->fences, after->era), "no row from before a change",
            number);
    require(!protocol_may_insert(after, after->fences + 1, era_a), "no row from over a fence", number);
    require(!may_serve(after, after->look_started) || after->loaded, "who serves has loaded", number);
}

static uint64_t try_all(const struct protocol *protocol, unsigned depth)
{
    uint64_t served = may_serve(protocol, protocol->look_started) ? 1 : 0;
    for (unsigned number = 0; depth < DEPTH && number < CALLS; number++) {
        struct protocol next = *protocol;
        enum protocol_step step = call(&next, number, 1000 * (depth + 1));
        check_call(protocol, &next, number, step);
        served += try_all(&next, depth + 1);
    }
    return served;
}

START_TEST(every_order_of_calls_keeps_the_rules)
{
    struct protocol fresh = {0};
    struct protocol running = joined(1);
    ck_assert_uint_gt(try_all(&fresh, 0), 100);
    ck_assert_uint_gt(try_all(&running, 0), 1000);
}
END_TEST

/* ---- every course of a small world: a registry that changes, is restored or replaced; one verifier; one request ----
 * Changes are bits, so that what somebody knows can be compared with what is so, whatever the epochs say. */

#define WORLD_CHANGES 2
#define WORLD_LEASE   1
#define WORLD_TIME    2
#define COURSE_MAX    32

struct file {
    uint8_t era;
    uint8_t inode;
    uint8_t epoch;
    uint8_t changes;
    uint8_t epoch_of[WORLD_CHANGES];
};

struct world {
    struct protocol protocol;
    int64_t now;
    struct file file;
    struct file copy;  /* a backup */
    uint8_t committed; /* changes ever made */
    int8_t committed_at[WORLD_CHANGES];
    bool restored;
    bool restore_unseen;

    uint8_t opened; /* the inode that the verifier looks at */
    uint8_t step;   /* 1 + enum protocol_step to be carried out; 0: none */
    bool walked;    /* loaded, and taken in by the cache, but not said to be applied */
    struct file loaded;
    uint8_t delta;
    uint8_t applied; /* in force, as protocol_applied says */

    bool noted, read; /* the request's row */
    bool same_fences; /* none fell since the request noted them */
    struct file row;
    bool cached;
    uint8_t entry; /* changes that the cached credential knows of */

    char course[COURSE_MAX]; /* how it came to this, a letter for each event; not part of the state */
};

enum event {
    PASS_TIME,
    COMMIT,
    COPY,
    RESTORE,    /* as sealring does it: another era */
    PUT_BACK,   /* the copy as another file, same era */
    WRITE_BACK, /* the copy into the same file, same era */
    BEGIN,
    SEE,
    LOAD,
    APPLIED,
    REPORTED,
    NOTE,
    READ,
    INSERT,
    EVENTS
};
static const char letters[EVENTS + 1] = "tcyrpwbslaRnei"; /* in a failed world's course */

static const uint8_t *era_of(const struct file *file)
{
    return file->era == 0 ? era_a : era_b;
}

static bool commit(struct world *world)
{
    if (world->committed == WORLD_CHANGES || world->restore_unseen)
        return false;
    unsigned change = world->committed++;
    world->file.epoch++;
    world->file.changes |= (uint8_t)(1U << change);
    world->file.epoch_of[change] = world->file.epoch;
    world->committed_at[change] = (int8_t)world->now;
    return true;
}

static bool restore(struct world *world, enum event how)
{
    if (world->restored || world->copy.epoch == 0)
        return false;
    /* Written back under its readers within one era: noticed if a look comes by before the epoch is made up for, and no
     * request is under way. More cannot be told by anybody; `sealring restore` begins an era for that reason. */
    if (how == WRITE_BACK && world->noted)
        return false;
    uint8_t inode = world->file.inode;
    world->file = world->copy;
    world->file.inode = how == PUT_BACK ? (uint8_t)(inode + 1) : inode;
    world->file.era = how == RESTORE ? 1 : 0;
    memset(&world->copy, 0, sizeof world->copy);
    world->restored = true;
    world->restore_unseen = how == WRITE_BACK;
    return true;
}

static bool see(struct world *world)
{
    if (world->protocol.look == PROTOCOL_NO_LOOK || world->step != 0)
        return false;
    bool replaced = world->opened != world->file.inode;
    enum protocol_step step = protocol_see(&world->protocol, era_of(&world->file), world->file.epoch, replaced);
    world->opened = world->file.inode;
    world->restore_unseen = false;
    world->step = step == PROTOCOL_NOTHING ? 0 : (uint8_t)(1 + step);
    if (step == PROTOCOL_RELOAD) {
        world->cached = false;
        world->entry = 0;
        world->applied = 0;
    }
    return true;
}

/* The changes that the facts after the last one contain. */
static bool load(struct world *world)
{
    if (world->step == 0 || world->walked || world->opened != world->file.inode)
        return false;
    bool all = world->step == 1 + PROTOCOL_RELOAD;
    uint8_t delta = 0;
    protocol_applying(&world->protocol, world->file.epoch);
    for (unsigned change = 0; change < WORLD_CHANGES; change++)
        if (world->file.changes >> change & 1 && (all || world->file.epoch_of[change] > world->protocol.epoch))
            delta |= (uint8_t)(1U << change);
    world->loaded = (struct file){.era = world->file.era, .epoch = world->file.epoch};
    if (world->cached)
        world->entry |= delta;
    world->delta = delta;
    world->walked = true;
    return true;
}

static void forget_load(struct world *world)
{
    memset(&world->loaded, 0, sizeof world->loaded);
    world->delta = 0;
    world->walked = false;
    world->step = 0;
}

static bool applied(struct world *world)
{
    if (!world->walked)
        return false;
    protocol_applied(&world->protocol, era_of(&world->loaded), world->loaded.epoch);
    if (world->protocol.loaded)
        world->applied |= world->delta;
    forget_load(world);
    return true;
}

static bool begin(struct world *world)
{
    if (world->protocol.look == PROTOCOL_BEGUN)
        return false;
    forget_load(world); /* the former one failed, wherever it was */
    protocol_begin_look(&world->protocol, world->now, world->now);
    return true;
}

static bool request(struct world *world, enum event event, uint64_t counts[2])
{
    if (event == NOTE) {
        if (world->noted || world->cached)
            return false;
        world->noted = true;
        world->same_fences = true;
        return true;
    }
    if (event == READ) {
        if (!world->noted || world->read)
            return false;
        world->read = true;
        world->row = (struct file){.era = world->file.era, .epoch = world->file.epoch, .changes = world->file.changes};
        return true;
    }
    if (!world->read)
        return false;
    bool allowed = protocol_may_insert(&world->protocol, world->same_fences ? 0 : 1, era_of(&world->row));
    counts[allowed]++;
    world->cached = allowed;
    world->entry = allowed ? world->row.changes : 0;
    world->noted = world->read = false;
    world->same_fences = false;
    memset(&world->row, 0, sizeof world->row);
    return true;
}

/* False: it cannot happen now. */
static bool take(struct world *world, enum event event, uint64_t counts[2])
{
    switch (event) {
    case PASS_TIME:
        return world->now++ < WORLD_TIME;
    case COMMIT:
        return commit(world);
    case COPY:
        if (world->copy.epoch != 0 || world->restored)
            return false;
        world->copy = world->file;
        return true;
    case RESTORE:
    case PUT_BACK:
    case WRITE_BACK:
        return restore(world, event);
    case BEGIN:
        return begin(world);
    case SEE:
        return see(world);
    case LOAD:
        return load(world);
    case APPLIED:
        return applied(world);
    case REPORTED:
        if (world->protocol.look == PROTOCOL_NO_LOOK || world->protocol.look == PROTOCOL_BEGUN)
            return false;
        protocol_reported(&world->protocol, world->now, WORLD_LEASE);
        return true;
    default:
        return request(world, event, counts);
    }
}

/* How many fences fell is asked by nobody, only whether one did. */
static bool happen(struct world *world, enum event event, uint64_t counts[2])
{
    bool happens = take(world, event, counts);
    world->same_fences = world->same_fences && world->protocol.fences == 0;
    world->protocol.fences = 0;
    return happens;
}

/* P3: who serves knows of everything that was committed a lease ago. And a cached credential knows what
 * was applied, as far as the registry still knows it: a copy that was put back may give what it knows to requests until the next
 * look, which drops all. */
static void check_world(const struct world *world, uint64_t *serving)
{
    bool serves = may_serve(&world->protocol, world->now);
    for (unsigned change = 0; serves && change < world->committed; change++)
        if (world->file.changes >> change & 1 && world->committed_at[change] <= world->now - WORLD_LEASE &&
            !(world->applied >> change & 1))
            ck_abort_msg("change %u is not in force after a lease: %s", change, world->course);
    *serving += serves;
    unsigned missing = world->applied & world->file.changes & ~(unsigned)world->entry;
    if (world->protocol.loaded && world->cached && missing != 0)
        ck_abort_msg("cached without changes %x: %s", missing, world->course);
}

#define SEEN_SIZE (UINT64_C(1) << 22)

/* Whether this state is new. Kept by a fingerprint of 64 bits: FNV-1a, then mixed. */
static bool is_new(uint64_t *seen, const struct world *world)
{
    uint64_t print = UINT64_C(14695981039346656037);
    const unsigned char *bytes = (const unsigned char *)world;
    for (size_t i = 0; i < offsetof(struct world, course); i++)
        print = (print ^ bytes[i]) * UINT64_C(1099511628211);
    print = (print ^ print >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    print |= print == 0;
    size_t place = (print >> 32) % SEEN_SIZE;
    for (; seen[place] != 0; place = (place + 1) % SEEN_SIZE)
        if (seen[place] == print)
            return false;
    seen[place] = print;
    return true;
}

/* States that are so many events away from the beginning. */
struct frontier {
    struct world *worlds;
    size_t count, room;
};

static void add(struct frontier *frontier, const struct world *world)
{
    if (frontier->count == frontier->room) {
        frontier->room = 2 * frontier->room + 1000;
        frontier->worlds = realloc(frontier->worlds, frontier->room * sizeof *world);
        ck_assert_ptr_nonnull(frontier->worlds);
    }
    memcpy(&frontier->worlds[frontier->count++], world, sizeof *world);
}

/* From all states of `from`, one event further. */
static void go_on(const struct frontier *from, struct frontier *to, uint64_t *seen, uint64_t inserted[2])
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        for (enum event event = 0; event < EVENTS; event++) {
            struct world next;
            memcpy(&next, &from->worlds[i], sizeof next); /* padding included: it is part of the fingerprint */
            if (happen(&next, event, inserted) && is_new(seen, &next)) {
                next.course[strnlen(next.course, COURSE_MAX - 2)] = letters[event];
                add(to, &next);
            }
        }
}

START_TEST(no_course_of_a_small_world_breaks_the_promises)
{
    uint64_t *seen = calloc(SEEN_SIZE, sizeof *seen);
    ck_assert_ptr_nonnull(seen);
    struct frontier frontiers[2] = {0};
    struct world world;
    memset(&world, 0, sizeof world);
    world.file.epoch = 1;
    add(&frontiers[0], &world);
    uint64_t states = 0, serving = 0, inserted[2] = {0}; /* refused, allowed */
    for (unsigned turn = 0; frontiers[turn % 2].count > 0; turn++) {
        const struct frontier *now = &frontiers[turn % 2];
        states += now->count;
        require(states < SEEN_SIZE / 4 * 3, "the states fit into the table", turn);
        for (size_t i = 0; i < now->count; i++)
            check_world(&now->worlds[i], &serving);
        go_on(now, &frontiers[1 - turn % 2], seen, inserted);
    }
    free(seen);
    free(frontiers[0].worlds);
    free(frontiers[1].worlds);
    ck_assert_uint_gt(states, 100000);
    ck_assert_uint_gt(serving, 1000);
    ck_assert_uint_gt(inserted[0], 1000);
    ck_assert_uint_gt(inserted[1], 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol");
    TCase *cases = tcase_create("protocol");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, nothing_is_served_before_the_first_look_is_reported);
    tcase_add_test(cases, the_lease_runs_from_the_looks_start);
    tcase_add_test(cases, a_look_that_was_not_reported_prolongs_nothing);
    tcase_add_test(cases, a_report_that_comes_late_needs_another_look);
    tcase_add_test(cases, joining_may_take_no_longer_than_a_lease);
    tcase_add_test(cases, a_report_without_a_complete_look_prolongs_nothing);
    tcase_add_test(cases, an_older_look_changes_nothing_and_a_later_one_may_shorten_the_lease);
    tcase_add_test(cases, a_lease_without_end_does_not_wrap);
    tcase_add_loop_test(cases, what_a_look_sees_tells_the_step, 0, (int)(sizeof sights / sizeof sights[0]));
    tcase_add_test(cases, a_row_enters_unless_a_change_passed_it_by);
    tcase_add_test(cases, a_row_does_not_enter_behind_the_look_that_is_applying);
    tcase_add_test(cases, a_row_from_before_a_fence_never_enters);
    tcase_add_test(cases, a_row_from_before_a_permission_never_enters);
    tcase_add_loop_test(cases, a_restore_between_look_and_load_falls_on_the_fence, 0, 2);
    tcase_add_test(cases, less_than_was_seen_is_no_complete_look_and_is_not_forgotten);
    tcase_add_test(cases, clocks_that_move_apart_are_noticed_until_they_agree);
    tcase_add_test(cases, every_order_of_calls_keeps_the_rules);
    tcase_add_test(cases, no_course_of_a_small_world_breaks_the_promises);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
