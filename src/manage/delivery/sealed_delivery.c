/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed delivery: a credential with a note that the audit token signed, encrypted to a certificate. */
#include "manage/delivery/sealed_delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "log/delivery_note.h"
#include "log/key_change.h"
#include "manage/delivery/envelope.h"
#include "manage/session/audit_token_parts.h"

struct addressed {
    X509 *recipient;
    char about[DELIVERY_TEXT_SIZE]; /* delivery_note_format */
};

struct sealed_delivery {
    sealring_manager *manager;
    size_t room, count;
    struct addressed *addressed;
    char (*notes)[REGISTRY_NOTE_SIZE]; /* signed, for DELIVERIES_MAX each */
};

/* The credential, a line; about it; an empty line; the note. */
#define PLAIN_SIZE (SEALRING_CREDENTIAL_LENGTH_MAX + 1 + DELIVERY_TEXT_SIZE + 1 + REGISTRY_NOTE_SIZE)

/* ---- What the caller asked for ---- */

static sealring_status refuse_certificate(const char *problem, sealring_error *error)
{
    return error_set(error, SEALRING_INVALID, "the recipient's certificate %s", problem);
}

sealring_status sealring_seal_credentials(sealring_manager *manager, const void *certificate, size_t length,
                                          sealring_error *error)
{
    char text[CERTIFICATE_PROBLEM_SIZE];
    const char *problem = NULL;
    if (!witness_configured(manager->config))
        return error_set(error, SEALRING_REFUSED,
                         "vault %s has no audit token, whose key signs what is encrypted: credentials can be issued in "
                         "plain text only",
                         manager->config->directory);
    if (manager->claims)
        return error_set(error, SEALRING_INVALID, "credentials are encrypted or claimed, not both");
    X509 *recipient = certificate != NULL ? certificate_read(certificate, length, &problem) : NULL;
    if (problem == NULL && recipient != NULL)
        problem = certificate_problem(recipient, clock_wall_ms(), text);
    if (problem == NULL && recipient != NULL && !certificate_has_sound_key(recipient))
        problem = "has a public key that is not valid";
    if (problem != NULL) {
        X509_free(recipient);
        return refuse_certificate(problem, error);
    }
    X509_free(manager->seals_to);
    manager->seals_to = recipient;
    manager->seals = true;
    return SEALRING_OK;
}

sealring_status sealed_delivery_check(sealring_manager *manager, const char *name, sealring_error *error)
{
    X509 *recipient = NULL;
    enum recipient_state state;
    if (!manager->seals || manager->seals_to != NULL)
        return SEALRING_OK;
    sealring_status status = recipient_find(manager->registry, name, clock_wall_ms(), &recipient, &state, error);
    X509_free(recipient);
    if (state == RECIPIENT_ALTERED)
        atomic_store(&manager->alarmed, true);
    return status;
}

/* ---- The audit token ---- */

static sealring_status read_keys(sealring_manager *manager, struct audit_keys *keys, sealring_error *error)
{
    sealring_status status;
    bool found = false;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = audit_keys_find(manager->registry, keys, &found, error);
    } while (registry_again(&reading, &status));
    return status == SEALRING_OK && !found
               ? error_set(error, SEALRING_REFUSED, "the registry names no key that signs what is encrypted")
               : status;
}

sealring_status sealed_delivery_foresee(sealring_manager *manager, sealring_error *error)
{
    struct token *token = NULL;
    sealring_status status = manager->seals ? witness_open(manager->config, &token, error) : SEALRING_OK;
    token_close(token);
    return status;
}

static sealring_status sign_one(const struct sealed_delivery *delivery, struct token *token,
                                const struct audit_keys *keys, size_t first, sealring_error *error)
{
    char text[DELIVERIES_TEXT_SIZE];
    const uint8_t *vault_id = registry_vault_row(delivery->manager->registry)->vault_id;
    deliveries_begin(text);
    for (size_t i = first; i < delivery->count && i < first + DELIVERIES_MAX; i++)
        deliveries_add(text, delivery->addressed[i].about);
    return witness_sign_text(token, vault_id, keys, text, delivery->notes[first / DELIVERIES_MAX], error);
}

sealring_status sealed_delivery_sign(struct sealed_delivery *delivery, sealring_error *error)
{
    struct audit_keys keys;
    struct token *token = NULL;
    if (delivery->count == 0)
        return SEALRING_OK;
    sealring_status status = read_keys(delivery->manager, &keys, error);
    if (status == SEALRING_OK)
        status = witness_open(delivery->manager->config, &token, error);
    for (size_t i = 0; status == SEALRING_OK && i < delivery->count; i += DELIVERIES_MAX)
        status = sign_one(delivery, token, &keys, i, error);
    token_close(token);
    return status;
}

