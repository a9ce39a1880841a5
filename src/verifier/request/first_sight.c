/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies a credential that the cache does not contain: asks the registry, then the token, then fills the cache. */
#include "verifier/request/first_sight.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/secret.h"
#include "verifier/request/derive.h"
#include "verifier/request/judge.h"

#define SIGHT_TRIES   3
#define SIGHT_WAIT_MS 5000 /* to wait for another thread's answer from the token */
#define REFUSED_MS    1000 /* before the token is asked again for a key that it refused */

/* One credential that is being verified. */
struct sight {
    struct verifier *verifier;
    const struct presented *text;
    struct registry_presented presented;
    struct sight_row row; /* points to the two above */
    struct bearer bearer;
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]; /* the bearer's */
    sealring_error error;
};

/* ---- the token */

struct derivation {
    struct verifier *verifier;
    const struct sight_row *row;
    struct token_key_reference reference;
    uint8_t
        input[CLAIMS_INPUT_MAX + TEXT_DIGEST_SIZE]; /* for the KDF; then the text's digest, which names the flight */
    size_t length;
};

/* Reads the secret from the text only now, so that no copy of it is in memory while the token works, or if the process crashes. */
static bool has_secret(const struct sight_row *row, const uint8_t mac[TOKEN_HMAC_SIZE])
{
    struct text_parts parts;
    bool equal = text_parse(row->text, row->length, &parts, NULL) == TEXT_GOOD &&
                 secret_equal(mac, parts.secret, TOKEN_HMAC_SIZE);
    secret_wipe(parts.secret, sizeof parts.secret);
    return equal;
}

/* If the caller has no text, makes the text from the token's answer: the stored digest is valid only if it is that text's digest. */
static bool belongs(const struct sight_row *row, const uint8_t mac[TOKEN_HMAC_SIZE])
{
    const struct registry_holder *holder = &row->presented->holder;
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    uint8_t digest[TEXT_DIGEST_SIZE];
    if (holder->credential.imported)
        return secret_equal(mac, holder->credential.binding, TOKEN_HMAC_SIZE);
    if (row->text != NULL)
        return has_secret(row, mac);
    size_t length = text_format(row->version->ring->prefix, holder->key.key_id, row->version->number, mac, text);
    bool equal = length != 0 && text_digest(text, length, digest) && secret_equal(digest, row->digest, sizeof digest);
    secret_wipe(text, sizeof text);
    return equal;
}

/* Returns false if a change of the registry was applied after the row was read. If there is no memory, the row is not inserted, and the
 * function still returns true. */
static bool sight_insert(struct verifier *verifier, const struct sight_row *row)
{
    const struct registry_presented *presented = row->presented;
    const struct registry_holder *holder = &presented->holder;
    pthread_mutex_lock(&verifier->inserting);
    /* a poll takes in a key's facts before it drops its entries: what is inserted later must be looked up here */
    struct registry_key key = holder->key;
    struct registry_credential credential = holder->credential;
    bool newest = protocol_may_insert(&verifier->protocol, row->fences, presented->era) &&
                  !closed_keys_has(&verifier->closed.keys, holder->key.key_id) &&
                  !key_facts_restrict(&verifier->closed.restricted, &key, &credential);
    /* looked up here, because after a fence another object represents the version */
    struct known_version *version =
        snapshot_find(atomic_load(&verifier->snapshot), holder->ring.id, holder->credential.version);
    if (newest && version != NULL)
        cache_insert(verifier->cache, holder, version, row->digest);
    pthread_mutex_unlock(&verifier->inserting);
    return newest;
}

static enum sight_answer sight_answer_of(enum token_answer answer)
{
    return answer == TOKEN_FAILED ? SIGHT_AWAY : SIGHT_REFUSED;
}

static bool is_cached(struct verifier *verifier, const struct sight_row *row)
{
    struct lane *lane = lanes_enter(verifier->lanes);
    bool cached = cache_confirms(verifier->cache, &row->presented->holder, row->digest);
    lanes_leave(verifier->lanes, lane);
    return cached;
}

static enum sight_answer ask_token(const struct derivation *derivation, sealring_error *error)
{
    struct verifier *verifier = derivation->verifier;
    uint8_t mac[TOKEN_HMAC_SIZE];
    enum token_answer answer;
    token_hmac(verifier->token, &derivation->reference, derivation->input, derivation->length, mac, &answer, error);
    if (answer != TOKEN_DONE)
        return sight_answer_of(answer);
    atomic_fetch_add_explicit(&verifier->token_operations, 1, memory_order_relaxed);
    bool confirmed = belongs(derivation->row, mac);
    secret_wipe(mac, sizeof mac);
    return confirmed ? SIGHT_CONFIRMED : SIGHT_DENIED;
}

