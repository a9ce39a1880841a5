/* SPDX-License-Identifier: Apache-2.0 */
/* What every operation shares: the open vault, its lock, its token, its transactions with their audit entry. */
#include "vault/manager.h"

#include <openssl/rand.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sealring/outside.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/name.h"
#include "base/secret.h"
#include "base/sized.h"
#include "vault/copies.h"
#include "vault/recover.h"
#include "vault/waiting.h"

#define MANAGER_LOCK_WAIT_MS     10000
#define MANAGER_URGENT_WAIT_MS   120000
#define MANAGER_FOLLOW_WAIT_MS   2000 /* of a restriction, for vault.work, after its commit */
#define MANAGER_LOGIN_WAIT_MS    2000 /* of a restriction, for the login lock */
#define MANAGER_YIELD_NSEC       25000000L
#define MANAGER_YIELDS_MOST      200 /* 5 s: whoever goes on announcing holds nobody up for good */
#define MANAGER_CHECKPOINT_PAGES 4000
#define MANAGER_COPY_PAGES       1000 /* more are not copied under vault.lock */

#define ACTOR_HOST_SIZE 128 /* escaped, and cut */

/* Without the characters that part user, host and process: the last @ and the last blank are the record's own. */
static void escape_host(const char *host, char escaped[ACTOR_HOST_SIZE])
{
    char text[ACTOR_HOST_SIZE];
    size_t at = 0;
    sealring_text_escape(host, strlen(host), SEALRING_ESCAPE_TERMINAL, text, sizeof text);
    for (const char *c = text; *c != '\0' && at + 5 < ACTOR_HOST_SIZE; c++)
        at += (size_t)snprintf(escaped + at, 5, *c == '@' || *c == ' ' ? "\\x%02x" : "%c", (unsigned)*c);
    escaped[at] = '\0';
}

void manager_actor(char actor[256])
{
    char host[65] = "?";
    char user[101];
    char place[ACTOR_HOST_SIZE];
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    gethostname(host, sizeof host - 1);
    host[sizeof host - 1] = '\0';
    escape_host(host, place);
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        sealring_text_escape(found->pw_name, strlen(found->pw_name), SEALRING_ESCAPE_TERMINAL, user, sizeof user);
    else
        snprintf(user, sizeof user, "uid %lu", (unsigned long)getuid());
    snprintf(actor, 256, "%s@%s %ld", user, place, (long)getpid());
}

static sealring_status keep_reason(const char *reason, char **kept, sealring_error *error)
{
    sealring_status status = manager_check_reason(reason, error);
    if (status == SEALRING_OK && reason != NULL && (*kept = strdup(reason)) == NULL)
        status = error_no_memory(error);
    return status;
}

static void tell_waiting(const struct lock_holder *holder, void *context)
{
    const sealring_manager *manager = context;
    /* a restriction that is committed would seem to wait still */
    if (manager->waits != NULL && !manager->followed)
        manager->waits(holder->text, holder->stopped, manager->waits_context);
}

/* The login lock's file has no note of its holder: it is a login record. */
static void tell_login(const char *path, char text[TOKEN_HOLDER_SIZE], void *context)
{
    struct lock_holder holder;
    _Static_assert(TOKEN_HOLDER_SIZE >= sizeof holder.text, "a holder's text fits");
    lock_holder_read(-1, path, &holder);
    if (strcmp(text, holder.text) == 0)
        return;
    memcpy(text, holder.text, sizeof holder.text);
    tell_waiting(&holder, context);
}

static void listen(sealring_manager *manager, struct lock *lock)
{
    lock->waits = tell_waiting;
    lock->waits_context = manager;
}

static sealring_status open_locks(sealring_manager *manager, sealring_error *error)
{
    const struct config *config = manager->config;
    sealring_status status = lock_init(&manager->work, config->work, error);
    if (status == SEALRING_OK)
        status = lock_init(&manager->urgent, config->urgent, error);
    listen(manager, &manager->work);
    listen(manager, registry_lock_of(manager->registry));
    registry_lock_of(manager->registry)->yields_to = config->urgent;
    return status;
}

