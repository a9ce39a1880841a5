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

/* Lengths of texts that are looked up as imported keys: anything longer or shorter is not worth a hash. */
#define IMPORTED_LENGTH_MIN 8
#define IMPORTED_LENGTH_MAX 512

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

/* Nothing that the registry says of a bearer is told on before the token, or a closed state, stands behind it. */
static sealring_verdict say_nothing_but(sealring_grant *grant, sealring_verdict verdict, const char *reason)
{
    size_t size = grant->size;
    memset(grant, 0, sizeof *grant);
    grant->size = size;
    return say(grant, verdict, reason);
}

/* What a request is about: the text's parts if it is a credential's, its digest in any case. */
struct request {
    const struct text_parts *parts; /* NULL: no text of ours, perhaps an imported key */
    uint8_t digest[TEXT_DIGEST_SIZE];
    const char *scope;
};

static sealring_status look_up(struct verifier *verifier, const struct request *request, struct registry_look *look,
                               sealring_error *error)
{
    struct registry *registry;
    sealring_status status = connections_take(verifier->connections, &registry, error);
    if (status != SEALRING_OK)
        return status;
    look->found = false;
    look->key_exists = false;
    if (request->parts != NULL)
        status = registry_look(registry, request->parts->key_id, request->digest, look, error);
    /* a key that was imported may look like anything, also like a credential of another vault */
    if (status == SEALRING_OK && !look->found && !look->key_exists)
        status = registry_look_imported(registry, request->digest, look, error);
    connections_give(verifier->connections, registry);
    return status;
}

/* One operation of the token: it derives the secret, or what binds an imported digest, and that is compared. */
static sealring_status confirm(struct verifier *verifier, const struct request *request,
                               const struct registry_look *look, bool *equal, sealring_error *error)
{
    const struct registry_holder *holder = &look->holder;
    struct claims claims;
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_status status;
    derive_claims(&look->vault, holder, &claims);
    derive_reference(&look->vault, &holder->ring, &holder->version, &reference);
    if (holder->credential.imported)
        status = derive_binding(verifier->token, &reference, &claims, request->digest, mac, error);
    else
        status = derive_secret(verifier->token, &reference, &claims, mac, error);
    *equal = status == SEALRING_OK &&
             secret_equal(mac, holder->credential.imported ? holder->credential.binding : request->parts->secret,
                          sizeof mac);
    secret_wipe(mac, sizeof mac);
    return status;
}

static bool agrees(const struct registry_holder *holder, const struct text_parts *parts)
{
    return holder->credential.imported ||
           (holder->credential.version == parts->version && strcmp(holder->ring.prefix, parts->prefix) == 0);
}

/* Registry, then token. malformed: why the text is none of ours, NULL if it is well formed. */
static sealring_verdict judge_request(struct verifier *verifier, const struct request *request, const char *malformed,
                                      sealring_grant *grant)
{
    sealring_error error;
    struct registry_look look;
    bool equal;
    sealring_status status = look_up(verifier, request, &look, &error);
    if (status != SEALRING_OK)
        return say(grant, SEALRING_UNAVAILABLE, error.message);
    if (!look.found && malformed != NULL)
        return say(grant, SEALRING_REJECTED_MALFORMED, malformed);
    if (!look.found)
        return look.key_exists ? say(grant, SEALRING_REJECTED_BAD_SECRET, "the key ID is known, the secret is not")
                               : say(grant, SEALRING_REJECTED_UNKNOWN, "no API key has this key ID");
    if (!agrees(&look.holder, request->parts))
        return say(grant, SEALRING_REJECTED_BAD_SECRET, "the registry's row does not agree with the credential's text");

    /* what is closed is answered without the token, and scopes are never judged before the token has confirmed the row */
    sealring_verdict verdict = judge_holder(&look.holder, NULL, clock_wall_ms(), grant);
    if (verdict != SEALRING_ACCEPTED)
        return verdict;
    status = confirm(verifier, request, &look, &equal, &error);
    if (status != SEALRING_OK)
        return say_nothing_but(grant, SEALRING_UNAVAILABLE, error.message);
    if (!equal)
        return say_nothing_but(grant, SEALRING_REJECTED_BAD_SECRET,
                               "the token does not confirm the registry's row: the registry was altered");
    /* times again: the token may have kept us waiting */
    return judge_holder(&look.holder, request->scope, clock_wall_ms(), grant);
}

sealring_verdict verifier_verify(struct verifier *verifier, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant)
{
    if (verifier->owner != getpid())
        return say(grant, SEALRING_UNAVAILABLE, "this process was forked after the vault was opened: open it again");
    struct text_parts parts;
    struct request request = {.scope = scope};
    enum text_problem problem = text_parse(credential, length, &parts, NULL);
    const char *malformed = problem == TEXT_GOOD ? NULL : text_problem_words(problem);
    if (malformed == NULL)
        request.parts = &parts;
    else if (length < IMPORTED_LENGTH_MIN || length > IMPORTED_LENGTH_MAX)
        return say(grant, SEALRING_REJECTED_MALFORMED, malformed);
    sealring_verdict verdict;
    if (text_digest(credential, length, request.digest))
        verdict = judge_request(verifier, &request, malformed, grant);
    else
        verdict = say(grant, SEALRING_UNAVAILABLE, "OpenSSL cannot compute SHA-256");
    secret_wipe(parts.secret, sizeof parts.secret);
    return verdict;
}
