/* SPDX-License-Identifier: Apache-2.0 */
/* Restores a registry from a backup: checks it, updates it from exported logs, compares it with both tokens, puts it in place. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "bell/bell.h"
#include "base/struct_size.h"
#include "log/log_examine.h"
#include "manage/backup/backup_file.h"
#include "manage/backup/compare_with_token.h"
#include "manage/backup/install_registry.h"
#include "manage/backup/replay_export.h"
#include "manage/backup/restore_token_files.h"
#include "manage/session/actor.h"
#include "manage/session/manager.h"
#include "registry/connection/registry_copy.h"
#include "registry/lock/lock.h"
#include "registry/rows/closed_facts.h"
#include "token/module/trace_file.h"

#define RESTORE_LOCK_WAIT_MS 10000
#define RESTORE_EPOCH_STEP   UINT64_C(1000000)

struct restore {
    sealring_restore_options options;
    sealring_restore_callback each;
    void *context;
    sealring_restore_result result;
    struct backup_progress progress;

    struct config *config;
    struct backup_file file;
    struct note_key key;
    struct audit_witness witness;
    struct lock lock;             /* vault.work, until the restored registry takes it */
    bool installs;                /* from here on `path` is not removed: it may be needed to find out what happened */
    char path[INSTALL_PATH_SIZE]; /* the registry that is being restored, beside the vault's */
    struct registry *restored;
    struct registry *live;        /* the vault's registry, NULL: none can be opened */
    struct install_before before; /* the state of `live` */
    struct token_files files;     /* the vault's own software tokens */
    struct replay replay;
    struct confront confront;
    struct audit_act act;
    json_t *losses; /* what is lost, as it was reported */
    bool stopped;   /* by the caller's callback */
};

static sealring_status tell(struct restore *restore, bool loss, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static sealring_status tell(struct restore *restore, bool loss, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (loss && json_array_append_new(restore->losses, json_string(text)) != 0)
        return SEALRING_SYSTEM;
    if (restore->each != NULL && restore->each(loss, text, restore->context) != 0)
        restore->stopped = true;
    return SEALRING_OK;
}

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
    int64_t wait = restore->options.lock_wait > 0 ? restore->options.lock_wait : RESTORE_LOCK_WAIT_MS;
    struct lock lock = {.descriptor = -1};
    if (registry != NULL && restore->config->software == NULL)
        return SEALRING_OK;
    sealring_status status = lock_init(&lock, restore->config->lock, error);
    lock.waits = tell_waiting;
    lock.waits_context = restore;
    lock.yields_to = restore->config->urgent;
    if (status == SEALRING_OK)
        status = lock_acquire(&lock, wait, "restore", error);
    if (status == SEALRING_OK)
        status = token_files_repair(&restore->files, restore->config, registry, error);
    lock_free(&lock);
    return status;
}

static sealring_status tell_files(struct restore *restore)
{
    char text[TOKEN_FILES_TEXT_SIZE], notice[SOFTWARE_NOTICE_SIZE];
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < restore->files.count; i++)
        if (token_files_describe(&restore->files, i, &restore->confront, restore->options.dry_run, text))
            status = tell(restore, false, "%s", text);
    if (status == SEALRING_OK && software_notice(restore->config->software, notice))
        status = tell(restore, false, "%s", notice);
    return status;
}

/* ---- The backup, and what the audit token contains about it ---- */

static sealring_status refuse_unknown(const struct restore *restore, sealring_error *error)
{
    char vault_id[2 * BACKUP_ID_SIZE + 1];
    const struct token_file *lost = token_files_lost(&restore->files, true);
    hex_encode(restore->file.backup.vault_id, BACKUP_ID_SIZE, vault_id);
    if (lost == NULL)
        return error_set(
            error, SEALRING_REFUSED,
            "%s says that it is of vault %s, whose key the audit token has not: it is another vault's backup, or "
            "the audit token is another one",
            restore->file.path, vault_id);
    return error_set(
        error, SEALRING_REFUSED,
        "%s says that it is of vault %s, whose key the audit token has not: it is another vault's backup, or the key was "
        "in a file that is damaged and has no good copy (%s): then bring the token's folder back from a backup first",
        restore->file.path, vault_id, lost->path);
}

