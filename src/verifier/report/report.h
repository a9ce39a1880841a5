/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier's own report: a memory-mapped file that publishes what it knows, counts what it sees, and survives kill -9. */
#ifndef VERIFIER_REPORT_REPORT_H
#define VERIFIER_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "verifier/report/report_format.h"

struct report;

/* Joins: takes over a file in `directory` (made with mode 0750 if missing) of a verifier of this vault that has ended, so that no
 * process holds its lock; else makes one (mode 0640). Ignores foreign and damaged files. State JOINING, a new random instance ID, no
 * poll yet, no version proved. All blocks of the file are allocated, so a full disk is an error here and not a signal later. A forked
 * child does not inherit the mapping (MADV_DONTFORK). SEALRING_SYSTEM: the message names the problem with the directory. */
sealring_status report_join(const char *directory, const uint8_t vault_id[REPORT_ID_SIZE], struct report **joined,
                            sealring_error *error);

/* Writes state LEFT, unmaps and unlocks. */
void report_leave(struct report *report);

/* In a forked child: closes the descriptor. Does not touch file, lock or memory. */
void report_abandon(struct report *report);

struct report_look {
    uint8_t era[REPORT_ID_SIZE];
    uint64_t epoch;
    int64_t boot_ms;
    int64_t wall_ms;
    int64_t lease_ms;
    bool has_closed;       /* false: by a release that does not report closed facts */
    uint64_t closed_count; /* closed facts that are applied, and the hash over all of them */
    uint8_t closed_hash[32];
    bool
        filter; /* it may use a filter of key IDs (fresh/follow_keys.h); also set if its verifier was killed while it wrote */
};

/* Writes one report (from the first one on, the state is SERVING). One thread at a time. Returns false if the report would not be read,
 * because the file was removed (or taken over, which cannot happen while the lock is held): then this poll gives no lease. Leave, and
 * join again. */
bool report_write(struct report *report, const struct report_look *look);

/* Writes the number of alarms, and the last one's text (truncated to REPORT_ALARM_SIZE). Only the thread that writes reports. */
void report_tell_alarms(struct report *report, uint64_t alarms, const char *text);

/* The counters of a lane. The lane's holder increments report_lane.verdicts[...] with relaxed loads and stores. */
struct report_lane *report_lane(struct report *report, unsigned lane);

/* The record of a version, made if it does not exist. NULL if there is no room. Thread-safe, takes a lock. */
struct report_version *report_version(struct report *report, int64_t ring, uint32_t number);

/* No version counts as proved any more. Thread-safe. */
void report_unprove(struct report *report);

/* The record of a credential in an hour, likewise. Grows the file if necessary. A record of this hour that a former verifier of the
 * file began is continued. NULL if there is no room (REPORT_CELLS_MAX, or the disk is full): then call report_count_without_detail. */
struct report_credential *report_credential(struct report *report, int64_t key, uint32_t serial, uint32_t version,
                                            uint32_t hour);

/* Hours. report_close_hours publishes a closed hour to readers (report_header.closed_hour). The caller ensures that nothing is counted
 * any more in records of that hour or an earlier one. The closed hour never decreases. */
uint32_t report_closed_hour(const struct report *report);
void report_close_hours(struct report *report, uint32_t hour);
const uint8_t *report_seat_id(const struct report *report);

/* From now on, reuses the cells of credentials' records of hours up to `hour`: the hours are closed and harvested, and no thread has a
 * pointer to such a record any more. Never waits. One thread at a time. */
void report_reuse(struct report *report, uint32_t hour);

/* Counts one verdict on an issued credential: in its record, or, without one, in the version's. Updates the last use in both, if it is
 * more than a second older. Either may be NULL. Any thread, no lock, no system call. A verdict without a counter of its own in a
 * credential's record counts as `closed`. */
void report_count(struct report_credential *credential, struct report_version *version, sealring_verdict verdict,
                  int64_t wall_ms);
void report_touch_version(struct report_version *record, int64_t wall_ms); /* last use only */
void report_count_without_detail(struct report *report);

/* Sums over the lanes since the file was made. The difference to the sums at joining is the verifier's own. */
void report_totals(const struct report *report, uint64_t verdicts[SEALRING_VERDICTS], uint64_t *cached);

/* Reads any report file of a vault, own or others', of a live or ended verifier: the checked header, and every complete record. The
 * file is read, not mapped, so truncating it does no harm. Each call below reads the file as it is then. Damaged records, and those
 * with impossible values (report_check.h), are skipped and counted. */
struct report_reader;
/* An error: it cannot be read, or is not a report of this format. */
sealring_status report_read_open(const char *path, struct report_reader **opened, sealring_error *error);
bool report_is_of_another_format(const char *path); /* another version of sealring wrote it */
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
    struct report_look look; /* era and epoch are 0 if its verifier was killed while it wrote them */
    uint32_t cells;          /* in the file, of those that the header claims */
    uint32_t closed_hour;
    uint64_t alarms;
    char alarm[REPORT_ALARM_SIZE];
    uint64_t without_detail;
    uint64_t verdicts[SEALRING_VERDICTS];
    uint64_t cached;
};
/* Returns whether no verifier owns the file (it left or died), and locks the file, so that none takes it over before the reader is
 * closed. */
bool report_read_hold(const struct report_reader *reader);

sealring_status report_read_summary(const struct report_reader *reader, struct report_summary *summary,
                                    sealring_error *error);

/* If the callback returns a status other than OK, the walk ends and returns it. Either callback may be NULL. The cell of a version's
 * record is passed, by which it can be read again. */
typedef sealring_status (*report_version_callback)(const struct report_version *record, uint32_t cell, void *context);
typedef sealring_status (*report_credential_callback)(const struct report_credential *record, void *context);
sealring_status report_read_each(const struct report_reader *reader, report_version_callback version,
                                 report_credential_callback credential, void *context, uint64_t *damaged);

/* Returns whether a process still holds the file open as its report: the kernel releases the lock when the last process that could
 * count in it has ended. Takes the lock briefly if it is free. */
bool report_read_is_held(const struct report_reader *reader);
/* The same for a file that cannot be read as a report. A file that this user may not open counts as held, because its state cannot be
 * determined. */
bool report_path_is_held(const char *path);

/* The file's inode number; 0 if it cannot be determined. */
int64_t report_read_inode(const struct report_reader *reader);

/* Reads the records of versions from cell *from on, and sets *from to where the next call continues. */
sealring_status report_read_versions(const struct report_reader *reader, uint32_t *from, report_version_callback each,
                                     void *context);

/* Reads one version's record again. False: it cannot be read. */
bool report_read_version(const struct report_reader *reader, uint32_t cell, struct report_version *record);

/* Calls back with the paths of all files in `directory` whose names are those of reports. */
typedef sealring_status (*report_path_callback)(const char *path, void *context);
sealring_status report_each_path(const char *directory, report_path_callback each, void *context,
                                 sealring_error *error);

#endif
