/* SPDX-License-Identifier: Apache-2.0 */
/* Changes the key that signs the audit log: in the same audit token, in another one, or after the old one was lost. */
#include <sealring/backup.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "config/config.h"
#include "log/key_change.h"
#include "log/signed_time.h"
#include "manage/act/act.h"
#include "manage/act/foreign_tail.h"

struct changing {
    sealring_manager *manager;
    sealring_audit_rekey_options asked;
    struct config *target; /* with the audit token of the new key; otherwise as the manager's */
    struct audit_keys configured, keys;
    struct witness_successor successor;
    bool old_signs;           /* the audit token has the old key, and can be reached */
    sealring_error cannot;    /* why not */
    struct checkpoint newest; /* the latest that counts */
    sealring_audit_rekey_result result;
};

/* ---- What there is ---- */

static sealring_status read_keys(struct changing *changing, sealring_error *error)
{
    struct registry *registry = changing->manager->registry;
    bool found, forged;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = audit_keys_find(registry, &changing->keys, &found, error);
        if (status == SEALRING_OK)
            status = signed_newest(registry, witness_counts, &changing->newest, &forged, error);
    } while (registry_again(&reading, &status));
    return status;
}

static sealring_status choose_target(struct changing *changing, sealring_error *error)
{
    struct config *target = malloc(sizeof *target);
    if (target == NULL)
        return error_no_memory(error);
    *target = *changing->manager->config;
    changing->target = target;
    if ((changing->asked.audit_token_uri != NULL) != (changing->asked.audit_pin_source != NULL))
        return error_set(error, SEALRING_INVALID, "another audit token takes its URI and the source of its PIN");
    if (changing->asked.audit_token_uri == NULL)
        return SEALRING_OK;
    if (strlen(changing->asked.audit_token_uri) >= sizeof target->audit_token)
        return error_set(error, SEALRING_INVALID, "the URI of the audit token is too long");
    snprintf(target->audit_token, sizeof target->audit_token, "%s", changing->asked.audit_token_uri);
    return config_set_pin_source(target->audit_pin_source, changing->asked.audit_pin_source, "audit token's ", error);
}

static sealring_status check_config(struct changing *changing, sealring_error *error)
{
    const struct config *config = changing->manager->config;
    if (!witness_configured(config))
        return error_set(error, SEALRING_REFUSED,
                         "this vault has no audit token: nothing signs its audit log (see sealring-init(1))");
    if (!audit_keys_parse(config->audit_key, &changing->configured, NULL) || changing->configured.count == 0)
        return error_set(error, SEALRING_REFUSED,
                         "%s/" CONFIG_FILE " has no audit-key, so nothing could show which key was changed: run "
                         "`sealring upgrade`",
                         config->directory);
    return choose_target(changing, error);
}

/* Whether the present key can sign. */
static void ask_old_key(struct changing *changing)
{
    const sealring_manager *manager = changing->manager;
    bool differs, next;
    changing->old_signs = witness_check_key(manager->config, manager->registry, &changing->keys, &differs, &next,
                                            &changing->cannot) == SEALRING_OK;
}

/* ---- The change ---- */

/* In the transaction: the fact, the row, and what the entry contains. */
static sealring_status name_new_key(struct changing *changing, struct audit_act *act, sealring_error *error)
{
    struct registry *registry = changing->manager->registry;
    struct registry_key_change change = {.size = 0};
    uint64_t size = 0;
    note_key_format(audit_keys_newest(&changing->keys), change.old_key);
    note_key_format(&changing->successor.key, change.new_key);
    sealring_status status = registry_audit_size(registry, &size, error);
    change.size = size + 1;
    changing->result.entries = change.size;
    if (status == SEALRING_OK)
        status = registry_key_change_add(registry, &change, error);
    if (status == SEALRING_OK)
        status = registry_audit_key_insert(registry, change.new_key, manager_now(changing->manager), error);
    audit_detail(act, "{s:s, s:s, s:I}", "old_key", change.old_key, "new_key", change.new_key, "from",
                 (json_int_t)change.size);
    return status;
}

