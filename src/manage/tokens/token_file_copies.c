/* SPDX-License-Identifier: Apache-2.0 */
/* A manager's work on the files of the vault's own software tokens: every object has a copy, and no closed key becomes usable again. */
#include "manage/tokens/token_file_copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "lifecycle/transition_table.h"
#include "manage/session/own_token_files.h"
#include "registry/rows/closed_facts.h"

#define JOURNAL_SIZE 20480

static bool same_id(const struct object_file *file, const uint8_t *object_id, size_t length)
{
    return file->known && file->object_id_length == length && memcmp(file->object_id, object_id, length) == 0;
}

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
        if (same_id(file, intention.object_id, intention.object_id_length))
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

/* A copy must never make a closed or destroyed key usable again. Only a fact removes a copy: an act that destroys an object removed the copy before
 * (close_object.c). */
static sealring_status decide(struct registry *registry, const struct kept_token *token, const struct object_file *file,
                              enum decision *decision, sealring_error *error)
{
    struct registry_version version;
    bool in_place = file->state == OBJECT_FILE_DAMAGED;
    *decision = DECISION_LEAVE;
    if (token->audit || (!file->known && in_place)) {
        *decision = kept_token_was_replaced(token, file) ? DECISION_LEAVE : DECISION_RESTORE;
        return SEALRING_OK;
    }
    if (!file->known)
        return SEALRING_OK;
    bool found = false;
    sealring_status status =
        registry_version_find_by_object(registry, file->object_id, file->object_id_length, &version, &found, error);
    if (status != SEALRING_OK)
        return status;
    return found ? decide_by_facts(registry, &version, in_place, decision, error)
                 : decide_without_row(registry, file, decision, error);
}

static bool is_hurt(const struct object_file *file)
{
    return file->state == OBJECT_FILE_DAMAGED || file->state == OBJECT_FILE_MISSING;
}

static bool any_is_hurt(const struct kept_token *token)
{
    for (size_t i = 0; i < token->list.count; i++)
        if (is_hurt(&token->list.files[i]))
            return true;
    return false;
}

static sealring_status decide_files(struct registry *registry, const struct kept_token *token, enum decision *decisions,
                                    sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < token->list.count; i++)
        if (is_hurt(&token->list.files[i]))
            status = decide(registry, token, &token->list.files[i], &decisions[i], error);
    return status;
}

/* *decisions: one for each of the token's files; the caller frees them, also after a failure. No fact is about the audit token's objects: for them
 * `registry` may be NULL. */
