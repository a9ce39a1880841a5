/* SPDX-License-Identifier: Apache-2.0 */
/* The object files of one of the vault's own software tokens, and their copies. */
#include "manage/session/own_token_files.h"

#include <string.h>

#include "base/error.h"

bool kept_token_find(const struct config *config, bool audit, struct kept_token *token)
{
    memset(token, 0, sizeof *token);
    token->audit = audit;
    if (!software_may_write(config->software))
        return false;
    token->store = software_store(config->software);
    return software_folder(config->software, audit ? config->audit_token : config->token, token->folder);
}

sealring_status kept_token_result(const struct kept_token *token, int problem, const char *what, sealring_error *error)
{
    if (problem == 0)
        return SEALRING_OK;
    return error_set_system(error, problem, "the %s of the software token in %s/%s cannot be %s",
                            token->audit ? "audit objects" : "keys", token->store->tokens, token->folder, what);
}

sealring_status kept_token_list(struct kept_token *token, sealring_error *error)
{
    objects_release(&token->list);
    return kept_token_result(token, objects_list(token->store, token->folder, &token->list),
                             "compared with their copies (`sealring doctor` names what is wrong)", error);
}

void kept_token_release(struct kept_token *token)
{
    objects_release(&token->list);
}

bool kept_token_open(const struct config *config, bool audit, struct kept_token *token, sealring_status *status,
                     sealring_error *error)
{
    *status = SEALRING_OK;
    if (!kept_token_find(config, audit, token))
        return false;
    *status = kept_token_list(token, error);
    return *status == SEALRING_OK;
}

bool kept_token_has_id(const struct object_file *file, const uint8_t *object_id, size_t length)
{
    return file->known && file->object_id_length == length && memcmp(file->object_id, object_id, length) == 0;
}

sealring_status kept_token_keep(const struct kept_token *token, const struct object_file *file, sealring_error *error)
{
    return kept_token_result(token, objects_keep(token->store, token->folder, file), "copied", error);
}

sealring_status kept_token_keep_changed(const struct kept_token *token, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; i < token->list.count; i++)
        if (token->list.files[i].state == OBJECT_FILE_CHANGED &&
            kept_token_keep(token, &token->list.files[i], error) != SEALRING_OK)
            status = SEALRING_SYSTEM;
    return status;
}

bool kept_token_was_replaced(const struct kept_token *token, const struct object_file *file)
{
    bool other = false;
    for (size_t i = 0; i < token->list.count; i++)
        other = other || (token->list.files[i].data && token->list.files[i].state <= OBJECT_FILE_UNCOPIED);
    return file->data && file->state == OBJECT_FILE_MISSING && other;
}

static sealring_status follow_audit_file(const struct kept_token *token, const struct object_file *file,
                                         sealring_error *error)
{
    int problem = 0;
    if (file->state == OBJECT_FILE_CHANGED || file->state == OBJECT_FILE_UNCOPIED)
        problem = objects_keep(token->store, token->folder, file);
    else if (kept_token_was_replaced(token, file))
        problem = objects_drop(token->store, token->folder, file);
    else if (file->state == OBJECT_FILE_USELESS || file->state == OBJECT_FILE_LOST)
        problem = objects_clear_away(token->store, token->folder, file);
    return kept_token_result(token, problem, "copied", error);
}

sealring_status kept_token_follow_audit(const struct config *config, sealring_error *error)
{
    __attribute__((cleanup(kept_token_release))) struct kept_token token = {.store = NULL};
    sealring_status status;
    if (!kept_token_open(config, true, &token, &status, error))
        return status;
    /* the new ones come first, so that at any time there is a copy of the old anchor or of the new one */
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; status == SEALRING_OK && i < token.list.count; i++)
            if ((token.list.files[i].state == OBJECT_FILE_MISSING) == (pass == 1))
                status = follow_audit_file(&token, &token.list.files[i], error);
    return status;
}