sealring_status sealring_manager_open(const char *vault, const sealring_manage_options *options,
                                      sealring_manager **opened, sealring_error *error)
{
    *opened = NULL;
    sealring_manager *manager = calloc(1, sizeof *manager);
    if (manager == NULL)
        return error_no_memory(error);
    manager->owner = getpid();
    manager->lock_wait = MANAGER_LOCK_WAIT_MS;
    manager->urgent_wait = MANAGER_URGENT_WAIT_MS;
    manager->work.descriptor = manager->urgent.descriptor = -1;
    sealring_manage_options asked;
    sized_take(&asked, sizeof asked, options);
    manager->dry_run = asked.dry_run;
    manager->read_only = asked.read_only;
    if (asked.lock_wait > 0)
        manager->lock_wait = manager->urgent_wait = asked.lock_wait;
    manager->waits = asked.lock_waits;
    manager->waits_context = asked.lock_context;
    manager_actor(manager->actor);
    sealring_status status = keep_reason(asked.take_over, &manager->take_over, error);
    if (status == SEALRING_OK)
        status = keep_reason(asked.trust_clock, &manager->trust_clock, error);
    if (status == SEALRING_OK)
        status = config_load(vault, &manager->config, error);
    if (status == SEALRING_OK)
        status = config_check_places(manager->config, error);
    if (status == SEALRING_OK)
        manager->config->login_wait = (struct token_login_wait){.waits = tell_login, .context = manager};
    if (status == SEALRING_OK)
        status = config_use_pin(manager->config, asked.pin_source, asked.ask_pin, asked.ask_context, error);
    if (status == SEALRING_OK && (manager->read_only || manager->dry_run))
        software_hands_off(manager->config->software);
    if (status == SEALRING_OK)
        status =
            registry_open(manager->config->registry, manager->read_only ? NULL : manager->config->lock,
                          manager->read_only ? REGISTRY_READ_ONLY : REGISTRY_READ_WRITE, &manager->registry, error);
    if (status == SEALRING_OK && !manager->read_only)
        status = open_locks(manager, error);
    if (status != SEALRING_OK) {
        sealring_manager_close(&manager);
        return status;
    }
    *opened = manager;
    return SEALRING_OK;
}

/* Empties the write-ahead log, unless somebody else is at work, who will: while nothing happens all that was committed stands
 * in the database itself. */
static void settle(sealring_manager *manager)
{
    if (!manager->wrote || manager->owner != getpid())
        return;
    registry_copy_log(manager->registry, 0);
    if (registry_lock(manager->registry, 0, "close", NULL) != SEALRING_OK)
        return;
    registry_checkpoint(manager->registry, 0);
    registry_unlock(manager->registry);
}

void sealring_manager_close(sealring_manager **manager)
{
    if (manager == NULL || *manager == NULL)
        return;
    settle(*manager);
    token_close((*manager)->token);
    lock_free(&(*manager)->work);
    lock_free(&(*manager)->urgent);
    registry_close((*manager)->registry); /* also in a forked child: see registry.c */
    config_free((*manager)->config);
    roster_release(&(*manager)->roster);
    free((*manager)->take_over);
    free((*manager)->trust_clock);
    free(*manager);
    *manager = NULL;
}

static sealring_status check_owner(const sealring_manager *manager, sealring_error *error)
{
    if (manager->owner == getpid())
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID, "this process was forked after the vault was opened: open it again");
}

void manager_note_gap(sealring_manager *manager, const char *remark)
{
    struct manager_gap *gap = &manager->gap;
    if (gap->count++ == 0)
        snprintf(gap->remark, sizeof gap->remark, "%.*s", (int)sizeof gap->remark - 1, remark);
}

sealring_status manager_read(sealring_manager *manager, registry_body body, void *context, sealring_error *error)
{
    sealring_status status = check_owner(manager, error);
    return status != SEALRING_OK ? status : registry_read(manager->registry, body, context, error);
}

#define MANAGER_CONTRADICTED \
    "ALARM: the PKCS#11 token answered a question wrongly and, asked again, rightly: have the token and its module examined"

