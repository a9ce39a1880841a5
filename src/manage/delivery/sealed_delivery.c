/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed delivery: a credential with a note that the audit token signed, encrypted to a certificate. */
#include "manage/delivery/sealed_delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "log/delivery_note.h"
#include "log/key_change.h"
#include "manage/delivery/envelope.h"
#include "manage/session/audit_token_parts.h"

struct sealed_delivery {
    sealring_manager *manager;
    struct token *token;
    struct audit_keys keys;
};

/* The credential, a line, and the note. */
#define PLAIN_SIZE (SEALRING_CREDENTIAL_LENGTH_MAX + 1 + DELIVERY_TEXT_SIZE + 1 + NOTE_LINE_SIZE)

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
    struct registry_client client;
    X509 *recipient = NULL;
    bool found;
    if (!manager->seals || manager->seals_to != NULL)
        return SEALRING_OK;
    sealring_status status = registry_client_find(manager->registry, name, &client, &found, error);
    if (status == SEALRING_OK && !found)
        return error_set(
            error, SEALRING_REFUSED,
            "client %s is not there yet, and would have no certificate: sealring client add %s --certificate FILE",
            name, name);
    if (status == SEALRING_OK)
        status = recipient_registered(manager->registry, &client, clock_wall_ms(), &recipient, error);
    X509_free(recipient);
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

sealring_status sealed_delivery_open(sealring_manager *manager, struct sealed_delivery **opened, sealring_error *error)
{
    struct sealed_delivery *delivery = calloc(1, sizeof *delivery);
    *opened = NULL;
    if (delivery == NULL)
        return error_no_memory(error);
    delivery->manager = manager;
    sealring_status status = read_keys(manager, &delivery->keys, error);
    if (status == SEALRING_OK)
        status = witness_open(manager->config, &delivery->token, error);
    if (status != SEALRING_OK)
        free(delivery);
    else
        *opened = delivery;
    return status;
}

void sealed_delivery_close(struct sealed_delivery *delivery)
{
    if (delivery != NULL)
        token_close(delivery->token);
    free(delivery);
}

sealring_status sealed_delivery_foresee(sealring_manager *manager, sealring_error *error)
{
    struct sealed_delivery *delivery = NULL;
    sealring_status status = manager->seals ? sealed_delivery_open(manager, &delivery, error) : SEALRING_OK;
    sealed_delivery_close(delivery);
    return status;
}

/* ---- One credential ---- */

static bool describe(const struct sealed_delivery *delivery, X509 *recipient, const struct registry_holder *holder,
                     const char *text, struct delivery_note *note)
{
    unsigned length = 0;
    *note = (struct delivery_note){
        .version = holder->credential.version,
        .serial = holder->credential.serial,
        .expires = holder->credential.expires,
        .sealed = clock_wall_ms(),
    };
    memcpy(note->vault_id, registry_vault_row(delivery->manager->registry)->vault_id, sizeof note->vault_id);
    memcpy(note->ring, holder->ring.name, sizeof note->ring);
    memcpy(note->client, holder->client.name, sizeof note->client);
    memcpy(note->label, holder->key.label, sizeof note->label);
    memcpy(note->prefix, holder->ring.prefix, sizeof note->prefix);
    memcpy(note->key_id, holder->key.key_id, sizeof note->key_id);
    sha256(text, strlen(text), note->credential);
    return X509_digest(recipient, EVP_sha256(), note->recipient, &length) == 1;
}

sealring_status sealed_delivery_make(struct sealed_delivery *delivery, X509 *recipient,
                                     const struct registry_holder *holder, const char *text, unsigned char **der,
                                     size_t *length, sealring_error *error)
{
    struct delivery_note about;
    char about_text[DELIVERY_TEXT_SIZE], note[REGISTRY_NOTE_SIZE], plain[PLAIN_SIZE];
    *der = NULL;
    *length = 0;
    if (!describe(delivery, recipient, holder, text, &about))
        return error_no_memory(error);
    delivery_note_format(&about, about_text);
    sealring_status status =
        witness_sign_text(delivery->token, about.vault_id, &delivery->keys, about_text, note, error);
    if (status != SEALRING_OK)
        return status;
    int size = snprintf(plain, sizeof plain, "%s\n%s", text, note);
    if (size < 0 || (size_t)size >= sizeof plain || !envelope_make(recipient, plain, (size_t)size, der, length))
        status = error_set(error, SEALRING_SYSTEM, "OpenSSL does not encrypt to the certificate");
    secret_wipe(plain, sizeof plain);
    return status;
}

static sealring_status find_recipient(sealring_manager *manager, const char *name, X509 **recipient,
                                      sealring_error *error)
{
    struct registry_client client;
    sealring_status status;
    bool found = false;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        X509_free(*recipient);
        *recipient = NULL;
        if (registry_begin(&reading, &status))
            status = registry_client_find(manager->registry, name, &client, &found, error);
        if (status == SEALRING_OK && !found)
            status = error_set(error, SEALRING_NOT_FOUND, "there is no client %s", name);
        if (status == SEALRING_OK)
            status = recipient_registered(manager->registry, &client, clock_wall_ms(), recipient, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status sealed_delivery_make_pem(struct sealed_delivery *delivery, const struct registry_holder *holder,
                                         const char *text, char **pem, sealring_error *error)
{
    X509 *recipient = NULL;
    unsigned char *der = NULL;
    size_t length = 0;
    sealring_manager *manager = delivery->manager;
    sealring_status status = SEALRING_OK;
    *pem = NULL;
    if (manager->seals_to == NULL)
        status = find_recipient(manager, holder->client.name, &recipient, error);
    else if (X509_up_ref(manager->seals_to) == 1)
        recipient = manager->seals_to;
    if (status == SEALRING_OK)
        status = sealed_delivery_make(delivery, recipient, holder, text, &der, &length, error);
    if (status == SEALRING_OK && (*pem = envelope_pem(der, length)) == NULL)
        status = error_no_memory(error);
    OPENSSL_free(der);
    X509_free(recipient);
    return status;
}
