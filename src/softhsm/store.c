/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of a vault's own SoftHSM2 tokens, and the copies of the files that SoftHSM2 rewrites in place at each login. */
#include "softhsm/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "softhsm/folder.h"
#include "softhsm/reserve.h"
#include "softhsm/separate.h"
#include "softhsm/stored.h"

#define JOURNAL_FILE  "restored"
#define JOURNAL_TAKEN "restored.taken"
#define JOURNAL_MOST  16384

static bool is_whole_token(const struct stored *stored)
{
    return stored->exists && object_file_is_token(stored->bytes, stored->length, false);
}

static bool is_whole_generation(const struct stored *stored)
{
    return stored->exists && stored->length == sizeof(uint64_t) && object_file_generation(stored->bytes) != 0;
}

static bool may_copy_token(const struct stored *stored)
{
    return stored->exists && object_file_is_token(stored->bytes, stored->length, true);
}

/* A login changes only the file's generation number, and a restored copy gets a new one. */
static bool is_same_token(const struct stored *one, const struct stored *other)
{
    return other->exists && one->length == other->length && one->length > sizeof(uint64_t) &&
           memcmp(one->bytes + sizeof(uint64_t), other->bytes + sizeof(uint64_t), one->length - sizeof(uint64_t)) == 0;
}

static bool is_same_generation(const struct stored *one, const struct stored *other)
{
    uint64_t now = object_file_generation(one->bytes);
    return is_whole_generation(other) && now >= object_file_generation(other->bytes) &&
           now - object_file_generation(other->bytes) < OBJECT_FILE_GENERATIONS / 2;
}

/* SoftHSM2 makes a missing `generation` again, from 1. A process that stored the same number before would not see a change. */
static bool has_gone_back(const struct stored *found, const struct stored *copy)
{
    return is_whole_generation(copy) && object_file_generation(found->bytes) < object_file_generation(copy->bytes);
}

static bool never_goes_back(const struct stored *found, const struct stored *copy)
{
    (void)found;
    (void)copy;
    return false;
}

/* The files that SoftHSM2 rewrites in each token's folder. */
static const struct store_file {
    const char *name;
    bool (*has_gone_back)(const struct stored *found, const struct stored *copy);
    bool (*is_whole)(const struct stored *stored);
    bool (*may_copy)(const struct stored *stored);
    bool (*is_same)(const struct stored *one, const struct stored *other);
} store_files[] = {
    {"token.object", never_goes_back, is_whole_token, may_copy_token, is_same_token},
    {"generation", has_gone_back, is_whole_generation, is_whole_generation, is_same_generation},
};
#define STORE_FILES (sizeof(store_files) / sizeof(store_files[0]))

struct store_work {
    const struct store *store;
    bool keep;
    struct store_outcome *outcome;
    store_finding each; /* set: only examine, and call it */
    void *each_context;
    struct stored found, copy;
};

/* ---- The journal ---- */

