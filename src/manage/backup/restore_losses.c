/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore would lose, as far as the audit token, the exports, the registry in place and the key token show it. */
#include "manage/backup/restore.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

void restore_tell(struct restore *restore, bool loss, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (loss && json_array_append_new(restore->losses, json_string(text)) != 0)
        restore->no_memory = true;
    if (restore->each != NULL && restore->each(loss, text, restore->context) != 0)
        restore->stopped = true;
}

/* ---- The audit log ---- */

static sealring_status find_last_time(struct registry *registry, int64_t *time, sealring_error *error)
{
    const sealring_audit_filter filter = {.last = 1};
    struct registry_audit entry;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
        while (registry_audit_next(&entries, &entry))
            *time = entry.time;
        status = registry_close_cursor(&entries, status);
    } while (registry_again(&reading, &status));
    return status;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static sealring_status weigh_log(struct restore *restore, sealring_error *error)
{
    const struct audit_witness *witness = &restore->witness;
    const struct replay *replay = &restore->replay;
    const uint64_t known = witness->anchored ? witness->anchor.size : 0;
    const struct {
        uint64_t last; /* entry */
        const char *who;
    } there_were[] = {{known, "the audit token knows of"},
                      {replay->end, "the exports have, but neither the audit token nor a checkpoint vouches for"},
                      {restore->before.entries, "the registry in place has (`sealring audit export` prints them)"}};
    uint64_t there = replay->target;
    char since[SEALRING_TIME_SIZE];
    bool contradicts = false;
    int64_t last = 0;
    restore->result.known = known;
    restore->result.lost = larger(larger(known, restore->before.entries), replay->end) - there;
    sealring_status status = find_last_time(restore->restored, &last, error);
    if (status == SEALRING_OK && witness->anchored && there >= known)
        status = witness_check(witness, restore->restored, &contradicts, error);
    if (status != SEALRING_OK && !contradicts)
        return status;
    if (!witness->anchored)
        restore_tell(restore, true,
                     "the audit token remembers nothing of the log, so whether anything is missing is not known");
    if (contradicts)
        restore_tell(restore, true,
                     "the backup is of another history than the one that the audit token knows: what was done in that "
                     "is not known");
    if (replay->end > there)
        restore_tell(restore, false,
                     "the entries %" PRIu64 " to %" PRIu64
                     " are in the exports and are not replayed, as nothing of the present era vouches for them: do "
                     "again by hand what they revoked, suspended or narrowed",
                     there + 1, replay->end);
    sealring_time_format(last / 1000 * 1000, since);
    for (size_t i = 0; i < sizeof there_were / sizeof *there_were; i++)
        if (there_were[i].last > there) {
            restore_tell(
                restore, true,
                "%" PRIu64 " entries of the audit log are missing, %" PRIu64 " to %" PRIu64
                ", which %s: what was done after %s is not known; API keys issued since are rejected, and those "
                "revoked, suspended or narrowed since are as they were",
                there_were[i].last - there, there + 1, there_were[i].last, there_were[i].who, since);
            there = there_were[i].last;
        }
    return SEALRING_OK;
}

/* ---- The key token ---- */

/* That it was restored, and for which version. */
static void tell_file(struct restore *restore, const struct token_file *file)
{
    const struct inventory *inventory = &restore->confront.inventory;
    const char *done = restore->options.dry_run ? "would be restored" : "was restored";
    const struct inventory_version *version = NULL;
    for (size_t i = 0; i < inventory->version_count && version == NULL; i++)
        if (token_files_find(&restore->files, &inventory->versions[i].row) == file)
            version = &inventory->versions[i];
    if (version == NULL)
        restore_tell(restore, false, "a file of the %s token was damaged or missing, and %s from its copy (%s)",
                     file->audit ? "audit" : "key", done, file->path);
    else
        restore_tell(restore, false,
                     "the file of the key of version %" PRIu32
                     " of ring %s was damaged or missing, and %s from its copy (%s)",
                     version->row.number, version->ring.name, done, file->path);
}

static void tell_files(struct restore *restore)
{
    char notice[SOFTWARE_NOTICE_SIZE];
    for (size_t i = 0; i < restore->files.count; i++)
        if (restore->files.files[i].outcome == COPIES_RESTORED)
            tell_file(restore, &restore->files.files[i]);
    if (software_notice(restore->config->software, notice))
        restore_tell(restore, false, "%s", notice);
}

/* The key of a retired version is gone, which a reinstatement would need. */
static void tell_gone(struct restore *restore, const struct confront_version *version)
{
    const struct token_file *file = token_files_find(&restore->files, version->row);
    if (file != NULL && file->outcome == COPIES_WITHHELD)
        restore_tell(restore, false,
                     "version %" PRIu32
                     " of ring %s is retired, and the file of its key is %s: the key of a closed version is not "
                     "restored from its copy, so the version cannot be reinstated (%s)",
                     version->row->number, version->ring->name,
                     file->object.state == OBJECT_FILE_MISSING ? "missing" : "damaged", file->path);
    else
        restore_tell(
            restore, false,
            "version %" PRIu32
            " of ring %s is retired, and its key is not in the token: it was destroyed since the backup, or is "
            "lost, so the version cannot be reinstated",
            version->row->number, version->ring->name);
}

