/* SPDX-License-Identifier: Apache-2.0 */
/* Restores the object files of the vault's own software tokens from their copies: no closed key becomes usable again. */
#include "manage/tokens/token_file_copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lifecycle/transition_table.h"
#include "registry/rows/closed_facts.h"

#define JOURNAL_SIZE 20480

/* ---- What may be restored ---- */

enum decision {
    DECISION_LEAVE,
    DECISION_RESTORE,
    DECISION_RESTORE_CLOSED,
    DECISION_DROP,
    DECISION_DOUBT /* its version's row is closed, but no fact confirms it: left as it is, with an alarm */
};

/* No row has the object. If an intention names it, it is restored, so that recover_interrupted.c checks its label and destroys it: an intention alone can be
 * forged, and so can the lack of a row. Anything else is left: neither the file nor its copy is removed. */
static sealring_status decide_without_row(struct registry *registry, const struct object_file *file,
                                          enum decision *decision, sealring_error *error)
{
    struct registry_intention intention;
    struct registry_cursor intentions = registry_intentions(registry, error);
    while (registry_intention_next(&intentions, &intention))
        if (kept_token_has_id(file, intention.object_id, intention.object_id_length))
            *decision = DECISION_RESTORE;
    return registry_close_cursor(&intentions, SEALRING_OK);
}

/* Only a fact proves a closing: a row alone may have been edited (registry/rows/columns.h: the state is the further one of the two). */
static sealring_status decide_by_facts(struct registry *registry, const struct registry_version *version, bool in_place,
                                       enum decision *decision, sealring_error *error)
{
    int fact;
    sealring_status status = registry_closed_version(registry, version->ring, version->number, &fact, error);
    if (status != SEALRING_OK)
        return status;
    if (lifecycle_accepts(version->state))
        *decision = DECISION_RESTORE;
    else if (fact != (int)version->state)
        *decision = DECISION_DOUBT;
    else if (version->state == SEALRING_VERSION_DESTROYED)
        *decision = DECISION_DROP;
    else if (in_place)
        *decision = DECISION_RESTORE_CLOSED;
    return SEALRING_OK;
}

static bool is_hurt(const struct object_file *file)
{
    return file->state == OBJECT_FILE_DAMAGED || file->state == OBJECT_FILE_MISSING;
}

static sealring_status decide_known(struct registry *registry, const struct object_file *file, enum decision *decision,
                                    sealring_error *error)
{
    struct registry_version version;
    bool found = false;
    *decision = DECISION_LEAVE;
    sealring_status status =
        registry_version_find_by_object(registry, file->object_id, file->object_id_length, &version, &found, error);
    if (status != SEALRING_OK)
        return status;
    return found ? decide_by_facts(registry, &version, file->state == OBJECT_FILE_DAMAGED, decision, error)
                 : decide_without_row(registry, file, decision, error);
}

/* A copy must never make a closed or destroyed key usable again. Only a fact removes a copy: an act that destroys an object removed the copy before
 * (close_object.c). No fact is about the audit token's objects: for them `registry` may be NULL. */
static sealring_status decide(struct registry *registry, const struct kept_token *token, const struct object_file *file,
                              enum decision *decision, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    *decision = DECISION_LEAVE;
    if (!is_hurt(file))
        return SEALRING_OK;
    if (token->audit || (!file->known && file->state == OBJECT_FILE_DAMAGED)) {
        *decision = kept_token_was_replaced(token, file) ? DECISION_LEAVE : DECISION_RESTORE;
    } else if (file->known) {
        struct registry_transaction reading = registry_reading(registry, error);
        do {
            if (registry_begin(&reading, &status))
                status = decide_known(registry, file, decision, error);
        } while (registry_again(&reading, &status));
    }
    return status;
}

static bool any_is_hurt(const struct kept_token *token)
{
    for (size_t i = 0; i < token->list.count; i++)
        if (is_hurt(&token->list.files[i]))
            return true;
    return false;
}

/* As kept_token_open, whether or not the files may be written. */
static bool open_unwritten(const struct config *config, bool audit, struct kept_token *token, sealring_status *status,
                           sealring_error *error)
{
    memset(token, 0, sizeof *token);
    token->audit = audit;
    *status = SEALRING_OK;
    if (config->software == NULL ||
        !software_folder(config->software, audit ? config->audit_token : config->token, token->folder))
        return false;
    token->store = software_store(config->software);
    *status = kept_token_list(token, error);
    return true;
}