static sealring_status recall(struct restore *restore, sealring_error *error)
{
    const struct backup *backup = &restore->file.backup;
    if (!witness_configured(restore->config))
        return error_set(
            error, SEALRING_TOKEN,
            "this vault has no audit token, so nothing tells its backups from others: see sealring.conf(5)");
    sealring_status status = witness_recall(&restore->witness, restore->config, backup->vault_id, &restore->key, error);
    if (status == SEALRING_NOT_FOUND)
        return refuse_unknown(restore, error);
    if (status == SEALRING_OK)
        status = backup_file_judge(&restore->file, &restore->key, error);
    return status;
}

/* Examines the whole log, as `sealring audit verify` does, and checks that the registry is the one that the note describes. */
static sealring_status examine(struct registry *registry, void *context, sealring_error *error)
{
    const struct restore *restore = context;
    const struct backup *backup = &restore->file.backup;
    const struct registry_vault *vault = registry_vault_row(registry);
    const char *path = restore->file.path;
    const struct examine how = {.key = &restore->key};
    struct examine_result result;
    struct merkle_hash closed;
    uint64_t count = 0;
    sealring_status status = examine_log(registry, &how, &result, error);
    if (status == SEALRING_OK)
        status = registry_closed_head(registry, &count, closed.bytes, error);
    if (status != SEALRING_OK)
        return status;
    if (result.problems > 0)
        return error_set(error, SEALRING_REFUSED, "%s has an audit log that is not what it should be: %.180s", path,
                         result.first);
    if (memcmp(vault->vault_id, backup->vault_id, sizeof backup->vault_id) != 0 ||
        memcmp(vault->era, backup->era, sizeof backup->era) != 0 || vault->epoch != backup->epoch ||
        result.entries != backup->entries || !merkle_equal(&result.root, &backup->root) ||
        count != backup->closed_count || !merkle_equal(&closed, &backup->closed))
        return error_set(error, SEALRING_REFUSED, "%s is no good backup: its note is about another registry", path);
    return SEALRING_OK;
}

static sealring_status unpack(struct restore *restore, sealring_error *error)
{
    registry_discard(restore->path); /* left by a run that was killed: this process holds the lock */
    sealring_status status = backup_file_take(&restore->file, restore->path, &restore->progress, error);
    if (status == SEALRING_OK)
        status = registry_open(restore->path, restore->config->work, REGISTRY_READ_WRITE, &restore->restored, error);
    if (status != SEALRING_OK)
        return status;
    registry_take_lock(restore->restored, &restore->lock);
    status = registry_sound(restore->restored, error);
    return status == SEALRING_OK ? registry_read(restore->restored, examine, restore, error) : status;
}

/* ---- The registry in place ---- */

static sealring_status look_at_live(struct registry *registry, void *context, sealring_error *error)
{
    struct restore *restore = context;
    const struct registry_vault *vault = registry_vault_row(registry);
    memcpy(restore->before.era, vault->era, sizeof vault->era);
    restore->before.epoch = vault->epoch;
    if (memcmp(vault->vault_id, restore->file.backup.vault_id, sizeof vault->vault_id) != 0)
        return error_set(error, SEALRING_REFUSED, "%s is another vault's backup than the one of this vault's registry",
                         restore->file.path);
    return registry_audit_size(registry, &restore->before.entries, error);
}

static sealring_status open_live(struct restore *restore, sealring_error *error)
{
    sealring_error inner = {0};
    sealring_status status =
        registry_open(restore->config->registry, restore->config->lock, REGISTRY_READ_WRITE, &restore->live, &inner);
    if (status == SEALRING_OK)
        registry_lock_of(restore->live)->yields_to = restore->config->urgent;
    if (status == SEALRING_OK)
        status = registry_read(restore->live, look_at_live, restore, &inner);
    if (status == SEALRING_OK)
        return SEALRING_OK;
    registry_close(restore->live);
    restore->live = NULL;
    restore->before = (struct install_before){.epoch = 0};
    if (status == SEALRING_REFUSED || status == SEALRING_SYSTEM) {
        if (error != NULL)
            *error = inner;
        return status;
    }
    return tell(restore, false, "the registry in place is of no use any more (%.200s)", inner.message);
}

/* ---- A new era, with an epoch above any that a verifier may have seen in another era ---- */

struct renewal {
    struct restore *restore;
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch;
};

