/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate to which a client's credentials are encrypted. */
#include "manage/delivery/recipient.h"

#include "base/error.h"

/* *recipient NULL: there is none, or *state. */
static sealring_status read_registered(struct registry *registry, const struct registry_client *client,
                                       enum client_state *state, X509 **recipient, sealring_error *error)
{
    uint8_t bytes[REGISTRY_CERTIFICATE_MAX];
    struct registry_client copy = *client;
    size_t length = 0;
    const char *problem;
    *recipient = NULL;
    sealring_status status = registry_client_certificate(registry, &copy, state, bytes, &length, error);
    if (status != SEALRING_OK || length == 0)
        return status;
    *recipient = certificate_read(bytes, length, &problem);
    return *recipient != NULL
               ? SEALRING_OK
               : error_set(error, SEALRING_REGISTRY, "the certificate of client %s %s", client->name, problem);
}

sealring_status recipient_find(struct registry *registry, const char *name, int64_t now, X509 **recipient,
                               enum recipient_state *state, sealring_error *error)
{
    char text[CERTIFICATE_PROBLEM_SIZE];
    struct registry_client client;
    enum client_state proof = CLIENT_CONFIRMED;
    bool found;
    *recipient = NULL;
    *state = RECIPIENT_UNKNOWN;
    sealring_status status = registry_client_find(registry, name, &client, &found, error);
    if (status == SEALRING_OK && found)
        status = read_registered(registry, &client, &proof, recipient, error);
    if (status != SEALRING_OK)
        return status;
    *state = proof != CLIENT_CONFIRMED ? RECIPIENT_ALTERED : RECIPIENT_NONE;
    if (!found)
        return error_set(error, SEALRING_REFUSED,
                         "client %s is not there yet, and would have no certificate: sealring client add %s "
                         "--certificate FILE",
                         name, name);
    if (proof != CLIENT_CONFIRMED)
        return error_set(error, SEALRING_REFUSED,
                         "ALARM: the registry was altered: the certificate of client %s is not the one that was set; "
                         "nothing is encrypted to it: set it again (sealring client set %s --certificate FILE)",
                         name, name);
    if (*recipient == NULL)
        return error_set(error, SEALRING_REFUSED,
                         "client %s has no certificate: sealring client set %s --certificate FILE", name, name);
    const char *problem = certificate_problem(*recipient, now, text);
    if (problem == NULL) {
        *state = RECIPIENT_FOUND;
        return SEALRING_OK;
    }
    X509_free(*recipient);
    *recipient = NULL;
    return error_set(error, SEALRING_REFUSED,
                     "the certificate of client %s %s; sealring client set %s --certificate FILE", name, problem, name);
}

sealring_status recipient_describe(struct registry *registry, const struct registry_client *client,
                                   sealring_certificate_info *info, sealring_error *error)
{
    X509 *certificate = NULL;
    enum client_state state;
    sealring_status status = read_registered(registry, client, &state, &certificate, error);
    if (status != SEALRING_OK)
        return status;
    info->state = state != CLIENT_CONFIRMED ? "altered" : certificate == NULL ? "none" : "confirmed";
    if (certificate != NULL)
        certificate_describe(certificate, info);
    X509_free(certificate);
    return SEALRING_OK;
}