/* ---- Restoring ---- */

static bool restores(enum decision decision)
{
    return decision == DECISION_RESTORE || decision == DECISION_RESTORE_CLOSED;
}

static sealring_status carry_out(const struct kept_token *token, const struct object_file *file, enum decision decision,
                                 sealring_error *error)
{
    char what[STORE_TEXT_SIZE];
    int problem;
    switch (decision) {
    case DECISION_RESTORE:
    case DECISION_RESTORE_CLOSED:
        problem = objects_restore(token->store, token->folder, file, decision == DECISION_RESTORE_CLOSED);
        return kept_token_result(token, problem, "restored from their copies", error);
    case DECISION_DROP:
        snprintf(what, sizeof what, "%s in %s, the copy of a destroyed key, removed", file->file, token->folder);
        store_note(token->store, what);
        problem = objects_drop(token->store, token->folder, file);
        if (problem == 0)
            problem = objects_clear_away(token->store, token->folder, file);
        return kept_token_result(token, problem, "freed of a destroyed key", error);
    case DECISION_DOUBT:
        return error_set(error, SEALRING_REFUSED,
                         "%s/%s/%s is damaged or missing, and is not restored from its copy: the row of its version is "
                         "closed, and no closed fact confirms that: `sealring audit verify`",
                         token->store->tokens, token->folder, file->file);
    case DECISION_LEAVE:
    default:
        return SEALRING_OK;
    }
}

/* Under the lock. Before the registry was checked against its anchor (`judged` false), restores only objects that no row closes. Decisions about
 * closed versions wait, because an older registry does not contain what was closed since. */
static sealring_status mend(sealring_manager *manager, struct kept_token *token, bool judged, bool *of_registry,
                            sealring_error *error)
{
    sealring_status status = kept_token_list(token, error);
    if (status != SEALRING_OK)
        return status;
    for (size_t i = 0; i < token->list.count; i++) { /* one that fails keeps no other from being restored */
        enum decision decision;
        const struct object_file *file = &token->list.files[i];
        sealring_error *first = status == SEALRING_OK ? error : NULL;
        sealring_status done = decide(manager->registry, token, file, &decision, first);
        *of_registry = *of_registry || (done != SEALRING_OK && status == SEALRING_OK);
        if (done == SEALRING_OK && (judged || decision == DECISION_RESTORE) &&
            carry_out(token, file, decision, first) != SEALRING_OK)
            done = SEALRING_REFUSED;
        status = status == SEALRING_OK ? done : status;
    }
    return status;
}

static sealring_status mend_token(sealring_manager *manager, bool audit, int64_t lock_wait, bool *of_registry,
                                  sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    sealring_status status;
    if (!kept_token_open(manager->config, audit, &token, &status, error))
        return status;
    if (!any_is_hurt(&token))
        return SEALRING_OK;
    status = registry_lock(manager->registry, lock_wait, "restore", error);
    *of_registry = status != SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    status = mend(manager, &token, false, of_registry, error);
    registry_unlock(manager->registry);
    return status;
}

sealring_status copies_mend(sealring_manager *manager, int64_t lock_wait, bool *of_registry, sealring_error *error)
{
    *of_registry = false;
    sealring_status status = mend_token(manager, false, lock_wait, of_registry, error);
    return status == SEALRING_OK ? mend_token(manager, true, lock_wait, of_registry, error) : status;
}

sealring_status copies_mend_judged(sealring_manager *manager, bool *of_registry, sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    *of_registry = false;
    return kept_token_find(manager->config, false, &token) ? mend(manager, &token, true, of_registry, error)
                                                           : SEALRING_OK;
}

/* If a change left a damaged file because the disk was full, the file is restored as after a crash. */
sealring_status copies_follow(sealring_manager *manager, sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    bool of_registry;
    sealring_status status = copies_mend_judged(manager, &of_registry, error);
    if (status != SEALRING_OK || !kept_token_open(manager->config, false, &token, &status, error))
        return status;
    return kept_token_keep_changed(&token, error);
}

