/* SPDX-License-Identifier: Apache-2.0 */
/* One writing transaction of a manager, with its audit entry. */
#include "manage/session/manager.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/sha256.h"
#include "bell/bell.h"
#include "log/signed_time.h"
#include "manage/session/unsigned_facts.h"
#include "registry/rows/closed_facts.h"

#define REHEARSALS_MOST 20 /* each found the registry changed since what was signed */

/* Takes the lock for one commit only, so that a restriction waits for at most one commit. */
static sealring_status lock_for_commit(sealring_manager *manager, sealring_error *error)
{
    if (!manager->restricts && !manager_holds_work(manager))
        return error_set(error, SEALRING_REGISTRY,
                         "the lock %s is not held any more: was the file removed? Nothing was changed",
                         manager->config->work);
    return registry_lock(manager->registry, manager->lock_wait, manager->purpose, error);
}

struct commit manager_commit(sealring_manager *manager, bool moves_epoch, struct audit_act *act, sealring_error *error)
{
    return (struct commit){.manager = manager, .act = act, .moves_epoch = moves_epoch, .error = error};
}

/* Before the first try. */
static sealring_status commit_prepare(struct commit *commit)
{
    sealring_manager *manager = commit->manager;
    struct registry_write how = {
        .moves_epoch = commit->moves_epoch,
        .dry_run = manager->dry_run,
        .schema = commit->corrects                               ? REGISTRY_SCHEMA_CORRECTION
                  : commit->restricts || manager->repairs_schema ? REGISTRY_SCHEMA_UNTRUSTED
                                                                 : REGISTRY_SCHEMA_EXACT,
    };
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, commit->error);
    if (status == SEALRING_OK)
        status = manager_random(manager->commit_seed, sizeof manager->commit_seed, commit->error);
    if (status != SEALRING_OK)
        return status;
    commit->locks = !registry_is_locked(manager->registry);
    if (commit->locks)
        status = lock_for_commit(manager, commit->error);
    commit->prepared = status == SEALRING_OK;
    commit->writing = registry_writing(manager->registry, &how, commit->error);
    return status;
}

/* An act starts from facts that it has checked; a restriction waits for no check, because it takes away only. */
static sealring_status commit_check_facts(struct commit *commit)
{
    sealring_manager *manager = commit->manager;
    sealring_status status =
        registry_closed_head(manager->registry, &commit->closed_before, commit->head_before, commit->error);
    bool waits = commit->act != NULL && !commit->restricts && !manager->restricts;
    return status == SEALRING_OK && waits ? manager_follow_facts(manager, commit->error) : status;
}

bool commit_begin(struct commit *commit, sealring_status *status)
{
    sealring_manager *manager = commit->manager;
    manager->doubtful = false;
    *status = commit->prepared ? SEALRING_OK : commit_prepare(commit);
    if (commit->time_ms == 0)
        commit->time_ms = clock_wall_ms();
    manager->commit_ms = commit->time_ms;
    commit->records = *status == SEALRING_OK && registry_begin(&commit->writing, status);
    if (!commit->records)
        return false;
    if (commit->act != NULL)
        audit_rows_begin(&commit->rows, manager->registry);
    *status = commit_check_facts(commit);
    return *status == SEALRING_OK;
}

/* Adds the audit entry to a try that did its work. */
static void commit_record(struct commit *commit, sealring_status *status)
{
    struct registry *registry = commit->manager->registry;
    if (commit->records && *status == SEALRING_OK)
        *status = registry_closed_head(registry, &commit->closed_count, commit->head, commit->error);
    if (!commit->records || commit->act == NULL)
        return;
    audit_rows_end(&commit->rows, registry, commit->act);
    if (*status == SEALRING_OK)
        *status = audit_append(registry, commit->writing.how.operation_id, commit->time_ms, commit->manager->actor,
                               commit->act, commit->error);
}

static bool is_key_kept(const struct registry_key *written, const struct registry_key *kept)
{
    return kept->id == written->id && kept->state == written->state && kept->narrowed == written->narrowed &&
           strcmp(kept->narrowed_scopes, written->narrowed_scopes) == 0;
}

