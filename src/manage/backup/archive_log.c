/* SPDX-License-Identifier: Apache-2.0 */
/* Archives the beginning of the audit log: writes its entries into a signed file, then cuts them off the registry's log. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "log/log_cut.h"
#include "log/log_tree.h"
#include "log/key_change.h"
#include "log/signed_time.h"
#include "manage/act/act.h"
#include "manage/audit/audit_log.h"
#include "manage/backup/write_archive.h"
#include "manage/session/manager.h"
#include "registry/rows/closed_facts.h"

#define ARCHIVE_PATH_SIZE (PATH_MAX + 32)

struct archiving {
    sealring_manager *manager;
    sealring_archive_options asked;
    struct backup_progress progress;
    struct archive archive;
    uint64_t entries;              /* the number of the log's last entry */
    char vkey[NOTE_KEY_TEXT_SIZE]; /* the one that signs */
    struct audit_keys keys;
    char note[REGISTRY_NOTE_SIZE];
    struct audit_keeping keeping;
    char problem[160]; /* of the log: the first one */
    char partial[ARCHIVE_PATH_SIZE];
    bool written; /* the archive is complete */
    sealring_archive_result result;
};

/* ---- What is archived ---- */

/* The number of the last entry before the point. */
static sealring_status find_point(const struct archiving *archiving, struct registry *registry, uint64_t *point,
                                  sealring_error *error)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .since = archiving->asked.before};
    struct registry_audit entry;
    *point = archiving->entries;
    if (archiving->asked.before_entry > 0) {
        *point = archiving->asked.before_entry - 1;
        return SEALRING_OK;
    }
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    if (registry_audit_next(&entries, &entry))
        *point = entry.sequence - 1;
    return registry_close_cursor(&entries, SEALRING_OK);
}

/* The entry itself and those of later commands stay, and the archive ends where a stored subtree of the tree does. */
static sealring_status choose_last(struct archiving *archiving, uint64_t point, uint64_t covered, sealring_error *error)
{
    const struct witness_anchor *anchor = &archiving->manager->witness.anchor;
    uint64_t start = archiving->archive.start.size;
    uint64_t most = archiving->entries - 1 < point ? archiving->entries - 1 : point;
    if (point > archiving->entries)
        return error_set(error, SEALRING_REFUSED, "the audit log ends with entry %" PRIu64, archiving->entries);
    if (point > covered || point > anchor->size)
        return error_set(error, SEALRING_REFUSED,
                         "the entries up to %" PRIu64
                         " are not all covered by a signed checkpoint and the audit token's "
                         "anchor, which cover those up to %" PRIu64 ": `sealring run --once` signs what is missing",
                         point, covered < anchor->size ? covered : anchor->size);
    archiving->archive.last = most - most % LOG_CUT_BLOCK;
    if (archiving->archive.last > start)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED,
                     "there is nothing to archive: the log begins with entry %" PRIu64
                     ", the point is after entry %" PRIu64 ", and an archive ends with a number that %u divides",
                     start + 1, point, LOG_CUT_BLOCK);
}

static sealring_status read_times(struct archiving *archiving, struct registry *registry, sealring_error *error)
{
    const struct archive *archive = &archiving->archive;
    const sealring_audit_filter filter = {.size = sizeof filter, .first = archive->start.size + 1};
    struct registry_audit entry;
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    while (registry_audit_next(&entries, &entry)) {
        if (entry.sequence == archive->start.size + 1)
            archiving->result.from = entry.time;
        archiving->result.until = entry.time;
        if (entry.sequence == archive->last)
            break;
    }
    return registry_close_cursor(&entries, SEALRING_OK);
}

static int take_problem(uint64_t entry, const char *text, void *context)
{
    struct archiving *archiving = context;
    (void)entry;
    if (archiving->problem[0] == '\0')
        snprintf(archiving->problem, sizeof archiving->problem, "%.150s", text);
    return 0;
}

static sealring_status examine_once(struct archiving *archiving, struct registry *registry,
                                    sealring_audit_report *report, sealring_error *error)
{
    const sealring_audit_check check = {.size = sizeof check, .key = archiving->vkey};
    *report = (sealring_audit_report){.size = sizeof *report};
    archiving->keeping.last = archiving->archive.last;
    archiving->problem[0] = '\0';
    json_decref(archiving->keeping.kept);
    archiving->keeping.kept = NULL;
    return audit_verify(registry, &check, take_problem, archiving, &archiving->keeping, report, error);
}

/* The whole log must be what it should be: an archive that is cut off is compared with nothing any more. A lack of memory can look like a problem of
 * the log (SQLite's check of the database, jansson's parser), so a problem must be found twice. */
static sealring_status examine(struct archiving *archiving, struct registry *registry, sealring_error *error)
{
    sealring_audit_report report;
    sealring_status status = examine_once(archiving, registry, &report, error);
    if (report.problems > 0)
        status = examine_once(archiving, registry, &report, error);
    if (status == SEALRING_OK && archiving->keeping.kept == NULL)
        return error_no_memory(error);
    if (report.problems == 0)
        return status;
    return error_set(error, SEALRING_REFUSED,
                     "nothing is archived, as the audit log is not what it should be: %llu problems, the first is: %s; "
                     "see `sealring audit verify`",
                     (unsigned long long)report.problems, archiving->problem);
}

