/* SPDX-License-Identifier: Apache-2.0 */
/* Notices at a poll that somebody altered the registry's schema. */
#include "verifier/fresh/watch_schema.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fork.h"

#define WATCH_SCHEMA_EVERY_MS \
    50 /* a comparison takes about 1 ms: under a stream of commits at most 2 % of a processor */

sealring_status watch_schema(struct verifier *verifier, int schema, sealring_error *error)
{
    int64_t now = clock_boot_ms();
    if (now < verifier->schema_due) /* the next poll compares, a refresh period later at most */
        return SEALRING_OK;
    verifier->schema_due = now + WATCH_SCHEMA_EVERY_MS;
    fork_guard_enter();
    sealring_status status = registry_look_schema(verifier->looker, error);
    fork_guard_leave();
    const char *altered = registry_altered(verifier->looker);
    if (status != SEALRING_OK || strcmp(altered, verifier->altered) == 0)
        return status;
    (void)snprintf(verifier->altered, sizeof verifier->altered, "%s", altered);
    if (altered[0] == '\0')
        messages_add(verifier->messages, SEALRING_LOG_WARNING, "the schema of the registry %s is sealring's again",
                     verifier->setup.registry);
    else if (schema > REGISTRY_SCHEMA)
        messages_add(
            verifier->messages, SEALRING_LOG_WARNING,
            "the registry %s has schema %d, which is newer than this program: it cannot determine whether somebody altered "
            "the schema; install the newer sealring",
            verifier->setup.registry, schema);
    else
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: somebody altered the schema of the registry %s: %s: nothing but restrictions is written until it is repaired: run "
            "`sealring doctor --repair`, and find out who did it",
            verifier->setup.registry, altered);
    return status;
}
