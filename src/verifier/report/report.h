/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier's own report: a memory-mapped file that tells what it knows and counts what it sees, and survives kill -9. */
#ifndef VERIFIER_REPORT_REPORT_H
#define VERIFIER_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "verifier/report/report_format.h"

struct report;

/* Joins: takes over a file in `directory` (made 0750 if missing) of a verifier of this vault that has ended, so that nobody holds it locked; else
 * makes one (0640). Foreign or damaged files are passed over. State JOINING, a new random instance ID, no look yet, no version
 * proved. All of the file's blocks are allocated, so that a full disk is an error here and not a signal later. The mapping is
 * not inherited by a forked child (MADV_DONTFORK). SEALRING_SYSTEM says what is wrong with the directory. */
sealring_status report_join(const char *directory, const uint8_t vault_id[REPORT_ID_SIZE], struct report **joined,
                            sealring_error *error);

/* States LEFT, unmaps and unlocks. */
void report_leave(struct report *report);

/* In a forked child: closes the descriptor, and touches neither file nor lock nor memory. */
void report_abandon(struct report *report);

struct report_look {
    uint8_t era[REPORT_ID_SIZE];
    uint64_t epoch;
    int64_t boot_ms;
    int64_t wall_ms;
    int64_t lease_ms;
};

/* Writes one report (state SERVING from the first on). One thread at a time. False: nobody would read it, as the file was removed (or
 * taken over, which cannot happen while the lock is held): there is no lease from this look. Leave, and join again. */
bool report_write(struct report *report, const struct report_look *look);

/* Tells how many alarms there were, and the last one's text (cut to REPORT_ALARM_SIZE). One thread at a time, the one that writes reports. */
void report_tell_alarms(struct report *report, uint64_t alarms, const char *text);

/* The counters of a lane: report_lane.verdicts[...] are to be raised by the lane's holder with relaxed loads and stores. */
struct report_lane *report_lane(struct report *report, unsigned lane);

/* The record of a version, made if it is not there; NULL if there is no room. Thread-safe, takes a lock. */
struct report_version *report_version(struct report *report, int64_t ring, uint32_t number);

/* The record of a credential in an hour, likewise; grows the file if need be; one of this hour that a former verifier of the file
 * began goes on. NULL if there is no room (REPORT_CELLS_MAX, or the disk is full): then report_count_without_detail. */
struct report_credential *report_credential(struct report *report, int64_t key, uint32_t serial, uint32_t version,
                                            uint32_t hour);

/* Hours. A closed one is told to readers (report_header.closed_hour): the caller sees to it that no record of that hour or an earlier
 * one is counted in any more. Never goes back. */
uint32_t report_closed_hour(const struct report *report);
void report_close_hours(struct report *report, uint32_t hour);
const uint8_t *report_seat_id(const struct report *report);

/* The cells of credentials' records of hours up to `hour` may be taken for new ones from now on: the hours are closed and harvested, and
 * nobody has a pointer to such a record any more. Waits for nobody; one thread at a time. */
void report_reuse(struct report *report, uint32_t hour);

/* Counts one verdict. last_use is moved on when it is more than a second behind. Any thread, no lock, no system call. A verdict that
 * has no counter of its own in a credential's record counts as `closed`. */
void report_count(struct report_credential *record, sealring_verdict verdict, int64_t wall_ms);
void report_count_version(struct report_version *record, sealring_verdict verdict, int64_t wall_ms); /* in `uncached` */
void report_touch_version(struct report_version *record, int64_t wall_ms);                           /* last use only */
void report_count_without_detail(struct report *report);

/* Sums over the lanes since the file was made; the verifier's own are the difference to those at joining. */
void report_totals(const struct report *report, uint64_t verdicts[SEALRING_VERDICTS], uint64_t *cached);

/* Reading any report file of a vault, own or others', dead or alive: the header, checked, and every whole record. The file is
 * read, not mapped, so that cutting it short harms nobody; each call below reads it as it is then. Damaged records, and those
 * that say what cannot be (report_check.h), are passed over and counted. */
struct report_reader;
/* SEALRING_INVALID: a report that another version of sealring wrote; any other: none. */
sealring_status report_read_open(const char *path, struct report_reader **opened, sealring_error *error);
void report_read_close(struct report_reader *reader);

struct report_summary {
    uint8_t seat[REPORT_ID_SIZE];
    uint8_t vault_id[REPORT_ID_SIZE];
    uint8_t instance[REPORT_ID_SIZE];
    char boot_id[40];
    char host[72];
    char program[72];
    int64_t process;
    int64_t joined_wall_ms;
    int64_t joined_boot_ms;
    uint32_t schema;
    uint32_t state;
    uint64_t number;
    struct report_look look; /* era and epoch are 0 if its verifier was killed in the middle of writing them */
    uint32_t cells;          /* that the file has, of those it claims */
    uint32_t closed_hour;
    uint64_t alarms;
    char alarm[REPORT_ALARM_SIZE];
    uint64_t without_detail;
    uint64_t verdicts[SEALRING_VERDICTS];
    uint64_t cached;
};
/* Whether nobody sits at the file: its verifier left or died. If so nobody will before the reader is closed. */
bool report_read_hold(const struct report_reader *reader);

sealring_status report_read_summary(const struct report_reader *reader, struct report_summary *summary,
                                    sealring_error *error);

/* A status other than OK from the callback ends the walk and is returned. Either callback may be NULL. */
typedef sealring_status (*report_version_callback)(const struct report_version *record, void *context);
typedef sealring_status (*report_credential_callback)(const struct report_credential *record, void *context);
sealring_status report_read_each(const struct report_reader *reader, report_version_callback version,
                                 report_credential_callback credential, void *context, uint64_t *damaged);

/* Whether a process has the file open as its report still: the kernel lets go of its lock when the last one that could count in it has
 * ended. Takes the lock for a moment if nobody has it. */
bool report_read_is_held(const struct report_reader *reader);
/* The same of a file that cannot be read as a report. One that this user may not open counts as held, as nobody can tell. */
bool report_path_is_held(const char *path);

/* The file's number on its disk; 0 if that cannot be told. */
int64_t report_read_inode(const struct report_reader *reader);

/* The records of versions from cell *from on; *from: where to go on next time. With the cell that each begins at, to be read again. */
typedef sealring_status (*report_version_cell_callback)(const struct report_version *record, uint32_t cell,
                                                        void *context);
sealring_status report_read_versions(const struct report_reader *reader, uint32_t *from,
                                     report_version_cell_callback each, void *context);

/* One version's record again. False: it cannot be read. */
bool report_read_version(const struct report_reader *reader, uint32_t cell, struct report_version *record);

/* The paths of all files in `directory` that are named as reports are. */
typedef sealring_status (*report_path_callback)(const char *path, void *context);
sealring_status report_each_path(const char *directory, report_path_callback each, void *context,
                                 sealring_error *error);

#endif
