/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrades the registry of an older program: adds what its tables lack, then begins the facts with values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/backup.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "manage/audit/audit_log.h"
#include "manage/audit/value_facts.h"
#include "manage/backup/unannounced_backup.h"
#include "manage/session/manager.h"
#include "registry/rows/closed_facts.h"

struct upgrade {
    sealring_manager *manager;
    sealring_upgrade_options asked;
    sealring_audit_problem_callback each;
    void *context;
    char problem[160]; /* the first one */
    struct backup backup;
    bool backed_up; /* `backup` is of the registry before the first step */
    bool begun;     /* facts contain values */
    char vkey
        [NOTE_KEY_TEXT_SIZE]; /* the audit token's, for a configuration without audit-key; "": there is nothing to add */
    sealring_upgrade_result result;
};

static int take_problem(uint64_t entry, const char *text, void *context)
{
    struct upgrade *upgrade = context;
    if (upgrade->problem[0] == '\0')
        snprintf(upgrade->problem, sizeof upgrade->problem, "%.150s", text);
    return upgrade->each != NULL ? upgrade->each(entry, text, upgrade->context) : 0;
}

/* ---- What is there ---- */

static sealring_status look(struct upgrade *upgrade, sealring_error *error)
{
    struct registry *registry = upgrade->manager->registry;
    struct registry_vault vault = {.schema = 0};
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        vault = *registry_vault_row(registry);
        status = registry_facts_begun(registry, &vault, error);
        if (status == SEALRING_OK)
            status = registry_audit_size(registry, &upgrade->result.entries, error);
    } while (registry_again(&reading, &status));
    upgrade->begun = vault.facts_begun;
    upgrade->result.from = upgrade->result.to = vault.schema;
    return status;
}

/* A verifier whose file cannot be read may be an older one. One that has been silent for a lease since this command began may go on as long as its
 * process exists, and could not read the registry then. */
static void find_older(struct upgrade *upgrade)
{
    const struct roster *roster = &upgrade->manager->roster;
    sealring_upgrade_result *result = &upgrade->result;
    size_t length = 0;
    result->older = 0;
    result->missing[0] = '\0';
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        bool may_return = entry->watched.held || roster_may_serve(roster, entry);
        if (entry->schema >= REGISTRY_SCHEMA || !may_return)
            continue;
        if (length < sizeof result->missing)
            length += (size_t)snprintf(result->missing + length, sizeof result->missing - length, "%s%s",
                                       result->older > 0 ? ", " : "", entry->name);
        result->older++;
    }
}

/* ---- In the transaction ---- */

static sealring_status examine(struct upgrade *upgrade, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    const sealring_audit_check check = {.size = sizeof check};
    sealring_audit_report report = {.size = sizeof report};
    bool contradicts;
    sealring_status status = witness_compare(&manager->witness, manager->registry, &contradicts, error);
    if (status == SEALRING_OK)
        status = audit_verify(manager->registry, &check, take_problem, upgrade, NULL, &report, error);
    if (report.problems > 0)
        status =
            error_set(error, SEALRING_REFUSED,
                      "the registry is not upgraded, as its audit log is not what it should be: %llu problems, the "
                      "first is: %s",
                      (unsigned long long)report.problems, upgrade->problem);
    upgrade->result.entries = report.entries;
    if (status == SEALRING_OK && upgrade->backed_up && upgrade->backup.entries != report.entries)
        status = error_set(error, SEALRING_REFUSED,
                           "the registry is not upgraded, as it was changed after its backup: repeat the command with "
                           "another file");
    return status;
}

static void describe(const struct upgrade *upgrade, struct audit_act *act)
{
    const sealring_upgrade_result *result = &upgrade->result;
    audit_detail(act, "{s:i, s:i, s:b}", "from", result->from, "to", REGISTRY_SCHEMA, "added", (int)result->added);
    if (result->begun) {
        audit_detail_add(act, "facts", json_integer((json_int_t)result->facts));
        audit_detail_add(act, "labels_unknown", json_integer((json_int_t)result->labels_unknown));
    } else {
        audit_detail_add(act, "waits_for", audit_text(result->missing));
    }
    if (result->backup_sha256[0] != '\0')
        audit_detail_add(act, "backup", json_string(result->backup_sha256));
}

static sealring_status wait_for_older(const struct upgrade *upgrade, sealring_error *error)
{
    return error_set(
        error, SEALRING_WAITING,
        "the upgrade is not complete, nothing is lost: %u verifier%s of an older program may serve (%.200s): "
        "restart them with this release, then run `sealring upgrade` again",
        upgrade->result.older, upgrade->result.older == 1 ? "" : "s", upgrade->result.missing);
}