static sealring_status find_epoch(struct registry *registry, void *context, sealring_error *error)
{
    struct renewal *renewal = context;
    const struct restore *restore = renewal->restore;
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
    renewal->epoch = (highest / RESTORE_EPOCH_STEP + 1) * RESTORE_EPOCH_STEP;
    return status;
}

static sealring_status renew(struct registry *registry, void *context, sealring_error *error)
{
    const struct renewal *renewal = context;
    return registry_vault_renew(registry, renewal->era, renewal->epoch, error);
}

static sealring_status start_era(struct restore *restore, sealring_error *error)
{
    struct renewal renewal = {.restore = restore};
    struct registry_write how = {.moves_epoch = false};
    sealring_status status = manager_random(renewal.era, sizeof renewal.era, error);
    if (status == SEALRING_OK)
        status = manager_random(how.operation_id, sizeof how.operation_id, error);
    if (status == SEALRING_OK)
        status = registry_read(restore->restored, find_epoch, &renewal, error);
    return status == SEALRING_OK ? registry_write(restore->restored, &how, renew, &renewal, error) : status;
}

/* ---- What is lost ---- */

struct last_entry {
    int64_t time;
};

static sealring_status take_time(const struct registry_audit *entry, void *context, sealring_error *error)
{
    (void)error;
    ((struct last_entry *)context)->time = entry->time;
    return SEALRING_OK;
}

static sealring_status find_last(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_audit_filter filter = {.last = 1};
    return registry_audit_each(registry, &filter, take_time, context, error);
}

