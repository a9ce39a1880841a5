/* SPDX-License-Identifier: Apache-2.0 */
/* Judges an issued credential: states, times, narrowing, addresses, scopes. Pure. */
#include "verifier/request/judge.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/timetext.h"
#include "credential/scope.h"
#include "lifecycle/transition_table.h"

#define LATE_REASON   "the host's wall clock is late, so it is not known whether the credential has expired: see the log"
#define SUNSET_REASON "good until its sunset: move to the key's new credential"

/* The time until which this credential is accepted; 0 if no successor is due. */
static int64_t sunset_of(const struct bearer *bearer)
{
    int64_t sunset = bearer->version_state == SEALRING_VERSION_RETIRING ? bearer->version_retire_at : 0;
    if (bearer->replaced && (sunset == 0 || bearer->retire_at < sunset))
        sunset = bearer->retire_at;
    return sunset;
}

void judge_scopes(const struct registry_holder *holder, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1])
{
    if (holder->key.narrowed)
        scope_intersect(holder->credential.scopes, holder->key.narrowed_scopes, scopes);
    else
        memcpy(scopes, holder->credential.scopes, strlen(holder->credential.scopes) + 1);
}

/* Does not clear the whole structure: to clear 1.5 KB of strings would cost a tenth of a verification. */
static void describe(const struct bearer *bearer, sealring_grant *grant)
{
    memcpy(grant->key_id, bearer->key_id, SEALRING_KEY_ID_LENGTH);
    grant->key_id[SEALRING_KEY_ID_LENGTH] = '\0';
    memcpy(grant->ring, bearer->ring, strlen(bearer->ring) + 1);
    memcpy(grant->client, bearer->client, strlen(bearer->client) + 1);
    memcpy(grant->scopes, bearer->scopes, strlen(bearer->scopes) + 1);
    grant->version = bearer->version;
    grant->serial = bearer->serial;
    grant->version_state = bearer->version_state;
    grant->not_before = bearer->not_before;
    grant->expires = bearer->expires;
    grant->sunset = sunset_of(bearer);
    grant->reason[0] = '\0';
}

static const char no_key_id[SEALRING_KEY_ID_LENGTH];
static const struct bearer nobody = {.key_id = no_key_id, .ring = "", .client = "", .scopes = ""};

sealring_verdict judge_nothing(sealring_grant *grant, sealring_verdict verdict, const char *reason)
{
    if (grant != NULL) {
        describe(&nobody, grant);
        snprintf(grant->reason, sizeof grant->reason, "%.255s", reason);
    }
    return verdict;
}

static sealring_verdict version_verdict(const struct bearer *bearer)
{
    if (lifecycle_accepts(bearer->version_state))
        return SEALRING_ACCEPTED;
    return bearer->was_compromised || bearer->version_state == SEALRING_VERSION_COMPROMISED
               ? SEALRING_REJECTED_VERSION_COMPROMISED
               : SEALRING_REJECTED_VERSION_RETIRED;
}

/* The questions that cannot be answered while the clock is late. */
static bool is_unknown(const struct bearer *bearer, int64_t wall_ms)
{
    return bearer->replaced || bearer->expires != 0 || bearer->not_before > wall_ms;
}

static bool comes_from_outside(const struct bearer *bearer, const struct demand *demand)
{
    return bearer->networks != NULL &&
           !networks_contain(bearer->networks, bearer->network_count, demand->address, demand->address_length);
}