static sealring_status find_start(struct archiving *archiving, struct registry *registry, sealring_error *error)
{
    struct log_cut cut;
    bool named = false;
    const struct registry_vault *vault = registry_vault_row(registry);
    sealring_status status = audit_keys_find(registry, &archiving->keys, &named, error);
    if (status == SEALRING_OK && archiving->keys.count == 0)
        status = error_set(error, SEALRING_TOKEN, "the registry names no key that could sign an archive");
    if (status == SEALRING_OK)
        note_key_format(audit_keys_newest(&archiving->keys), archiving->vkey);
    if (status == SEALRING_OK)
        status = log_cut_find(registry, &archiving->keys, &cut, error);
    if (status != SEALRING_OK)
        return status;
    memcpy(archiving->archive.vault_id, vault->vault_id, sizeof archiving->archive.vault_id);
    memcpy(archiving->archive.era, vault->era, sizeof archiving->archive.era);
    archiving->archive.start = cut.archived ? cut.frontier : (struct merkle_frontier){.size = 0};
    log_cut_release(&cut);
    return registry_audit_size(registry, &archiving->entries, error);
}

static sealring_status plan(struct archiving *archiving, struct registry *registry, sealring_error *error)
{
    struct checkpoint newest;
    struct registry_vault vault = *registry_vault_row(registry);
    bool forged;
    uint64_t point = 0;
    sealring_status status = registry_facts_begun(registry, &vault, error);
    if (status == SEALRING_OK && !vault.facts_begun)
        status = error_set(error, SEALRING_REFUSED, "nothing is archived before `sealring upgrade` is complete");
    if (status == SEALRING_OK)
        status = find_start(archiving, registry, error);
    if (status == SEALRING_OK)
        status = signed_newest(registry, witness_counts, &newest, &forged, error);
    if (status == SEALRING_OK)
        status = find_point(archiving, registry, &point, error);
    if (status == SEALRING_OK)
        status = choose_last(archiving, point, newest.size, error);
    if (status == SEALRING_OK)
        status = examine(archiving, registry, error);
    if (status == SEALRING_OK)
        status = tree_root(registry, archiving->archive.last, &archiving->archive.root, error);
    return status == SEALRING_OK ? read_times(archiving, registry, error) : status;
}

