/* SPDX-License-Identifier: Apache-2.0 */
/* sealring key list, show, set, suspend, resume, and sealring revoke. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/key_table.h"
#include "tools/sealring/views/waitline.h"

static int run_list(struct session *session)
{
    sealring_key_filter filter = {
        .ring = option_text(&session->options, "ring"),
        .client = option_text(&session->options, "client"),
    };
    int result = STATUS_DONE;
    struct keys keys;
    keys_start(&keys, session);
    sealring_status status = sealring_key_list(session->manager, &filter, keys_take, &keys, &session->error);
    if (status != SEALRING_OK) {
        result = session_fail(session, status);
    } else if (session->json) {
        jsontext_print_as("keys", json_incref(keys.array));
    } else if (keys.count == 0) {
        session_say(session, "no API keys%s: sealring issue RING --client NAME",
                    filter.ring != NULL || filter.client != NULL ? " of that kind" : " yet");
    } else {
        keys_print(&keys);
    }
    keys_free(&keys);
    return result;
}

struct key_description {
    struct session *session;
    json_t *object;
    json_t *array;
    struct table table;
};

static int describe_key(const sealring_key_info *key, void *context)
{
    struct key_description *description = context;
    const struct style *style = &description->session->out;
    enum tone tone = style_key_tone(key->state);
    char text[MOMENT_SIZE];
    if (description->session->json) {
        description->object = jsontext_key(key);
        return 0;
    }
    table_fact(stdout, style, "API key", "%s%s%s", style_start(style, TONE_BOLD), key->key_id,
               style_end(style, TONE_BOLD));
    table_fact(stdout, style, "state", "%s%s%s", style_start(style, tone), sealring_key_state_name(key->state),
               style_end(style, tone));
    table_fact(stdout, style, "ring", "%s", key->ring);
    table_fact(stdout, style, "client", "%s", key->client);
    table_fact(stdout, style, "label", "%s", key->label);
    table_fact(stdout, style, "scopes", "%s", key->scopes[0] != '\0' ? key->scopes : "none");
    if (key->narrowed != NULL)
        table_fact(stdout, style, "narrowed to", "%s", key->narrowed[0] != '\0' ? key->narrowed : "none");
    moment_format(key->expires, description->session->now, text);
    table_fact(stdout, style, "expires", "%s", key->expires != 0 ? text : "never");
    moment_format(key->created, description->session->now, text);
    table_fact(stdout, style, "created", "%s", text);
    return 0;
}

static int describe_credential(const sealring_credential_info *credential, void *context)
{
    struct key_description *description = context;
    struct table *table = &description->table;
    int64_t now = description->session->now;
    char text[MOMENT_SIZE];
    if (description->session->json)
        return json_array_append_new(description->array, jsontext_credential(credential));
    table_add(table, TONE_PLAIN, "%" PRIu32, credential->serial);
    table_add(table, style_version_tone(credential->version_state), "%" PRIu32 " (%s)", credential->version,
              sealring_version_state_name(credential->version_state));
    table_add(table, credential->state == SEALRING_CREDENTIAL_CURRENT ? TONE_GOOD : TONE_DIM, "%s%s",
              sealring_credential_state_name(credential->state),
              credential->replaced   ? " and ends"
              : credential->imported ? ", imported"
                                     : "");
    moment_format(credential->issued, now, text);
    table_add(table, TONE_PLAIN, "%s", text);
    moment_format(credential->expires, now, text);
    table_add(table, TONE_PLAIN, "%s", credential->expires != 0 ? text : "never");
    moment_format(credential->retire_at, now, text);
    table_add(table, TONE_PLAIN, "%s", credential->retire_at != 0 ? text : "");
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
    struct key_description description = {.session = session, .array = session->json ? json_array() : NULL};
    sealring_key_filter filter = {.key_id = key_id};
    table_start(&description.table, columns);
    sealring_status status = sealring_key_list(session->manager, &filter, describe_key, &description, &session->error);
    if (status == SEALRING_OK)
        status = sealring_credential_list(session->manager, key_id, describe_credential, &description, &session->error);
    if (status == SEALRING_OK && session->json) {
        json_object_set(description.object, "credential_list", description.array);
        jsontext_print_as("key", json_incref(description.object));
    } else if (status == SEALRING_OK) {
        putchar('\n');
        table_finish(&description.table, stdout, &session->out, "");
    }
    json_decref(description.object);
    json_decref(description.array);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
}

/* The API key as JSON, or one sentence; then, after a restriction, waits until that is effective. */
static int finish(struct session *session, sealring_status status, const char *sentence, bool takes_effect)
{
    const char *key_id = session->options.arguments[0];
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (!session->json)
        terminal_print(stdout, &session->out,
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

static int run_set(struct session *session)
{
    const struct options *given = &session->options;
    const char *key_id = given->arguments[0];
    const char *label = option_text(given, "label");
    bool narrow = option_given(given, "scope") || option_given(given, "no-scopes");
    if (!narrow && label == NULL)
        return session_refuse(session, STATUS_USAGE, "key set wants --scope, --no-scopes or --label");
    if (narrow && label != NULL)
        return session_refuse(session, STATUS_USAGE,
                              "scopes and label are changed one after the other: give one of them");
    int result = session_open(session);
    if (result != STATUS_DONE)
        return result;
    if (!narrow)
        return finish(session, sealring_key_set_label(session->manager, key_id, label, &session->error),
                      session->dry_run ? "would have its new label" : "has its new label", false);
    char *scopes = option_joined(given, "scope");
    sealring_status status =
        sealring_key_narrow(session->manager, key_id, scopes != NULL ? scopes : "", &session->error);
    free(scopes);
    return finish(session, status, "is narrowed: all its credentials have these scopes at most; committed", true);
}

const struct command command_key_list = {
    .words = "key list",
    .group = "API keys",
    .purpose = "list API keys",
    .options = {{"ring", "RING", "only those of this ring", OPTION_TEXT},
                {"client", "NAME", "only those of this client", OPTION_TEXT}},
    .run = run_list,
    .flags = COMMAND_OPENS,
};

const struct command command_key_show = {
    .words = "key show",
    .group = "API keys",
    .purpose = "show an API key and its credentials",
    .arguments = {{KEY_ID_ARGUMENT}},
    .run = show_key,
    .flags = COMMAND_OPENS,
};

const struct command command_key_set = {
    .words = "key set",
    .group = "API keys",
    .purpose = "narrow an API key's scopes, or change its label",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{"scope", "SCOPE", "narrow it to these scopes at once; may be repeated", OPTION_LIST},
                {"no-scopes", NULL, "narrow it to no scope at all", OPTION_FLAG},
                {"label", "LABEL", "give it another label", OPTION_TEXT},
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes =
        "The narrower scopes apply at once to all credentials of the key. To widen its scopes use sealring key rekey.",
    .run = run_set,
    .flags = COMMAND_CHANGES,
};

const struct command command_key_suspend = {
    .words = "key suspend",
    .group = "API keys",
    .purpose = "reject an API key's credentials until it is resumed",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{REASON_OPTION}, {WAIT_OPTION}, {NO_WAIT_OPTION}},
    .run = run_state,
    .flags = COMMAND_CHANGES | COMMAND_OPENS,
    .detail = SEALRING_KEY_SUSPENDED,
};

const struct command command_key_resume = {
    .words = "key resume",
    .group = "API keys",
    .purpose = "accept a suspended API key's credentials again",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{REASON_OPTION}},
    .run = run_state,
    .flags = COMMAND_CHANGES | COMMAND_OPENS,
    .detail = SEALRING_KEY_ACTIVE,
};

const struct command command_revoke = {
    .words = "revoke",
    .group = "API keys",
    .purpose = "reject an API key's credentials for ever",
    .arguments = {{KEY_ID_ARGUMENT}},
    .options = {{REASON_OPTION}, {WAIT_OPTION}, {NO_WAIT_OPTION}},
    .notes =
        "After *effective*, no verifier accepts the key's credentials any more. A verifier applies the change at its "
        "next poll of the registry (200 ms). A verifier that cannot poll stops serving when its lease expires (60 s, "
        "unless the vault has another value).",
    .run = run_state,
    .flags = COMMAND_CHANGES | COMMAND_OPENS,
    .detail = SEALRING_KEY_REVOKED,
};
