/* SPDX-License-Identifier: Apache-2.0 */
/* sealring token destroy-object: a key in the token that no version has, destroyed by name. */
#include <sealring/doctor.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/jsontext.h"
#include "tools/sealring/options.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal.h"

static int run(struct session *session)
{
    const char *object_id = session->options.arguments[0];
    const char *reason = option_text(&session->options, "reason");
    if (reason == NULL || reason[0] == '\0')
        return session_refuse(session, STATUS_USAGE, "token destroy-object wants --reason, which goes on the record");
    const char *overrule = option_text(&session->options, "overrule");
    if (overrule != NULL && overrule[0] == '\0')
        return session_refuse(session, STATUS_USAGE, "--overrule wants a reason, which goes on the record");
    int result = session_open(session);
    if (result != STATUS_DONE)
        return result;
    sealring_status status = sealring_object_destroy(session->manager, object_id, reason, overrule, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print_as("object", json_pack("{s:s, s:b, s:b}", "object_id", object_id, "destroyed",
                                              (int)!session->dry_run, "dry_run", (int)session->dry_run));
    else
        terminal_print(stdout, &session->out, "key %s %sdestroyed\n", object_id,
                       session->dry_run ? "would be " : "is ");
    return STATUS_DONE;
}

static const struct argument arguments[] = {
    {"OBJECT-ID", "its CKA_ID in hexadecimal digits, as sealring doctor prints it", ARGUMENT_TEXT, 0},
    {NULL, NULL, 0, 0},
};

static const struct option options[] = {
    {"reason", "TEXT", "goes on the record; must be given", OPTION_TEXT},
    {"overrule", "REASON", "without an audit token: destroy it all the same; the reason goes on the record",
     OPTION_TEXT},
    {NULL, NULL, NULL, OPTION_FLAG},
};

static const char *const examples[] = {
    "sealring token destroy-object 6a1f0c7be2d94558a1c3f09e77b24d10 --reason 'left by the power failure of 3 May'",
    NULL,
};

const struct command command_token_destroy_object = {
    .words = "token destroy-object",
    .group = "Vault",
    .purpose = "destroy a key in the token that no version has",
    .arguments = arguments,
    .options = options,
    .notes =
        "For a key that sealring doctor lists with this command: left by an interrupted command on a token that keeps no "
        "labels or cannot change them, or unknown to a registry that was put back. Refused for a key that this vault did "
        "not make, for one that a version has or had by the audit log, and if the log is not whole. Without an audit token "
        "nothing shows whether it is: --overrule.",
    .examples = examples,
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};
