/* SPDX-License-Identifier: Apache-2.0 */
/* sealring notify secret: what a client's receiver of webhooks verifies with. */
#include <stdio.h>

#include <sealring/webhooks.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/delivery/handover.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"

/* The secret goes to standard output, or to a file that is complete or absent. */
static int print_secret(struct session *session, const sealring_webhook_secret *secret)
{
    const char *out = option_text(&session->options, "out");
    char problem[HANDOVER_PROBLEM_SIZE];
    struct handover file;
    if (out == NULL) {
        if (session->json)
            jsontext_print_as("secret", json_pack("{s:s, s:I, s:s}", "client", session->options.arguments[0], "version",
                                                  (json_int_t)secret->version, "secret", secret->text));
        else
            (void)printf("%s\n", secret->text);
        return STATUS_DONE;
    }
    if (!handover_open(&file, out, 0, problem))
        return session_refuse(session, STATUS_REFUSED, "%s", problem);
    (void)fprintf(file.stream, "%s\n", secret->text);
    if (!handover_commit(&file, problem))
        return session_refuse(session, STATUS_REFUSED, "%s", problem);
    return STATUS_DONE;
}

static int derive(struct session *session, sealring_webhook_secret *secret)
{
    const char *client = session->options.arguments[0], *out = option_text(&session->options, "out");
    char problem[HANDOVER_PROBLEM_SIZE];
    if (out != NULL && !handover_check(out, 0, problem))
        return session_refuse(session, STATUS_REFUSED, "%s", problem);
    sealring_status status = sealring_webhook_secret_derive(
        session->manager, client, (uint32_t)option_number(&session->options, "version"), secret, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    int result = session->dry_run ? STATUS_DONE : print_secret(session, secret);
    if (result == STATUS_DONE)
        session_say(session, "%s secret of the webhooks to client %s, of version %u%s%s",
                    session->dry_run ? "would print the" : "the", client, (unsigned)secret->version,
                    out != NULL && !session->dry_run ? ", is in " : "", out != NULL && !session->dry_run ? out : "");
    return result;
}

static int run(struct session *session)
{
    sealring_webhook_secret *secret = sealring_secret_allocate(sizeof *secret);
    if (secret == NULL)
        return session_refuse(session, STATUS_REFUSED, "out of memory");
    secret->size = sizeof *secret;
    int result = derive(session, secret);
    sealring_secret_free(secret, sizeof *secret);
    return result;
}

const struct command command_notify_secret = {
    .words = "notify secret",
    .purpose = "print the secret that a client's webhooks are signed with",
    .arguments = {{"CLIENT", "the client's name", ARGUMENT_TEXT, 0}},
    .options = {{"version", "NUMBER", "of the ring of webhook secrets; default: the active one", OPTION_NUMBER},
                {"out", "FILE", "write to this file (0600) instead of standard output", OPTION_TEXT}},
    .notes =
        "The token derives the secret from the ring that webhook-ring in sealring.conf names; it is stored nowhere. It "
        "has the form of Standard Webhooks: whsec_ and base64. Each webhook has one signature for each accepted version "
        "of that ring, so after a rotation both secrets are valid until the older version retires. The audit log "
        "records that the secret was printed.",
    .examples = {"sealring notify secret acme --out acme.webhook"},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};
