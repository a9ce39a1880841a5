/* SPDX-License-Identifier: Apache-2.0 */
/* One credential on its way to the caller: sealed in the token, confirmed by it, handed over. */
#include "manage/keys/seal.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/transition_table.h"
#include "manage/act/era_check.h"
#include "manage/delivery/envelope.h"
#include "verifier/request/derive.h"

/* One question to the token: the credential of these claims, or what binds an imported key's digest to them. */
struct seal_question {
    sealring_manager *manager;
    const struct registry_holder *holder;
    struct claims claims;
    struct token_key_reference reference;
};

static void ask_about(sealring_manager *manager, const struct registry_vault *vault,
                      const struct registry_holder *holder, struct seal_question *question)
{
    question->manager = manager;
    question->holder = holder;
    derive_claims(vault->vault_id, holder->ring.ring_id, holder, &question->claims);
    derive_reference(vault, &holder->ring, &holder->version, &question->reference);
}

/* For an imported key: its binding; the text stays empty. For others: the text and its digest. */
static sealring_status ask(const struct seal_question *question, char text[SEAL_TEXT_SIZE],
                           uint8_t answer[TEXT_DIGEST_SIZE], sealring_error *error)
{
    const struct registry_holder *holder = question->holder;
    struct token *token = question->manager->token;
    text[0] = '\0';
    sealring_status status = derive_knows_prf(&holder->ring, &holder->version, error);
    if (status != SEALRING_OK)
        return status;
    if (holder->credential.imported)
        return derive_binding(token, &question->reference, &question->claims, holder->credential.digest, answer, error);
    return derive_text(token, &question->reference, holder->ring.prefix, &question->claims, text, answer, error);
}

/* Nothing is handed out, and the act ends with an alarm. */
static void raise_doubt(sealring_manager *manager, enum seal_doubt *doubt, enum seal_doubt kind)
{
    *doubt = kind;
    atomic_store(&manager->alarmed, true);
}

static sealring_status report_contradiction(const struct seal_question *question, enum seal_doubt *doubt,
                                            sealring_error *error)
{
    raise_doubt(question->manager, doubt, SEAL_CONTRADICTED);
    return error_set_token(error, 0,
                           "ALARM: the PKCS#11 token %s answered the same question about API key %s twice, and not the "
                           "same: neither answer is used; have the token and its module examined",
                           token_name(question->manager->token), question->holder->key.key_id);
}

/* Asks twice: otherwise the error of a token that fails occasionally would be handed out as a credential that no server accepts. */
static sealring_status ask_twice(const struct seal_question *question, char text[SEAL_TEXT_SIZE],
                                 uint8_t answer[TEXT_DIGEST_SIZE], enum seal_doubt *doubt, sealring_error *error)
{
    char text_again[SEAL_TEXT_SIZE];
    uint8_t again[TEXT_DIGEST_SIZE];
    sealring_status status = ask(question, text, answer, error);
    if (status == SEALRING_OK)
        status = ask(question, text_again, again, error);
    if (status == SEALRING_OK && !secret_equal(answer, again, sizeof again))
        status = report_contradiction(question, doubt, error);
    secret_wipe(text_again, sizeof text_again);
    secret_wipe(again, sizeof again);
    if (status != SEALRING_OK)
        secret_wipe(text, SEAL_TEXT_SIZE);
    return status;
}

sealring_status seal_new(sealring_manager *manager, const struct registry_vault *vault, struct registry_holder *holder,
                         char text[SEAL_TEXT_SIZE], enum seal_doubt *doubt, sealring_error *error)
{
    struct seal_question question;
    struct registry_credential *credential = &holder->credential;
    ask_about(manager, vault, holder, &question);
    return ask_twice(&question, text, credential->imported ? credential->binding : credential->digest, doubt, error);
}

