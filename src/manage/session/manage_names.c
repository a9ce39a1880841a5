/* SPDX-License-Identifier: Apache-2.0 */
/* Names of events and states, as <sealring/manage.h> and <sealring/doctor.h> have them. */
#include <sealring/doctor.h>
#include <sealring/manage.h>
#include <sealring/notices.h>
#include <sealring/leaks.h>
#include <sealring/renew.h>

#include "base/name_table.h"

const char *sealring_event_name(sealring_event event)
{
    static const struct value_name names[] = {
        {SEALRING_EVENT_PREPARE, "prepare"},       {SEALRING_EVENT_ACTIVATE, "activate"},
        {SEALRING_EVENT_ROTATE, "rotate"},         {SEALRING_EVENT_ROLLBACK, "rollback"},
        {SEALRING_EVENT_RETIRE, "retire"},         {SEALRING_EVENT_REINSTATE, "reinstate"},
        {SEALRING_EVENT_COMPROMISE, "compromise"}, {SEALRING_EVENT_DESTROY, "destroy"},
    };
    return FIND(names, event, "none");
}

const char *sealring_notice_event_name(sealring_notice_event event)
{
    static const struct value_name names[] = {
        {SEALRING_NOTICE_SUCCESSOR, "successor-available"},
        {SEALRING_NOTICE_CLOSING, "window-closing"},
        {SEALRING_NOTICE_OLD, "still-on-old-version"},
        {SEALRING_NOTICE_EXPIRING, "expiring"},
        {SEALRING_NOTICE_EXPIRED, "expired"},
        {SEALRING_NOTICE_REVOKED, "revoked"},
        {SEALRING_NOTICE_ROLLED_BACK, "rolled-back"},
        {SEALRING_NOTICE_CONTESTED, "contested"},
        {SEALRING_NOTICE_EMERGENCY, "emergency"},
    };
    return FIND(names, event, "none");
}

const char *sealring_verifier_state_name(sealring_verifier_state state)
{
    static const struct value_name names[] = {
        {SEALRING_VERIFIER_JOINING, "joining"},     {SEALRING_VERIFIER_SERVING, "serving"},
        {SEALRING_VERIFIER_SILENT, "silent"},       {SEALRING_VERIFIER_LEFT, "left"},
        {SEALRING_VERIFIER_DEAD, "dead"},           {SEALRING_VERIFIER_LOST, "lost"},
        {SEALRING_VERIFIER_FORGOTTEN, "forgotten"},
    };
    return FIND(names, state, "none");
}

const char *sealring_plan_state_name(sealring_plan_state state)
{
    static const struct value_name names[] = {
        {SEALRING_PLAN_AHEAD, "ahead"},         {SEALRING_PLAN_READY, "ready"},   {SEALRING_PLAN_WAITING, "waiting"},
        {SEALRING_PLAN_FORBIDDEN, "forbidden"}, {SEALRING_PLAN_HELD, "held"},     {SEALRING_PLAN_DONE, "done"},
        {SEALRING_PLAN_FAILED, "failed"},       {SEALRING_PLAN_NOTICE, "notice"},
    };
    return FIND(names, state, "none");
}

const char *sealring_key_state_name(sealring_key_state state)
{
    static const struct value_name names[] = {
        {SEALRING_KEY_ACTIVE, "active"},
        {SEALRING_KEY_SUSPENDED, "suspended"},
        {SEALRING_KEY_REVOKED, "revoked"},
    };
    return FIND(names, state, "none");
}

const char *sealring_credential_state_name(sealring_credential_state state)
{
    static const struct value_name names[] = {
        {SEALRING_CREDENTIAL_CURRENT, "current"},
        {SEALRING_CREDENTIAL_SUPERSEDED, "superseded"},
    };
    return FIND(names, state, "none");
}

const char *sealring_renew_mode_name(sealring_renew_mode mode)
{
    static const struct value_name names[] = {
        {SEALRING_RENEW_OFF, "off"},
        {SEALRING_RENEW_BEARER, "bearer"},
        {SEALRING_RENEW_SEALED, "sealed"},
    };
    return FIND(names, mode, "none");
}

const char *sealring_deliver_mode_name(sealring_deliver_mode mode)
{
    static const struct value_name names[] = {
        {SEALRING_DELIVER_NONE, "none"},
        {SEALRING_DELIVER_NOTIFY, "notify"},
        {SEALRING_DELIVER_SEALED, "sealed"},
        {SEALRING_DELIVER_HOOK, "hook"},
    };
    return FIND(names, mode, "none");
}

const char *sealring_leaks_mode_name(sealring_leaks_mode mode)
{
    static const struct value_name names[] = {
        {SEALRING_LEAKS_ALARM, "alarm"},
        {SEALRING_LEAKS_SUSPEND, "suspend"},
        {SEALRING_LEAKS_REKEY, "rekey"},
    };
    return FIND(names, mode, "none");
}

const char *sealring_leak_result_name(sealring_leak_result result)
{
    static const struct value_name names[] = {
        {SEALRING_LEAK_UNAVAILABLE, "unavailable"},
        {SEALRING_LEAK_UNKNOWN, "unknown"},
        {SEALRING_LEAK_ENDED, "ended"},
        {SEALRING_LEAK_KNOWN, "known"},
        {SEALRING_LEAK_FOUND, "found"},
        {SEALRING_LEAK_ALARMED, "alarmed"},
        {SEALRING_LEAK_SUSPENDED, "suspended"},
        {SEALRING_LEAK_REKEYED, "rekeyed"},
    };
    return FIND(names, result, "none");
}

const char *sealring_holders_name(sealring_holders holders)
{
    static const struct value_name names[] = {{SEALRING_HOLDERS_MANY, "many"}, {SEALRING_HOLDERS_ONE, "one"}};
    return FIND(names, holders, "none");
}

const char *sealring_renewal_result_name(sealring_renewal_result result)
{
    static const struct value_name names[] = {
        {SEALRING_RENEWAL_UNAVAILABLE, "unavailable"},
        {SEALRING_RENEWAL_ISSUED, "issued"},
        {SEALRING_RENEWAL_AGAIN, "again"},
        {SEALRING_RENEWAL_CURRENT, "current"},
        {SEALRING_RENEWAL_REJECTED, "rejected"},
        {SEALRING_RENEWAL_ADDRESS, "address"},
        {SEALRING_RENEWAL_OFF, "renewal-off"},
        {SEALRING_RENEWAL_AGE, "renewal-age"},
        {SEALRING_RENEWAL_CONTESTED, "contested"},
        {SEALRING_RENEWAL_LIMITED, "limited"},
    };
    return FIND(names, result, "none");
}

const char *sealring_severity_name(sealring_severity severity)
{
    static const struct value_name names[] = {
        {SEALRING_SEVERITY_NOTICE, "notice"},
        {SEALRING_SEVERITY_WARNING, "warning"},
        {SEALRING_SEVERITY_ALARM, "alarm"},
    };
    return FIND(names, severity, "none");
}
