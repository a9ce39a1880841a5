/* SPDX-License-Identifier: Apache-2.0 */
/* Trades a claim code for the credential: proved, encrypted to the public key that came with the code, recorded, handed over. */
#include <sealring/claim.h>

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/transition_table.h"
#include "manage/act/act.h"
#include "manage/delivery/certificate.h"
#include "manage/keys/keys.h"
#include "manage/keys/seal.h"
#include "registry/rows/closed_facts.h"

#define TRIES_MOST 20 /* that others' changes make stale */

struct claiming {
    sealring_manager *manager;
    sealring_claim_request *request;
    const char *peer; /* "": not known */
    struct registry_vault vault;
    int64_t now;
    bool answered;
    struct registry_holder newest; /* the API key with its newest credential */
    struct registry_holder holder; /* with the claimed one */
    X509 *certificate;
    uint8_t public_key[CLAIM_DIGEST_SIZE];
    char text[SEAL_TEXT_SIZE];
    enum seal_doubt doubt;
    unsigned char *sealed;
    size_t sealed_length;
    bool stale; /* what was read has changed meanwhile */
    struct audit_act act;
};

__attribute__((format(printf, 3, 4))) static void answer(struct claiming *claiming, sealring_claim_result result,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(claiming->request->reason, sizeof claiming->request->reason, format, arguments);
    va_end(arguments);
    claiming->request->result = result;
    claiming->answered = true;
}

/* ---- what the code is for */

static bool is_code_of(const struct claiming *claiming, const struct registry_key *key)
{
    uint8_t digest[CLAIM_DIGEST_SIZE];
    claim_code_digest(claiming->vault.vault_id, claiming->request->code, digest);
    return key->state != SEALRING_KEY_REVOKED && key->claim.offered &&
           secret_equal(digest, key->claim.code, sizeof digest);
}

static bool is_in_networks(const struct registry_key *key, const char *peer)
{
    uint8_t address[16];
    size_t length = inet_pton(AF_INET, peer, address) == 1 ? 4 : inet_pton(AF_INET6, peer, address) == 1 ? 16 : 0;
    return !key->bound || networks_contain(key->networks.items, key->networks.count, address, length);
}

static void read_certificate(struct claiming *claiming)
{
    const sealring_claim_request *request = claiming->request;
    char text[CERTIFICATE_PROBLEM_SIZE];
    const char *problem = NULL;
    unsigned length = 0;
    X509_free(claiming->certificate);
    claiming->certificate = certificate_read(request->certificate, request->certificate_length, &problem);
    if (claiming->certificate != NULL)
        problem = certificate_problem(claiming->certificate, claiming->now, text);
    if (problem == NULL && !certificate_has_sound_key(claiming->certificate))
        problem = "has a public key that is not valid";
    if (problem == NULL && X509_pubkey_digest(claiming->certificate, EVP_sha256(), claiming->public_key, &length) != 1)
        problem = "cannot be read";
    if (problem != NULL)
        answer(claiming, SEALRING_CLAIM_CERTIFICATE, "the client's certificate %s", problem);
}

/* By facts. */
static void judge(struct claiming *claiming)
{
    const struct registry_holder *holder = &claiming->holder;
    const struct registry_key *key = &holder->key;
    if (key->claim.expires <= claiming->now)
        answer(claiming, SEALRING_CLAIM_UNKNOWN, "the claim code has expired: sealring reissue %s --claim",
               key->key_id);
    else if (key->state != SEALRING_KEY_ACTIVE)
        answer(claiming, SEALRING_CLAIM_CLOSED, "the API key is suspended");
    else if (ends_of(&key->ends, key->claim.serial) != 0)
        answer(claiming, SEALRING_CLAIM_CLOSED, "a rekey superseded the credential");
    else if (holder->version.unfounded || !lifecycle_accepts(holder->version.state))
        answer(claiming, SEALRING_CLAIM_CLOSED, "the credential's version %u is closed", holder->version.number);
    else if (!is_in_networks(key, claiming->peer))
        answer(claiming, SEALRING_CLAIM_ADDRESS, "the API key is bound to networks, and %s is in none of them",
               claiming->peer[0] != '\0' ? claiming->peer : "the unknown address of the request");
    else
        read_certificate(claiming);
}

