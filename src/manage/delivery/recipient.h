/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate to which a client's credentials are encrypted. */
#ifndef MANAGE_DELIVERY_RECIPIENT_H
#define MANAGE_DELIVERY_RECIPIENT_H

#include "manage/delivery/certificate.h"
#include "registry/rows/rows.h"

/* In a transaction: the client's certificate, which its last fact confirms. SEALRING_REFUSED: it has none, or it is not valid at that time
 * (ms), or was edited (*altered). Free it with X509_free. */
sealring_status recipient_registered(struct registry *registry, const struct registry_client *client, int64_t now,
                                     X509 **recipient, bool *altered, sealring_error *error);

/* In a transaction: all but the size. */
sealring_status recipient_describe(struct registry *registry, const struct registry_client *client,
                                   sealring_certificate_info *info, sealring_error *error);

#endif