/* ---- Credentials ---- */

sealring_status sealed_delivery_open(sealring_manager *manager, size_t room, struct sealed_delivery **opened,
                                     sealring_error *error)
{
    struct sealed_delivery *delivery = calloc(1, sizeof *delivery);
    *opened = delivery;
    if (delivery == NULL)
        return error_no_memory(error);
    *delivery = (struct sealed_delivery){.manager = manager, .room = room};
    delivery->addressed = calloc(room, sizeof *delivery->addressed);
    delivery->notes = calloc((room + DELIVERIES_MAX - 1) / DELIVERIES_MAX, sizeof *delivery->notes);
    return delivery->addressed == NULL || delivery->notes == NULL ? error_no_memory(error) : SEALRING_OK;
}

void sealed_delivery_close(struct sealed_delivery *delivery)
{
    if (delivery == NULL)
        return;
    for (size_t i = 0; i < delivery->count; i++)
        X509_free(delivery->addressed[i].recipient);
    free(delivery->addressed);
    free(delivery->notes);
    free(delivery);
}

static bool describe(const sealring_manager *manager, X509 *recipient, const struct registry_holder *holder,
                     const char *text, struct delivery_note *note)
{
    unsigned length = 0;
    *note = (struct delivery_note){
        .version = holder->credential.version,
        .serial = holder->credential.serial,
        .expires = holder->credential.expires,
        .sealed = clock_wall_ms(),
    };
    memcpy(note->vault_id, registry_vault_row(manager->registry)->vault_id, sizeof note->vault_id);
    memcpy(note->ring, holder->ring.name, sizeof note->ring);
    memcpy(note->client, holder->client.name, sizeof note->client);
    memcpy(note->label, holder->key.label, sizeof note->label);
    memcpy(note->prefix, holder->ring.prefix, sizeof note->prefix);
    memcpy(note->key_id, holder->key.key_id, sizeof note->key_id);
    sha256(text, strlen(text), note->credential);
    return X509_digest(recipient, EVP_sha256(), note->recipient, &length) == 1;
}

sealring_status sealed_delivery_add(struct sealed_delivery *delivery, X509 *recipient,
                                    const struct registry_holder *holder, const char *text, sealring_error *error)
{
    struct delivery_note about;
    struct addressed *addressed = &delivery->addressed[delivery->count];
    if (delivery->count == delivery->room)
        return error_set(error, SEALRING_INVALID, "more credentials are to be encrypted than was announced");
    if (!describe(delivery->manager, recipient, holder, text, &about) || X509_up_ref(recipient) != 1)
        return error_no_memory(error);
    addressed->recipient = recipient;
    delivery_note_format(&about, addressed->about);
    delivery->count++;
    return SEALRING_OK;
}

static sealring_status find_recipient(sealring_manager *manager, const char *name, X509 **recipient,
                                      sealring_error *error)
{
    enum recipient_state state;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        X509_free(*recipient);
        *recipient = NULL;
        if (registry_begin(&reading, &status))
            status = recipient_find(manager->registry, name, clock_wall_ms(), recipient, &state, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status sealed_delivery_add_asked(struct sealed_delivery *delivery, const struct registry_holder *holder,
                                          const char *text, sealring_error *error)
{
    X509 *own = NULL, *recipient = delivery->manager->seals_to;
    if (recipient != NULL)
        return sealed_delivery_add(delivery, recipient, holder, text, error);
    sealring_status status = find_recipient(delivery->manager, holder->client.name, &own, error);
    if (status == SEALRING_OK)
        status = sealed_delivery_add(delivery, own, holder, text, error);
    X509_free(own);
    return status;
}

sealring_status sealed_delivery_make(const struct sealed_delivery *delivery, size_t index, const char *text,
                                     unsigned char **der, size_t *length, sealring_error *error)
{
    char plain[PLAIN_SIZE];
    const struct addressed *addressed = &delivery->addressed[index];
    int size =
        snprintf(plain, sizeof plain, "%s\n%s\n%s", text, addressed->about, delivery->notes[index / DELIVERIES_MAX]);
    sealring_status status = SEALRING_OK;
    if (size < 0 || (size_t)size >= sizeof plain ||
        !envelope_make(addressed->recipient, plain, (size_t)size, der, length))
        status = error_set(error, SEALRING_SYSTEM, "OpenSSL does not encrypt to the certificate");
    secret_wipe(plain, sizeof plain);
    return status;
}
