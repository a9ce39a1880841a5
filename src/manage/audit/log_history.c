/* SPDX-License-Identifier: Apache-2.0 */
/* The history of an audit log: the entries in its archives, as far as they are given, then those in the registry. */
#include "manage/audit/log_history.h"

#include <inttypes.h>

#include "base/error.h"
#include "log/log_tree.h"

/* The archives must lead to the registry's first entry, and be of the same history. */
static sealring_status fit(const struct log_history *history, struct registry *registry, bool *fits,
                           sealring_error *error)
{
    const struct archive *last = archive_chain_last(&history->chain);
    uint64_t size = 0;
    struct merkle_hash root;
    bool whole = false;
    if (history->cut.archived && last->last < history->cut.size)
        return error_set(error, SEALRING_INVALID,
                         "the archive with the entries %" PRIu64 " to %" PRIu64
                         " was not given: the last one is %.150s, and the registry begins with entry %" PRIu64,
                         last->last + 1, history->cut.size, history->cut.file, history->cut.size + 1);
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status == SEALRING_OK && last->last <= size)
        status = tree_root_if_whole(registry, last->last, &root, &whole, error);
    *fits = whole && merkle_equal(&root, &last->root);
    return status;
}

static sealring_status open_archives(struct log_history *history, struct registry *registry, const char *const *paths,
                                     retrace_problem problem, void *context, sealring_error *error)
{
    sealring_error inner = {.message = ""};
    bool bad, fits = false;
    sealring_status status = archive_chain_open(&history->chain, paths, &bad, &inner);
    if (bad)
        problem(0, inner.message, context);
    if (status != SEALRING_OK && !bad)
        return error_set(error, status, "%s", inner.message);
    if (bad || history->chain.count == 0)
        return SEALRING_OK;
    status = fit(history, registry, &fits, error);
    if (status != SEALRING_OK)
        return status;
    if (!fits)
        problem(0, "the archives are of another history than the registry's audit log", context);
    history->archives =
        (struct examine_archives){archive_chain_first(&history->chain)->start, archive_chain_each, &history->chain};
    history->has_archives = fits && history->archives.start.size < history->cut.size;
    return SEALRING_OK;
}

sealring_status log_history_open(struct log_history *history, struct registry *registry, const struct audit_keys *keys,
                                 const char *const *paths, retrace_problem problem, void *context,
                                 sealring_error *error)
{
    *history = (struct log_history){.chain = {.keys = keys, .vault_id = registry_vault_row(registry)->vault_id}};
    sealring_status status = log_cut_find(registry, keys, &history->cut, error);
    if (status != SEALRING_OK || paths == NULL)
        return status;
    if (keys == NULL)
        return error_set(error, SEALRING_INVALID,
                         "nothing signs this log, so nothing shows that a file is its archive");
    return open_archives(history, registry, paths, problem, context, error);
}

/* ---- What the entries before kept ---- */

/* Whether the detail is about the archive that ends at `size`; then *kept is what it keeps. */
static bool is_about(const struct log_history *history, const json_t *detail, uint64_t size, json_t **kept)
{
    struct archive archive;
    if (!log_cut_read(detail, history->chain.keys, history->chain.vault_id, &archive) || archive.last != size)
        return false;
    json_decref(*kept);
    *kept = json_incref(json_object_get(detail, "kept"));
    return true;
}

/* The entry about an archive may be in a later archive, or in the registry. */
static sealring_status find_kept(const struct log_history *history, struct registry *registry, uint64_t size,
                                 json_t **kept, sealring_error *error)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .act = LOG_CUT_ACT};
    struct registry_audit entry;
    for (size_t i = 0; i < json_array_size(history->chain.cuts); i++)
        (void)is_about(history, json_array_get(history->chain.cuts, i), size, kept);
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    while (registry_audit_next(&entries, &entry)) {
        json_t *detail = entry.detail != NULL ? json_loads(entry.detail, JSON_REJECT_DUPLICATES, NULL) : NULL;
        (void)is_about(history, detail, size, kept);
        json_decref(detail);
    }
    return registry_close_cursor(&entries, SEALRING_OK);
}

sealring_status log_history_resume(const struct log_history *history, struct registry *registry,
                                   struct retrace *retrace, sealring_error *error)
{
    uint64_t start = history->has_archives ? history->archives.start.size : history->cut.size;
    json_t *kept = NULL;
    if (!history->cut.archived || start == 0)
        return SEALRING_OK;
    sealring_status status = find_kept(history, registry, start, &kept, error);
    if (status == SEALRING_OK)
        status = retrace_resume(retrace, start, kept, error);
    json_decref(kept);
    return status;
}

void log_history_release(struct log_history *history)
{
    log_cut_release(&history->cut);
    archive_chain_close(&history->chain);
}
