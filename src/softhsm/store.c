/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of a vault's own SoftHSM2 tokens, and the copies of the files that SoftHSM2 rewrites in place at each login. */
#include "softhsm/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timetext.h"
#include "softhsm/folder.h"
#include "softhsm/reserve.h"
#include "softhsm/separate.h"
#include "softhsm/stored.h"

#define JOURNAL_FILE  "restored"
#define JOURNAL_TAKEN "restored.taken"
#define JOURNAL_MOST  16384

/* The files that SoftHSM2 rewrites in each token's folder. */
enum store_file { TOKEN_OBJECT, GENERATION, STORE_FILES };
static const char *const store_names[STORE_FILES] = {"token.object", "generation"};

struct store_work {
    const struct store *store;
    bool keep;
    struct store_outcome *outcome;
    store_finding each; /* set: only examine, and call it */
    void *each_context;
    const char *token; /* the file that is being examined, its path, and the folder of its copy */
    enum store_file file;
    char path[STORED_PATH_MAX];
    char copies[STORED_PATH_MAX];
    struct stored found, copy;
};

static bool is_whole(const struct store_work *work, const struct stored *stored, bool with_pin)
{
    if (!stored->exists)
        return false;
    if (work->file == TOKEN_OBJECT)
        return object_file_is_token(stored->bytes, stored->length, with_pin);
    return stored->length == sizeof(uint64_t) && object_file_generation(stored->bytes) != 0;
}

/* SoftHSM2 makes a missing `generation` again, from 1. A process that stored the same number before would not see a change. */
static bool is_damaged(const struct stored *found, void *context)
{
    const struct store_work *work = context;
    return !is_whole(work, found, false) ||
           (work->file == GENERATION && is_whole(work, &work->copy, false) &&
            object_file_generation(found->bytes) < object_file_generation(work->copy.bytes));
}

/* Returns whether the file can be copied, and its copy is not as good. A login changes only a file's generation number, and a restored
 * copy gets a new one. */
static bool is_uncopied(const struct store_work *work)
{
    const struct stored *found = &work->found, *copy = &work->copy;
    const size_t number = sizeof(uint64_t);
    if (!is_whole(work, found, true))
        return false;
    if (work->file == GENERATION) /* a copy that is ahead counts as far behind */
        return !is_whole(work, copy, true) ||
               object_file_generation(found->bytes) - object_file_generation(copy->bytes) >=
                   OBJECT_FILE_GENERATIONS / 2;
    return !copy->exists || found->length != copy->length ||
           memcmp(found->bytes + number, copy->bytes + number, found->length - number) != 0;
}

/* ---- The journal ---- */

/* Called before the file is restored, so that no restoration is silent. */
void store_note(const struct store *store, const char *what)
{
    char path[STORED_PATH_MAX], line[STORE_TEXT_SIZE + 64], when[TIMETEXT_SIZE];
    struct stat file;
    int descriptor;
    stored_path(store->copies, JOURNAL_FILE, path);
    if ((stat(path, &file) == 0 && file.st_size >= JOURNAL_MOST) ||
        stored_open(path, O_WRONLY | O_APPEND | O_CREAT, &descriptor) != 0)
        return;
    timetext_format(clock_wall_ms() / 1000 * 1000, when);
    int length = snprintf(line, sizeof(line), "%s %s\n", when, what);
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
    stored_path(store->copies, JOURNAL_FILE, path);
    stored_path(store->copies, JOURNAL_TAKEN, taken);
    if ((stat(taken, &file) != 0 || file.st_size == 0) && rename(path, taken) != 0)
        return 0; /* if it is empty, the disk was full */
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
    stored_path(store->copies, JOURNAL_TAKEN, taken);
    (void)unlink(taken);
}

/* ---- One file ---- */

static void store_complain(const struct store_work *work, const char *what, const char *token, const char *why)
{
    (void)snprintf(work->outcome->problem, sizeof(work->outcome->problem), "%s of the SoftHSM2 token in %.64s: %s",
                   what, token, why);
}

static void store_complain_of_file(const struct store_work *work, const char *why)
{
    store_complain(work, store_names[work->file], work->token, why);
}

static void store_find(const struct store_work *work, enum store_state state)
{
    work->each(work->token, store_names[work->file], state, work->each_context);
}

static void store_restore(struct store_work *work)
{
    bool replaced = false;
    int problem;
    (void)snprintf(work->outcome->what, sizeof(work->outcome->what), "%s of the SoftHSM2 token in %.64s",
                   store_names[work->file], work->token);
    if (!is_whole(work, &work->copy, false)) {
        store_complain_of_file(work, "it is damaged, and there is no good copy of it");
        return;
    }
    object_file_renew_generation(work->copy.bytes);
    store_note(work->store, work->outcome->what);
    do
        problem = stored_replace(work->path, &work->found, is_damaged, work, &work->copy, &replaced);
    while (reserve_helps(work->store->copies, problem));
    if (problem != 0)
        store_complain_of_file(work, strerror(problem));
    if (replaced) {
        work->outcome->restored = true;
        /* so that the next time has another generation number */
        (void)stored_copy(work->copies, store_names[work->file], &work->copy);
    }
}

static void store_keep_file(struct store_work *work)
{
    int problem;
    do {
        problem = folder_make(work->copies);
        if (problem == 0)
            problem = stored_copy(work->copies, store_names[work->file], &work->found);
    } while (reserve_helps(work->store->copies, problem));
    if (problem != 0)
        store_complain_of_file(work, strerror(problem));
}

