/* SPDX-License-Identifier: Apache-2.0 */
/* What the verifiers' report files contain about usage: one file's records for harvesting, or all files' records for a list. */
#ifndef MANAGE_FLEET_USAGE_FILES_H
#define MANAGE_FLEET_USAGE_FILES_H

#include "manage/session/manager.h"
#include "registry/usage/usage_rows.h"
#include "verifier/report/report.h"

/* One credential in one hour; the ring is 0 until it was looked up. */
struct usage_record {
    struct registry_usage use;
    uint32_t file; /* index into a list of files */
};

/* 112 bytes for each record of an hour that is not final: usually one or two hours. */
struct usage_records {
    struct usage_record *rows;
    size_t count;
    uint64_t damaged; /* records that no verifier of this vault wrote */
    uint64_t ahead;   /* of future hours */
};

void usage_records_free(struct usage_records *records);

/* Adds the numbers of `more`, and takes the later last use. */
void usage_add(struct registry_usage *sum, const struct registry_usage *more);

/* Sorts by key, serial, hour, file; records of the same credential, hour and file are merged. */
void usage_records_merge(struct usage_records *records);

/* ---- One file */

struct usage_file {
    struct report_reader *reader;
    struct report_summary summary;
    bool held; /* no verifier owns it, and none can until it is closed here */
};

/* Opens a file of this vault. For anything else: a status and one line about it. hold: if no verifier owns the file, keeps others from taking it. */
sealring_status usage_file_open(const char *path, const uint8_t vault_id[REGISTRY_ID_SIZE], bool hold,
                                struct usage_file *file, sealring_error *error);
void usage_file_close(struct usage_file *file);

/* Reads the registry's row of the file, and the era. known: there is one; otherwise the row is zero except its seat. */
sealring_status usage_file_read_row(struct registry *registry, const struct usage_file *file,
                                    struct registry_usage_seat *row, bool *known, uint8_t era[REGISTRY_ID_SIZE],
                                    sealring_error *error);

/* Whether everything that this instance reported was harvested. */
bool usage_file_is_finished(const struct usage_file *file, const struct registry_usage_seat *row);

/* Adds it to the manager's gap. */
void usage_note_damage(sealring_manager *manager, const char *path, uint64_t damaged);

/* Adds the records of hours after `settled`. The header as it was at the opening is older than what is read here. */
sealring_status usage_file_read(const struct usage_file *file, uint32_t settled, int64_t now, uint32_t index,
                                struct usage_records *records, sealring_error *error);

/* ---- All files, to be joined with the registry's rows in memory */

/* For each file that can be read, the file's numbers count for the hours after `settled`, whatever the registry contains for them. */
struct usage_pending {
    struct registry_usage_seat *files;
    size_t file_count;
    int64_t newest; /* hour: the files' records of later hours do not count, as a clock was wrong */
    struct usage_records records;
};

/* Outside a transaction, before the one that reads the rows: what is harvested between the two is then in the rows. */
sealring_status usage_pending_read(sealring_manager *manager, int64_t now, struct usage_pending *pending,
                                   sealring_error *error);
void usage_pending_free(struct usage_pending *pending);

/* Makes the manager's decisions take the pending uses into account, until these are dropped. */
sealring_status usage_foresee(sealring_manager *manager, int64_t now, sealring_error *error);
void usage_foresee_end(sealring_manager *manager);

/* Inside that transaction, first: reads up to which hour each file is harvested by now. */
sealring_status usage_pending_settle(struct registry *registry, struct usage_pending *pending, sealring_error *error);

/* Whether the file's records count for an hour of this seat. */
bool usage_pending_covers(const struct usage_pending *pending, const uint8_t seat[REGISTRY_ID_SIZE], uint32_t hour);
static inline bool usage_pending_counts(const struct usage_pending *pending, const struct usage_record *record)
{
    return record->use.period > pending->files[record->file].settled_hour;
}

/* Whether a ring's version exists; a record of a version that does not is damaged. */
sealring_status usage_version_exists(struct registry *registry, int64_t ring, uint32_t version, bool *exists,
                                     sealring_error *error);

/* The last use of the key, 0: none is pending. */
int64_t usage_pending_last_use(const struct usage_pending *pending, int64_t key);

/* The records of a key, one after the other. */
const struct usage_record *usage_pending_of_key(const struct usage_pending *pending, int64_t key, size_t *count);

#endif