sealring_status seal_confirm(sealring_manager *manager, const struct registry_vault *vault,
                             const struct registry_holder *holder, char text[SEAL_TEXT_SIZE], bool *confirmed,
                             enum seal_doubt *doubt, sealring_error *error)
{
    struct seal_question question;
    const struct registry_credential *credential = &holder->credential;
    const uint8_t *stored = credential->imported ? credential->binding : credential->digest;
    uint8_t answer[TEXT_DIGEST_SIZE], again[TEXT_DIGEST_SIZE];
    ask_about(manager, vault, holder, &question);
    sealring_status status = ask(&question, text, answer, error);
    *confirmed = status == SEALRING_OK && secret_equal(answer, stored, sizeof answer);
    if (status == SEALRING_OK && !*confirmed) {
        status = ask(&question, text, again, error);
        *confirmed = status == SEALRING_OK && secret_equal(again, stored, sizeof again);
        if (*confirmed) { /* the first answer was wrong, and this one is certain */
            atomic_store(&manager->contradicted, true);
            atomic_store(&manager->alarmed, true);
        } else if (status == SEALRING_OK && !secret_equal(answer, again, sizeof answer)) {
            status = report_contradiction(&question, doubt, error);
        }
    }
    secret_wipe(answer, sizeof answer);
    secret_wipe(again, sizeof again);
    return status;
}

/* The newest credential of a key is never superseded or ended, as what does that inserts the next one in the same transaction. Otherwise the row of a newer
 * credential is hidden, which may have had fewer scopes. */
static sealring_status check_newest(sealring_manager *manager, const struct registry_holder *holder,
                                    enum seal_doubt *doubt, sealring_error *error)
{
    const struct registry_credential *credential = &holder->credential;
    bool superseded = credential->replaced || credential->state == SEALRING_CREDENTIAL_SUPERSEDED;
    if (!superseded && credential->serial == holder->key.last_serial)
        return SEALRING_OK;
    raise_doubt(manager, doubt, SEAL_UNCONFIRMED);
    return error_set(
        error, SEALRING_REFUSED,
        "ALARM: credential %u of API key %s %s, but the registry has no later one: the registry was altered; "
        "nothing was derived from it (to go on without it: sealring revoke %s, and issue again)",
        credential->serial, holder->key.key_id, superseded ? "was superseded" : "is not the last one",
        holder->key.key_id);
}

/* The claims that the token has just confirmed contain the label of the issue, unless they are of version 1; only a fact gives the key another. Names of
 * files are made of labels, so with an edited one a credential would get into the hands of another client's application. */
static sealring_status check_label(sealring_manager *manager, const struct registry_holder *holder,
                                   enum seal_doubt *doubt, sealring_error *error)
{
    const struct registry_key *key = &holder->key;
    const char *issued = holder->credential.label;
    if (key->relabelled || issued[0] == '\0' || strcmp(key->label, issued) == 0)
        return SEALRING_OK;
    raise_doubt(manager, doubt, SEAL_UNCONFIRMED);
    return error_set(
        error, SEALRING_REFUSED,
        "ALARM: API key %s was issued with the label %s, and its row contains %s: the registry was altered; "
        "nothing was derived from it (to continue: sealring key set %s --label %s)",
        key->key_id, issued, key->label, key->key_id, issued);
}

sealring_status seal_again(sealring_manager *manager, const struct registry_vault *vault,
                           const struct registry_holder *holder, char text[SEAL_TEXT_SIZE], enum seal_doubt *doubt,
                           sealring_error *error)
{
    bool confirmed = false;
    text[0] = '\0';
    if (holder->key.state == SEALRING_KEY_REVOKED)
        return error_set(
            error, SEALRING_REFUSED,
            "API key %s is revoked, and that is final; if a list shows it as active, the registry was altered: "
            "see `sealring audit verify`",
            holder->key.key_id);
    if (!lifecycle_accepts(holder->version.state))
        return error_set(
            error, SEALRING_REFUSED,
            "API key %s cannot be confirmed: its newest credential is under version %u of ring %s, which is %s; "
            "%s",
            holder->key.key_id, holder->version.number, holder->ring.name,
            sealring_version_state_name(holder->version.state),
            holder->version.state == SEALRING_VERSION_RETIRED
                ? "`sealring reinstate` that version and repeat"
                : "issue it from your own list, with the column key_id (sealring issue RING --from CSV)");
    sealring_status status = check_newest(manager, holder, doubt, error);
    if (status == SEALRING_OK)
        status = seal_confirm(manager, vault, holder, text, &confirmed, doubt, error);
    if (status == SEALRING_OK && !confirmed) {
        raise_doubt(manager, doubt, SEAL_UNCONFIRMED);
        status = error_set(
            error, SEALRING_REFUSED,
            "the token does not confirm the registry's row of API key %s: the registry was altered; nothing was "
            "derived from it (if the row was made of a wrong answer of the token: sealring revoke %s, and issue again)",
            holder->key.key_id, holder->key.key_id);
    }
    if (status == SEALRING_OK)
        status = check_label(manager, holder, doubt, error);
    if (status != SEALRING_OK)
        secret_wipe(text, SEAL_TEXT_SIZE);
    return status;
}

