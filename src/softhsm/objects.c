/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a token's objects and their copies. Everything runs under the vault's lock, except objects_list. */
#include "softhsm/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/base62.h"
#include "softhsm/folder.h"
#include "softhsm/reserve.h"
#include "softhsm/separate.h"
#include "softhsm/stored.h"

#define SUFFIX       ".object"
#define TOKEN_OBJECT "token.object"
#define KNOWN_PREFIX "key-"

/* One task on a token, with the memory for two files. */
struct objects_work {
    const struct store *store;
    char folder[STORED_PATH_MAX]; /* the token's */
    char copies[STORED_PATH_MAX];
    struct stored found, copy;
    struct object_files *list;
    const struct object_file *file;
    bool closed;
    int problem;
};

/* ---- Names ---- */

static bool is_object_name(const char *name)
{
    size_t length = strlen(name), suffix = sizeof(SUFFIX) - 1;
    return length > suffix && length < OBJECTS_NAME_MAX && strcmp(name + length - suffix, SUFFIX) == 0 &&
           strcmp(name, TOKEN_OBJECT) != 0;
}

/* Parses a copy's name. False: it is not an object's. */
static bool parse_copy_name(const char *name, struct object_file *file)
{
    memset(file, 0, sizeof(*file));
    if (strncmp(name, KNOWN_PREFIX, sizeof(KNOWN_PREFIX) - 1) == 0) {
        char digits[2 * OBJECTS_ID_MAX + 1];
        const char *id = name + sizeof(KNOWN_PREFIX) - 1;
        size_t length = strcspn(id, "-");
        if (length == 0 || length % 2 != 0 || length > (size_t)2 * OBJECTS_ID_MAX || id[length] != '-')
            return false;
        memcpy(digits, id, length);
        digits[length] = '\0';
        file->known = true;
        file->object_id_length = length / 2;
        if (!hex_decode(digits, file->object_id, file->object_id_length))
            return false;
        name = id + length + 1;
    }
    if (!is_object_name(name))
        return false;
    memcpy(file->file, name, strlen(name) + 1);
    return true;
}

#define COPY_NAME_MAX (sizeof(KNOWN_PREFIX) + (size_t)2 * OBJECTS_ID_MAX + 1 + OBJECTS_NAME_MAX)

static void copy_name(const struct object_file *file, char name[COPY_NAME_MAX])
{
    char digits[2 * OBJECTS_ID_MAX + 1];
    if (!file->known) {
        (void)snprintf(name, COPY_NAME_MAX, "%s", file->file);
        return;
    }
    hex_encode(file->object_id, file->object_id_length, digits);
    (void)snprintf(name, COPY_NAME_MAX, KNOWN_PREFIX "%s-%s", digits, file->file);
}

/* ---- Running ---- */

static int objects_run(const struct store *store, const char *token, struct objects_work *work,
                       void (*task)(void *context))
{
    int problem = 0;
    work->store = store;
    if (!stored_path(store->tokens, token, work->folder) || !stored_path(store->copies, token, work->copies))
        return ENAMETOOLONG;
    work->found.bytes = malloc((size_t)2 * OBJECT_FILE_MAX);
    if (work->found.bytes == NULL)
        return ENOMEM;
    work->copy.bytes = work->found.bytes + OBJECT_FILE_MAX;
    if (separate_run(task, work, &problem))
        problem = work->problem;
    free(work->found.bytes);
    return problem;
}

/* ---- Listing ---- */

static void list_add(struct objects_work *work, const struct object_file *file)
{
    struct object_files *list = work->list;
    if (array_grow(&list->files, list->count))
        list->files[list->count++] = *file;
    else
        work->problem = ENOMEM;
}

static enum object_file_state state_of(const struct stored *found, const struct stored *copy)
{
    if (!copy->exists) {
        if (object_file_holds_nothing(found->bytes, found->length))
            return OBJECT_FILE_USELESS;
        return object_file_is_whole(found->bytes, found->length) ? OBJECT_FILE_UNCOPIED : OBJECT_FILE_LOST;
    }
    if (!found->exists)
        return OBJECT_FILE_MISSING;
    if (!object_file_is_whole(found->bytes, found->length) ||
        !object_file_covers(found->bytes, found->length, copy->bytes, copy->length))
        return OBJECT_FILE_DAMAGED;
    bool same = found->length == copy->length && memcmp(found->bytes, copy->bytes, found->length) == 0;
    return same ? OBJECT_FILE_COPIED : OBJECT_FILE_CHANGED;
}

static void list_copy(const char *name, void *context)
{
    struct objects_work *work = context;
    struct object_file file;
    char path[STORED_PATH_MAX], copy[STORED_PATH_MAX];
    if (!parse_copy_name(name, &file) || !stored_path(work->folder, file.file, path) ||
        !stored_path(work->copies, name, copy))
        return;
    int problem = stored_read(copy, &work->copy);
    if (problem == 0)
        problem = stored_read(path, &work->found);
    if (problem != 0) {
        work->problem = problem;
        return;
    }
    if (!object_file_is_whole(work->copy.bytes, work->copy.length))
        return; /* counts as missing */
    file.state = state_of(&work->found, &work->copy);
    file.data = object_file_is_data(work->copy.bytes, work->copy.length);
    struct object_file *other = (struct object_file *)(uintptr_t)objects_find(work->list, file.file);
    if (other == NULL)
        list_add(work, &file);
    else if (file.known && !other->known) /* interrupted before the other copy was removed */
        *other = file;
}

