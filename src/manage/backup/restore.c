/* SPDX-License-Identifier: Apache-2.0 */
/* Restores a registry from a backup: checks it, updates it from exported logs, compares it with both tokens, puts it in place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "bell/bell.h"
#include "base/struct_size.h"
#include "manage/audit/client_proofs.h"
#include "manage/backup/restore.h"
#include "manage/session/actor.h"
#include "registry/connection/registry_copy.h"
#include "registry/rows/closed_facts.h"
#include "token/module/trace_file.h"

#define RESTORE_LOCK_WAIT_MS 10000
#define RESTORE_EPOCH_STEP   UINT64_C(1000000)

/* ---- The files of software tokens ---- */

static void tell_waiting(const struct lock_holder *holder, void *context)
{
    const struct restore *restore = context;
    if (restore->options.lock_waits != NULL)
        restore->options.lock_waits(holder->text, holder->stopped, restore->options.lock_context);
}

/* registry: its facts decide about the key token's files; NULL: repairs the files of the audit token. Takes the registry's lock, because other
 * commands restore files under it as well, and because a person who holds it by hand wants no writes. */
static sealring_status repair(struct restore *restore, struct registry *registry, sealring_error *error)
{
    struct lock lock = {.descriptor = -1};
    if (registry != NULL && restore->config->software == NULL)
        return SEALRING_OK;
    sealring_status status = lock_init(&lock, restore->config->lock, error);
    lock.waits = tell_waiting;
    lock.waits_context = restore;
    lock.yields_to = restore->config->urgent;
    if (status == SEALRING_OK)
        status = lock_acquire(&lock, restore->options.lock_wait, "restore", error);
    if (status == SEALRING_OK)
        status = token_files_repair(&restore->files, restore->config, registry, error);
    lock_free(&lock);
    return status;
}

/* ---- The backup, and what the audit token contains about it ---- */

static sealring_status refuse_unknown(const struct restore *restore, sealring_error *error)
{
    char vault_id[2 * BACKUP_ID_SIZE + 1];
    const struct token_file *lost = token_files_lost(&restore->files, true);
    hex_encode(restore->file.backup.vault_id, BACKUP_ID_SIZE, vault_id);
    return error_set(error, SEALRING_REFUSED,
                     "%s states that it is of vault %s, whose key the audit token does not have: it is another vault's "
                     "backup, or %s%s%s",
                     restore->file.path, vault_id,
                     lost == NULL ? "the audit token is another one"
                                  : "the key was in a file that is damaged and has no good copy (",
                     lost == NULL ? "" : lost->path,
                     lost == NULL ? "" : "): then bring the token's folder back from a backup first");
}

static sealring_status recall(struct restore *restore, sealring_error *error)
{
    const struct backup *backup = &restore->file.backup;
    if (!witness_configured(restore->config))
        return error_set(
            error, SEALRING_TOKEN,
            "this vault has no audit token, so nothing distinguishes its backups from others: see sealring.conf(5)");
    sealring_status status =
        witness_recall(&restore->witness, restore->config, backup->vault_id, &restore->keys, error);
    restore->witness.era_noted = true; /* a new one */
    if (restore->witness.unknown)
        return refuse_unknown(restore, error);
    if (status == SEALRING_OK)
        status = backup_file_judge(&restore->file, &restore->keys, error);
    return status;
}

/* A backup may be an older program's: `sealring upgrade` does the rest. */
static sealring_status add_columns(struct registry *registry, sealring_error *error)
{
    struct registry_write how = {.moves_epoch = false};
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction writing = registry_writing(registry, &how, error);
    do {
        registry_begin(&writing, &status);
    } while (registry_again(&writing, &status));
    return status;
}

static sealring_status unpack(struct restore *restore, sealring_error *error)
{
    registry_discard(restore->path); /* left by a run that was killed: this process holds the lock */
    sealring_status status = backup_file_take(&restore->file, restore->path, &restore->progress, error);
    if (status == SEALRING_OK)
        status = registry_open(restore->path, restore->config->work, REGISTRY_UPGRADE, &restore->restored, error);
    if (status != SEALRING_OK)
        return status;
    registry_take_lock(restore->restored, &restore->lock);
    registry_trust_key(restore->restored, restore->config->audit_key);
    if (registry_vault_row(restore->restored)->schema < REGISTRY_SCHEMA) {
        status = registry_sound(restore->restored, error);
        if (status == SEALRING_OK)
            status = add_columns(restore->restored, error);
    }
    return status != SEALRING_OK ? status
                                 : backup_file_examine(restore->restored, &restore->file.backup, &restore->keys,
                                                       restore->file.path, error);
}

