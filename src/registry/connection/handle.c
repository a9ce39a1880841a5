/* SPDX-License-Identifier: Apache-2.0 */
/* Error messages for problems of the database. */
#include "registry/connection/handle.h"

#include <string.h>

#include "base/error.h"

/* Each completes a line "the registry PATH …". */
static const struct {
    enum db_problem problem;
    const char *words;
} handle_words[] = {
    {DB_BUSY, "is busy with another program's transaction: try again"},
    {DB_CONSTRAINT, "does not allow this change: its rules refused it"},
    {DB_ABSENT, "lacks a row that was to be changed: run sealring doctor"},
    {DB_CORRUPT, "is damaged: keep the file, and restore a backup (sealring restore)"},
    {DB_FULL, "cannot grow: the file system or the quota is full: make room and repeat"},
    {DB_IO, "could not be read or written: check the disk, and the process's limits"},
    {DB_NOT_A_DATABASE, "is no registry: the file is something else, or its beginning was overwritten"},
    {DB_NOT_OURS, "is a database of another program, or one that was never finished"},
    {DB_READ_ONLY, "may not be written by this user: check owner, group and mode"},
    {DB_MISSING, "does not exist: check the vault's path, or restore a backup (sealring restore)"},
    {DB_EMPTY, "is an empty file: restore a backup (sealring restore)"},
    {DB_UNREADABLE, "or the log beside it cannot be opened by this user: check owner, group and mode"},
    {DB_EXISTS, "exists already: nothing was changed"},
};

static const char *handle_find_words(enum db_problem problem)
{
    for (size_t i = 0; i < sizeof handle_words / sizeof *handle_words; i++)
        if (handle_words[i].problem == problem)
            return handle_words[i].words;
    return "failed unexpectedly";
}

sealring_status handle_fail(const char *path, enum db_problem problem, const struct db_failure *failure,
                            sealring_error *error)
{
    static const struct db_failure none;
    failure = failure == NULL ? &none : failure;
    if (problem == DB_NO_MEMORY)
        return error_no_memory(error);
    const char *open = failure->words[0] != '\0' ? " (" : "", *close = failure->words[0] != '\0' ? ")" : "";
    if (problem == DB_REPLACED) {
        /* The verifiers' fence: the same words, wherever it is detected. */
        error_set_registry(
            error, failure->code,
            "the registry file was replaced while open: %s is another file now, or gone; open the vault again", path);
    } else {
        error_set_registry(error, failure->code, "the registry %s %s%s%s%s", path, handle_find_words(problem), open,
                           failure->words, close);
    }
    if (error != NULL) {
        error->status = problem == DB_EXISTS ? SEALRING_REFUSED : SEALRING_REGISTRY;
        error->system_errno = failure->system_errno;
    }
    return problem == DB_EXISTS ? SEALRING_REFUSED : SEALRING_REGISTRY;
}

sealring_status handle_problem(struct registry *registry, enum db_problem problem, sealring_error *error)
{
    struct db_failure failure = {0};
    if (problem == DB_FINE)
        return SEALRING_OK;
    if (problem != DB_CORRUPT && problem != DB_REPLACED && problem != DB_ABSENT) /* the driver did not fail */
        registry->db->driver->failure(registry->db, &failure);
    if (registry->transaction != TRANSACTION_NONE && registry->problem == DB_FINE)
        registry->problem = problem;
    return handle_fail(registry->path, problem, &failure, error);
}

sealring_status registry_unkept(const struct registry *registry, const char *which, sealring_error *error)
{
    return error_set_registry(
        error, 0,
        "ALARM: the registry %s did not keep %s when it was written: nothing was changed; run sealring "
        "doctor --repair, and find out who altered the registry",
        registry->path, which);
}

void registry_watch_rows(struct registry *registry, registry_row_callback each, void *context)
{
    registry->watcher = each;
    registry->watcher_context = context;
}

sealring_status handle_tell(const struct registry *registry, sealring_status status, enum registry_table table,
                            const void *row)
{
    if (status == SEALRING_OK && registry->watcher != NULL)
        registry->watcher(table, row, registry->watcher_context);
    return status;
}
