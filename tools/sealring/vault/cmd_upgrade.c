/* SPDX-License-Identifier: Apache-2.0 */
/* sealring upgrade: the registry of an older sealring becomes one of this release, in two steps. */
#include <stdio.h>

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

struct upgrade_report {
    const struct session *session;
    json_t *problems;
};

static int tell(uint64_t entry, const char *text, void *context)
{
    struct upgrade_report *report = context;
    const struct style *style = &report->session->out;
    json_array_append_new(report->problems,
                          json_pack("{s:I, s:o}", "entry", (json_int_t)entry, "problem", jsontext_text(text)));
    if (!report->session->json)
        terminal_print(style, BAD "problem:" PLAIN " %s\n", text);
    return 0;
}

static void print_json(const struct session *session, const struct upgrade_report *report,
                       const sealring_upgrade_result *result, sealring_status status)
{
    jsontext_print_as(
        "upgrade",
        json_pack("{s:i, s:i, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:s?, s:b, s:s?, s:o, s:O, s:o}", "from",
                  result->from, "to", result->to, "added", (int)result->added, "begun", (int)result->begun, "complete",
                  (int)(result->complete && !session->dry_run), "dry_run", (int)session->dry_run, "facts",
                  (json_int_t)result->facts, "labels_unknown", (json_int_t)result->labels_unknown, "entries",
                  (json_int_t)result->entries, "older_verifiers", (json_int_t)result->older, "waits_for",
                  jsontext_text(result->missing), "backup_sha256",
                  result->backup_sha256[0] != '\0' ? result->backup_sha256 : NULL, "audit_key_added",
                  (int)result->key_added, "audit_key", result->key_added ? result->audit_key : NULL, "remark",
                  jsontext_text(result->remark), "problems", report->problems, "message",
                  jsontext_text(status != SEALRING_OK ? session->error.message : NULL)));
}

static void print_facts(const struct session *session, const sealring_upgrade_result *result)
{
    const struct style *style = &session->out;
    table_fact(style, "facts", "%s API key%s suspended, narrowed or with another label than at issue",
               moment_number(result->facts).text, result->facts == 1 ? " is" : "s are");
    if (result->labels_unknown > 0)
        table_fact(style, "labels",
                   "%s left out: how they were changed is not in the log; to give one, run "
                   "sealring key set --label",
                   moment_number(result->labels_unknown).text);
}

static void print_result(const struct session *session, const sealring_upgrade_result *result)
{
    const struct style *style = &session->out;
    const char *would = session->dry_run ? "would be " : "";
    if (result->key_added)
        table_fact(style, "audit key", "%s%s", session->dry_run ? "would be added to sealring.conf: " : "",
                   result->audit_key);
    if (!result->added && !result->begun) { /* nothing changed */
        if (result->complete && !result->key_added)
            table_fact(style, "upgrade", "nothing to do: the registry has schema %d", result->to);
        return;
    }
    if (result->added)
        table_fact(style, "schema", "%s%d, was %d", would, result->to, result->from);
    if (result->backup_sha256[0] != '\0')
        table_fact(style, "backup", "SHA-256 %s", result->backup_sha256);
    if (result->begun)
        print_facts(session, result);
    table_fact(style, "result", "%s%s", would, result->begun ? "complete" : "the first of two steps");
}

/* Scripts get what was done, or the list of problems, also if the upgrade is not complete. */
static int finish(struct session *session, const struct upgrade_report *report, const sealring_upgrade_result *result,
                  sealring_status status)
{
    bool known = status == SEALRING_OK || status == SEALRING_WAITING || json_array_size(report->problems) > 0;
    if (result->remark[0] != '\0')
        session_warn(session, "%s", result->remark);
    if (!session->json || !known) {
        print_result(session, result);
        return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
    }
    print_json(session, report, result, status);
    if (status != SEALRING_OK)
        session_warn(session, "%s", session->error.message);
    return status == SEALRING_OK ? STATUS_DONE : status == SEALRING_WAITING ? STATUS_WAITING : STATUS_REFUSED;
}

static int run(struct session *session)
{
    int exit_status = session_environment(session);
    if (exit_status != STATUS_DONE)
        return exit_status;
    struct progress progress;
    struct upgrade_report report = {session, json_array()};
    const sealring_manage_options manage = {
        .size = sizeof manage,
        .dry_run = session->dry_run,
        .ask_pin = pins_ask,
        .ask_context = session,
        .lock_waits = session_tell_lock,
        .lock_context = session,
    };
    const sealring_upgrade_options options = {
        .size = sizeof options,
        .backup = option_text(&session->options, "backup"),
        .no_backup = option_given(&session->options, "no-backup"),
        .progress = progress_work,
        .progress_context = &progress,
    };
    sealring_upgrade_result result = {.size = sizeof result};
    signals_watch();
    progress_start(&progress, &session->err, "", session->json);
    sealring_status status =
        sealring_upgrade(session->vault, &manage, &options, tell, &report, &result, &session->error);
    progress_finish(&progress);
    signals_release();
    exit_status = finish(session, &report, &result, status);
    json_decref(report.problems);
    return exit_status;
}

const struct command command_upgrade = {
    .words = "upgrade",
    .purpose = "upgrade the registry of an older sealring, while its servers continue",
    .options = {{"backup", "FILE", "back up the registry to FILE first, as it is; an existing FILE must be just that",
                 OPTION_TEXT},
                {"no-backup", NULL, "upgrade without a backup", OPTION_FLAG}},
    .notes =
        "The upgrade has two steps. The first adds columns: servers of the older program continue, but its commands "
        "can change nothing any more. The second records which API keys are suspended, narrowed or relabelled, and "
        "makes the registry unreadable for the older program. It is made in the same call if no server of the older "
        "program runs; otherwise the command names them and ends with status 5: restart them with this release, "
        "then repeat it. The command first examines the whole log, as `sealring audit verify` does, and refuses a "
        "registry with problems.",
    .examples = {"sealring upgrade --backup /backup/before-upgrade --dry-run",
                 "sealring upgrade --backup /backup/before-upgrade"},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_OPENS_ITSELF,
};