static sealring_status decide_all(struct registry *registry, const struct kept_token *token, enum decision **decisions,
                                  sealring_error *error)
{
    sealring_status status;
    *decisions = calloc(token->list.count + 1, sizeof **decisions);
    if (*decisions == NULL)
        return error_no_memory(error);
    if (token->audit)
        return decide_files(NULL, token, *decisions, error);
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = decide_files(registry, token, *decisions, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- Restoring ---- */

static sealring_status carry_out(const struct kept_token *token, const struct object_file *file, enum decision decision,
                                 sealring_error *error)
{
    char what[STORE_TEXT_SIZE];
    int problem;
    switch (decision) {
    case DECISION_RESTORE:
    case DECISION_RESTORE_CLOSED:
        problem = objects_restore(token->store, token->folder, file, decision == DECISION_RESTORE_CLOSED);
        return problem == 0 ? SEALRING_OK : kept_token_fail(token, problem, "restored from their copies", error);
    case DECISION_DROP:
        snprintf(what, sizeof what, "%s in %s, the copy of a destroyed key, removed", file->file, token->folder);
        store_note(token->store, what);
        problem = objects_drop(token->store, token->folder, file->file);
        if (problem == 0)
            problem = objects_clear_away(token->store, token->folder, file->file);
        return problem == 0 ? SEALRING_OK : kept_token_fail(token, problem, "freed of a destroyed key", error);
    case DECISION_DOUBT:
        return error_set(error, SEALRING_REFUSED,
                         "%s/%s/%s is damaged or missing, and is not restored from its copy: the row of its version is "
                         "closed, and no closed fact says so: `sealring audit verify`",
                         token->store->tokens, token->folder, file->file);
    case DECISION_LEAVE:
    default:
        return SEALRING_OK;
    }
}

/* Under the lock. Before the registry was checked against its anchor (`judged` false), restores only objects that no row closes. Decisions about
 * closed versions wait, because an older registry does not contain what was closed since. */
static sealring_status mend(sealring_manager *manager, struct kept_token *token, bool judged, sealring_error *error)
{
    sealring_status status = kept_token_list(token, error);
    if (status != SEALRING_OK || !any_is_hurt(token))
        return status;
    enum decision *decisions = NULL;
    status = decide_all(manager->registry, token, &decisions, error);
    bool decided = status == SEALRING_OK;
    for (size_t i = 0; decided && i < token->list.count; i++) { /* one that fails keeps no other from being restored */
        bool first = status == SEALRING_OK;
        if ((judged || decisions[i] == DECISION_RESTORE) &&
            carry_out(token, &token->list.files[i], decisions[i], first ? error : NULL) != SEALRING_OK)
            status = SEALRING_REFUSED;
    }
    free(decisions);
    return status;
}

static sealring_status mend_token(sealring_manager *manager, bool audit, int64_t lock_wait, sealring_error *error)
{
    struct kept_token token;
    if (!kept_token_find(manager->config, audit, &token))
        return SEALRING_OK;
    sealring_status status = kept_token_list(&token, error);
    bool hurt = status == SEALRING_OK && any_is_hurt(&token);
    if (hurt)
        status = registry_lock(manager->registry, lock_wait, "restore", error);
    if (hurt && status == SEALRING_OK) {
        status = mend(manager, &token, false, error);
        registry_unlock(manager->registry);
    }
    objects_release(&token.list);
    return status;
}

sealring_status copies_mend(sealring_manager *manager, int64_t lock_wait, sealring_error *error)
{
    sealring_status status = mend_token(manager, false, lock_wait, error);
    return status == SEALRING_OK ? mend_token(manager, true, lock_wait, error) : status;
}

sealring_status copies_mend_judged(sealring_manager *manager, sealring_error *error)
{
    struct kept_token token;
    if (!kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    sealring_status status = mend(manager, &token, true, error);
    objects_release(&token.list);
    return status;
}

/* ---- Before a registry is restored ---- */

static sealring_status restore_one(const struct kept_token *token, const struct object_file *file,
                                   enum decision decision, bool may_write, copies_result each, void *context,
                                   sealring_error *error)
{
    bool restores = decision == DECISION_RESTORE || decision == DECISION_RESTORE_CLOSED;
    sealring_status status = restores && may_write ? carry_out(token, file, decision, error) : SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    if (restores)
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
    struct kept_token token = {.audit = registry == NULL};
    enum decision *decisions = NULL;
    if (config->software == NULL ||
        !software_folder(config->software, token.audit ? config->audit_token : config->token, token.folder))
        return SEALRING_OK;
    token.store = software_store(config->software);
    sealring_status status = kept_token_list(&token, error);
    if (status == SEALRING_OK)
        status = decide_all(registry, &token, &decisions, error);
    for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++)
        status = restore_one(&token, &token.list.files[i], decisions[i], software_may_write(config->software), each,
                             context, error);
    free(decisions);
    objects_release(&token.list);
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

/* ---- Copying ---- */

static sealring_status keep_changed(const struct kept_token *token, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; i < token->list.count; i++)
        if (token->list.files[i].state == OBJECT_FILE_CHANGED &&
            kept_token_keep(token, &token->list.files[i], error) != SEALRING_OK)
            status = SEALRING_SYSTEM;
    return status;
}

/* If a change left a damaged file because the disk was full, the file is restored as after a crash. */
sealring_status copies_follow(sealring_manager *manager, sealring_error *error)
{
    struct kept_token token;
    if (!kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    sealring_status status = mend(manager, &token, true, error);
    if (status == SEALRING_OK)
        status = kept_token_list(&token, error);
    if (status == SEALRING_OK)
        status = keep_changed(&token, error);
    objects_release(&token.list);
    return status;
}

/* ---- Which file belongs to which object ---- */

/* Rewrites the object's file, and finds out which file that is. */
static sealring_status learn(sealring_manager *manager, struct kept_token *token, const uint8_t *object_id,
                             size_t length, sealring_error *error)
{
    struct object_file *changed = NULL;
    sealring_status status = token_key_touch(manager->token, object_id, length, error);
    if (status == SEALRING_OK)
        status = kept_token_list(token, error);
    if (status != SEALRING_OK)
        return status;
    for (size_t i = 0; i < token->list.count; i++) {
        struct object_file *file = &token->list.files[i];
        if (file->known || file->state != OBJECT_FILE_CHANGED)
            continue;
        if (changed != NULL)
            return error_set(error, SEALRING_REFUSED,
                             "somebody else is changing objects of the software token in %s/%s: try again",
                             token->store->tokens, token->folder);
        changed = file;
    }
    if (changed == NULL)
        return error_set(error, SEALRING_TOKEN, "no file in %s/%s changed with its object", token->store->tokens,
                         token->folder);
    changed->known = true;
    changed->object_id_length = length;
    memcpy(changed->object_id, object_id, length);
    return kept_token_keep(token, changed, error);
}

/* Files that have no copy get one first: a file may be lost while it is rewritten. */
static sealring_status keep_uncopied(struct kept_token *token, const struct object_files *except, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < token->list.count; i++)
        if (token->list.files[i].state == OBJECT_FILE_UNCOPIED &&
            (except == NULL || objects_find(except, token->list.files[i].file) == NULL))
            status = kept_token_keep(token, &token->list.files[i], error);
    return status == SEALRING_OK ? kept_token_list(token, error) : status;
}

/* ---- Making ---- */

sealring_status copies_before(sealring_manager *manager, struct object_files *before, sealring_error *error)
{
    struct kept_token token;
    memset(before, 0, sizeof *before);
    if (!kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    sealring_status status = kept_token_list(&token, error);
    *before = token.list;
    return status;
}

sealring_status copies_add(sealring_manager *manager, const struct object_files *before, const uint8_t *object_id,
                           size_t object_id_length, sealring_error *error)
{
    struct kept_token token;
    struct object_file *made = NULL;
    size_t count = 0;
    if (!kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    sealring_status status = kept_token_list(&token, error);
    for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++)
        if (token.list.files[i].state == OBJECT_FILE_UNCOPIED &&
            objects_find(before, token.list.files[i].file) == NULL) {
            made = &token.list.files[i];
            count++;
        }
    if (status == SEALRING_OK && count == 1) {
        made->known = true;
        made->object_id_length = object_id_length;
        memcpy(made->object_id, object_id, object_id_length);
        status = kept_token_keep(&token, made, error);
    } else if (status == SEALRING_OK) { /* another process made an object at the same time */
        status = keep_uncopied(&token, before, error);
        if (status == SEALRING_OK)
            status = learn(manager, &token, object_id, object_id_length, error);
    }
    objects_release(&token.list);
    return status;
}

sealring_status copies_sync(sealring_manager *manager, sealring_error *error)
{
    struct kept_token token;
    if (!kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    int problem = objects_sync(token.store, token.folder);
    return problem == 0 ? SEALRING_OK : kept_token_fail(&token, problem, "written to disk", error);
}

void copies_follow_closing(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length)
{
    sealring_error ignored;
    if (copies_follow(manager, &ignored) != SEALRING_OK)
        (void)copies_drop(manager, object_id, object_id_length, &ignored);
}

sealring_status copies_drop(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length,
                            sealring_error *error)
{
    struct kept_token token;
    if (!kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    sealring_status status = kept_token_list(&token, error);
    /* a copy without an ID, in a vault from before copies existed, may be this object's and is removed as well: the next command makes it again */
    for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++) {
        const struct object_file *file = &token.list.files[i];
        if (same_id(file, object_id, object_id_length) || !file->known) {
            int problem = objects_drop(token.store, token.folder, file->file);
            if (problem != 0)
                status = kept_token_fail(&token, problem, "freed of a copy", error);
        }
    }
    objects_release(&token.list);
    return status;
}

/* ---- All versions ---- */

struct wanted_ids {
    struct registry_version *versions;
    size_t count;
};

static sealring_status collect_versions(struct registry *registry, struct wanted_ids *wanted, sealring_error *error)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    struct registry_cursor versions = registry_versions(registry, 0, error);
    wanted->count = 0;
    while (status == SEALRING_OK && registry_version_next(&versions, &version)) {
        if (version.state == SEALRING_VERSION_DESTROYED)
            continue;
        if (array_grow(&wanted->versions, wanted->count))
            wanted->versions[wanted->count++] = version;
        else
            status = error_no_memory(error);
    }
    return registry_close_cursor(&versions, status);
}

static sealring_status read_versions(struct registry *registry, struct wanted_ids *wanted, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = collect_versions(registry, wanted, error);
    } while (registry_again(&reading, &status));
    return status;
}

static bool has_copy(const struct kept_token *token, const struct registry_version *version)
{
    for (size_t i = 0; i < token->list.count; i++)
        if (same_id(&token->list.files[i], version->object_id, version->object_id_length))
            return true;
    return false;
}

static bool any_lacks_copy(const struct kept_token *token, const struct wanted_ids *wanted)
{
    bool lacks = false;
    for (size_t i = 0; i < wanted->count; i++)
        lacks = lacks || !has_copy(token, &wanted->versions[i]);
    return lacks;
}

/* Whether a version has no copy, and a file may be its object's. */
static bool is_to_be_learned(const struct kept_token *token, const struct wanted_ids *wanted)
{
    bool lacks = any_lacks_copy(token, wanted), unknown = false;
    for (size_t i = 0; i < token->list.count; i++)
        unknown = unknown || (!token->list.files[i].known && token->list.files[i].state <= OBJECT_FILE_UNCOPIED);
    return lacks && unknown;
}

/* For a vault from before copies existed, or whose copies were removed. A missing object has no file; the doctor reports it. */
static sealring_status learn_all(sealring_manager *manager, struct kept_token *token, const struct wanted_ids *wanted,
                                 sealring_error *error)
{
    sealring_error ignored;
    sealring_status status = keep_uncopied(token, NULL, error);
    for (size_t i = 0; status == SEALRING_OK && i < wanted->count; i++) {
        const struct registry_version *version = &wanted->versions[i];
        if (has_copy(token, version))
            continue;
        status = learn(manager, token, version->object_id, version->object_id_length, &ignored);
        if (status == SEALRING_NOT_FOUND)
            status = SEALRING_OK;
        else if (status != SEALRING_OK && error != NULL)
            *error = ignored;
        if (status == SEALRING_OK)
            status = kept_token_list(token, error);
    }
    return status;
}

/* A copy without an ID is of an object that is not sealring's, unless a version still has no copy. */
static sealring_status clear(struct kept_token *token, const struct wanted_ids *wanted, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    bool all_known = !any_lacks_copy(token, wanted);
    for (size_t i = 0; status == SEALRING_OK && i < token->list.count; i++) {
        const struct object_file *file = &token->list.files[i];
        int problem = 0;
        if (file->state == OBJECT_FILE_USELESS || file->state == OBJECT_FILE_LOST)
            problem = objects_clear_away(token->store, token->folder, file->file);
        else if (!file->known && all_known && file->state != OBJECT_FILE_UNCOPIED)
            problem = objects_drop(token->store, token->folder, file->file);
        if (problem != 0)
            status = kept_token_fail(token, problem, "cleared of what an interrupted command has left", error);
    }
    return status;
}

sealring_status copies_complete(sealring_manager *manager, sealring_error *error)
{
    struct kept_token token;
    struct wanted_ids wanted = {NULL, 0};
    if (manager->token == NULL || !kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    sealring_status status = kept_token_list(&token, error);
    if (status == SEALRING_OK)
        status = keep_changed(&token, error);
    if (status == SEALRING_OK)
        status = read_versions(manager->registry, &wanted, error);
    if (status == SEALRING_OK && is_to_be_learned(&token, &wanted))
        status = learn_all(manager, &token, &wanted, error);
    if (status == SEALRING_OK)
        status = clear(&token, &wanted, error);
    free(wanted.versions);
    objects_release(&token.list);
    return status;
}

/* ---- Examining ---- */

static void tell_file(const struct kept_token *token, const struct object_file *file, enum decision decision,
                      store_finding each, void *context)
{
    switch (file->state) {
    case OBJECT_FILE_DAMAGED:
    case OBJECT_FILE_MISSING:
        if (decision == DECISION_RESTORE || decision == DECISION_RESTORE_CLOSED)
            each(token->folder, file->file, STORE_DAMAGED, context);
        break;
    case OBJECT_FILE_CHANGED:
        each(token->folder, file->file, STORE_UNCOPIED, context);
        break;
    case OBJECT_FILE_UNCOPIED:
        if (token->audit)
            each(token->folder, file->file, STORE_UNCOPIED, context);
        break;
    case OBJECT_FILE_LOST:
        each(token->folder, file->file, STORE_LOST, context);
        break;
    default:
        break;
    }
}

static sealring_status examine(sealring_manager *manager, bool audit, store_finding each, void *context,
                               sealring_error *error)
{
    struct kept_token token;
    struct wanted_ids wanted = {NULL, 0};
    enum decision *decisions = NULL;
    memset(&token, 0, sizeof token);
    token.audit = audit;
    token.store = software_store(manager->config->software);
    if (!software_folder(manager->config->software, audit ? manager->config->audit_token : manager->config->token,
                         token.folder))
        return SEALRING_OK;
    sealring_status status = kept_token_list(&token, error);
    if (status == SEALRING_OK)
        status = decide_all(manager->registry, &token, &decisions, error);
    if (status == SEALRING_OK && !audit)
        status = read_versions(manager->registry, &wanted, error);
    for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++)
        tell_file(&token, &token.list.files[i], decisions[i], each, context);
    if (status == SEALRING_OK && is_to_be_learned(&token, &wanted))
        each(token.folder, "", STORE_UNCOPIED, context);
    free(decisions);
    free(wanted.versions);
    objects_release(&token.list);
    return status;
}

sealring_status copies_examine(sealring_manager *manager, store_finding each, void *context, sealring_error *error)
{
    if (manager->config->software == NULL)
        return SEALRING_OK;
    sealring_status status = examine(manager, false, each, context, error);
    return status == SEALRING_OK ? examine(manager, true, each, context, error) : status;
}