sealring_status seal_next_serial(struct registry_key *key, sealring_error *error)
{
    uint32_t next = ends_next_serial(&key->ends, key->last_serial);
    if (next == 0)
        return error_set(error, SEALRING_REFUSED,
                         "API key %s has no serials left for further credentials: issue another API key instead of it",
                         key->key_id);
    key->last_serial = next;
    return SEALRING_OK;
}

sealring_status seal_successor(sealring_manager *manager, const struct registry_vault *vault,
                               const struct registry_holder *holder, const struct registry_version *active,
                               struct registry_holder *successor, sealring_error *error)
{
    *successor = *holder;
    successor->version = *active;
    sealring_status status = seal_next_serial(&successor->key, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_credential *credential = &successor->credential;
    credential->serial = successor->key.last_serial;
    credential->version = active->number;
    credential->state = SEALRING_CREDENTIAL_CURRENT;
    credential->replaced = false;
    credential->retire_at = 0;
    credential->issued = clock_wall_ms();
    /* the successor of an imported key is a credential of sealring's own */
    credential->imported = false;
    memset(credential->label, 0, sizeof credential->label);
    credential->origin = vault->facts_begun ? credential->issued : 0;
    credential->predecessor = 0;
    if (vault->facts_begun)
        memcpy(credential->label, successor->key.label, sizeof credential->label);
    memset(credential->binding, 0, sizeof credential->binding);
    return token_random(manager->token, credential->nonce, sizeof credential->nonce, error);
}

sealring_status seal_end(const sealring_manager *manager, struct registry_key *key, uint32_t serial, int64_t end,
                         sealring_error *error)
{
    char time[SEALRING_TIME_SIZE];
    if (ends_add(&key->ends, serial, end, manager_now(manager)))
        return SEALRING_OK;
    sealring_time_format((key->ends.items[1].at + 999) / 1000 * 1000, time);
    return error_set(
        error, SEALRING_REFUSED,
        "the credentials of API key %s have %d different ends, which are not past: wait until %s, or end all at "
        "once (sealring key rekey %s --overlap 0s)",
        key->key_id, KEY_ENDS_MAX, time, key->key_id);
}

/* An imported key does not end with the retirement of a version: it ends by itself, and its holder has the overlap to change to the new one. */
static sealring_status end_imported(const sealring_manager *manager, const struct registry_holder *older,
                                    struct registry_key *key, sealring_error *error)
{
    const struct registry_credential *imported = &older->credential;
    int64_t end = manager_now(manager) + older->ring.policy.overlap;
    return seal_end(manager, key, imported->serial, end < imported->expires ? end : imported->expires, error);
}

sealring_status seal_insert_successor(sealring_manager *manager, const struct registry_holder *older,
                                      const struct registry_holder *successor, sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_credential superseded = older->credential;
    struct registry_key key = successor->key;
    superseded.state = SEALRING_CREDENTIAL_SUPERSEDED;
    sealring_status status = superseded.imported && !superseded.replaced
                                 ? end_imported(manager, older, &key, error) /* which supersedes it with the key */
                                 : registry_credential_update(registry, &superseded, error);
    if (status == SEALRING_OK)
        status = registry_credential_insert(registry, &successor->credential, error);
    return status == SEALRING_OK ? registry_key_set_serial(registry, &key, error) : status;
}

void seal_record(const sealring_manager *manager, struct audit_act *act)
{
    if (manager->seals)
        audit_detail_add(act, "sealed", json_true());
    if (manager->claims)
        audit_detail_add(act, "claims", json_true());
}

/* What was issued stays issued. */
static sealring_status report_unsealed(const char *key_id, const sealring_error *inner, sealring_error *error)
{
    if (inner->status == SEALRING_OK)
        return SEALRING_OK;
    (void)error_set(error, inner->status,
                    "the credential of API key %s was issued and could not be encrypted: %s; sealring reissue %s "
                    "--sealed delivers it",
                    key_id, inner->message, key_id);
    if (error != NULL)
        error->token_code = inner->token_code;
    return inner->status;
}

sealring_status seal_open(struct seal_receiver *receiver, size_t room, sealring_error *error)
{
    if (!receiver->manager->seals || room == 0)
        return SEALRING_OK;
    return sealed_delivery_open(receiver->manager, room, &receiver->delivery, error);
}

sealring_status seal_announce(struct seal_receiver *receiver, const struct registry_holder *holder, const char *text,
                              sealring_error *error)
{
    sealring_error inner = {.message = ""};
    if (receiver->delivery == NULL || holder->credential.imported)
        return SEALRING_OK;
    if (receiver->first == NULL)
        receiver->first = holder->key.key_id;
    inner.status = sealed_delivery_add_asked(receiver->delivery, holder, text, &inner);
    return report_unsealed(holder->key.key_id, &inner, error);
}

sealring_status seal_sign(struct seal_receiver *receiver, sealring_error *error)
{
    sealring_error inner = {.message = ""};
    if (receiver->delivery == NULL)
        return SEALRING_OK;
    inner.status = sealed_delivery_sign(receiver->delivery, &inner);
    return report_unsealed(receiver->first, &inner, error);
}

static sealring_status encrypt(struct seal_receiver *receiver, const char *key_id, const char *text, char **sealed,
                               sealring_error *error)
{
    sealring_error inner = {.message = ""};
    unsigned char *der = NULL;
    size_t length = 0;
    inner.status = sealed_delivery_make(receiver->delivery, receiver->passed++, text, &der, &length, &inner);
    if (inner.status == SEALRING_OK && (*sealed = envelope_pem(der, length)) == NULL)
        inner.status = error_no_memory(&inner);
    OPENSSL_free(der);
    return report_unsealed(key_id, &inner, error);
}

sealring_status seal_hand_over(struct seal_receiver *receiver, const struct registry_holder *holder, const char *text,
                               size_t index, bool existed, sealring_error *error)
{
    char *sealed = NULL;
    bool imported = holder->credential.imported, claimed = receiver->manager->claims && !imported;
    if (receiver->delivery != NULL && !imported) {
        sealring_status status = encrypt(receiver, holder->key.key_id, text, &sealed, error);
        if (status != SEALRING_OK)
            return status;
    }
    sealring_issued issued = {
        .index = index,
        .client = holder->client.name,
        .label = holder->key.label,
        .key_id = holder->key.key_id,
        .scopes = holder->credential.scopes,
        .version = holder->credential.version,
        .serial = holder->credential.serial,
        .expires = holder->credential.expires,
        .existed = existed,
        .credential = imported || sealed != NULL || claimed ? NULL : text,
        .claim = claimed ? text : NULL,
        .sealed = sealed,
    };
    int stopped = receiver->each(&issued, receiver->context);
    OPENSSL_free(sealed);
    if (stopped == 0)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED,
                     "handing over was stopped at API key %s; what was issued stays issued and can be reissued",
                     holder->key.key_id);
}

sealring_status seal_active_version(sealring_manager *manager, const struct registry_ring *ring,
                                    struct registry_version *active, sealring_error *error)
{
    struct registry_version version;
    bool found = false;
    sealring_status status = era_check(manager->registry, manager, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor versions = registry_versions(manager->registry, ring->id, error);
    while (registry_version_next(&versions, &version)) {
        if (version.state != SEALRING_VERSION_ACTIVE || version.unfounded)
            continue;
        *active = version;
        found = true;
    }
    status = registry_close_cursor(&versions, SEALRING_OK);
    if (status == SEALRING_OK && !found)
        status =
            error_set(error, SEALRING_REFUSED, "ring %s has no active version, so it cannot issue: sealring rotate %s",
                      ring->name, ring->name);
    return status;
}
