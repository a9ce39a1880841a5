/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier's freshness protocol as pure steps: poll, apply, report, lease, insert. No clock, no I/O, so tests can try every order. */
#ifndef VERIFIER_STATE_FRESHNESS_PROTOCOL_H
#define VERIFIER_STATE_FRESHNESS_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/connection/registry.h"

#define PROTOCOL_CLOCKS_APART_MS 30000

/* The progress of the current poll. Only a poll that passed through all steps, in order, prolongs the lease. */
enum protocol_look {
    PROTOCOL_NO_LOOK,  /* none yet, or the last one was reported */
    PROTOCOL_BEGUN,    /* next: protocol_see */
    PROTOCOL_APPLYING, /* next: protocol_applied */
    PROTOCOL_COMPLETE  /* next: the report */
};

/* The state of the freshness protocol (docs/ARCHITECTURE.md, "How a verifier stays fresh"); initially all zero. Times are
 * CLOCK_BOOTTIME unless marked as wall time. */
struct protocol {
    bool loaded; /* everything of `era` was loaded once, up to `epoch` */
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch;      /* every change up to it has been applied here */
    uint64_t seen_epoch; /* the highest epoch of this era that was seen, never below `epoch` */
    uint64_t fences;     /* how often no row that was read before might be inserted any more: see protocol_may_insert */
    enum protocol_look look;
    int64_t look_started; /* of the current poll, or of the last one */
    int64_t look_wall;
    int64_t heard_from;  /* not after the last report was written, or the report file was made */
    int64_t lease_from;  /* start of the poll from which the lease runs */
    int64_t lease_ends;  /* 0: none */
    int64_t wall_offset; /* wall time = boot time + this, as of the last reported poll */
    bool wall_known;
    bool clocks_disagree; /* the offset moved by more than PROTOCOL_CLOCKS_APART_MS between the last two */
};

enum protocol_step {
    PROTOCOL_NOTHING, /* no change: write the report */
    PROTOCOL_CHANGES, /* load the changes since protocol->epoch, then protocol_applied */
    PROTOCOL_RELOAD   /* fence: drop everything, accept nothing until everything is loaded; then protocol_applied */
};

/* Call it before the report file is made: from then on others know of this verifier, and wait for its reports. */
void protocol_join(struct protocol *protocol, int64_t boot_ms);

void protocol_begin_look(struct protocol *protocol, int64_t boot_ms, int64_t wall_ms);

/* Takes what the poll read in the vault's row. `replaced`: the file is another one. Returns RELOAD also if nothing was loaded yet.
 * After a RELOAD, `loaded` is false and there is no lease, so may_serve and may_insert return false. */
enum protocol_step protocol_see(struct protocol *protocol, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch,
                                bool replaced);

/* Call it in the transaction that reads the changes up to `epoch`, before the first is applied: from here on no row that was read before may enter
 * the cache. */
void protocol_applying(struct protocol *protocol, uint64_t epoch);

/* Every call that begins from now on follows all changes up to epoch. If the registry was restored meanwhile (another era, or an epoch
 * below the applied one), this fences as after a RELOAD, and the next poll loads everything. If the epoch is below the one that the
 * poll saw, it counts as applied, but the poll is not complete. */
void protocol_applied(struct protocol *protocol, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch);

/* A fact was applied that permits more than before: no row that was read before may enter the cache, as the verifier may have restricted it
 * further than the registry does now. */
void protocol_widened(struct protocol *protocol);

/* The report of the poll was written no later than boot_ms. If the poll is complete, the lease runs from its start. A poll that is
 * incomplete, or older than the one from which the lease runs, changes nothing. A later poll may shorten the lease (its report contains
 * the new length). Stores the offset of the wall clock, and notices when it moved. Returns false if the report came a lease or more
 * after the former one. A waiting command may have given this verifier up meanwhile, and have reported a change as effective that this
 * poll was too early to see. Such a report proves only that the verifier is alive: the lease begins with a later poll. */
bool protocol_reported(struct protocol *protocol, int64_t boot_ms, int64_t lease_ms);

/* Until which boot time it may serve; 0: not at all. */
int64_t protocol_serves_until(const struct protocol *protocol);

/* Returns whether a row of this era may enter the cache: not if a change has been applied, or is being applied, since before it was read. `fences`:
 * protocol->fences as of before the row was read. No number in the registry decides this, as its rows and its epoch can be edited. */
bool protocol_may_insert(const struct protocol *protocol, uint64_t fences, const uint8_t era[REGISTRY_ID_SIZE]);

#endif
