/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting side: what can be concluded about verifiers from their reports and from their silence. Pure.
 *
 * - A verifier whose report file is locked is alive, whatever its report or the registry's row contains: boot ID, process, host, times.
 *   Containers virtualise all of these, and anybody may have edited a row.
 * - A file that nobody holds has no verifier any more: the kernel releases the lock when the last thread that could serve has ended.
 * - Each waiting process measures silence on its own CLOCK_BOOTTIME, from when it first saw a report's number itself. A verifier's
 *   lease runs from the start of a poll that preceded its report, so it has expired one lease after that at the latest. No times of
 *   other processes are compared: another boot or another time namespace has another CLOCK_BOOTTIME.
 * - The registry's rows can add a verifier to wait for, and a hole. They end no wait. */
#ifndef LIFECYCLE_VERIFIER_LIVENESS_H
#define LIFECYCLE_VERIFIER_LIVENESS_H

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

/* How long a verifier may use its filter of key IDs after the beginning of the poll that brought it up to date: a lease of its own, which is the
 * same for all vaults, so that nothing that is read can shorten a wait for it. Longer than the longest time between two polls. */
#define WATCH_FILTER_MS INT64_C(1500)

/* lease × 1.01 + 1 s: how long a silent verifier may still serve. The margin covers the drift between the clocks of two hosts, and a
 * verdict in progress. Limited, never negative. */
int64_t watch_silence(int64_t lease_ms);

/* What the waiting process itself saw of one verifier; zero: nothing yet. It is never stored, as no other process can measure with it. */
struct watch_memory {
    bool seen;
    bool without_file;     /* when last seen, it had no readable file of its own */
    bool held;             /* when last seen, its file was held */
    bool alive;            /* its file was held when last seen or before */
    uint64_t number;       /* of the last report seen */
    int64_t since_boot_ms; /* own clock, when that number, or that there is no file, was first seen */
    int64_t ended;         /* wall time at which this process concluded that it ended, 0: it has not */
};

/* What is known of one verifier at one moment: the result of reading its report file, the registry's row, and what this process saw
 * itself. */
struct watched {
    bool file_there;            /* its report can be read, and is its own; false: missing, damaged, or taken over */
    bool held;                  /* a process holds the lock of the file at its place, readable or not */
    bool taken_over;            /* another verifier owns its file, which it had released before */
    bool left;                  /* its report has state LEFT */
    bool joining;               /* it has not reported a poll yet */
    bool other_boot;            /* its report, or the row if there is none, has another boot ID than this process */
    uint8_t era[WATCH_ID_SIZE]; /* zero: none, or it was killed while it wrote */
    uint64_t epoch;             /* applied, as reported */
    uint64_t facts;             /* how many it has applied, as reported, of the registry's present chain */
    uint64_t number;            /* of its last report */
    bool filter;                /* its report states that it may use a filter of key IDs, or cannot be read whole */
    bool behind; /* its report does not have the closed facts of the change that is asked about, or has others */
    /* from the row; both count only for a verifier without a held file */
    bool concluded; /* the verifier has ended */
    bool forgotten; /* an operator forgot it */
    struct watch_memory own;
};

/* What the registry records about a verifier's end: wall times, 0 for none. */
struct watch_end {
    int64_t ended; /* from then on it certainly served nothing; 0: it may serve */
    int64_t hole;  /* its reports may lack uses up to then; 0: they are complete */
};

/* Evaluates one reading of the file: updates watched->own and *end, and returns the state. boot_ms and now: this process's two clocks,
 * read after the file. *end initially contains the row's values. */
sealring_verifier_state watch_look(struct watched *watched, int64_t boot_ms, int64_t now, int64_t lease_ms,
                                   struct watch_end *end);

/* The verifier's state, for people and for the guards. */
sealring_verifier_state watch_state(const struct watched *watched, int64_t boot_ms, int64_t lease_ms);

/* Returns whether it certainly cannot be serving now, and cannot begin to without a poll of the registry. */
bool watch_is_over(const struct watched *watched, int64_t boot_ms, int64_t lease_ms);

/* Until when it may serve at most, on this process's clock; not after boot_ms: it has ended. */
int64_t watch_serves_until(const struct watched *watched, int64_t boot_ms, int64_t lease_ms);

/* Returns whether a change is effective for it: all its verdicts from now on follow `epoch` of `era`, or it cannot give one before
 * another poll. committed_boot_ms: own clock, no earlier than the commit; 0: not known (another process committed). A verifier that is `behind` and goes on
 * reporting does not follow the change, however much time has passed: somebody hides it. */
bool watch_goes_by(const struct watched *watched, const uint8_t era[WATCH_ID_SIZE], uint64_t epoch,
                   int64_t committed_boot_ms, int64_t boot_ms, int64_t lease_ms);

/* Returns whether it polled after the commit and still does not have the change: a report is written a lease after its poll began at the latest. */
bool watch_is_deceived(const struct watched *watched, int64_t committed_boot_ms, int64_t boot_ms, int64_t lease_ms);

/* Returns whether its filter of key IDs may still exclude a key that was committed at `epoch` of `era`; asked_boot_ms: own clock, not before that commit,
 * or, if another process committed, when this process had read the row. At the latest watch_silence(WATCH_FILTER_MS) after that it is false. */
bool watch_may_exclude(const struct watched *watched, const uint8_t era[WATCH_ID_SIZE], uint64_t epoch,
                       int64_t asked_boot_ms, int64_t boot_ms);

/* Further evidence for the retire gate: wall times, 0 for none, of one verifier and one version. */
struct watch_account {
    int64_t joined;
    int64_t last_report; /* wall time of the last reported poll */
    int64_t ended;       /* from then on it certainly served nothing; 0: it may serve */
    int64_t hole; /* uses up to then may be missing from its reports: counts as a use at that time; 0: none can be */
    bool counted; /* its file has a record of the version, or it never knew that the version exists */
    int64_t last_use; /* of the version */
};

/* Fills all members but name and proved, which the guards use. now: wall time. */
void watch_testify(const struct watched *watched, const struct watch_account *account, int64_t now, int64_t boot_ms,
                   int64_t lease_ms, struct lifecycle_verifier *verifier);

#endif
