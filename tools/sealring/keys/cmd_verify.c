/* SPDX-License-Identifier: Apache-2.0 */
/* sealring verify: is the credential on standard input good. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/input.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/verdict.h"

static void print_verdict(const struct session *session, sealring_verdict verdict, const sealring_grant *grant)
{
    const struct style *style = &session->out;
    const char *separator = style_separator(style);
    terminal_print(style, "%c%s" PLAIN, judge_tone(verdict), sealring_verdict_name(verdict));
    bool described = grant->key_id[0] != '\0';
    if (described) {
        terminal_print(style, "  client %s%sring %s%sversion %" PRIu32 " (%c%s" PLAIN ")%s%s%s%skey %s", grant->client,
                       separator, grant->ring, separator, grant->version, style_version_tone(grant->version_state),
                       sealring_version_state_name(grant->version_state), separator,
                       grant->scopes[0] != '\0' ? "scopes " : "no scopes", grant->scopes, separator, grant->key_id);
    }
    if (!sealring_verdict_accepted(verdict) && grant->reason[0] != '\0')
        terminal_print(style, described ? "\n%s" : "  %s", grant->reason);
    putchar('\n');
    if (sealring_verdict_accepted(verdict) && grant->sunset != 0)
        terminal_print(style, WARN "move to the new credential %s %s" PLAIN "\n",
                       grant->sunset > session->now ? "before" : "now: this one was promised until",
                       moment_format(grant->sunset, session->now).text);
}

/* False: it is no address. */
static bool read_address(const char *text, uint8_t address[16], sealring_request *beside)
{
    if (text == NULL)
        return true;
    beside->address = address;
    if (inet_pton(AF_INET, text, address) == 1)
        beside->address_length = 4;
    else if (inet_pton(AF_INET6, text, address) == 1)
        beside->address_length = 16;
    return beside->address_length != 0;
}

static int run(struct session *session)
{
    struct input input;
    uint8_t address[16];
    sealring_request beside = {.size = sizeof beside};
    if (!read_address(option_text(&session->options, "address"), address, &beside))
        return session_refuse(session, STATUS_USAGE, "--address wants one address of IPv4 or IPv6");
    int result = input_read(session, &input);
    if (result != STATUS_DONE)
        return result;
    char *scopes = option_joined(&session->options, "scope");
    sealring_verdict verdict = SEALRING_UNDECIDED;
    sealring_grant grant = {.size = sizeof grant};
    beside.scope = scopes;
    result = judge(session, &input, &beside, &verdict, &grant);
    free(scopes);
    input_wipe(&input);
    if (verdict == SEALRING_UNDECIDED)
        return result;
    if (session->json)
        jsontext_print(judge_json(verdict, &grant));
    else
        print_verdict(session, verdict, &grant);
    return result;
}

const struct command command_verify = {
    .words = "verify",
    .purpose = "report whether the credential on standard input is valid",
    .options = {{"scope", "SCOPE", "a scope that the credential must have; may be repeated", OPTION_LIST},
                {"address", "ADDRESS", "where the client calls from; default: not known", OPTION_TEXT}},
    .notes = "Exit status 0 if it is accepted, 1 if it is rejected, 3 or 4 if there is no verdict because the PKCS#11 "
             "token or the registry is unavailable. One trailing newline is removed. A terminal does not echo what you "
             "type.",
    .examples = {"sealring verify --scope read < acme-mobile.key"},
    .run = run,
    .flags = COMMAND_TOKEN | COMMAND_READS_SECRET | COMMAND_OPENS_ITSELF,
};