static sealring_status read_log(struct archiving *archiving, struct archive_writer *writer, sealring_error *error)
{
    struct registry *registry = archiving->manager->registry;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        status = plan(archiving, registry, error);
        if (status == SEALRING_OK && !archiving->manager->dry_run)
            status = archive_write_entries(writer, registry, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- The archive ---- */

static sealring_status write_archive(struct archiving *archiving, struct archive_writer *writer, sealring_error *error)
{
    char text[ARCHIVE_TEXT_SIZE];
    sealring_manager *manager = archiving->manager;
    archiving->archive.time = clock_wall_ms();
    if (!log_cut_hash_kept(archiving->keeping.kept, archiving->archive.kept))
        return error_no_memory(error);
    archive_format(&archiving->archive, text);
    sealring_status status =
        witness_sign_note(manager->config, archiving->archive.vault_id, &archiving->keys, text, archiving->note, error);
    if (status == SEALRING_OK)
        status = archive_write_end(writer, archiving->note, error);
    return status == SEALRING_OK ? backup_file_name(archiving->partial, archiving->asked.file, error) : status;
}

/* ---- The cut ---- */

static void describe(const struct archiving *archiving, struct audit_act *act)
{
    const sealring_archive_result *result = &archiving->result;
    const char *slash = strrchr(archiving->asked.file, '/');
    audit_detail(act, "{s:{s:o, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s}, s:O}", "archive", "file",
                 audit_text(slash != NULL ? slash + 1 : archiving->asked.file), "first", (json_int_t)result->first,
                 "last", (json_int_t)result->last, "from", (json_int_t)result->from, "until", (json_int_t)result->until,
                 "bytes", (json_int_t)result->bytes, "sha256", result->sha256, "root", result->root, "note",
                 archiving->note, "kept", archiving->keeping.kept);
}

/* In the writing transaction. Only restrictions may have been committed since the archive was planned: they append. */
static sealring_status cut(const struct archiving *archiving, struct audit_act *act, sealring_error *error)
{
    struct registry *registry = archiving->manager->registry;
    const struct archive *archive = &archiving->archive;
    struct archive again;
    struct merkle_hash root;
    uint64_t first = 0;
    sealring_status status = registry_audit_first(registry, &first, error);
    if (status == SEALRING_OK)
        status = tree_root(registry, archive->last, &root, error);
    if (status == SEALRING_OK && (first != archive->start.size + 1 || !merkle_equal(&root, &archive->root)))
        status = error_set(error, SEALRING_REFUSED,
                           "the audit log was altered while it was archived: see `sealring audit verify`");
    describe(archiving, act);
    /* an entry that its readers do not understand, as memory was short, must not cut anything */
    if (status == SEALRING_OK && !log_cut_read(act->detail, &archiving->keys, archive->vault_id, &again))
        status = error_no_memory(error);
    return status == SEALRING_OK ? registry_audit_cut(registry, archive->last, error) : status;
}

static sealring_status commit_cut(struct archiving *archiving, struct audit_act *act, sealring_error *error)
{
    sealring_error inner = {.message = ""};
    sealring_status status;
    struct commit commit = manager_commit(archiving->manager, false, act, &inner);
    do {
        if (commit_begin(&commit, &status))
            status = cut(archiving, act, &inner);
    } while (commit_again(&commit, &status));
    if (status == SEALRING_OK)
        return status;
    return error_set(error, status, "%.250s; the archive %.150s is complete, but %s", inner.message,
                     archiving->asked.file,
                     archiving->manager->doubtful ? "whether the log was cut is not known: see `sealring audit verify`"
                                                  : "the log was not cut: repeat the command with another file");
}

/* ---- All of it ---- */

static void conclude(struct archiving *archiving)
{
    const struct archive *archive = &archiving->archive;
    sealring_archive_result *result = &archiving->result;
    result->first = archive->start.size + 1;
    result->last = archive->last;
    result->bytes = archive->bytes;
    base64_encode(archive->root.bytes, MERKLE_HASH_SIZE, result->root);
    if (archive->bytes > 0)
        hex_encode(archive->sha256, sizeof archive->sha256, result->sha256);
}

/* Without the audit token nothing is planned: it has to sign, and to show that the registry was not rolled back. */
static sealring_status check_witness(const sealring_manager *manager, sealring_error *error)
{
    const struct audit_witness *witness = &manager->witness;
    if (!witness->anchored || witness->remark[0] != '\0')
        return error_set(error, SEALRING_TOKEN, "nothing is archived, as the audit token does not show its anchor: %s",
                         witness->remark[0] != '\0' ? witness->remark : witness->notice);
    if (witness->announced)
        return error_set(error, SEALRING_REFUSED,
                         "nothing is archived before a take-over that was interrupted is complete");
    return SEALRING_OK;
}

static sealring_status run(struct archiving *archiving, struct audit_act *act, sealring_error *error)
{
    struct archive_writer writer = {
        .partial = archiving->partial, .archive = &archiving->archive, .progress = &archiving->progress};
    sealring_manager *manager = archiving->manager;
    sealring_status status = check_witness(manager, error);
    if (status == SEALRING_OK)
        status = read_log(archiving, &writer, error);
    if (status == SEALRING_OK && !manager->dry_run)
        status = write_archive(archiving, &writer, error);
    if (!manager->dry_run)
        archive_write_discard(&writer);
    conclude(archiving);
    if (status == SEALRING_OK && !manager->dry_run)
        status = commit_cut(archiving, act, error);
    return status;
}

static sealring_status check_asked(struct archiving *archiving, sealring_error *error)
{
    const sealring_archive_options *asked = &archiving->asked;
    uint32_t nonce;
    if ((asked->before > 0) == (asked->before_entry > 0))
        return error_set(error, SEALRING_INVALID, "an archive needs one point, a time or the number of an entry");
    if (asked->file == NULL || asked->file[0] == '\0' || strlen(asked->file) >= PATH_MAX)
        return error_set(error, SEALRING_INVALID, "the archive's path is empty or too long");
    if (!witness_configured(archiving->manager->config))
        return error_set(error, SEALRING_TOKEN,
                         "this vault has no audit token, so nothing can sign an archive: see sealring-init(1)");
    if (access(asked->file, F_OK) == 0)
        return error_set(error, SEALRING_REFUSED, "%s exists already: nothing is overwritten", asked->file);
    sealring_status status = manager_random((uint8_t *)&nonce, sizeof nonce, error);
    snprintf(archiving->partial, sizeof archiving->partial, "%s.partial-%08" PRIx32, asked->file, nonce);
    return status;
}

sealring_status sealring_audit_archive(sealring_manager *manager, const sealring_archive_options *options,
                                       sealring_archive_result *result, sealring_error *error)
{
    struct audit_act act = {.name = LOG_CUT_ACT};
    struct archiving *archiving = calloc(1, sizeof *archiving);
    if (archiving == NULL)
        return error_no_memory(error);
    archiving->manager = manager;
    sized_take(&archiving->asked, sizeof archiving->asked, options);
    archiving->progress = (struct backup_progress){archiving->asked.progress, archiving->asked.progress_context};
    archiving->result.size = sizeof archiving->result;
    sealring_status status = check_asked(archiving, error);
    if (status == SEALRING_OK)
        status = manager_begin(manager, "archive", false, error);
    if (status == SEALRING_OK) {
        status = run(archiving, &act, error);
        manager_end_act(manager, &act, status, error);
    }
    if (status == SEALRING_OK)
        sized_give(result, &archiving->result, sizeof archiving->result);
    audit_release(&act);
    json_decref(archiving->keeping.kept);
    free(archiving);
    return status;
}
