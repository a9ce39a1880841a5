/* SPDX-License-Identifier: Apache-2.0 */
/* sealring issue: one API key's credential, or a CSV file's; sealring import: keys that clients have from elsewhere. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/delivery/clients_csv.h"
#include "tools/sealring/delivery/delivery.h"
#include "tools/sealring/keys/holders_option.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/views/waitline.h"

enum { DETAIL_ISSUE, DETAIL_IMPORT };

/* A verifier that has not read the facts about new keys does not know their addresses. If somebody hides these facts, this does not end well. */
static int await_addresses(struct session *session, const sealring_issue_request *requests, size_t count, int result)
{
    bool binds = false;
    for (size_t i = 0; i < count; i++)
        binds = binds || requests[i].from_addresses != NULL;
    return result == STATUS_DONE && binds && !session->dry_run ? waitline_effective(session) : result;
}

/* Both characters may be in a scope (RFC 6749, section 3.3), but seldom are. */
static bool seems_joined(const char *scopes)
{
    return scopes != NULL && strpbrk(scopes, ",;") != NULL;
}

static int issue_one(struct session *session)
{
    struct delivery delivery;
    const struct options *options = &session->options;
    const char *ring = options->arguments[0];
    int result = delivery_start(&delivery, session, DELIVERY_SINGLE);
    if (result != STATUS_DONE)
        return result;
    char *scopes = option_joined(options, "scope");
    if (seems_joined(scopes))
        session_warn(session,
                     "a scope has a comma or semicolon in it: several scopes are separated by spaces, or given by "
                     "several --scope");
    sealring_issue_request request = {
        .client = option_text(options, "client"),
        .label = option_text(options, "label"),
        .scopes = scopes,
        .not_before = option_number(options, "not-before"),
        .expires = option_number(options, "expires"),
        .from_addresses = option_text(options, "from-addresses"),
        .one_holder = holders_read(option_text(options, "holders")),
    };
    sealring_status status =
        sealring_issue(session->manager, ring, &request, 1, 0, delivery_take, &delivery, NULL, &session->error);
    free(scopes);
    result = delivery_end(&delivery, status);
    const char *place = delivery_place(&delivery);
    if (result == STATUS_DONE && session->dry_run)
        session_say(session, "would issue an API key to client %s in ring %s", request.client, ring);
    else if (result == STATUS_DONE)
        session_say(session, "API key %s was issued to client %s in ring %s, version %u%s%s", delivery.key_id,
                    request.client, ring, (unsigned)delivery.version,
                    place == NULL      ? ""
                    : delivery.claimed ? "; its claim code is in "
                                       : "; its credential is in ",
                    place != NULL ? place : "");
    return await_addresses(session, &request, 1, result);
}

/* The library's messages name the line; here they get the file, and what was done. bad: which request failed; the number of all of them if the
 * message is about several. */
static void name_file(sealring_error *error, const char *file, const struct clients_csv *clients, size_t bad,
                      const char *outcome)
{
    sealring_error inner = *error;
    snprintf(error->message, sizeof error->message, "%.150s%s %.*s; %s", file, bad < clients->count ? "," : ":",
             (int)(sizeof error->message - 200), inner.message, outcome);
}

static void say_totals(const struct delivery *delivery)
{
    const char *done = delivery->session->command->detail == DETAIL_IMPORT ? "imported" : "issued";
    struct moment issued = moment_number(delivery->issued);
    if (delivery->existed == 0)
        session_say(delivery->session, "%s %s", issued.text, done);
    else
        session_say(delivery->session, "%s %s, %s had been %s before", issued.text, done,
                    moment_number(delivery->existed).text, done);
}

/* Of the first such line. */
static void warn_of_joined(struct session *session, const struct clients_csv *clients, const char *file)
{
    for (size_t i = 0; i < clients->count; i++)
        if (seems_joined(clients->requests[i].scopes)) {
            session_warn(session,
                         "%s, line %zu: a scope has a comma or semicolon in it: several scopes are separated by spaces",
                         file, clients->requests[i].line);
            return;
        }
}