/* Before it rejects a credential, the token must prove itself: its key must match the check value, and the same answer must come twice. */
static enum sight_answer ask_token_surely(const struct derivation *derivation, sealring_error *error)
{
    enum token_answer proved = TOKEN_DONE;
    fork_guard_enter();
    enum sight_answer answer = ask_token(derivation, error);
    if (answer == SIGHT_DENIED)
        token_key_prove(derivation->verifier->token, &derivation->reference, &proved, error);
    if (proved != TOKEN_DONE)
        answer = sight_answer_of(proved);
    else if (answer == SIGHT_DENIED)
        answer = ask_token(derivation, error);
    fork_guard_leave();
    return answer;
}

/* Runs once for all threads that ask at the same time. The outcome is an answer and not the secret: all waiting threads have the same
 * text. */
static int confirm_once(void *context, sealring_error *error)
{
    const struct derivation *derivation = context;
    if (is_cached(derivation->verifier, derivation->row)) /* an earlier flight may have just ended */
        return SIGHT_CONFIRMED;
    enum sight_answer answer = ask_token_surely(derivation, error);
    if (answer == SIGHT_CONFIRMED)
        sight_insert(derivation->verifier, derivation->row);
    return (int)answer;
}

enum sight_answer sight_confirm(struct verifier *verifier, const struct sight_row *row, sealring_error *error)
{
    const struct registry_holder *holder = &row->presented->holder;
    struct derivation derivation = {.verifier = verifier, .row = row};
    struct claims claims;
    derive_claims(verifier->vault_id, row->version->ring->ring_id, holder, &claims);
    derivation.length = claims_input(&claims, holder->credential.imported ? row->digest : NULL, derivation.input);
    if (derivation.length == 0) {
        error_set(error, SEALRING_REGISTRY, "the registry's row of API key %.16s is not well formed",
                  holder->key.key_id);
        return SIGHT_MALFORMED;
    }
    if (derive_known_reference(verifier->vault_id, row->version, &derivation.reference, error) != SEALRING_OK)
        return SIGHT_MALFORMED;
    memcpy(derivation.input + derivation.length, row->digest, TEXT_DIGEST_SIZE);
    int outcome = flights_ask(verifier->flights, derivation.input, derivation.length + TEXT_DIGEST_SIZE, confirm_once,
                              &derivation, SIGHT_WAIT_MS, error);
    if (outcome < 0)
        return outcome == FLIGHT_CROWDED ? SIGHT_CROWDED : SIGHT_AWAY;
    return (enum sight_answer)outcome;
}

/* ---- the registry */

static sealring_status present(struct sight *sight)
{
    const struct presented *text = sight->text;
    struct verifier *verifier = sight->verifier;
    struct registry *registry;
    sight->row.fences =
        atomic_load(&verifier->fences); /* before there is a connection: it may be one to a file replaced since */
    sealring_status status = connections_take(verifier->connections, &registry, &sight->error);
    if (status != SEALRING_OK)
        return status;
    atomic_fetch_add_explicit(&verifier->registry_lookups, 1, memory_order_relaxed);
    sight->presented.found = false;
    sight->presented.key_exists = false;
    fork_guard_enter();
    if (text->parts != NULL)
        status = registry_present(registry, text->parts->key_id, text->digest, &sight->presented, &sight->error);
    /* an imported key may have any form, even that of another vault's credential */
    if (status == SEALRING_OK && !sight->presented.found && !sight->presented.key_exists &&
        atomic_load(&verifier->has_imports))
        status = registry_present_imported(registry, text->digest, &sight->presented, &sight->error);
    fork_guard_leave();
    connections_give(verifier->connections, registry);
    /* what was closed stays closed, whatever the row contains */
    struct registry_key *key = &sight->presented.holder.key;
    if (status == SEALRING_OK && sight->presented.found && key->state != SEALRING_KEY_REVOKED &&
        closed_keys_has(&verifier->closed.keys, key->key_id)) {
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "ALARM: the registry's row of API key %s is open, and the API key was revoked: the registry was "
                     "altered; the API key stays revoked",
                     key->key_id);
        key->state = SEALRING_KEY_REVOKED;
    }
    if (status == SEALRING_OK && sight->presented.found)
        (void)key_facts_restrict(
            &verifier->closed.restricted, key,
            &sight->presented.holder.credential); /* it was altered, or is newer than the last poll */
    return status;
}