/* Both keys sign the checkpoint of this commit, before it. */
static sealring_status hand_over(struct changing *changing, sealring_error *error)
{
    sealring_manager *manager = changing->manager;
    struct audit_act act = {.name = "audit.key"};
    sealring_status status;
    manager->witness.successor = &changing->successor;
    struct commit commit = manager_commit(manager, true, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = name_new_key(changing, &act, error);
    } while (commit_again(&commit, &status));
    manager->witness.successor = NULL;
    audit_release(&act);
    return status;
}

/* In the transaction: without the old key's signature nothing leads from it to the new one but the configuration; so a new era begins. */
static sealring_status begin_era(struct changing *changing, const uint8_t era[REGISTRY_ID_SIZE], struct audit_act *act,
                                 sealring_error *error)
{
    struct registry *registry = changing->manager->registry;
    char old_key[NOTE_KEY_TEXT_SIZE], new_key[NOTE_KEY_TEXT_SIZE];
    char before[2 * REGISTRY_ID_SIZE + 1], after[2 * REGISTRY_ID_SIZE + 1];
    note_key_format(audit_keys_newest(&changing->keys), old_key);
    note_key_format(&changing->successor.key, new_key);
    hex_encode(registry_vault_row(registry)->era, REGISTRY_ID_SIZE, before);
    hex_encode(era, REGISTRY_ID_SIZE, after);
    sealring_status status = registry_vault_renew(registry, era, registry_vault_row(registry)->epoch, error);
    if (status == SEALRING_OK)
        status = registry_audit_key_insert(registry, new_key, manager_now(changing->manager), error);
    audit_detail(act, "{s:s, s:s, s:I, s:s, s:s, s:s}", "old_key", old_key, "new_key", new_key, "signed",
                 (json_int_t)changing->newest.size, "era_before", before, "era_after", after, "reason",
                 changing->manager->take_over);
    return status;
}

static sealring_status replace_lost(struct changing *changing, sealring_error *error)
{
    sealring_manager *manager = changing->manager;
    struct audit_act act = {.name = "audit.key"};
    uint8_t era[REGISTRY_ID_SIZE];
    sealring_status status = manager_check_facts(manager, true, error);
    if (status == SEALRING_OK)
        status = manager_random(era, sizeof era, error);
    if (status == SEALRING_OK)
        status = tail_note_era(manager, era, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, true, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = begin_era(changing, era, &act, error);
    } while (commit_again(&commit, &status));
    audit_release(&act);
    changing->result.entries = changing->newest.size;
    manager->witness.settled = true;
    manager->witness.unknown = manager->witness.anchored = false;
    if (status == SEALRING_OK && !audit_keys_add(&changing->keys, &changing->successor.key, changing->newest.size,
                                                 changing->newest.closed_count))
        status = error_set(error, SEALRING_REFUSED, CONFIG_FILE " cannot name one key more");
    snprintf(
        changing->result.remark, sizeof changing->result.remark,
        "the old key has signed nothing of this: running servers apply restrictions, but no permission, until they are "
        "restarted");
    return status;
}

/* ---- sealring.conf ---- */

/* A command that was interrupted may have ended here: then only this remains to be done. */
static sealring_status configure(struct changing *changing, sealring_error *error)
{
    sealring_manager *manager = changing->manager;
    const uint8_t *vault_id = registry_vault_row(manager->registry)->vault_id;
    bool moves = changing->asked.audit_token_uri != NULL;
    sealring_status status = witness_move_anchor(&manager->witness, &changing->successor, vault_id, error);
    if (status == SEALRING_OK)
        status = config_set_audit(manager->config, &changing->keys, moves ? changing->target->audit_token : NULL,
                                  moves ? changing->target->audit_pin_source : NULL, error);
    return status;
}