/* Of several things to be said all are. */
static void remark(sealring_manager *manager)
{
    char notice[SOFTWARE_NOTICE_SIZE];
    if (software_notice(manager->config->software, notice))
        memcpy(manager->token_remark, notice, sizeof notice);
    const char *const parts[] = {manager->witness.remark, manager->witness.notice, manager->token_remark,
                                 secret_was_unlocked() ? SECRET_UNLOCKED_WORDS : "",
                                 atomic_load(&manager->contradicted) ? MANAGER_CONTRADICTED : ""};
    size_t length = 0;
    manager->remark[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i][0] != '\0' && length < sizeof manager->remark)
            length += (size_t)snprintf(manager->remark + length, sizeof manager->remark - length, "%s%s",
                                       length > 0 ? "; " : "", parts[i]);
}

sealring_status manager_token(sealring_manager *manager, sealring_error *error)
{
    if (manager->token != NULL)
        return SEALRING_OK;
    sealring_status status = config_check_environment(manager->config, error);
    if (status != SEALRING_OK)
        return status;
    struct token_config token;
    config_token(manager->config, &token);
    status = token_open(&token, &manager->token, error);
    if (status != SEALRING_OK)
        software_explain(manager->config->software, error);
    remark(manager);
    return status;
}

static sealring_status judge(struct registry *registry, void *context, sealring_error *error)
{
    return witness_judge(context, registry, error);
}

struct take_over {
    sealring_manager *manager;
    struct audit_act act;
};

static sealring_status take_over(struct registry *registry, void *context, sealring_error *error)
{
    struct take_over *take_over_context = context;
    const sealring_manager *manager = take_over_context->manager;
    return witness_take_over(&manager->witness, registry, manager->take_over, &take_over_context->act, error);
}

/* Under the lock. The registry of a manager only grows while it lives, so the anchor is judged once. */
static sealring_status check_anchor(sealring_manager *manager, sealring_error *error)
{
    if (manager->judged)
        return SEALRING_OK;
    sealring_status status = registry_read(manager->registry, judge, &manager->witness, error);
    if (status == SEALRING_REFUSED && manager->take_over != NULL) {
        struct take_over context = {manager, {.name = "audit.take-over"}};
        status = manager->dry_run ? SEALRING_OK
                                  : witness_announce(&manager->witness, manager->config, manager->registry, error);
        if (status == SEALRING_OK)
            status = manager_write(manager, true, &context.act, take_over, &context, error);
        manager->witness.settled = status == SEALRING_OK;
        audit_release(&context.act);
    }
    manager->judged = status == SEALRING_OK && !manager->dry_run;
    return status;
}

sealring_status manager_read_roster(sealring_manager *manager, struct registry *registry, sealring_error *error)
{
    /* a manager may be open for days, and a mount may be made meanwhile */
    sealring_status status = config_check_mounts(manager->config, error);
    return status == SEALRING_OK ? roster_read(registry, manager->config->verifiers, &manager->roster, error) : status;
}

sealring_status manager_check_era(struct registry *registry, void *context, sealring_error *error)
{
    sealring_manager *manager = context;
    struct roster_count count;
    char latest[SEALRING_TIME_SIZE];
    if (registry_vault_row(registry)->era_in_force)
        return SEALRING_OK;
    sealring_status status = manager_read_roster(manager, registry, error);
    if (status != SEALRING_OK)
        return status;
    roster_count(&manager->roster, 0, 0, &count);
    if (count.done == count.total)
        return SEALRING_OK;
    sealring_time_format((clock_wall_ms() + count.at_most + 999) / 1000 * 1000, latest);
    return error_set(
        error, SEALRING_WAITING,
        "the registry was put back, and %u of %u verifiers still go by what was before, at the latest until %s: what they "
        "would reject is not issued yet; try again, or let `sealring run --once` wait for it (%s)",
        count.total - count.done, count.total, latest, count.missing);
}

static sealring_status take_vault(struct registry *registry, void *context, sealring_error *error)
{
    (void)error;
    *(struct registry_vault *)context = *registry_vault_row(registry);
    return SEALRING_OK;
}

sealring_status manager_read_vault(sealring_manager *manager, struct registry_vault *vault, sealring_error *error)
{
    return manager_read(manager, take_vault, vault, error);
}

static sealring_status set_era_in_force(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return registry_vault_set_era_in_force(registry, error);
}

/* As soon as no verifier goes by another era this is noted, so that it need not be asked for again: later ones join this one. A registry
 * that cannot note it says so when the act itself is written. */
