/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed delivery: a credential with a note that the audit token signed, encrypted to a certificate. */
#ifndef MANAGE_DELIVERY_SEALED_DELIVERY_H
#define MANAGE_DELIVERY_SEALED_DELIVERY_H

#include "manage/delivery/recipient.h"
#include "manage/session/manager.h"

/* ---- What the manager's caller asked for (sealring_seal_credentials); nothing, if it passes credentials in plain text */

/* Before an act that issues: SEALRING_TOKEN, SEALRING_REFUSED if nothing could be signed. Logs in. */
sealring_status sealed_delivery_foresee(sealring_manager *manager, sealring_error *error);

/* In a transaction: SEALRING_REFUSED as recipient_find, for the client of this name. */
sealring_status sealed_delivery_check(sealring_manager *manager, const char *client, sealring_error *error);

/* ---- Making them: opened, each one added, all of them signed, each one made */

struct sealed_delivery;

/* For at most `room` credentials. */
sealring_status sealed_delivery_open(sealring_manager *manager, size_t room, struct sealed_delivery **opened,
                                     sealring_error *error);
void sealed_delivery_close(struct sealed_delivery *delivery); /* may be NULL */

/* Adds the next credential, `text`, which the token has just confirmed or made for `holder`: of that ring, version's number, client's name,
 * key's ID and label, credential's serial and expiry are used. Without I/O. Takes a reference of its own to the recipient. */
sealring_status sealed_delivery_add(struct sealed_delivery *delivery, X509 *recipient,
                                    const struct registry_holder *holder, const char *text, sealring_error *error);

/* The same, to the recipient that the manager's caller asked for, in a transaction of its own. */
sealring_status sealed_delivery_add_asked(struct sealed_delivery *delivery, const struct registry_holder *holder,
                                          const char *text, sealring_error *error);

/* Has all that were added signed, DELIVERIES_MAX with each signature. Outside any transaction: reads the keys, and logs in to the audit token. */
sealring_status sealed_delivery_sign(struct sealed_delivery *delivery, sealring_error *error);

/* The one that was added as number `index`, from 0, with the same text. Without I/O. Writes CMS in DER, to be freed with OPENSSL_free. */
sealring_status sealed_delivery_make(const struct sealed_delivery *delivery, size_t index, const char *text,
                                     unsigned char **der, size_t *length, sealring_error *error);

#endif