/* The next poll finds a version that was just created. So poll now. */
static struct known_version *find_version(struct sight *sight)
{
    const struct registry_holder *holder = &sight->presented.holder;
    struct verifier *verifier = sight->verifier;
    struct known_version *version =
        snapshot_find(atomic_load(&verifier->snapshot), holder->ring.id, holder->credential.version);
    if (version == NULL && verifier_look(verifier, &sight->error) == SEALRING_OK)
        version = snapshot_find(atomic_load(&verifier->snapshot), holder->ring.id, holder->credential.version);
    return version;
}

/* Combines the rows as they were read with the present state of the version. */
static void make_bearer(struct sight *sight)
{
    const struct registry_holder *holder = &sight->presented.holder;
    judge_scopes(holder, sight->scopes);
    sight->bearer = (struct bearer){
        .key_id = holder->key.key_id,
        .client = holder->client.name,
        .scopes = sight->scopes,
        .serial = holder->credential.serial,
        .not_before = holder->credential.not_before,
        .expires = holder->credential.expires,
        .revoked = holder->key.state != SEALRING_KEY_ACTIVE && holder->key.state != SEALRING_KEY_SUSPENDED,
        .suspended = holder->key.state == SEALRING_KEY_SUSPENDED,
        .replaced = holder->credential.replaced,
        .retire_at = holder->credential.retire_at,
        .networks = holder->key.bound ? holder->key.networks.items : NULL,
        .network_count = holder->key.networks.count,
    };
    judge_version(sight->row.version, &sight->bearer);
}

static bool agrees(const struct sight *sight)
{
    const struct text_parts *parts = sight->text->parts;
    const struct registry_credential *credential = &sight->presented.holder.credential;
    return credential->imported ||
           (credential->version == parts->version && strcmp(sight->row.version->ring->prefix, parts->prefix) == 0);
}

/* ---- verdicts */

static sealring_verdict judge_stranger(const struct sight *sight, sealring_grant *grant)
{
    const struct presented *text = sight->text;
    if (sight->presented.key_exists)
        return judge_nothing(grant, SEALRING_REJECTED_BAD_SECRET, "the key ID is known, the secret is not");
    if (text->malformed != NULL)
        return judge_nothing(grant, SEALRING_REJECTED_MALFORMED, text->malformed);
    return judge_nothing(grant, SEALRING_REJECTED_UNKNOWN, SIGHT_UNKNOWN);
}

/* Asks the registry only. SEALRING_ACCEPTED: only the token's confirmation is missing. */
static sealring_verdict look_up(struct sight *sight, sealring_grant *grant)
{
    sealring_status status = present(sight);
    if (status != SEALRING_OK)
        return judge_unavailable(grant, sight->error.message);
    if (!sight->presented.found)
        return judge_stranger(sight, grant);
    sight->row.version = find_version(sight);
    if (sight->row.version == NULL)
        return judge_unavailable(grant, "the registry's row refers to a version that this verifier does not know yet");
    if (!agrees(sight))
        return judge_nothing(grant, SEALRING_REJECTED_BAD_SECRET,
                             "the registry's row does not agree with the credential's text");
    /* closed credentials are rejected without the token; scopes and addresses are judged only after the token has confirmed the row */
    make_bearer(sight);
    return judge_bearer(&sight->bearer, NULL, verifier_time(sight->verifier, clock_boot_ms()), grant);
}

/* Asks the token to confirm the row. SEALRING_ACCEPTED: confirmed. *refused: the token refused the version's key, or did not find it. */
static sealring_verdict confirm(struct sight *sight, bool *refused, sealring_grant *grant)
{
    *refused = false;
    if (clock_boot_ms() < atomic_load(&sight->row.version->refused_until))
        return judge_unavailable(grant, "the PKCS#11 token refuses the key of the credential's version: see the log");
    switch (sight_confirm(sight->verifier, &sight->row, &sight->error)) {
    case SIGHT_CONFIRMED:
        return SEALRING_ACCEPTED;
    case SIGHT_DENIED:
        messages_add(
            sight->verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the PKCS#11 token does not confirm the registry's row of API key %s: the registry was altered",
            sight->presented.holder.key.key_id);
        return judge_nothing(grant, SEALRING_REJECTED_BAD_SECRET,
                             "the token does not confirm the registry's row: the registry was altered");
    case SIGHT_REFUSED:
        *refused = true;
        break;
    case SIGHT_CROWDED:
        return judge_unavailable(grant, "too many requests wait for the PKCS#11 token");
    case SIGHT_AWAY:
    case SIGHT_MALFORMED:
    default:
        messages_add(sight->verifier->messages, SEALRING_LOG_WARNING, "%s", sight->error.message);
        break;
    }
    return judge_unavailable(grant, sight->error.message);
}

