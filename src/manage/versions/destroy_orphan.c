/* SPDX-License-Identifier: Apache-2.0 */
/* Destroys an object in the token that belongs to no version, when an operator names it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sealring/doctor.h>

#include "base/base62.h"
#include "base/error.h"
#include "lifecycle/transition_table.h"
#include "log/key_change.h"
#include "log/log_examine.h"
#include "manage/act/act.h"
#include "manage/session/manager.h"
#include "manage/tokens/key_inventory.h"
#include "manage/tokens/object_label.h"
#include "manage/tokens/token_file_copies.h"
#include "manage/tokens/version_object.h"
#include "verifier/request/derive.h"

#define ORPHAN_ACT    "token.destroy-object"
#define LABEL_VERSION "sealring/"
#define LABEL_INTENT  "sealring-intent/"

struct orphan {
    sealring_manager *manager;
    uint8_t object_id[TOKEN_OBJECT_ID_MAX];
    size_t object_id_length;
    char digits[2 * TOKEN_OBJECT_ID_MAX + 1];
    const char *reason;
    const char *overrule; /* the reason to accept a log that proves nothing; NULL: refuse */
    struct inventory inventory;
    const struct token_key_info *object;
    const struct inventory_version *namesake; /* a version whose label the object has; NULL: none */
    /* from the log */
    struct audit_keys keys;
    struct audit_witness witness;
    uint64_t named_by;   /* the entry that names the object as a version's; 0: none */
    uint64_t unreadable; /* the first entry whose detail is not JSON; 0: none */
    struct examine_result log;
    struct audit_act act;
};

static sealring_status parse(const char *text, struct orphan *orphan, sealring_error *error)
{
    size_t length = strlen(text) / 2;
    if (strlen(text) % 2 != 0 || length == 0 || length > TOKEN_OBJECT_ID_MAX ||
        !hex_decode(text, orphan->object_id, length))
        return error_set(error, SEALRING_INVALID,
                         "an object is named by its CKA_ID: 1 to %d bytes in hexadecimal digits", TOKEN_OBJECT_ID_MAX);
    orphan->object_id_length = length;
    hex_encode(orphan->object_id, length, orphan->digits);
    return SEALRING_OK;
}

static sealring_status find_object(struct orphan *orphan, sealring_error *error)
{
    const char *token = token_name(orphan->manager->token);
    sealring_status status =
        token_key_examine(orphan->manager->token, "", inventory_add_object, &orphan->inventory, error);
    size_t objects =
        inventory_count_objects(&orphan->inventory, orphan->object_id, orphan->object_id_length, &orphan->object);
    if (status != SEALRING_OK)
        return status;
    if (objects == 0)
        return error_set(error, SEALRING_NOT_FOUND, "the PKCS#11 token %s has no secret key %s", token, orphan->digits);
    if (objects > 1)
        return error_set(error, SEALRING_REFUSED, "the PKCS#11 token %s has %zu objects with the CKA_ID %s", token,
                         objects, orphan->digits);
    return SEALRING_OK;
}