/* ---- The registry in place ---- */

/* A registry that cannot be opened or read is replaced; one of another vault is not. */
static sealring_status open_live(struct restore *restore, sealring_error *error)
{
    static const uint8_t unread[REGISTRY_ID_SIZE];
    sealring_error inner = {0};
    bool other = false;
    sealring_status status =
        registry_open(restore->config->registry, restore->config->lock, REGISTRY_UPGRADE, &restore->live, &inner);
    if (status == SEALRING_OK) {
        registry_trust_key(restore->live, restore->config->audit_key);
        registry_lock_of(restore->live)->yields_to = restore->config->urgent;
        status = install_read_state(restore->live, &restore->before, &inner);
        other = memcmp(restore->before.vault_id, unread, sizeof unread) != 0 &&
                memcmp(restore->before.vault_id, restore->file.backup.vault_id, sizeof unread) != 0;
    }
    if (status == SEALRING_OK && !other)
        return SEALRING_OK;
    registry_close(restore->live);
    restore->live = NULL;
    memset(&restore->before, 0, sizeof restore->before);
    if (other)
        return error_set(error, SEALRING_REFUSED, "%s is another vault's backup than the one of this vault's registry",
                         restore->file.path);
    if (error_is_exhaustion(&inner))
        return error_set(error, status, "%s", inner.message);
    restore_tell(restore, false, "the registry in place cannot be used any more (%.200s)", inner.message);
    return SEALRING_OK;
}

/* ---- A new era, with an epoch above any that a verifier may have seen in another era ---- */

static sealring_status find_epoch(const struct restore *restore, uint64_t *epoch, sealring_error *error)
{
    struct registry *registry = restore->restored;
    const struct audit_witness *witness = &restore->witness;
    struct roster roster = {0};
    uint64_t highest = registry_vault_row(registry)->epoch;
    if (witness->anchored && witness->anchor.size > restore->file.backup.entries) /* at most one epoch for each entry */
        highest += witness->anchor.size - restore->file.backup.entries;
    if (restore->before.epoch > highest)
        highest = restore->before.epoch;
    sealring_status status = roster_read(registry, restore->config->verifiers, &roster, error);
    for (size_t i = 0; status == SEALRING_OK && i < roster.count; i++)
        if (roster.entries[i].watched.epoch > highest && roster.entries[i].watched.epoch < (UINT64_C(1) << 62))
            highest = roster.entries[i].watched.epoch;
    roster_release(&roster);
    *epoch = (highest / RESTORE_EPOCH_STEP + 1) * RESTORE_EPOCH_STEP;
    return status;
}

