/* SPDX-License-Identifier: Apache-2.0 */
/* The format of a verifier's report file: one verifier writes it through a mapping, and the operator's side reads it. */
#ifndef VERIFIER_REPORT_REPORT_FORMAT_H
#define VERIFIER_REPORT_REPORT_FORMAT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

/* Name: verifiers/SEAT.report; SEAT is the file's own ID in 32 hexadecimal digits. Native byte order: a report is read on the host that
 * wrote it. The file is one header, then the lanes, then cells. It only grows. An open verifier holds flock(LOCK_EX) on it. The next
 * verifier takes over a file that is not locked: the counters continue, with a new instance ID. */
#define REPORT_MAGIC       "sealring report"
#define REPORT_FORMAT      1
#define REPORT_ID_SIZE     16
#define REPORT_HEADER_SIZE 4096
#define REPORT_LANES       64
#define REPORT_CELL_SIZE   64
#define REPORT_CELLS_MAX   (1u << 22)
#define REPORT_GROWTH      (1u << 18) /* bytes */
#define REPORT_ALARM_SIZE  512

enum report_state { REPORT_JOINING = 1, REPORT_SERVING = 2, REPORT_LEFT = 3 };

struct report_header {
    char magic[16];
    uint32_t format;
    uint32_t header_size;
    uint8_t seat[REPORT_ID_SIZE];
    uint8_t vault_id[REPORT_ID_SIZE];

    /* Identity: written on joining, before the state is set. */
    uint8_t instance[REPORT_ID_SIZE];
    char boot_id[40]; /* /proc/sys/kernel/random/boot_id; a container may have its own */
    char host[72];
    char program[72];
    int64_t process;
    int64_t joined_wall_ms;
    int64_t joined_boot_ms;
    uint32_t schema; /* the newest one that this verifier can read */
    _Atomic(uint32_t) state;

    /* The report itself: a reader accepts it if `sequence` is even, and the same before and after (a sequence lock). */
    _Atomic(uint64_t) sequence;
    _Atomic(uint64_t) number; /* of reports written by this instance */
    _Atomic(uint64_t) era[2];
    _Atomic(uint64_t) epoch;
    _Atomic(int64_t)
        look_boot_ms; /* start of the reported poll, on the verifier's CLOCK_BOOTTIME: readers do not compare it */
    _Atomic(int64_t) look_wall_ms;
    _Atomic(int64_t) lease_ms;

    _Atomic(uint32_t) cells;          /* number in use, counted from the first cell */
    _Atomic(uint64_t) without_detail; /* uses counted only by their version, because no cell was free */
    /* Nothing is counted any more in this hour or an earlier one, whatever the clock shows. Never decreases. */
    _Atomic(uint32_t) closed_hour;
    /* Alarms that this verifier raised, and the last one's text: the operator's side enters them in the audit log. Also guarded by
     * `sequence`. */
    _Atomic(uint64_t) alarms;
    char alarm[REPORT_ALARM_SIZE];
    /* The closed facts that are applied: their number, and the hash over all of them. They belong to the report of this number: a release
     * that does not write them leaves another number. Also guarded by `sequence`. */
    _Atomic(uint64_t) closed_number;
    _Atomic(uint64_t) closed_count;
    _Atomic(uint64_t) closed_hash[4];
    /* This report's number, if its verifier may use its filter of key IDs from now on; 0, or another number (of a release without filters): it does
     * not. Also guarded by `sequence`. */
    _Atomic(uint64_t) filter_number;
};

/* Calls by verdict in one lane, one writer at a time. */
struct report_lane {
    _Atomic(uint64_t) verdicts[SEALRING_VERDICTS];
    _Atomic(uint64_t) cached;
    _Atomic(uint64_t) reserved[1];
};

/* A record begins at a cell and takes one or more. Its kind is written last, so a record with a kind is complete. The cell of a
 * credential's record may be reused for a record of a later hour when its hour is closed and finally harvested: kind becomes
 * REPORT_FREE, then the rest is written, then the hour, then the kind. So (kind, hour) never has a value twice: a reader that finds the
 * same pair before and after its copy has one complete record (report_read.c). REPORT_FREE stays if the writer is killed. */
enum report_kind { REPORT_NOTHING = 0, REPORT_VERSION = 1, REPORT_CREDENTIAL = 2, REPORT_FREE = 3 };

/* The uses of a version: the evidence for the retire gate. Three cells. */
struct report_version {
    _Atomic(uint32_t) kind;
    uint32_t number;
    int64_t ring; /* row of the registry */
    _Atomic(uint64_t)
        proved; /* the number of facts that were applied when its check value was derived, at least 1; 0: not yet */
    _Atomic(int64_t) last_use_ms; /* wall time of any verdict; rounded up to the second */
    _Atomic(uint64_t)
        uncached[SEALRING_VERDICTS]; /* issued credentials not counted in a cell of their own, by verdict */
    _Atomic(uint64_t) reserved[6];
};

/* One credential in one hour. One cell. */
struct report_credential {
    _Atomic(uint32_t) kind;
    uint32_t hour; /* since 1970 UTC */
    int64_t key;   /* row of the registry */
    uint32_t serial;
    uint32_t version;
    _Atomic(uint64_t) accepted;
    _Atomic(int64_t) last_use_ms; /* rounded up to the second */
    _Atomic(uint32_t) not_yet_valid;
    _Atomic(uint32_t) expired;
    _Atomic(uint32_t) suspended;
    _Atomic(uint32_t) scope;  /* or the address */
    _Atomic(uint32_t) closed; /* revoked, replaced, or its version closed */
    uint32_t reserved;
};

_Static_assert(sizeof(struct report_header) <= REPORT_HEADER_SIZE, "the header has a page");
_Static_assert(sizeof(struct report_lane) == 128, "lanes do not share cache lines");
_Static_assert(sizeof(struct report_version) == 3 * REPORT_CELL_SIZE, "three cells");
_Static_assert(sizeof(struct report_credential) == REPORT_CELL_SIZE, "one cell");
_Static_assert(offsetof(struct report_credential, hour) == sizeof(uint32_t), "kind and hour are one word");

#endif