static sealring_status read_credential(struct claiming *claiming, sealring_error *error)
{
    struct registry *registry = claiming->manager->registry;
    struct registry_holder *holder = &claiming->holder;
    bool found = false;
    *holder = claiming->newest;
    sealring_status status = registry_credential_find(registry, holder->key.id, holder->key.claim.serial,
                                                      &holder->credential, &found, error);
    if (status == SEALRING_OK && found)
        status = registry_version_find(registry, holder->ring.id, holder->credential.version, &holder->version, &found,
                                       error);
    if (status == SEALRING_OK && (!found || holder->credential.imported)) {
        atomic_store(&claiming->manager->alarmed, true);
        answer(claiming, SEALRING_CLAIM_UNAVAILABLE,
               "ALARM: the row of credential %u of API key %s is missing in the registry: it was altered",
               holder->key.claim.serial, holder->key.key_id);
    }
    return status;
}

static sealring_status read_claim(struct claiming *claiming, const char *key_id, sealring_error *error)
{
    struct registry *registry = claiming->manager->registry;
    sealring_claim_request *request = claiming->request;
    struct registry_key known;
    bool found = false;
    claiming->vault = *registry_vault_row(registry);
    claiming->now = clock_wall_ms();
    claiming->answered = false;
    sealring_status status = registry_key_find(registry, key_id, &known, &found, error);
    if (status == SEALRING_OK && found)
        status = key_get(registry, key_id, &claiming->newest, error);
    if (status != SEALRING_OK)
        return status;
    if (!found || !is_code_of(claiming, &claiming->newest.key)) {
        answer(claiming, SEALRING_CLAIM_UNKNOWN, "no API key has a claim with this code");
        return SEALRING_OK;
    }
    memcpy(request->key_id, claiming->newest.key.key_id, sizeof request->key_id);
    memcpy(request->client, claiming->newest.client.name, sizeof request->client);
    memcpy(request->ring, claiming->newest.ring.name, sizeof request->ring);
    status = read_credential(claiming, error);
    if (status == SEALRING_OK && !claiming->answered)
        judge(claiming);
    return status;
}