static void follow_era(sealring_manager *manager)
{
    struct registry_vault vault;
    if (manager->dry_run || manager_read_vault(manager, &vault, NULL) != SEALRING_OK || vault.era_in_force ||
        manager_read(manager, manager_check_era, manager, NULL) != SEALRING_OK)
        return;
    (void)manager_write(manager, false, NULL, set_era_in_force, NULL, NULL);
}

/* Files of tokens that are not safe hold no act up: a revocation least of all. What is wrong with the registry, or keeps its lock, the act itself
 * meets. */
static void copies_complain(sealring_manager *manager, const sealring_error *trouble)
{
    if (trouble->status == SEALRING_REGISTRY)
        return;
    snprintf(manager->token_remark, sizeof manager->token_remark, "ALARM: %.300s", trouble->message);
}

static void announce(sealring_manager *manager, const char *purpose)
{
    if (!lock_held(&manager->urgent))
        lock_announce(&manager->urgent, purpose);
}

/* What a restriction announced goes before everybody who did not, and it yields to nobody. */
static sealring_status mend_urgently(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    struct lock *lock = registry_lock_of(manager->registry);
    announce(manager, purpose);
    lock->yields_to = NULL;
    sealring_status status = copies_mend(manager, manager->lock_wait, error);
    lock->yields_to = manager->config->urgent;
    return status;
}

/* A restriction tries once. Where that fails it is announced first: then it waits for one commit at most, as it would for its own. To go on
 * without would be worse: an audit token whose anchor is damaged may refuse to show it, and then everything is refused. */
static void mend_files(sealring_manager *manager, const char *purpose, bool restricts)
{
    sealring_error trouble = {.message = ""};
    sealring_status status = copies_mend(manager, restricts ? 0 : manager->lock_wait, &trouble);
    if (status == SEALRING_REGISTRY && restricts)
        status = mend_urgently(manager, purpose, &trouble);
    if (status != SEALRING_OK)
        copies_complain(manager, &trouble);
}

/* The tokens first: waiting for them must not keep others from the locks. A restriction is announced even so, and waits for the login lock for a
 * moment only: one that cannot reach the audit token goes on without it, as where that is away. */
static sealring_status begin_with_tokens(sealring_manager *manager, const char *purpose, bool restricts,
                                         bool with_token, sealring_error *error)
{
    sealring_status status = check_owner(manager, error);
    if (status != SEALRING_OK)
        return status;
    if (manager->read_only)
        return error_set(error, SEALRING_REFUSED, "the vault was opened read-only: nothing can be changed");
    manager->config->login_wait.most_ms = restricts ? MANAGER_LOGIN_WAIT_MS : 0;
    if (restricts)
        announce(manager, purpose);
    mend_files(manager, purpose, restricts);
    if (with_token)
        status = manager_token(manager, error);
    if (status == SEALRING_OK && !manager->witness.anchored)
        witness_read(&manager->witness, manager->config, manager->registry);
    remark(manager);
    return status;
}

/* Takes vault.work, and sees that nobody keeps the registry's lock: an operator who copies it by hand, a restriction. */
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
    status = check_anchor(manager, error);
    if (status == SEALRING_OK && with_token && copies_mend_judged(manager, &trouble) != SEALRING_OK)
        copies_complain(manager, &trouble);
    if (status == SEALRING_OK)
        status = copies_record(manager, error);
    if (status == SEALRING_OK && with_token && !manager->dry_run)
        status = recover_unfinished(manager, error);
    if (status == SEALRING_OK && ((with_token && copies_complete(manager, &trouble) != SEALRING_OK) ||
                                  copies_follow_audit(manager->config, &trouble) != SEALRING_OK))
        copies_complain(manager, &trouble);
    if (status == SEALRING_OK)
        follow_era(manager);
    else
        lock_release(&manager->work);
    return status;
}

sealring_status manager_ready(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    if (manager->dry_run)
        return manager_token(manager, error);
    sealring_status status = manager_begin_dated(manager, purpose, true, error);
    if (status == SEALRING_OK)
        manager_end(manager);
    return status;
}

sealring_status manager_ready_restriction(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    return manager->dry_run ? manager_token(manager, error) : begin_with_tokens(manager, purpose, false, true, error);
}