static sealring_status start_era(const struct restore *restore, sealring_error *error)
{
    struct registry_write how = {.moves_epoch = false};
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch = 0;
    sealring_status status = manager_random(era, sizeof era, error);
    if (status == SEALRING_OK)
        status = manager_random(how.operation_id, sizeof how.operation_id, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction writing = registry_writing(restore->restored, &how, error);
    do {
        if (!registry_begin(&writing, &status))
            continue;
        status = find_epoch(restore, &epoch, error);
        if (status == SEALRING_OK)
            status = registry_vault_renew(restore->restored, era, epoch, error);
    } while (registry_again(&writing, &status));
    return status;
}

/* ---- Restoring ---- */

/* A backup from before a change of the audit key names the old one. */
static sealring_status name_key(const struct restore *restore, int64_t now, sealring_error *error)
{
    char vkey[NOTE_KEY_TEXT_SIZE];
    bool named = false;
    note_key_format(audit_keys_newest(&restore->keys), vkey);
    sealring_status status = registry_audit_key_is(restore->restored, vkey, &named, error);
    return status == SEALRING_OK && !named ? registry_audit_key_insert(restore->restored, vkey, now, error) : status;
}

/* In the writing transaction: settles what the token closed, and appends the entry of the restore. */
static sealring_status record(struct restore *restore, const uint8_t operation_id[REGISTRY_ID_SIZE],
                              struct audit_act *act, sealring_error *error)
{
    const struct backup *backup = &restore->file.backup;
    struct registry *registry = restore->restored;
    sealring_restore_result *result = &restore->result;
    bool lost = json_array_size(restore->losses) > 0;
    int64_t now = clock_wall_ms();
    char before[2 * REGISTRY_ID_SIZE + 1], sha256[65], actor[256];
    struct audit_rows rows;
    actor_describe(actor);
    hex_encode(backup->era, REGISTRY_ID_SIZE, before);
    hex_encode(backup->sha256, sizeof backup->sha256, sha256);
    hex_encode(registry_vault_row(registry)->era, REGISTRY_ID_SIZE, result->era);
    audit_detail(act, "{s:{s:I, s:I, s:s}, s:I, s:I, s:I, s:s, s:s, s:O}", "backup", "entries",
                 (json_int_t)backup->entries, "time", (json_int_t)backup->time, "sha256", sha256, "known",
                 (json_int_t)result->known, "replayed", (json_int_t)result->replayed, "lost", (json_int_t)result->lost,
                 "era_before", before, "era_after", result->era, "losses", restore->losses);
    if (lost)
        audit_detail_add(act, "reason", json_string(restore->options.accept_loss));
    audit_rows_begin(&rows, registry);
    sealring_status status = confront_settle(&restore->confront, lost, now, registry, error);
    if (status == SEALRING_OK)
        status = client_proofs_settle(registry, error);
    if (status == SEALRING_OK)
        status = name_key(restore, now, error);
    audit_rows_end(&rows, registry, act);
    if (status == SEALRING_OK)
        status = audit_append(registry, operation_id, now, actor, act, error);
    if (status == SEALRING_OK)
        status = registry_audit_size(registry, &result->entries, error);
    result->epoch = registry_vault_row(registry)->epoch;
    return status;
}

static sealring_status commit(struct restore *restore, sealring_error *error)
{
    struct audit_act act = {.name = "vault.restore"};
    struct registry_write how = {.moves_epoch = true, .dry_run = restore->options.dry_run};
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction writing = registry_writing(restore->restored, &how, error);
    do {
        if (registry_begin(&writing, &status))
            status = record(restore, how.operation_id, &act, error);
    } while (registry_again(&writing, &status));
    audit_release(&act);
    return status;
}

static sealring_status carry_out(struct restore *restore, sealring_error *error)
{
    char trace[SEALRING_MESSAGE_SIZE];
    sealring_status status = SEALRING_OK;
    if (!restore->options.dry_run)
        status = witness_limit_keys(restore->config, restore->restored, error);
    if (status == SEALRING_OK)
        status = commit(restore, error);
    if (status != SEALRING_OK || restore->options.dry_run)
        return status;
    status = witness_sign_whole(&restore->witness, restore->config, restore->restored, &restore->checkpoint, error);
    if (status == SEALRING_OK)
        status = restore_note_era(restore, error);
    if (status != SEALRING_OK)
        return status;
    restore->installs = true;
    status = install_registry(restore, error);
    if (status != SEALRING_OK)
        return status;
    (void)bell_ring(restore->config->bell); /* verifiers load the restored registry at once */
    restore->witness.settled = true;        /* the losses were assessed */
    (void)witness_settle(&restore->witness, restore->config, restore->live, NULL, NULL, true);
    if (registry_lock(restore->live, 0, "restore", NULL) == SEALRING_OK) {
        registry_checkpoint(restore->live, 0);
        registry_unlock(restore->live);
    }
    snprintf(restore->result.remark, sizeof restore->result.remark, "%.255s", restore->witness.remark);
    if (restore->result.remark[0] == '\0' && trace_file_describe(trace) == TRACE_FAILED)
        snprintf(restore->result.remark, sizeof restore->result.remark, "%.255s", trace);
    return SEALRING_OK;
}

/* ---- The whole restore ---- */

static sealring_status prepare(struct restore *restore, const char *vault, sealring_error *error)
{
    sealring_status status = manager_check_reason(restore->options.accept_loss, error);
    if (status == SEALRING_OK && restore->options.accept_loss != NULL && restore->options.accept_loss[0] == '\0')
        status =
            error_set(error, SEALRING_INVALID, "accepting a loss takes a reason, which is written to the audit log");
    if (status == SEALRING_OK)
        status = config_load(vault, &restore->config, error);
    if (status == SEALRING_OK)
        status = config_check_places(restore->config, error);
    if (status == SEALRING_OK && restore->options.dry_run)
        software_hands_off(restore->config->software);
    if (status == SEALRING_OK)
        status = config_use_pin(restore->config, restore->options.pin_source, restore->options.ask_pin,
                                restore->options.ask_context, error);
    if (status != SEALRING_OK)
        return status;
    snprintf(restore->path, sizeof restore->path, "%s.restoring", restore->config->registry);
    status = config_check_environment(restore->config, error);
    if (status == SEALRING_OK)
        status = lock_init(&restore->lock, restore->config->work, error);
    restore->lock.waits = tell_waiting;
    restore->lock.waits_context = restore;
    return status;
}

static sealring_status run(struct restore *restore, sealring_error *error)
{
    struct replay *replay = &restore->replay;
    sealring_status status = lock_acquire(&restore->lock, restore->options.lock_wait, "restore", error);
    if (status == SEALRING_OK)
        status = repair(restore, NULL, error);
    if (status == SEALRING_OK) /* under the lock, so that nobody moves the anchor meanwhile */
        status = recall(restore, error);
    if (status == SEALRING_OK)
        status = unpack(restore, error);
    if (status == SEALRING_OK)
        status = open_live(restore, error);
    if (status == SEALRING_OK)
        status = start_era(restore, error);
    *replay = (struct replay){.registry = restore->restored,
                              .paths = restore->options.logs,
                              .keys = &restore->keys,
                              .witness = &restore->witness,
                              .progress = &restore->progress};
    if (status == SEALRING_OK)
        status = replay_plan(replay, error);
    if (status == SEALRING_OK)
        status = replay_run(replay, error);
    if (status == SEALRING_OK) /* by all facts, including those from the exports */
        status = repair(restore, restore->restored, error);
    if (status == SEALRING_OK)
        status = restore_weigh(restore, error);
    return status == SEALRING_OK ? carry_out(restore, error) : status;
}

static void finish(struct restore *restore)
{
    bool left = restore->restored != NULL || (lock_held(&restore->lock) && !restore->installs);
    replay_release(&restore->replay);
    confront_release(&restore->confront);
    token_files_release(&restore->files);
    backup_file_close(&restore->file);
    if (restore->restored != NULL && left) /* its file is removed while the lock is held */
        registry_give_lock(restore->restored, &restore->lock);
    registry_close(restore->restored);
    if (left)
        registry_discard(restore->path);
    registry_close(restore->live);
    lock_free(&restore->lock);
    config_free(restore->config);
    json_decref(restore->losses);
}

sealring_status sealring_restore(const char *vault, const char *file, const sealring_restore_options *options,
                                 sealring_restore_callback each, void *context, sealring_restore_result *result,
                                 sealring_error *error)
{
    struct restore *restore = calloc(1, sizeof *restore);
    if (restore == NULL)
        return error_no_memory(error);
    sized_take(&restore->options, sizeof restore->options, options);
    if (restore->options.lock_wait <= 0)
        restore->options.lock_wait = RESTORE_LOCK_WAIT_MS;
    restore->each = each;
    restore->context = context;
    restore->result.size = sizeof restore->result;
    restore->progress = (struct backup_progress){restore->options.progress, restore->options.progress_context};
    restore->lock.descriptor = -1;
    restore->losses = json_array();
    sealring_status status = prepare(restore, vault, error);
    if (status == SEALRING_OK)
        status = backup_file_open(file, &restore->file, error);
    if (status == SEALRING_OK) {
        restore->result.backup_time = restore->file.backup.time;
        restore->result.backup_entries = restore->file.backup.entries;
        status = run(restore, error);
    }
    sized_give(result, &restore->result, sizeof restore->result);
    finish(restore);
    free(restore);
    return status;
}
