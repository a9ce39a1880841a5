/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the registry contains a claim with this code: for servers that pass claims on. */
#include "verifier/request/claim_check.h"

#include "base/clock.h"
#include "base/fork.h"
#include "base/secret.h"
#include "registry/rows/closed_facts.h"

static sealring_status find_key(struct registry *registry, const char *key_id, struct registry_key *key, bool *found)
{
    sealring_status status;
    bool differs;
    struct registry_transaction reading = registry_reading(registry, NULL);
    do {
        if (registry_begin(&reading, &status))
            status = registry_key_find(registry, key_id, key, found, NULL);
        if (status == SEALRING_OK && *found)
            status = registry_key_follow(registry, key, &differs, NULL);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_verdict claim_check(struct verifier *verifier, const char *code, size_t length)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t digest[CLAIM_DIGEST_SIZE];
    struct registry *registry;
    struct registry_key key;
    bool found = false;
    if (!claim_code_parse(code, length, key_id))
        return SEALRING_REJECTED_MALFORMED;
    if (connections_take(verifier->connections, &registry, NULL) != SEALRING_OK)
        return SEALRING_UNAVAILABLE;
    fork_guard_enter();
    sealring_status status = find_key(registry, key_id, &key, &found);
    fork_guard_leave();
    connections_give(verifier->connections, registry);
    if (status != SEALRING_OK)
        return SEALRING_UNAVAILABLE;
    claim_code_digest(verifier->vault_id, code, digest);
    return found && key.claim.offered && key.claim.expires > clock_wall_ms() &&
                   secret_equal(digest, key.claim.code, sizeof digest)
               ? SEALRING_ACCEPTED
               : SEALRING_REJECTED_UNKNOWN;
}
