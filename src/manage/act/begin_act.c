/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of an act: the token's files, the tokens, the locks, the anchor, and what an interrupted act left incomplete. */
#include "manage/act/act.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "manage/act/clock_check.h"
#include "manage/act/era_check.h"
#include "manage/act/foreign_tail.h"
#include "manage/session/own_token_files.h"
#include "manage/tokens/recover_interrupted.h"
#include "manage/tokens/token_file_copies.h"

#define MANAGER_LOGIN_WAIT_MS 2000 /* a restriction's wait for the login lock */
#define MANAGER_YIELD_NSEC    25000000L
#define MANAGER_YIELDS_MOST   200 /* 5 s: a process that keeps announcing restrictions blocks nobody permanently */

/* Under the lock. The registry of a manager only grows while the manager exists, so the anchor is checked once. A restriction takes away only,
 * and does not wait for this. */
static sealring_status check_registry(sealring_manager *manager, sealring_error *error)
{
    bool contradicts = false;
    sealring_error refusal = {.message = ""};
    if (manager->restricts)
        return SEALRING_OK;
    sealring_status status = manager_read_notes(manager, &refusal);
    if (status == SEALRING_OK && !manager->judged)
        status = witness_check(&manager->witness, manager->registry, &contradicts, &refusal);
    if (status != SEALRING_OK && (!contradicts || manager->take_over == NULL)) {
        if (error != NULL)
            *error = refusal;
        return status;
    }
    status = tail_check(manager, &contradicts, error);
    if (status == SEALRING_OK && contradicts) {
        status = tail_take_over(manager, error);
        manager->witness.settled = status == SEALRING_OK;
    }
    if (status == SEALRING_OK && manager->take_over != NULL && !manager->judged && manager->witness.notice[0] == '\0')
        tail_note(manager, "nothing had to be taken over or confirmed: --take-over was not used");
    manager->judged = manager->judged || (status == SEALRING_OK && !manager->dry_run);
    return status;
}

/* Token files that are not safe block no act, least of all a revocation. */
static void copies_complain(sealring_manager *manager, const sealring_error *trouble)
{
    snprintf(manager->token_remark, sizeof manager->token_remark, "ALARM: %.300s", trouble->message);
}

static void announce(sealring_manager *manager, const char *purpose)
{
    if (!lock_held(&manager->urgent))
        lock_announce(&manager->urgent, purpose);
}

/* An announced restriction has priority over every commit that was not announced, and yields to none. */
static sealring_status mend_urgently(sealring_manager *manager, const char *purpose, bool *of_registry,
                                     sealring_error *error)
{
    struct lock *lock = registry_lock_of(manager->registry);
    announce(manager, purpose);
    lock->yields_to = NULL;
    sealring_status status = copies_mend(manager, manager->lock_wait, of_registry, error);
    lock->yields_to = manager->config->urgent;
    return status;
}

/* A restriction tries once. If the lock is held, it tries again with the priority of its announcement; then it waits for at most one commit, as for
 * its own. To continue without the repair would be worse: an audit token whose anchor is damaged may refuse to show it, and then everything is
 * refused. */
static void mend_files(sealring_manager *manager, const char *purpose, bool restricts)
{
    sealring_error trouble = {.message = ""};
    bool of_registry;
    sealring_status status = copies_mend(manager, restricts ? 0 : manager->lock_wait, &of_registry, &trouble);
    if (status != SEALRING_OK && restricts)
        status = mend_urgently(manager, purpose, &of_registry, &trouble);
    if (status != SEALRING_OK && !of_registry) /* the act itself reports a damaged registry, or that its lock is held */
        copies_complain(manager, &trouble);
}

/* The tokens come first, because waiting for them must not keep others from the locks. A restriction is announced all the same, and waits only
 * briefly for the login lock. If it cannot reach the audit token, it continues without it, as when that token is missing. */
static sealring_status begin_with_tokens(sealring_manager *manager, const char *purpose, bool restricts,
                                         bool with_token, sealring_error *error)
{
    sealring_status status = manager_check_owner(manager, error);
    if (status != SEALRING_OK)
        return status;
    if (manager->read_only)
        return error_set(error, SEALRING_REFUSED, "the vault was opened read-only: nothing can be changed");
    manager->correction[0] = '\0';
    manager->config->login_wait.most_ms = restricts ? MANAGER_LOGIN_WAIT_MS : 0;
    if (restricts)
        announce(manager, purpose);
    mend_files(manager, purpose, restricts);
    if (with_token)
        status = manager_token(manager, error);
    /* a restriction is committed before the audit token is asked, which may hang */
    if (status == SEALRING_OK && !restricts && !manager->witness.anchored)
        witness_read(&manager->witness, manager->config, manager->registry);
    manager_note_audit_key(manager);
    manager_compose_remark(manager);
    return status;
}