static void list_file(const char *name, void *context)
{
    struct objects_work *work = context;
    struct object_file file = {.known = false};
    char path[STORED_PATH_MAX];
    if (!is_object_name(name) || objects_find(work->list, name) != NULL || !stored_path(work->folder, name, path))
        return;
    int problem = stored_read(path, &work->found);
    if (problem != 0) {
        work->problem = problem;
        return;
    }
    if (!work->found.exists)
        return;
    work->copy.exists = false;
    memcpy(file.file, name, strlen(name) + 1);
    file.state = state_of(&work->found, &work->copy);
    file.data = object_file_is_data(work->found.bytes, work->found.length);
    list_add(work, &file);
}

static void list_all(void *context)
{
    struct objects_work *work = context;
    int copies =
        folder_each(work->copies, FOLDER_ALL, list_copy, work); /* every entry with a copy's name must be a copy */
    int files = folder_each(work->folder, FOLDER_FILES, list_file, work);
    if (copies != 0 || files != 0)
        work->problem = copies != 0 ? copies : files;
}

int objects_list(const struct store *store, const char *token, struct object_files *list)
{
    struct objects_work work = {.list = list};
    memset(list, 0, sizeof(*list));
    return objects_run(store, token, &work, list_all);
}

void objects_release(struct object_files *list)
{
    free(list->files);
    memset(list, 0, sizeof(*list));
}

const struct object_file *objects_find(const struct object_files *list, const char *file)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->files[i].file, file) == 0)
            return &list->files[i];
    return NULL;
}

/* ---- Copying ---- */

static void drop_other_copy(const char *name, void *context)
{
    struct objects_work *work = context;
    struct object_file file;
    char wanted[COPY_NAME_MAX];
    copy_name(work->file, wanted);
    if (!parse_copy_name(name, &file) || strcmp(file.file, work->file->file) != 0 || strcmp(name, wanted) == 0)
        return;
    int problem = stored_remove(work->copies, name);
    work->problem = problem != 0 ? problem : work->problem;
}

static void keep_file(void *context)
{
    struct objects_work *work = context;
    char path[STORED_PATH_MAX], name[COPY_NAME_MAX];
    copy_name(work->file, name);
    if (!stored_path(work->folder, work->file->file, path)) {
        work->problem = ENAMETOOLONG;
        return;
    }
    work->problem = stored_read(path, &work->found);
    if (work->problem == 0 && (!object_file_is_whole(work->found.bytes, work->found.length) ||
                               object_file_holds_nothing(work->found.bytes, work->found.length)))
        work->problem = ENODATA;
    if (work->problem == 0)
        work->problem = stored_sync(path);
    if (work->problem == 0)
        work->problem = stored_sync_folder(work->folder);
    if (work->problem == 0)
        work->problem = folder_make(work->copies);
    if (work->problem == 0)
        work->problem = stored_copy(work->copies, name, &work->found);
    if (reserve_helps(work->store->copies, work->problem))
        work->problem = stored_copy(work->copies, name, &work->found);
    if (work->problem == 0) {
        int problem = folder_each(work->copies, FOLDER_ALL, drop_other_copy, work);
        work->problem = problem != 0 ? problem : work->problem;
    }
}

int objects_keep(const struct store *store, const char *token, const struct object_file *file)
{
    struct objects_work work = {.file = file};
    return objects_run(store, token, &work, keep_file);
}

static void drop_copy(const char *name, void *context)
{
    struct objects_work *work = context;
    struct object_file file;
    if (parse_copy_name(name, &file) && strcmp(file.file, work->file->file) == 0) {
        int problem = stored_remove(work->copies, name);
        work->problem = problem != 0 ? problem : work->problem;
    }
}

static void drop_copies(void *context)
{
    struct objects_work *work = context;
    int problem = folder_each(work->copies, FOLDER_ALL, drop_copy, work);
    work->problem = problem != 0 ? problem : work->problem;
}

int objects_drop(const struct store *store, const char *token, const char *file)
{
    struct object_file wanted = {.known = false};
    struct objects_work work = {.file = &wanted};
    (void)snprintf(wanted.file, sizeof(wanted.file), "%s", file);
    return objects_run(store, token, &work, drop_copies);
}

static void sync_folder(void *context)
{
    struct objects_work *work = context;
    work->problem = stored_sync_folder(work->folder);
}

int objects_sync(const struct store *store, const char *token)
{
    struct objects_work work = {.problem = 0};
    return objects_run(store, token, &work, sync_folder);
}

/* ---- Restoring ---- */

static bool still_lacks_something(const struct stored *found, void *context)
{
    const struct stored *copy = context;
    return !object_file_is_whole(found->bytes, found->length) ||
           !object_file_covers(found->bytes, found->length, copy->bytes, copy->length);
}

