/* SPDX-License-Identifier: Apache-2.0 */
/* Judging an issued credential by its rows: states, times, narrowing, scopes. Pure. */
#include "verifier/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/timetext.h"
#include "credential/scope.h"
#include "lifecycle/table.h"

int64_t judge_sunset(const struct registry_holder *holder)
{
    int64_t sunset = 0;
    if (holder->version.state == SEALRING_VERSION_RETIRING)
        sunset = holder->version.retire_at;
    if (holder->credential.replaced && (sunset == 0 || holder->credential.retire_at < sunset))
        sunset = holder->credential.retire_at;
    return sunset;
}

void judge_scopes(const struct registry_holder *holder, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1])
{
    if (holder->key.narrowed)
        scope_intersect(holder->credential.scopes, holder->key.narrowed_scopes, scopes);
    else
        memcpy(scopes, holder->credential.scopes, strlen(holder->credential.scopes) + 1);
}

static void describe(const struct registry_holder *holder, sealring_grant *grant)
{
    memcpy(grant->key_id, holder->key.key_id, sizeof grant->key_id);
    memcpy(grant->ring, holder->ring.name, sizeof grant->ring);
    memcpy(grant->client, holder->client.name, sizeof grant->client);
    grant->version = holder->version.number;
    grant->serial = holder->credential.serial;
    grant->version_state = holder->version.state;
    grant->not_before = holder->credential.not_before;
    grant->expires = holder->credential.expires;
    grant->sunset = judge_sunset(holder);
    judge_scopes(holder, grant->scopes);
}

static sealring_verdict version_verdict(const struct registry_version *version)
{
    if (lifecycle_accepts(version->state))
        return SEALRING_ACCEPTED;
    return version->was_compromised || version->state == SEALRING_VERSION_COMPROMISED
               ? SEALRING_REJECTED_VERSION_COMPROMISED
               : SEALRING_REJECTED_VERSION_RETIRED;
}

/* What the states of key, version and credential say; the reason names the time where there is one. */
static sealring_verdict state_verdict(const struct registry_holder *holder, int64_t now, char reason[256])
{
    char time[TIMETEXT_SIZE];
    if (holder->key.state != SEALRING_KEY_ACTIVE && holder->key.state != SEALRING_KEY_SUSPENDED) {
        snprintf(reason, 256, "the API key is revoked");
        return SEALRING_REJECTED_REVOKED;
    }
    sealring_verdict verdict = version_verdict(&holder->version);
    if (verdict != SEALRING_ACCEPTED) {
        timetext_format(holder->version.closed, time);
        snprintf(reason, 256, "version %u of ring %s was %s at %s", holder->version.number, holder->ring.name,
                 verdict == SEALRING_REJECTED_VERSION_COMPROMISED ? "declared compromised" : "retired", time);
        return verdict;
    }
    if (holder->credential.replaced && now >= holder->credential.retire_at) {
        timetext_format(holder->credential.retire_at, time);
        snprintf(reason, 256, "the credential was replaced by another one and ended at %s", time);
        return SEALRING_REJECTED_REVOKED;
    }
    if (holder->key.state == SEALRING_KEY_SUSPENDED) {
        snprintf(reason, 256, "the API key is suspended");
        return SEALRING_REJECTED_SUSPENDED;
    }
    return SEALRING_ACCEPTED;
}

sealring_verdict judge_holder(const struct registry_holder *holder, const char *scope, int64_t now,
                              sealring_grant *grant)
{
    char time[TIMETEXT_SIZE];
    describe(holder, grant);
    sealring_verdict verdict = state_verdict(holder, now, grant->reason);
    if (verdict != SEALRING_ACCEPTED)
        return verdict;
    if (grant->not_before != 0 && now < grant->not_before) {
        timetext_format(grant->not_before, time);
        snprintf(grant->reason, sizeof grant->reason, "the credential is not valid before %s", time);
        return SEALRING_REJECTED_NOT_YET_VALID;
    }
    if (grant->expires != 0 && now >= grant->expires) {
        timetext_format(grant->expires, time);
        snprintf(grant->reason, sizeof grant->reason, "the credential expired at %s", time);
        return SEALRING_REJECTED_EXPIRED;
    }
    const char *missing = NULL;
    size_t missing_length = 0;
    if (!scope_includes(grant->scopes, scope, &missing, &missing_length)) {
        snprintf(grant->reason, sizeof grant->reason, "the scope %.*s is not among the credential's",
                 (int)(missing_length < 100 ? missing_length : 100), missing);
        return SEALRING_REJECTED_SCOPE;
    }
    if (grant->sunset != 0) {
        timetext_format(grant->sunset, time);
        snprintf(grant->reason, sizeof grant->reason, "good; move to the key's new credential before %s", time);
    } else {
        snprintf(grant->reason, sizeof grant->reason, "good");
    }
    return SEALRING_ACCEPTED;
}