static sealring_status change(struct upgrade *upgrade, struct audit_act *act, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    sealring_upgrade_result *result = &upgrade->result;
    struct value_facts made = {.count = 0};
    sealring_status status = examine(upgrade, error);
    if (status == SEALRING_OK)
        status = manager_read_roster(manager, manager->registry, error);
    if (status != SEALRING_OK)
        return status;
    find_older(upgrade);
    result->added = result->from < REGISTRY_SCHEMA;
    result->begun = result->older == 0;
    if (!result->added && !result->begun)
        return wait_for_older(upgrade, error);
    if (result->begun)
        status = value_facts_begin(manager->registry, manager_now(manager), &made, error);
    result->facts = made.count;
    result->labels_unknown = made.unsure;
    if (status == SEALRING_OK)
        describe(upgrade, act);
    result->entries++;
    return status;
}

static sealring_status commit(struct upgrade *upgrade, sealring_error *error)
{
    struct audit_act act = {.name = "vault.upgrade"};
    sealring_status status;
    struct commit commit = manager_commit(upgrade->manager, true, &act, error); /* servers read the facts at once */
    do {
        if (commit_begin(&commit, &status))
            status = change(upgrade, &act, error);
    } while (commit_again(&commit, &status));
    audit_release(&act);
    if (status != SEALRING_OK)
        upgrade->result.added = upgrade->result.begun = false;
    return status;
}

/* ---- Before it ---- */

/* In a transaction that is rolled back: a registry that is refused is neither changed nor backed up. */
static sealring_status rehearse(struct upgrade *upgrade, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    bool dry_run = manager->dry_run;
    manager->dry_run = true;
    sealring_status status = commit(upgrade, error);
    manager->dry_run = dry_run;
    return status;
}

static sealring_status back_up(struct upgrade *upgrade, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    const struct backup_progress progress = {upgrade->asked.progress, upgrade->asked.progress_context};
    if (upgrade->asked.backup == NULL || upgrade->result.from >= REGISTRY_SCHEMA)
        return SEALRING_OK;
    sealring_status status = rehearse(upgrade, error);
    if (status == SEALRING_OK)
        status = backup_before_upgrade(manager, upgrade->asked.backup, &progress, &upgrade->backup, error);
    upgrade->backed_up = status == SEALRING_OK;
    if (upgrade->backed_up && upgrade->backup.bytes > 0)
        hex_encode(upgrade->backup.sha256, sizeof upgrade->backup.sha256, upgrade->result.backup_sha256);
    return status;
}

static sealring_status check_asked(const struct upgrade *upgrade, sealring_error *error)
{
    const struct config *config = upgrade->manager->config;
    const sealring_upgrade_options *asked = &upgrade->asked;
    if (asked->backup != NULL && asked->no_backup)
        return error_set(error, SEALRING_INVALID, "a backup is wanted, and none is wanted: choose one");
    if (upgrade->result.from >= REGISTRY_SCHEMA || asked->no_backup)
        return SEALRING_OK;
    if (asked->backup == NULL)
        return error_set(
            error, SEALRING_REFUSED,
            "the registry is not upgraded without a backup: name one with --backup FILE, which is made, or "
            "give --no-backup");
    if (!witness_configured(config))
        return error_set(
            error, SEALRING_TOKEN,
            "this vault has no audit token, so nothing can sign a backup: copy the registry by hand while no "
            "command works, then give --no-backup");
    return SEALRING_OK;
}

static sealring_status check_witness(const struct upgrade *upgrade, sealring_error *error)
{
    const sealring_manager *manager = upgrade->manager;
    const struct audit_witness *witness = &manager->witness;
    if (!witness_configured(manager->config) || witness->anchored)
        return SEALRING_OK;
    return error_set(error, SEALRING_TOKEN,
                     "the registry is not upgraded, as whether it was rolled back is not known: %s",
                     witness->remark[0] != '\0' ? witness->remark : witness->notice);
}

/* ---- The key that verifies checkpoints ---- */

/* From the audit token, as the registry's writer cannot change that. From here on it counts for this registry, too. */
static sealring_status recall_key(struct upgrade *upgrade, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    struct audit_witness witness = {.anchored = false};
    struct audit_keys keys;
    sealring_error inner = {.message = ""};
    if (!witness_configured(manager->config) || manager->config->audit_key[0] != '\0')
        return SEALRING_OK;
    sealring_status status =
        witness_recall(&witness, manager->config, registry_vault_row(manager->registry)->vault_id, &keys, &inner);
    if (status != SEALRING_OK)
        return error_set(error, SEALRING_TOKEN,
                         "the key that verifies checkpoints cannot be added to " CONFIG_FILE
                         ", as the audit token does not show it: %s",
                         witness.unknown ? "it has no key pair for this vault" : inner.message);
    note_key_format(audit_keys_newest(&keys), upgrade->vkey);
    registry_trust_key(manager->registry, upgrade->vkey);
    manager_note_audit_key(manager);
    return SEALRING_OK;
}