static bool always(const struct stored *found, void *context)
{
    (void)context;
    return found->exists;
}

/* Makes all processes read the token's folder again. */
static int announce(struct objects_work *work)
{
    char path[STORED_PATH_MAX];
    uint8_t number[sizeof(uint64_t)];
    struct stored generation = {.bytes = number, .length = sizeof(number), .exists = true};
    bool replaced;
    if (!stored_path(work->folder, "generation", path))
        return ENAMETOOLONG;
    int problem = stored_read(path, &work->found);
    uint64_t now = problem == 0 && work->found.length == sizeof(number) ? object_file_generation(work->found.bytes) : 0;
    object_file_set_generation(number, object_file_renew_generation(now));
    return stored_replace(path, &work->found, always, NULL, &generation, &replaced);
}

/* C_DestroyObject fails if an object's lock file is missing. */
static int make_lock(const struct objects_work *work)
{
    char path[STORED_PATH_MAX];
    size_t length = strlen(work->file->file) - (sizeof(SUFFIX) - 1);
    if (snprintf(path, sizeof(path), "%s/%.*s.lock", work->folder, (int)length, work->file->file) >= (int)sizeof(path))
        return ENAMETOOLONG;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (descriptor < 0)
        return errno;
    int problem = stored_give(descriptor, path);
    close(descriptor);
    return problem;
}

static void restore_file(void *context)
{
    struct objects_work *work = context;
    const struct object_file *file = work->file;
    char path[STORED_PATH_MAX], copy[STORED_PATH_MAX], name[COPY_NAME_MAX], what[STORE_TEXT_SIZE];
    bool replaced = false;
    copy_name(file, name);
    if (!stored_path(work->folder, file->file, path) || !stored_path(work->copies, name, copy)) {
        work->problem = ENAMETOOLONG;
        return;
    }
    work->problem = stored_read(copy, &work->copy);
    if (work->problem == 0 && !object_file_is_whole(work->copy.bytes, work->copy.length))
        work->problem = ENODATA;
    if (work->problem != 0)
        return;
    if (work->closed)
        object_file_close(work->copy.bytes, work->copy.length);
    object_file_set_generation(work->copy.bytes,
                               object_file_renew_generation(object_file_generation(work->copy.bytes)));
    (void)snprintf(what, sizeof(what), "%.100s in %.64s%s", name, strrchr(work->folder, '/') + 1,
                   work->closed ? ", closed" : "");
    store_note(work->store, what);
    for (int i = 0; i == 0 || (i == 1 && reserve_helps(work->store->copies, work->problem)); i++)
        work->problem = stored_replace(path, &work->found, still_lacks_something, &work->copy, &work->copy, &replaced);
    if (work->problem != 0 || !replaced)
        return;
    work->problem = make_lock(work);
    if (work->problem == 0)
        work->problem = stored_sync_folder(work->folder);
    (void)stored_copy(work->copies, name, &work->copy);
    if (work->problem == 0)
        work->problem = announce(work);
}

int objects_restore(const struct store *store, const char *token, const struct object_file *file, bool closed)
{
    struct objects_work work = {.file = file, .closed = closed};
    return objects_run(store, token, &work, restore_file);
}

/* ---- Removing incomplete objects ---- */

static void clear_away(void *context)
{
    struct objects_work *work = context;
    char path[STORED_PATH_MAX], aside[STORED_PATH_MAX], lock[OBJECTS_NAME_MAX], what[STORE_TEXT_SIZE];
    int length = (int)(strlen(work->file->file) - (sizeof(SUFFIX) - 1));
    (void)snprintf(lock, sizeof(lock), "%.*s.lock", length, work->file->file);
    if (!stored_path(work->folder, work->file->file, path) ||
        snprintf(aside, sizeof(aside), "%s/%.*s" STORE_ASIDE_SUFFIX, work->folder, length, work->file->file) >=
            (int)sizeof(aside)) {
        work->problem = ENAMETOOLONG;
        return;
    }
    work->problem = stored_read(path, &work->found);
    if (work->problem != 0 || !work->found.exists)
        return;
    bool empty = object_file_holds_nothing(work->found.bytes, work->found.length);
    if (!empty && object_file_is_whole(work->found.bytes, work->found.length))
        return;
    (void)snprintf(what, sizeof(what), "%s in %.64s, %s", work->file->file, strrchr(work->folder, '/') + 1,
                   empty ? "which held no object, removed"
                         : "damaged and without a copy, renamed to *" STORE_ASIDE_SUFFIX);
    store_note(work->store, what);
    if (empty)
        work->problem = stored_remove(work->folder, work->file->file);
    else if (rename(path, aside) != 0)
        work->problem = errno;
    if (work->problem == 0)
        work->problem = stored_remove(work->folder, lock);
}

int objects_clear_away(const struct store *store, const char *token, const char *file)
{
    struct object_file wanted = {.known = false};
    struct objects_work work = {.file = &wanted};
    (void)snprintf(wanted.file, sizeof(wanted.file), "%s", file);
    return is_object_name(file) ? objects_run(store, token, &work, clear_away) : EINVAL;
}
