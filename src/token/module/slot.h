/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the slot of the token that an RFC 7512 URI names. */
#ifndef TOKEN_MODULE_SLOT_H
#define TOKEN_MODULE_SLOT_H

#include <stdbool.h>

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <sealring/verify.h>

#define SLOT_NAME_SIZE 160

/* Parses a URI that names a token and nothing else. SEALRING_INVALID; the message never contains a URI with a PIN in it. */
sealring_status slot_parse_uri(const char *text, P11KitUri **uri, sealring_error *error);

/* Finds the one initialised token that matches, and checks that it is usable: PIN set, and with `hmac` CKM_SHA256_HMAC. */
sealring_status slot_find(CK_FUNCTION_LIST *functions, P11KitUri *uri, const char *uri_text, bool hmac,
                          CK_SLOT_ID *slot, CK_TOKEN_INFO *info, sealring_error *error);

/* CKR_OK if the token of the URI is (still) in this slot and initialised; else the reason. */
CK_RV slot_ask(CK_FUNCTION_LIST *functions, P11KitUri *uri, CK_SLOT_ID slot);

/* "label (serial number)". */
void slot_name(const CK_TOKEN_INFO *info, char name[SLOT_NAME_SIZE]);

#endif
