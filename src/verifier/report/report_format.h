/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier's report file as it lies on disk: written by one verifier through a mapping, read by the operator's side. */
#ifndef VERIFIER_REPORT_REPORT_FORMAT_H
#define VERIFIER_REPORT_REPORT_FORMAT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

/* Name: verifiers/SEAT.report, SEAT being 32 hexadecimal digits, the file's own ID. Native byte order: a report is read on the host
 * that wrote it. The file is one header, then the lanes, then cells. It only grows. An open verifier holds flock(LOCK_EX) on it.
 * A file that nobody holds is taken over by the next one: counters go on, the instance is another. */
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

    /* Who: written at joining, before state says so. */
    uint8_t instance[REPORT_ID_SIZE];
    char boot_id[40]; /* /proc/sys/kernel/random/boot_id; a container may have its own */
    char host[72];
    char program[72];
    int64_t process;
    int64_t joined_wall_ms;
    int64_t joined_boot_ms;
    uint32_t schema; /* the newest that this verifier reads */
    _Atomic(uint32_t) state;

    /* The report itself: a reader takes it if `sequence` is even, and the same before and after (a sequence lock). */
    _Atomic(uint64_t) sequence;
    _Atomic(uint64_t) number; /* of reports written under this instance */
    _Atomic(uint64_t) era[2];
    _Atomic(uint64_t) epoch;
    _Atomic(int64_t)
        look_boot_ms; /* start of the look that this report is about, on its own CLOCK_BOOTTIME: no reader compares it */
    _Atomic(int64_t) look_wall_ms;
    _Atomic(int64_t) lease_ms;

    _Atomic(uint32_t) cells;          /* in use, from the first on */
    _Atomic(uint64_t) without_detail; /* uses that are counted by their version only, as there was no cell left */
    /* Nothing is counted any more in this hour nor in an earlier one, whatever the clock says. Never goes back. */
    _Atomic(uint32_t) closed_hour;
    /* Alarms that this verifier raised, and the last one's text: the operator's side puts them on the record. Within `sequence`, too. */
    _Atomic(uint64_t) alarms;
    char alarm[REPORT_ALARM_SIZE];
};

/* Calls by verdict of one lane, one writer at a time. */
struct report_lane {
    _Atomic(uint64_t) verdicts[SEALRING_VERDICTS];
    _Atomic(uint64_t) cached;
    _Atomic(uint64_t) reserved[2];
};

/* A record begins at a cell and takes one or more; kind is written last, so a record that has one is whole.
 *
 * The cell of a credential's record whose hour is closed, and was harvested for good, may get another record, of a later hour: kind
 * becomes REPORT_FREE, the rest is written, then the hour, then the kind. So (kind, hour) never has a value twice: a reader who finds
 * the same pair before and after it took its copy has one whole record (report_read.c). REPORT_FREE stays if the writer is killed. */
enum report_kind { REPORT_NOTHING = 0, REPORT_VERSION = 1, REPORT_CREDENTIAL = 2, REPORT_FREE = 3 };

/* What a version was presented for: the evidence that the retire gate asks for. Three cells. */
struct report_version {
    _Atomic(uint32_t) kind;
    uint32_t number;
    int64_t ring;                   /* row of the registry */
    _Atomic(uint64_t) proved_epoch; /* epoch at which its check value was derived, 0: not yet */
    _Atomic(int64_t) last_use_ms;   /* wall time, whatever the verdict; to the second, rounded up */
    _Atomic(uint64_t)
        uncached[SEALRING_VERDICTS]; /* issued credentials not counted in a cell of their own, by verdict */
    _Atomic(uint64_t) reserved[7];
};

/* One credential in one hour. One cell. */
struct report_credential {
    _Atomic(uint32_t) kind;
    uint32_t hour; /* since 1970 UTC */
    int64_t key;   /* row of the registry */
    uint32_t serial;
    uint32_t version;
    _Atomic(uint64_t) accepted;
    _Atomic(int64_t) last_use_ms; /* to the second, rounded up */
    _Atomic(uint32_t) not_yet_valid;
    _Atomic(uint32_t) expired;
    _Atomic(uint32_t) suspended;
    _Atomic(uint32_t) scope;
    _Atomic(uint32_t) closed; /* revoked, replaced, or its version closed */
    uint32_t reserved;
};

_Static_assert(sizeof(struct report_header) <= REPORT_HEADER_SIZE, "the header has a page");
_Static_assert(sizeof(struct report_lane) == 128, "lanes do not share cache lines");
_Static_assert(sizeof(struct report_version) == 3 * REPORT_CELL_SIZE, "three cells");
_Static_assert(sizeof(struct report_credential) == REPORT_CELL_SIZE, "one cell");
_Static_assert(offsetof(struct report_credential, hour) == sizeof(uint32_t), "kind and hour are one word");

#endif
