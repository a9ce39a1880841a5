/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the library for a verdict, and telling it. */
#include "tools/sealring/views/verdict.h"

#include "tools/sealring/pins.h"
#include "tools/sealring/terminal/jsontext.h"

static int ignore_key(const sealring_key_info *key, void *context)
{
    (void)key;
    (void)context;
    return 0;
}

/* No verdict: whose fault is it? If the registry can still be read where the credential's rows are, the token's. */
static int unavailable_status(struct session *session, const struct input *input)
{
    sealring_explanation text;
    sealring_explain(input->text, input->length, &text);
    sealring_key_filter filter = {.key_id = text.key_id};
    sealring_status status = session_connect(session, true);
    if (status == SEALRING_OK)
        status = sealring_key_list(session->manager, &filter, ignore_key, NULL, NULL);
    return status == SEALRING_OK ? STATUS_TOKEN : STATUS_REGISTRY;
}

sealring_status judge_quietly(struct session *session, const struct input *input, const sealring_request *beside,
                              sealring_verdict *verdict, sealring_grant *grant)
{
    sealring_vault *vault = NULL;
    sealring_request request = {.credential = NULL};
    if (beside != NULL)
        request = *beside;
    request.size = sizeof request;
    request.credential = input->text;
    request.length = input->length;
    sealring_status status =
        sealring_open_with_pin(session->vault, NULL, pins_source(session), pins_ask, session, &vault, &session->error);
    if (status == SEALRING_OK)
        *verdict = sealring_verify_request(vault, &request, grant);
    sealring_close(&vault);
    return status;
}

int judge(struct session *session, const struct input *input, const sealring_request *beside, sealring_verdict *verdict,
          sealring_grant *grant)
{
    int result = session_environment(session);
    if (result != STATUS_DONE)
        return result;
    sealring_status status = judge_quietly(session, input, beside, verdict, grant);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (*verdict == SEALRING_UNAVAILABLE)
        return unavailable_status(session, input);
    return sealring_verdict_accepted(*verdict) ? STATUS_DONE : STATUS_REFUSED;
}

enum tone judge_tone(sealring_verdict verdict)
{
    if (verdict == SEALRING_UNAVAILABLE)
        return TONE_WARN;
    return sealring_verdict_accepted(verdict) ? TONE_GOOD : TONE_BAD;
}

json_t *judge_json(sealring_verdict verdict, const sealring_grant *grant)
{
    bool known = grant->key_id[0] != '\0';
    json_t *object = json_pack("{s:s, s:b, s:i, s:s}", "verdict", sealring_verdict_name(verdict), "accepted",
                               sealring_verdict_accepted(verdict), "http_status", sealring_verdict_http_status(verdict),
                               "reason", grant->reason);
    json_t *bearer =
        !known
            ? json_null()
            : json_pack("{s:s, s:s, s:s, s:o, s:I, s:s, s:I, s:o, s:o, s:o}", "key_id", grant->key_id, "ring",
                        grant->ring, "client", grant->client, "scopes", jsontext_scopes(grant->scopes), "version",
                        (json_int_t)grant->version, "version_state", sealring_version_state_name(grant->version_state),
                        "serial", (json_int_t)grant->serial, "not_before", jsontext_time(grant->not_before), "expires",
                        jsontext_time(grant->expires), "sunset", jsontext_time(grant->sunset));
    json_object_set_new(object, "credential", bearer);
    return object;
}