/* Takes vault.work, and checks that nobody holds the registry's lock, such as an operator who copies the registry by hand, or a restriction. */
static sealring_status take_work(sealring_manager *manager, sealring_error *error)
{
    sealring_status status = lock_acquire(&manager->work, manager->lock_wait, manager->purpose, error);
    if (status == SEALRING_OK)
        status = registry_lock(manager->registry, manager->lock_wait, manager->purpose, error);
    if (status == SEALRING_OK)
        registry_unlock(manager->registry);
    else
        lock_release(&manager->work);
    return status;
}

/* A registry that cannot be read, such as one that was exchanged meanwhile, is reported by the act itself. */
static void complete_copies(sealring_manager *manager, bool with_token)
{
    sealring_error trouble = {.message = ""};
    bool of_registry = false;
    sealring_status status = with_token ? copies_complete(manager, &of_registry, &trouble) : SEALRING_OK;
    if (status == SEALRING_OK)
        status = kept_token_follow_audit(manager->config, &trouble);
    if (status != SEALRING_OK && !of_registry)
        copies_complain(manager, &trouble);
}

sealring_status manager_begin(sealring_manager *manager, const char *purpose, bool with_token, sealring_error *error)
{
    sealring_error trouble = {.message = ""};
    sealring_status status = begin_with_tokens(manager, purpose, false, with_token, error);
    manager->purpose = purpose;
    manager->restricts = false;
    manager->yielded_epoch = status == SEALRING_OK ? registry_vault_row(manager->registry)->epoch : 0;
    if (status == SEALRING_OK)
        status = take_work(manager, error);
    if (status != SEALRING_OK)
        return status;
    status = check_registry(manager, error);
    bool of_registry = false;
    if (status == SEALRING_OK && with_token && copies_mend_judged(manager, &of_registry, &trouble) != SEALRING_OK &&
        !of_registry)
        copies_complain(manager, &trouble);
    if (status == SEALRING_OK)
        status = copies_record(manager, error);
    if (status == SEALRING_OK && with_token && !manager->dry_run)
        status = recover_unfinished(manager, error);
    if (status == SEALRING_OK)
        complete_copies(manager, with_token);
    if (status == SEALRING_OK)
        era_follow(manager);
    else
        lock_release(&manager->work);
    return status;
}

sealring_status manager_begin_upgrade(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    sealring_status status = begin_with_tokens(manager, purpose, false, false, error);
    manager->purpose = purpose;
    manager->restricts = false;
    manager->upgrades = true;
    if (status == SEALRING_OK)
        status = take_work(manager, error);
    if (status != SEALRING_OK)
        return status;
    status = check_registry(manager, error);
    if (status != SEALRING_OK)
        lock_release(&manager->work);
    return status;
}

sealring_status manager_ready_restriction(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    return manager->dry_run ? manager_token(manager, error) : begin_with_tokens(manager, purpose, false, true, error);
}

sealring_status manager_begin_restriction(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    if (manager->take_over != NULL && !manager->judged) /* the take-over is announced to the audit token first */
        return manager_begin(manager, purpose, false, error);
    sealring_status status = begin_with_tokens(manager, purpose, true, false, error);
    manager->purpose = purpose;
    if (status != SEALRING_OK)
        return status;
    struct lock *lock = registry_lock_of(manager->registry);
    announce(manager, purpose);
    lock->yields_to = NULL;
    status = registry_lock(manager->registry, manager->urgent_wait, purpose, error);
    lock->yields_to = manager->config->urgent;
    manager->restricts = status == SEALRING_OK;
    manager->followed = false;
    if (status == SEALRING_OK)
        status = check_registry(manager, error);
    if (status == SEALRING_OK)
        era_follow(manager);
    else
        registry_unlock(manager->registry);
    if (status != SEALRING_OK) {
        manager->restricts = false;
        lock_release(&manager->urgent);
    }
    return status;
}

sealring_status manager_yield(sealring_manager *manager, bool *yielded, sealring_error *error)
{
    const struct timespec pause = {.tv_nsec = MANAGER_YIELD_NSEC};
    uint64_t epoch = registry_vault_row(manager->registry)->epoch;
    bool restricted = epoch != manager->yielded_epoch;
    manager->yielded_epoch = epoch;
    if (!restricted && !lock_is_announced(manager->config->urgent))
        return SEALRING_OK;
    *yielded = true;
    lock_release(&manager->work);
    int most = MANAGER_YIELDS_MOST;
    do
        nanosleep(&pause, NULL);
    while (lock_is_announced(manager->config->urgent) && --most > 0);
    return take_work(manager, error);
}

sealring_status manager_begin_dated(sealring_manager *manager, const char *purpose, bool with_token,
                                    sealring_error *error)
{
    sealring_status status = manager_begin(manager, purpose, with_token, error);
    if (status != SEALRING_OK)
        return status;
    status = late_check(manager, true, error);
    if (status != SEALRING_OK)
        manager_end(manager);
    return status;
}

sealring_status manager_check_clock(sealring_manager *manager, sealring_error *error)
{
    return late_check(manager, false, error);
}

sealring_status manager_ready(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    sealring_status status = manager_begin_dated(manager, purpose, true, error);
    if (status == SEALRING_OK)
        manager_end(manager);
    return status;
}
