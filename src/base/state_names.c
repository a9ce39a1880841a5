/* SPDX-License-Identifier: Apache-2.0 */
/* Names of verdicts and states, and what a server answers. */
#include <sealring/doctor.h>
#include <sealring/manage.h>
#include <sealring/verify.h>

#include <config.h>
#include <stddef.h>

/* A table looked up by value: names last, so that scripts can rely on them. */
struct name {
    int value;
    const char *text;
};

static const char *find(const struct name *names, size_t count, int value, const char *otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].value == value)
            return names[i].text;
    return otherwise;
}

#define FIND(names, value, otherwise) find(names, sizeof(names) / sizeof(names)[0], (int)(value), otherwise)

int sealring_verdict_accepted(sealring_verdict verdict)
{
    return verdict == SEALRING_ACCEPTED;
}

const char *sealring_verdict_name(sealring_verdict verdict)
{
    static const struct name names[] = {
        {SEALRING_ACCEPTED, "accepted"},
        {SEALRING_REJECTED_MALFORMED, "malformed"},
        {SEALRING_REJECTED_UNKNOWN, "unknown"},
        {SEALRING_REJECTED_BAD_SECRET, "bad-secret"},
        {SEALRING_REJECTED_NOT_YET_VALID, "not-yet-valid"},
        {SEALRING_REJECTED_EXPIRED, "expired"},
        {SEALRING_REJECTED_SUSPENDED, "suspended"},
        {SEALRING_REJECTED_REVOKED, "revoked"},
        {SEALRING_REJECTED_VERSION_RETIRED, "version-retired"},
        {SEALRING_REJECTED_VERSION_COMPROMISED, "version-compromised"},
        {SEALRING_REJECTED_SCOPE, "scope"},
        {SEALRING_UNAVAILABLE, "unavailable"},
    };
    return FIND(names, verdict, "undecided");
}

int sealring_verdict_http_status(sealring_verdict verdict)
{
    switch (verdict) {
    case SEALRING_ACCEPTED:
        return 200;
    case SEALRING_REJECTED_SCOPE:
        return 403;
    case SEALRING_UNAVAILABLE:
        return 503;
    default:
        return 401;
    }
}

const char *sealring_version_state_name(sealring_version_state state)
{
    static const struct name names[] = {
        {SEALRING_VERSION_PENDING, "pending"},         {SEALRING_VERSION_ACTIVE, "active"},
        {SEALRING_VERSION_RETIRING, "retiring"},       {SEALRING_VERSION_RETIRED, "retired"},
        {SEALRING_VERSION_COMPROMISED, "compromised"}, {SEALRING_VERSION_DESTROYED, "destroyed"},
    };
    return FIND(names, state, "none");
}

const char *sealring_event_name(sealring_event event)
{
    static const struct name names[] = {
        {SEALRING_EVENT_PREPARE, "prepare"},       {SEALRING_EVENT_ACTIVATE, "activate"},
        {SEALRING_EVENT_ROTATE, "rotate"},         {SEALRING_EVENT_ROLLBACK, "rollback"},
        {SEALRING_EVENT_RETIRE, "retire"},         {SEALRING_EVENT_REINSTATE, "reinstate"},
        {SEALRING_EVENT_COMPROMISE, "compromise"}, {SEALRING_EVENT_DESTROY, "destroy"},
    };
    return FIND(names, event, "none");
}

const char *sealring_verifier_state_name(sealring_verifier_state state)
{
    static const struct name names[] = {
        {SEALRING_VERIFIER_JOINING, "joining"},     {SEALRING_VERIFIER_SERVING, "serving"},
        {SEALRING_VERIFIER_SILENT, "silent"},       {SEALRING_VERIFIER_LEFT, "left"},
        {SEALRING_VERIFIER_DEAD, "dead"},           {SEALRING_VERIFIER_LOST, "lost"},
        {SEALRING_VERIFIER_FORGOTTEN, "forgotten"},
    };
    return FIND(names, state, "none");
}

const char *sealring_plan_state_name(sealring_plan_state state)
{
    static const struct name names[] = {
        {SEALRING_PLAN_AHEAD, "ahead"},         {SEALRING_PLAN_READY, "ready"},   {SEALRING_PLAN_WAITING, "waiting"},
        {SEALRING_PLAN_FORBIDDEN, "forbidden"}, {SEALRING_PLAN_HELD, "held"},     {SEALRING_PLAN_DONE, "done"},
        {SEALRING_PLAN_FAILED, "failed"},       {SEALRING_PLAN_NOTICE, "notice"},
    };
    return FIND(names, state, "none");
}

const char *sealring_key_state_name(sealring_key_state state)
{
    static const struct name names[] = {
        {SEALRING_KEY_ACTIVE, "active"},
        {SEALRING_KEY_SUSPENDED, "suspended"},
        {SEALRING_KEY_REVOKED, "revoked"},
    };
    return FIND(names, state, "none");
}

const char *sealring_credential_state_name(sealring_credential_state state)
{
    static const struct name names[] = {
        {SEALRING_CREDENTIAL_CURRENT, "current"},
        {SEALRING_CREDENTIAL_SUPERSEDED, "superseded"},
    };
    return FIND(names, state, "none");
}

const char *sealring_severity_name(sealring_severity severity)
{
    static const struct name names[] = {
        {SEALRING_SEVERITY_NOTICE, "notice"},
        {SEALRING_SEVERITY_WARNING, "warning"},
        {SEALRING_SEVERITY_ALARM, "alarm"},
    };
    return FIND(names, severity, "none");
}

const char *sealring_library_version(void)
{
    return PACKAGE_VERSION;
}