/* In a lane: the next call finds the record in the cache's entry, and need not take the report's lock. */
static void keep_usage(const struct sight *sight, struct report_credential *record)
{
    const struct cache *cache = sight->verifier->cache;
    const struct registry_holder *holder = &sight->presented.holder;
    const struct registry_credential *row = &holder->credential;
    struct cache_entry *entry = row->imported
                                    ? cache_find_imported(cache, sight->text->digest)
                                    : cache_find(cache, holder->key.key_id, row->version, sight->text->digest);
    if (entry != NULL && entry->key == row->key && entry->serial == row->serial)
        atomic_store_explicit(&entry->usage, record, memory_order_release);
}

/* Counts evidence for the retire gate, and statistics. */
static void count(struct sight *sight, sealring_verdict verdict, bool confirmed)
{
    struct verifier *verifier = sight->verifier;
    if (!sight->presented.found || sight->row.version == NULL || verdict == SEALRING_UNAVAILABLE)
        return;
    struct lane *lane = lanes_enter(verifier->lanes);
    int64_t wall = verifier_wall(verifier, clock_boot_ms());
    struct report *report = atomic_load(&verifier->report);
    const struct registry_credential *row = &sight->presented.holder.credential;
    struct report_version *version = atomic_load(&sight->row.version->usage);
    struct report_credential *credential = NULL;
    /* A poll makes a version known shortly before it gives the version a record. Uses between the two must be counted, too. */
    if (version == NULL)
        version = report_version(report, sight->row.version->ring->id, sight->row.version->number);
    if (confirmed)
        credential =
            report_credential(report, row->key, row->serial, sight->row.version->number, verifier_hour(verifier, wall));
    if (confirmed && credential == NULL)
        report_count_without_detail(report);
    if (credential != NULL)
        keep_usage(sight, credential);
    report_count(credential, version, verdict, wall);
    lanes_leave(verifier->lanes, lane);
}

/* After the confirmation: judges times and states again, because the token may have taken long, and then the requested scope. */
static sealring_verdict judge_confirmed(struct sight *sight, sealring_grant *grant)
{
    int64_t boot = clock_boot_ms();
    if (!verifier_serves(sight->verifier, boot))
        return judge_unavailable(grant, "the lease ran out while the PKCS#11 token was asked");
    make_bearer(sight);
    return judge_bearer(&sight->bearer, &sight->text->demand, verifier_time(sight->verifier, boot), grant);
}

sealring_verdict sight_judge(struct verifier *verifier, const struct presented *text, sealring_grant *grant)
{
    struct sight sight;
    sight.verifier = verifier;
    sight.text = text;
    sight.row = (struct sight_row){
        .presented = &sight.presented,
        .digest = text->digest,
        .text = text->parts != NULL ? text->text : NULL,
        .length = text->length,
    };
    sealring_verdict verdict = SEALRING_UNAVAILABLE;
    bool confirmed = false;
    for (int i = 0; i < SIGHT_TRIES; i++) {
        bool refused = false;
        verdict = look_up(&sight, grant);
        /* A row may have been altered after the token last confirmed it, so each row that may lead to acceptance is confirmed. */
        if (verdict == SEALRING_ACCEPTED)
            verdict = confirm(&sight, &refused, grant);
        confirmed = verdict == SEALRING_ACCEPTED;
        /* The key may have been closed since the last poll. Another poll finds the reason. */
        bool look_again = refused && i == 0 && verifier_look(verifier, NULL) == SEALRING_OK;
        if (refused && !look_again)
            messages_add(
                verifier->messages, SEALRING_LOG_ALARM,
                "the registry accepts version %u of ring %s, and the PKCS#11 token does not sign with its key: %s",
                sight.row.version->number, sight.row.version->ring->name, sight.error.message);
        if (refused && i > 0)
            atomic_store(&sight.row.version->refused_until, clock_boot_ms() + REFUSED_MS);
        /* A change that was applied after the row was read may concern this row: then read it again. */
        if (!look_again && (!confirmed || sight_insert(verifier, &sight.row)))
            break;
    }
    if (confirmed)
        verdict = judge_confirmed(&sight, grant);
    count(&sight, verdict, confirmed);
    return verdict;
}