sealring_status manager_begin_restriction(sealring_manager *manager, const char *purpose, sealring_error *error)
{
    if (manager->take_over != NULL && !manager->judged) /* which is told to the audit token first */
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
        status = check_anchor(manager, error);
    if (status == SEALRING_OK)
        follow_era(manager);
    else
        registry_unlock(manager->registry);
    if (status != SEALRING_OK) {
        manager->restricts = false;
        lock_release(&manager->urgent);
    }
    return status;
}

bool manager_holds_work(const sealring_manager *manager)
{
    return lock_held(&manager->work);
}

bool manager_restricted(sealring_manager *manager)
{
    if (!manager->restricts || manager->followed)
        return manager_holds_work(manager);
    manager->followed = true;
    registry_unlock(manager->registry);
    lock_release(&manager->urgent);
    int64_t most = manager->urgent_wait < MANAGER_FOLLOW_WAIT_MS ? manager->urgent_wait : MANAGER_FOLLOW_WAIT_MS;
    return lock_acquire(&manager->work, most, manager->purpose, NULL) == SEALRING_OK;
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

/* Another act that is at work signs what was committed, at its own end, or the next one does. */
static void settle_log(sealring_manager *manager)
{
    if (!manager->unsettled || manager->dry_run)
        return;
    if (manager_holds_work(manager))
        witness_settle(&manager->witness, manager->config, manager->registry);
    else if (witness_configured(manager->config))
        snprintf(manager->witness.remark, sizeof manager->witness.remark,
                 "what was done stands; its checkpoint is signed by the command that is at work, or by the next one");
}

/* Unless somebody else is waiting for it, or is at it. */
static void empty_log(sealring_manager *manager)
{
    bool held = registry_is_locked(manager->registry);
    if (!held)
        registry_copy_log(manager->registry, MANAGER_COPY_PAGES);
    if (!held && (lock_is_announced(manager->config->urgent) ||
                  registry_lock(manager->registry, 0, manager->purpose, NULL) != SEALRING_OK))
        return;
    registry_checkpoint(manager->registry, MANAGER_CHECKPOINT_PAGES);
    registry_unlock(manager->registry);
}

void manager_end(sealring_manager *manager)
{
    (void)manager_restricted(manager);
    waiting_remember(manager);
    settle_log(manager);
    manager->unsettled = false;
    remark(manager);
    empty_log(manager);
    manager->restricts = manager->followed = false;
    lock_release(&manager->work);
}

static sealring_status nothing(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

void manager_end_act(sealring_manager *manager, const struct audit_act *about, sealring_status status,
                     const sealring_error *error)
{
    bool alarmed = atomic_exchange(&manager->alarmed, false);
    if ((alarmed || status == SEALRING_REFUSED || status == SEALRING_WAITING) && !manager->dry_run) {
        struct audit_act act = *about;
        act.name = alarmed ? "alarm" : "refused";
        act.detail = NULL;
        act.failed = false;
        const char *why = status != SEALRING_OK && error != NULL ? error->message : NULL;
        if (why == NULL && atomic_load(&manager->contradicted))
            why = MANAGER_CONTRADICTED;
        audit_detail(&act, "{s:s, s:s?}", "act", about->name, "why", why);
        (void)manager_write(manager, false, &act, nothing, NULL, NULL);
        audit_release(&act);
    }
    manager_end(manager);
}

struct recorded_body {
    sealring_manager *manager;
    const uint8_t *operation_id;
    struct audit_act *act;
    registry_body body;
    void *context;
};

static sealring_status recorded(struct registry *registry, void *context, sealring_error *error)
{
    struct recorded_body *recorded_body = context;
    struct audit_rows rows;
    if (recorded_body->act == NULL)
        return recorded_body->body(registry, recorded_body->context, error);
    audit_rows_begin(&rows, registry);
    sealring_status status = recorded_body->body(registry, recorded_body->context, error);
    audit_rows_end(&rows, registry, recorded_body->act);
    if (status != SEALRING_OK)
        return status;
    return audit_append(registry, recorded_body->operation_id, clock_wall_ms(), recorded_body->manager->actor,
                        recorded_body->act, error);
}

/* Every commit for itself, so that a restriction waits for one commit at most. */
static sealring_status lock_for_commit(sealring_manager *manager, sealring_error *error)
{
    if (!manager->restricts && !manager_holds_work(manager))
        return error_set(error, SEALRING_REGISTRY,
                         "the lock %s is not held any more: was the file removed? Nothing was changed",
                         manager->config->work);
    return registry_lock(manager->registry, manager->lock_wait, manager->purpose, error);
}

sealring_status manager_write(sealring_manager *manager, bool moves_epoch, struct audit_act *act, registry_body body,
                              void *context, sealring_error *error)
{
    struct registry_write how = {.moves_epoch = moves_epoch, .dry_run = manager->dry_run};
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, error);
    if (status != SEALRING_OK)
        return status;
    struct recorded_body whole = {manager, how.operation_id, act, body, context};
    bool held = registry_is_locked(manager->registry);
    if (!held)
        status = lock_for_commit(manager, error);
    if (status != SEALRING_OK)
        return status;
    status = registry_write(manager->registry, &how, recorded, &whole, error);
    if (!held) {
        registry_unlock(manager->registry);
        registry_copy_log(manager->registry, MANAGER_COPY_PAGES);
    }
    manager->wrote = manager->wrote || status == SEALRING_OK;
    manager->unsettled = manager->unsettled || (status == SEALRING_OK && act != NULL);
    if (status == SEALRING_OK && moves_epoch && !manager->dry_run) {
        manager->committed_epoch = registry_vault_row(manager->registry)->epoch;
        manager->committed_boot_ms = clock_boot_ms();
    }
    return status;
}

sealring_status manager_check_reason(const char *reason, sealring_error *error)
{
    char problem[128];
    const char *wrong = reason == NULL ? NULL : name_contact_problem(reason, problem);
    if (wrong == NULL)
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID, "the reason %s", wrong);
}

