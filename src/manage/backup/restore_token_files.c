/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the vault's own software tokens during a restore: repaired from their copies before the tokens are used. */
#include "manage/backup/restore_token_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

struct repair {
    struct token_files *files;
    const struct store *store;
    bool audit;
};

/* Anybody may have chosen a name in the token's folder. */
static void add(const char *folder, const struct object_file *object, enum copies_outcome outcome, void *context)
{
    const struct repair *repair = context;
    struct token_files *files = repair->files;
    if (!array_grow(&files->files, files->count)) {
        files->incomplete = true;
        return;
    }
    struct token_file *file = &files->files[files->count++];
    *file = (struct token_file){.audit = repair->audit, .object = *object, .outcome = outcome};
    snprintf(file->path, sizeof file->path, "tokens/softhsm2/%.64s/%.64s", folder, object->file);
    for (char *c = file->path; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

/* ---- A dry run ---- */

static void take_damaged(const char *token, const char *file, enum store_state state, void *context)
{
    struct object_file named = {.known = false};
    if (state != STORE_DAMAGED)
        return;
    snprintf(named.file, sizeof named.file, "%s", file);
    add(token, &named, COPIES_RESTORED, context);
}

/* A dry run can continue without some key objects. But without its own files, or an audit token without its objects, a token answers wrongly. */
static sealring_status check_unrepaired(struct token_files *files, struct repair *repair, sealring_error *error)
{
    if (!repair->audit)
        return SEALRING_OK;
    if (!store_examine(repair->store, take_damaged, repair))
        return error_set(error, SEALRING_TOKEN, "the files of the software tokens in %s cannot be examined",
                         repair->store->tokens);
    for (size_t i = 0; i < files->count; i++)
        if (files->files[i].outcome == COPIES_RESTORED)
            return error_set(error, SEALRING_TOKEN,
                             "a file of the tokens is damaged or missing, and --dry-run restores nothing: without it "
                             "the file is restored from its copy first (%s)",
                             files->files[i].path);
    return SEALRING_OK;
}

/* ---- The whole repair ---- */

sealring_status token_files_repair(struct token_files *files, const struct config *config, struct registry *registry,
                                   sealring_error *error)
{
    struct repair repair = {.files = files, .audit = registry == NULL};
    if (config->software == NULL)
        return SEALRING_OK;
    repair.store = software_store(config->software);
    sealring_status status = copies_restore(config, registry, add, &repair, error);
    if (status == SEALRING_OK && !software_may_write(config->software))
        status = check_unrepaired(files, &repair, error);
    return status == SEALRING_OK && files->incomplete ? error_no_memory(error) : status;
}

/* ---- What was found ---- */

const struct token_file *token_files_find(const struct token_files *files, const struct registry_version *row)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct object_file *object = &files->files[i].object;
        if (!files->files[i].audit && object->known && object->object_id_length == row->object_id_length &&
            memcmp(object->object_id, row->object_id, row->object_id_length) == 0)
            return &files->files[i];
    }
    return NULL;
}

const struct token_file *token_files_lost(const struct token_files *files, bool audit)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->files[i].audit == audit && files->files[i].outcome == COPIES_LOST)
            return &files->files[i];
    return NULL;
}

bool token_files_are_own(const struct config *config)
{
    char folder[SOFTWARE_FOLDER_SIZE];
    return config->software != NULL && software_folder(config->software, config->token, folder) &&
           software_folder(config->software, config->audit_token, folder);
}

void token_files_suppose(const struct token_files *files, struct confront *confront)
{
    for (size_t i = 0; i < confront->inventory.version_count; i++) {
        struct confront_version *version = &confront->versions[i];
        const struct token_file *file = token_files_find(files, version->row);
        if (file == NULL || file->outcome != COPIES_RESTORED)
            continue;
        if (version->verdict != CONFRONT_GOOD && version->verdict != CONFRONT_OPEN) {
            confront->lost--;
            confront->proved++;
        }
        version->verdict = CONFRONT_GOOD;
        version->gone = false;
    }
}

void token_files_release(struct token_files *files)
{
    free(files->files);
    memset(files, 0, sizeof *files);
}
