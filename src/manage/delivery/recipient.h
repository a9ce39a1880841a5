/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate to which a client's credentials are encrypted. */
#ifndef MANAGE_DELIVERY_RECIPIENT_H
#define MANAGE_DELIVERY_RECIPIENT_H

#include "manage/delivery/certificate.h"
#include "registry/rows/rows.h"

enum recipient_state {
    RECIPIENT_UNKNOWN, /* the registry cannot be read */
    RECIPIENT_FOUND,
    RECIPIENT_NONE,    /* there is no such client, or it has no certificate, or that is not valid at the time */
    RECIPIENT_ALTERED, /* the client's last fact does not confirm the certificate */
};

/* In a transaction: the certificate of the client of this name, for a time in ms. SEALRING_OK if it is found; otherwise *recipient is NULL. Free it with
 * X509_free. */
sealring_status recipient_find(struct registry *registry, const char *client, int64_t now, X509 **recipient,
                               enum recipient_state *state, sealring_error *error);

/* In a transaction: all but the size. */
sealring_status recipient_describe(struct registry *registry, const struct registry_client *client,
                                   sealring_certificate_info *info, sealring_error *error);

#endif
