/* SPDX-License-Identifier: Apache-2.0 */
/* sealring key list, show, set, suspend, resume, and sealring revoke. */
#include <inttypes.h>
#include <stdlib.h>

#include <sealring/claim.h>
#include <sealring/renew.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/keys/holders_option.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"
#include "tools/sealring/views/waitline.h"

static int run_list(struct session *session)
{
    sealring_key_filter filter = {
        .ring = option_text(&session->options, "ring"),
        .client = option_text(&session->options, "client"),
    };
    struct shown_rows keys;
    listing_start(&keys, session, listing_key_columns);
    sealring_status status = sealring_key_list(session->manager, &filter, listing_key, &keys, &session->error);
    return listing_finish(&keys, status, NULL, "keys",
                          filter.ring != NULL || filter.client != NULL
                              ? "no API keys of that kind: sealring issue RING --client NAME"
                              : "no API keys yet: sealring issue RING --client NAME");
}

static int describe_key(const sealring_key_info *key, void *context)
{
    struct shown_rows *listing = context;
    const struct style *style = &listing->session->out;
    if (listing->session->json) {
        listing->object = jsontext_key(key);
        return 0;
    }
    table_fact(style, "API key", BOLD "%s" PLAIN, key->key_id);
    table_fact(style, "state", "%c%s" PLAIN, style_key_tone(key->state), sealring_key_state_name(key->state));
    table_fact(style, "ring", "%s", key->ring);
    table_fact(style, "client", "%s", key->client);
    table_fact(style, "label", "%s", key->label);
    table_fact(style, "scopes", "%s", key->scopes[0] != '\0' ? key->scopes : "none");
    if (key->narrowed != NULL)
        table_fact(style, "narrowed to", "%s", key->narrowed[0] != '\0' ? key->narrowed : "none");
    if (key->from_addresses != NULL)
        table_fact(style, "from addresses", "%s", key->from_addresses);
    if (key->one_holder)
        table_fact(style, "holders", "one%s", key->contested ? ", " BAD "contested: sealring key rekey" PLAIN : "");
    table_fact(style, "expires", "%s",
               key->expires != 0 ? moment_format(key->expires, listing->session->now).text : "never");
    table_fact(style, "created", "%s", moment_format(key->created, listing->session->now).text);
    return 0;
}

/* The key is described already. */
static int describe_claim(const sealring_claim_info *claim, void *context)
{
    struct shown_rows *listing = context;
    if (listing->session->json)
        return json_object_set_new(listing->object, "claim", jsontext_claim(claim));
    table_fact(&listing->session->out, "claim", "%s, of credential %" PRIu32 ", until %s", claim->state, claim->serial,
               moment_format(claim->expires, listing->session->now).text);
    return 0;
}

static int describe_credential(const sealring_credential_info *credential, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, jsontext_credential(credential));
    table_add(table, TONE_PLAIN, "%" PRIu32, credential->serial);
    table_add(table, style_version_tone(credential->version_state), "%" PRIu32 " (%s)", credential->version,
              sealring_version_state_name(credential->version_state));
    table_add(table, credential->state == SEALRING_CREDENTIAL_CURRENT ? TONE_GOOD : TONE_DIM, "%s%s",
              sealring_credential_state_name(credential->state),
              credential->replaced   ? " and ends"
              : credential->imported ? ", imported"
                                     : "");
    table_add_time(table, credential->issued, "");
    table_add_time(table, credential->expires, "never");
    table_add_time(table, credential->retire_at, "");
    table_add(table, TONE_PLAIN, "%s", credential->scopes);
    return 0;
}

static int show_key(struct session *session)
{
    const char *key_id = session->options.arguments[0];
    static const struct table_column columns[] = {
        {"SERIAL", 1},  {"VERSION", 0}, {"CREDENTIAL", 0}, {"ISSUED", 0},
        {"EXPIRES", 0}, {"ENDS", 0},    {"SCOPES", 0},     {NULL, 0},
    };
    struct shown_rows credentials;
    sealring_key_filter filter = {.key_id = key_id};
    listing_start(&credentials, session, columns);
    sealring_status status = sealring_key_list(session->manager, &filter, describe_key, &credentials, &session->error);
    if (status == SEALRING_OK)
        status = sealring_claim_list(session->manager, key_id, NULL, describe_claim, &credentials, &session->error);
    if (status == SEALRING_OK)
        status = sealring_credential_list(session->manager, key_id, describe_credential, &credentials, &session->error);
    return listing_finish(&credentials, status, "key", "credential_list", NULL);
}

/* The API key as JSON, or one sentence; then, after a restriction, waits until that is effective. */
static int finish(struct session *session, sealring_status status, const char *sentence, bool takes_effect)
{
    const char *key_id = session->options.arguments[0];
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (!session->json)
        terminal_print(&session->out,
                       session->dry_run ? "dry run, nothing was changed; done, it would say: API key %s %s\n"
                                        : "API key %s %s\n",
                       key_id, sentence);
    if (session->dry_run && session->json)
        jsontext_print_as("key", json_pack("{s:s, s:b}", "key_id", key_id, "dry_run", 1));
    if (session->dry_run)
        return STATUS_DONE;
    int result = takes_effect ? waitline_effective(session) : STATUS_DONE;
    int shown = session->json ? show_key(session) : STATUS_DONE;
    return result != STATUS_DONE ? result : shown;
}