static sealring_status judge(struct registry *registry, void *context, sealring_error *error)
{
    return witness_judge(context, registry, error);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static sealring_status tell_missing(struct restore *restore, uint64_t there, uint64_t known, const char *who,
                                    sealring_error *error)
{
    struct last_entry last = {0};
    char since[SEALRING_TIME_SIZE];
    sealring_status status = registry_read(restore->restored, find_last, &last, error);
    if (status != SEALRING_OK)
        return status;
    sealring_time_format(last.time / 1000 * 1000, since);
    return tell(
        restore, true,
        "%" PRIu64 " entries of the audit log are missing, %" PRIu64 " to %" PRIu64 ", which %s: what was done after "
        "%s is not known; API keys issued since are rejected, and those revoked, suspended or narrowed since are as "
        "they were",
        known - there, there + 1, known, who, since);
}

static sealring_status weigh_log(struct restore *restore, sealring_error *error)
{
    const struct audit_witness *witness = &restore->witness;
    const struct replay *replay = &restore->replay;
    uint64_t there = replay->target, known = witness->anchored ? witness->anchor.size : 0;
    sealring_status status = SEALRING_OK;
    restore->result.known = known;
    restore->result.lost = larger(larger(known, restore->before.entries), replay->end) - there;
    if (!witness->anchored)
        status = tell(restore, true,
                      "the audit token remembers nothing of the log, so whether anything is missing is not known");
    else if (there < known)
        status = tell_missing(restore, there, known, "the audit token knows of", error);
    else if ((status = registry_read(restore->restored, judge, &restore->witness, error)) == SEALRING_REFUSED)
        status =
            tell(restore, true,
                 "the backup is of another history than the one that the audit token knows: what was done in that is "
                 "not known");
    if (status == SEALRING_OK && replay->end > there)
        status = tell(
            restore, false,
            "the entries %" PRIu64 " to %" PRIu64
            " are in the exports and are not replayed, as nothing of the present era vouches for them: do again by "
            "hand what they revoked, suspended or narrowed",
            there + 1, replay->end);
    if (status == SEALRING_OK && replay->end > larger(there, known))
        status = tell_missing(restore, larger(there, known), replay->end,
                              "the exports have, but neither the audit token nor a checkpoint vouches for", error);
    if (status == SEALRING_OK && restore->before.entries > larger(replay->end, larger(there, known)))
        status = tell_missing(restore, larger(replay->end, larger(there, known)), restore->before.entries,
                              "the registry in place has (`sealring audit export` prints them)", error);
    return status;
}

static sealring_status weigh_version(struct restore *restore, const struct confront_version *version)
{
    char text[TOKEN_FILES_TEXT_SIZE];
    const char *ring = version->ring.name;
    uint32_t number = version->row.number;
    switch (version->verdict) {
    case CONFRONT_GOOD:
        return token_files_describe_gone(&restore->files, version, text) ? tell(restore, false, "%s", text)
                                                                         : SEALRING_OK;
    case CONFRONT_OPEN:
        return tell(restore, false,
                    "version %" PRIu32
                    " of ring %s is closed, but the token still lets its key sign: the next command that uses "
                    "the token closes it",
                    number, ring);
    case CONFRONT_CLOSED:
    case CONFRONT_GONE:
    case CONFRONT_WRONG:
        break;
    }
    restore->result.closed++;
    token_files_describe_loss(&restore->files, version, text);
    return tell(restore, true,
                "version %" PRIu32
                " of ring %s: %s; it stays closed, as retired (if it was compromised: `sealring compromise "
                "%s %" PRIu32 "`)",
                number, ring, text, ring, number);
}

/* A backup of another vault that uses the same audit token would find none of its keys here. If the audit token is the vault's own, it has no other
 * vault's key. */
static bool is_elsewhere(const struct restore *restore)
{
    bool any = restore->confront.proved > 0 || restore->confront.lost == 0;
    for (size_t i = 0; i < restore->confront.count && !any; i++)
        any = restore->confront.versions[i].verdict == CONFRONT_CLOSED;
    return !any && restore->live == NULL && !token_files_are_own(restore->config);
}

static sealring_status weigh_token(struct restore *restore, sealring_error *error)
{
    struct confront *confront = &restore->confront;
    sealring_status status = confront_token(confront, restore->config, restore->restored, error);
    if (status == SEALRING_OK)
        status = tell_files(restore);
    if (status == SEALRING_OK && restore->options.dry_run)
        token_files_suppose(&restore->files, confront);
    if (status == SEALRING_OK && is_elsewhere(restore))
        status = error_set(
            error, SEALRING_REFUSED,
            "no key of the versions that %s accepts is in the token: the backup is another vault's, the token is another "
            "one, or its keys are lost: bring them back from the token's own backup first",
            restore->file.path);
    for (size_t i = 0; status == SEALRING_OK && i < confront->count; i++)
        status = weigh_version(restore, &confront->versions[i]);
    restore->result.strange = (uint32_t)confront->strange;
    if (status == SEALRING_OK && confront->strange > 0)
        status = tell(restore, false, "objects in the token that no version has: %s%s", confront->strange_names,
                      confront->strange > 3 ? " …" : "");
    return status;
}

static sealring_status weigh(struct restore *restore, sealring_error *error)
{
    const struct redo *redo = &restore->replay.redo;
    sealring_status status = weigh_log(restore, error);
    if (status == SEALRING_OK)
        status = weigh_token(restore, error);
    restore->result.replayed = restore->replay.target - restore->replay.start;
    restore->result.clients = redo->clients;
    if (status == SEALRING_OK && redo->clients > 0)
        status = tell(restore, false,
                      "contacts are not in the log: %" PRIu64 " clients made since the backup have none now (%s%s)",
                      redo->clients, redo->names, redo->clients > 3 ? " …" : "");
    if (status == SEALRING_OK && restore->stopped)
        status = error_set(error, SEALRING_REFUSED, "it was stopped: nothing was changed");
    if (status != SEALRING_OK || json_array_size(restore->losses) == 0 || restore->options.accept_loss != NULL)
        return status;
    return error_set(
        error, SEALRING_REFUSED,
        "the registry was not changed, as something would be lost: give the exports that have it with --log (the oldest "
        "first), or repeat with --accept-loss REASON (%.280s)",
        json_string_value(json_array_get(restore->losses, 0)));
}

/* ---- Restoring ---- */

struct recording {
    struct restore *restore;
    uint8_t operation_id[REGISTRY_ID_SIZE];
    int64_t now;
    char actor[256];
};

static sealring_status record(struct registry *registry, struct recording *recording, sealring_error *error)
{
    struct restore *restore = recording->restore;
    const struct backup *backup = &restore->file.backup;
    bool lost = json_array_size(restore->losses) > 0;
    char before[2 * REGISTRY_ID_SIZE + 1], sha256[65];
    hex_encode(backup->era, REGISTRY_ID_SIZE, before);
    hex_encode(backup->sha256, sizeof backup->sha256, sha256);
    hex_encode(registry_vault_row(registry)->era, REGISTRY_ID_SIZE, restore->result.era);
    audit_detail(&restore->act, "{s:{s:I, s:I, s:s}, s:I, s:I, s:I, s:s, s:s, s:O}", "backup", "entries",
                 (json_int_t)backup->entries, "time", (json_int_t)backup->time, "sha256", sha256, "known",
                 (json_int_t)restore->result.known, "replayed", (json_int_t)restore->result.replayed, "lost",
                 (json_int_t)restore->result.lost, "era_before", before, "era_after", restore->result.era, "losses",
                 restore->losses);
    if (lost)
        audit_detail_add(&restore->act, "reason", json_string(restore->options.accept_loss));
    struct audit_rows rows;
    audit_rows_begin(&rows, registry);
    sealring_status status = confront_settle(&restore->confront, lost, recording->now, registry, error);
    audit_rows_end(&rows, registry, &restore->act);
    return status;
}

static sealring_status commit(struct registry *registry, void *context, sealring_error *error)
{
    struct recording *recording = context;
    struct restore *restore = recording->restore;
    sealring_status status = record(registry, recording, error);
    if (status == SEALRING_OK)
        status =
            audit_append(registry, recording->operation_id, recording->now, recording->actor, &restore->act, error);
    if (status == SEALRING_OK)
        status = registry_audit_size(registry, &restore->result.entries, error);
    restore->result.epoch = registry_vault_row(registry)->epoch;
    return status;
}

static sealring_status carry_out(struct restore *restore, sealring_error *error)
{
    struct recording recording = {.restore = restore, .now = clock_wall_ms()};
    struct registry_write how = {.moves_epoch = true, .dry_run = restore->options.dry_run};
    char aside[INSTALL_PATH_SIZE] = "", trace[SEALRING_MESSAGE_SIZE];
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, error);
    memcpy(recording.operation_id, how.operation_id, sizeof recording.operation_id);
    actor_describe(recording.actor);
    restore->act = (struct audit_act){.name = "vault.restore"};
    if (status == SEALRING_OK)
        status = registry_write(restore->restored, &how, commit, &recording, error);
    audit_release(&restore->act);
    if (status != SEALRING_OK || restore->options.dry_run)
        return status;
    restore->installs = true;
    status = install_registry(restore->config, restore->path, &restore->restored, &restore->live, &restore->lock,
                              &restore->before, &restore->progress, aside, error);
    snprintf(restore->result.aside, sizeof restore->result.aside, "%s", aside);
    if (status != SEALRING_OK)
        return status;
    (void)bell_ring(restore->config->bell); /* verifiers load the restored registry at once */
    restore->witness.settled = true;        /* the losses were assessed */
    witness_settle(&restore->witness, restore->config, restore->live);
    if (registry_lock(restore->live, 0, "restore", NULL) == SEALRING_OK) {
        registry_checkpoint(restore->live, 0);
        registry_unlock(restore->live);
    }
    snprintf(restore->result.remark, sizeof restore->result.remark, "%s", restore->witness.remark);
    if (restore->result.remark[0] == '\0' && trace_file_describe(trace) == TRACE_FAILED)
        snprintf(restore->result.remark, sizeof restore->result.remark, "%.255s", trace);
    return SEALRING_OK;
}

