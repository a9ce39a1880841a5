/* SPDX-License-Identifier: Apache-2.0 */
/* sealring backup: the registry in one signed file, and whether such a file is good. */
#include <stdio.h>

#include <sealring/backup.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/progress.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/table.h"

static json_t *info_json(const char *file, const sealring_backup_info *info, const struct session *session)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:s, s:s, s:s, s:b}", "file", file, "vault_id",
                     info->vault_id, "era", info->era, "epoch", (json_int_t)info->epoch, "entries",
                     (json_int_t)info->entries, "bytes", (json_int_t)info->bytes, "time", jsontext_time(info->time),
                     "sha256", info->sha256, "root", info->root, "key", info->key, "dry_run", (int)session->dry_run);
}

static void print_info(const struct session *session, const char *file, const sealring_backup_info *info, bool checked)
{
    const struct style *style = &session->out;
    if (session->json) {
        jsontext_print_as("backup", info_json(file, info, session));
        return;
    }
    table_fact(style, session->dry_run ? "would be" : "backup", "%s", file);
    table_fact(style, "vault ID", "%s", info->vault_id);
    table_fact(style, "audit log", "%s entries", moment_number(info->entries).text);
    table_fact(style, "made", "%s", moment_format(info->time, session->now).text);
    if (session->dry_run)
        return;
    table_fact(style, "registry", "%s bytes", moment_number(info->bytes).text);
    table_fact(style, "SHA-256", "%s", info->sha256);
    if (checked)
        table_fact(style, "result", GOOD "whole, and signed by the key" PLAIN);
}

/* The key that the vault itself names proves less than one that was kept elsewhere. */
static sealring_status own_key(struct session *session, char key[SEALRING_AUDIT_KEYS_SIZE])
{
    sealring_status status = session_connect(session, true);
    if (status == SEALRING_OK)
        status = sealring_audit_keys(session->manager, key, &session->error);
    if (status == SEALRING_OK && !session->json)
        session_warn(session, "the key is the one that the registry itself names: give --key with one that was kept "
                              "elsewhere");
    return status;
}

static int check(struct session *session, const char *file)
{
    char own[SEALRING_AUDIT_KEYS_SIZE] = "";
    const char *key = option_text(&session->options, "key");
    sealring_backup_info info = {.size = sizeof info};
    struct progress progress;
    sealring_status status = key == NULL ? own_key(session, own) : SEALRING_OK;
    if (status != SEALRING_OK)
        return session_fail(session, status);
    progress_start(&progress, &session->err, "", session->json);
    status = sealring_backup_check(file, key != NULL ? key : own, progress_work, &progress, &info, &session->error);
    progress_finish(&progress);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    print_info(session, file, &info, true);
    return STATUS_DONE;
}

static int run(struct session *session)
{
    const char *file = session->options.arguments[0];
    sealring_backup_info info = {.size = sizeof info};
    struct progress progress;
    if (option_given(&session->options, "check"))
        return check(session, file);
    if (option_given(&session->options, "key"))
        return session_refuse(session, STATUS_USAGE,
                              "--key belongs to --check: what a backup is signed with is not chosen");
    int result = session_open(session);
    if (result != STATUS_DONE)
        return result;
    signals_watch();
    progress_start(&progress, &session->err, "", session->json);
    sealring_status status = sealring_backup(session->manager, file, progress_work, &progress, &info, &session->error);
    progress_finish(&progress);
    signals_release();
    if (status != SEALRING_OK)
        return session_fail(session, status);
    print_info(session, file, &info, false);
    return STATUS_DONE;
}

const struct command command_backup = {
    .words = "backup",
    .purpose = "copy the registry into one signed file, while servers and commands continue",
    .arguments = {{"FILE", "the backup; an existing file is never overwritten", ARGUMENT_TEXT, 0}},
    .options = {{"check", NULL, "make no backup, but check whether FILE is complete and signed", OPTION_FLAG},
                {"key", "VKEY",
                 "with --check: the verifier key that `sealring audit key` printed; then no vault is needed",
                 OPTION_TEXT}},
    .notes = "A backup contains the registry, but no key and no PIN. Back up the tokens by their own means "
             "(docs/tokens.md). Keep the output of `sealring audit export` elsewhere as well: it contains the later "
             "changes, and `sealring restore` replays them.",
    .examples = {"sealring backup /backup/sealring-2026-11-26",
                 "sealring backup --check /backup/sealring-2026-11-26 --key \"$(cat kept/vkey)\""},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_OPENS_ITSELF,
};
