/* SPDX-License-Identifier: Apache-2.0 */
/* Clients: the holders of API keys. */
#include "manage/keys/clients.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/name.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "manage/delivery/notice_settings.h"
#include "manage/delivery/certificate.h"
#include "manage/session/manager.h"
#include "registry/notices/outbox_rows.h"
#include "registry/rows/client_notices.h"

sealring_status client_check(const char *name, const char *contact, sealring_error *error)
{
    char problem[128];
    const char *wrong = name_client_problem(name, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the client's name %s", wrong);
    wrong = contact == NULL ? NULL : name_contact_problem(contact, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the contact of client %s %s", name, wrong);
    return SEALRING_OK;
}

static bool is_none(const uint8_t hash[REGISTRY_DIGEST_SIZE])
{
    static const uint8_t none[REGISTRY_DIGEST_SIZE];
    return memcmp(hash, none, sizeof none) == 0;
}

/* In DER, as it is stored; length 0: none. */
struct client_certificate {
    unsigned char *der;
    size_t length;
};

/* What an act sets; NULL: as it is. */
struct client_values {
    const char *contact; /* "": none */
    const struct client_certificate *certificate;
    const char *notices; /* as they are stored */
};

/* In memory. New values get a new salt; all of them share it, so one that is kept keeps it. */
static void set_values(const sealring_manager *manager, struct registry_client *client,
                       const struct client_values *values)
{
    bool keeps = (values->contact == NULL && client->contact[0] != '\0') ||
                 (values->certificate == NULL && !is_none(client->certificate_hash)) ||
                 (values->notices == NULL && !is_none(client->notices_hash));
    bool salts = (values->contact != NULL && values->contact[0] != '\0') ||
                 (values->certificate != NULL && values->certificate->length > 0) ||
                 (values->notices != NULL && values->notices[0] != '\0');
    if (!keeps)
        memset(client->salt, 0, sizeof client->salt);
    if (!keeps && salts)
        commit_random(manager, client->name, client->salt);
    if (values->contact != NULL) {
        memset(client->contact, 0, sizeof client->contact);
        memcpy(client->contact, values->contact, strlen(values->contact) + 1);
    }
    registry_client_seal(manager->registry, client);
}

static sealring_status write_values(sealring_manager *manager, struct registry_client *client,
                                    const struct client_values *values, sealring_error *error)
{
    const struct client_certificate *certificate = values->certificate;
    set_values(manager, client, values);
    sealring_status status =
        certificate == NULL
            ? registry_client_update(manager->registry, client, error)
            : registry_client_set_certificate(manager->registry, client, certificate->der, certificate->length, error);
    if (status == SEALRING_OK && values->notices != NULL)
        status = registry_client_set_notices(manager->registry, client, values->notices, error);
    return status == SEALRING_OK && values->notices != NULL
               ? registry_notices_drop(manager->registry, client->id, values->notices, error)
               : status;
}

static sealring_status refuse_certificate(const char *name, const char *problem, sealring_error *error)
{
    return error_set(error, SEALRING_INVALID, "the certificate for client %s %s", name, problem);
}

static sealring_status read_certificate(const char *name, const void *bytes, size_t length,
                                        struct client_certificate *certificate, sealring_error *error)
{
    char text[CERTIFICATE_PROBLEM_SIZE];
    const char *problem = NULL;
    *certificate = (struct client_certificate){.length = 0};
    if (length == 0)
        return SEALRING_OK;
    X509 *x509 = certificate_read(bytes, length, &problem);
    if (x509 == NULL)
        return refuse_certificate(name, problem, error);
    problem = certificate_problem(x509, clock_wall_ms(), text);
    if (problem == NULL && !certificate_has_sound_key(x509))
        problem = "has a public key that is not valid";
    int size = problem == NULL ? i2d_X509(x509, &certificate->der) : 0;
    X509_free(x509);
    if (problem != NULL)
        return refuse_certificate(name, problem, error);
    if (size <= 0)
        return error_no_memory(error);
    certificate->length = (size_t)size;
    return SEALRING_OK;
}

sealring_status client_insert(sealring_manager *manager, const char *name, const char *contact,
                              struct registry_client *client, sealring_error *error)
{
    *client = (struct registry_client){.created = manager_now(manager)};
    memcpy(client->name, name, strlen(name) + 1);
    set_values(manager, client, &(struct client_values){.contact = contact});
    return registry_client_insert(manager->registry, client, error);
}

sealring_status client_get(struct registry *registry, const char *name, struct registry_client *client,
                           sealring_error *error)
{
    bool found;
    sealring_status status = registry_client_find(registry, name, client, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no client %s: see `sealring client list`", name);
    return status;
}

sealring_status client_check_known(struct registry *registry, const char *name, sealring_error *error)
{
    struct registry_client client;
    sealring_status status = client_check(name, NULL, error);
    return status != SEALRING_OK ? status : client_get(registry, name, &client, error);
}

struct client_change {
    const char *purpose, *act;
    sealring_status (*apply)(sealring_manager *manager, const struct client_change *change, sealring_error *error);
    const char *name;
    struct client_values values;
    const sealring_notice_settings *settings; /* NULL: as they are */
};

/* The client's settings with what the act changes of them, as the text that values->notices is then; also if only the contact changes, which they may
 * need. What somebody edited does not count. */
static sealring_status change_notices(sealring_manager *manager, const struct client_change *change,
                                      struct registry_client *client, char text[NOTICE_TEXT_SIZE],
                                      struct client_values *values, sealring_error *error)
{
    static const sealring_notice_settings none = {.channels = NULL};
    const char *contact = change->values.contact != NULL ? change->values.contact : client->contact;
    struct notice_settings settings;
    enum client_state state = CLIENT_CONFIRMED;
    sealring_status status = registry_client_notices(manager->registry, client, &state, text, error);
    if (status != SEALRING_OK)
        return status;
    if (!notice_settings_read(text, &settings))
        return error_set(error, SEALRING_REGISTRY, "the settings of notices of client %s are damaged", client->name);
    status = notice_settings_change(&settings, change->settings != NULL ? change->settings : &none, contact[0] != '\0',
                                    error);
    if (status != SEALRING_OK || change->settings == NULL)
        return status;
    notice_settings_write(&settings, text);
    values->notices = text;
    return text[0] == '\0' ? SEALRING_OK : registry_notices_begin(manager->registry, manager_now(manager), error);
}

static sealring_status client_add(sealring_manager *manager, const struct client_change *change, sealring_error *error)
{
    struct registry_client client;
    bool found;
    char notices[NOTICE_TEXT_SIZE];
    struct client_values others = {.certificate = change->values.certificate};
    sealring_status status = registry_client_find(manager->registry, change->name, &client, &found, error);
    if (status == SEALRING_OK && found)
        return error_set(error, SEALRING_REFUSED, "there is a client %s already%s", change->name,
                         client.forgotten != 0 ? " (forgotten: its name stays taken)" : "");
    if (status == SEALRING_OK)
        status = client_insert(manager, change->name, change->values.contact, &client, error);
    if (status == SEALRING_OK)
        status = change_notices(manager, change, &client, notices, &others, error);
    return status == SEALRING_OK && (others.certificate != NULL || others.notices != NULL)
               ? write_values(manager, &client, &others, error)
               : status;
}

/* The client that is to be changed, with what vouches for it. */
static sealring_status client_get_kept(struct registry *registry, const char *name, struct registry_client *client,
                                       struct registry_client_proof *proof, sealring_error *error)
{
    sealring_status status = client_get(registry, name, client, error);
    if (status == SEALRING_OK)
        status = registry_client_prove(registry, client, proof, error);
    if (status == SEALRING_OK && client->forgotten != 0)
        return error_set(error, SEALRING_REFUSED, "client %s was forgotten", name);
    return status;
}

/* The act's fact contains all values: one that is not set must be what was set, or it would be confirmed by that. */
static sealring_status check_kept(const char *name, const char *what, const char *option, enum client_state state,
                                  sealring_error *error)
{
    if (state == CLIENT_CONFIRMED)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED,
                     "%sthe %s of client %s is not the one that was set; nothing was changed: set it, too "
                     "(sealring client set %s --%s)",
                     state == CLIENT_ALTERED ? "ALARM: the registry was altered: " : "", what, name, name, option);
}

static sealring_status client_set(sealring_manager *manager, const struct client_change *change, sealring_error *error)
{
    struct registry_client client;
    struct registry_client_proof proof;
    struct client_values values = change->values;
    char notices[NOTICE_TEXT_SIZE];
    const char *name = change->name;
    sealring_status status = client_get_kept(manager->registry, name, &client, &proof, error);
    if (status == SEALRING_OK && change->values.contact == NULL)
        status = check_kept(name, "contact", "contact TEXT", proof.contact, error);
    if (status == SEALRING_OK && change->values.certificate == NULL)
        status = check_kept(name, "certificate", "certificate FILE", proof.certificate, error);
    if (status == SEALRING_OK && change->settings == NULL)
        status = check_kept(name, "text of settings for notices", "notify CHANNELS", proof.notices, error);
    if (status == SEALRING_OK)
        status = change_notices(manager, change, &client, notices, &values, error);
    return status == SEALRING_OK ? write_values(manager, &client, &values, error) : status;
}

/* Deletes contact, certificate and settings permanently, with the client's right to get API keys. */
static sealring_status client_forget(sealring_manager *manager, const struct client_change *change,
                                     sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_client client, listed;
    struct registry_client_proof proof;
    uint64_t keys = 0;
    sealring_status status = client_get_kept(registry, change->name, &client, &proof, error);
    if (status == SEALRING_OK) {
        struct registry_cursor clients = registry_clients(registry, change->name, error);
        (void)registry_client_next(&clients, &listed, &keys);
        status = registry_close_cursor(&clients, SEALRING_OK);
    }
    if (status != SEALRING_OK)
        return status;
    if (keys > 0)
        return error_set(error, SEALRING_REFUSED,
                         "client %s still has %llu API key%s: revoke %s first (sealring key list --client %s)",
                         change->name, (unsigned long long)keys, keys == 1 ? "" : "s", keys == 1 ? "it" : "them",
                         change->name);
    client.forgotten = manager_now(manager);
    return write_values(manager, &client, &change->values, error);
}

static sealring_status client_change(sealring_manager *manager, const struct client_change *change,
                                     sealring_error *error)
{
    struct audit_act act = {.name = change->act};
    sealring_status status = client_check(change->name, change->values.contact, error);
    if (status == SEALRING_OK)
        status = manager_begin_dated(manager, change->purpose, false, error);
    if (status != SEALRING_OK)
        return status;
    /* the entry contains neither contact nor certificate nor settings, so that `client forget` does not have to change the log */
    memcpy(act.client, change->name, strlen(change->name) + 1);
    /* the new epoch shows to a bulk issue in progress that its plan may be outdated */
    struct commit commit = manager_commit(manager, true, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = change->apply(manager, change, error);
    } while (commit_again(&commit, &status));
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}

/* With what the caller passes as certificate: NULL: as it is, or none for a new client. */
static sealring_status change_certified(sealring_manager *manager, struct client_change *change, const void *bytes,
                                        size_t length, sealring_error *error)
{
    struct client_certificate certificate = {.length = 0};
    sealring_status status = client_check(change->name, change->values.contact, error);
    if (status == SEALRING_OK && bytes != NULL) {
        change->values.certificate = &certificate;
        status = read_certificate(change->name, bytes, length, &certificate, error);
    }
    if (status == SEALRING_OK)
        status = client_change(manager, change, error);
    OPENSSL_free(certificate.der);
    return status;
}

sealring_status sealring_client_add_notified(sealring_manager *manager, const char *name, const char *contact,
                                             const void *certificate, size_t length,
                                             const sealring_notice_settings *settings, sealring_error *error)
{
    struct client_change change = {"client add", "client.add", client_add, name, {.contact = contact}, settings};
    return change_certified(manager, &change, certificate, length, error);
}

sealring_status sealring_client_set_notified(sealring_manager *manager, const char *name, const char *contact,
                                             const void *certificate, size_t length,
                                             const sealring_notice_settings *settings, sealring_error *error)
{
    struct client_change change = {"client set", "client.set", client_set, name, {.contact = contact}, settings};
    return change_certified(manager, &change, certificate, length, error);
}

sealring_status sealring_client_add_certified(sealring_manager *manager, const char *name, const char *contact,
                                              const void *certificate, size_t length, sealring_error *error)
{
    return sealring_client_add_notified(manager, name, contact, certificate, length, NULL, error);
}

sealring_status sealring_client_set_certified(sealring_manager *manager, const char *name, const char *contact,
                                              const void *certificate, size_t length, sealring_error *error)
{
    return sealring_client_set_notified(manager, name, contact, certificate, length, NULL, error);
}

sealring_status sealring_client_add(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error)
{
    return sealring_client_add_certified(manager, name, contact, NULL, 0, error);
}

sealring_status sealring_client_set(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error)
{
    return sealring_client_set_certified(manager, name, contact != NULL ? contact : "", NULL, 0, error);
}

sealring_status sealring_client_forget(sealring_manager *manager, const char *name, sealring_error *error)
{
    static const struct client_certificate none = {.length = 0};
    const struct client_change change = {"client forget", "client.forget", client_forget, name, {"", &none, ""}, NULL};
    return client_change(manager, &change, error);
}