static bool is_version_kept(const struct registry_version *written, const struct registry_version *kept)
{
    return kept->state == written->state && kept->was_compromised == written->was_compromised &&
           kept->closing_owed == written->closing_owed && kept->closed == written->closed &&
           kept->purge_at == written->purge_at && !kept->edited;
}

/* The row that the act has written, as it will be committed: a success that the registry did not keep is never reported. */
static sealring_status commit_confirm(const struct commit *commit)
{
    struct registry *registry = commit->manager->registry;
    bool found = true, kept = true;
    sealring_status status = SEALRING_OK;
    if (commit->key != NULL) {
        struct registry_key key;
        status = registry_key_find(registry, commit->key->key_id, &key, &found, commit->error);
        kept = status == SEALRING_OK && found && is_key_kept(commit->key, &key);
    } else if (commit->version != NULL) {
        struct registry_version version;
        status = registry_version_find(registry, commit->version->ring, commit->version->number, &version, &found,
                                       commit->error);
        kept = status == SEALRING_OK && found && is_version_kept(commit->version, &version);
    }
    return status != SEALRING_OK || kept ? status : registry_unkept(registry, "the row", commit->error);
}

static void note_correction(sealring_manager *manager)
{
    (void)snprintf(manager->correction, sizeof manager->correction,
                   "ALARM: the registry was altered: the facts corrected %s", registry_corrected(manager->registry));
    atomic_store(&manager->alarmed, true);
}

/* ---- the signature of what permits something ---- */

/* *signs: this transaction must be rolled back, and what it has resulted in is to be signed. */
static sealring_status commit_rehearse(struct commit *commit, bool *signs)
{
    sealring_manager *manager = commit->manager;
    bool permits = false, covered = false;
    *signs = false;
    if (manager->dry_run || commit->restricts || manager->restricts || !witness_configured(manager->config) ||
        commit->closed_count == commit->closed_before)
        return SEALRING_OK;
    sealring_status status = fact_tail_permits(manager->registry, commit->closed_before, &permits, commit->error);
    if (status == SEALRING_OK && permits)
        status = witness_rehearse(&commit->first, manager->registry, &covered, commit->error);
    *signs = status == SEALRING_OK && permits && !covered;
    return status;
}

/* A restriction is committed whatever the registry contains, and its fact starts from the last one, which somebody may have edited for that moment.
 * Then it is no fact of the operator's side: the next act reports it. The compromise of a version may also activate another one. */
static sealring_status commit_check_restriction(struct commit *commit)
{
    struct registry *registry = commit->manager->registry;
    struct fact_tail all = {.count = 0};
    struct checkpoint newest;
    bool forged, permits = false;
    sealring_status status = signed_newest(registry, witness_counts, &newest, &forged, commit->error);
    if (status == SEALRING_OK)
        status = fact_tail_follow(registry, &all, false, newest.closed_count, newest.closed.bytes, NULL, commit->error);
    if (status == SEALRING_OK && commit->version == NULL)
        status = fact_tail_permits(registry, commit->closed_before, &permits, commit->error);
    commit->unsound = all.broken != 0 || all.lacks_signed || permits;
    return status;
}

/* Facts that are committed before they are signed; a killed process leaves them so. */
static sealring_status commit_note_restriction(struct commit *commit)
{
    const sealring_manager *manager = commit->manager;
    if (manager->dry_run || commit->first != NULL || commit->closed_count == commit->closed_before ||
        !witness_configured(manager->config))
        return SEALRING_OK;
    sealring_status status = commit->restricts || manager->restricts ? commit_check_restriction(commit) : SEALRING_OK;
    if (status == SEALRING_OK && !commit->unsound)
        unsigned_note(manager->config, manager->registry, commit->closed_before, commit->version != NULL);
    return status;
}