static sealring_verdict verdict_of(const struct bearer *bearer, const struct demand *demand, struct judge_time now,
                                   const char **missing, size_t *missing_length)
{
    if (bearer->revoked)
        return SEALRING_REJECTED_REVOKED;
    sealring_verdict verdict = version_verdict(bearer);
    if (verdict != SEALRING_ACCEPTED)
        return verdict;
    if (now.late && !bearer->suspended && is_unknown(bearer, now.wall_ms))
        return SEALRING_UNAVAILABLE;
    if (bearer->replaced && now.wall_ms >= bearer->retire_at)
        return SEALRING_REJECTED_REVOKED;
    if (bearer->suspended)
        return SEALRING_REJECTED_SUSPENDED;
    if (bearer->not_before != 0 && now.wall_ms < bearer->not_before)
        return SEALRING_REJECTED_NOT_YET_VALID;
    if (bearer->expires != 0 && now.wall_ms >= bearer->expires)
        return SEALRING_REJECTED_EXPIRED;
    if (demand == NULL)
        return SEALRING_ACCEPTED;
    if (comes_from_outside(bearer, demand))
        return SEALRING_REJECTED_ADDRESS;
    return scope_includes(bearer->scopes, demand->scope, missing, missing_length) ? SEALRING_ACCEPTED
                                                                                  : SEALRING_REJECTED_SCOPE;
}

static void explain_address(const struct demand *demand, char reason[256])
{
    char text[INET6_ADDRSTRLEN] = "";
    if (demand->address != NULL && (demand->address_length == 4 || demand->address_length == 16))
        inet_ntop(demand->address_length == 4 ? AF_INET : AF_INET6, demand->address, text, sizeof text);
    if (text[0] == '\0')
        snprintf(reason, 256, "the API key is bound to networks, and the request's address is not known");
    else
        snprintf(reason, 256, "the address %s is in none of the networks that the API key is bound to", text);
}

/* One line for a server's log. The reason contains the time if there is one. */
static void explain(const struct bearer *bearer, sealring_verdict verdict, const char *missing, size_t missing_length,
                    char reason[256])
{
    char time[TIMETEXT_SIZE];
    switch (verdict) {
    case SEALRING_ACCEPTED:
        memcpy(reason, "good", sizeof "good");
        return;
    case SEALRING_REJECTED_REVOKED:
        if (bearer->revoked) {
            snprintf(reason, 256, "the API key is revoked");
            return;
        }
        timetext_format(bearer->retire_at, time);
        snprintf(reason, 256, "the credential was replaced by another one and ended at %s", time);
        return;
    case SEALRING_REJECTED_VERSION_COMPROMISED:
    case SEALRING_REJECTED_VERSION_RETIRED:
        timetext_format(bearer->version_closed, time);
        snprintf(reason, 256, "version %u of ring %s was %s at %s", bearer->version, bearer->ring,
                 verdict == SEALRING_REJECTED_VERSION_COMPROMISED ? "declared compromised" : "retired", time);
        return;
    case SEALRING_REJECTED_SUSPENDED:
        snprintf(reason, 256, "the API key is suspended");
        return;
    case SEALRING_REJECTED_NOT_YET_VALID:
        timetext_format(bearer->not_before, time);
        snprintf(reason, 256, "the credential is not valid before %s", time);
        return;
    case SEALRING_REJECTED_EXPIRED:
        timetext_format(bearer->expires, time);
        snprintf(reason, 256, "the credential expired at %s", time);
        return;
    default:
        snprintf(reason, 256, "the scope %.*s is not among the credential's",
                 (int)(missing_length < 100 ? missing_length : 100), missing == NULL ? "" : missing);
        return;
    }
}

sealring_verdict judge_bearer(const struct bearer *bearer, const struct demand *demand, struct judge_time now,
                              sealring_grant *grant)
{
    const char *missing = NULL;
    size_t missing_length = 0;
    sealring_verdict verdict = verdict_of(bearer, demand, now, &missing, &missing_length);
    if (grant == NULL)
        return verdict;
    if (verdict == SEALRING_UNAVAILABLE)
        return judge_nothing(grant, verdict, LATE_REASON);
    describe(bearer, grant);
    if (verdict == SEALRING_ACCEPTED && grant->sunset != 0)
        /* the grant contains the time; to format it here would cost more than the verification */
        memcpy(grant->reason, SUNSET_REASON, sizeof SUNSET_REASON);
    else if (verdict == SEALRING_REJECTED_ADDRESS)
        explain_address(demand, grant->reason);
    else
        explain(bearer, verdict, missing, missing_length, grant->reason);
    return verdict;
}
