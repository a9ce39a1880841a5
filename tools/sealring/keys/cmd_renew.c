/* SPDX-License-Identifier: Apache-2.0 */
/* sealring renew: the successor of the credential on standard input. */
#include <string.h>

#include <sealring/renew.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/delivery/delivery.h"
#include "tools/sealring/input.h"
#include "tools/sealring/session.h"

/* The labels and scopes that the answer lacks. */
struct renewed {
    struct delivery *delivery;
    const sealring_renewal *answer;
};

static int hand_over(const sealring_key_info *key, void *context)
{
    const struct renewed *renewed = context;
    const sealring_renewal *answer = renewed->answer;
    const sealring_issued issued = {
        .client = answer->client,
        .label = key->label,
        .key_id = answer->key_id,
        .scopes = key->scopes,
        .version = answer->version,
        .serial = answer->serial,
        .expires = answer->expires,
        .existed = answer->result == SEALRING_RENEWAL_AGAIN,
        .credential = answer->successor,
    };
    return delivery_take(&issued, renewed->delivery);
}

static int deliver(struct session *session, const sealring_renewal *answer)
{
    if (answer->sealed != NULL)
        return session_refuse(session, STATUS_REFUSED,
                              "ring %s renews encrypted credentials only: sealring reissue %s --sealed --out FILE",
                              answer->ring, answer->key_id);
    struct delivery delivery;
    struct renewed renewed = {.delivery = &delivery, .answer = answer};
    const sealring_key_filter filter = {.key_id = answer->key_id};
    int result = delivery_start(&delivery, session, DELIVERY_SINGLE);
    if (result != STATUS_DONE)
        return result;
    sealring_status status = session->dry_run
                                 ? SEALRING_OK
                                 : sealring_key_list(session->manager, &filter, hand_over, &renewed, &session->error);
    result = delivery_end(&delivery, status);
    const char *place = delivery_place(&delivery);
    if (result == STATUS_DONE)
        session_say(session, "%s of API key %s (client %s) under version %u%s%s",
                    answer->result == SEALRING_RENEWAL_AGAIN ? "the successor that an earlier renewal made,"
                    : session->dry_run                       ? "would make a successor"
                                                             : "a successor",
                    answer->key_id, answer->client, (unsigned)answer->version, place != NULL ? "; it is in " : "",
                    place != NULL ? place : "");
    return result;
}

static int report(struct session *session, const sealring_renewal *answer)
{
    switch (answer->result) {
    case SEALRING_RENEWAL_ISSUED:
    case SEALRING_RENEWAL_AGAIN:
        return deliver(session, answer);
    case SEALRING_RENEWAL_CURRENT:
        session_say(session, "API key %s: %s", answer->key_id, answer->reason);
        return STATUS_DONE;
    case SEALRING_RENEWAL_UNAVAILABLE:
        return session_refuse(session, STATUS_TOKEN, "%s", answer->reason);
    default:
        return session_refuse(session, STATUS_REFUSED, "%s: %s", sealring_renewal_result_name(answer->result),
                              answer->reason);
    }
}

/* The file is checked before anything is made. */
static int check_out(struct session *session)
{
    const char *out = option_text(&session->options, "out");
    char problem[HANDOVER_PROBLEM_SIZE];
    return out == NULL || handover_check(out, 0, problem) ? STATUS_DONE
                                                          : session_refuse(session, STATUS_REFUSED, "%s", problem);
}

static int run(struct session *session)
{
    struct input input;
    sealring_renewal *answer = sealring_secret_allocate(sizeof *answer);
    int result = answer != NULL ? check_out(session) : session_refuse(session, STATUS_REFUSED, "out of memory");
    if (result == STATUS_DONE)
        result = input_read(session, &input);
    if (result == STATUS_DONE) {
        *answer = (sealring_renewal){.size = sizeof *answer,
                                     .credential = input.text,
                                     .credential_length = input.length,
                                     .peer = option_text(&session->options, "peer")};
        sealring_status status = sealring_renew(session->manager, answer, 1, &session->error);
        result = status == SEALRING_OK ? report(session, answer) : session_fail(session, status);
        sealring_renewal_release(answer);
        input_wipe(&input);
    }
    sealring_secret_free(answer, sizeof *answer);
    return result;
}

const struct command command_renew = {
    .words = "renew",
    .purpose = "print the successor of the credential on standard input",
    .options = {{"peer", "ADDRESS", "where the client calls from; default: not known", OPTION_TEXT},
                {"out", "FILE", "write to this file (0600) instead of standard output", OPTION_TEXT}},
    .notes =
        "What its holder would get: the next credential of the same API key, if the ring renews (sealring ring set "
        "--renew) and one is due. Prints nothing if none is due. Exit status 1 if there is none, for example because "
        "the credential is not valid; 3 if the token or the registry cannot answer now. One trailing newline is removed. "
        "A terminal does not echo what you type.",
    .examples = {"sealring renew --out acme-mobile.key.new < acme-mobile.key"},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN | COMMAND_READS_SECRET,
};
