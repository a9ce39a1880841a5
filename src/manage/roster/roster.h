/* SPDX-License-Identifier: Apache-2.0 */
/* The roster: a vault's verifiers for the operator's side, from their report files and the registry's rows about them. */
#ifndef MANAGE_SESSION_ROSTER_H
#define MANAGE_SESSION_ROSTER_H

#include "base/clock.h"
#include "lifecycle/verifier_liveness.h"
#include "registry/rows/rows.h"
#include "verifier/report/report.h"
#include "verifier/report/report_format.h"

/* What one report file contains about one version. */
struct roster_version {
    int64_t ring;
    uint32_t number;
    uint32_t cell;   /* the cell of its record */
    uint64_t proved; /* as in its record */
    int64_t last_use;
};

/* One verifier. If several have used one file, one after the other: the present one, whose file contains the records of all. */
struct roster_entry {
    struct registry_verifier row;     /* as it must be remembered */
    bool remembered;                  /* the registry has a row of it */
    bool changed;                     /* that row must be written again */
    bool surplus;                     /* that row is not needed any more */
    struct registry_verifier written; /* the registry's row, zero if it has none */
    struct watched watched;
    struct watch_memory own; /* what this process saw of it, for the next call */
    int64_t inode;           /* of its file, as this process saw it; 0: not yet */
    int64_t lease_ms;        /* from its file while that was held */
    bool lease_unknown;      /* a process holds its file, and no lease was ever read from it */
    bool
        hinted; /* the row, as this process found it, suggests that it is silent or lost: this is a reason to measure, and proves nothing */
    bool has_closed;       /* its report names the closed facts that it has applied */
    bool has_others;       /* they are not the registry's */
    uint64_t closed_count; /* their number, and the hash over all of them */
    uint8_t closed_hash[REGISTRY_DIGEST_SIZE];
    uint32_t schema; /* the newest that its program reads, from its file; 0: that cannot be read */
    uint64_t alarms; /* their number in its file, and the last one's text */
    bool alarms_read;
    char alarm[REPORT_ALARM_SIZE];
    bool row_damaged; /* its row cannot be read: it counts as a lost verifier */
    bool damaged;     /* its file cannot be read as a report */
    char name[160];   /* for people: host, program, process */
    uint32_t walked;  /* cells of its file that were read */
    struct roster_version *versions;
    size_t version_count;
};

#define ROSTER_AHEAD_MS 1000 /* uses are rounded up to the second */

struct roster {
    const char *directory;
    char boot_id[CLOCK_BOOT_ID_SIZE];
    int64_t boot_ms; /* when it was last brought up to date, on the two clocks */
    int64_t now;
    struct registry_vault vault; /* its lease is the longest that a live verifier may use */
    struct roster_entry *entries;
    size_t count;
    bool uses_ahead; /* the registry has uses that are later than now */
    bool late;       /* this host's wall clock is late: it limits no time (clock_check.c) */
    size_t strange;  /* files that are named as reports but are not this vault's, or are damaged and nobody's */
};

/* Brings it up to date (a zeroed roster: makes it), within any transaction: rows from the registry, files from `directory`, which the caller keeps.
 * Each file is read from where the last call stopped. Calls no token and waits for nobody. */
sealring_status roster_read(struct registry *registry, const char *directory, struct roster *roster,
                            sealring_error *error);
void roster_release(struct roster *roster);

/* For roster_read.c, when everything was read. */
sealring_status roster_judge(struct registry *registry, struct roster *roster, sealring_error *error);

/* The last use in an entry's file. A use that is later than now (rounded up to the second) is replaced by now, or by the verifier's end if that is
 * earlier. So a clock that was ahead, or an edited file, delays nothing for longer than a use of now would. */
int64_t roster_last_use(const struct roster *roster, const struct roster_entry *entry,
                        const struct roster_version *version);

/* Its file has another number of alarms than its row: they are new, or somebody edited the row. */
bool roster_has_alarms(const struct roster_entry *entry);

/* Whether something must be remembered that the registry does not contain yet. */
bool roster_is_news(const struct roster *roster);

/* Writes it to the registry, in a writing transaction (which need not move the epoch). */
sealring_status roster_remember(struct registry *registry, const struct roster *roster, sealring_error *error);

/* The longest lease that it may use: the longest that is known; if a process holds its file and its own lease is not known, the longest possible.
 * The registry's row may have been edited, and that must not shorten a wait. */
int64_t roster_lease(const struct roster *roster, const struct roster_entry *entry);

/* Whether it may be serving, or may return without joining again. */
bool roster_may_serve(const struct roster *roster, const struct roster_entry *entry);

/* Whether it may serve, or left a hole in its reports within the quiet period. Of all others only their last use matters. */
bool roster_is_listed(const struct roster *roster, const struct roster_entry *entry, int64_t quiet_period);

/* For the verifiers that the registry suggests are silent or lost: the time, in ms, until all of them certainly no longer serve. None of them is
 * ignored before this process has measured its silence. only_lost: only those without a file. 0: there is none. */
int64_t roster_suspicion(const struct roster *roster, bool only_lost);

/* Whether no verifier may be serving. */
bool roster_is_empty(const struct roster *roster);

/* How many of the verifiers that may be serving have applied `epoch` of the vault's era. at_most: ms until the others certainly have, too.
 * missing: one line that names those that have not. */
struct roster_count {
    uint32_t done;
    uint32_t total;
    int64_t at_most;
    char missing[256];
};
/* What is asked about: a change of the vault's era. Zero: the era itself. */
struct roster_change {
    uint64_t epoch;
    uint64_t closed_count;                     /* the number of closed facts with it */
    uint8_t closed_hash[REGISTRY_DIGEST_SIZE]; /* over all of these */
    bool altered;              /* the registry has other facts by now: no report shows that the change was applied */
    int64_t committed_boot_ms; /* as for watch_goes_by */
};
/* In a transaction: sets change->altered. */
sealring_status roster_find_change(struct registry *registry, struct roster_change *change, sealring_error *error);
void roster_count(const struct roster *roster, const struct roster_change *change, struct roster_count *count);

/* Whether the entry's verifier has proved a version in the present era, since the version's last fact: a proof of before is of the version before it was
 * closed. fact: its sequence; 0: any proof. A program older than facts with values reports the epoch of its proof: that counts for a version that was
 * never closed, if it is not older than the version (created_epoch). */
bool roster_has_proved(const struct roster_entry *entry, int64_t ring, uint32_t number, uint64_t fact,
                       uint64_t created_epoch);

/* What an entry's file contains about a version, NULL for nothing. */
const struct roster_version *roster_find(const struct roster_entry *entry, int64_t ring, uint32_t number);

#endif