void copies_follow_closing(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length)
{
    sealring_error ignored;
    if (copies_follow(manager, &ignored) != SEALRING_OK)
        (void)copies_drop(manager, object_id, object_id_length, &ignored);
}

/* ---- Before a registry is restored ---- */

static sealring_status restore_one(const struct kept_token *token, const struct object_file *file,
                                   struct registry *registry, bool may_write, copies_result each, void *context,
                                   sealring_error *error)
{
    enum decision decision;
    sealring_status status = decide(registry, token, file, &decision, error);
    if (status == SEALRING_OK && restores(decision) && may_write)
        status = carry_out(token, file, decision, error);
    if (status != SEALRING_OK)
        return status;
    if (restores(decision))
        each(token->folder, file, COPIES_RESTORED, context);
    else if (is_hurt(file))
        each(token->folder, file, COPIES_WITHHELD, context);
    else if (file->state == OBJECT_FILE_LOST || file->state == OBJECT_FILE_USELESS)
        each(token->folder, file, COPIES_LOST, context);
    return SEALRING_OK;
}

sealring_status copies_restore(const struct config *config, struct registry *registry, copies_result each,
                               void *context, sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    sealring_status status;
    if (!open_unwritten(config, registry == NULL, &token, &status, error))
        return SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++)
        status = restore_one(&token, &token.list.files[i], registry, software_may_write(config->software), each,
                             context, error);
    return status;
}

/* ---- The audit entry ---- */

/* The journal's lines, one text each. A line that is not a text must not keep the others out of the audit log, nor block acts. */
static json_t *lines_of(char *journal)
{
    json_t *lines = json_array();
    char *rest = NULL;
    for (char *line = strtok_r(journal, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        for (char *c = line; *c != '\0'; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
        lines = audit_list_add(lines, json_string(line));
    }
    return lines;
}

sealring_status copies_record(sealring_manager *manager, sealring_error *error)
{
    if (!software_may_write(manager->config->software))
        return SEALRING_OK;
    const struct store *store = software_store(manager->config->software);
    struct audit_act act = {.name = "token.restore"};
    char *journal = malloc(JOURNAL_SIZE);
    if (journal == NULL)
        return error_no_memory(error);
    sealring_status status = SEALRING_OK;
    if (store_read_journal(store, journal, JOURNAL_SIZE) > 0) {
        audit_detail_add(&act, "files", lines_of(journal));
        status = manager_record(manager, &act, error);
        if (status == SEALRING_OK)
            store_forget_journal(store);
        audit_release(&act);
    }
    free(journal);
    return status;
}

/* ---- Examining ---- */

static sealring_status examine_file(struct registry *registry, const struct kept_token *token,
                                    const struct object_file *file, store_finding each, void *context,
                                    sealring_error *error)
{
    enum decision decision;
    sealring_status status = decide(registry, token, file, &decision, error);
    if (status == SEALRING_OK && restores(decision))
        each(token->folder, file->file, STORE_DAMAGED, context);
    else if (file->state == OBJECT_FILE_CHANGED || (file->state == OBJECT_FILE_UNCOPIED && token->audit))
        each(token->folder, file->file, STORE_UNCOPIED, context);
    else if (file->state == OBJECT_FILE_LOST)
        each(token->folder, file->file, STORE_LOST, context);
    return status;
}

static sealring_status examine(sealring_manager *manager, bool audit, store_finding each, void *context,
                               sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    bool lacks = false;
    sealring_status status;
    if (!open_unwritten(manager->config, audit, &token, &status, error))
        return SEALRING_OK;
    if (status == SEALRING_OK && !audit)
        status = copies_are_lacking(manager->registry, &token, &lacks, error);
    for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++)
        status = examine_file(manager->registry, &token, &token.list.files[i], each, context, error);
    if (status == SEALRING_OK && lacks)
        each(token.folder, "", STORE_UNCOPIED, context);
    return status;
}

sealring_status copies_examine(sealring_manager *manager, store_finding each, void *context, sealring_error *error)
{
    sealring_status status = examine(manager, false, each, context, error);
    return status == SEALRING_OK ? examine(manager, true, each, context, error) : status;
}
