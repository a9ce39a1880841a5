/* SPDX-License-Identifier: Apache-2.0 */
/* sealring audit archive: the beginning of the audit log in a signed file, and no longer in the registry. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sealring/backup.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/progress.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/table.h"

static void print_json(const struct session *session, const char *file, const sealring_archive_result *result)
{
    const char *sha256 = result->sha256[0] != '\0' ? result->sha256 : NULL;
    jsontext_print_as("archive", json_pack("{s:o, s:I, s:I, s:o, s:o, s:I, s:s?, s:s, s:b}", "file",
                                           jsontext_text(file), "first", (json_int_t)result->first, "last",
                                           (json_int_t)result->last, "from", jsontext_time(result->from), "until",
                                           jsontext_time(result->until), "bytes", (json_int_t)result->bytes, "sha256",
                                           sha256, "root", result->root, "dry_run", (int)session->dry_run));
}

static void print_result(struct session *session, const char *file, const sealring_archive_result *result)
{
    const struct style *style = &session->out;
    table_fact(style, session->dry_run ? "would be" : "archive", "%s", file);
    table_fact(style, "entries", "%" PRIu64 " to %" PRIu64, result->first, result->last);
    table_fact(style, "from", "%s", moment_format(result->from, session->now).text);
    table_fact(style, "until", "%s", moment_format(result->until, session->now).text);
    table_fact(style, "root", "%s", result->root);
    if (session->dry_run)
        return;
    table_fact(style, "SHA-256", "%s (%s bytes, without the last line)", result->sha256,
               moment_number((uint64_t)result->bytes).text);
    session_say(session, "keep it: `sealring audit verify --archive` and `sealring restore --log` read it");
}

static int run(struct session *session)
{
    const char *point = option_text(&session->options, "before");
    bool is_entry = strspn(point, "0123456789") == strlen(point);
    struct progress progress;
    sealring_archive_options options = {
        .size = sizeof options,
        .before = is_entry ? 0 : option_number(&session->options, "before"),
        .before_entry = is_entry ? (uint64_t)option_number(&session->options, "before") : 0,
        .file = option_text(&session->options, "out"),
        .progress = progress_work,
        .progress_context = &progress,
    };
    sealring_archive_result result = {.size = sizeof result};
    signals_watch();
    progress_start(&progress, &session->err, "", session->json);
    sealring_status status = sealring_audit_archive(session->manager, &options, &result, &session->error);
    progress_finish(&progress);
    signals_release();
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        print_json(session, options.file, &result);
    else
        print_result(session, options.file, &result);
    return STATUS_DONE;
}

static int check(struct session *session)
{
    if (option_given(&session->options, "out"))
        return STATUS_DONE;
    return session_refuse(session, STATUS_USAGE, "--out is missing: an archive is a file");
}

const struct command command_audit_archive = {
    .words = "audit archive",
    .purpose = "move the oldest entries into a signed file",
    .options = {{"before", "POINT", "the entries before this time, or before the entry with this number", OPTION_POINT},
                {"out", "FILE", "the archive (0600); an existing file is never overwritten", OPTION_TEXT}},
    .required = "before",
    .notes = "The file is written, signed by the audit token and synced before the entries are removed from the "
             "registry. Closed facts and the tree stay. The number of the last archived entry is a multiple of 16. "
             "Keep all archives: each one names the end of the one before it.",
    .examples = {"sealring audit archive --before 365d --out /archive/log-2026.jsonl",
                 "sealring audit verify --archive /archive/log-2025.jsonl --archive /archive/log-2026.jsonl"},
    .check = check,
    .run = run,
    .flags = COMMAND_CHANGES,
};
