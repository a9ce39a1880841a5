/* SPDX-License-Identifier: Apache-2.0 */
/* Exported entries appended to a restored registry and done again, as far as the audit token or a checkpoint vouches for them. */
#ifndef MANAGE_BACKUP_REPLAY_H
#define MANAGE_BACKUP_REPLAY_H

#include "manage/audit/redo.h"
#include "manage/backup/backup_file.h"
#include "manage/session/audit_token.h"

struct replay {
    struct registry *registry; /* restored from the backup; its lock is held */
    const char *const *paths;  /* of exports */
    const struct note_key *key;
    const struct audit_witness *witness;
    const struct backup_progress *progress;

    uint64_t start;  /* entries of the backup */
    uint64_t end;    /* up to here the exports go, without a gap */
    uint64_t target; /* up to here they are vouched for, and done again */
    uint64_t done;
    struct redo redo;

    struct merkle_hash *hashes; /* of the entries from start + 1 to end */
    size_t room;
    struct checkpoint *checkpoints; /* that the exports have */
    size_t count, capacity;
    struct replay_batch *batch;
};

/* Reads the exports and finds out up to which entry they can be trusted. SEALRING_REFUSED names what is not good about them: a line, an entry
 * that was changed or is missing, another history. Nothing is changed. */
sealring_status replay_plan(struct replay *replay, sealring_error *error);

/* Does it, and verifies that the log is what is vouched for. The transactions are its own. */
sealring_status replay_run(struct replay *replay, sealring_error *error);
void replay_release(struct replay *replay);

#endif