static sealring_status read_all(struct claiming *claiming, const char *key_id, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(claiming->manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_claim(claiming, key_id, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- the credential */

/* The token is away, or the audit token: later. */
static void answer_unavailable(struct claiming *claiming, const sealring_error *error)
{
    answer(claiming, SEALRING_CLAIM_UNAVAILABLE, "%s", error->message);
}

static void derive(struct claiming *claiming)
{
    struct registry_holder *holder = &claiming->holder;
    sealring_error error = {.message = ""};
    bool confirmed = false;
    sealring_status status =
        seal_confirm(claiming->manager, &claiming->vault, holder, claiming->text, &confirmed, &claiming->doubt, &error);
    if (status != SEALRING_OK)
        answer_unavailable(claiming, &error);
    else if (!confirmed) {
        atomic_store(&claiming->manager->alarmed, true);
        answer(claiming, SEALRING_CLAIM_UNAVAILABLE,
               "ALARM: the token does not confirm the registry's row of credential %u of API key %s: the registry was "
               "altered; nothing was derived from it",
               holder->credential.serial, holder->key.key_id);
    } else if (holder->credential.expires != 0 && holder->credential.expires <= claiming->now)
        answer(claiming, SEALRING_CLAIM_CLOSED, "the credential has expired");
}

static void encrypt(struct claiming *claiming)
{
    sealring_error error = {.message = ""};
    struct sealed_delivery *delivery = NULL;
    sealring_status status = sealed_delivery_open(claiming->manager, 1, &delivery, &error);
    if (status == SEALRING_OK)
        status = sealed_delivery_add(delivery, claiming->certificate, &claiming->holder, claiming->text, &error);
    if (status == SEALRING_OK)
        status = sealed_delivery_sign(delivery, &error);
    if (status == SEALRING_OK)
        status = sealed_delivery_make(delivery, 0, claiming->text, &claiming->sealed, &claiming->sealed_length, &error);
    sealed_delivery_close(delivery);
    if (status != SEALRING_OK)
        answer_unavailable(claiming, &error);
}

/* ---- recording */

static bool is_unchanged(struct claiming *claiming)
{
    struct registry *registry = claiming->manager->registry;
    const struct registry_version *before = &claiming->holder.version;
    struct registry_holder now;
    struct registry_version version;
    bool found = false;
    return memcmp(registry_vault_row(registry)->era, claiming->vault.era, sizeof claiming->vault.era) == 0 &&
           key_get(registry, claiming->newest.key.key_id, &now, NULL) == SEALRING_OK &&
           key_is_unchanged(&claiming->newest, &now) &&
           registry_version_find(registry, before->ring, before->number, &version, &found, NULL) == SEALRING_OK &&
           found && version.state == before->state && !version.unfounded;
}

static void record(struct claiming *claiming, const struct key_claim *claim, bool existed)
{
    char public_key[2 * CLAIM_DIGEST_SIZE + 1];
    hex_encode(claiming->public_key, sizeof claiming->public_key, public_key);
    key_record(&claiming->act, &claiming->holder);
    audit_detail(&claiming->act, "{s:I, s:s, s:s, s:b}", "serial", (json_int_t)claim->serial, "peer", claiming->peer,
                 "public_key", public_key, "existed", existed);
}

/* Binds the claim to the public key; or adds who came second. */
static sealring_status write_claim(struct claiming *claiming, bool contests, sealring_error *error)
{
    struct registry_key key = claiming->newest.key;
    struct key_claim *claim = &key.claim;
    const bool existed = claim->taken;
    claiming->stale = !is_unchanged(claiming);
    if (claiming->stale)
        return error_set(error, SEALRING_REGISTRY, "the registry was changed again and again: try again");
    if (contests) {
        claim->contested = manager_now(claiming->manager);
        memcpy(claim->second, claiming->peer, strlen(claiming->peer) + 1);
    } else if (!existed) {
        claim->taken = true;
        memcpy(claim->public_key, claiming->public_key, sizeof claim->public_key);
        memcpy(claim->first, claiming->peer, strlen(claiming->peer) + 1);
    }
    record(claiming, claim, existed);
    if (contests)
        audit_detail_add(&claiming->act, "first_peer", json_string(claim->first));
    return contests || !existed ? registry_key_set_claim(claiming->manager->registry, &key, error) : SEALRING_OK;
}

static sealring_status write_act(struct claiming *claiming, bool contests, sealring_error *error)
{
    sealring_manager *manager = claiming->manager;
    sealring_status status = contests ? manager_begin_restriction(manager, "claim", error)
                                      : manager_begin_dated(manager, "claim", true, error);
    if (status != SEALRING_OK)
        return status;
    claiming->act = (struct audit_act){.name = contests ? "key.claim-contested" : "key.claim"};
    struct commit commit =
        manager_commit(manager, contests || !claiming->newest.key.claim.taken, &claiming->act, error);
    commit.restricts = contests;
    do {
        if (!claiming->answered && commit_begin(&commit, &status))
            status = write_claim(claiming, contests, error);
    } while (!claiming->answered && commit_again(&commit, &status));
    manager_end_act(manager, &claiming->act, claiming->stale ? SEALRING_OK : status, error);
    audit_release(&claiming->act);
    return status;
}

/* ---- the call */

static bool is_anothers(const struct claiming *claiming)
{
    const struct key_claim *claim = &claiming->newest.key.claim;
    return claim->taken && memcmp(claim->public_key, claiming->public_key, sizeof claim->public_key) != 0;
}

/* That it is contested is reported once. It is refused in any case; if that cannot be written, the next attempt does. */
static sealring_status refuse(struct claiming *claiming)
{
    const struct registry_key *key = &claiming->newest.key;
    sealring_error error = {.message = ""};
    if (key->claim.contested == 0)
        (void)write_act(claiming, true, &error);
    if (!claiming->stale)
        answer(claiming, SEALRING_CLAIM_CONTESTED,
               "another public key has taken the claim before, from %s: sealring key rekey %s --claim",
               key->claim.first[0] != '\0' ? key->claim.first : "an unknown address", key->key_id);
    return SEALRING_OK;
}

static sealring_status attempt(struct claiming *claiming, const char *key_id, sealring_error *error)
{
    claiming->stale = false;
    claiming->doubt = SEAL_CERTAIN;
    OPENSSL_free(claiming->sealed);
    claiming->sealed = NULL;
    sealring_status status = read_all(claiming, key_id, error);
    if (status == SEALRING_OK && !claiming->answered && is_anothers(claiming))
        return refuse(claiming);
    if (status == SEALRING_OK && !claiming->answered)
        derive(claiming);
    if (status == SEALRING_OK && !claiming->answered)
        encrypt(claiming);
    secret_wipe(claiming->text, sizeof claiming->text);
    if (status == SEALRING_OK && (!claiming->answered || atomic_load(&claiming->manager->alarmed)))
        status = write_act(claiming, false, error);
    return status;
}

static sealring_status pass(struct claiming *claiming, sealring_error *error)
{
    sealring_claim_request *request = claiming->request;
    const struct registry_credential *credential = &claiming->holder.credential;
    request->version = credential->version;
    request->serial = credential->serial;
    request->expires = credential->expires;
    answer(claiming, claiming->newest.key.claim.taken ? SEALRING_CLAIM_AGAIN : SEALRING_CLAIM_TAKEN, "%s",
           claiming->newest.key.claim.taken ? "the same public key has taken it before" : "taken");
    if (claiming->manager->dry_run)
        return SEALRING_OK;
    request->sealed = malloc(claiming->sealed_length); /* of the memory that callers free */
    if (request->sealed == NULL)
        return error_no_memory(error);
    memcpy(request->sealed, claiming->sealed, claiming->sealed_length);
    request->sealed_length = claiming->sealed_length;
    return SEALRING_OK;
}

sealring_status sealring_claim(sealring_manager *manager, sealring_claim_request *request, sealring_error *error)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    if (request->size != sizeof *request)
        return error_set(error, SEALRING_INVALID, "the claim has another size than this library's");
    struct claiming claiming = {.manager = manager, .request = request, .peer = ""};
    if (request->peer != NULL && holders_is_peer(request->peer))
        claiming.peer = request->peer;
    sealring_claim_release(request);
    if (request->code == NULL || !claim_code_parse(request->code, request->code_length, key_id)) {
        answer(&claiming, SEALRING_CLAIM_UNKNOWN, "that is no claim code, or it has a typo");
        return SEALRING_OK;
    }
    sealring_status status = manager_ready(manager, "claim", error);
    claiming.stale = true;
    for (int tries = 0; status == SEALRING_OK && claiming.stale && tries < TRIES_MOST; tries++) {
        status = attempt(&claiming, key_id, error);
        status = claiming.stale && tries + 1 < TRIES_MOST ? SEALRING_OK : status;
    }
    if (status == SEALRING_OK && !claiming.answered)
        status = pass(&claiming, error);
    if (status != SEALRING_OK) {
        sealring_claim_release(request);
        answer(&claiming, SEALRING_CLAIM_UNAVAILABLE, "%s", error != NULL ? error->message : "unavailable");
    }
    X509_free(claiming.certificate);
    OPENSSL_free(claiming.sealed);
    secret_wipe(claiming.text, sizeof claiming.text);
    return status;
}

void sealring_claim_release(sealring_claim_request *request)
{
    free(request->sealed);
    request->sealed = NULL;
    request->sealed_length = 0;
    request->result = SEALRING_CLAIM_UNAVAILABLE;
    request->reason[0] = request->key_id[0] = request->client[0] = request->ring[0] = '\0';
    request->version = request->serial = 0;
    request->expires = 0;
}