static int issue_all(struct session *session, const struct clients_csv *clients, const char *file)
{
    struct delivery delivery;
    size_t bad = SIZE_MAX;
    int result = delivery_start(&delivery, session, DELIVERY_LIST);
    if (result != STATUS_DONE)
        return result;
    delivery.total = clients->count;
    bool imports = session->command->detail == DETAIL_IMPORT;
    delivery.progress.what = imports ? "importing" : "issuing";
    sealring_status status = (imports ? sealring_import : sealring_issue)(
        session->manager, session->options.arguments[0], clients->requests, clients->count, SEALRING_ISSUE_ADD_CLIENTS,
        delivery_take, &delivery, &bad, &session->error);
    bool left_out = status != SEALRING_OK && bad == clients->count;
    if (left_out)
        name_file(&session->error, file, clients, bad, "repeat the command");
    else if (status != SEALRING_OK && bad < clients->count)
        name_file(&session->error, file, clients, bad,
                  delivery.issued + delivery.existed > 0 ? "some lines above it were done" : "nothing was done");
    delivery.keep_partial = left_out;
    result = delivery_end(&delivery, status);
    if (result == STATUS_DONE && session->dry_run)
        session_say(session,
                    imports ? "would import the keys of %zu lines: every line is valid"
                            : "would issue the credentials of %zu lines, or print them again: every line is valid",
                    clients->count);
    else if (result == STATUS_DONE)
        say_totals(&delivery);
    return await_addresses(session, clients->requests, clients->count, result);
}

static bool is_directory(FILE *stream)
{
    struct stat facts;
    return fstat(fileno(stream), &facts) == 0 && S_ISDIR(facts.st_mode);
}

static int issue_from(struct session *session, const char *file)
{
    struct clients_csv clients;
    char problem[CLIENTS_CSV_PROBLEM_SIZE];
    bool standard_input = strcmp(file, "-") == 0;
    FILE *stream = standard_input ? stdin : fopen(file, "re");
    if (stream == NULL)
        return session_refuse(session, STATUS_REFUSED, "%s cannot be opened: %s", file, strerror(errno));
    if (is_directory(stream)) {
        fclose(stream);
        return session_refuse(session, STATUS_REFUSED, "%s cannot be read: %s", file, strerror(EISDIR));
    }
    if (standard_input)
        file = "standard input";
    bool good = clients_csv_read(&clients, stream, session->command->detail == DETAIL_IMPORT, session->now, problem);
    if (stream != stdin)
        fclose(stream);
    if (!good)
        return session_refuse(session, STATUS_USAGE, "%s, %s; nothing was done", file, problem);
    int result = session_open(session);
    if (result == STATUS_DONE)
        warn_of_joined(session, &clients, file);
    if (result == STATUS_DONE)
        result = issue_all(session, &clients, file);
    clients_csv_free(&clients);
    return result;
}

static int run(struct session *session)
{
    static const char *const single_only[] = {"client",     "scope",          "label",  "expires",
                                              "not-before", "from-addresses", "holders"};
    const char *from = option_text(&session->options, "from");
    if (from == NULL && !option_given(&session->options, "client"))
        return session_refuse(session, STATUS_USAGE,
                              "issue wants --client NAME, or --from FILE: see `sealring issue --help`");
    for (size_t i = 0; from != NULL && i < sizeof single_only / sizeof *single_only; i++)
        if (option_given(&session->options, single_only[i]))
            return session_refuse(session, STATUS_USAGE,
                                  "--from takes everything from the file, so --%s has no place beside it",
                                  single_only[i]);
    if (from != NULL)
        return issue_from(session, from);
    int result = holders_check(session);
    if (result == STATUS_DONE)
        result = session_open(session);
    return result == STATUS_DONE ? issue_one(session) : result;
}