/* An accepted version has no usable key: what happened to the key, in three parts. */
static void tell_loss(struct restore *restore, const struct confront_version *version)
{
    const struct token_file *lost = token_files_lost(&restore->files, false);
    const char *what = "its key is not in the token: it was destroyed since the backup, or is lost", *which = "",
               *then = "";
    if (version->verdict == CONFRONT_CLOSED) {
        what = "the token lets its key sign no more, so it was closed since";
    } else if (version->verdict == CONFRONT_WRONG) {
        what = "the token's object is not its key (";
        which = version->why;
        then = ")";
    } else if (lost != NULL) {
        what =
            "its key is not in the token: it was destroyed since the backup, or was in a file that is damaged and has "
            "no good copy (";
        which = lost->path;
        then = "): bring the token's folder back from a backup first, if there is one";
    }
    restore->result.closed++;
    restore_tell(restore, true,
                 "version %" PRIu32
                 " of ring %s: %s%s%s; it stays closed, as retired (if it was compromised: `sealring compromise %s "
                 "%" PRIu32 "`)",
                 version->row->number, version->ring->name, what, which, then, version->ring->name,
                 version->row->number);
}

static void weigh_version(struct restore *restore, const struct confront_version *version)
{
    if (version->verdict == CONFRONT_OPEN)
        restore_tell(restore, false,
                     "version %" PRIu32
                     " of ring %s is closed, but the token still lets its key sign: the next command that uses the "
                     "token closes it",
                     version->row->number, version->ring->name);
    else if (version->verdict != CONFRONT_GOOD)
        tell_loss(restore, version);
    else if (version->gone && version->row->state == SEALRING_VERSION_RETIRED)
        tell_gone(restore, version);
}

/* A backup of another vault that uses the same audit token would find none of its keys here. If the audit token is the vault's own, it has no other
 * vault's key. */
static bool is_elsewhere(const struct restore *restore)
{
    bool any = restore->confront.proved > 0 || restore->confront.lost == 0;
    for (size_t i = 0; i < restore->confront.inventory.version_count && !any; i++)
        any = restore->confront.versions[i].verdict == CONFRONT_CLOSED;
    return !any && restore->live == NULL && !token_files_are_own(restore->config);
}

static sealring_status weigh_token(struct restore *restore, sealring_error *error)
{
    struct confront *confront = &restore->confront;
    sealring_status status = confront_token(confront, restore->config, restore->restored, error);
    if (status != SEALRING_OK)
        return status;
    tell_files(restore);
    if (restore->options.dry_run)
        token_files_suppose(&restore->files, confront);
    if (is_elsewhere(restore))
        return error_set(
            error, SEALRING_REFUSED,
            "no key of the versions that %s accepts is in the token: the backup is another vault's, the token is another "
            "one, or its keys are lost: bring them back from the token's own backup first",
            restore->file.path);
    for (size_t i = 0; i < confront->inventory.version_count; i++)
        weigh_version(restore, &confront->versions[i]);
    restore->result.strange = (uint32_t)confront->strange;
    if (confront->strange > 0)
        restore_tell(restore, false, "objects in the token that no version has: %s%s", confront->strange_names,
                     confront->strange > 3 ? " …" : "");
    return SEALRING_OK;
}

sealring_status restore_weigh(struct restore *restore, sealring_error *error)
{
    const struct redo *redo = &restore->replay.redo;
    sealring_status status = weigh_log(restore, error);
    if (status == SEALRING_OK)
        status = weigh_token(restore, error);
    if (status != SEALRING_OK)
        return status;
    restore->result.replayed = restore->replay.target - restore->replay.start;
    restore->result.clients = redo->clients;
    if (redo->clients > 0)
        restore_tell(restore, false,
                     "contacts are not in the log: %" PRIu64 " clients made since the backup have none now (%s%s)",
                     redo->clients, redo->names, redo->clients > 3 ? " …" : "");
    if (restore->no_memory)
        return error_no_memory(error);
    if (restore->stopped)
        return error_set(error, SEALRING_REFUSED, "it was stopped: nothing was changed");
    if (json_array_size(restore->losses) == 0 || restore->options.accept_loss != NULL)
        return SEALRING_OK;
    return error_set(
        error, SEALRING_REFUSED,
        "the registry was not changed, as something would be lost: give the exports that have it with --log (the oldest "
        "first), or repeat with --accept-loss REASON (%.280s)",
        json_string_value(json_array_get(restore->losses, 0)));
}
