/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets of webhooks. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_WEBHOOKS_H
#define SEALRING_WEBHOOKS_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* A client's secret, as a receiver of webhooks configures it (Standard Webhooks 1.0.0): allocate it with sealring_secret_allocate. */
typedef struct sealring_webhook_secret {
    size_t size;
    uint32_t version; /* of the ring `webhook-ring` in sealring.conf that it is derived from */
    char text[96];    /* whsec_ and the base64 of 32 bytes */
} sealring_webhook_secret;

/* Derives the secret of a client under one version of the ring that `webhook-ring` names. version 0: the active one; any other must be accepted: of one that is
 * made but not active yet the secret can be given to the client ahead. Webhooks have a signature for each accepted version. An audit entry records who
 * asked for which secret. SEALRING_NOT_FOUND: there is no such client, ring or version; SEALRING_REFUSED: sealring.conf names no ring, or the version is not
 * accepted. Needs the token. With dry_run the text stays empty. */
sealring_status sealring_webhook_secret_derive(sealring_manager *manager, const char *client, uint32_t version,
                                               sealring_webhook_secret *secret, sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
