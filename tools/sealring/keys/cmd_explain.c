/* SPDX-License-Identifier: Apache-2.0 */
/* sealring explain: what the text of a credential contains, and why it is valid or not. */
#include <inttypes.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/input.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/table.h"
#include "tools/sealring/views/verdict.h"

static void print_text(const struct session *session, const sealring_explanation *text)
{
    const struct style *style = &session->out;
    bool parts = text->key_id[0] != '\0';
    if (text->prefix[0] != '\0')
        table_fact(style, "prefix", "%s", text->prefix);
    if (parts)
        table_fact(style, "key ID", "%s", text->key_id);
    if (text->version != 0)
        table_fact(style, "version", "%" PRIu32, text->version);
    if (text->well_formed || parts)
        table_fact(style, "secret", "not shown");
    if (text->well_formed || parts)
        table_fact(style, "check digits", "%s",
                   text->check_digits_match ? "match: no typo" : "do not match: mistyped or cut off");
    if (!text->well_formed)
        table_fact(style, "problem", BAD "%s" PLAIN, text->problem);
}

static json_t *text_json(const sealring_explanation *text)
{
    return json_pack("{s:b, s:s, s:s, s:I, s:b, s:s}", "well_formed", (int)text->well_formed, "prefix", text->prefix,
                     "key_id", text->key_id, "version", (json_int_t)text->version, "check_digits_match",
                     (int)text->check_digits_match, "problem", text->problem);
}

static void print_verdict(const struct session *session, sealring_verdict verdict, const sealring_grant *grant)
{
    const struct style *style = &session->out;
    bool accepted = sealring_verdict_accepted(verdict) != 0;
    table_fact(style, "verdict", "%c%s" PLAIN "%s%s", judge_tone(verdict), sealring_verdict_name(verdict),
               accepted ? "" : ": ", accepted ? "" : grant->reason);
    if (grant->key_id[0] == '\0')
        return;
    table_fact(style, "client", "%s", grant->client);
    table_fact(style, "ring", "%s, version %" PRIu32 " is %s", grant->ring, grant->version,
               sealring_version_state_name(grant->version_state));
    table_fact(style, "serial", "%" PRIu32, grant->serial);
    table_fact(style, "scopes", "%s", grant->scopes[0] != '\0' ? grant->scopes : "none");
    if (grant->not_before != 0)
        table_fact(style, "not before", "%s", moment_format(grant->not_before, session->now).text);
    table_fact(style, "expires", "%s",
               grant->expires != 0 ? moment_format(grant->expires, session->now).text : "never");
    if (grant->sunset != 0)
        table_fact(style, "change before", "%s", moment_format(grant->sunset, session->now).text);
}

/* A text that is no credential of sealring's may be an imported key; but explaining a text needs no vault. */
static bool is_imported(struct session *session, const struct input *input, sealring_verdict *verdict,
                        sealring_grant *grant)
{
    (void)sealring_environment(session->vault, session_set_variable, NULL, NULL);
    return judge_quietly(session, input, NULL, verdict, grant) == SEALRING_OK && grant->key_id[0] != '\0';
}

static int run(struct session *session)
{
    struct input input;
    sealring_explanation text;
    sealring_verdict verdict = SEALRING_UNDECIDED;
    sealring_grant grant = {.size = sizeof grant};
    int result = input_read(session, &input);
    if (result != STATUS_DONE)
        return result;
    sealring_explain(input.text, input.length, &text);
    bool imported = !text.well_formed && is_imported(session, &input, &verdict, &grant);
    if (imported && !session->json)
        table_fact(&session->out, "key", "%s", "imported: not made by sealring, known by its SHA-256");
    else if (!session->json)
        print_text(session, &text);
    result = sealring_verdict_accepted(verdict) ? STATUS_DONE : STATUS_REFUSED;
    if (text.well_formed)
        result = judge(session, &input, NULL, &verdict, &grant);
    else if (!imported)
        verdict = SEALRING_REJECTED_MALFORMED;
    input_wipe(&input);
    if (verdict == SEALRING_UNDECIDED)
        return result;
    if (session->json) {
        if (!text.well_formed && !imported)
            snprintf(grant.reason, sizeof grant.reason, "%s", text.problem);
        json_t *object = judge_json(verdict, &grant);
        json_object_set_new(object, "text", text_json(&text));
        jsontext_print(object);
    } else if (text.well_formed || imported) {
        print_verdict(session, verdict, &grant);
    }
    return result;
}

const struct command command_explain = {
    .words = "explain",
    .purpose = "print what a credential contains, and why it is valid or not",
    .notes = "The secret part is never printed. A text that is no credential is explained without a vault.",
    .run = run,
    .flags = COMMAND_TOKEN | COMMAND_READS_SECRET | COMMAND_OPENS_ITSELF,
};
