/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting side: what can be concluded about verifiers from their reports and from their silence. Pure.
 *
 * It trusts no clock of a verifier's: what counts is when this side, on its own CLOCK_BOOTTIME, first saw a report's running number.
 * A verifier's lease runs from the start of a look that came before its report, so it is over one lease after that at the latest. */
#ifndef LIFECYCLE_WATCH_H
#define LIFECYCLE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lifecycle/guard.h"

#define WATCH_ID_SIZE 16

/* No vault has a longer lease: whoever finds one in a registry or a report file takes it for this. */
#define WATCH_LEASE_MAX_MS INT64_C(3600000)

/* lease × 1.01 + 1 s: how long a verifier that fell silent may still serve; clocks of two hosts may run apart by so much, and a
 * verdict may have been on its way. Capped, never negative. */
int64_t watch_silence(int64_t lease_ms);

/* What is known of one verifier at one moment: its report file, if there is one to be read, and what was remembered of it. */
struct watched {
    bool file_there;            /* its report can be read, and is its own; false: gone, damaged, or taken over */
    bool taken_over;            /* another verifier sits at its file, which it let go of before: it ended */
    bool left;                  /* its report says so */
    bool dead;                  /* nobody holds the file's lock any more: its process ended */
    bool other_boot;            /* its report is of another boot of this host: no process of that time is left */
    bool joining;               /* it has not reported a look yet */
    uint8_t era[WATCH_ID_SIZE]; /* zero: of none, or it was killed while it wrote */
    uint64_t epoch;             /* applied, as it reported */
    uint64_t number;            /* of its last report */
    /* remembered by the waiting side; a verifier seen for the first time: this very number, now */
    uint64_t seen_number;
    int64_t
        seen_boot_ms; /* own clock, when that number was first seen; of a file that is gone: when that was first noticed */
    bool seen_this_boot; /* else the waiting side remembers it from another boot: then all of it is over */
    bool concluded;      /* the waiting side concluded before that it ended, and it has not reported since */
};

/* How it stands, for people and for the guards. */
sealring_verifier_state watch_state(const struct watched *watched, int64_t boot_ms, int64_t lease_ms);

/* Whether it surely cannot be serving now, and cannot begin to without looking at the registry first. */
bool watch_is_over(const struct watched *watched, int64_t boot_ms, int64_t lease_ms);

/* Until when it may serve at most, on this side's clock; at or before boot_ms: over. */
int64_t watch_serves_until(const struct watched *watched, int64_t boot_ms, int64_t lease_ms);

/* Whether a change is in force at it: whatever it answers from now on goes by `epoch` of `era`, or it cannot answer without looking
 * first. committed_boot_ms: own clock, when the change was committed at the latest; 0: not known (another process did it). */
bool watch_goes_by(const struct watched *watched, const uint8_t era[WATCH_ID_SIZE], uint64_t epoch,
                   int64_t committed_boot_ms, int64_t boot_ms, int64_t lease_ms);

/* What the retire gate is told besides: wall times, 0 for none, of one verifier and one version. */
struct watch_account {
    int64_t joined;
    int64_t last_report; /* wall time of the last look that it reported */
    int64_t ended;       /* from then on it surely served nothing; 0: it may serve */
    int64_t hole; /* uses up to then may be missing from its reports: it counts as a use at that time; 0: none can be */
    bool counted; /* its file has a record of the version, or it never got to know that there is such a version */
    int64_t last_use; /* of the version */
};

/* Fills all but name and proved: what the guards go by. now: wall time. */
void watch_testify(const struct watched *watched, const struct watch_account *account, int64_t now, int64_t boot_ms,
                   int64_t lease_ms, struct lifecycle_verifier *verifier);

#endif
