/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore would lose, as far as the audit token, the exports, the registry in place and the key token show it. */
#include "manage/backup/restore.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

sealring_status restore_tell(struct restore *restore, bool loss, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (loss && json_array_append_new(restore->losses, json_string(text)) != 0)
        return SEALRING_SYSTEM;
    if (restore->each != NULL && restore->each(loss, text, restore->context) != 0)
        restore->stopped = true;
    return SEALRING_OK;
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

static sealring_status tell_missing(struct restore *restore, uint64_t there, uint64_t known, const char *who,
                                    sealring_error *error)
{
    char since[SEALRING_TIME_SIZE];
    int64_t last = 0;
    sealring_status status = find_last_time(restore->restored, &last, error);
    if (status != SEALRING_OK)
        return status;
    sealring_time_format(last / 1000 * 1000, since);
    return restore_tell(
        restore, true,
        "%" PRIu64 " entries of the audit log are missing, %" PRIu64 " to %" PRIu64 ", which %s: what was done after "
        "%s is not known; API keys issued since are rejected, and those revoked, suspended or narrowed since are as "
        "they were",
        known - there, there + 1, known, who, since);
}

static sealring_status weigh_log(struct restore *restore, sealring_error *error)
{
    const struct audit_witness *witness = &restore->witness;
    const struct replay *replay = &restore->replay;
    uint64_t there = replay->target, known = witness->anchored ? witness->anchor.size : 0;
    bool contradicts = false;
    sealring_status status = SEALRING_OK;
    restore->result.known = known;
    restore->result.lost = larger(larger(known, restore->before.entries), replay->end) - there;
    if (!witness->anchored)
        status = restore_tell(
            restore, true, "the audit token remembers nothing of the log, so whether anything is missing is not known");
    else if (there < known)
        status = tell_missing(restore, there, known, "the audit token knows of", error);
    else
        status = witness_check(witness, restore->restored, &contradicts, error);
    if (contradicts)
        status =
            restore_tell(restore, true,
                         "the backup is of another history than the one that the audit token knows: what was done in "
                         "that is not known");
    if (status == SEALRING_OK && replay->end > there)
        status = restore_tell(
            restore, false,
            "the entries %" PRIu64 " to %" PRIu64
            " are in the exports and are not replayed, as nothing of the present era vouches for them: do again by "
            "hand what they revoked, suspended or narrowed",
            there + 1, replay->end);
    if (status == SEALRING_OK && replay->end > larger(there, known))
        status = tell_missing(restore, larger(there, known), replay->end,
                              "the exports have, but neither the audit token nor a checkpoint vouches for", error);
    if (status == SEALRING_OK && restore->before.entries > larger(replay->end, larger(there, known)))
        status = tell_missing(restore, larger(replay->end, larger(there, known)), restore->before.entries,
                              "the registry in place has (`sealring audit export` prints them)", error);
    return status;
}

/* ---- The key token ---- */

static sealring_status tell_files(struct restore *restore)
{
    char text[TOKEN_FILES_TEXT_SIZE], notice[SOFTWARE_NOTICE_SIZE];
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < restore->files.count; i++)
        if (token_files_describe(&restore->files, i, &restore->confront, restore->options.dry_run, text))
            status = restore_tell(restore, false, "%s", text);
    if (status == SEALRING_OK && software_notice(restore->config->software, notice))
        status = restore_tell(restore, false, "%s", notice);
    return status;
}

static sealring_status weigh_version(struct restore *restore, const struct confront_version *version)
{
    char text[TOKEN_FILES_TEXT_SIZE];
    const char *ring = version->ring->name;
    uint32_t number = version->row->number;
    switch (version->verdict) {
    case CONFRONT_GOOD:
        return token_files_describe_gone(&restore->files, version, text) ? restore_tell(restore, false, "%s", text)
                                                                         : SEALRING_OK;
    case CONFRONT_OPEN:
        return restore_tell(restore, false,
                            "version %" PRIu32
                            " of ring %s is closed, but the token still lets its key sign: the next command that uses "
                            "the token closes it",
                            number, ring);
    case CONFRONT_CLOSED:
    case CONFRONT_GONE:
    case CONFRONT_WRONG:
        break;
    }
    restore->result.closed++;
    token_files_describe_loss(&restore->files, version, text);
    return restore_tell(restore, true,
                        "version %" PRIu32
                        " of ring %s: %s; it stays closed, as retired (if it was compromised: `sealring compromise "
                        "%s %" PRIu32 "`)",
                        number, ring, text, ring, number);
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
    if (status == SEALRING_OK)
        status = tell_files(restore);
    if (status == SEALRING_OK && restore->options.dry_run)
        token_files_suppose(&restore->files, confront);
    if (status == SEALRING_OK && is_elsewhere(restore))
        status = error_set(
            error, SEALRING_REFUSED,
            "no key of the versions that %s accepts is in the token: the backup is another vault's, the token is another "
            "one, or its keys are lost: bring them back from the token's own backup first",
            restore->file.path);
    for (size_t i = 0; status == SEALRING_OK && i < confront->inventory.version_count; i++)
        status = weigh_version(restore, &confront->versions[i]);
    restore->result.strange = (uint32_t)confront->strange;
    if (status == SEALRING_OK && confront->strange > 0)
        status = restore_tell(restore, false, "objects in the token that no version has: %s%s", confront->strange_names,
                              confront->strange > 3 ? " …" : "");
    return status;
}

sealring_status restore_weigh(struct restore *restore, sealring_error *error)
{
    const struct redo *redo = &restore->replay.redo;
    sealring_status status = weigh_log(restore, error);
    if (status == SEALRING_OK)
        status = weigh_token(restore, error);
    restore->result.replayed = restore->replay.target - restore->replay.start;
    restore->result.clients = redo->clients;
    if (status == SEALRING_OK && redo->clients > 0)
        status =
            restore_tell(restore, false,
                         "contacts are not in the log: %" PRIu64 " clients made since the backup have none now (%s%s)",
                         redo->clients, redo->names, redo->clients > 3 ? " …" : "");
    if (status == SEALRING_OK && restore->stopped)
        status = error_set(error, SEALRING_REFUSED, "it was stopped: nothing was changed");
    if (status != SEALRING_OK || json_array_size(restore->losses) == 0 || restore->options.accept_loss != NULL)
        return status;
    return error_set(
        error, SEALRING_REFUSED,
        "the registry was not changed, as something would be lost: give the exports that have it with --log (the oldest "
        "first), or repeat with --accept-loss REASON (%.280s)",
        json_string_value(json_array_get(restore->losses, 0)));
}
