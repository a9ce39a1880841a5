/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier: parse, registry, token, verdict. */
#include "verifier/verifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "credential/text.h"
#include "registry/rows.h"
#include "verifier/connections.h"
#include "verifier/derive.h"
#include "verifier/judge.h"

#define VERIFIER_CONNECTIONS_MAX 64

struct verifier {
    struct connections *connections;
    struct token *token;
    pid_t owner; /* a forked child has no right to its parent's connections, sessions and locks */
};

sealring_status verifier_open(const char *registry_path, const struct token_config *token, struct verifier **opened,
                              sealring_error *error)
{
    *opened = NULL;
    struct verifier *verifier = calloc(1, sizeof *verifier);
    if (verifier == NULL)
        return error_no_memory(error);
    verifier->owner = getpid();
    sealring_status status = connections_open(registry_path, VERIFIER_CONNECTIONS_MAX, &verifier->connections, error);
    if (status == SEALRING_OK)
        status = token_open(token, &verifier->token, error);
    if (status != SEALRING_OK) {
        verifier_close(verifier);
        return status;
    }
    *opened = verifier;
    return SEALRING_OK;
}

void verifier_close(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    token_close(verifier->token);
    /* closing an inherited SQLite connection in a child would drop the parent's file locks: leave it */
    if (verifier->owner == getpid())
        connections_close(verifier->connections);
    free(verifier);
}

static sealring_verdict say(sealring_grant *grant, sealring_verdict verdict, const char *reason)
{
    snprintf(grant->reason, sizeof grant->reason, "%.255s", reason);
    return verdict;
}

/* Registry, then token: for a text that is well formed. */
static sealring_verdict verify_parts(struct verifier *verifier, const struct text_parts *parts, const char *scope,
                                     const uint8_t digest[TEXT_DIGEST_SIZE], sealring_grant *grant)
{
    sealring_error error;
    struct registry *registry;
    struct registry_look look;
    sealring_status status = connections_take(verifier->connections, &registry, &error);
    if (status == SEALRING_OK) {
        status = registry_look(registry, parts->key_id, digest, &look, &error);
        connections_give(verifier->connections, registry);
    }
    if (status != SEALRING_OK)
        return say(grant, SEALRING_UNAVAILABLE, error.message);
    if (!look.found)
        return look.key_exists ? say(grant, SEALRING_REJECTED_BAD_SECRET, "the key ID is known, the secret is not")
                               : say(grant, SEALRING_REJECTED_UNKNOWN, "no API key has this key ID");
    const struct registry_holder *holder = &look.holder;
    if (holder->credential.version != parts->version || strcmp(holder->ring.prefix, parts->prefix) != 0)
        return say(grant, SEALRING_REJECTED_BAD_SECRET, "the registry's row does not agree with the credential's text");

    /* what is closed is answered without the token, and scopes are never judged before the token has confirmed the row */
    sealring_verdict verdict = judge_holder(holder, NULL, clock_wall_ms(), grant);
    if (verdict != SEALRING_ACCEPTED)
        return verdict;

    struct claims claims;
    struct token_key_reference reference;
    uint8_t secret[TEXT_SECRET_SIZE];
    derive_claims(&look.vault, holder, &claims);
    derive_reference(&look.vault, &holder->ring, &holder->version, &reference);
    status = derive_secret(verifier->token, &reference, &claims, secret, &error);
    if (status != SEALRING_OK)
        return say(grant, SEALRING_UNAVAILABLE, error.message);
    bool equal = secret_equal(secret, parts->secret, sizeof secret);
    secret_wipe(secret, sizeof secret);
    if (!equal) {
        size_t size = grant->size;
        memset(grant, 0, sizeof *grant);
        grant->size = size;
        return say(grant, SEALRING_REJECTED_BAD_SECRET,
                   "the token does not confirm the registry's row: the registry was altered");
    }
    /* times again: the token may have kept us waiting */
    return judge_holder(holder, scope, clock_wall_ms(), grant);
}

sealring_verdict verifier_verify(struct verifier *verifier, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant)
{
    if (verifier->owner != getpid())
        return say(grant, SEALRING_UNAVAILABLE, "this process was forked after the vault was opened: open it again");
    struct text_parts parts;
    enum text_problem problem = text_parse(credential, length, &parts, NULL);
    if (problem != TEXT_GOOD)
        return say(grant, SEALRING_REJECTED_MALFORMED, text_problem_words(problem));
    uint8_t digest[TEXT_DIGEST_SIZE];
    sealring_verdict verdict;
    if (text_digest(credential, length, digest))
        verdict = verify_parts(verifier, &parts, scope, digest, grant);
    else
        verdict = say(grant, SEALRING_UNAVAILABLE, "OpenSSL cannot compute SHA-256");
    secret_wipe(parts.secret, sizeof parts.secret);
    return verdict;
}
