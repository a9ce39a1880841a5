/* SPDX-License-Identifier: Apache-2.0 */
/* sealring token destroy-object: a key in the token that no version has, destroyed by name. */
#include <sealring/doctor.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/options.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/terminal.h"

static int run(struct session *session)
{
    const char *object_id = session->options.arguments[0];
    const char *reason = option_text(&session->options, "reason");
    const char *overrule = option_text(&session->options, "overrule");
    sealring_status status = sealring_object_destroy(session->manager, object_id, reason, overrule, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print_as("object", json_pack("{s:s, s:b, s:b}", "object_id", object_id, "destroyed",
                                              (int)!session->dry_run, "dry_run", (int)session->dry_run));
    else
        terminal_print(&session->out, "key %s %sdestroyed\n", object_id, session->dry_run ? "would be " : "is ");
    return STATUS_DONE;
}

const struct command command_token_destroy_object = {
    .words = "token destroy-object",
    .purpose = "destroy a key in the token that belongs to no version",
    .arguments = {{"OBJECT-ID", "the key's CKA_ID in hexadecimal digits, as sealring doctor prints it", ARGUMENT_TEXT,
                   0}},
    .options = {{"reason", "TEXT", "recorded in the audit log; required", OPTION_REASON},
                {"overrule", "REASON",
                 "without an audit token: destroy the key all the same; recorded in the audit log", OPTION_REASON}},
    .notes =
        "For a key that sealring doctor lists with this command: one that an interrupted command left on a token "
        "that stores no labels or cannot change them, or one that is unknown because the registry was restored from "
        "an older copy. Refused for a key that this vault did not create, for one that belongs to a version or did "
        "by the audit log, and if the log is not complete. Without an audit token nothing shows whether the log is "
        "complete: --overrule.",
    .examples =
        {"sealring token destroy-object 6a1f0c7be2d94558a1c3f09e77b24d10 --reason 'left by the power failure of 3 May'"},
    .required = "reason",
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};
