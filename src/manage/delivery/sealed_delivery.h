/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed delivery: a credential with a note that the audit token signed, encrypted to a certificate. */
#ifndef MANAGE_DELIVERY_SEALED_DELIVERY_H
#define MANAGE_DELIVERY_SEALED_DELIVERY_H

#include "manage/delivery/recipient.h"
#include "manage/session/manager.h"

/* ---- What the manager's caller asked for (sealring_seal_credentials); nothing, if it passes credentials in plain text */

/* Before an act that issues: SEALRING_TOKEN, SEALRING_REFUSED if nothing could be signed. Logs in. */
sealring_status sealed_delivery_foresee(sealring_manager *manager, sealring_error *error);

/* In a transaction: as recipient_registered, for the client of this name. */
sealring_status sealed_delivery_check(sealring_manager *manager, const char *client, sealring_error *error);

/* ---- Making them */

struct sealed_delivery;

/* Outside any transaction: reads the keys and opens the audit token, which stays open until sealed_delivery_close: one login for all that an act
 * delivers. */
sealring_status sealed_delivery_open(sealring_manager *manager, struct sealed_delivery **opened, sealring_error *error);
void sealed_delivery_close(struct sealed_delivery *delivery); /* may be NULL */

/* One credential, `text`, which the token has just confirmed or made for `holder` (ring, version's number, client's name, key's ID and label,
 * credential's serial and expiry). Uses the audit token and nothing else. Writes CMS in DER, to be freed with OPENSSL_free. */
sealring_status sealed_delivery_make(struct sealed_delivery *delivery, X509 *recipient,
                                     const struct registry_holder *holder, const char *text, unsigned char **der,
                                     size_t *length, sealring_error *error);

/* The same in PEM with a NUL, to the recipient that the manager's caller asked for, in a transaction of its own. */
sealring_status sealed_delivery_make_pem(struct sealed_delivery *delivery, const struct registry_holder *holder,
                                         const char *text, char **pem, sealring_error *error);

#endif
