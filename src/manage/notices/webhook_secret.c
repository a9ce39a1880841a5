/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets that webhooks are signed with: the token derives them from the ring that sealring.conf names, and nothing stores them. */
#include "manage/notices/webhook_secret.h"

#include <inttypes.h>
#include <string.h>

#include <sealring/webhooks.h>

#include "base/error.h"
#include "base/secret.h"
#include "kdf/webhook_input.h"
#include "lifecycle/transition_table.h"
#include "log/log_entry.h"
#include "manage/act/act.h"
#include "verifier/request/derive.h"

#define WEBHOOK_ACT "webhook.secret"

_Static_assert(WEBHOOK_SECRET_SIZE <= sizeof((sealring_webhook_secret *)0)->text, "the text fits");

/* ---- The ring ---- */

static bool has_accepted(const struct ring_state *state)
{
    for (size_t i = 0; i < state->count; i++)
        if (lifecycle_accepts(state->rows[i].state))
            return true;
    return false;
}

sealring_status webhook_source_read(sealring_manager *manager, struct webhook_source *source, sealring_error *error)
{
    const char *ring = manager->config->notify.webhook_ring;
    sealring_status status;
    source->manager = manager;
    if (ring[0] == '\0')
        return error_set(
            error, SEALRING_REFUSED,
            "webhooks have no secrets: create a ring for them and name it as webhook-ring in sealring.conf");
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = state_load(manager->registry, ring, &source->state, error);
        if (status == SEALRING_OK)
            source->vault = *registry_vault_row(manager->registry);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && !has_accepted(&source->state))
        status = error_set(
            error, SEALRING_REFUSED,
            "ring %s, from which the secrets of webhooks are derived, has no accepted version: sealring rotate %s",
            ring, ring);
    return status;
}

void webhook_source_release(struct webhook_source *source)
{
    state_release(&source->state);
}

/* ---- Deriving ---- */

/* The token is asked twice, as for a credential: a wrong secret would be noticed by the receiver alone. */
static sealring_status derive_key(const struct webhook_source *source, const struct registry_version *version,
                                  const char *client, struct webhook_key *key, sealring_error *error)
{
    struct token *token = source->manager->token;
    const struct registry_ring *ring = &source->state.ring;
    struct token_key_reference reference;
    uint8_t input[WEBHOOK_INPUT_MAX], again[TOKEN_HMAC_SIZE];
    size_t length = webhook_input(source->vault.vault_id, ring->ring_id, version->number, client, input);
    sealring_status status = derive_knows_prf(ring, version, error);
    if (status == SEALRING_OK && length == 0)
        status = error_set(error, SEALRING_REGISTRY, "the registry's row of client %.64s is not well formed", client);
    derive_reference(&source->vault, ring, version, &reference);
    if (status == SEALRING_OK)
        status = token_hmac(token, &reference, input, length, key->bytes, NULL, error);
    if (status == SEALRING_OK)
        status = token_hmac(token, &reference, input, length, again, NULL, error);
    if (status == SEALRING_OK && !secret_equal(key->bytes, again, sizeof again))
        status =
            error_set_token(error, 0,
                            "ALARM: the PKCS#11 token %s answered the same question twice, and not the same: have the "
                            "token and its module examined",
                            token_name(token));
    key->length = WEBHOOK_KEY_SIZE;
    secret_wipe(again, sizeof again);
    return status;
}

sealring_status webhook_source_keys(const struct webhook_source *source, const char *client,
                                    struct webhook_key keys[WEBHOOK_KEYS_MAX], size_t *count, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    *count = 0;
    for (int active = 1; active >= 0; active--)
        for (size_t i = source->state.count; i-- > 0 && *count < WEBHOOK_KEYS_MAX && status == SEALRING_OK;) {
            const struct registry_version *version = &source->state.rows[i];
            if (!lifecycle_accepts(version->state) || (version->state == SEALRING_VERSION_ACTIVE) != active)
                continue;
            status = derive_key(source, version, client, &keys[*count], error);
            *count += status == SEALRING_OK;
        }
    if (status != SEALRING_OK)
        secret_wipe(keys, WEBHOOK_KEYS_MAX * sizeof keys[0]);
    return status;
}

/* ---- One secret, for the operator ---- */

static sealring_status find_version(const struct webhook_source *source, uint32_t number,
                                    const struct registry_version **found, sealring_error *error)
{
    const struct ring_state *state = &source->state;
    for (size_t i = 0; i < state->count; i++)
        if (number == 0 ? state->rows[i].state == SEALRING_VERSION_ACTIVE : state->rows[i].number == number)
            *found = &state->rows[i];
    if (*found == NULL && number == 0)
        return error_set(error, SEALRING_REFUSED, "ring %s has no active version: name another with --version",
                         state->ring.name);
    if (*found == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no version %" PRIu32, state->ring.name, number);
    if (lifecycle_accepts((*found)->state))
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED, "version %" PRIu32 " of ring %s is %s: no webhook is signed with it",
                     number, state->ring.name, sealring_version_state_name((*found)->state));
}

static sealring_status check_client(sealring_manager *manager, const char *name, sealring_error *error)
{
    struct registry_client client;
    bool found = false;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_client_find(manager->registry, name, &client, &found, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && !found)
        return error_set(error, SEALRING_NOT_FOUND, "there is no client %.64s: sealring client list", name);
    return status;
}

static sealring_status hand_out(sealring_manager *manager, const char *client, uint32_t number, struct audit_act *act,
                                sealring_webhook_secret *secret, sealring_error *error)
{
    struct webhook_source source = {.manager = NULL};
    const struct registry_version *version = NULL;
    struct webhook_key key;
    sealring_status status = webhook_source_read(manager, &source, error);
    if (status == SEALRING_OK)
        status = check_client(manager, client, error);
    if (status == SEALRING_OK)
        status = find_version(&source, number, &version, error);
    if (status == SEALRING_OK)
        status = derive_key(&source, version, client, &key, error);
    if (status == SEALRING_OK) {
        memcpy(act->ring, source.state.ring.name, sizeof act->ring);
        memcpy(act->client, client, strlen(client) + 1);
        act->version = secret->version = version->number;
        status = manager_record(manager, act, error);
    }
    if (status == SEALRING_OK && !manager->dry_run)
        webhook_secret_text(&key, secret->text);
    secret_wipe(&key, sizeof key);
    webhook_source_release(&source);
    return status;
}

sealring_status sealring_webhook_secret_derive(sealring_manager *manager, const char *client, uint32_t version,
                                               sealring_webhook_secret *secret, sealring_error *error)
{
    struct audit_act act = {.name = WEBHOOK_ACT};
    if (secret->size != sizeof *secret)
        return error_set(error, SEALRING_INVALID, "sealring_webhook_secret has another size");
    memset(secret->text, 0, sizeof secret->text);
    sealring_status status = manager_begin(manager, "notify secret", true, error);
    if (status != SEALRING_OK)
        return status;
    status = hand_out(manager, client, version, &act, secret, error);
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}
