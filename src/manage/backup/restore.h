/* SPDX-License-Identifier: Apache-2.0 */
/* A restore in progress: what would be lost by it, which is reported before anything is changed, and how its result gets into its place. */
#ifndef MANAGE_BACKUP_RESTORE_H
#define MANAGE_BACKUP_RESTORE_H

#include <jansson.h>

#include "manage/backup/backup_file.h"
#include "manage/backup/compare_with_token.h"
#include "manage/backup/replay_export.h"
#include "manage/backup/restore_token_files.h"
#include "manage/session/manager.h"

#define RESTORE_PATH_SIZE (PATH_MAX + 64)

/* The state of the registry in place. */
struct live_state {
    uint8_t vault_id[REGISTRY_ID_SIZE];
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch;
    uint64_t entries;
};

struct restore {
    sealring_restore_options options;
    sealring_restore_callback each;
    void *context;
    sealring_restore_result result;
    struct backup_progress progress;

    struct config *config;
    struct backup_file file;
    struct audit_keys keys;
    struct audit_witness witness;
    struct lock lock;             /* vault.work, until the restored registry takes it */
    bool installs;                /* from here on `path` is not removed: it may be needed to find out what happened */
    char path[RESTORE_PATH_SIZE]; /* the registry that is being restored, beside the vault's */
    struct registry *restored;
    struct registry_checkpoint
        checkpoint;           /* over `restored`, signed; in memory until nothing but the exchange is missing */
    struct registry *live;    /* the vault's registry, NULL: none can be opened */
    struct live_state before; /* of `live`, when it was determined what is lost by replacing it */
    bool changed;             /* `live` was changed since */
    struct token_files files; /* the vault's own software tokens */
    struct replay replay;
    struct confront confront;
    json_t *losses; /* what is lost, as it was reported */
    bool stopped;   /* by the caller's callback */
    bool no_memory; /* for the losses */
};

/* Reports one line to the caller; a loss is also recorded in the audit log. */
void restore_tell(struct restore *restore, bool loss, const char *format, ...) __attribute__((format(printf, 3, 4)));

sealring_status install_read_state(struct registry *live, struct live_state *state, sealring_error *error);

/* Notes the new era in vault.unsigned, with what it begins with: so a restore that is interrupted before its checkpoint is not taken for somebody
 * else's. */
sealring_status restore_note_era(const struct restore *restore, sealring_error *error);

/* Makes `restored`, a registry in the file `path` that holds vault.work, the vault's registry. Both it and `live` are closed or exchanged: afterwards
 * `live` is the vault's registry, open, and `lock` is vault.work. The registry's lock is held only while the one in place is compared with `before`
 * and exchanged. SEALRING_REGISTRY, and nothing is changed, if something was committed since. The result's `aside` is where the former registry is. */
sealring_status install_registry(struct restore *restore, sealring_error *error);

/* Compares the restored registry with the audit token's anchor, the exports, the registry in place and the key token, and reports what differs.
 * SEALRING_REFUSED if something would be lost and the operator has not accepted that, or the caller stopped the restore. */
sealring_status restore_weigh(struct restore *restore, sealring_error *error);

#endif