/* Outside the transaction that was rolled back. Only restrictions can have been committed meanwhile, as vault.work is held. */
static sealring_status commit_sign(struct commit *commit)
{
    sealring_manager *manager = commit->manager;
    if (++commit->rehearsals > REHEARSALS_MOST)
        return error_set(commit->error, SEALRING_REGISTRY,
                         "the registry was changed again and again while the audit token signed: repeat the command");
    if (commit->locks)
        registry_unlock(manager->registry);
    sealring_status status =
        witness_sign_first(&manager->witness, manager->config, manager->registry, commit->first, commit->error);
    if (status == SEALRING_OK && commit->locks)
        status = lock_for_commit(manager, commit->error);
    else if (commit->locks)
        commit->locks = false; /* it is not held */
    return status;
}

/* Ends one try. Returns whether another one follows. */
static bool commit_end_try(struct commit *commit, sealring_status *status)
{
    bool signs = false;
    commit_record(commit, status);
    if (commit->records && *status == SEALRING_OK)
        *status = commit_confirm(commit);
    if (commit->records && *status == SEALRING_OK)
        *status = commit_rehearse(commit, &signs);
    if (commit->records && *status == SEALRING_OK)
        *status = commit_note_restriction(commit);
    const bool dry_run = commit->writing.how.dry_run;
    commit->writing.how.dry_run = dry_run || signs;
    commit->complete = *status == SEALRING_OK && !signs;
    bool again = registry_again(&commit->writing, status);
    commit->writing.how.dry_run = dry_run;
    if (again || !signs || *status != SEALRING_OK)
        return again;
    *status = commit_sign(commit);
    const struct registry_write how = commit->writing.how;
    commit->writing = registry_writing(commit->manager->registry, &how, commit->error);
    return *status == SEALRING_OK;
}

/* ---- the end ---- */

static void commit_note_facts(struct commit *commit)
{
    struct fact_range added = {.first = commit->closed_before + 1, .last = commit->closed_count};
    memcpy(added.hash, commit->head, sizeof added.hash);
    if (commit->first == NULL && !commit->unsound)
        own_facts_add(&commit->manager->own, &added, commit->head_before);
}

bool commit_again(struct commit *commit, sealring_status *status)
{
    sealring_manager *manager = commit->manager;
    if (!commit->prepared) {
        manager->commit_ms = 0;
        return false;
    }
    if (commit_end_try(commit, status))
        return true;
    manager->commit_ms = 0;
    bool committed = *status == SEALRING_OK;
    manager->doubtful = commit->complete && !committed;
    manager_note_schema(manager, !committed && commit->error != NULL && registry_refused_altered(manager->registry));
    if (committed && registry_corrected(manager->registry)[0] != '\0')
        note_correction(manager);
    bool moved = committed && commit->moves_epoch && !manager->dry_run;
    if (moved)
        (void)bell_ring(manager->config->bell); /* verifiers that are not woken find the change at their next poll */
    if (commit->locks) {
        registry_unlock(manager->registry);
        registry_copy_log(manager->registry, MANAGER_COPY_PAGES);
    }
    if (committed && !manager->dry_run)
        commit_note_facts(commit);
    witness_end_first(&manager->witness, manager->config, manager->registry, &commit->first, committed);
    manager->wrote = manager->wrote || committed;
    manager->unsettled = manager->unsettled || (committed && commit->act != NULL);
    if (moved) {
        manager->committed = (struct roster_change){.epoch = registry_vault_row(manager->registry)->epoch,
                                                    .closed_count = commit->closed_count,
                                                    .committed_boot_ms = clock_boot_ms()};
        memcpy(manager->committed.closed_hash, commit->head, sizeof commit->head);
    }
    return false;
}

void commit_random(const sealring_manager *manager, const char *name, uint8_t bytes[REGISTRY_DIGEST_SIZE])
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, manager->commit_seed, sizeof manager->commit_seed);
    sha256_add(&hash, name, strlen(name));
    sha256_finish(&hash, bytes);
}

int64_t manager_now(const sealring_manager *manager)
{
    return manager->commit_ms != 0 ? manager->commit_ms : clock_wall_ms();
}

sealring_status manager_record(sealring_manager *manager, struct audit_act *act, sealring_error *error)
{
    sealring_status status;
    struct commit commit = manager_commit(manager, false, act, error);
    do {
        commit_begin(&commit, &status);
    } while (commit_again(&commit, &status));
    return status;
}