/* ---- The whole restore ---- */

static sealring_status prepare(struct restore *restore, const char *vault, sealring_error *error)
{
    sealring_status status = manager_check_reason(restore->options.accept_loss, error);
    if (status == SEALRING_OK && restore->options.accept_loss != NULL && restore->options.accept_loss[0] == '\0')
        status = error_set(error, SEALRING_INVALID, "accepting a loss takes a reason, which goes on the record");
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
    int64_t wait = restore->options.lock_wait > 0 ? restore->options.lock_wait : RESTORE_LOCK_WAIT_MS;
    struct replay *replay = &restore->replay;
    sealring_status status = lock_acquire(&restore->lock, wait, "restore", error);
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
                              .key = &restore->key,
                              .witness = &restore->witness,
                              .progress = &restore->progress};
    if (status == SEALRING_OK)
        status = replay_plan(replay, error);
    if (status == SEALRING_OK)
        status = replay_run(replay, error);
    if (status == SEALRING_OK) /* by all facts, including those from the exports */
        status = repair(restore, restore->restored, error);
    if (status == SEALRING_OK)
        status = weigh(restore, error);
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
    if (status == SEALRING_OK || status == SEALRING_REFUSED)
        sized_give(result, &restore->result, sizeof restore->result);
    finish(restore);
    free(restore);
    return status;
}
