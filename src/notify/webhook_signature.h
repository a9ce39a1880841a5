/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of webhooks as in the Standard Webhooks specification, version 1.0.0: pure. */
#ifndef NOTIFY_WEBHOOK_SIGNATURE_H
#define NOTIFY_WEBHOOK_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"

#define WEBHOOK_KEY_SIZE    32 /* of sealring's own; the specification allows 24 to 64 bytes */
#define WEBHOOK_KEY_MAX     64
#define WEBHOOK_KEYS_MAX    16 /* signatures of one webhook */
#define WEBHOOK_ID_MAX      64
#define WEBHOOK_SECRET_SIZE (sizeof "whsec_" + BASE64_LENGTH(WEBHOOK_KEY_MAX))

#define WEBHOOK_SIGNATURE_LENGTH (sizeof "v1," - 1 + BASE64_LENGTH(32))
#define WEBHOOK_SIGNATURES_SIZE  (WEBHOOK_KEYS_MAX * (WEBHOOK_SIGNATURE_LENGTH + 1))

/* Secret: wipe it. */
struct webhook_key {
    uint8_t bytes[WEBHOOK_KEY_MAX];
    size_t length;
};

/* Letters, digits, `_`, `-`, 1 to WEBHOOK_ID_MAX: no full stop, which separates the parts of the signed content. */
bool webhook_id_is_valid(const char *id);

/* Writes the value of the header webhook-signature: for each key `v1,` and the base64 of HMAC-SHA256(key, `ID.SECONDS.BODY`), separated by blanks.
 * False: the ID or the number of keys is not valid, or there is no memory. */
bool webhook_sign(const struct webhook_key *keys, size_t count, const char *id, int64_t seconds, const void *body,
                  size_t length, char signatures[WEBHOOK_SIGNATURES_SIZE]);

/* Writes `whsec_` and the key in base64, as receivers configure it. */
void webhook_secret_text(const struct webhook_key *key, char text[WEBHOOK_SECRET_SIZE]);

#endif
