/* SPDX-License-Identifier: Apache-2.0 */
/* What all operations share: the open vault, its lock, its token, its transactions with their audit entries. */
#include "manage/session/manager.h"

#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sealring/outside.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/name.h"
#include "base/secret.h"
#include "base/struct_size.h"
#include "log/key_change.h"
#include "manage/session/actor.h"
#include "token/module/trace_file.h"

#define MANAGER_LOCK_WAIT_MS   10000
#define MANAGER_URGENT_WAIT_MS 120000

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
    /* a committed restriction would still seem to wait */
    if (manager->waits != NULL && !manager->followed)
        manager->waits(holder->text, holder->stopped, manager->waits_context);
}

/* The file of the login lock contains no note of its holder: it is a login record. */
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

static sealring_status open_registry(sealring_manager *manager, enum registry_mode mode, sealring_error *error)
{
    const struct config *config = manager->config;
    const char *lock = mode != REGISTRY_READ_ONLY ? config->lock : NULL;
    sealring_status status = registry_open(config->registry, lock, mode, &manager->registry, error);
    if (status == SEALRING_OK)
        registry_trust_key(manager->registry, config->audit_key);
    if (status == SEALRING_OK)
        manager_note_schema(manager, false);
    if (status == SEALRING_OK)
        manager_note_audit_key(manager);
    return status == SEALRING_OK && !manager->read_only ? open_locks(manager, error) : status;
}

sealring_status manager_open(const char *vault, const sealring_manage_options *options, bool upgrades,
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
    actor_describe(manager->actor);
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
        status = open_registry(manager,
                               upgrades             ? REGISTRY_UPGRADE
                               : manager->read_only ? REGISTRY_READ_ONLY
                                                    : REGISTRY_READ_WRITE,
                               error);
    if (status != SEALRING_OK) {
        sealring_manager_close(&manager);
        return status;
    }
    *opened = manager;
    return SEALRING_OK;
}

sealring_status sealring_manager_open(const char *vault, const sealring_manage_options *options,
                                      sealring_manager **opened, sealring_error *error)
{
    return manager_open(vault, options, false, opened, error);
}

/* Empties the write-ahead log, unless another process is working, which then empties it: while no process writes, the database itself contains
 * everything that was committed. */
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
    own_notes_release(&(*manager)->own);
    X509_free((*manager)->seals_to);
    free((*manager)->take_over);
    free((*manager)->trust_clock);
    free(*manager);
    *manager = NULL;
}

sealring_status manager_check_owner(const sealring_manager *manager, sealring_error *error)
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

void sealring_process_remark(char remark[2 * SEALRING_MESSAGE_SIZE])
{
    char trace[SEALRING_MESSAGE_SIZE] = "";
    bool unlocked = secret_was_unlocked();
    bool failed = trace_file_describe(trace) == TRACE_FAILED;
    snprintf(remark, 2 * SEALRING_MESSAGE_SIZE, "%s%s%s", unlocked ? SECRET_UNLOCKED_WORDS : "",
             unlocked && failed ? "; " : "", failed ? trace : "");
}

/* Joins all remarks. */
void manager_compose_remark(sealring_manager *manager)
{
    char notice[SOFTWARE_NOTICE_SIZE], process[2 * SEALRING_MESSAGE_SIZE];
    if (software_notice(manager->config->software, notice))
        memcpy(manager->token_remark, notice, sizeof notice);
    sealring_process_remark(process);
    const char *const parts[] = {manager->witness.remark,
                                 manager->witness.notice,
                                 manager->token_remark,
                                 manager->schema_remark,
                                 manager->audit_key_differs ? MANAGER_AUDIT_KEY_DIFFERS : "",
                                 manager->correction,
                                 process,
                                 atomic_load(&manager->contradicted) ? MANAGER_CONTRADICTED : ""};
    size_t length = 0;
    manager->remark[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i][0] != '\0' && length < sizeof manager->remark)
            length += (size_t)snprintf(manager->remark + length, sizeof manager->remark - length, "%s%s",
                                       length > 0 ? "; " : "", parts[i]);
}

void manager_note_schema(sealring_manager *manager, bool refused)
{
    const char *altered = registry_altered(manager->registry);
    manager->schema_told = altered[0] != '\0' && (manager->schema_told || refused);
    manager->schema_remark[0] = '\0';
    if (altered[0] != '\0' && !manager->schema_told)
        (void)snprintf(
            manager->schema_remark, sizeof manager->schema_remark,
            "ALARM: somebody altered the schema of the registry: %s; nothing but restrictions is written before it "
            "is repaired: run sealring doctor --repair",
            altered);
}

void manager_note_audit_key(sealring_manager *manager)
{
    bool agrees = true;
    sealring_error ignored; /* a registry that cannot be read is noticed by what needs it */
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, &ignored);
    do {
        if (registry_begin(&reading, &status))
            status = audit_keys_agree(manager->registry, &agrees, &ignored);
    } while (registry_again(&reading, &status));
    manager->audit_key_differs = status == SEALRING_OK && !agrees;
}

sealring_status manager_token(sealring_manager *manager, sealring_error *error)
{
    if (manager->token != NULL)
        return SEALRING_OK;
    sealring_status status = config_check_environment(manager->config, error);
    if (status != SEALRING_OK)
        return status;
    struct token_config token = config_token(manager->config);
    status = token_open(&token, &manager->token, error);
    if (status != SEALRING_OK)
        software_explain(manager->config->software, error);
    manager_compose_remark(manager);
    return status;
}

sealring_status manager_read_roster(sealring_manager *manager, struct registry *registry, sealring_error *error)
{
    /* a manager may be open for days, and a file system may be mounted meanwhile */
    sealring_status status = config_check_mounts(manager->config, error);
    if (status == SEALRING_OK)
        status = roster_read(registry, manager->config->verifiers, &manager->roster, error);
    if (status == SEALRING_OK)
        status = roster_find_change(registry, &manager->committed, error);
    manager->roster.now = manager->commit_ms != 0 ? manager->commit_ms : manager->roster.now;
    return status;
}

sealring_status manager_read_vault(sealring_manager *manager, struct registry_vault *vault, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            *vault = *registry_vault_row(manager->registry);
    } while (registry_again(&reading, &status));
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

sealring_status manager_check_founded(const struct registry_ring *ring, sealring_error *error)
{
    return !ring->unfounded ? SEALRING_OK
                            : error_set(error, SEALRING_REFUSED,
                                        "ALARM: no fact is about a ring %s with the ID that its row contains: the "
                                        "registry was altered; nothing was changed: restore the newest backup",
                                        ring->name);
}

sealring_status manager_get_ring(struct registry *registry, const char *name, struct registry_ring *ring,
                                 sealring_error *error)
{
    bool found = false;
    sealring_status status = manager_check_ring_name(name, error);
    if (status == SEALRING_OK)
        status = registry_ring_find(registry, name, ring, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no ring %s: see `sealring ring list`", name);
    return status == SEALRING_OK ? manager_check_founded(ring, error) : status;
}

sealring_status manager_random(uint8_t *bytes, size_t length, sealring_error *error)
{
    if (RAND_bytes(bytes, (int)length) == 1)
        return SEALRING_OK;
    return error_set(error, SEALRING_SYSTEM, "OpenSSL's random generator failed");
}

const char *sealring_manager_remark(sealring_manager *manager)
{
    manager_compose_remark(manager); /* a secret may have come to unlocked memory since the last act */
    return manager->remark;
}

bool manager_holds_work(const sealring_manager *manager)
{
    return lock_held(&manager->work);
}