sealring_status manager_check_ring_name(const char *name, sealring_error *error)
{
    char problem[128];
    const char *wrong = name_problem(name, problem);
    return wrong == NULL ? SEALRING_OK : error_set(error, SEALRING_INVALID, "the ring's name %s", wrong);
}

sealring_status manager_get_ring(struct registry *registry, const char *name, struct registry_ring *ring,
                                 sealring_error *error)
{
    sealring_status status = manager_check_ring_name(name, error);
    if (status == SEALRING_OK)
        status = registry_ring_get(registry, name, ring, error);
    if (status != SEALRING_NOT_FOUND)
        return status;
    return error_set(error, SEALRING_NOT_FOUND, "there is no ring %s: see `sealring ring list`", name);
}

sealring_status manager_random(uint8_t *bytes, size_t length, sealring_error *error)
{
    if (RAND_bytes(bytes, (int)length) == 1)
        return SEALRING_OK;
    return error_set(error, SEALRING_SYSTEM, "OpenSSL's random generator failed");
}

struct description {
    struct registry_vault vault;
    struct registry_clock clock;
};

static sealring_status read_vault(struct registry *registry, void *context, sealring_error *error)
{
    struct description *description = context;
    description->vault = *registry_vault_row(registry);
    return registry_clock_get(registry, &description->clock, error);
}

sealring_status sealring_vault_describe(sealring_manager *manager, sealring_vault_info *info, sealring_error *error)
{
    struct description description;
    const struct registry_vault *vault = &description.vault;
    sealring_status status = manager_read(manager, read_vault, &description, error);
    if (status != SEALRING_OK)
        return status;
    sealring_vault_info whole = {.epoch = vault->epoch,
                                 .schema = vault->schema,
                                 .created = vault->created,
                                 .last_run = description.clock.wall_ms};
    snprintf(whole.path, sizeof whole.path, "%s", manager->config->directory);
    snprintf(whole.module, sizeof whole.module, "%s", manager->config->module);
    snprintf(whole.token_uri, sizeof whole.token_uri, "%s", manager->config->token);
    hex_encode(vault->vault_id, sizeof vault->vault_id, whole.vault_id);
    hex_encode(vault->era, sizeof vault->era, whole.era);
    sized_give(info, &whole, sizeof whole);
    return SEALRING_OK;
}

const char *sealring_manager_remark(const sealring_manager *manager)
{
    return manager->remark;
}