static int run_state(struct session *session)
{
    static const char *const sentences[] = {
        [SEALRING_KEY_ACTIVE] = "is active again: every verification from now on accepts its credentials",
        [SEALRING_KEY_SUSPENDED] = "is suspended: committed; resume undoes it",
        [SEALRING_KEY_REVOKED] = "is revoked for ever: committed",
    };
    sealring_key_state state = (sealring_key_state)session->command->detail;
    sealring_status status = sealring_key_set_state(session->manager, session->options.arguments[0], state,
                                                    option_text(&session->options, "reason"), &session->error);
    return finish(session, status, sentences[state], state != SEALRING_KEY_ACTIVE);
}

static int check_set(struct session *session)
{
    const struct options *given = &session->options;
    int wanted = (option_given(given, "scope") || option_given(given, "no-scopes")) + option_given(given, "label") +
                 option_given(given, "from-addresses") + option_given(given, "holders");
    if (wanted == 0)
        return session_refuse(session, STATUS_USAGE,
                              "key set wants --scope, --no-scopes, --from-addresses, --holders or --label");
    if (wanted > 1)
        return session_refuse(session, STATUS_USAGE,
                              "scopes, addresses, holders and label are changed one after the other: give one of them");
    return holders_check(session);
}

static int run_set(struct session *session)
{
    const struct options *given = &session->options;
    const char *key_id = given->arguments[0];
    const char *label = option_text(given, "label");
    if (label != NULL)
        return finish(session, sealring_key_set_label(session->manager, key_id, label, &session->error),
                      session->dry_run ? "would have its new label" : "has its new label", false);
    const char *holders = option_text(given, "holders");
    if (holders != NULL)
        return finish(session,
                      sealring_key_set_holders(session->manager, key_id,
                                               holders_read(holders) ? SEALRING_HOLDERS_ONE : SEALRING_HOLDERS_MANY,
                                               &session->error),
                      session->dry_run ? "would have the other number of holders" : "has the other number of holders",
                      false);
    const char *addresses = option_text(given, "from-addresses");
    if (addresses != NULL)
        return finish(session, sealring_key_set_addresses(session->manager, key_id, addresses, &session->error),
                      "has its new addresses: calls from others are rejected; committed", true);
    char *scopes = option_joined(given, "scope");
    sealring_status status =
        sealring_key_narrow(session->manager, key_id, scopes != NULL ? scopes : "", &session->error);
    free(scopes);
    return finish(session, status, "is narrowed: all its credentials have these scopes at most; committed", true);
}

const struct command command_key_list = {
    .words = "key list",
    .purpose = "list API keys",
    .options = {{"ring", "RING", "only those of this ring", OPTION_TEXT},
                {"client", "NAME", "only those of this client", OPTION_TEXT}},
    .run = run_list,
};

const struct command command_key_show = {
    .words = "key show",
    .purpose = "show an API key and its credentials",
    .arguments = {{KEY_ID_ARGUMENT}},
    .run = show_key,
};

const struct command command_key_set = {
    .words = "key set",
    .purpose = "narrow an API key's scopes, bind it to addresses or one holder, or change its label",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{"scope", "SCOPE", "narrow it to these scopes at once; may be repeated", OPTION_LIST},
                {"no-scopes", NULL, "narrow it to no scope at all", OPTION_FLAG},
                {"from-addresses", "LIST", "accept it only from these networks, separated by commas; any: from all",
                 OPTION_TEXT},
                {HOLDERS_OPTION},
                {"label", "LABEL", "give it another label", OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes =
        "The narrower scopes apply at once to all credentials of the key. To widen its scopes use sealring key rekey.\n"
        "Addresses are networks such as 203.0.113.0/24,2001:db8::/48, at most 32, or single addresses. Fewer "
        "addresses apply at once. Others apply when the audit token has signed them. The server or the gateway must pass the "
        "client's address: without it such a key is rejected.",
    .check = check_set,
    .run = run_set,
    .flags = COMMAND_CHANGES,
};

const struct command command_key_suspend = {
    .words = "key suspend",
    .purpose = "reject an API key's credentials until it is resumed",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{REASON_OPTION}, {WAIT_OPTION}, {NO_WAIT_OPTION}},
    .run = run_state,
    .flags = COMMAND_CHANGES,
    .detail = SEALRING_KEY_SUSPENDED,
};

const struct command command_key_resume = {
    .words = "key resume",
    .purpose = "accept a suspended API key's credentials again",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{REASON_OPTION}},
    .run = run_state,
    .flags = COMMAND_CHANGES,
    .detail = SEALRING_KEY_ACTIVE,
};

const struct command command_revoke = {
    .words = "revoke",
    .purpose = "reject an API key's credentials for ever",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{REASON_OPTION}, {WAIT_OPTION}, {NO_WAIT_OPTION}},
    .notes =
        "After *effective*, no verifier accepts the key's credentials any more. A verifier applies the change at its "
        "next poll of the registry (200 ms). A verifier that cannot poll stops serving when its lease expires (60 s, "
        "unless the vault has another value).",
    .run = run_state,
    .flags = COMMAND_CHANGES,
    .detail = SEALRING_KEY_REVOKED,
};
