/* SPDX-License-Identifier: Apache-2.0 */
/* sealring restore: a backup in the registry's place, brought up to date from exported logs. */
#include <stdio.h>
#include <stdlib.h>

#include <sealring/backup.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/pins.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/progress.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/table.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/waitline.h"

struct restore_report {
    const struct session *session;
    json_t *losses, *notes;
};

static int tell(bool loss, const char *text, void *context)
{
    struct restore_report *telling = context;
    json_array_append_new(loss ? telling->losses : telling->notes, jsontext_text(text));
    if (!telling->session->json)
        terminal_print(&telling->session->out, "%c%s" PLAIN " %s\n", loss ? TONE_BAD : TONE_WARN,
                       loss ? "lost:" : "note:", text);
    return 0;
}

static void print_json(const struct session *session, const struct restore_report *telling,
                       const sealring_restore_result *result, bool done, bool effective)
{
    jsontext_print_as(
        "restore",
        json_pack("{s:b, s:b, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:I, s:I, s:o, s:o, s:O, s:O, s:o}",
                  "restored", (int)(done && !session->dry_run), "dry_run", (int)session->dry_run, "effective",
                  (int)(effective && !session->dry_run), "backup_time", jsontext_time(result->backup_time),
                  "backup_entries", (json_int_t)result->backup_entries, "known", (json_int_t)result->known, "replayed",
                  (json_int_t)result->replayed, "lost", (json_int_t)result->lost, "clients_without_contact",
                  (json_int_t)result->clients, "versions_closed", (json_int_t)result->closed, "strange_objects",
                  (json_int_t)result->strange, "era", result->era[0] != '\0' ? result->era : NULL, "epoch",
                  (json_int_t)result->epoch, "entries", (json_int_t)result->entries, "aside",
                  jsontext_text(result->aside[0] != '\0' ? result->aside : NULL), "remark",
                  jsontext_text(result->remark), "losses", telling->losses, "notes", telling->notes, "refused",
                  jsontext_text(done ? NULL : session->error.message)));
}

static void print_result(const struct session *session, const sealring_restore_result *result)
{
    const struct style *style = &session->out;
    table_fact(style, session->dry_run ? "would restore" : "restored", "the backup of %s, %s entr%s",
               moment_format(result->backup_time, session->now).text, moment_number(result->backup_entries).text,
               result->backup_entries == 1 ? "y" : "ies");
    table_fact(style, "replayed", "%s entr%s of the exports", moment_number(result->replayed).text,
               result->replayed == 1 ? "y" : "ies");
    table_fact(style, "lost", "%s entr%s", moment_number(result->lost).text, result->lost == 1 ? "y" : "ies");
    table_fact(style, "era", "%s%s", result->era, session->dry_run ? " (or another)" : "");
    if (result->aside[0] != '\0')
        table_fact(style, "kept", "%s, the registry that was there before", result->aside);
}

/* The restored registry is committed, whether or not the wait succeeds. */
static int follow(struct session *session)
{
    int exit_status = session_open(session);
    return exit_status == STATUS_DONE ? waitline_era(session) : exit_status;
}

/* done: otherwise it was refused, because something would be lost, and scripts get a list of it. */
static int finish(struct session *session, const struct restore_report *telling, const sealring_restore_result *result,
                  bool done)
{
    int exit_status = done ? STATUS_DONE : STATUS_REFUSED;
    if (!session->json)
        print_result(session, result);
    if (!done)
        session_warn(session, "%s", session->error.message);
    else if (result->remark[0] != '\0')
        session_warn(session, "%s", result->remark);
    if (done && !session->dry_run) {
        session_say(session,
                    "running servers load all of the registry at their next poll; until then nothing is issued");
        exit_status = follow(session);
        session_say(session, "next: sealring status, sealring audit verify");
    }
    if (session->json)
        print_json(session, telling, result, done, exit_status == STATUS_DONE);
    return exit_status;
}

static int run(struct session *session)
{
    int exit_status = session_environment(session);
    if (exit_status != STATUS_DONE)
        return exit_status;
    const char **paths = option_list(&session->options, "log");
    struct progress progress;
    struct restore_report telling = {session, json_array(), json_array()};
    sealring_restore_options options = {
        .size = sizeof options,
        .logs = paths,
        .accept_loss = option_text(&session->options, "accept-loss"),
        .dry_run = session->dry_run,
        .progress = progress_work,
        .progress_context = &progress,
        .pin_source = pins_source(session),
        .ask_pin = pins_ask,
        .ask_context = session,
        .lock_waits = session_tell_lock,
        .lock_context = session,
    };
    sealring_restore_result result = {.size = sizeof result};
    signals_watch();
    progress_start(&progress, &session->err, "", session->json);
    sealring_status status = sealring_restore(session->vault, session->options.arguments[0], &options, tell, &telling,
                                              &result, &session->error);
    progress_finish(&progress);
    signals_release();
    bool refused = status == SEALRING_REFUSED && json_array_size(telling.losses) > 0;
    if (status != SEALRING_OK && !(refused && session->json))
        exit_status = session_fail(session, status);
    else
        exit_status = finish(session, &telling, &result, !refused);
    json_decref(telling.losses);
    json_decref(telling.notes);
    free(paths);
    return exit_status;
}

const struct command command_restore = {
    .words = "restore",
    .purpose = "restore the registry from a backup, and replay exported logs",
    .arguments = {{"FILE", "a file that `sealring backup` wrote", ARGUMENT_TEXT, 0}},
    .options = {{"log", "EXPORT", "output of `sealring audit export`, or an archive, the oldest first; may be repeated",
                 OPTION_LIST},
                {"accept-loss", "REASON", "restore although something is lost; recorded in the audit log", OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes =
        "The backup must be signed by the key in the audit token. Entries that the backup lacks are replayed from "
        "the exports. If entries are in neither, they are lost: the command names them, and refuses unless you "
        "accept the loss. Versions that are closed in the token stay closed. The former registry is kept beside the "
        "restored one. A crash leaves the former registry, the new one, or none: then restore again. The command "
        "waits until every server has applied the restored registry. Until then nothing is issued, because a server "
        "that has not polled yet could reject it.",
    .examples = {"sealring restore /backup/sealring-2026-11-26 --log exported.jsonl --dry-run",
                 "sealring restore /backup/sealring-2026-11-26 --accept-loss \"the disk and its exports burnt\""},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_OPENS_ITSELF,
};
