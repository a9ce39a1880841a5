/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting side: what can be concluded about verifiers from their reports and from their silence. Pure.
 *
 * - A verifier whose report file is locked is alive, whatever its report or the registry's row contains: boot ID, process, host, times.
 *   Containers virtualise all of these, and anybody may have edited a row.
 * - A file that nobody holds has no verifier any more: the kernel releases the lock when the last thread that could serve has ended.
 * - Silence is measured by whoever waits, on its own CLOCK_BOOTTIME, from when it first saw a report's number itself. A verifier's lease
 *   runs from the start of a look that came before its report, so it has ended one lease after that at the latest. No time of another
 *   process is compared with: another boot or another time namespace has another CLOCK_BOOTTIME.
 * - What the registry remembers can add a verifier that is waited for, and a hole. It ends no wait. */
#ifndef LIFECYCLE_WATCH_H
#define LIFECYCLE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lifecycle/guard.h"

#define WATCH_ID_SIZE 16

/* The lease of a vault. No vault has a longer one: a longer one in a registry or a report file counts as this. */
#define WATCH_LEASE_DEFAULT_MS INT64_C(60000)
#define WATCH_LEASE_MIN_MS     INT64_C(1000)
#define WATCH_LEASE_MAX_MS     INT64_C(3600000)

/* How often a verifier polls the registry; at least three times in a lease, whatever the registry contains. */
#define WATCH_REFRESH_DEFAULT_MS INT64_C(200)
#define WATCH_REFRESH_MIN_MS     INT64_C(10)
#define WATCH_POLLS_PER_LEASE    3

/* lease × 1.01 + 1 s: how long a verifier that fell silent may still serve; clocks of two hosts may run apart by so much, and a
 * verdict may have been on its way. Capped, never negative. */
int64_t watch_silence(int64_t lease_ms);

/* What the waiting process saw of one verifier itself; zero: nothing yet. It is never written down, as no other process can measure with it. */
struct watch_memory {
    bool seen;
    bool without_file;     /* when it was seen last there was no file of its own to be read */
    bool held;             /* when it was seen last its file was held */
    bool alive;            /* its file was seen to be held, then or before */
    uint64_t number;       /* of the report that was seen last */
    int64_t since_boot_ms; /* own clock, when that number, or that there is no file, was seen first */
    int64_t ended;         /* wall time at which this process concluded that it ended, 0: it has not */
};

/* What is known of one verifier at one moment: what a look at its report file finds, what the registry's row remembers, and what this
 * process saw itself. */
struct watched {
    bool file_there;            /* its report can be read, and is its own; false: gone, damaged, or taken over */
    bool held;                  /* somebody holds the lock of the file in its place, readable or not */
    bool taken_over;            /* another verifier owns its file, which it let go of before */
    bool left;                  /* its report says so */
    bool joining;               /* it has not reported a look yet */
    bool other_boot;            /* its report, or the row where there is none, has another boot ID than this process */
    uint8_t era[WATCH_ID_SIZE]; /* zero: of none, or it was killed while it wrote */
    uint64_t epoch;             /* applied, as it reported */
    uint64_t number;            /* of its last report */
    /* the row; both count only of a verifier without a file that is held */
    bool concluded; /* it says that the verifier ended */
    bool forgotten; /* it says that an operator forgot it */
    struct watch_memory own;
};

/* What the registry remembers of a verifier's end: wall times, 0 for none. */
struct watch_end {
    int64_t ended; /* from then on it surely served nothing; 0: it may serve */
    int64_t hole;  /* its reports may lack uses up to then; 0: they are complete */
};

/* Takes one look into account: brings watched->own and *end up to date, and returns the state. boot_ms and now: this process's two clocks,
 * read after the file. *end comes with what the row says. */
sealring_verifier_state watch_look(struct watched *watched, int64_t boot_ms, int64_t now, int64_t lease_ms,
                                   struct watch_end *end);

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