/* If labels cannot be changed, a key whose making was interrupted has the label of a version whose number was given to another key. */
static sealring_status look(struct orphan *orphan, sealring_error *error)
{
    const struct inventory *inventory = &orphan->inventory;
    char label[TOKEN_LABEL_MAX + 1];
    sealring_status status = inventory_read(&orphan->inventory, orphan->manager->registry, error);
    const struct inventory_version *version = inventory_find_version(inventory, orphan->object);
    if (status == SEALRING_OK && version != NULL)
        return error_set(error, SEALRING_REFUSED,
                         "key %s is a version's, number %" PRIu32
                         " of its ring: destroy it by `sealring destroy RING %" PRIu32 "`",
                         orphan->digits, version->row.number, version->row.number);
    for (size_t i = 0; i < inventory->version_count; i++) {
        version = &inventory->versions[i];
        recover_version_label(version->ring.name, version->row.number, label);
        if (strcmp(label, orphan->object->label) == 0 && version->row.state != SEALRING_VERSION_DESTROYED)
            orphan->namesake = version;
    }
    return status;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Several vaults may use one token, and their rings may have the same names. So the label of a version or an intention does not show which vault
 * made the key; the object ID does. The label of a probe names the vault. */
static sealring_status check_maker(struct orphan *orphan, sealring_error *error)
{
    char probe[TOKEN_LABEL_MAX + 1];
    const char *label = orphan->object->label;
    const char *token = token_name(orphan->manager->token);
    bool lost = config_labels(orphan->manager->config) == TOKEN_LABELS_LOST;
    recover_probe_label(orphan->inventory.vault.vault_id, probe);
    if (begins(label, probe))
        return SEALRING_OK;
    if (!begins(label, LABEL_VERSION) && !begins(label, LABEL_INTENT) &&
        !(lost && label[0] == '\0' && orphan->object->wrong[0] == '\0'))
        return error_set(
            error, SEALRING_REFUSED,
            "key %s on the PKCS#11 token %s is not sealring's (label \"%s\"%s%s): use the token's own tool; if the "
            "token keeps no labels: token-labels = lost in sealring.conf",
            orphan->digits, token, label, orphan->object->wrong[0] != '\0' ? "; " : "", orphan->object->wrong);
    if (owned_is_marked(orphan->inventory.vault.vault_id, orphan->object_id, orphan->object_id_length))
        return SEALRING_OK;
    return error_set(
        error, SEALRING_REFUSED,
        "key %s on the PKCS#11 token %s (label \"%s\") was not made by this vault, and may be a live key of "
        "another: find out whose it is, and use the token's own tool",
        orphan->digits, token, label);
}

/* The version whose label this object has must have another key. If the version is accepted, that key must prove itself. */
static sealring_status check_namesake(struct orphan *orphan, sealring_error *error)
{
    const struct registry_version *version;
    struct token *token = orphan->manager->token;
    enum token_answer answer;
    bool signs;
    if (orphan->namesake == NULL)
        return SEALRING_OK;
    version = &orphan->namesake->row;
    sealring_status status =
        lifecycle_accepts(version->state)
            ? derive_prove(token, &orphan->inventory.vault, &orphan->namesake->ring, version, &answer, error)
            : token_key_signs(token, version->object_id, version->object_id_length, &signs, &answer, error);
    if (answer == TOKEN_DONE || answer == TOKEN_FAILED)
        return status;
    return error_set(error, SEALRING_REFUSED,
                     "key %s is labelled as version %" PRIu32
                     " of ring %s, which is %s and has no other key that proves itself: see `sealring audit verify`",
                     orphan->digits, version->number, orphan->namesake->ring.name,
                     sealring_version_state_name(version->state));
}

/* ---- what the audit log contains ---- */

static void take_rows(struct orphan *orphan, const struct registry_audit *entry, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *object_id = json_string_value(json_object_get(json_array_get(rows, i), "object_id"));
        if (object_id != NULL && strcasecmp(object_id, orphan->digits) == 0)
            orphan->named_by = entry->sequence;
    }
}

/* The entry about an archive keeps the rows of all versions that the archived entries are about. */
static sealring_status take_entry(const struct registry_audit *entry, void *context, sealring_error *error)
{
    struct orphan *orphan = context;
    (void)error;
    if (entry->detail == NULL || orphan->named_by != 0)
        return SEALRING_OK;
    json_t *detail = json_loads(entry->detail, JSON_REJECT_DUPLICATES, NULL);
    if (detail == NULL && orphan->unreadable == 0)
        orphan->unreadable = entry->sequence;
    take_rows(orphan, entry, json_object_get(detail, "rows"));
    take_rows(orphan, entry, json_object_get(json_object_get(detail, "kept"), "rows"));
    json_decref(detail);
    return SEALRING_OK;
}