static sealring_status complete(struct changing *changing, sealring_error *error)
{
    const sealring_manager *manager = changing->manager;
    bool differs, next;
    changing->result.completed = true;
    changing->successor.key = *audit_keys_newest(&changing->keys);
    changing->successor.number = (uint32_t)changing->keys.count - 1;
    changing->result.entries = changing->keys.keys[changing->keys.count - 2].entries;
    sealring_status status =
        witness_check_key(changing->target, manager->registry, &changing->keys, &differs, &next, error);
    if (differs)
        return error_set(
            error, SEALRING_REFUSED,
            "the change of the audit key was interrupted, and the audit token %.200s does not have the new "
            "key: repeat the command with the --audit-token that it was given",
            changing->target->audit_token);
    return status == SEALRING_OK && !manager->dry_run ? configure(changing, error) : status;
}

static sealring_status change(struct changing *changing, sealring_error *error)
{
    sealring_manager *manager = changing->manager;
    struct witness_successor *successor = &changing->successor;
    successor->number = (uint32_t)changing->keys.count;
    if (changing->keys.count == AUDIT_KEYS_MAX)
        return error_set(error, SEALRING_REFUSED, CONFIG_FILE " names %d audit keys already, which is the most",
                         AUDIT_KEYS_MAX);
    ask_old_key(changing);
    if (!changing->old_signs && manager->take_over == NULL)
        return error_set(
            error, changing->cannot.status,
            "nothing was changed, as the old key cannot sign that the new one follows: %.250s; if it is lost, "
            "repeat the command with --take-over REASON",
            changing->cannot.message);
    if (manager->dry_run)
        return SEALRING_OK;
    sealring_status status = witness_make_successor(successor, registry_vault_row(manager->registry)->vault_id, error);
    if (status == SEALRING_OK)
        status = changing->old_signs ? hand_over(changing, error) : replace_lost(changing, error);
    if (status == SEALRING_OK && changing->old_signs)
        status = read_keys(changing, error);
    if (status == SEALRING_OK && !note_key_same(audit_keys_newest(&changing->keys), &successor->key))
        status = error_set(error, SEALRING_REGISTRY, "the registry does not lead to the new key: run sealring doctor");
    return status == SEALRING_OK ? configure(changing, error) : status;
}

static sealring_status work(struct changing *changing, sealring_error *error)
{
    sealring_audit_rekey_result *result = &changing->result;
    changing->successor.config = changing->target;
    sealring_status status = read_keys(changing, error);
    if (status != SEALRING_OK)
        return status;
    bool behind = changing->keys.count > changing->configured.count;
    const struct audit_keys *old = behind ? &changing->keys : &changing->configured;
    note_key_format(&old->keys[behind ? old->count - 2 : old->count - 1].key, result->old_key);
    status = behind ? complete(changing, error) : change(changing, error);
    if (status == SEALRING_OK && (behind || !changing->manager->dry_run))
        note_key_format(&changing->successor.key, result->new_key);
    return status;
}

sealring_status sealring_audit_rekey(sealring_manager *manager, const sealring_audit_rekey_options *options,
                                     sealring_audit_rekey_result *result, sealring_error *error)
{
    struct audit_act about = {.name = "audit.key"};
    struct changing *changing = calloc(1, sizeof *changing);
    if (changing == NULL)
        return error_no_memory(error);
    changing->manager = manager;
    changing->result.size = sizeof changing->result;
    sized_take(&changing->asked, sizeof changing->asked, options);
    sealring_status status = check_config(changing, error);
    if (status == SEALRING_OK)
        status = manager_begin(manager, "audit rekey", false, error);
    if (status == SEALRING_OK) {
        status = work(changing, error);
        manager_end_act(manager, &about, status, error);
    }
    sized_give(result, &changing->result, sizeof changing->result);
    free(changing->target);
    free(changing);
    return status;
}
