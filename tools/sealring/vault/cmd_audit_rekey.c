/* SPDX-License-Identifier: Apache-2.0 */
/* sealring audit rekey: another key signs the audit log from now on. */
#include "tools/sealring/commands.h"

#include <sealring/backup.h>

#include "tools/sealring/pins.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/table.h"
#include "tools/sealring/views/waitline.h"

static void print_json(const struct session *session, const sealring_audit_rekey_result *result)
{
    jsontext_print_as("rekey", json_pack("{s:s, s:s?, s:I, s:b, s:b, s:o}", "old_key", result->old_key, "new_key",
                                         result->new_key[0] != '\0' ? result->new_key : NULL, "entries",
                                         (json_int_t)result->entries, "completed", (int)result->completed, "dry_run",
                                         (int)session->dry_run, "remark", jsontext_text(result->remark)));
}

static void print_result(struct session *session, const sealring_audit_rekey_result *result)
{
    const struct style *style = &session->out;
    table_fact(style, "old key", "%s", result->old_key);
    if (result->new_key[0] == '\0') {
        table_fact(style, "new key", "would be made in the audit token");
        return;
    }
    table_fact(style, "new key", "%s", result->new_key);
    table_fact(style, "old key's end", "entry %s", moment_number(result->entries).text);
    if (result->completed)
        table_fact(style, "result", "%s", session->dry_run ? "would complete an interrupted change" : "completed");
    if (session->dry_run)
        return;
    session_say(session, "give the output of `sealring audit key` and `sealring audit checkpoint` to those who keep "
                         "them; back up sealring.conf and the audit token");
}

static int run(struct session *session)
{
    const sealring_audit_rekey_options options = {
        .size = sizeof options,
        .audit_token_uri = option_text(&session->options, "audit-token"),
        .audit_pin_source = option_text(&session->options, "audit-pin-source"),
    };
    sealring_audit_rekey_result result = {.size = sizeof result};
    sealring_status status = sealring_audit_rekey(session->manager, &options, &result, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        print_json(session, &result);
    else
        print_result(session, &result);
    if (result.remark[0] != '\0')
        session_warn(session, "%s", result.remark);
    bool waits = !session->dry_run && !result.completed && result.remark[0] == '\0';
    return waits ? waitline_effective(session) : STATUS_DONE;
}

static int check(struct session *session)
{
    if (option_given(&session->options, "audit-token") == option_given(&session->options, "audit-pin-source"))
        return STATUS_DONE;
    return session_refuse(session, STATUS_USAGE, "--audit-token and --audit-pin-source belong together");
}

const struct command command_audit_rekey = {
    .words = "audit rekey",
    .purpose = "change the key that signs the audit log",
    .options = {{"audit-token", "URI", "make the new key in this token, which replaces the audit token", OPTION_TEXT},
                {"audit-pin-source", "SOURCE", "the source of that token's PIN", OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes =
        "Both keys sign the checkpoint of the change, so running servers follow it. After *effective* all of them do, "
        "and what the old key signs counts for nothing. sealring.conf gets the new key and the end of the old one, "
        "whose object stays in its token. An interrupted change is completed by the same command. If the old key is "
        "lost, add --take-over REASON: then servers must be restarted.",
    .examples = {"sealring audit rekey",
                 "sealring audit rekey --audit-token 'pkcs11:token=audit-2' --audit-pin-source /etc/sealring/pin-2"},
    .check = check,
    .run = run,
    .flags = COMMAND_CHANGES,
};