/* Examines the whole log, as `sealring audit verify` does, and checks that the audit token's anchor is of this log and not of a longer one. */
static sealring_status read_log(struct orphan *orphan, sealring_error *error)
{
    const sealring_manager *manager = orphan->manager;
    struct registry *registry = manager->registry;
    bool is_signed = witness_configured(manager->config);
    const struct examine how = {.keys = is_signed ? &orphan->keys : NULL, .entry = take_entry, .context = orphan};
    bool taken_over = manager->witness.settled || (manager->dry_run && manager->take_over != NULL);
    bool contradicts;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        orphan->named_by = 0;
        orphan->unreadable = 0;
        if (registry_begin(&reading, &status))
            status = is_signed ? audit_keys_follow(registry, &orphan->keys, error) : SEALRING_OK;
        if (status == SEALRING_OK)
            status = examine_log(registry, &how, &orphan->log, error);
        if (status == SEALRING_OK && orphan->log.problems == 0 && is_signed && !taken_over)
            status = witness_compare(&orphan->witness, registry, &contradicts, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* The audit token is read again: it may have been missing when the act began, and its key must not be taken from the registry. */
static sealring_status ask_audit_token(struct orphan *orphan, sealring_error *error)
{
    const sealring_manager *manager = orphan->manager;
    if (!witness_configured(manager->config))
        return SEALRING_OK;
    sealring_status status =
        witness_recall(&orphan->witness, manager->config, orphan->inventory.vault.vault_id, &orphan->keys, error);
    if (orphan->witness.unknown)
        return error_set(error, SEALRING_REFUSED,
                         "the audit token has no key pair of this vault, so nothing shows whether the audit log is "
                         "whole: see `sealring doctor`");
    return status;
}

static sealring_status check_log(struct orphan *orphan, sealring_error *error)
{
    const char *doubt = !witness_configured(orphan->manager->config) ? "this vault has no audit token"
                        : !orphan->witness.anchored                  ? "the audit token has lost its anchor"
                                                                     : NULL;
    if (orphan->log.problems > 0)
        return error_set(error, SEALRING_REFUSED,
                         "the audit log is not what it should be (%.180s), so it does not prove that no version has "
                         "key %s: see `sealring audit verify`",
                         orphan->log.first, orphan->digits);
    if (orphan->named_by != 0)
        return error_set(error, SEALRING_REFUSED,
                         "the audit log has key %s as a version's (entry %" PRIu64
                         "), whatever the rows are now: see `sealring audit verify`; a version's key is destroyed by "
                         "`sealring destroy RING VERSION`",
                         orphan->digits, orphan->named_by);
    if (orphan->unreadable != 0)
        return error_set(error, SEALRING_REFUSED,
                         "entry %" PRIu64 " of the audit log cannot be read, so it does not prove that no version has "
                         "key %s: see `sealring audit verify`",
                         orphan->unreadable, orphan->digits);
    if (doubt != NULL && orphan->overrule == NULL)
        return error_set(error, SEALRING_REFUSED,
                         "%s, so the audit log does not prove that no version has key %s: make sure that no client "
                         "uses it, then repeat the command with --overrule REASON",
                         doubt, orphan->digits);
    return SEALRING_OK;
}

/* ---- the act ---- */

static sealring_status record(struct orphan *orphan, sealring_error *error)
{
    sealring_status status;
    audit_detail(&orphan->act, "{s:s, s:s, s:s}", "object_id", orphan->digits, "label", orphan->object->label, "reason",
                 orphan->reason);
    if (orphan->overrule != NULL)
        audit_detail_add(&orphan->act, "overrule", json_string(orphan->overrule));
    struct commit commit = manager_commit(orphan->manager, false, &orphan->act, error);
    do {
        bool begun = commit_begin(&commit, &status);
        for (size_t i = 0; begun && status == SEALRING_OK && i < orphan->inventory.intention_count; i++) {
            const struct registry_intention *intention = &orphan->inventory.intentions[i];
            if (inventory_same_id(orphan->object, intention->object_id, intention->object_id_length))
                status = registry_intention_delete(orphan->manager->registry, intention->id, error);
        }
    } while (commit_again(&commit, &status));
    return status;
}

static sealring_status check(struct orphan *orphan, sealring_error *error)
{
    static sealring_status (*const checks[])(struct orphan *, sealring_error *) = {
        find_object, look, check_maker, ask_audit_token, read_log, check_log, check_namesake,
    };
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < sizeof checks / sizeof checks[0]; i++)
        status = checks[i](orphan, error);
    return status;
}

static sealring_status destroy(struct orphan *orphan, sealring_error *error)
{
    sealring_manager *manager = orphan->manager;
    sealring_status status = check(orphan, error);
    if (status != SEALRING_OK || manager->dry_run)
        return status;
    /* the entry comes first: without an entry there is no act; then the copy, from the disk as well, so that nothing can restore the object */
    status = record(orphan, error);
    if (status == SEALRING_OK)
        status = copies_drop(manager, orphan->object_id, orphan->object_id_length, error);
    if (status == SEALRING_OK)
        status = token_key_destroy(manager->token, orphan->object_id, orphan->object_id_length, NULL, NULL, error);
    return status == SEALRING_OK ? copies_sync(manager, error) : status;
}

sealring_status sealring_object_destroy(sealring_manager *manager, const char *object_id, const char *reason,
                                        const char *overrule, sealring_error *error)
{
    struct orphan orphan = {.manager = manager, .reason = reason, .overrule = overrule, .act = {.name = ORPHAN_ACT}};
    sealring_status status = parse(object_id, &orphan, error);
    if (status == SEALRING_OK && (reason == NULL || reason[0] == '\0'))
        status = error_set(error, SEALRING_INVALID,
                           "destroying an object needs a reason, which is recorded in the audit log");
    if (status == SEALRING_OK && overrule != NULL && overrule[0] == '\0')
        status = error_set(error, SEALRING_INVALID, "--overrule needs a reason, which is recorded in the audit log");
    if (status == SEALRING_OK)
        status = manager_check_reason(reason, error);
    if (status == SEALRING_OK)
        status = manager_check_reason(overrule, error);
    if (status == SEALRING_OK)
        status = manager_begin(manager, "token destroy-object", true, error);
    if (status != SEALRING_OK)
        return status;
    status = destroy(&orphan, error);
    manager_end_act(manager, &orphan.act, status, error);
    audit_release(&orphan.act);
    inventory_release(&orphan.inventory);
    return status;
}
