/* SPDX-License-Identifier: Apache-2.0 */
/* sealring doctor: what is wrong with the vault, why it matters, what repairs it; --repair repairs what it can. */

#include <sealring/doctor.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/pins.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/terminal.h"

struct doctor_report {
    struct session *session;
    json_t *array;
    bool begun;
};

static enum tone tone_of(const sealring_finding *finding)
{
    if (finding->repaired)
        return TONE_GOOD;
    return finding->severity == SEALRING_SEVERITY_ALARM     ? TONE_BAD
           : finding->severity == SEALRING_SEVERITY_WARNING ? TONE_WARN
                                                            : TONE_INFO;
}

static void print_finding(struct doctor_report *telling, const sealring_finding *finding)
{
    const struct style *style = &telling->session->out;
    const char *state = finding->repaired ? "repaired" : sealring_severity_name(finding->severity);
    if (telling->begun)
        putchar('\n');
    telling->begun = true;
    terminal_print(style, "%c%-8s" PLAIN "  " BOLD "%s" PLAIN "  %s\n", tone_of(finding), state, finding->code,
                   finding->object);
    terminal_print(style, "  what  %s\n  why   %s\n", finding->what, finding->why);
    if (finding->repaired)
        return;
    if (finding->mend[0] != '\0')
        terminal_print(style, "  fix   %s%s\n", finding->mend, finding->repairable ? "  (--repair does it)" : "");
    if (finding->failure[0] != '\0')
        terminal_print(style, "  " BAD "not repaired" PLAIN ": %s\n", finding->failure);
}

static int tell(const sealring_finding *finding, void *context)
{
    struct doctor_report *telling = context;
    if (!telling->session->json) {
        print_finding(telling, finding);
        return 0;
    }
    const char *failure = finding->failure[0] != '\0' ? finding->failure : NULL;
    return json_array_append_new(
        telling->array,
        json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:b, s:b, s:o}", "code", finding->code, "severity",
                  sealring_severity_name(finding->severity), "object", jsontext_text(finding->object), "what",
                  jsontext_text(finding->what), "why", finding->why, "mend", jsontext_text(finding->mend), "repairable",
                  (int)finding->repairable, "repaired", (int)finding->repaired, "failure", jsontext_text(failure)));
}

static void print_json(struct doctor_report *telling, const sealring_doctor_result *result, sealring_status status)
{
    const char *missing = status != SEALRING_OK ? telling->session->error.message : NULL;
    jsontext_print_as(
        "doctor", json_pack("{s:o, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:s?}", "findings", telling->array, "found",
                            (json_int_t)result->found, "repaired", (json_int_t)result->repaired, "remaining",
                            (json_int_t)result->remaining, "notices", (json_int_t)result->notices, "registry_examined",
                            (int)result->registry_examined, "token_examined", (int)result->token_examined,
                            "audit_token_examined", (int)result->audit_token_examined, "not_examined", missing));
}

static void print_result(struct doctor_report *telling, const sealring_doctor_result *result, sealring_status status)
{
    if (result->found == 0 && status == SEALRING_OK) {
        session_say(telling->session, "nothing is wrong");
        return;
    }
    if (result->found == 0)
        return;
    terminal_print(&telling->session->out, "\n%u found, %u repaired, %c%u remain%s" PLAIN "\n", result->found,
                   result->repaired, result->remaining > 0 ? TONE_BAD : TONE_GOOD, result->remaining,
                   result->remaining == 1 ? "s" : "");
}

static int run(struct session *session)
{
    struct doctor_report telling = {.session = session};
    sealring_doctor_result result = {.size = sizeof result};
    sealring_doctor_options options = {
        .size = sizeof options,
        .repair = option_given(&session->options, "repair"),
        .stale_after = option_number(&session->options, "stale-after"),
        .pin_source = pins_source(session),
        .ask_pin = pins_ask,
        .ask_context = session,
        .lock_waits = session_tell_lock,
        .lock_context = session,
    };
    /* a configuration that cannot be read is a finding */
    (void)sealring_environment(session->vault, session_set_variable, NULL, NULL);
    telling.array = json_array();
    sealring_status status = sealring_doctor(session->vault, &options, tell, &telling, &result, &session->error);
    if (status == SEALRING_NOT_FOUND || status == SEALRING_SYSTEM || status == SEALRING_REFUSED) {
        json_decref(telling.array);
        return session_fail(session, status);
    }
    if (session->json) {
        print_json(&telling, &result, status);
        session->json = false; /* the rest is for standard error only */
    } else {
        print_result(&telling, &result, status);
        json_decref(telling.array);
    }
    if (status != SEALRING_OK)
        return session_fail(session, status);
    return result.remaining > 0 ? STATUS_REFUSED : STATUS_DONE;
}

const struct command command_doctor = {
    .words = "doctor",
    .purpose = "find and repair damage left by crashes, restores and manual edits",
    .options = {{"repair", NULL, "repair what needs no decision; each repair is recorded in the audit log",
                 OPTION_FLAG},
                {"stale-after", "DURATION",
                 "report files that no verifier has needed for this long are findings; default: 7d", OPTION_DURATION}},
    .notes =
        "Each finding has what was found, why it matters, and the command that repairs it. Without --repair nothing "
        "is changed. --repair never enables signing with a key, and never destroys an object that has a version's "
        "label. Exit status: 0 nothing is wrong, or everything was repaired; 1 some finding remains; 2 the "
        "configuration must not be used, and nothing was examined; 3 a PKCS#11 token could not be examined; 4 the "
        "registry could not be examined. Notices do not change the exit status.",
    .examples = {"sealring doctor", "sealring doctor --repair"},
    .run = run,
    .flags = COMMAND_TOKEN | COMMAND_OPENS_ITSELF,
};
