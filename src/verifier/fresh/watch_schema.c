/* SPDX-License-Identifier: Apache-2.0 */
/* Notices at a poll that somebody altered the registry's schema, or the key that it names for its checkpoints. */
#include "verifier/fresh/watch_schema.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fork.h"
#include "log/key_change.h"

#define WATCH_SCHEMA_EVERY_MS \
    50 /* a comparison takes about 1 ms: under a stream of commits at most 2 % of a processor */

/* The configured key counts, whatever the registry names. A registry that cannot be read is noticed by what needs it. */
static sealring_status watch_audit_key(struct verifier *verifier)
{
    bool agrees = true;
    sealring_error ignored;
    sealring_status status;
    if (registry_trusted_key(verifier->looker) == NULL)
        return SEALRING_OK;
    struct registry_transaction reading = registry_reading(verifier->looker, &ignored);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = audit_keys_agree(verifier->looker, &agrees, &ignored);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    bool differs = status == SEALRING_OK && !agrees;
    if (differs && !verifier->audit_key_differs)
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the registry %s names another key for its checkpoints than sealring.conf, whose key counts: "
            "somebody altered the registry: run `sealring doctor --repair`, and find out who did it",
            verifier->setup.registry);
    verifier->audit_key_differs = differs;
    return status;
}

sealring_status watch_schema(struct verifier *verifier, int schema, sealring_error *error)
{
    int64_t now = clock_boot_ms();
    if (verifier->watched == verifier->commits || now < verifier->schema_due) /* the next poll compares */
        return SEALRING_OK;
    verifier->schema_due = now + WATCH_SCHEMA_EVERY_MS;
    bool watched = watch_audit_key(verifier) == SEALRING_OK;
    fork_guard_enter();
    sealring_status status = registry_look_schema(verifier->looker, error);
    fork_guard_leave();
    if (watched && status == SEALRING_OK)
        verifier->watched = verifier->commits;
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
