/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a token's objects and their copies. Everything runs under the vault's lock, except objects_list. */
#include "softhsm/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* One task on a token, with the memory for two files. Tasks return 0 or an errno. */
struct objects_work {
    const struct store *store;
    char folder[STORED_PATH_MAX]; /* the token's */
    char copies[STORED_PATH_MAX];
    struct stored found, copy;
    struct object_files *list;
    const struct object_file *file;
    bool closed;
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
    char digits[2 * OBJECTS_ID_MAX + 1]; /* 64, as in the format */
    int end = 0;
    memset(file, 0, sizeof(*file));
    file->known = strncmp(name, KNOWN_PREFIX, strlen(KNOWN_PREFIX)) == 0;
    if (file->known) {
        if (sscanf(name, KNOWN_PREFIX "%64[0-9a-f]-%n", digits, &end) != 1 || end == 0 || strlen(digits) % 2 != 0)
            return false;
        file->object_id_length = strlen(digits) / 2;
        (void)hex_decode(digits, file->object_id, file->object_id_length);
    }
    if (!is_object_name(name + end))
        return false;
    memcpy(file->file, name + end, strlen(name + end) + 1);
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

/* The name of the object's file with another suffix. */
static void name_beside(const struct object_file *file, const char *suffix, char name[COPY_NAME_MAX])
{
    (void)snprintf(name, COPY_NAME_MAX, "%.*s%s", (int)(strlen(file->file) - strlen(SUFFIX)), file->file, suffix);
}

/* ---- Running ---- */

static int objects_run(const struct store *store, const char *token, struct objects_work *work,
                       int (*task)(void *context))
{
    work->store = store;
    stored_path(store->tokens, token, work->folder);
    stored_path(store->copies, token, work->copies);
    work->found.bytes = malloc((size_t)2 * OBJECT_FILE_MAX);
    if (work->found.bytes == NULL)
        return ENOMEM;
    work->copy.bytes = work->found.bytes + OBJECT_FILE_MAX;
    int problem = separate_run(task, work);
    free(work->found.bytes);
    return problem;
}

/* ---- Listing ---- */

static int list_add(struct object_files *list, const struct object_file *file)
{
    if (!array_grow(&list->files, list->count))
        return ENOMEM;
    list->files[list->count++] = *file;
    return 0;
}

static bool lacks_something(const struct stored *found, void *context)
{
    const struct stored *copy = context;
    return !object_file_is_whole(found->bytes, found->length) ||
           !object_file_covers(found->bytes, found->length, copy->bytes, copy->length);
}

static enum object_file_state state_of(const struct stored *found, struct stored *copy)
{
    if (!copy->exists) {
        if (object_file_holds_nothing(found->bytes, found->length))
            return OBJECT_FILE_USELESS;
        return object_file_is_whole(found->bytes, found->length) ? OBJECT_FILE_UNCOPIED : OBJECT_FILE_LOST;
    }
    if (!found->exists)
        return OBJECT_FILE_MISSING;
    if (lacks_something(found, copy))
        return OBJECT_FILE_DAMAGED;
    bool same = found->length == copy->length && memcmp(found->bytes, copy->bytes, found->length) == 0;
    return same ? OBJECT_FILE_COPIED : OBJECT_FILE_CHANGED;
}

static int list_copy(struct objects_work *work, const char *name)
{
    struct object_file file;
    char path[STORED_PATH_MAX];
    if (!parse_copy_name(name, &file))
        return 0;
    stored_path(work->copies, name, path);
    int problem = stored_read(path, &work->copy);
    stored_path(work->folder, file.file, path);
    if (problem == 0)
        problem = stored_read(path, &work->found);
    if (problem != 0 || !object_file_is_whole(work->copy.bytes, work->copy.length))
        return problem; /* a copy that is not whole counts as missing */
    file.state = state_of(&work->found, &work->copy);
    file.data = object_file_is_data(work->copy.bytes, work->copy.length);
    struct object_file *other = (struct object_file *)(uintptr_t)objects_find(work->list, file.file);
    if (other == NULL)
        return list_add(work->list, &file);
    if (file.known && !other->known) /* interrupted before the other copy was removed */
        *other = file;
    return 0;
}

static int list_file(struct objects_work *work, const char *name)
{
    struct object_file file = {.known = false};
    char path[STORED_PATH_MAX];
    if (!is_object_name(name) || objects_find(work->list, name) != NULL)
        return 0;
    stored_path(work->folder, name, path);
    int problem = stored_read(path, &work->found);
    if (problem != 0 || !work->found.exists)
        return problem;
    work->copy.exists = false;
    memcpy(file.file, name, strlen(name) + 1);
    file.state = state_of(&work->found, &work->copy);
    file.data = object_file_is_data(work->found.bytes, work->found.length);
    return list_add(work->list, &file);
}

static int list_folder(struct objects_work *work, const char *path, mode_t kind,
                       int (*list)(struct objects_work *work, const char *name))
{
    struct folder folder = folder_open(path, kind);
    int problem = 0;
    for (const char *name; (name = folder_next(&folder)) != NULL;) {
        int failure = list(work, name);
        problem = failure != 0 ? failure : problem;
    }
    return folder.problem != 0 ? folder.problem : problem;
}

static int list_all(void *context)
{
    struct objects_work *work = context;
    int copies = list_folder(work, work->copies, 0, list_copy); /* every entry with a copy's name must be a copy */
    int files = list_folder(work, work->folder, S_IFREG, list_file);
    return copies != 0 ? copies : files;
}

int objects_list(const struct store *store, const char *token, struct object_files *list)
{
    memset(list, 0, sizeof(*list));
    return objects_run(store, token, &(struct objects_work){.list = list}, list_all);
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

/* Removes the copies of the file but the one with this name. */
static int drop_copies(const struct objects_work *work, const char *wanted)
{
    struct object_file copy;
    struct folder copies = folder_open(work->copies, 0);
    int problem = 0;
    for (const char *name; (name = folder_next(&copies)) != NULL;)
        if (parse_copy_name(name, &copy) && strcmp(copy.file, work->file->file) == 0 && strcmp(name, wanted) != 0) {
            int failure = stored_remove(work->copies, name);
            problem = failure != 0 ? failure : problem;
        }
    return copies.problem != 0 ? copies.problem : problem;
}

static int keep_file(void *context)
{
    struct objects_work *work = context;
    char path[STORED_PATH_MAX], name[COPY_NAME_MAX];
    copy_name(work->file, name);
    stored_path(work->folder, work->file->file, path);
    int problem = stored_read(path, &work->found);
    if (problem == 0 && (!object_file_is_whole(work->found.bytes, work->found.length) ||
                         object_file_holds_nothing(work->found.bytes, work->found.length)))
        problem = ENODATA;
    if (problem == 0)
        problem = stored_sync(path);
    if (problem == 0)
        problem = stored_sync(work->folder);
    if (problem != 0)
        return problem;
    do {
        problem = folder_make(work->copies);
        if (problem == 0)
            problem = stored_copy(work->copies, name, &work->found);
    } while (reserve_helps(work->store->copies, problem));
    return problem != 0 ? problem : drop_copies(work, name);
}

int objects_keep(const struct store *store, const char *token, const struct object_file *file)
{
    return objects_run(store, token, &(struct objects_work){.file = file}, keep_file);
}

static int drop_all(void *context)
{
    return drop_copies(context, "");
}

int objects_drop(const struct store *store, const char *token, const struct object_file *file)
{
    return objects_run(store, token, &(struct objects_work){.file = file}, drop_all);
}

/* In this thread: SoftHSM2 locks no folder. */
int objects_sync(const struct store *store, const char *token)
{
    char folder[STORED_PATH_MAX];
    stored_path(store->tokens, token, folder);
    return stored_sync(folder);
}

/* ---- Restoring ---- */

/* Makes all processes read the token's folder again. */
static int announce(struct objects_work *work)
{
    char path[STORED_PATH_MAX];
    uint8_t number[sizeof(uint64_t)] = {0};
    struct stored generation = {.bytes = number, .length = sizeof(number), .exists = true};
    bool replaced;
    stored_path(work->folder, "generation", path);
    if (stored_read(path, &work->found) == 0 && work->found.length == sizeof(number))
        memcpy(number, work->found.bytes, sizeof(number));
    object_file_renew_generation(number);
    return stored_replace(path, &work->found, NULL, NULL, &generation, &replaced);
}

/* C_DestroyObject fails if an object's lock file is missing. */
static int make_lock(const struct objects_work *work)
{
    char path[STORED_PATH_MAX], lock[COPY_NAME_MAX];
    int descriptor;
    name_beside(work->file, ".lock", lock);
    stored_path(work->folder, lock, path);
    int problem = stored_open(path, O_WRONLY | O_CREAT, &descriptor);
    if (problem == 0)
        close(descriptor);
    return problem;
}

/* Notes what is about to be done with the file or copy of this name. */
static void note(const struct objects_work *work, const char *name, const char *what)
{
    char text[STORE_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "%.140s in %.64s%s", name, strrchr(work->folder, '/') + 1, what);
    store_note(work->store, text);
}

static int restore_file(void *context)
{
    struct objects_work *work = context;
    char path[STORED_PATH_MAX], name[COPY_NAME_MAX];
    bool replaced = false;
    copy_name(work->file, name);
    stored_path(work->copies, name, path);
    int problem = stored_read(path, &work->copy);
    if (problem == 0 && !object_file_is_whole(work->copy.bytes, work->copy.length))
        problem = ENODATA;
    if (problem != 0)
        return problem;
    if (work->closed)
        object_file_close(work->copy.bytes, work->copy.length);
    object_file_renew_generation(work->copy.bytes);
    note(work, name, work->closed ? ", closed" : "");
    stored_path(work->folder, work->file->file, path);
    do
        problem = stored_replace(path, &work->found, lacks_something, &work->copy, &work->copy, &replaced);
    while (reserve_helps(work->store->copies, problem));
    if (problem != 0 || !replaced)
        return problem;
    problem = make_lock(work);
    if (problem == 0)
        problem = stored_sync(work->folder);
    (void)stored_copy(work->copies, name, &work->copy);
    return problem == 0 ? announce(work) : problem;
}

int objects_restore(const struct store *store, const char *token, const struct object_file *file, bool closed)
{
    return objects_run(store, token, &(struct objects_work){.file = file, .closed = closed}, restore_file);
}

/* ---- Removing incomplete objects ---- */

static int clear_away(void *context)
{
    struct objects_work *work = context;
    char path[STORED_PATH_MAX], aside[STORED_PATH_MAX], name[COPY_NAME_MAX];
    stored_path(work->folder, work->file->file, path);
    int problem = stored_read(path, &work->found);
    if (problem != 0 || !work->found.exists)
        return problem;
    bool empty = object_file_holds_nothing(work->found.bytes, work->found.length);
    if (!empty && object_file_is_whole(work->found.bytes, work->found.length))
        return 0;
    note(work, work->file->file,
         empty ? ", which held no object, removed" : ", damaged and without a copy, renamed to *" STORE_ASIDE_SUFFIX);
    if (empty) {
        problem = stored_remove(work->folder, work->file->file);
    } else {
        name_beside(work->file, STORE_ASIDE_SUFFIX, name);
        stored_path(work->folder, name, aside);
        problem = rename(path, aside) == 0 ? 0 : errno;
    }
    name_beside(work->file, ".lock", name);
    return problem == 0 ? stored_remove(work->folder, name) : problem;
}

int objects_clear_away(const struct store *store, const char *token, const struct object_file *file)
{
    return objects_run(store, token, &(struct objects_work){.file = file}, clear_away);
}
