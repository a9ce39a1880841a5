/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the object files of the vault's own key token: every object has a copy. */
#include "manage/tokens/token_file_copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

/* ---- Which file belongs to which object ---- */

/* Copies the file as that of the object with this ID. */
static sealring_status keep_as(const struct kept_token *token, struct object_file *file, const uint8_t *object_id,
                               size_t length, sealring_error *error)
{
    file->known = true;
    file->object_id_length = length;
    memcpy(file->object_id, object_id, length);
    return kept_token_keep(token, file, error);
}

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
    return keep_as(token, changed, object_id, length, error);
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
    sealring_status status;
    (void)kept_token_open(manager->config, false, &token, &status, error);
    *before = token.list; /* the caller releases it */
    return status;
}

sealring_status copies_add(sealring_manager *manager, const struct object_files *before, const uint8_t *object_id,
                           size_t object_id_length, sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    struct object_file *made = NULL;
    size_t count = 0;
    sealring_status status;
    if (!kept_token_open(manager->config, false, &token, &status, error))
        return status;
    for (size_t i = 0; i < token.list.count; i++)
        if (token.list.files[i].state == OBJECT_FILE_UNCOPIED &&
            objects_find(before, token.list.files[i].file) == NULL) {
            made = &token.list.files[i];
            count++;
        }
    if (count == 1)
        return keep_as(&token, made, object_id, object_id_length, error);
    /* another process made an object at the same time */
    status = keep_uncopied(&token, before, error);
    return status == SEALRING_OK ? learn(manager, &token, object_id, object_id_length, error) : status;
}

sealring_status copies_sync(sealring_manager *manager, sealring_error *error)
{
    struct kept_token token;
    if (!kept_token_find(manager->config, false, &token))
        return SEALRING_OK;
    return kept_token_result(&token, objects_sync(token.store, token.folder), "written to disk", error);
}

sealring_status copies_drop(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length,
                            sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    sealring_status status;
    if (!kept_token_open(manager->config, false, &token, &status, error))
        return status;
    /* a copy without an ID, in a vault from before copies existed, may be this object's and is removed as well: the next command makes it again */
    for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++) {
        const struct object_file *file = &token.list.files[i];
        if (kept_token_has_id(file, object_id, object_id_length) || !file->known)
            status = kept_token_result(&token, objects_drop(token.store, token.folder, file), "freed of a copy", error);
    }
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
        if (kept_token_has_id(&token->list.files[i], version->object_id, version->object_id_length))
            return true;
    return false;
}

static bool any_lacks_copy(const struct kept_token *token, const struct wanted_ids *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!has_copy(token, &wanted->versions[i]))
            return true;
    return false;
}

/* Whether a version has no copy, and a file may be its object's. */
static bool is_to_be_learned(const struct kept_token *token, const struct wanted_ids *wanted)
{
    for (size_t i = 0; i < token->list.count; i++)
        if (!token->list.files[i].known && token->list.files[i].state <= OBJECT_FILE_UNCOPIED)
            return any_lacks_copy(token, wanted);
    return false;
}

sealring_status copies_are_lacking(struct registry *registry, const struct kept_token *token, bool *lacking,
                                   sealring_error *error)
{
    struct wanted_ids wanted = {NULL, 0};
    sealring_status status = read_versions(registry, &wanted, error);
    *lacking = status == SEALRING_OK && is_to_be_learned(token, &wanted);
    free(wanted.versions);
    return status;
}

/* For a vault from before copies existed, or whose copies were removed. A missing object has no file; the doctor reports it. */
static sealring_status learn_all(sealring_manager *manager, struct kept_token *token, const struct wanted_ids *wanted,
                                 sealring_error *error)
{
    char label[TOKEN_LABEL_MAX + 1];
    enum token_answer answer;
    sealring_status status = keep_uncopied(token, NULL, error);
    for (size_t i = 0; status == SEALRING_OK && i < wanted->count; i++) {
        const struct registry_version *version = &wanted->versions[i];
        if (has_copy(token, version))
            continue;
        status = token_key_label(manager->token, version->object_id, version->object_id_length, label, &answer, error);
        if (status == SEALRING_OK)
            status = learn(manager, token, version->object_id, version->object_id_length, error);
        if (status == SEALRING_OK)
            status = kept_token_list(token, error);
        if (answer == TOKEN_MISSING)
            status = SEALRING_OK;
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
            problem = objects_clear_away(token->store, token->folder, file);
        else if (!file->known && all_known && file->state != OBJECT_FILE_UNCOPIED)
            problem = objects_drop(token->store, token->folder, file);
        status = kept_token_result(token, problem, "cleared of what an interrupted command has left", error);
    }
    return status;
}

sealring_status copies_complete(sealring_manager *manager, bool *of_registry, sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    struct wanted_ids wanted = {NULL, 0};
    sealring_status status = SEALRING_OK;
    *of_registry = false;
    if (manager->token == NULL || !kept_token_open(manager->config, false, &token, &status, error))
        return status;
    status = kept_token_keep_changed(&token, error);
    if (status == SEALRING_OK) {
        status = read_versions(manager->registry, &wanted, error);
        *of_registry = status != SEALRING_OK;
    }
    if (status == SEALRING_OK && is_to_be_learned(&token, &wanted))
        status = learn_all(manager, &token, &wanted, error);
    if (status == SEALRING_OK)
        status = clear(&token, &wanted, error);
    free(wanted.versions);
    return status;
}