/* Called before the file is restored, so that no restoration is silent. */
void store_note(const struct store *store, const char *what)
{
    char path[STORED_PATH_MAX], line[STORE_TEXT_SIZE + 64], when[32];
    struct stat file;
    time_t now = time(NULL);
    struct tm utc;
    if (!stored_path(store->copies, JOURNAL_FILE, path) || (stat(path, &file) == 0 && file.st_size >= JOURNAL_MOST) ||
        gmtime_r(&now, &utc) == NULL || strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        return;
    int length = snprintf(line, sizeof(line), "%s %s\n", when, what);
    int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return;
    (void)stored_give(descriptor, path);
    ssize_t written = write(descriptor, line, (size_t)length);
    if (written < 0 && reserve_helps(store->copies, errno))
        written = write(descriptor, line, (size_t)length);
    if (written == length)
        (void)fsync(descriptor);
    close(descriptor);
}

size_t store_read_journal(const struct store *store, char *text, size_t size)
{
    char path[STORED_PATH_MAX], taken[STORED_PATH_MAX];
    struct stat file;
    if (!stored_path(store->copies, JOURNAL_FILE, path) || !stored_path(store->copies, JOURNAL_TAKEN, taken) ||
        ((stat(taken, &file) != 0 || file.st_size == 0) &&
         rename(path, taken) != 0)) /* if it is empty, the disk was full */
        return 0;
    int descriptor = open(taken, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t got = descriptor < 0 ? 0 : read(descriptor, text, size - 1);
    if (descriptor >= 0)
        close(descriptor);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

void store_forget_journal(const struct store *store)
{
    char taken[STORED_PATH_MAX];
    if (stored_path(store->copies, JOURNAL_TAKEN, taken))
        (void)unlink(taken);
}

/* ---- One file ---- */

static void store_complain(const struct store_work *work, const char *what, const char *token, const char *why)
{
    (void)snprintf(work->outcome->problem, sizeof(work->outcome->problem), "%s of the SoftHSM2 token in %.64s: %s",
                   what, token, why);
}

struct store_wanted {
    const struct store_file *file;
    const struct stored *copy; /* with the number that it gets when restored */
};

static bool store_still_damaged(const struct stored *found, void *context)
{
    const struct store_wanted *wanted = context;
    return !wanted->file->is_whole(found) || wanted->file->has_gone_back(found, wanted->copy);
}

static void store_restore(struct store_work *work, const struct store_file *file, const char *path, const char *copies,
                          const char *token)
{
    char what[STORE_TEXT_SIZE];
    bool replaced = false;
    struct store_wanted wanted = {file, &work->copy};
    (void)snprintf(what, sizeof(what), "%s of the SoftHSM2 token in %.64s", file->name, token);
    object_file_set_generation(work->copy.bytes,
                               object_file_renew_generation(object_file_generation(work->copy.bytes)));
    store_note(work->store, what);
    int problem = stored_replace(path, &work->found, store_still_damaged, &wanted, &work->copy, &replaced);
    if (reserve_helps(work->store->copies, problem))
        problem = stored_replace(path, &work->found, store_still_damaged, &wanted, &work->copy, &replaced);
    if (problem != 0) {
        store_complain(work, file->name, token, strerror(problem));
        return;
    }
    if (replaced) {
        work->outcome->restored++;
        memcpy(work->outcome->what, what, sizeof(what));
        (void)stored_copy(copies, file->name, &work->copy); /* so that the next time has another generation number */
    }
}

static void store_mend_file(struct store_work *work, const struct store_file *file, bool copied, const char *path,
                            const char *copies, const char *token)
{
    if (!work->found.exists && !copied)
        return; /* not a token's folder */
    work->outcome->damaged++;
    (void)snprintf(work->outcome->what, sizeof(work->outcome->what), "%s of the SoftHSM2 token in %.64s", file->name,
                   token);
    if (!copied)
        store_complain(work, file->name, token, "it is damaged, and there is no good copy of it");
    else
        store_restore(work, file, path, copies, token);
}

static void store_keep_file(struct store_work *work, const struct store_file *file, const char *copies,
                            const char *token)
{
    if (!file->may_copy(&work->found) || file->is_same(&work->found, &work->copy))
        return;
    int problem = folder_make(copies);
    if (problem == 0)
        problem = stored_copy(copies, file->name, &work->found);
    if (reserve_helps(work->store->copies, problem))
        problem = stored_copy(copies, file->name, &work->found);
    if (problem != 0)
        store_complain(work, file->name, token, strerror(problem));
}

static void store_examine_file(struct store_work *work, const struct store_file *file, bool damaged, bool copied,
                               const char *token)
{
    if (damaged && (work->found.exists || copied))
        work->each(token, file->name, copied ? STORE_DAMAGED : STORE_LOST, work->each_context);
    else if (file->may_copy(&work->found) && !file->is_same(&work->found, &work->copy))
        work->each(token, file->name, STORE_UNCOPIED, work->each_context);
}

/* If it cannot be decided whether the copy is valid and newer than the file, neither is replaced. */
static void store_doubt_file(struct store_work *work, const struct store_file *file, const char *token, int problem)
{
    char why[160];
    bool damaged = !file->is_whole(&work->found);
    if (work->each != NULL) {
        work->each(token, file->name, STORE_UNREADABLE, work->each_context);
        return;
    }
    work->outcome->damaged += damaged;
    (void)snprintf(why, sizeof(why), "%sits copy cannot be read: %.64s: `sealring doctor` names it",
                   damaged ? "it is damaged, and " : "", strerror(problem));
    store_complain(work, file->name, token, why);
}

static void store_look_at_file(struct store_work *work, const struct store_file *file, const char *token)
{
    char folder[STORED_PATH_MAX], path[STORED_PATH_MAX], copies[STORED_PATH_MAX], copy_path[STORED_PATH_MAX];
    if (!stored_path(work->store->tokens, token, folder) || !stored_path(folder, file->name, path) ||
        !stored_path(work->store->copies, token, copies) || !stored_path(copies, file->name, copy_path))
        return;
    int problem = stored_read(path, &work->found);
    if (problem != 0) {
        store_complain(work, file->name, token, strerror(problem));
        return;
    }
    problem = stored_read(copy_path, &work->copy);
    if (problem != 0) {
        store_doubt_file(work, file, token, problem);
        return;
    }
    bool copied = file->is_whole(&work->copy);
    bool damaged = !file->is_whole(&work->found) || file->has_gone_back(&work->found, &work->copy);
    if (work->each != NULL)
        store_examine_file(work, file, damaged, copied, token);
    else if (damaged)
        store_mend_file(work, file, copied, path, copies, token);
    else if (work->keep)
        store_keep_file(work, file, copies, token);
}

/* ---- All tokens ---- */

struct store_entries {
    struct store_work *work;
    const char *token;
    const char *folder;
};

static bool store_is_rewritten(const char *name)
{
    bool is = false;
    for (size_t i = 0; i < STORE_FILES; i++)
        is = is || strcmp(name, store_files[i].name) == 0;
    return is;
}

static void store_examine_copy(const char *name, void *context)
{
    const struct store_entries *entries = context;
    char path[STORED_PATH_MAX];
    if (!store_is_rewritten(name) && stored_path(entries->folder, name, path) &&
        stored_read(path, &entries->work->copy) != 0)
        entries->work->each(entries->token, name, STORE_UNREADABLE, entries->work->each_context);
}

static void store_examine_aside(const char *name, void *context)
{
    const struct store_entries *entries = context;
    size_t length = strlen(name), suffix = sizeof(STORE_ASIDE_SUFFIX) - 1;
    if (length > suffix && strcmp(name + length - suffix, STORE_ASIDE_SUFFIX) == 0)
        entries->work->each(entries->token, name, STORE_ASIDE, entries->work->each_context);
}

/* Examines the objects' copies, and files that were set aside. */
static void store_examine_folders(struct store_work *work, const char *token)
{
    char path[STORED_PATH_MAX];
    struct store_entries entries = {work, token, path};
    if (!stored_path(work->store->copies, token, path))
        return;
    if (folder_each(path, FOLDER_ALL, store_examine_copy, &entries) != 0)
        work->each(token, "", STORE_UNREADABLE, work->each_context);
    if (stored_path(work->store->tokens, token, path))
        (void)folder_each(path, FOLDER_FILES, store_examine_aside, &entries);
}

static void store_look_at_token(const char *token, void *context)
{
    struct store_work *work = context;
    if (work->each != NULL)
        store_examine_folders(work, token);
    for (size_t i = 0; i < STORE_FILES; i++)
        store_look_at_file(work, &store_files[i], token);
}

static void store_look(void *context)
{
    struct store_work *work = context;
    int problem = folder_each(work->store->tokens, FOLDER_DIRECTORIES, store_look_at_token, work);
    if (problem != 0)
        store_complain(work, "the files", work->store->tokens, strerror(problem));
    if (work->keep)
        reserve_make(work->store->copies);
}

static bool store_run(struct store_work *work)
{
    int problem = ENOMEM;
    memset(work->outcome, 0, sizeof(*work->outcome));
    work->found.bytes = malloc((size_t)2 * OBJECT_FILE_MAX);
    if (work->found.bytes != NULL) {
        work->copy.bytes = work->found.bytes + OBJECT_FILE_MAX;
        if (separate_run(store_look, work, &problem))
            problem = 0;
    }
    if (problem != 0)
        store_complain(work, "the files", work->store->tokens, strerror(problem));
    free(work->found.bytes);
    return problem == 0;
}

void store_mend(const struct store *store, struct store_outcome *outcome)
{
    struct store_work work = {.store = store, .outcome = outcome};
    (void)store_run(&work);
}

void store_keep(const struct store *store, struct store_outcome *outcome)
{
    struct store_work work = {.store = store, .keep = true, .outcome = outcome};
    (void)store_run(&work);
}

bool store_examine(const struct store *store, store_finding each, void *context)
{
    struct store_outcome outcome;
    struct store_work work = {.store = store, .each = each, .each_context = context, .outcome = &outcome};
    return store_run(&work);
}

/* ---- Syncing ---- */

struct store_syncing {
    const struct store *store;
    const char *folder;
    int problem;
};

static void store_sync_file(const char *name, void *context)
{
    struct store_syncing *syncing = context;
    char path[STORED_PATH_MAX];
    if (stored_path(syncing->folder, name, path)) {
        int problem = stored_sync(path);
        syncing->problem = problem != 0 ? problem : syncing->problem;
    }
}

static void store_sync_token(const char *token, void *context)
{
    struct store_syncing *syncing = context;
    char folder[STORED_PATH_MAX];
    if (stored_path(syncing->store->tokens, token, folder)) {
        syncing->folder = folder;
        int listing = folder_each(folder, FOLDER_FILES, store_sync_file, syncing);
        int problem = stored_sync_folder(folder);
        problem = problem != 0 ? problem : listing;
        syncing->problem = problem != 0 ? problem : syncing->problem;
    }
}

static void store_sync_all(void *context)
{
    struct store_syncing *syncing = context;
    int listing = folder_each(syncing->store->tokens, FOLDER_DIRECTORIES, store_sync_token, syncing);
    int problem = stored_sync_folder(syncing->store->tokens);
    problem = problem != 0 ? problem : listing;
    syncing->problem = problem != 0 ? problem : syncing->problem;
}

int store_sync(const struct store *store)
{
    struct store_syncing syncing = {.store = store};
    int problem = 0;
    return separate_run(store_sync_all, &syncing, &problem) ? syncing.problem : problem;
}