/* If it cannot be decided whether the copy is valid and newer than the file, neither is replaced. */
static void store_doubt_file(struct store_work *work, int problem)
{
    char why[160];
    if (work->each != NULL) {
        store_find(work, STORE_UNREADABLE);
        return;
    }
    (void)snprintf(why, sizeof(why), "%sits copy cannot be read: %.64s: `sealring doctor` names it",
                   is_whole(work, &work->found, false) ? "" : "it is damaged, and ", strerror(problem));
    store_complain_of_file(work, why);
}

static void store_look_at_file(struct store_work *work)
{
    char folder[STORED_PATH_MAX], copy[STORED_PATH_MAX];
    stored_path(work->store->tokens, work->token, folder);
    stored_path(folder, store_names[work->file], work->path);
    stored_path(work->copies, store_names[work->file], copy);
    int problem = stored_read(work->path, &work->found);
    if (problem != 0) {
        store_complain_of_file(work, strerror(problem));
        return;
    }
    problem = stored_read(copy, &work->copy);
    if (problem != 0) {
        store_doubt_file(work, problem);
        return;
    }
    bool copied = is_whole(work, &work->copy, false);
    bool damaged =
        is_damaged(&work->found, work) && (work->found.exists || copied); /* else it is not a token's folder */
    if (work->each != NULL && (damaged || is_uncopied(work)))
        store_find(work, !damaged ? STORE_UNCOPIED : copied ? STORE_DAMAGED : STORE_LOST);
    else if (work->each == NULL && damaged)
        store_restore(work);
    else if (work->keep && is_uncopied(work))
        store_keep_file(work);
}

/* ---- All tokens ---- */

/* Examines the objects' copies, and files that were set aside. */
static void store_examine_folders(struct store_work *work)
{
    char path[STORED_PATH_MAX];
    const char *name;
    struct folder folder = folder_open(work->copies, 0);
    while ((name = folder_next(&folder)) != NULL) {
        stored_path(work->copies, name, path);
        if (strcmp(name, store_names[TOKEN_OBJECT]) != 0 && strcmp(name, store_names[GENERATION]) != 0 &&
            stored_read(path, &work->copy) != 0)
            work->each(work->token, name, STORE_UNREADABLE, work->each_context);
    }
    if (folder.problem != 0)
        work->each(work->token, "", STORE_UNREADABLE, work->each_context);
    stored_path(work->store->tokens, work->token, path);
    folder = folder_open(path, S_IFREG);
    while ((name = folder_next(&folder)) != NULL) {
        const char *suffix = strrchr(name, '.');
        if (suffix != NULL && strcmp(suffix, STORE_ASIDE_SUFFIX) == 0)
            work->each(work->token, name, STORE_ASIDE, work->each_context);
    }
}

static int store_look(void *context)
{
    struct store_work *work = context;
    struct folder tokens = folder_open(work->store->tokens, S_IFDIR);
    while ((work->token = folder_next(&tokens)) != NULL) {
        stored_path(work->store->copies, work->token, work->copies);
        if (work->each != NULL)
            store_examine_folders(work);
        for (work->file = 0; work->file < STORE_FILES; work->file++)
            store_look_at_file(work);
    }
    if (work->keep)
        reserve_make(work->store->copies);
    return tokens.problem;
}

static bool store_run(struct store_work *work)
{
    int problem = ENOMEM;
    memset(work->outcome, 0, sizeof(*work->outcome));
    work->found.bytes = malloc((size_t)2 * OBJECT_FILE_MAX);
    if (work->found.bytes != NULL) {
        work->copy.bytes = work->found.bytes + OBJECT_FILE_MAX;
        problem = separate_run(store_look, work);
    }
    if (problem != 0)
        store_complain(work, "the files", work->store->tokens, strerror(problem));
    free(work->found.bytes);
    return problem == 0;
}

void store_mend(const struct store *store, bool keep, struct store_outcome *outcome)
{
    struct store_work work = {.store = store, .keep = keep, .outcome = outcome};
    (void)store_run(&work);
}

bool store_examine(const struct store *store, store_finding each, void *context)
{
    struct store_outcome outcome;
    struct store_work work = {.store = store, .each = each, .each_context = context, .outcome = &outcome};
    return store_run(&work);
}

/* ---- Syncing ---- */

static void store_sync_path(const char *path, int *problem)
{
    int failure = stored_sync(path);
    *problem = failure != 0 ? failure : *problem;
}

static void store_sync_token(const char *folder, int *problem)
{
    char path[STORED_PATH_MAX];
    struct folder files = folder_open(folder, S_IFREG);
    for (const char *name; (name = folder_next(&files)) != NULL;) {
        stored_path(folder, name, path);
        store_sync_path(path, problem);
    }
    *problem = files.problem != 0 ? files.problem : *problem;
    store_sync_path(folder, problem);
}

static int store_sync_all(void *context)
{
    const struct store *store = context;
    char path[STORED_PATH_MAX];
    int problem = 0;
    struct folder tokens = folder_open(store->tokens, S_IFDIR);
    for (const char *token; (token = folder_next(&tokens)) != NULL;) {
        stored_path(store->tokens, token, path);
        store_sync_token(path, &problem);
    }
    problem = tokens.problem != 0 ? tokens.problem : problem;
    store_sync_path(store->tokens, &problem);
    return problem;
}

int store_sync(const struct store *store)
{
    return separate_run(store_sync_all, (void *)(uintptr_t)store);
}