const struct command command_issue = {
    .words = "issue",
    .purpose = "issue one credential, or one for each line of a CSV file",
    .arguments = {{"RING", "the ring to issue in", ARGUMENT_TEXT, 0}},
    .options = {{"client", "NAME", "the client that the API key is issued to (see sealring client add)", OPTION_TEXT},
                {"scope", "SCOPE", "a permission of the API key; may be repeated; default: none", OPTION_LIST},
                {"label", "LABEL", "distinguishes several API keys of one client in a ring; default: default",
                 OPTION_TEXT},
                {"expires", "TIME", "when it expires: RFC 3339, or a duration from now such as 90d; default: never",
                 OPTION_MOMENT},
                {"not-before", "TIME", "when it becomes valid; default: now", OPTION_MOMENT},
                {"from-addresses", "LIST", "accept it only from these networks, separated by commas; default: any",
                 OPTION_TEXT},
                {HOLDERS_OPTION},
                {"from", "FILE", "issue one API key for each line of a CSV file; - for standard input", OPTION_TEXT},
                {SEALED_OPTION},
                {RECIPIENT_OPTION},
                {CLAIM_OPTION},
                {CLAIM_LIFE_OPTION},
                {INSTRUCTIONS_OPTION},
                {"out", "PATH", "write to this file (0600); with --from or --sealed also to a directory, one file each",
                 OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes =
        "The credential is printed once, alone, on standard output. sealring does not store it; sealring reissue "
        "derives it again.\n"
        "The first line of the CSV file names its columns, in any order: client, and optionally contact, label, "
        "scopes (separated by spaces), expires (RFC 3339, or a duration from now), not_before (RFC 3339), from_addresses "
        "(networks separated by commas, so in quotation marks) and key_id. Missing clients are added. With key_id, an API key whose version was closed, for example after a "
        "compromise, gets a successor under the same ID. Every line is checked before anything is issued. The output "
        "is CSV with the columns client, label, key_id, version, serial, expires, scopes, credential, state. After "
        "an interruption run the same command again: it issues what is missing and prints the complete result.",
    .examples =
        {"sealring issue payments --client acme-mobile --scope read --scope write --expires 365d --out acme-mobile.key",
         "sealring issue payments --from clients.csv --out credentials.csv"},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN | COMMAND_OPENS_ITSELF,
};

static int run_import(struct session *session)
{
    return issue_from(session, option_text(&session->options, "sha256"));
}

const struct command command_import = {
    .words = "import",
    .purpose = "accept keys that clients already have, by their SHA-256",
    .arguments = {{"RING", "the ring to import into", ARGUMENT_TEXT, 0}},
    .options = {{"sha256", "FILE", "CSV file with the keys' SHA-256 and claims; - for standard input", OPTION_TEXT},
                {"out", "FILE", "write the list of API keys to this file (0600) instead of standard output",
                 OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes =
        "Use this command to move to sealring without a change at the clients. Their old keys are accepted unchanged "
        "until their end date, or until sealring reissue has issued a credential of sealring's and the ring's "
        "overlap has ended.\n"
        "The first line of the CSV file names its columns, in any order: client, sha256 (64 hexadecimal digits), "
        "expires (RFC 3339, or a duration from now: an imported key must have an end), and optionally contact, "
        "label, scopes, not_before, from_addresses. Missing clients are added. Every line is checked before anything is imported. If "
        "you repeat the command, it imports what is missing.\n"
        "The token binds each digest to its claims, so whoever edits the registry can neither add an imported key "
        "nor widen one. The old keys must be random, of 128 bits at least, and 8 to 512 bytes long.",
    .examples = {"sealring import payments --sha256 old-keys.csv --out imported.csv"},
    .required = "sha256",
    .run = run_import,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN | COMMAND_OPENS_ITSELF,
    .detail = DETAIL_IMPORT,
};
