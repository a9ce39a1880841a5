/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier's protocol of freshness as pure steps: look, apply, report, lease, insert. No clock, no I/O: every order can be tried. */
#ifndef VERIFIER_STATE_PROTOCOL_H
#define VERIFIER_STATE_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/connection/registry.h"

#define PROTOCOL_CLOCKS_APART_MS 30000

/* How far the look under way got: only one that went through all its steps, in their order, prolongs the lease. */
enum protocol_look {
    PROTOCOL_NO_LOOK,  /* none yet, or it was reported */
    PROTOCOL_BEGUN,    /* to be followed by protocol_see */
    PROTOCOL_APPLYING, /* to be followed by protocol_applied */
    PROTOCOL_COMPLETE  /* to be reported */
};

/* What a verifier holds itself to (docs/ARCHITECTURE.md, "How a verifier stays fresh"); all zero to begin with. Times on
 * CLOCK_BOOTTIME unless they say wall. */
struct protocol {
    bool loaded; /* everything of `era` was loaded once, up to `epoch` */
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch;      /* applied: every change up to it is in force here */
    uint64_t seen_epoch; /* the newest of this era that was seen, never below `epoch` */
    uint64_t fences;     /* how often all was to be dropped: see protocol_may_insert */
    enum protocol_look look;
    int64_t look_started; /* of the look under way, or the last one */
    int64_t look_wall;
    int64_t heard_from;  /* no later than the last report was written, or the report file made */
    int64_t lease_from;  /* start of the look that the lease runs from */
    int64_t lease_ends;  /* 0: none */
    int64_t wall_offset; /* wall time = boot time + this, as of the last look that was reported */
    bool wall_known;
    bool clocks_disagree; /* the offset moved by more than PROTOCOL_CLOCKS_APART_MS between the last two */
};

enum protocol_step {
    PROTOCOL_NOTHING, /* nothing moved: report */
    PROTOCOL_CHANGES, /* load what changed since protocol->epoch, then protocol_applied */
    PROTOCOL_RELOAD   /* fence: drop all, accept nothing until everything is loaded; then protocol_applied */
};

/* Before the report file is made: from then on others know of this verifier, and wait for its reports. */
void protocol_join(struct protocol *protocol, int64_t boot_ms);

void protocol_begin_look(struct protocol *protocol, int64_t boot_ms, int64_t wall_ms);

/* What the look saw in the vault's row. `replaced`: the file is another one. Reload also if nothing was loaded yet. After a RELOAD
 * `loaded` is false and the lease is gone, so may_serve and may_insert are false, too. */
enum protocol_step protocol_see(struct protocol *protocol, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch,
                                bool replaced);

/* Before the first change up to `epoch` is taken in: from here on no older row may enter the cache. */
void protocol_applying(struct protocol *protocol, uint64_t epoch);

/* All changes up to epoch are in force for every call that begins from now on. If that is not what the look saw, since the registry
 * was restored meanwhile (another era, or before what is applied), the fence falls as after a RELOAD: the next look loads all. If
 * it is less than the look saw, it is in force, but the look is not complete. */
void protocol_applied(struct protocol *protocol, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch);

/* The report of the look had been written at boot_ms: the lease runs from the look's start, if the look is complete; one that is not, or
 * is older than the one the lease runs from, changes nothing. A later look may shorten the lease (its report says the new one). Takes
 * over the wall clock's offset, and notices when it moved.
 *
 * False if the report came a lease or more after the former one: whoever waits may have given this verifier up meanwhile, and said of a
 * change that it is in force, which this look was too early to see. Such a report shows that the verifier is there, and no more:
 * the lease begins with a look that follows it. */
bool protocol_reported(struct protocol *protocol, int64_t boot_ms, int64_t lease_ms);

/* Until which boot time it may serve; 0: not at all. */
int64_t protocol_serves_until(const struct protocol *protocol);

/* Whether a row read at (era, epoch) may enter the cache: not if a change between then and now was applied, or is being applied,
 * without seeing it. `fences`: protocol->fences as of before the row was read; a row from before a fence may come from a file
 * that is gone, whose epochs say nothing about this one's. */
bool protocol_may_insert(const struct protocol *protocol, uint64_t fences, const uint8_t era[REGISTRY_ID_SIZE],
                         uint64_t row_epoch);

#endif
