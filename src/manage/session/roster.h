/* SPDX-License-Identifier: Apache-2.0 */
/* The roster: a vault's verifiers as the operator's side sees them, their report files joined with what the registry remembers. */
#ifndef MANAGE_SESSION_ROSTER_H
#define MANAGE_SESSION_ROSTER_H

#include "base/clock.h"
#include "lifecycle/watch.h"
#include "registry/rows/rows.h"
#include "verifier/report/report.h"
#include "verifier/report/report_format.h"

/* What one report file tells of one version. */
struct roster_version {
    int64_t ring;
    uint32_t number;
    uint32_t cell; /* where its record is */
    uint64_t proved_epoch;
    int64_t last_use;
};

/* One verifier; of a file that several used one after the other the present one, in whose file the records of all are. */
struct roster_entry {
    struct registry_verifier row;     /* as it is to be remembered */
    bool remembered;                  /* the registry has a row of it */
    bool changed;                     /* that row is not what it should be */
    bool surplus;                     /* it is of no use any more */
    struct registry_verifier written; /* the registry's row, zero if it has none */
    struct watched watched;
    struct watch_memory own; /* what this process saw of it, for the next look */
    int64_t inode;           /* of its file, as this process saw it; 0: not yet */
    int64_t lease_ms;        /* that its file told while it was held */
    bool lease_unknown;      /* a process holds its file, and no lease was ever read from that */
    bool
        hinted; /* the row, as this process found it, suggests that it is silent or lost: a reason to measure, and no more */
    uint64_t alarms; /* that its file tells of, and the last one's text */
    char alarm[REPORT_ALARM_SIZE];
    bool row_damaged; /* its row cannot be read: it counts as a verifier that was lost */
    bool damaged;     /* its file cannot be read as a report */
    char name[160];   /* for people: host, program, process */
    uint32_t walked;  /* cells of its file that were looked through */
    struct roster_version *versions;
    size_t version_count;
    size_t version_capacity;
};

struct roster {
    const char *directory;
    char boot_id[CLOCK_BOOT_ID_SIZE];
    int64_t boot_ms; /* when it was last brought up to date, on the two clocks */
    int64_t now;
    struct registry_vault vault; /* its lease is the longest that a live verifier may go by */
    struct roster_entry *entries;
    size_t count;
    size_t capacity;
    bool uses_ahead; /* the registry holds uses that are later than now */
    bool late;       /* this host's wall clock is: by it nothing is set back (late.c) */
    size_t strange;  /* files that are named as reports are, and are none of this vault's, or damaged and nobody's */
};

/* Brings it up to date (a zeroed roster: makes it), within a transaction of any kind: rows from the registry, files from `directory`, which
 * stays the caller's. Files are read on from where the last call stopped. Calls no token and waits for nobody. */
sealring_status roster_read(struct registry *registry, const char *directory, struct roster *roster,
                            sealring_error *error);
void roster_release(struct roster *roster);

/* The last use that an entry's file tells of, as far as it can be: none is later than now, and none of a verifier that has ended is later than
 * its end. A clock that was ahead, or an edited file, holds up nothing for longer than a use of now would. */
int64_t roster_last_use(const struct roster *roster, const struct roster_entry *entry,
                        const struct roster_version *version);

/* Whether something is to be remembered that the registry does not say yet. */
bool roster_is_news(const struct roster *roster);

/* Writes it down, in a writing transaction (which need not move the epoch). */
sealring_status roster_remember(struct registry *registry, const struct roster *roster, sealring_error *error);

/* The next entry from *index on whose verifier raised alarms that are not on the record yet (row.alarms), NULL if there is none. */
struct roster_entry *roster_next_alarm(const struct roster *roster, size_t *index);

/* The lease that it may go by at most: the longest that is known, and where its own is not known and it lives, the longest that there is. The
 * registry's row may have been edited: a wait must not get shorter by that. */
int64_t roster_lease(const struct roster *roster, const struct roster_entry *entry);

/* Whether it may be serving, or come back without joining anew. */
bool roster_may_serve(const struct roster *roster, const struct roster_entry *entry);

/* How long, in ms, it takes at most until those verifiers surely serve no more of which the registry suggests that they are silent or lost:
 * none of them is passed over before this process has measured it. only_lost: of those without a file. 0: there is none. */
int64_t roster_suspicion(const struct roster *roster, bool only_lost);

/* Whether nobody may be serving. */
bool roster_is_empty(const struct roster *roster);

/* How many verifiers go by `epoch` of the vault's era, of how many that may be serving; at_most: ms until the others surely do, too.
 * committed_boot_ms: as for watch_goes_by. missing: one line that names those that do not. */
struct roster_count {
    uint32_t done;
    uint32_t total;
    int64_t at_most;
    char missing[256];
};
void roster_count(const struct roster *roster, uint64_t epoch, int64_t committed_boot_ms, struct roster_count *count);

/* What an entry's file tells of a version, NULL for nothing. */
const struct roster_version *roster_find(const struct roster_entry *entry, int64_t ring, uint32_t number);

#endif