/* Only when the upgrade is complete: an older program refuses a configuration with a key that it does not know. Under vault.work. */
static sealring_status add_key(struct upgrade *upgrade, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    sealring_status status = SEALRING_OK;
    if (upgrade->vkey[0] == '\0')
        return status;
    if (!manager->dry_run)
        status = config_add_audit_key(manager->config, upgrade->vkey, error);
    upgrade->result.key_added = status == SEALRING_OK;
    if (status == SEALRING_OK)
        snprintf(upgrade->result.audit_key, sizeof upgrade->result.audit_key, "%s", upgrade->vkey);
    return status;
}

/* The registry needs nothing, if the fact with which facts begin is signed. */
static sealring_status complete(struct upgrade *upgrade, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    sealring_status status = recall_key(upgrade, error);
    if (status == SEALRING_OK)
        status = manager_check_facts(manager, true, error);
    if (status != SEALRING_OK)
        return status;
    if (upgrade->vkey[0] != '\0') {
        status = lock_acquire(&manager->work, manager->lock_wait, "upgrade", error);
        if (status != SEALRING_OK)
            return status;
        status = add_key(upgrade, error);
        lock_release(&manager->work);
        snprintf(upgrade->result.remark, sizeof upgrade->result.remark, "%.639s", sealring_manager_remark(manager));
    }
    upgrade->result.complete = status == SEALRING_OK;
    return status;
}

/* ---- The whole upgrade ---- */

static sealring_status run(struct upgrade *upgrade, sealring_error *error)
{
    sealring_manager *manager = upgrade->manager;
    sealring_status status = manager_begin_upgrade(manager, "upgrade", error);
    if (status != SEALRING_OK)
        return status;
    status = check_witness(upgrade, error);
    if (status == SEALRING_OK)
        status = recall_key(upgrade, error);
    if (status == SEALRING_OK)
        status = back_up(upgrade, error);
    if (status == SEALRING_OK)
        status = commit(upgrade, error);
    if (status == SEALRING_OK && upgrade->result.begun)
        status = add_key(upgrade, error);
    if (status != SEALRING_OK)
        manager->dry_run =
            true; /* nothing is written: not even what was learned of verifiers, as every write adds the columns */
    manager_end(manager);
    if (status != SEALRING_OK)
        return status;
    upgrade->result.to = REGISTRY_SCHEMA;
    upgrade->result.complete = upgrade->result.begun;
    snprintf(upgrade->result.remark, sizeof upgrade->result.remark, "%.639s", manager->remark);
    return upgrade->result.begun ? SEALRING_OK : wait_for_older(upgrade, error);
}

static sealring_status check_manage(const sealring_manage_options *manage, sealring_error *error)
{
    if (!manage->read_only && manage->take_over == NULL && manage->trust_clock == NULL)
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID, "an upgrade neither reads only nor accepts a doubtful registry or clock");
}

sealring_status sealring_upgrade(const char *vault, const sealring_manage_options *manage,
                                 const sealring_upgrade_options *options, sealring_audit_problem_callback each,
                                 void *context, sealring_upgrade_result *result, sealring_error *error)
{
    sealring_manage_options opened;
    struct upgrade *upgrade = calloc(1, sizeof *upgrade);
    if (upgrade == NULL)
        return error_no_memory(error);
    sized_take(&opened, sizeof opened, manage);
    sized_take(&upgrade->asked, sizeof upgrade->asked, options);
    upgrade->each = each;
    upgrade->context = context;
    upgrade->result.size = sizeof upgrade->result;
    sealring_status status = check_manage(&opened, error);
    if (status == SEALRING_OK)
        status = manager_open(vault, &opened, true, &upgrade->manager, error);
    if (status == SEALRING_OK)
        status = look(upgrade, error);
    if (status == SEALRING_OK && upgrade->begun)
        status = complete(upgrade, error);
    else if (status == SEALRING_OK) {
        status = check_asked(upgrade, error);
        if (status == SEALRING_OK)
            status = run(upgrade, error);
    }
    sized_give(result, &upgrade->result, sizeof upgrade->result);
    sealring_manager_close(&upgrade->manager);
    free(upgrade);
    return status;
}
