/* SPDX-License-Identifier: Apache-2.0 */
/* Names of verdicts and version states, and the HTTP response for each verdict. */
#include <sealring/verify.h>

#include <config.h>

#include "base/name_table.h"

int sealring_verdict_accepted(sealring_verdict verdict)
{
    return verdict == SEALRING_ACCEPTED;
}

const char *sealring_verdict_name(sealring_verdict verdict)
{
    static const struct value_name names[] = {
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
        {SEALRING_REJECTED_ADDRESS, "address"},
        {SEALRING_UNAVAILABLE, "unavailable"},
        {SEALRING_WOULD_BLOCK, "would-block"},
    };
    return FIND(names, verdict, "undecided");
}

int sealring_verdict_http_status(sealring_verdict verdict)
{
    switch (verdict) {
    case SEALRING_ACCEPTED:
        return 200;
    case SEALRING_REJECTED_SCOPE:
    case SEALRING_REJECTED_ADDRESS:
        return 403;
    case SEALRING_UNAVAILABLE:
    case SEALRING_WOULD_BLOCK:
        return 503;
    default:
        return 401;
    }
}

const char *sealring_version_state_name(sealring_version_state state)
{
    static const struct value_name names[] = {
        {SEALRING_VERSION_PENDING, "pending"},         {SEALRING_VERSION_ACTIVE, "active"},
        {SEALRING_VERSION_RETIRING, "retiring"},       {SEALRING_VERSION_RETIRED, "retired"},
        {SEALRING_VERSION_COMPROMISED, "compromised"}, {SEALRING_VERSION_DESTROYED, "destroyed"},
    };
    return FIND(names, state, "none");
}

const char *sealring_library_version(void)
{
    return PACKAGE_VERSION;
}
