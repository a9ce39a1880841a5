/* SPDX-License-Identifier: Apache-2.0 */
/* Claim codes instead of credentials, and the page that is sent along with them. */
#include "tools/sealring/delivery/claim_page.h"

#include <sealring/claim.h>

#include "tools/sealring/delivery/handover.h"

/* Nothing in it is secret, and nothing is about one client: so one page serves a whole list. */
static const char page[] =
    "How to get your API key\n"
    "\n"
    "You get a claim code, which begins with claim_, by another way than this page. It is valid for %s.\n"
    "Trade it for your API key on the machine that will use it:\n"
    "\n"
    "    sealring-client claim --url https://SERVER --vault-keys vault.keys api-key\n"
    "\n"
    "SERVER is the address that the operator gave you. vault.keys has the public keys that the operator gave\n"
    "you; with it the client checks who sent the API key. The command asks for the code, makes a key pair in\n"
    "api-key.claim, and writes the API key to api-key. Nobody but you can read either.\n"
    "\n"
    "If the answer gets lost, run the same command again: it gets the same API key. If the server reports\n"
    "that the code was taken, somebody else has used it: call the operator at once. If it reports that the\n"
    "code is unknown or has expired, ask the operator for another one.\n";

static int write_page(struct session *session, const char *path, int64_t life)
{
    struct handover file;
    char problem[HANDOVER_PROBLEM_SIZE], duration[SEALRING_TIME_SIZE];
    if (session->dry_run)
        return STATUS_DONE;
    if (!handover_open(&file, path, HANDOVER_REPLACE, problem))
        return session_refuse(session, STATUS_REFUSED, "%s", problem);
    sealring_duration_format(life, duration);
    fprintf(file.stream, page, duration);
    return handover_commit(&file, problem) ? STATUS_DONE : session_refuse(session, STATUS_REFUSED, "%s", problem);
}

int claim_page_ask(struct session *session, bool *claimed)
{
    const struct options *given = &session->options;
    const char *path = option_text(given, "instructions");
    int64_t life = option_given(given, "claim-life") ? option_number(given, "claim-life") : SEALRING_CLAIM_LIFE;
    *claimed = option_given(given, "claim");
    if (!*claimed && (path != NULL || option_given(given, "claim-life")))
        return session_refuse(session, STATUS_USAGE, "--%s has no meaning without --claim",
                              path != NULL ? "instructions" : "claim-life");
    if (!*claimed)
        return STATUS_DONE;
    if (option_given(given, "sealed") || option_given(given, "recipient"))
        return session_refuse(session, STATUS_USAGE,
                              "what a claim gets is encrypted to the key that comes with the code: give --claim "
                              "without --sealed and --recipient");
    sealring_status status = sealring_claim_credentials(session->manager, life, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    return path != NULL ? write_page(session, path, life) : STATUS_DONE;
}
