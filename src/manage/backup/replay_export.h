/* SPDX-License-Identifier: Apache-2.0 */
/* Appends exported entries to a restored registry and repeats their acts, as far as the audit token or a checkpoint confirms them. */
#ifndef MANAGE_BACKUP_REPLAY_EXPORT_H
#define MANAGE_BACKUP_REPLAY_EXPORT_H

#include <jansson.h>

#include "manage/audit/redo_entry.h"
#include "manage/backup/backup_file.h"
#include "manage/session/audit_token.h"

#define REPLAY_BATCH 64 /* entries in one transaction */

/* Entries whose lines are kept until their acts are repeated. */
struct replay_batch {
    struct registry_audit entries[REPLAY_BATCH];
    json_t *lines[REPLAY_BATCH];
    size_t count;
    struct redo redo; /* the counts including them */
};

struct replay {
    struct registry *registry; /* restored from the backup; its lock is held */
    const char *const *paths;  /* of the exports */
    const struct audit_keys *keys;
    const struct audit_witness *witness;
    const struct backup_progress *progress;

    uint64_t first;  /* number of the first entry in the backup: those before it were archived */
    uint64_t start;  /* number of the last one */
    uint64_t end;    /* the exports have all entries up to here, without a gap */
    uint64_t target; /* up to here the entries are confirmed, and their acts are repeated */
    uint64_t done;
    struct redo redo;

    struct merkle_hash *hashes;     /* of the entries from start + 1 to end */
    struct checkpoint *checkpoints; /* from the exports */
    size_t count;
    struct replay_batch batch;
};

/* Reads the exports and determines up to which entry they can be trusted. SEALRING_REFUSED names what is wrong with them: a line, an entry that was
 * changed or is missing, another history. Nothing is changed. */
sealring_status replay_plan(struct replay *replay, sealring_error *error);

/* Appends the entries, repeats their acts, and verifies that the log is the confirmed one. Runs its own transactions. */
sealring_status replay_run(struct replay *replay, sealring_error *error);
void replay_release(struct replay *replay);

#endif
